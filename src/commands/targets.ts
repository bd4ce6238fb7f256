import { type Engine, EngineError, type Server } from '../engines/engine.ts'
import type { Problem } from '../sets/manifest.ts'
import type { DatabasesLine } from '../settings/parse.ts'
import type { Deps } from '../system/deps.ts'
import { UsageError } from '../system/errors.ts'
import type { Selection } from './only.ts'

/** One database that is to be backed up. */
export interface Target {
  readonly engine: Engine
  readonly server: Server
  readonly database: string
}

interface ServerNames {
  readonly engine: Engine
  readonly server: Server
  readonly names: readonly string[]
}

/**
 * The databases that the settings name, `*` replaced by what the server has. A server whose databases cannot be listed
 * is a problem of its own and does not keep the others from being backed up. Throws a `UsageError` for settings that
 * cannot be meant.
 */
export async function configuredTargets(
  lines: readonly DatabasesLine[],
  engines: readonly Engine[],
  only: Selection,
  deps: Deps,
): Promise<{ readonly targets: readonly Target[]; readonly failed: readonly Problem[] }> {
  if (lines.length === 0) {
    throw new UsageError(
      'Nothing is configured to be backed up: set BACKUP_DATABASES (or --databases) to a URL and the names of databases, ' +
        'such as: postgres://localhost:5432 app. `db-backup backup --help` says more.',
    )
  }
  const servers = lines.map(line => readLine(line, engines))
  keepSecret(servers, deps)
  refuseTwice(
    servers.flatMap(({ engine, names }) => names.filter(name => name !== '*').map(name => `${engine.name}/${name}`)),
  )

  const failed: Problem[] = []
  const targets = await Promise.all(
    servers.map(async ({ engine, server, names }) => {
      if (!only.includesEngine(engine.name)) return []
      const all = await expand(server, names).catch(error => {
        if (!(error instanceof EngineError)) throw error
        failed.push({ engine: engine.name, database: '*', reason: error.message })
        return names.filter(name => name !== '*')
      })
      return all.map(database => ({ engine, server, database }))
    }),
  )
  const all = targets.flat()
  // Where a listing failed, what was asked for may be among what is not known.
  if (failed.length === 0) only.refuseUnmatched(all.map(({ engine, database }) => ({ engine: engine.name, database })))
  const found = all.filter(({ engine, database }) => only.includes(engine.name, database))
  refuseTwice(found.map(({ engine, database }) => `${engine.name}/${database}`))
  return { targets: found, failed }
}

function readLine({ url, names }: DatabasesLine, engines: readonly Engine[]): ServerNames {
  const scheme = url.split('://', 1)[0]?.toLowerCase() ?? ''
  const engine = engines.find(({ schemes }) => schemes.includes(scheme))
  if (engine === undefined) {
    const known = engines.flatMap(({ schemes }) => schemes).map(name => `${name}://`)
    throw new UsageError(`Reading \`databases\`: no database speaks ${scheme}://; known: ${known.join(', ')}`)
  }
  const server = engine.server(url)
  if (names.length > 0) return { engine, server, names: [...new Set(names)] }
  if (server.database !== undefined) return { engine, server, names: [server.database] }
  throw new UsageError(
    `Reading \`databases\`: the line for ${server.address} names no database. Write the names behind the URL, or * for all.`,
  )
}

async function expand(server: Server, names: readonly string[]): Promise<readonly string[]> {
  if (!names.includes('*')) return names
  return [...new Set([...names.filter(name => name !== '*'), ...(await server.databases())])]
}

function refuseTwice(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === undefined) return
  throw new UsageError(
    `Reading \`databases\`: ${twice} is named for two servers, and a backup holds one database of a name. ` +
      'Back up each environment into a folder of its own.',
  )
}

/** Has the servers' secrets blanked wherever text leaves the program, save those that would blank plain names too. */
function keepSecret(servers: readonly ServerNames[], { log, secrets }: Deps): void {
  for (const { engine, server, names } of servers) {
    const plain = [engine.name, ...engine.schemes, ...server.plainNames, ...names]
    for (const secret of server.secrets) {
      if (!plain.includes(secret)) secrets.add(secret)
      else
        log.warn(
          `The password for ${server.address} is also the name of an engine, a user or a database, so it cannot be ` +
            'blanked in messages. Choose another one.',
        )
    }
  }
}
