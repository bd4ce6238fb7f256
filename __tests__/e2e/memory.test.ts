import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { withClient } from '../../scripts/demo/postgres-database.ts'
import { mongoTools, needs, postgresBin, startMongo, startPostgres } from '../../scripts/rig/index.ts'
import type { Entry } from '../../src/sets/manifest.ts'
import { seedMongoBallast, seedPostgresBallast } from '../support/ballast.ts'
import { makeWorkplace } from '../support/workplace.ts'

const megabyte = 1024 * 1024
const allowed = 200 * megabyte
// A dump that shrinks to nothing would ask nothing of compression and store.
const mostShrinking = 3

/** Backs a database up, and asserts that Node's own process never held more than is allowed. */
async function backUpWatched(t: TestContext, databases: string): Promise<Entry> {
  await using place = await makeWorkplace([await postgresBin(17), await mongoTools()], { BACKUP_DATABASES: databases })
  const running = place.start(['backup', '--compression', 'auto', '--json'])
  const peak = watchPeak(running.pid)
  const { code, stdout, stderr, ms } = await running.ended
  assert.equal(code, 0, stderr)
  const [entry] = JSON.parse(stdout).entries as readonly Entry[]
  assert.ok(entry)
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`
  t.diagnostic(
    `${entry.engine}: VmHWM ${mb(await peak)} for ${mb(entry.rawBytes)}, stored as ${mb(entry.bytes)} (${entry.compression}), in ${(ms / 1000).toFixed(1)} s`,
  )
  assert.ok((await peak) <= allowed, `VmHWM was ${await peak} bytes`)
  assert.ok(entry.rawBytes / entry.bytes <= mostShrinking, 'data that hardly shrinks')
  return entry
}

/** The most memory that a process ever held, in bytes, as Linux keeps it; resolves when the process has ended. */
async function watchPeak(pid: number): Promise<number> {
  let peak = 0
  for (;;) {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readStatus(pid)) ?? []
    if (kilobytes === undefined) return peak
    peak = Number(kilobytes) * 1024
    await delay(10)
  }
}

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}

const parts = await needs('postgres17', 'mongod', 'mongo-tools')
const skip = process.platform === 'linux' ? parts.skip : 'a process’s peak is read from /proc, which only Linux has'

describe('memory stays the same whatever a database holds', skip === undefined ? {} : { skip }, () => {
  test('1 GB of PostgreSQL', async t => {
    await using server = await startPostgres()
    await seedPostgresBallast(server.url(), 'large', 1024)
    const entry = await backUpWatched(t, server.url('large'))
    assert.ok(entry.rawBytes >= 1e9, `${entry.rawBytes} bytes before compression`)

    const { rows } = await withClient(server.url('large'), client =>
      client.query<{ text: string }>('SELECT text FROM ballast LIMIT 20000'),
    )
    const sample = Buffer.from(rows.map(({ text }) => text).join('\n'))
    const shrinks = sample.length / gzipSync(sample, { level: 1 }).length
    assert.ok(shrinks <= mostShrinking, `gzip:1 shrinks it ${shrinks} times`)
  })

  test('512 MB of MongoDB', async t => {
    await using server = await startMongo()
    await seedMongoBallast(server.url(), 'large', 512, 8 * 1024)
    const entry = await backUpWatched(t, `${server.url()} large`)
    assert.equal(entry.compression, 'gzip:1')
    assert.ok(entry.rawBytes >= 512e6, `${entry.rawBytes} bytes before compression`)
  })
})
