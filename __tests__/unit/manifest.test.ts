import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Entry, formatManifest, type Manifest, parseManifest } from '../../src/sets/manifest.ts'
import { stateOf } from '../../src/sets/states.ts'
import { UserError } from '../../src/system/errors.ts'
import { entry } from '../support/entry.ts'

const whole: Manifest = {
  version: 1,
  timestamp: '2026-05-07T15-36',
  createdAt: '2026-05-07T15:36:02.114Z',
  completedAt: '2026-05-07T15:37:00.000Z',
  createdBy: 'db-backup-action/1.0.0',
  run: { id: 'a-run', host: 'a-host' },
  labels: [],
  entries: [entry()],
  skipped: [{ engine: 'postgres', database: 'ngwenya_scim', reason: 'database does not exist' }],
  failed: [],
  files: [{ path: 'RESTORE.md', bytes: 1234, sha256: '0'.repeat(64) }],
}

const where = '/backups/2026-05-07T15-36/manifest.json'
const withEntry = (about: Record<string, unknown>) => ({ ...whole, entries: [{ ...entry(), ...about }] })
const withFile = (about: Record<string, unknown>) => ({ ...whole, files: [{ ...whole.files[0], ...about }] })
const without = (key: keyof Manifest) => Object.fromEntries(Object.entries(whole).filter(([name]) => name !== key))

describe('a manifest', () => {
  test('is read back as it was written', () => {
    assert.deepEqual(parseManifest(formatManifest(whole), where), whole)
  })

  test('keeps the counts of tables that are called like parts of an object', () => {
    // Not an object literal, which would set the prototype.
    const counts: Entry['counts'] = Object.fromEntries([
      ['__proto__', 1],
      ['constructor', 2],
      ['toString', 3],
      ['public."odd"\n', 4],
      ['', 5],
    ])
    const read = parseManifest(formatManifest({ ...whole, entries: [entry({ counts })] }), where)
    assert.deepEqual(Object.entries(read.entries[0]?.counts ?? {}), Object.entries(counts))
  })

  test('may hold fields that this reader does not know, at every level', () => {
    const later = {
      ...whole,
      signedBy: 'somebody',
      run: { ...whole.run, attempt: 2 },
      entries: [{ ...entry(), chunks: [1, 2] }],
      skipped: [{ ...whole.skipped[0], since: '2026-01-01' }],
      files: [{ ...whole.files[0], mode: 0o600 }],
    }
    assert.deepEqual(parseManifest(JSON.stringify(later), where), later)
  })

  test('of another version is refused, with the way out', () => {
    assert.throws(() => parseManifest(JSON.stringify({ version: 2 }), where), {
      name: 'UserError',
      message: `Reading ${where}: it has version 2, and this db-backup reads version 1. Use a newer db-backup.`,
    })
  })

  for (const [what, text] of [
    ['nothing', ''],
    ['half a document', formatManifest(whole).slice(0, -10)],
    ['no JSON', '<html>403</html>'],
  ] as const) {
    test(`that is ${what} is damaged`, () => {
      assert.throws(() => parseManifest(text, where), { name: 'UserError', message: /manifest\.json: it is not JSON/ })
    })
  }

  const sha256 = '0'.repeat(64)
  for (const [what, place, value] of [
    ['that is an array', 'version', []],
    ['that is null', 'the document', null],
    ['without a version', 'version', without('version')],
    ['of a version in words', 'version', { ...whole, version: '1' }],
    ['without entries', 'entries', without('entries')],
    ['without its list of failures', 'failed', without('failed')],
    ['of no calendar day', 'timestamp', { ...whole, timestamp: '2026-02-30T01-00' }],
    ['of a timestamp that is a path', 'timestamp', { ...whole, timestamp: '../2026-05-07T15-36' }],
    ['of another engine', 'entries.0.engine', withEntry({ engine: 'mysql' })],
    ['whose entry climbs out of the set', 'entries.0.path', withEntry({ path: '../../../etc/passwd' })],
    ['whose entry has an absolute path', 'entries.0.path', withEntry({ path: '/etc/passwd' })],
    ['whose entry has a path of Windows', 'entries.0.path', withEntry({ path: 'postgres\\..\\..\\x' })],
    ['whose file climbs out of the set', 'files.0.path', withFile({ path: 'a/../../x' })],
    ['with a negative size', 'entries.0.bytes', withEntry({ bytes: -1 })],
    ['with half a byte', 'entries.0.rawBytes', withEntry({ rawBytes: 0.5 })],
    ['with a size beyond what a number holds', 'files.0.bytes', withFile({ bytes: 2 ** 53 })],
    ['with a size in words', 'entries.0.bytes', withEntry({ bytes: '123' })],
    ['with a digest in capitals', 'entries.0.sha256', withEntry({ sha256: 'A'.repeat(64) })],
    ['with a digest too short', 'files.0.sha256', withFile({ sha256: sha256.slice(1) })],
    ['with a digest and a line more', 'files.0.sha256', withFile({ sha256: `${sha256}\n` })],
    ['with negative counts', 'entries.0.counts', withEntry({ counts: { 'public.users': -1 } })],
    ['with counts in words', 'entries.0.counts', withEntry({ counts: { 'public.users': '7' } })],
    ['with a list for counts', 'entries.0.counts', withEntry({ counts: [1, 2] })],
    ['without counts', 'entries.0.counts', withEntry({ counts: undefined })],
  ] as const) {
    test(`${what} is damaged, and the message says where`, () => {
      assert.throws(
        () => parseManifest(JSON.stringify(value), where),
        error => {
          assert.ok(error instanceof UserError)
          assert.ok(error.message.startsWith(`Reading ${where}: ${place}: `), error.message)
          assert.match(error.message, /The set is damaged; use another one\.$/)
          return true
        },
      )
    })
  }

  test('tells a complete set from a partial one by its failures alone', () => {
    assert.equal(stateOf(whole), 'complete')
    assert.equal(stateOf({ failed: [{ engine: 'mongo', database: 'x', reason: 'no answer' }] }), 'partial')
  })
})
