import assert from 'node:assert/strict'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { mongoTools, postgresBin } from '../../scripts/rig/index.ts'
import type { SetSummary } from '../../src/commands/list.ts'
import type { EngineName } from '../../src/sets/manifest.ts'
import { seedMongoBallast, seedPostgresBallast } from './ballast.ts'
import type { RunningCli } from './cli.ts'
import { childrenNamed, groupOf } from './processes.ts'
import { type Servers, startServers } from './servers.ts'
import { until } from './until.ts'
import { makeValve, type Valve } from './valve.ts'
import { makeWorkplace, type Workplace } from './workplace.ts'

/** One database of each engine, and what a backup makes of it. */
export const dumps = {
  postgres: { database: 'auth', dumper: 'pg_dump', path: 'postgres/auth.dump' },
  mongo: { database: 'shop', dumper: 'mongodump', path: 'mongo/shop.archive.gz' },
} as const

// More than one of MongoDB's answers, which are of up to 16 MiB and of no use before their end.
const heldAfter = 40_000_000
// PostgreSQL sends on while there is room in the system's buffers, which may be of 32 MiB and more.
const megabytes = { postgres: 128, mongo: 64 } as const
const storedAtLeast = 64 * 1024

/** Servers with `dumps`. */
export async function startDumpServers(): Promise<Servers> {
  const servers = await startServers()
  await Promise.all([
    seedPostgresBallast(servers.postgres.url(), dumps.postgres.database, megabytes.postgres),
    seedMongoBallast(servers.mongo.url(), dumps.mongo.database, megabytes.mongo, 64 * 1024),
  ])
  return servers
}

/** A place to back up `dumps` from; `through` is the way to a server where it is not the straight one. */
export async function dumpPlace(
  servers: Servers,
  engines: readonly EngineName[],
  through: (engine: EngineName, url: string) => string = (_, url) => url,
): Promise<Workplace> {
  const lines = engines.map(engine => `${through(engine, servers[engine].url())} ${dumps[engine].database}`)
  const env = { BACKUP_DATABASES: lines.join('\n'), BACKUP_PARALLEL: '2' }
  return makeWorkplace([await postgresBin(17), await mongoTools()], env)
}

/** A backup that stands still in the middle. */
export interface HeldRun extends AsyncDisposable {
  readonly running: RunningCli
  readonly where: Workplace
  /** The dumper's pid. */
  dumper(engine: EngineName): number
  /** Lets everything go on. */
  release(): void
}

/**
 * Starts `backup` of the databases of `held` and `free`, and resolves when each of `held` stands still with a part of
 * its file in the store.
 */
export async function startHeld(
  servers: Servers,
  held: readonly EngineName[],
  free: readonly EngineName[] = [],
): Promise<HeldRun> {
  const valves = new Map<EngineName, Valve>()
  for (const engine of held) valves.set(engine, await makeValve(servers[engine].port, heldAfter))
  const where = await dumpPlace(servers, [...held, ...free], (engine, url) => valves.get(engine)?.through(url) ?? url)
  const dispose = async () => {
    for (const valve of valves.values()) await valve[Symbol.asyncDispose]()
    await where[Symbol.asyncDispose]()
  }
  try {
    const running = where.start(['backup', '--json'])
    const dumpers = new Map<EngineName, number>()
    for (const [engine, valve] of valves) dumpers.set(engine, await heldDumper(running, where, valve, engine))
    return {
      running,
      where,
      dumper: engine => dumpers.get(engine) ?? assert.fail(`${engine} is not held`),
      release: () => {
        for (const valve of valves.values()) valve.open()
      },
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    await dispose()
    throw error
  }
}

async function heldDumper(running: RunningCli, { backups }: Workplace, valve: Valve, engine: EngineName) {
  const { dumper, path } = dumps[engine]
  const isHeld = async () => {
    const [hidden = ''] = (await readdir(backups).catch(() => [])).filter(name => name.endsWith('.unfinished'))
    const stored = await stat(join(backups, hidden, path)).catch(() => undefined)
    return valve.held() > 0 && (stored?.size ?? 0) >= storedAtLeast
  }
  await until(() => `a part of ${path} in the store; it said: ${running.stderr()}`, isHeld)
  const [child, ...more] = await childrenNamed(running.pid, dumper)
  assert.ok(child !== undefined && more.length === 0, `one ${dumper} runs`)
  return child.pid
}

/** What `list --json` says. */
export async function listed(where: Workplace): Promise<readonly SetSummary[]> {
  const { code, stdout, stderr } = await where.run(['list', '--json'])
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout)
}

/** Asserts that an ended run left no process, no temporary file, no set and no hidden folder. */
export async function assertNothingLeft({ pid }: RunningCli, { tmp, stored }: Workplace): Promise<void> {
  assert.deepEqual(await groupOf(pid), [], 'processes')
  assert.deepEqual(await readdir(tmp), [], 'temporary files')
  assert.deepEqual(await stored(), [], 'sets, hidden ones too')
}
