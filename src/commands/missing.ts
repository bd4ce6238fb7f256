import { parseEntryPath } from '../sets/layout.ts'
import type { EngineName } from '../sets/manifest.ts'
import type { Timestamp } from '../sets/timestamp.ts'
import type { ListedSet, Store } from '../stores/store.ts'
import type { Log } from '../system/deps.ts'
import { messageOf } from '../system/errors.ts'

/** The newest set that holds a database; not certain when all that is known is a set that cannot be read. */
export type EarlierBackup = { readonly timestamp: Timestamp; readonly isCertain: boolean } | 'none'

type Holdings = readonly { readonly engine: EngineName; readonly database: string }[] | 'unknown'

/** Finds a database in earlier sets. Each set is looked into once at most. */
export function earlierBackups(
  store: Store,
  log: Log,
): (engine: EngineName, database: string) => Promise<EarlierBackup> {
  const read = new Map<Timestamp, Promise<Holdings>>()
  const holdings = (set: ListedSet) => {
    const known = read.get(set.timestamp) ?? readHoldings(store, set, log)
    read.set(set.timestamp, known)
    return known
  }
  return async (engine, database) => {
    let unread: Timestamp | undefined
    for (const set of await store.list()) {
      const entries = await holdings(set)
      if (entries === 'unknown') unread ??= set.timestamp
      else if (entries.some(entry => entry.engine === engine && entry.database === database)) {
        return { timestamp: set.timestamp, isCertain: true }
      }
    }
    return unread === undefined ? 'none' : { timestamp: unread, isCertain: false }
  }
}

async function readHoldings(store: Store, { timestamp, state, files }: ListedSet, log: Log): Promise<Holdings> {
  if (state === 'legacy') return files.map(({ path }) => parseEntryPath(path)).filter(entry => entry !== undefined)
  // What is on its way in or out is no backup.
  if (state !== 'committed') return []
  try {
    const { entries, labels } = await store.manifest(timestamp)
    // What a restore put aside is no backup that anyone planned.
    return labels.includes('before-restore') ? [] : entries
  } catch (error) {
    log.warn(`Looking for earlier backups of a missing database: ${messageOf(error)}`)
    return 'unknown'
  }
}
