import type { EngineName } from '../sets/manifest.ts'
import { UsageError } from '../system/errors.ts'

/** What `--only` narrows a command to; without it everything. */
export interface Selection {
  includes(engine: EngineName, database: string): boolean
  includesEngine(engine: EngineName): boolean
  /** Throws a `UsageError` for each thing asked for that is none of these: a typo must not narrow a run in silence. */
  refuseUnmatched(targets: readonly { readonly engine: EngineName; readonly database: string }[]): void
}

/** Reads `--only`: an engine, or an engine, a slash and a database's name as it is. */
export function parseOnly(texts: readonly string[]): Selection {
  const parts = texts.map(text => {
    const [engine = '', ...name] = text.split('/')
    if ((engine !== 'mongo' && engine !== 'postgres') || text === `${engine}/`) {
      throw new UsageError(`--only ${JSON.stringify(text)}: allowed: mongo, postgres, mongo/NAME, postgres/NAME`)
    }
    return { text, engine, database: name.length === 0 ? undefined : name.join('/') }
  })
  const matches = (part: (typeof parts)[number], engine: EngineName, database: string) =>
    part.engine === engine && (part.database === undefined || part.database === database)
  return {
    includes: (engine, database) => parts.length === 0 || parts.some(part => matches(part, engine, database)),
    includesEngine: engine => parts.length === 0 || parts.some(part => part.engine === engine),
    refuseUnmatched(targets) {
      const typo = parts.find(part => !targets.some(({ engine, database }) => matches(part, engine, database)))
      if (typo === undefined) return
      const there = targets.map(({ engine, database }) => `${engine}/${database}`).join(', ')
      throw new UsageError(`--only ${typo.text}: no such database is configured; configured: ${there}`)
    },
  }
}
