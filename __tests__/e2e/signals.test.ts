import assert from 'node:assert/strict'
import { readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { needs } from '../../scripts/rig/index.ts'
import { assertNothingLeft, dumpPlace, listed, startDumpServers, startHeld } from '../support/held-run.ts'
import { groupOf } from '../support/processes.ts'
import { type Servers, stopServers } from '../support/servers.ts'
import { until } from '../support/until.ts'
import { makeSilence } from '../support/valve.ts'
import { makeWorkplace, type Workplace } from '../support/workplace.ts'

const engines = ['postgres', 'mongo'] as const

// What a person at a terminal, or a system that shuts down, has patience for.
const patienceMs = 5000

let servers: Servers

describe('a run that is told to stop', await needs('postgres17', 'mongod', 'mongo-tools'), () => {
  before(async () => {
    servers = await startDumpServers()
  })
  after(() => stopServers(servers))

  for (const { signal, to, code } of [
    { signal: 'SIGINT', to: 'the program', code: 130 },
    { signal: 'SIGINT', to: 'all its processes, as Ctrl-C does,', code: 130 },
    { signal: 'SIGTERM', to: 'the program', code: 143 },
    { signal: 'SIGHUP', to: 'all its processes, as a closed terminal does,', code: 129 },
  ] as const) {
    test(`${signal} to ${to} leaves nothing and exits with ${code}`, async () => {
      await using run = await startHeld(servers, engines)
      const { running, where } = run
      const sent = performance.now()
      if (to === 'the program') running.kill(signal)
      else running.killGroup(signal)
      const ended = await running.ended
      const ms = Math.round(performance.now() - sent)
      assert.equal(ended.code, code, ended.stderr)
      assert.ok(ms < patienceMs, `it took ${ms} ms`)
      assert.equal(ended.stdout, '')
      assert.match(ended.stderr, new RegExp(`\nerror: No backup was made.*\nerror: stopped by ${signal}\n$`))
      await assertNothingLeft(running, where)
    })
  }

  for (const scheme of ['postgres', 'mongodb']) {
    test(`SIGINT ends the wait for a ${scheme} server that never answers`, async () => {
      await using silence = await makeSilence()
      const databases = `${scheme}://somebody:something@127.0.0.1:${silence.port}/ app`
      await using where = await makeWorkplace([], { BACKUP_DATABASES: databases })
      const running = where.start(['backup'])
      await until('a connection', silence.taken)
      const sent = performance.now()
      running.kill('SIGINT')
      const { code, stderr } = await running.ended
      const ms = Math.round(performance.now() - sent)
      assert.equal(code, 130, stderr)
      assert.ok(ms < patienceMs, `it took ${ms} ms`)
      await assertNothingLeft(running, where)
    })
  }

  test('what a killed run leaves is no backup, is in nobody’s way, and is removed an hour later', async () => {
    await using run = await startHeld(servers, engines)
    const { running, where } = run
    running.kill('SIGKILL')
    // Its dumpers hold its output, and notice its end when they write.
    run.release()
    assert.equal((await running.ended).signal, 'SIGKILL')
    await until('the end of its dumpers', async () => (await groupOf(running.pid)).length === 0)
    assert.deepEqual(await readdir(where.tmp), [], 'temporary files')
    const [dead, ...more] = await listed(where)
    assert.ok(dead)
    assert.deepEqual([dead.state, dead.entries, more], ['unfinished', [], []])

    const next = (await where.backup()).manifest.timestamp
    assert.deepEqual(await statesIn(where), { [next]: 'complete', [dead.timestamp]: 'unfinished' })

    const marker = join(where.backups, `.${dead.timestamp}.unfinished`, 'INCOMPLETE')
    const overAnHourAgo = new Date(Date.now() - 61 * 60_000)
    await utimes(marker, overAnHourAgo, overAnHourAgo)
    const { manifest, stderr } = await where.backup()
    assert.match(stderr, new RegExp(`Removed the unfinished set ${dead.timestamp}`))
    assert.deepEqual(await statesIn(where), { [next]: 'complete', [manifest.timestamp]: 'complete' })
    assert.deepEqual((await where.stored()).toSorted(), [next, manifest.timestamp].sort())
  })

  test('two runs in one minute make two complete sets', async () => {
    await using where = await dumpPlace(servers, engines)
    const minute = (timestamp: string | undefined) => timestamp?.slice(0, 'YYYY-MM-DDTHH-mm'.length)
    for (let tries = 1; ; tries++) {
      const sets = await Promise.all([where.backup(), where.backup()])
      const [first, second] = sets.map(({ manifest }) => manifest.timestamp)
      assert.notEqual(first, second)
      for (const { manifest } of sets) assert.equal(manifest.entries.length, 2)
      const states = Object.values(await statesIn(where))
      assert.deepEqual(states, Array(2 * tries).fill('complete'))
      // A new minute may have begun between the two.
      if (minute(first) === minute(second)) break
    }
  })
})

async function statesIn(where: Workplace): Promise<Record<string, string>> {
  return Object.fromEntries((await listed(where)).map(({ timestamp, state }) => [timestamp, state]))
}
