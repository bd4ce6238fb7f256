import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkMongodumpArgs } from '../../src/engines/mongo/args.ts'
import { checkPgDumpArgs } from '../../src/engines/postgres/args.ts'

const dumpers = {
  pg_dump: { check: checkPgDumpArgs, setting: 'pg-dump-args' },
  mongodump: { check: checkMongodumpArgs, setting: 'mongodump-args' },
} as const

// Arguments, and the option that the refusal has to name.
const refused: Record<keyof typeof dumpers, readonly (readonly [readonly string[], string])[]> = {
  pg_dump: [
    [['-Fp'], '-F'],
    [['-F', 'p'], '-F'],
    [['-F=p'], '-F'],
    [['-vFp'], '-F'],
    [['-vxOFp'], '-F'],
    [['--format=p'], '--format'],
    [['--format', 'p'], '--format'],
    [['--form=p'], '--format'],
    [['--fo=p'], '--format'],
    [['-f', '/tmp/x'], '-f'],
    [['--file=/tmp/x'], '--file'],
    [['--fil=/tmp/x'], ''],
    [['-Z9'], '-Z'],
    [['-Z', '0'], '-Z'],
    [['--compress=zstd:9'], '--compress'],
    [['--comp', '9'], '--compress'],
    [['-j4'], '-j'],
    [['--jobs=4'], '--jobs'],
    [['-dfoo'], '-d'],
    [['-d', 'foo'], '-d'],
    [['-vdfoo'], '-d'],
    [['--dbname=foo'], '--dbname'],
    [['--db', 'foo'], '--dbname'],
    [['-hdb1'], '-h'],
    [['-p5433'], '-p'],
    [['-U', 'other'], '-U'],
    [['--user=other'], '--username'],
    [['-w'], '-w'],
    [['-W'], '-W'],
    [['--password'], '--password'],
    [['--enable-row-security'], '--enable-row-security'],
    [['--enable-row'], '--enable-row-security'],
    [['--en'], ''],
    [['--inserts'], '--inserts'],
    [['--ins'], '--inserts'],
    [['--column-inserts'], '--column-inserts'],
    [['--attribute-inserts'], '--attribute-inserts'],
    [['--rows-per-insert=100'], '--rows-per-insert'],
    [['--on-conflict-do-nothing'], '--on-conflict-do-nothing'],
    [['-E', 'LATIN1'], '-E'],
    [['--encoding=LATIN1'], '--encoding'],
    [['--binary-upgrade'], '--binary-upgrade'],
    [['-V'], '-V'],
    [['-?'], '-?'],
    [['--help'], '--help'],
    // What comes behind an option that takes a value is its value; what comes behind that is read again.
    [['-t', 'x', '-Fp'], '-F'],
    [['--table', 'x', '--format=p'], '--format'],
    [['--table=', '-Fp'], '-F'],
  ],
  mongodump: [
    [['--archive'], '--archive'],
    [['--archive=x'], '--archive'],
    [['--arch=x'], '--archive'],
    [['--uri=mongodb://db1'], '--uri'],
    [['--uri', 'mongodb://db1'], '--uri'],
    [['--out=/tmp'], '--out'],
    [['-o/tmp'], '-o'],
    [['-vo/tmp'], '-o'],
    [['-o', '-'], '-o'],
    [['--gzip'], '--gzip'],
    [['--oplog'], '--oplog'],
    [['--config=x'], '--config'],
    [['--db', 'x'], '--db'],
    [['-dfoo'], '-d'],
    [['--host=db1'], '--host'],
    [['-h', 'db1'], '-h'],
    [['-u', 'root'], '-u'],
    [['-phunter2'], '-p'],
    [['--password'], '--password'],
    [['--viewsAsCollections'], '--viewsAsCollections'],
    [['--dumpDbUsersAndRoles'], '--dumpDbUsersAndRoles'],
    [['--quiet'], '--quiet'],
    [['--ssl'], '--ssl'],
    [['--tlsInsecure'], '--tlsInsecure'],
    [['--collection', 'a', '--archive=x'], '--archive'],
    [['--verbose', '--gzip'], '--gzip'],
  ],
}

describe('arguments that would change what the backup is checked by are refused, however they are spelled', () => {
  for (const [tool, { check, setting }] of Object.entries(dumpers)) {
    for (const [args, option] of refused[tool as keyof typeof dumpers]) {
      test(`${tool} ${args.join(' ')}`, () => {
        assert.throws(
          () => check(args),
          (error: Error) => {
            assert.equal(error.name, 'UsageError')
            assert.ok(error.message.startsWith(`${setting}: -`), error.message)
            if (option !== '')
              assert.match(error.message, new RegExp(`is not allowed: ${option.replace('?', '\\?')} would`))
            return true
          },
        )
      })
    }
  }
})

describe('arguments that leave data out are recorded as they were meant', () => {
  for (const [tool, args, filtered] of [
    ['pg_dump', ['-t', 'users'], ['-t users']],
    ['pg_dump', ['-tusers'], ['-t users']],
    ['pg_dump', ['-vtusers'], ['-t users']],
    ['pg_dump', ['-t', '-Fp'], ['-t -Fp']],
    ['pg_dump', ['--table=public."odd = name"'], ['--table=public."odd = name"']],
    ['pg_dump', ['--table', 'public.users'], ['--table public.users']],
    ['pg_dump', ['--tab', 'public.users'], undefined],
    ['pg_dump', ['--exclude-table-d', 'x'], undefined],
    ['pg_dump', ['--exclude-table-data=*.log', '-N', 'audit'], ['--exclude-table-data=*.log', '-N audit']],
    ['pg_dump', ['-sx'], ['-s']],
    ['pg_dump', ['-as'], ['-a', '-s']],
    ['pg_dump', ['--schema-o'], ['--schema-o']],
    ['pg_dump', ['--no-blobs', '-B'], ['--no-blobs', '-B']],
    ['pg_dump', ['--filter=list'], ['--filter=list']],
    ['pg_dump', ['--section=data', '--statistics-only'], ['--section=data', '--statistics-only']],
    ['pg_dump', ['--table=two\nlines'], ['--table=two\nlines']],
    ['mongodump', ['--collection=a', '-q', '{"a": 1}'], ['--collection=a', '-q {"a": 1}']],
    [
      'mongodump',
      ['--excludeCollection', 'log', '--excludeCollectionsWithPrefix=tmp_'],
      ['--excludeCollection log', '--excludeCollectionsWithPrefix=tmp_'],
    ],
    ['mongodump', ['--queryFile=q.json', '-cusers'], ['--queryFile=q.json', '-c users']],
  ] as const) {
    test(`${tool} ${args.join(' ')}`, () => {
      const { check } = dumpers[tool]
      if (filtered !== undefined) assert.deepEqual(check(args), filtered)
      // Short for several options: the tool itself would refuse it.
      else assert.throws(() => check(args), { name: 'UsageError', message: /is short for several: --/ })
    })
  }
})

test('arguments that leave nothing out pass and are not recorded', () => {
  assert.deepEqual(
    checkPgDumpArgs(['-vOx', '--no-comments', '--lock-wait-timeout', '5s', '--role=backup', '--verb']),
    [],
  )
  assert.deepEqual(
    checkMongodumpArgs(['-vvv', '--verbose=3', '--readPreference=secondary', '-j', '4', '--numParallelCollections=2']),
    [],
  )
  assert.deepEqual(checkPgDumpArgs([]), [])
})

describe('what is no known option is refused', () => {
  for (const [tool, args, message] of [
    ['pg_dump', ['--unknown=1'], 'pg-dump-args: --unknown is not an option of pg_dump that this db-backup knows'],
    ['pg_dump', ['-vk'], 'pg-dump-args: -vk is not an option of pg_dump that this db-backup knows'],
    ['pg_dump', ['--superuser=x'], 'pg-dump-args: --superuser is not an option of pg_dump that this db-backup knows'],
    ['pg_dump', ['--FORMAT=p'], 'pg-dump-args: --FORMAT is not an option of pg_dump that this db-backup knows'],
    ['pg_dump', ['--format =p'], 'pg-dump-args: --format  is not an option of pg_dump that this db-backup knows'],
    ['mongodump', ['--repair'], 'mongodump-args: --repair is not an option of mongodump that this db-backup knows'],
    ['pg_dump', ['-v', 'mydb'], 'pg-dump-args: "mydb" is not an option; the database is named in `databases`'],
    ['pg_dump', ['--'], 'pg-dump-args: "--" is not an option; the database is named in `databases`'],
    ['pg_dump', ['-'], 'pg-dump-args: "-" is not an option; the database is named in `databases`'],
    ['pg_dump', [''], 'pg-dump-args: "" is not an option; the database is named in `databases`'],
    ['pg_dump', ['--=x'], 'pg-dump-args: "--=x" is not an option; the database is named in `databases`'],
    ['pg_dump', ['-t'], 'pg-dump-args: -t wants a value'],
    ['pg_dump', ['-vt'], 'pg-dump-args: -vt wants a value'],
    ['pg_dump', ['--table'], 'pg-dump-args: --table wants a value'],
    ['mongodump', ['--query'], 'mongodump-args: --query wants a value'],
    ['pg_dump', ['--verbose=1'], 'pg-dump-args: --verbose takes no value'],
    ['mongodump', ['--forceTableScan=true'], 'mongodump-args: --forceTableScan takes no value'],
  ] as const) {
    test(message, () => assert.throws(() => dumpers[tool].check(args), { name: 'UsageError', message }))
  }
})

test('a refusal does not repeat the value, which may be a password', () => {
  for (const args of [
    ['--password=hunter2'],
    ['-phunter2'],
    ['-vphunter2'],
    ['--uri=mongodb://u:hunter2@db1'],
    ['--pass=hunter2'],
  ]) {
    for (const { check } of Object.values(dumpers)) {
      assert.throws(
        () => check(args),
        (error: Error) => error.name === 'UsageError' && !error.message.includes('hunter2'),
      )
    }
  }
})
