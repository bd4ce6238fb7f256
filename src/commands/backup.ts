import { randomUUID } from 'node:crypto'
import type { Engine } from '../engines/engine.ts'
import { formatBytes, formatDuration, plural, printable } from '../report/format.ts'
import type { Progress } from '../report/progress.ts'
import { type Entry, formatManifest, type Manifest, type Problem, parseManifest } from '../sets/manifest.ts'
import { restoreGuide, restoreGuidePath } from '../sets/restore-guide.ts'
import { stateOf } from '../sets/states.ts'
import { timestampsFrom } from '../sets/timestamp.ts'
import type { SettingsOf } from '../settings/table.ts'
import { NameTaken, type SetWriter, type Store } from '../stores/store.ts'
import { digest } from '../streams/digest.ts'
import type { Deps } from '../system/deps.ts'
import { messageOf, UserError } from '../system/errors.ts'
import { inPool } from '../system/pool.ts'
import { dumpEntry } from './dump-entry.ts'
import { byName, type Found, inspectAll, reasonOf } from './inspect-all.ts'
import type { Selection } from './only.ts'
import { configuredTargets } from './targets.ts'

export interface BackupParts {
  readonly engines: readonly Engine[]
  readonly store: Store
  readonly progress: Progress
  /** As the manifest names the program: `db-backup-action/1.0.0`. */
  readonly createdBy: string
}

/**
 * Inspects every configured database, streams each dump through verification and compression into the store, commits
 * the manifest, and reports. Resolves with the committed manifest, which may name databases that failed; rejects when
 * nothing was committed, and then leaves nothing behind.
 */
export async function backup(
  settings: SettingsOf<'backup'>,
  only: Selection,
  { engines, store, progress, createdBy }: BackupParts,
  deps: Deps,
): Promise<Manifest> {
  checkArgs(settings, engines)
  const createdAt = deps.now()
  const { targets, failed } = await configuredTargets(settings.databases, engines, only, deps)
  await sweep(store, deps)
  const inspected = await inspectAll(targets, settings, store, deps)
  const problems = [...failed, ...inspected.failed]
  for (const problem of problems) report(problem, deps)
  if (inspected.found.length === 0) throw nothingDumped(problems, inspected.skipped)

  const runId = randomUUID()
  const writer = await begin(store, createdAt, runId)
  try {
    deps.log.info(`Backing up ${plural(inspected.found.length, 'database')} into ${store.location}/${writer.timestamp}`)
    const dumped = await dumpAll(inspected.found, settings, writer, progress, deps)
    const allFailed = [...problems, ...dumped.failed]
    if (dumped.entries.length === 0) throw nothingDumped(allFailed, inspected.skipped)

    const set = {
      timestamp: writer.timestamp,
      entries: dumped.entries.toSorted(byPath),
      skipped: [...inspected.skipped],
      failed: allFailed,
    }
    const guide = await putText(writer, restoreGuidePath, restoreGuide(set))
    const manifest: Manifest = {
      version: 1,
      ...set,
      createdAt: createdAt.toISOString(),
      completedAt: deps.now().toISOString(),
      createdBy,
      run: { id: runId, host: deps.host },
      labels: [],
      files: [guide],
    }
    // What the reader would refuse is no backup: better to know it now.
    parseManifest(formatManifest(manifest), 'the new manifest')
    deps.signal.throwIfAborted()
    await writer.commit(manifest)
    summarize(manifest, store, deps)
    return manifest
  } catch (error) {
    progress.stop()
    // What made the run fail is told, whatever becomes of the cleaning.
    await writer.abort().catch(failure => deps.log.error(messageOf(failure)))
    if (deps.signal.aborted) deps.log.error('No backup was made.')
    throw error
  }
}

/** Every wrong argument is found before anything is connected. */
function checkArgs(settings: SettingsOf<'backup'>, engines: readonly Engine[]): void {
  for (const engine of engines) {
    engine.checkArgs(engine.name === 'postgres' ? settings.pgDumpArgs : settings.mongodumpArgs)
  }
}

/** What dead runs left is cleaned before a new one begins; where it cannot be, the backup matters more. */
async function sweep(store: Store, { log, now }: Deps): Promise<void> {
  try {
    for (const timestamp of await store.sweep(now())) {
      log.info(`Removed the unfinished set ${timestamp}, which its run had left over an hour ago`)
    }
  } catch (error) {
    log.warn(messageOf(error))
  }
}

async function begin(store: Store, now: Date, runId: string): Promise<SetWriter> {
  for (const timestamp of timestampsFrom(now)) {
    try {
      return await store.begin(timestamp, runId)
    } catch (error) {
      if (!(error instanceof NameTaken)) throw error
    }
  }
  throw new UserError(
    `Beginning a set in ${store.location}: every name of this minute is taken. Try again in a minute.`,
  )
}

async function dumpAll(
  found: readonly Found[],
  settings: SettingsOf<'backup'>,
  writer: SetWriter,
  progress: Progress,
  deps: Deps,
) {
  const [entries, failed]: [Entry[], Problem[]] = [[], []]
  // The largest first: the run is as long as the one that ends last.
  const largestFirst = found.toSorted((a, b) => b.inspection.estimatedBytes - a.inspection.estimatedBytes)
  await inPool(largestFirst, settings.parallel, async ({ target, inspection }) => {
    const name = `${target.engine.name}/${target.database}`
    const line = progress.start(name, inspection.estimatedBytes)
    try {
      const entry = await dumpEntry({ target, inspection, settings, writer, onProgress: line.update }, deps)
      line.stop()
      entries.push(entry)
      deps.log.info(`  ${printable(name)}: ${describe(entry)}`)
    } catch (error) {
      line.stop()
      deps.signal.throwIfAborted()
      const problem = { engine: target.engine.name, database: target.database, reason: reasonOf(error, deps) }
      failed.push(problem)
      report(problem, deps)
    }
  })
  return { entries, failed: failed.toSorted(byName) }
}

function describe({ bytes, rawBytes, counts, engine, durationMs, filtered }: Entry): string {
  const rows = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const objects = Object.keys(counts).length
  const [row, table] = engine === 'mongo' ? ['document', 'collection'] : ['row', 'table']
  const left = filtered.length === 0 ? '' : `; not everything: ${filtered.join(' ')}`
  return (
    `${formatBytes(bytes)} (${formatBytes(rawBytes)} before compression), ${plural(rows, row)} in ` +
    `${plural(objects, table)}, ${formatDuration(durationMs)}${left}`
  )
}

function summarize(manifest: Manifest, store: Store, { log }: Deps): void {
  const { timestamp, entries, skipped, failed, createdAt, completedAt } = manifest
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
  const took = formatDuration(Math.max(0, Date.parse(completedAt) - Date.parse(createdAt)))
  const parts = [
    `${plural(entries.length, 'database')}, ${formatBytes(bytes)}, in ${took}`,
    ...(skipped.length === 0 ? [] : [`${skipped.length} skipped`]),
    ...(failed.length === 0 ? [] : [`${failed.length} FAILED`]),
  ]
  log.info(`Backup ${timestamp} is ${stateOf(manifest)}: ${parts.join('; ')}. It is in ${store.location}/${timestamp}`)
}

function report({ engine, database, reason }: Problem, { log }: Deps): void {
  log.error(`${engine}/${printable(database)} was not backed up. ${reason}`)
}

function nothingDumped(failed: readonly Problem[], skipped: readonly Problem[]): UserError {
  const why =
    failed.length === 0
      ? skipped.length === 0
        ? 'the servers hold no databases'
        : `none of the databases asked for exists (${skipped.map(({ engine, database }) => `${engine}/${database}`).join(', ')}). Check the names in \`databases\``
      : `every database failed; the errors above say why`
  return new UserError(`No backup was made: ${why}.`)
}

async function putText(writer: SetWriter, path: string, text: string) {
  const body = digest()
  body.end(text)
  await writer.put(path, body, text.length)
  return { path, bytes: body.bytes, sha256: body.sha256 }
}

function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : 1
}
