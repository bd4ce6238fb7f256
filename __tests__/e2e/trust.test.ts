import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { MongoClient } from 'mongodb'
import { createDatabase } from '../../scripts/demo/postgres-database.ts'
import { mongoTools, needs, postgresBin } from '../../scripts/rig/index.ts'
import { formatManifest } from '../../src/sets/manifest.ts'
import { manifestOf } from '../contract/store.ts'
import { assertNothingLeft, listed } from '../support/held-run.ts'
import { type Servers, startServers, stopServers } from '../support/servers.ts'
import { until } from '../support/until.ts'
import { makeWorkplace, type Workplace } from '../support/workplace.ts'

const parts = await needs('postgres17', 'mongod', 'mongo-tools')

describe('a run that could look better than it is', parts, () => {
  let servers: Servers
  let client: MongoClient
  const at = async (lines: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Workplace> =>
    makeWorkplace([await postgresBin(17), await mongoTools()], { BACKUP_DATABASES: lines.join('\n'), ...env })
  before(async () => {
    servers = await startServers()
    client = new MongoClient(servers.mongo.url())
    await client.db('shop').collection('orders').insertOne({ n: 1 })
    await createDatabase(servers.postgres.url(), 'app')
  })
  after(async () => {
    await client?.close()
    await stopServers(servers)
  })

  test('fails a MongoDB database of which mongodump leaves a collection out by itself', async () => {
    await client.db('legacy').collection('system.users').insertOne({ n: 1 })
    await client.db('legacy').collection('users').insertOne({ n: 1 })
    await using where = await at([`${servers.mongo.url()} legacy`])
    const { code, stderr } = await where.run(['backup'])
    assert.equal(code, 1, stderr)
    assert.match(stderr, /mongodump left out system\.users/)
    assert.deepEqual(await where.stored(), [])
    const told = await where.run(['backup'], { env: { BACKUP_MONGODUMP_ARGS: '--excludeCollection=system.users' } })
    assert.equal(told.code, 0, told.stderr)
  })

  test('does not skip a missing database when a set that may hold it cannot be read', async () => {
    await using where = await at([`${servers.postgres.url()} app ghost`])
    const folder = join(where.backups, '2026-05-07T15-36')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'manifest.json'), '{')
    const { code, stderr } = await where.run(['backup'])
    assert.equal(code, 1, stderr)
    assert.match(stderr, /ghost was not backed up\. .*whether the backup 2026-05-07T15-36 holds it is not known/)
    assert.deepEqual(
      (await listed(where)).map(({ state }) => state),
      ['partial', 'unreadable'],
    )
  })

  test('is complete and readable when the clock is set back in the middle', async () => {
    await using where = await at([`${servers.postgres.url()} app`])
    const back = join(where.dir, 'back.cjs')
    await writeFile(
      back,
      'const { now } = Date; const end = now() + 150; Date.now = () => now() - (now() > end ? 5000 : 0)\n' +
        'const Real = Date; globalThis.Date = class extends Real { constructor(...a) { super(...(a.length ? a : [Real.now()])) } }\n',
    )
    const { code, stderr } = await where.run(['backup'], { node: ['--require', back] })
    assert.equal(code, 0, stderr)
    assert.deepEqual(
      (await listed(where)).map(({ state }) => state),
      ['complete'],
    )
  })

  test('goes on when nobody takes its log', async () => {
    await using where = await at([`${servers.postgres.url()} app`])
    const { code } = await where.bash('db-backup backup 2> /dev/full')
    assert.equal(code, 0)
    assert.deepEqual(
      (await listed(where)).map(({ state }) => state),
      ['complete'],
    )
  })

  test('ends at a signal when a client on PATH hangs at its version', async () => {
    await using where = await at([`${servers.postgres.url()} app`])
    const folder = join(where.dir, 'hung')
    await mkdir(folder)
    for (const tool of ['pg_dump', 'pg_restore']) {
      await writeFile(join(folder, tool), `#!/bin/sh\necho > '${folder}/asked'\nexec sleep 600\n`, { mode: 0o755 })
    }
    const running = where.start(['backup'], { env: { PATH: `${folder}:${where.env.PATH}` } })
    await until('the question for its version', async () => existsSync(join(folder, 'asked')))
    running.kill('SIGTERM')
    const { code, ms } = await running.ended
    assert.equal(code, 143)
    assert.ok(ms < 8000, `${ms} ms`)
    await assertNothingLeft(running, where)
  })

  test('shows a planted manifest without its terminal codes, and a link to elsewhere not at all', async () => {
    await using where = await at([`${servers.postgres.url()} app`])
    const folder = join(where.backups, '2026-05-07T15-36')
    await mkdir(folder, { recursive: true })
    const planted = { ...manifestOf('2026-05-07T15-36'), labels: ['\u001b[2J\u202eevil\nFAKE  line'] }
    await writeFile(join(folder, 'manifest.json'), formatManifest(planted))
    await where.bash(`ln -s / '${where.backups}/2026-05-08T00-00'`)
    const { code, stdout } = await where.run(['list'])
    assert.equal(code, 0)
    assert.doesNotMatch(stdout, /[\u001b\u202e]/)
    assert.equal(stdout.trimEnd().split('\n').length, 2)
  })
})
