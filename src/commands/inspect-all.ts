import type { Inspection } from '../engines/engine.ts'
import type { Problem } from '../sets/manifest.ts'
import type { SettingsOf } from '../settings/table.ts'
import type { Store } from '../stores/store.ts'
import type { Deps } from '../system/deps.ts'
import { messageOf, UsageError } from '../system/errors.ts'
import { inPool } from '../system/pool.ts'
import { earlierBackups } from './missing.ts'
import type { Target } from './targets.ts'

/** A database that is there, and what is known of it. */
export interface Found {
  readonly target: Target
  readonly inspection: Inspection
}

/** Looks at every database before anything is dumped: which are there, which are left out, which cannot be reached. */
export async function inspectAll(
  targets: readonly Target[],
  { missingDatabase, parallel }: SettingsOf<'backup'>,
  store: Store,
  deps: Deps,
) {
  const [found, skipped, failed]: [Found[], Problem[], Problem[]] = [[], [], []]
  const findEarlier = earlierBackups(store, deps.log)
  await inPool(targets, parallel, async target => {
    const { engine, server, database } = target
    const problem = (reason: string) => ({ engine: engine.name, database, reason })
    try {
      const inspection = await server.inspect(database)
      if (inspection !== 'missing') {
        found.push({ target, inspection })
        return
      }
      const earlier = missingDatabase === 'auto' ? await findEarlier(engine.name, database) : 'none'
      if (missingDatabase === 'skip' || (missingDatabase === 'auto' && earlier === 'none')) {
        deps.log.warn(`${engine.name}/${database} does not exist on ${server.address}: skipped`)
        skipped.push(problem('database does not exist'))
        return
      }
      const meant = 'If that is meant, take it out of `databases`, or set missing-database to skip.'
      const why =
        earlier === 'none'
          ? '.'
          : earlier.isCertain
            ? `, and the backup ${earlier.timestamp} holds it: it was dropped or renamed, or this is another server. ${meant}`
            : `, and whether the backup ${earlier.timestamp} holds it is not known, for its manifest cannot be read. ${meant}`
      failed.push(problem(`The database does not exist on ${server.address}${why}`))
    } catch (error) {
      deps.signal.throwIfAborted()
      // Some mistakes in a URL only the driver sees; they are settings that cannot be meant all the same.
      if (error instanceof UsageError) throw error
      failed.push(problem(reasonOf(error, deps)))
    }
  })
  return { found, skipped: skipped.toSorted(byName), failed: failed.toSorted(byName) }
}

/** What went wrong, as a manifest may hold it. */
export function reasonOf(error: unknown, { secrets }: Pick<Deps, 'secrets'>): string {
  return secrets.scrub(messageOf(error))
}

/** Orders problems by engine and name. */
export function byName(a: Problem, b: Problem): number {
  return `${a.engine}/${a.database}` < `${b.engine}/${b.database}` ? -1 : 1
}
