import { formatBytes, formatDuration, formatTable, printable } from '../report/format.ts'
import { parseEntryPath } from '../sets/layout.ts'
import type { EngineName, Entry, Manifest, Problem } from '../sets/manifest.ts'
import { type State, stateOf } from '../sets/states.ts'
import { parseTimestamp, type Timestamp } from '../sets/timestamp.ts'
import type { ListedSet, Store } from '../stores/store.ts'
import type { Deps } from '../system/deps.ts'
import { messageOf } from '../system/errors.ts'
import { inPool } from '../system/pool.ts'
import type { Selection } from './only.ts'

/** A set as `list --json` gives it. */
export interface SetSummary {
  readonly timestamp: Timestamp
  readonly state: State
  readonly labels: readonly string[]
  /** When the run began, from the manifest; of the others the name tells the minute. */
  readonly createdAt?: string
  /** All dumps together, as stored. */
  readonly bytes: number
  /** The manifest's entries; of a legacy set only what its file names tell. */
  readonly entries: readonly (Entry | { engine: EngineName; database: string; path: string; bytes: number })[]
  readonly skipped: readonly Problem[]
  readonly failed: readonly Problem[]
  /** Why an unreadable set cannot be read. */
  readonly error?: string
}

/** Every set, newest first. With `--only` those that name such a database, and of them only these. */
export async function list(only: Selection, store: Store, { secrets }: Deps): Promise<readonly SetSummary[]> {
  const listed = await store.list()
  const sets: SetSummary[] = []
  // Not all at once: there may be more sets than a process may open files.
  await inPool([...listed.entries()], 16, async ([index, set]) => {
    sets[index] = await summarize(set, store, text => secrets.scrub(text))
  })
  return sets.map(set => narrow(set, only)).filter(set => set !== undefined)
}

async function summarize(
  { timestamp, state, files }: ListedSet,
  store: Store,
  scrub: (text: string) => string,
): Promise<SetSummary> {
  const empty = { timestamp, labels: [], bytes: 0, entries: [], skipped: [], failed: [] }
  if (state === 'legacy') {
    const entries = files.flatMap(({ path, bytes }) => {
      const entry = parseEntryPath(path)
      return entry === undefined ? [] : [{ ...entry, path, bytes }]
    })
    return { ...empty, state, bytes: sum(entries), entries }
  }
  if (state !== 'committed') return { ...empty, state }
  try {
    const manifest: Manifest = await store.manifest(timestamp)
    const { labels, entries, skipped, failed, createdAt } = manifest
    return { timestamp, state: stateOf(manifest), labels, createdAt, bytes: sum(entries), entries, skipped, failed }
  } catch (error) {
    return { ...empty, state: 'unreadable', error: scrub(messageOf(error)) }
  }
}

function narrow(set: SetSummary, only: Selection): SetSummary | undefined {
  const pick = <T extends { engine: EngineName; database: string }>(items: readonly T[]) =>
    items.filter(({ engine, database }) => only.includes(engine, database))
  const [entries, skipped, failed] = [pick(set.entries), pick(set.skipped), pick(set.failed)]
  const had = set.entries.length + set.skipped.length + set.failed.length
  // A set that only skipped the database has nothing of it to show.
  if (had > 0 && entries.length + failed.length === 0 && set.entries.length + set.failed.length > 0) return undefined
  return { ...set, entries, skipped, failed, bytes: sum(entries) }
}

/** The sets as a table for people. */
export function formatList(sets: readonly SetSummary[], location: string, now: Date): string {
  if (sets.length === 0) return `No such backups in ${location}`
  const rows = sets.map(set => [
    set.timestamp,
    formatDuration(Math.max(0, now.getTime() - startOf(set))),
    [set.state, ...set.labels.map(printable)].join(', '),
    set.entries.length === 0 ? '-' : formatBytes(set.bytes),
    describe(set),
  ])
  return formatTable([['TIMESTAMP', 'AGE', 'STATE', 'SIZE', 'DATABASES'], ...rows], [1, 3])
}

function startOf({ timestamp, createdAt }: SetSummary): number {
  return (createdAt === undefined ? parseTimestamp(timestamp)?.getTime() : Date.parse(createdAt)) ?? 0
}

function describe({ entries, skipped, failed, error }: SetSummary): string {
  const name = ({ engine, database }: { engine: EngineName; database: string }) => printable(`${engine}/${database}`)
  const parts = [
    ...failed.map(problem => `FAILED ${name(problem)}`),
    ...entries.map(entry => {
      const filtered =
        'filtered' in entry && entry.filtered.length > 0 ? `, filtered: ${printable(entry.filtered.join(' '))}` : ''
      return `${name(entry)} (${formatBytes(entry.bytes)}${filtered})`
    }),
    ...skipped.map(problem => `${name(problem)} skipped`),
  ]
  return error === undefined ? parts.join(', ') : printable(error)
}

function sum(entries: readonly { readonly bytes: number }[]): number {
  return entries.reduce((total, { bytes }) => total + bytes, 0)
}
