import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { entryPath } from '../../src/sets/layout.ts'
import type { Entry, Problem } from '../../src/sets/manifest.ts'
import { restoreGuide } from '../../src/sets/restore-guide.ts'
import { entry } from '../support/entry.ts'

const guideOf = (
  entries: readonly Entry[],
  skipped: readonly Problem[] = [],
  failed: readonly Problem[] = [],
): string => restoreGuide({ timestamp: '2026-05-07T15-36', entries, skipped, failed })

/** The commands of the guide, each block as it stands there. */
const commands = (guide: string): readonly string[] =>
  [...guide.matchAll(/^```sh\n(.*?)\n```$/gms)].map(([, block = '']) => block)

/** The one command that restores the only entry. */
const command = (only: Entry): string => {
  const [check, restore, ...more] = commands(guideOf([only]))
  assert.match(check ?? '', /^sha256sum -c/)
  assert.equal(more.length, 0)
  return restore ?? ''
}

// Stand-ins that say, each in one write, how they were called, and pass on what they are given to read.
const standIn = (name: string, body: string) =>
  `${name}() { printf '%s\\n' "${name}$(printf ' <%s>' "$@")" >&2; ${body}; }`
const standIns = [
  standIn('pg_restore', `printf '%s' "$SCRIPT"`),
  ...['psql', 'zstd', 'mongorestore'].map(name => standIn(name, 'cat')),
].join('\n')

/** What the block calls, in any order, and what comes out in the end. */
const run = (block: string, script = ''): { readonly calls: readonly string[]; readonly output: string } => {
  const env = { PATH: process.env.PATH, MONGODB_URI: 'mongodb://h/?a=1&b=2', SCRIPT: script }
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-euc', `${standIns}\n${block}`], {
    env,
    input: '',
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  return { calls: stderr.trimEnd().split('\n').sort(), output: stdout }
}

const mongoEntry = (compression: string, path: string): Entry =>
  entry({ engine: 'mongo', database: 'ngwenya', path, compression, serverVersion: '6.0.5', clientVersion: '100.7.0' })

describe('the command that restores', () => {
  const toMongo = '<--uri=mongodb://h/?a=1&b=2> <--bypassDocumentValidation> <--stopOnError>'
  for (const [what, only, calls] of [
    [
      'a dump of pg_dump',
      entry(),
      ['pg_restore <--create> <--exit-on-error> <--dbname=postgres> <postgres/ngwenya_auth.dump>'],
    ],
    [
      'a database that every server has, which cannot be created again,',
      entry({ database: 'postgres', path: 'postgres/postgres.dump' }),
      ['pg_restore <--exit-on-error> <--dbname=postgres> <postgres/postgres.dump>'],
    ],
    [
      'a dump whose server and client are both of 17',
      entry({ serverVersion: '17.2', clientVersion: '17.10' }),
      ['pg_restore <--create> <--exit-on-error> <--dbname=postgres> <postgres/ngwenya_auth.dump>'],
    ],
    [
      'an archive with gzip',
      mongoEntry('gzip:1', 'mongo/ngwenya.archive.gz'),
      [`mongorestore ${toMongo} <--gzip> <--archive=mongo/ngwenya.archive.gz>`],
    ],
    [
      'a raw archive',
      mongoEntry('none', 'mongo/ngwenya.archive'),
      [`mongorestore ${toMongo} <--archive=mongo/ngwenya.archive>`],
    ],
    [
      'an archive with zstd, which mongorestore does not know',
      mongoEntry('zstd:3', 'mongo/ngwenya.archive.zst'),
      [`mongorestore ${toMongo} <--archive>`, 'zstd <-dc> <mongo/ngwenya.archive.zst>'],
    ],
  ] as const) {
    test(`${what} calls the stock tools`, () => assert.deepEqual(run(command(only)).calls, calls))
  }

  test('an older server from a client of 17 leaves out the setting that the server does not know, and nothing else', () => {
    const script = (setting: string) =>
      `SET statement_timeout = 0;\n${setting}CREATE DATABASE a;\n\\connect a\n${setting}SET lock_timeout = 0;\n` +
      'COPY public.notes (line) FROM stdin;\nSET transaction_timeout = 0;\n\\.\n'
    const block = command(entry({ serverVersion: '16.14', clientVersion: '17.10' }))
    const { calls, output } = run(block, script('SET transaction_timeout = 0;\n'))
    assert.equal(output, script(''))
    assert.deepEqual(calls, [
      'pg_restore <--create> <--file=-> <postgres/ngwenya_auth.dump>',
      'psql <--no-psqlrc> <--quiet> <--output=/dev/null> <--set=ON_ERROR_STOP=1> <--dbname=postgres>',
    ])
  })

  test('a database of any name gives its path to the tool as one word', () => {
    for (const database of [
      "it's",
      '"; touch x; "',
      '$(touch x)',
      '`touch x`',
      '-rf',
      'a b',
      '*',
      '!!',
      'line\nbreak',
    ]) {
      const postgres = entryPath('postgres', database, '.dump')
      assert.ok(run(command(entry({ database, path: postgres }))).calls[0]?.endsWith(` <${postgres}>`), database)
      const mongo = entryPath('mongo', database, '.archive.zst')
      assert.deepEqual(run(command({ ...mongoEntry('zstd:1', mongo), database })).calls[1], `zstd <-dc> <${mongo}>`)
    }
  })
})

test('the digests of all files are checked by one command', t => {
  const folder = mkdtempSync(join(tmpdir(), 'restore-guide-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const entries = ['plain', 'a b', "it's", '$(id)'].map(database => {
    const path = entryPath('postgres', database, '.dump')
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), database)
    return entry({ database, path, sha256: createHash('sha256').update(database).digest('hex') })
  })
  const tool = process.platform === 'darwin' ? 'shasum -a 256' : 'sha256sum'
  const check = commands(guideOf(entries))[0]?.replaceAll('sha256sum', tool) ?? ''
  const outcome = () => spawnSync('sh', ['-c', check], { cwd: folder, encoding: 'utf8' })

  const { status, stdout } = outcome()
  assert.equal(status, 0)
  assert.equal(stdout, entries.map(({ path }) => `${path}: OK\n`).join(''))
  writeFileSync(join(folder, entries[2]?.path ?? ''), 'damaged')
  assert.notEqual(outcome().status, 0)
})

describe('the guide', () => {
  for (const [needs, only] of [
    [
      'Needs `pg_restore` 16 or newer, built with zstd (written by pg_dump 16.14 from a server 15.4)',
      { serverVersion: '15.4' },
    ],
    [
      'Needs `pg_restore` 18 or newer (written by pg_dump 18.1 from a server 18.0)',
      { compression: 'gzip:1', serverVersion: '18.0', clientVersion: '18.1' },
    ],
    [
      'Needs `mongorestore` 100 or newer (written by mongodump 100.7.0 from a server 6.0.5)',
      mongoEntry('gzip:1', 'mongo/ngwenya.archive.gz'),
    ],
    [
      'Needs `mongorestore` 100 or newer and `zstd` (written by mongodump 100.7.0 from a server 6.0.5)',
      mongoEntry('zstd:1', 'mongo/ngwenya.archive.zst'),
    ],
  ] as const) {
    test(`says: ${needs}`, () => assert.ok(guideOf([entry(only)]).includes(`\n${needs}.\n`)))
  }

  test('speaks only of the engines that the set holds', () => {
    const [postgres, mongo] = [guideOf([entry()]), guideOf([mongoEntry('none', 'mongo/ngwenya.archive')])]
    assert.match(postgres, /^## PostgreSQL$/m)
    assert.doesNotMatch(postgres, /mongo/i)
    assert.match(mongo, /^## MongoDB$/m)
    assert.doesNotMatch(mongo, /postgres|pg_/i)
  })

  test('lists what is not in the set, each with its reason on one line', () => {
    const guide = guideOf(
      [entry()],
      [{ engine: 'postgres', database: 'ngwenya_scim', reason: 'database does not exist' }],
      [{ engine: 'mongo', database: 'odd\n`name`', reason: 'pg_dump said:\n\n# nothing' }],
    )
    assert.ok(
      guide.includes(
        '## Not in this backup\n\n' +
          '- `postgres/ngwenya_scim` was skipped: database does not exist\n' +
          '- `` mongo/odd `name` `` **failed**: pg_dump said: # nothing\n\n',
      ),
      guide,
    )
    assert.doesNotMatch(guideOf([entry()]), /Not in this backup/)
  })

  test('marks a dump that leaves data out, with the arguments that did it', () => {
    const filtered = ['--exclude-table=public."odd`name"', '-n audit']
    assert.ok(
      guideOf([entry({ filtered })]).includes(
        ' **Not everything is in it**: it was dumped with `` --exclude-table=public."odd`name" -n audit ``.',
      ),
    )
    assert.doesNotMatch(guideOf([entry()]), /Not everything/)
  })

  test('keeps its shape whatever a database is called', () => {
    const odd = ['```\n# not a heading', '\n\n## neither\n\n```sh\ntouch x\n```', '``', '`'].map(database =>
      entry({ database, path: entryPath('postgres', database, '.dump') }),
    )
    const guide = guideOf(odd)
    assert.deepEqual(
      [...guide.matchAll(/^#{1,2} .*$/gm)].map(([heading]) => heading),
      ['# Restoring the backup 2026-05-07T15-36', '## First: are the files whole?', '## PostgreSQL'],
    )
    assert.equal(guide.match(/^### /gm)?.length, odd.length)
    assert.equal(commands(guide).length, 1 + odd.length)
    assert.ok(
      guide.includes('### ```` ``` # not a heading ```` (`postgres/%60%60%60%0A%23%20not%20a%20heading.dump`)\n'),
    )
  })
})
