import { MongoClient } from 'mongodb'
import { escapeIdentifier } from 'pg'
import { withClient } from '../../scripts/demo/postgres-database.ts'
import { type MongoServer, type PostgresServer, startMongo, startPostgres } from '../../scripts/rig/index.ts'
import type { Entry } from '../../src/sets/manifest.ts'
import { mongoContents, mongoCounts, postgresContents, postgresCounts } from './contents.ts'

/** One server of each engine. */
export interface Servers {
  readonly postgres: PostgresServer
  readonly mongo: MongoServer
}

type Database = Pick<Entry, 'engine' | 'database'>

/** A password with everything that a URL must encode, a shell or YAML would quote, and a pattern would take for more. */
export const oddPassword = `p@s:s/w?rd#%25'"\\ $&.*(ü|`

/** A new server of each engine that wants this password. */
export async function startServers(password = oddPassword): Promise<Servers> {
  const [postgres, mongo] = await Promise.all([
    startPostgres({ password }),
    startMongo({ auth: { user: 'back up', password } }),
  ])
  return { postgres, mongo }
}

export async function stopServers(...all: readonly (Servers | undefined)[]): Promise<void> {
  await Promise.all(all.flatMap(servers => [servers?.postgres.stop(), servers?.mongo.stop()]))
}

/** All that a database holds, by object. */
export function contentsOf({ postgres, mongo }: Servers, { engine, database }: Database) {
  return engine === 'postgres' ? postgresContents(postgres.url(database)) : mongoContents(mongo.url(), database)
}

/** Exact rows or documents, as a dump counts them. */
export function countsOf({ postgres, mongo }: Servers, { engine, database }: Database) {
  return engine === 'postgres' ? postgresCounts(postgres.url(database)) : mongoCounts(mongo.url(), database)
}

export async function dropDatabase({ postgres, mongo }: Servers, { engine, database }: Database): Promise<void> {
  if (engine === 'postgres') {
    await withClient(postgres.url(), client => client.query(`DROP DATABASE ${escapeIdentifier(database)}`))
  } else {
    await using client = new MongoClient(mongo.url())
    await client.db(database).dropDatabase()
  }
}
