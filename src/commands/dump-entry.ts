import { PassThrough, pipeline } from 'node:stream'
import { type Dump, EngineError, type Inspection } from '../engines/engine.ts'
import type { SoFar } from '../report/progress.ts'
import { entryPath } from '../sets/layout.ts'
import type { Entry } from '../sets/manifest.ts'
import type { SettingsOf } from '../settings/table.ts'
import type { SetWriter } from '../stores/store.ts'
import { formatCompression } from '../streams/compression.ts'
import { digest } from '../streams/digest.ts'
import { holdBack } from '../streams/hold-back.ts'
import { pack } from '../streams/pack.ts'
import { tee } from '../streams/tee.ts'
import { watchdog } from '../streams/watchdog.ts'
import type { Deps } from '../system/deps.ts'
import { UserError } from '../system/errors.ts'
import { ToolStopped } from '../tools/run.ts'
import type { Target } from './targets.ts'

// A dump may be silent for minutes: while the server sorts, or waits for a slow disk.
const stallMs = 30 * 60_000

interface Job {
  readonly target: Target
  readonly inspection: Inspection
  readonly settings: SettingsOf<'backup'>
  readonly writer: SetWriter
  readonly onProgress: (soFar: SoFar) => void
}

/**
 * Dumps one database into the set: reads the dump to its end while it passes, and lets the store see that end only when
 * the dump is known to be good. When collections changed under the dump it is taken once more. Rejects with the error
 * that came first, and leaves nothing of the entry in the set.
 */
export async function dumpEntry(job: Job, deps: Deps): Promise<Entry> {
  try {
    return await attempt(job, deps)
  } catch (error) {
    if (!(error instanceof EngineError) || error.problem !== 'changed') throw error
    deps.log.warn(`${error.message} Dumping it once more.`)
    return attempt(job, deps)
  }
}

async function attempt({ target, inspection, settings, writer, onProgress }: Job, deps: Deps): Promise<Entry> {
  const { engine, server, database } = target
  const args = engine.name === 'postgres' ? settings.pgDumpArgs : settings.mongodumpArgs
  const started = deps.now()
  const dump = await server.dump(database, inspection, { compression: settings.compression, args })
  const path = entryPath(engine.name, database, dump.suffix)
  const { bytes, sha256, counts, rawBytes } = await stream(dump, path, { target, inspection, writer, onProgress }, deps)
  return {
    engine: engine.name,
    database,
    server: server.address,
    path,
    bytes,
    rawBytes,
    sha256,
    compression: formatCompression(dump.compression),
    encryption: null,
    filtered: [...engine.checkArgs(args)],
    serverVersion: inspection.serverVersion,
    clientVersion: dump.clientVersion,
    counts,
    startedAt: started.toISOString(),
    // A clock that was set back meanwhile must not make a manifest that nobody reads.
    durationMs: Math.max(0, deps.now().getTime() - started.getTime()),
  }
}

/** Streams a dump through verification and compression into the store. */
async function stream(
  dump: Dump,
  path: string,
  { target, inspection, writer, onProgress }: Omit<Job, 'settings'>,
  deps: Deps,
) {
  const [toInspect, toStore] = [new PassThrough(), new PassThrough()]
  let read = 0
  const inspected = target.engine.inspectDump(toInspect, {
    clientVersion: dump.clientVersion,
    onProgress: soFar => {
      read = soFar.rawBytes
      onProgress(soFar)
    },
  })
  // A reader that fails before it reads would leave the tee waiting.
  inspected.catch(error => toInspect.destroy(error))
  const proven = Promise.all([dump.ended, inspected]).then(([, contents]) => dump.confirm?.(contents))
  // A failure is seen by whoever holds the stream's end back, and below.
  proven.catch(() => {})
  const body = digest()
  const passing = tee(dump.stream, [toInspect, toStore])
  // Its own errors reach `body`, whose reader sees them.
  pipeline(toStore, pack(dump.outer, Math.min(deps.cores, 4)), holdBack(proven), body, () => {})

  const stalled = new UserError(
    `Dumping ${target.engine.name}/${target.database} on ${target.server.address}: nothing has come for ${stallMs / 60_000} minutes. ` +
      'The connection may have died, or the dumper waits for a lock that another session holds.',
  )
  const stopWatch = watchdog(
    () => read + body.bytes,
    stallMs,
    () => toStore.destroy(stalled),
  )

  const outcomes = await Promise.allSettled([
    writer.put(path, body, inspection.estimatedBytes),
    dump.ended,
    inspected,
    passing,
  ])
  stopWatch()
  deps.signal.throwIfAborted()
  if (toStore.errored === stalled) throw stalled
  const [stored, , contents] = outcomes
  if (
    outcomes.some(({ status }) => status === 'rejected') ||
    stored.status === 'rejected' ||
    contents.status === 'rejected'
  ) {
    throw firstCause(outcomes.map(outcome => (outcome.status === 'rejected' ? outcome.reason : undefined)))
  }
  if (body.bytes === 0 || contents.value.rawBytes === 0) throw new UserError(`Storing ${path}: the dump is empty`)
  if (stored.value.bytes !== body.bytes) {
    throw new UserError(`Storing ${path}: ${body.bytes} bytes were sent and the store holds ${stored.value.bytes}`)
  }
  return { bytes: body.bytes, sha256: body.sha256, ...contents.value }
}

/**
 * The error that started it. Each part that fails takes the others down: a store that is full stops the dumper, whose
 * broken output looks damaged; a dumper that dies looks damaged too.
 */
function firstCause([stored, dumped, read, passed]: readonly unknown[]): unknown {
  const ofStore = [dumped, read, passed].includes(stored) ? undefined : stored
  const ofDumper = dumped instanceof ToolStopped ? undefined : dumped
  // The store's own error is one that a person can read; a stream that was closed early is only an echo.
  return (ofStore instanceof UserError ? ofStore : undefined) ?? ofDumper ?? read ?? passed ?? stored
}
