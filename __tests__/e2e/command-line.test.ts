import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { describe, test } from 'node:test'
import { cliFile } from '../support/cli.ts'
import { makeWorkplace } from '../support/workplace.ts'

const somewhere = 'postgres://nobody@127.0.0.1:1'

describe('the command line', () => {
  for (const [what, args, says] of [
    ['no command', [], /^Usage: db-backup /],
    ['an unknown command', ['bakcup'], /unknown command 'bakcup'\n.*backup\?/],
    ['an unknown flag', ['backup', '--compresion', 'gzip'], /unknown option '--compresion'\n.*--compression\?/],
    ['a flag of another command', ['list', '--databases', somewhere], /unknown option '--databases'/],
    ['a flag without its value', ['backup', '--databases'], /argument missing/],
    ['an argument too many', ['list', 'everything'], /too many arguments/],
    ['no databases', ['backup'], /BACKUP_DATABASES \(or --databases\)/],
    ['a URL without a database', ['backup', '--databases', `${somewhere}/`], /127\.0\.0\.1:1 names no database/],
    ['a line without a URL', ['backup', '--databases', 'app'], /line 1 does not start with a URL/],
    [
      'an unknown kind of database',
      ['backup', '--databases', 'mysql://a b'],
      /no database speaks mysql:\/\/; known: .*mongodb/,
    ],
    [
      'a database on two servers',
      ['backup', '--databases', `${somewhere} app`, '--databases', 'postgres://other:1 b app'],
      /postgres\/app is named for two servers/,
    ],
    [
      'a wrong choice',
      ['backup', '--missing-database', 'maybe'],
      /flag --missing-database: "maybe" .* auto, skip, fail/,
    ],
    [
      'a wrong compression',
      ['backup', '--compression', 'zstd:99'],
      /"zstd:99" is not valid; allowed: auto, none, gzip/,
    ],
    ['a wrong number', ['backup', '--parallel', '0'], /"0" is not valid; allowed: a whole number from 1 to 64/],
    ['a store that is not there', ['list', '--storage', 'tape'], /"tape" is not valid; allowed: local/],
    ['a wrong --only', ['list', '--only', 'mysql/app'], /--only "mysql\/app": allowed: mongo, postgres/],
    [
      'an --only that is not configured',
      ['backup', '--databases', `${somewhere} app`, '--only', 'postgres/other'],
      /--only postgres\/other: no such database is configured; configured: postgres\/app/,
    ],
    [
      'an argument that changes the dump’s format',
      ['backup', '--databases', `${somewhere} app`, '--pg-dump-args', '-Fp'],
      /pg-dump-args: -F\w* is not allowed/,
    ],
  ] as const) {
    test(`${what} is exit 2, with one clear message, and touches nothing`, async () => {
      await using place = await makeWorkplace([])
      const { code, stdout, stderr } = await place.run(args)
      assert.equal(code, 2, stderr)
      assert.match(stderr, says)
      assert.doesNotMatch(stderr, /\n\s+at /, 'no stack')
      assert.equal(stdout, '')
      assert.deepEqual(await place.stored(), [])
    })
  }

  test('a wrong value in the environment names its variable', async () => {
    await using place = await makeWorkplace([], { BACKUP_PARALLEL: 'many' })
    const { code, stderr } = await place.run(['backup'])
    assert.equal(code, 2)
    assert.match(stderr, /BACKUP_PARALLEL of the environment: "many" is not valid/)
  })

  test('settings of .env count, less than the environment, which counts less than flags', async () => {
    await using place = await makeWorkplace([])
    await writeFile(join(place.dir, '.env'), 'BACKUP_LOCAL_DIR=./from-dotenv\nBACKUP_COMPRESION=gzip\n')
    const where = async (args: string[], env = {}) =>
      / in (\S+)\n$/.exec((await place.run(['list', ...args], { env })).stdout)?.[1]
    assert.equal(await where([]), join(place.dir, 'from-dotenv'))
    const env = { BACKUP_LOCAL_DIR: './from-environment' }
    assert.equal(await where([], env), join(place.dir, 'from-environment'))
    assert.equal(await where(['--local-dir', 'flag'], env), join(place.dir, 'flag'))
    assert.match((await place.run(['list'])).stderr, /warning: BACKUP_COMPRESION is set and is no setting/)
  })

  test('what is not named like a set is ignored', async () => {
    await using place = await makeWorkplace([])
    for (const name of ['logs', '2026-02-30T00-00', '2026-01-01', 'lost+found']) {
      await mkdir(join(place.backups, name, 'postgres'), { recursive: true })
      await writeFile(join(place.backups, name, 'postgres', 'app.dump'), 'not ours')
    }
    await writeFile(join(place.backups, '2026-01-01T00-00'), 'a file')
    assert.deepEqual(JSON.parse((await place.run(['list', '--json'])).stdout), [])
  })

  test('a reader that has seen enough ends a long list without complaint', async () => {
    await using place = await makeWorkplace([])
    // More than a pipe holds, so that `head` is gone before all is written.
    for (let day = 1; day <= 28; day++) {
      for (let hour = 0; hour < 24; hour++) {
        const name = `2025-01-${String(day).padStart(2, '0')}T${String(hour).padStart(2, '0')}-00`
        await mkdir(join(place.backups, name, 'postgres'), { recursive: true })
        await writeFile(join(place.backups, name, 'postgres', `${'a-long-name-of-a-database'.repeat(5)}.dump`), '')
      }
    }
    assert.ok((await place.run(['list'])).stdout.length > 100_000)
    for (const command of ['list', 'list --json']) {
      const { code, stdout, stderr } = await place.bash(`db-backup ${command} | head -n 1`)
      assert.deepEqual({ code, lines: stdout.split('\n').length - 1, stderr }, { code: 0, lines: 1, stderr: '' })
    }
  })

  test('output that cannot be written is a failure', async () => {
    await using place = await makeWorkplace([])
    // /dev/full is Linux's disk without room; elsewhere a file may not grow.
    const line = process.platform === 'linux' ? 'db-backup list > /dev/full' : 'ulimit -f 0; db-backup list > out'
    const { code, stderr } = await place.bash(line)
    assert.equal(code, 1, stderr)
    assert.match(stderr, /^error: Writing to standard output: .*\n$/)
  })

  test('an older Node and Windows get one line that says what to do', async t => {
    await using place = await makeWorkplace([])
    const pretend = (js: string) => ['--import', `data:text/javascript,${encodeURIComponent(js)}`]
    const versions = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.11.0' } })`
    const old = await place.run(['list'], { node: pretend(versions) })
    assert.deepEqual([old.code, old.stdout], [2, ''])
    assert.match(old.stderr, /^db-backup: Node 24 or newer is needed, and this is Node 22\.11\.0\. .*\n$/)

    const windows = `Object.defineProperty(process, 'platform', { value: 'win32' })`
    const { code, stdout, stderr } = await place.run(['list'], { node: pretend(windows) })
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /^db-backup: Windows is not supported\. .*\n$/)

    // Where the machine has one, an older Node itself: it must be able to read the file.
    const [found] = olderNodes()
    t.diagnostic(found === undefined ? 'no older Node on PATH: only pretended' : `tried with ${found.join(' ')}`)
    if (found === undefined) return
    const real = spawnSync(found[0], [cliFile, 'list'], { encoding: 'utf8' })
    assert.equal(real.status, 2)
    assert.match(real.stderr, /^db-backup: Node 24 or newer is needed, and this is Node \d.*\n$/)
  })
})

function olderNodes(): readonly (readonly [file: string, version: string])[] {
  const files = (process.env.PATH ?? '').split(delimiter).map(folder => join(folder, 'node'))
  return files.flatMap(file => {
    const { stdout } = spawnSync(file, ['--version'], { encoding: 'utf8' })
    return /^v(\d+)/.test(stdout ?? '') && Number.parseInt(stdout.slice(1), 10) < 24 ? [[file, stdout.trim()]] : []
  })
}
