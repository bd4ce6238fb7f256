import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { needs } from '../../scripts/rig/index.ts'
import { assertNothingLeft, dumps, type HeldRun, listed, startDumpServers, startHeld } from '../support/held-run.ts'
import { type Servers, stopServers } from '../support/servers.ts'

const engines = ['postgres', 'mongo'] as const
type EngineName = (typeof engines)[number]

/** Asserts that the run ended with a partial set: `lost` is not in it, is named with `reason`, and the other is there. */
async function assertPartial({ running, where }: HeldRun, lost: EngineName, reason: RegExp): Promise<void> {
  const kept = lost === 'postgres' ? 'mongo' : 'postgres'
  const name = `${lost}/${dumps[lost].database}`
  const { code, stderr } = await running.ended
  assert.equal(code, 1, stderr)
  assert.match(stderr, new RegExp(`error: ${name} was not backed up\\. .*${reason.source}`))

  const [set, ...more] = await listed(where)
  assert.ok(set !== undefined && more.length === 0, 'one set')
  const { timestamp, state, entries, failed } = set
  assert.equal(state, 'partial')
  assert.deepEqual(
    entries.map(({ path }) => path),
    [dumps[kept].path],
  )
  assert.deepEqual(
    failed.map(({ engine, database }) => `${engine}/${database}`),
    [name],
  )
  assert.match(failed[0]?.reason ?? '', reason)
  const files = await readdir(join(where.backups, timestamp), { recursive: true })
  const folder = dumps[kept].path.split('/')[0]
  assert.deepEqual(
    files.filter(file => file !== lost).sort(),
    ['RESTORE.md', 'manifest.json', folder, dumps[kept].path].sort(),
  )
  assert.deepEqual(await where.stored(), [timestamp], 'no hidden folder')
  assert.match((await where.run(['list'])).stdout, new RegExp(`${timestamp} .* partial (?=.*FAILED).*${name}`))
}

function whenDumpersAreKilled() {
  let servers: Servers
  before(async () => {
    servers = await startDumpServers()
  })
  after(() => stopServers(servers))

  for (const engine of engines) {
    const other = engine === 'postgres' ? 'mongo' : 'postgres'
    const { dumper } = dumps[engine]
    test(`a killed ${dumper} leaves a partial set without its file`, async () => {
      await using run = await startHeld(servers, [engine], [other])
      process.kill(run.dumper(engine), 'SIGKILL')
      await assertPartial(run, engine, new RegExp(`${dumper} was ended by SIGKILL`))
    })
  }

  test('when every dumper is killed there is no set', async () => {
    await using run = await startHeld(servers, engines)
    for (const engine of engines) process.kill(run.dumper(engine), 'SIGKILL')
    const { code, stdout, stderr } = await run.running.ended
    assert.equal(code, 1, stderr)
    assert.equal(stdout, '')
    assert.match(stderr, /error: No backup was made: every database failed/)
    await assertNothingLeft(run.running, run.where)
  })
}

function whenServersAreKilled() {
  let servers: Servers
  before(async () => {
    servers = await startDumpServers()
  })
  after(() => stopServers(servers))

  // mongodump looks for the lost server for half a minute.
  test('a killed mongod leaves a partial set without its database', async () => {
    await using run = await startHeld(servers, ['mongo'], ['postgres'])
    servers.mongo.kill('SIGKILL')
    await servers.mongo.stop()
    run.release()
    const { stderr } = await run.running.ended
    assert.match(
      stderr,
      /^ {2}mongo\/shop {2}4\d\.\d MB of about 6\d\.\d MB .* documents {2}1\d s$/m,
      'a line every ten seconds',
    )
    await assertPartial(run, 'mongo', /Dumping mongo\/shop on .*mongodump exited with 1: ./)
  })

  test('a killed PostgreSQL server, the only one, leaves no set', async () => {
    await using run = await startHeld(servers, ['postgres'])
    // An immediate shutdown, which is what a crash looks like from outside.
    servers.postgres.kill('SIGQUIT')
    await servers.postgres.stop()
    run.release()
    const { code, stderr } = await run.running.ended
    assert.equal(code, 1, stderr)
    assert.match(stderr, /postgres\/auth was not backed up\. Dumping .*pg_dump exited with 1: ./)
    assert.match(stderr, /error: No backup was made: every database failed/)
    await assertNothingLeft(run.running, run.where)
  })
}

const parts = await needs('postgres17', 'mongod', 'mongo-tools')
describe('a run in which something dies', { concurrency: 2, ...parts }, () => {
  describe('a dumper', { concurrency: 1 }, whenDumpersAreKilled)
  describe('a server', { concurrency: 1 }, whenServersAreKilled)
})
