import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeName, entryPath, isPathInside, parseEntryPath } from '../../src/sets/layout.ts'

const names = [
  'ngwenya_auth',
  'App-v1.2',
  '.',
  '..',
  '...',
  '../../etc/passwd',
  '/',
  'a/b',
  'a\\b',
  '%',
  '%2E%2E',
  '%zz',
  '.hidden',
  '-rf',
  '--help',
  'trailing.',
  ' leading and trailing ',
  "it's",
  '"quoted"',
  '`id`',
  '$(id)',
  '*',
  '~',
  'CON',
  'line\nbreak',
  'tab\there',
  'bell\u0007',
  'é',
  'e\u0301',
  '数据库',
  '🐊',
  '\u202Egnp.exe',
  'x.dump',
  'x.dump.age',
  'x.archive',
  'x.archive.gz',
  'manifest.json',
  'n'.repeat(63),
]

const suffixes = {
  postgres: ['.dump', '.dump.age'],
  mongo: ['.archive', '.archive.gz', '.archive.zst', '.archive.age', '.archive.gz.age', '.archive.zst.age'],
} as const

describe("a database's name in a path", () => {
  for (const name of names) {
    test(`${JSON.stringify(name)} stays inside its folder, needs no quotes in a shell, and is read back`, () => {
      for (const engine of ['postgres', 'mongo'] as const) {
        for (const suffix of suffixes[engine]) {
          const path = entryPath(engine, name, suffix)
          assert.ok(isPathInside(path), path)
          assert.match(path, /^(?:mongo|postgres)\/[A-Za-z0-9_%][A-Za-z0-9_%.-]*$/)
          assert.deepEqual(parseEntryPath(path), { engine, database: name })
        }
      }
    })
  }

  test('names that differ have paths that differ', () => {
    assert.equal(new Set(names.map(encodeName)).size, names.length)
  })

  test('plain names stay as they are; the rest is percent-encoded UTF-8 in capitals', () => {
    assert.deepEqual(['ngwenya_auth', 'App-v1.2', '..', '-rf', 'a/b', '100%', 'é'].map(encodeName), [
      'ngwenya_auth',
      'App-v1.2',
      '%2E.',
      '%2Drf',
      'a%2Fb',
      '100%25',
      '%C3%A9',
    ])
  })
})

test('the sets of older scripts, whose names are not encoded, are read too', () => {
  assert.deepEqual(parseEntryPath('postgres/my db.dump'), { engine: 'postgres', database: 'my db' })
})

test('a path that is no dump of the layout has no engine and no database', () => {
  for (const path of [
    'manifest.json',
    'RESTORE.md',
    'postgres/.dump',
    'mongo/.archive.gz',
    'postgres/a/b.dump',
    'mongo/x.dump',
    'postgres/x.archive.gz',
    'postgres/x.dump.gz',
    'mongo/x.archive.bz2',
    'mongo/x.archive.age.gz',
    'mysql/x.dump',
    'Postgres/x.dump',
    '/postgres/x.dump',
    '../postgres/x.dump',
    'x/postgres/x.dump',
    'postgres/x.dump ',
    'postgres/%zz.dump',
    'postgres/%C3.dump',
    '',
  ]) {
    assert.equal(parseEntryPath(path), undefined, JSON.stringify(path))
  }
})

test('only a path below the folder counts as inside it', () => {
  for (const path of ['RESTORE.md', 'postgres/x.dump', 'a/b/c', '..a', 'a..', '...']) {
    assert.ok(isPathInside(path), JSON.stringify(path))
  }
  for (const path of [
    '',
    '.',
    '..',
    '/',
    '/etc/passwd',
    '../x',
    'a/../b',
    'a/..',
    './a',
    'a//b',
    'a/',
    'a/./b',
    'a\\..\\b',
    '..\\x',
    'C:\\x',
    'a\0b',
  ]) {
    assert.ok(!isPathInside(path), JSON.stringify(path))
  }
})
