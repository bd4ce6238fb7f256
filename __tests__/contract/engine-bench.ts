import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type Dump, type Engine, EngineError, type EngineProblem, type Server } from '../../src/engines/engine.ts'
import { type Compression, none } from '../../src/streams/compression.ts'
import type { Deps } from '../../src/system/deps.ts'
import { type TestDeps, testDeps } from '../support/deps.ts'
import { openServer, startDump, within } from '../support/dumps.ts'
import { childrenNamed, type Running } from '../support/processes.ts'

/** What the suite needs to know of an engine: real servers with real databases on them. */
export interface Subject {
  /** Folders with the client tools; `dumper` is the one that writes a dump. */
  readonly tools: readonly string[]
  readonly dumper: string
  readonly address: string
  /** As the server tells it. */
  readonly version: RegExp
  /** The URL of a login that may do everything. */
  readonly url: string
  /** The same with another password. */
  withPassword(password: string): string
  /** The server without any login. */
  readonly anonymous: string
  /** The same login somewhere else. `patience` makes the driver give up a silent server after a second. */
  at(port: number, patience?: 'one second'): string
  /** Names of databases that hold every kind of thing, the first one more than pipes and buffers hold. */
  readonly databases: readonly [string, ...string[]]
  readonly small: string
  /** Exact, by the names that a dump uses. */
  counts(database: string): Promise<Readonly<Record<string, number>>>
  /** A database without anything in it, and what becomes of it. */
  readonly empty: { readonly name: string; readonly objects: number | 'missing' }
  /** What `auto` comes to, and how the stored file of each algorithm looks. */
  readonly auto: Compression
  readonly outer: boolean
  readonly files: Readonly<Record<Compression['algorithm'], { readonly suffix: string; readonly start: string }>>
  /** Logins that may do just enough to back up the small database. */
  readonly modest: readonly Pick<Refusal, 'who' | 'url'>[]
  readonly refusals: readonly Refusal[]
  /** Extra arguments, and what a dump does not hold with them: of the small database, unless another is named. */
  readonly leavingOut: readonly Filter[]
  /** A server of its own with the first database on it, to be killed. */
  readonly doomed: { readonly url: string; kill(): void }
  stop(): Promise<unknown>
}

export interface Filter {
  readonly args: readonly string[]
  readonly without: readonly string[]
  readonly database?: string
}

/** A login that lacks a right. */
export interface Refusal {
  readonly who: string
  readonly step: 'databases' | 'inspect' | 'dump'
  readonly url: string
  readonly database: string
  /** What the message says to do. */
  readonly remedy: RegExp
}

/** What the cases of the suite are made with. */
export interface Bench {
  readonly subject: Subject
  /** A new run of the program, with the server of `url`. */
  begin(url?: string): { readonly deps: TestDeps; readonly engine: Engine; readonly server: Server }
  /** A dump of the first database, whose dumper waits for somebody to read on. */
  beginDump(url?: string): Promise<{ readonly deps: TestDeps; readonly dump: Dump; readonly tool: Running }>
  /** The dumpers that run. */
  dumpers(): Promise<readonly Running[]>
  /** Leaves this one out of `dumpers` from now on. */
  ignore(dumper: Running): void
}

export function makeBench(subject: Subject, make: (deps: Deps) => Engine): Bench {
  const ignored: number[] = []
  const begin = (url = subject.url) => {
    const deps = testDeps(subject.tools)
    const engine = make(deps)
    return { deps, engine, server: openServer(engine, deps, url) }
  }
  const dumpers = async () =>
    (await childrenNamed(process.pid, subject.dumper)).filter(({ pid }) => !ignored.includes(pid))
  const beginDump = async (url?: string) => {
    const { deps, server } = begin(url)
    const dump = await startDump(server, subject.databases[0], { compression: none })
    await once(dump.stream, 'readable')
    const [tool, ...others] = await dumpers()
    assert.ok(tool !== undefined && others.length === 0)
    return { deps, dump, tool }
  }
  return { subject, begin, beginDump, dumpers, ignore: ({ pid }) => ignored.push(pid) }
}

/** `work` rejects with this problem, and says what was being done, where, and what to do; never a secret. */
export async function assertProblem(
  work: Promise<unknown>,
  problem: EngineProblem,
  where: Server,
  says: RegExp,
  deadlineMs = 20_000,
): Promise<void> {
  const error = await within(deadlineMs, `failing with ${problem}`, work).then(
    () => assert.fail(`no error where ${problem} was expected`),
    error => error,
  )
  assert.ok(error instanceof EngineError, `${error.stack}`)
  assert.equal(error.problem, problem, error.message)
  assert.match(error.message, /^(Listing|Inspecting|Dumping) /)
  assert.ok(error.message.includes(where.address), error.message)
  assert.match(error.message, says)
  for (const secret of where.secrets) assert.ok(!error.message.includes(secret), error.message)
}
