import assert from 'node:assert/strict'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { withClient } from '../../scripts/demo/postgres-database.ts'
import { mongoTools, needs, postgresBin } from '../../scripts/rig/index.ts'
import type { SetSummary } from '../../src/commands/list.ts'
import { type Servers, startServers, stopServers } from '../support/servers.ts'
import { seedSmallMongo, seedSmallPostgres } from '../support/small-databases.ts'
import { makeSilence } from '../support/valve.ts'
import { makeWorkplace, type Workplace } from '../support/workplace.ts'

let servers: Servers
let clients: readonly string[]

const place = (databases: string) => makeWorkplace(clients, { BACKUP_DATABASES: databases })
const everything = () => `${servers.mongo.url()} app shop\n${servers.postgres.url()} app auth\n`
const names = (problems: readonly { engine: string; database: string }[]) =>
  problems.map(({ engine, database }) => `${engine}/${database}`)

async function list(where: Workplace, ...args: string[]): Promise<readonly SetSummary[]> {
  const { code, stdout, stderr } = await where.run(['list', '--json', ...args])
  assert.deepEqual([code, stderr], [0, ''])
  return JSON.parse(stdout)
}

describe('backup and list', await needs('postgres17', 'mongod', 'mongo-tools'), () => {
  before(async () => {
    clients = [await postgresBin(17), await mongoTools()]
    servers = await startServers()
    for (const name of ['app', 'auth']) await seedSmallPostgres(servers.postgres.url(), name)
    for (const name of ['app', 'shop']) await seedSmallMongo(servers.mongo.url(), name)
  })
  after(() => stopServers(servers))

  test('--json prints one document and nothing else; people get text', async () => {
    await using where = await place(everything())
    const backup = await where.run(['backup', '--json'])
    assert.equal(backup.code, 0, backup.stderr)
    const document = JSON.parse(backup.stdout)
    const all = ['mongo/app', 'mongo/shop', 'postgres/app', 'postgres/auth']
    assert.deepEqual(names(document.entries), all)
    const folder = join(where.backups, document.timestamp)
    const { storage, location, bytes, ...manifest } = document
    assert.deepEqual(manifest, JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')))
    assert.deepEqual([storage, location], ['local', where.backups])
    assert.equal(
      bytes,
      document.entries.reduce((sum: number, entry: { bytes: number }) => sum + entry.bytes, 0),
    )
    assert.match(backup.stderr, new RegExp(`Backup ${document.timestamp} is complete: 4 databases`))

    const [set, ...more] = await list(where)
    assert.deepEqual(more, [])
    const { timestamp, entries, skipped, failed, labels } = document
    assert.partialDeepStrictEqual(set, { timestamp, state: 'complete', labels, bytes, entries, skipped, failed })

    const people = await where.run(['list'])
    assert.deepEqual([people.code, people.stderr], [0, ''])
    assert.match(people.stdout, new RegExp(`^TIMESTAMP .*\n${timestamp} .* complete .*postgres/auth \\(\\d`))
    const silent = await where.run(['backup'])
    assert.deepEqual([silent.code, silent.stdout], [0, ''], silent.stderr)
  })

  for (const [only, expected] of [
    [['mongo'], ['mongo/app', 'mongo/shop']],
    [['postgres'], ['postgres/app', 'postgres/auth']],
    [['postgres/app'], ['postgres/app']],
    [
      ['mongo/shop', 'postgres/auth'],
      ['mongo/shop', 'postgres/auth'],
    ],
    [
      ['mongo', 'postgres/auth'],
      ['mongo/app', 'mongo/shop', 'postgres/auth'],
    ],
  ] as const) {
    const flags = only.flatMap(what => ['--only', what])
    test(`${flags.join(' ')} narrows backup and list`, async () => {
      await using where = await place(everything())
      const { manifest } = await where.backup(flags)
      assert.deepEqual(names(manifest.entries), expected)
      await where.backup()
      const [whole, narrow] = await list(where, ...flags)
      assert.deepEqual(names(whole?.entries ?? []), expected)
      assert.deepEqual(names(narrow?.entries ?? []), expected)
      const others = ['mongo/app', 'postgres/auth'].filter(name => !(expected as readonly string[]).includes(name))
      for (const other of others) assert.equal((await list(where, '--only', other)).length, 1)
    })
  }

  test('a missing database is skipped, or fails the run, as is asked for', async () => {
    await using where = await place(`${servers.postgres.url()} app gone\n${servers.mongo.url()} missing`)
    for (const missing of ['auto', 'skip']) {
      const { manifest, stderr } = await where.backup(['--missing-database', missing])
      assert.deepEqual(names(manifest.skipped), ['mongo/missing', 'postgres/gone'])
      assert.deepEqual(manifest.failed, [])
      assert.match(stderr, /warning: postgres\/gone does not exist on 127\.0\.0\.1:\d+: skipped/)
    }
    const { manifest } = await where.backup(['--missing-database', 'fail'], { code: 1 })
    assert.deepEqual([names(manifest.entries), manifest.skipped], [['postgres/app'], []])
    assert.deepEqual(names(manifest.failed), ['mongo/missing', 'postgres/gone'])
    assert.deepEqual(
      (await list(where)).map(({ state }) => state),
      ['partial', 'complete', 'complete'],
    )
  })

  test('a database that an earlier set holds and that is gone now fails the run', async () => {
    await using where = await place(`${servers.postgres.url()} app dropped`)
    await seedSmallPostgres(servers.postgres.url(), 'dropped')
    const first = (await where.backup()).manifest.timestamp
    await withClient(servers.postgres.url(), client => client.query('DROP DATABASE dropped'))
    const { manifest } = await where.backup([], { code: 1 })
    assert.deepEqual([names(manifest.entries), manifest.skipped], [['postgres/app'], []])
    assert.match(manifest.failed[0]?.reason ?? '', new RegExp(`does not exist on .* the backup ${first} holds it`))
    // A set of an older script, which has no manifest, counts too.
    await using legacy = await place(`${servers.postgres.url()} app ancient`)
    const folder = join(legacy.backups, '2020-01-01T00-00', 'postgres')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'ancient.dump'), 'PGDMP')
    const { manifest: newer } = await legacy.backup([], { code: 1 })
    assert.match(newer.failed[0]?.reason ?? '', /the backup 2020-01-01T00-00 holds it/)
    // Asked to skip, it skips.
    assert.deepEqual(names((await where.backup(['--missing-database', 'skip'])).manifest.skipped), ['postgres/dropped'])
  })

  test('when no configured database exists nothing is committed', async () => {
    await using where = await place(`${servers.postgres.url()} gone\n${servers.mongo.url()} missing`)
    const { code, stdout, stderr } = await where.run(['backup', '--json'])
    assert.deepEqual([code, stdout], [1, ''], stderr)
    assert.match(stderr, /error: No backup was made: none of the databases .* exists/)
    assert.deepEqual(await where.stored(), [])
  })

  test('a server that cannot be reached does not keep the others from being backed up', async () => {
    const closed = await makeSilence()
    await closed[Symbol.asyncDispose]()
    await using where = await place(`${servers.postgres.url()} app\npostgres://a@127.0.0.1:${closed.port} b c\n`)
    const { manifest, folder } = await where.backup([], { code: 1 })
    assert.deepEqual(
      [names(manifest.entries), names(manifest.failed)],
      [['postgres/app'], ['postgres/b', 'postgres/c']],
    )
    for (const { reason } of manifest.failed) assert.match(reason, /no server answers at 127\.0\.0\.1:\d+/)
    assert.match(await readFile(join(folder, 'RESTORE.md'), 'utf8'), /`postgres\/b` \*\*failed\*\*: /)
    // Nor does one whose databases were to be listed.
    await using star = await place(`${servers.postgres.url()} app\npostgres://a@127.0.0.1:${closed.port} *\n`)
    assert.deepEqual(names((await star.backup([], { code: 1 })).manifest.failed), ['postgres/*'])
  })

  test('* stands for every database of a server', async () => {
    await using where = await place(`${servers.postgres.url()} *\n${servers.mongo.url()} *`)
    const all = ['mongo/app', 'mongo/shop', 'postgres/app', 'postgres/auth', 'postgres/postgres']
    assert.deepEqual(names((await where.backup()).manifest.entries), all)
  })

  test('a foreign folder beside the sets is left alone, and a renamed set is not taken for another', async () => {
    await using where = await place(`${servers.postgres.url()} app`)
    await mkdir(join(where.backups, 'logs'), { recursive: true })
    await writeFile(join(where.backups, 'logs', 'backup.log'), 'kept')
    const { folder, manifest } = await where.backup()
    assert.deepEqual((await where.stored()).toSorted(), [manifest.timestamp, 'logs'])
    assert.equal(await readFile(join(where.backups, 'logs', 'backup.log'), 'utf8'), 'kept')
    assert.deepEqual(
      (await list(where)).map(({ timestamp }) => timestamp),
      [manifest.timestamp],
    )

    await rename(folder, join(where.backups, '2020-02-02T02-02'))
    const [renamed] = await list(where)
    assert.deepEqual([renamed?.timestamp, renamed?.state, renamed?.entries], ['2020-02-02T02-02', 'unreadable', []])
    assert.match(renamed?.error ?? '', new RegExp(`it is the manifest of ${manifest.timestamp}`))
  })

  test('databases may stand in a file, or in .env', async () => {
    await using where = await makeWorkplace(clients)
    const line = `${servers.postgres.url()} app`
    await writeFile(join(where.dir, '.env'), `BACKUP_DATABASES="${line}"\nBACKUP_COMPRESSION=none\n`)
    assert.deepEqual(
      (await where.backup()).manifest.entries.map(({ compression }) => compression),
      ['none'],
    )
    // What the environment says, be it by a file's name, counts more.
    await writeFile(join(where.dir, 'secret'), `# another\n\n${servers.postgres.url()} auth\n`)
    const { manifest } = await where.backup([], { env: { BACKUP_DATABASES_FILE: 'secret' } })
    assert.deepEqual(names(manifest.entries), ['postgres/auth'])
  })
})
