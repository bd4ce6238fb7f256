import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { parseDotenv } from '../../src/settings/dotenv.ts'
import { databases, words } from '../../src/settings/parse.ts'
import { readSettings, type Sources, unknownVariables } from '../../src/settings/read.ts'
import { settings } from '../../src/settings/table.ts'
import { formatCompression, parseCompression } from '../../src/streams/compression.ts'

const cwd = mkdtempSync(join(tmpdir(), 'settings-'))
after(() => rmSync(cwd, { recursive: true }))

const read = (sources: Partial<Sources>, cores = 2) =>
  readSettings('backup', { flags: {}, env: {}, dotenv: {}, ...sources }, { cores, cwd })

describe('a setting', () => {
  const everywhere: Sources = {
    flags: { 'local-dir': 'by flag' },
    env: { BACKUP_LOCAL_DIR: 'by environment' },
    dotenv: { BACKUP_LOCAL_DIR: 'by .env' },
  }
  for (const [what, sources, value] of [
    ['a flag beats everything', everywhere, 'by flag'],
    ['the environment beats .env', { ...everywhere, flags: {} }, 'by environment'],
    ['.env beats the default', { dotenv: everywhere.dotenv }, 'by .env'],
    ['the default is left', {}, './backups'],
    ['an empty flag counts as not set', { ...everywhere, flags: { 'local-dir': '' } }, 'by environment'],
    ['an empty variable counts as not set', { ...everywhere, flags: {}, env: { BACKUP_LOCAL_DIR: '' } }, 'by .env'],
    [
      'what is empty everywhere has its default',
      { flags: { 'local-dir': '' }, env: { BACKUP_LOCAL_DIR: '' } },
      './backups',
    ],
  ] as const) {
    test(what, () => assert.equal(read(sources).localDir, value))
  }

  test('may have a default that depends on the machine', () => {
    assert.deepEqual([read({}, 1).parallel, read({}, 3).parallel, read({}, 64).parallel], [1, 3, 4])
  })

  test('of another command is not read', () => {
    const { localDir, ...more } = readSettings(
      'list',
      { flags: { compression: 'wrong' }, env: {}, dotenv: {} },
      { cores: 1, cwd },
    )
    assert.deepEqual({ localDir, more }, { localDir: './backups', more: { storage: 'local' } })
  })
})

describe('a secret setting', () => {
  const line = 'postgres://backup:hunter2@db1/app'
  writeFileSync(join(cwd, 'secret'), `${line}\n`)
  const fromFile = [{ url: line, names: [] }]

  test('may stand in a file, named from the working folder or from the root', () => {
    for (const file of ['secret', './secret', join(cwd, 'secret')]) {
      assert.deepEqual(read({ env: { BACKUP_DATABASES_FILE: file } }).databases, fromFile)
      assert.deepEqual(read({ dotenv: { BACKUP_DATABASES_FILE: file } }).databases, fromFile)
    }
  })

  test('in the environment, even in a file, beats .env; itself beats its file', () => {
    const other = 'mongodb://db2/other'
    const sources = { env: { BACKUP_DATABASES_FILE: 'secret' }, dotenv: { BACKUP_DATABASES: other } }
    assert.deepEqual(read(sources).databases, fromFile)
    assert.deepEqual(read({ env: { ...sources.env, BACKUP_DATABASES: other } }).databases, [{ url: other, names: [] }])
  })

  for (const [what, file, code] of [
    ['is not there', 'hunter2', 'ENOENT'],
    ['is a folder', '.', 'EISDIR'],
    ['is not a file but the secret itself', line, 'ENOENT'],
  ] as const) {
    test(`whose file ${what} is a wrong setting, and the message does not repeat what stood there`, () => {
      assert.throws(() => read({ env: { BACKUP_DATABASES_FILE: file } }), {
        name: 'UsageError',
        message: `Reading the setting databases: BACKUP_DATABASES_FILE names a file that cannot be read (${code})`,
      })
    })
  }

  test('that is wrong is not repeated', () => {
    for (const text of ['hunter2', 'hunter2 postgres://db1', `\n\n# a comment\nhunter2`, `${line} "hunter2`]) {
      assert.throws(
        () => read({ env: { BACKUP_DATABASES: text } }),
        (error: Error) => error.name === 'UsageError' && !error.message.includes('hunter2'),
      )
    }
  })

  test('has no file when it is no secret', () => {
    assert.equal(read({ env: { BACKUP_LOCAL_DIR_FILE: 'secret' } }).localDir, './backups')
  })
})

describe('a wrong value is told with the setting, where it stood, and what is allowed', () => {
  for (const [sources, message] of [
    [
      { flags: { 'missing-database': 'ignore' } },
      'Reading the setting missing-database from the flag --missing-database: "ignore" is not valid; allowed: auto, skip, fail',
    ],
    [
      { env: { BACKUP_PARALLEL: '0' } },
      'Reading the setting parallel from BACKUP_PARALLEL of the environment: "0" is not valid; allowed: a whole number from 1 to 64',
    ],
    [
      { dotenv: { BACKUP_COMPRESSION: 'lz4' } },
      'Reading the setting compression from BACKUP_COMPRESSION of the file .env: "lz4" is not valid; ' +
        'allowed: auto, none, gzip or gzip:1 to gzip:9, zstd or zstd:1 to zstd:19',
    ],
    [
      { env: { BACKUP_PG_DUMP_ARGS: "--table='x" } },
      'Reading the setting pg-dump-args from BACKUP_PG_DUMP_ARGS of the environment: "--table=\'x" is not valid; a quote (\') is not closed',
    ],
    [
      { env: { BACKUP_DATABASES: '# here\n\npostgres://db1 app\ndb2 app\n' } },
      'Reading the setting databases from BACKUP_DATABASES of the environment: ' +
        'line 4 does not start with a URL; wanted: a URL, then the names of databases',
    ],
  ] as const) {
    test(message, () => assert.throws(() => read(sources), { name: 'UsageError', message }))
  }

  test('a wrong value behind a right one that wins is not looked at', () => {
    assert.equal(read({ flags: { parallel: '8' }, env: { BACKUP_PARALLEL: 'many' } }).parallel, 8)
  })

  test('a number is digits and nothing else', () => {
    for (const text of ['-1', '+4', '4.0', '1e1', '0x4', ' 4', '4 ', '65', '99999999999999999999', 'four']) {
      assert.throws(() => read({ env: { BACKUP_PARALLEL: text } }), { name: 'UsageError' }, JSON.stringify(text))
    }
  })
})

test('variables that look like ours and are not are found, empty ones and others apart', () => {
  const known = Object.fromEntries(Object.values(settings).map(({ env }) => [env, 'x']))
  assert.deepEqual(unknownVariables({ ...known, BACKUP_DATABASES_FILE: 'x', BACKUP_OLD: '', PATH: '/bin' }), [])
  assert.deepEqual(unknownVariables({ BACKUP_DATABASE: 'x', BACKUP_LOCAL_DIR_FILE: 'x', backup_local_dir: 'x' }), [
    'BACKUP_DATABASE',
    'BACKUP_LOCAL_DIR_FILE',
  ])
})

describe('the lines of databases', () => {
  const url = 'postgres://backup:secret@db2:5432'
  for (const [text, names] of [
    [url, []],
    [`${url} *`, ['*']],
    [`  ${url}\t a   b  `, ['a', 'b']],
    [`${url} "a b" c`, ['a b', 'c']],
    [`${url} "say ""hi"""`, ['say "hi"']],
    [`${url} """"`, ['"']],
    [`${url} "  "`, ['  ']],
    [`${url} it's a"b`, ["it's", 'a"b']],
    [`${url} a#b # the rest is a remark`, ['a#b']],
    [`${url} "#c" "x@y/z:1"`, ['#c', 'x@y/z:1']],
    [`${url} 数据库 é`, ['数据库', 'é']],
  ] as const) {
    test(`${JSON.stringify(text)} names ${JSON.stringify(names)}`, () => {
      assert.deepEqual(databases(text), [{ url, names }])
    })
  }

  test('may stand between empty lines and comments, and end as on Windows', () => {
    assert.deepEqual(databases(`# production\r\n\r\n  # mongo\r\nmongodb://db1/a\r\n\r\nmongodb+srv://db2 b c\r\n`), [
      { url: 'mongodb://db1/a', names: [] },
      { url: 'mongodb+srv://db2', names: ['b', 'c'] },
    ])
    assert.deepEqual(databases('\n# nothing\n'), [])
  })

  for (const [what, text, message] of [
    ['a password with a space', 'postgres://u:12 34@h/db', /^line 1: a name with @ : or \/ stands in double quotes/],
    ['a name without a URL', `${url} a\n# b\nngwenya`, /^line 3 does not start with a URL/],
    ['a URL in quotes', `"${url}"`, /^line 1 does not start with a URL/],
    ['a quote that is not closed', `${url} a "b c`, /^line 1: a name in double quotes is/],
    ['a quote that is not closed but doubled', `${url} "a""`, /^line 1: a name in double quotes is/],
    ['an empty name', `${url}\n${url} ""`, /^line 2: a name in double quotes is empty/],
    ['text right behind a quote', `${url} "a"b`, /^line 1: a name in double quotes .* goes on/],
  ] as const) {
    test(`with ${what} are refused`, () => assert.throws(() => databases(text), { message }))
  }
})

test('arguments are split as a shell splits them', () => {
  for (const text of [
    '',
    '   ',
    'a',
    ' a  b\tc ',
    `'a b' "c d" e\\ f`,
    `--query='{"a": "b c"}'`,
    `--query="{\\"a\\": 1}"`,
    `a"b"'c'd`,
    `"" '' a`,
    `""''`,
    `'a\\b' "a\\b" a\\b`,
    `"\\\\ \\" \\d \\' \\$ \\\`"`,
    `\\"a \\'b`,
    `"it's" 'say "hi"'`,
    'a \\\n  b',
    'a\\\nb "c\\\nd" \'e\\\nf\'',
    '"two\nlines"',
    `--table='"odd ""name"""'`,
    'é 数据库',
  ]) {
    const { stdout } = spawnSync('sh', ['-c', `for word in ${text.trim()}\ndo printf '%s\\0' "$word"; done`], {
      encoding: 'utf8',
    })
    assert.deepEqual(words(text), stdout.split('\0').slice(0, -1), text)
  }
  // A line break is white space here and would end the command there.
  assert.deepEqual(words('\na\n\nb c\n'), ['a', 'b', 'c'])
})

test('arguments whose quotes are not closed are refused', () => {
  for (const text of [`'a`, `"a`, `"a\\"`, `a"b'c"'`])
    assert.throws(() => words(text), { message: /a quote .* is not closed/ })
})

describe('compression', () => {
  for (const [text, value, formatted] of [
    ['auto', 'auto', undefined],
    ['none', { algorithm: 'none', level: 0 }, 'none'],
    ['gzip', { algorithm: 'gzip', level: 6 }, 'gzip:6'],
    ['gzip:1', { algorithm: 'gzip', level: 1 }, 'gzip:1'],
    ['gzip:9', { algorithm: 'gzip', level: 9 }, 'gzip:9'],
    ['zstd', { algorithm: 'zstd', level: 3 }, 'zstd:3'],
    ['zstd:19', { algorithm: 'zstd', level: 19 }, 'zstd:19'],
  ] as const) {
    test(`${text} is read`, () => {
      const parsed = parseCompression(text)
      assert.deepEqual(parsed, value)
      if (parsed !== undefined && parsed !== 'auto') assert.equal(formatCompression(parsed), formatted)
    })
  }

  test('of any other form is none', () => {
    for (const text of [
      '',
      'gzip:',
      'gzip:0',
      'gzip:10',
      'gzip:-1',
      'gzip:1.5',
      'gzip: 1',
      'gzip:1:2',
      'zstd:0',
      'zstd:20',
      'zstd:x',
      'none:1',
      'auto:1',
      'GZIP',
      'lz4',
      ' gzip',
    ]) {
      assert.equal(parseCompression(text), undefined, JSON.stringify(text))
    }
  })
})

describe('a .env file', () => {
  const value = 'postgres://db1 "my db" app\nmongodb://db2 shop'
  test('keeps names in double quotes where single quotes stand around the value', () => {
    assert.equal(parseDotenv(`BACKUP_DATABASES='${value}'\n`, '.env').BACKUP_DATABASES, value)
    assert.equal(
      parseDotenv(`BACKUP_DATABASES="postgres://db1 a" # all\n`, '.env').BACKUP_DATABASES,
      'postgres://db1 a',
    )
  })

  test('is refused where a quote in the value would cut it short, but not for somebody else’s variables', () => {
    for (const text of [`BACKUP_DATABASES="\n${value}\n"`, `A=1\nexport BACKUP_DATABASES = "${value}"\nB=2`]) {
      assert.throws(() => parseDotenv(text, '/app/.env'), {
        name: 'UsageError',
        message: /^Reading \/app\/\.env: text follows the closing " of BACKUP_DATABASES, .* Put single quotes/,
      })
    }
    assert.doesNotThrow(() => parseDotenv('GREETING="say "hello""\nBACKUP_PARALLEL=2', '.env'))
  })
})
