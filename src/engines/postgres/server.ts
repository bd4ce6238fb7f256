import { join } from 'node:path'
import type { Client as Connection } from 'pg'
import { type Compression, none, type WantedCompression } from '../../streams/compression.ts'
import { untilAborted } from '../../system/abort.ts'
import type { Deps } from '../../system/deps.ts'
import { codeOf, UserError } from '../../system/errors.ts'
import type { Client } from '../../tools/find.ts'
import { matchPostgresClient } from '../../tools/match.ts'
import { runTool, ToolFailed, toolEnvironment } from '../../tools/run.ts'
import { asClientProblem, type Dump, type DumpOptions, EngineError, type Inspection, type Server } from '../engine.ts'
import { compressArgument, resolveCompression } from './client.ts'
import { connect, libpqEnvironment } from './connect.ts'
import { explainPostgres, grantHint, largeObjectHint, noSuchDatabase } from './errors.ts'
import { parsePostgresUri } from './uri.ts'

// How long pg_dump waits for a table that somebody holds with an exclusive lock.
const lockTimeoutMs = 60_000

// Databases of hosting providers, which their customers cannot read.
const providers = ['rdsadmin', 'cloudsqladmin', 'azure_maintenance', 'azure_sys']

export function postgresServer(url: string, deps: Deps, clients: () => Promise<readonly Client[]>): Server {
  const uri = parsePostgresUri(url)
  const { address } = uri
  // What was said of this server, once for all its databases.
  const warned = new Set<string>()
  const named = (database: string) => `postgres/${database} on ${address}`

  /** Connects to one database and closes on every way out; `missing` when it does not exist. */
  async function withDatabase<T>(
    database: string,
    doing: string,
    use: (connection: Connection) => Promise<T>,
  ): Promise<T | 'missing'> {
    let connection: Connection | undefined
    try {
      connection = await untilAborted(connect(uri, database, deps), deps.signal)
      return await untilAborted(use(connection), deps.signal)
    } catch (error) {
      deps.signal.throwIfAborted()
      if (error instanceof UserError) throw error
      if (connection === undefined && codeOf(error) === noSuchDatabase) return 'missing'
      throw explainPostgres(error, doing, address)
    } finally {
      await connection?.end().catch(() => {})
    }
  }

  async function databases(): Promise<readonly string[]> {
    const doing = `Listing the databases of ${address}`
    for (const database of [uri.database ?? 'postgres', 'template1']) {
      const names = await withDatabase(database, doing, async connection => {
        // -2 marks a database whose DROP was interrupted: nobody can connect to it.
        const { rows } = await connection.query<{ datname: string }>(
          'SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate AND datconnlimit <> -2 AND datname <> ALL ($1) ORDER BY 1',
          [providers],
        )
        return rows.map(({ datname }) => datname)
      })
      if (names !== 'missing') return names
    }
    throw new EngineError(
      'server',
      `${doing}: neither the URL's database nor template1 is there. Name a database in the URL.`,
    )
  }

  function inspect(database: string): Promise<Inspection | 'missing'> {
    return withDatabase(database, `Inspecting ${named(database)}`, async connection => {
      const { rows } = await connection.query<{ version: string; objects: string }>(
        `SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
           (SELECT count(*) FROM pg_class WHERE relkind = 'r' AND ${ofUsers}) AS objects`,
      )
      const { version = '', objects = '0' } = rows[0] ?? {}
      return { serverVersion: version, estimatedBytes: await estimate(connection), objects: Number(objects) }
    })
  }

  async function dump(database: string, inspection: Inspection, { compression, args }: DumpOptions): Promise<Dump> {
    const doing = `Dumping ${named(database)}`
    const [client, resolved] = await asClientProblem(chooseClient(inspection, compression))
    const { stdin, stdout, ended } = runTool(deps, 'pg_dump', {
      file: join(client.folder, 'pg_dump'),
      args: [
        '--format=custom',
        `--compress=${compressArgument(resolved, client)}`,
        '--no-password',
        `--lock-wait-timeout=${lockTimeoutMs}`,
        ...args,
      ],
      env: { ...toolEnvironment(deps.env), ...libpqEnvironment(uri, database, deps.env) },
    })
    stdin.end()
    const settled = ended.catch(async error => {
      if (!(error instanceof ToolFailed)) throw error
      if (/permission denied for large object/.test(error.message)) {
        throw new EngineError(
          'forbidden',
          `${doing}: the role may not read a large object. ${largeObjectHint} ${error.message}`,
          { cause: error },
        )
      }
      const unreadable = await withDatabase(database, doing, listUnreadable).catch(() => [])
      if (unreadable === 'missing' || unreadable.length === 0) {
        throw new EngineError('tool', `${doing}: ${error.message}`, { cause: error })
      }
      const more = unreadable.length > 5 ? ` and ${unreadable.length - 5} more` : ''
      throw new EngineError(
        'forbidden',
        `${doing}: the role may not read all of ${unreadable.slice(0, 5).join(', ')}${more}. ${grantHint} ` +
          `For tables under row security it also needs BYPASSRLS. ${error.message}`,
        { cause: error },
      )
    })
    settled.catch(() => {})
    return {
      stream: stdout,
      ended: settled,
      clientVersion: client.version,
      compression: resolved,
      outer: none,
      suffix: '.dump',
    }
  }

  /** The client for the server, and the compression that it can do of what was asked for. */
  async function chooseClient(
    { serverVersion }: Inspection,
    wanted: WantedCompression,
  ): Promise<[Client, Compression]> {
    const major = Number.parseInt(serverVersion, 10)
    const client = matchPostgresClient(await clients(), major, address, deps.platform)
    if (client.major >= 17 && major < 17 && !warned.has('newer client')) {
      warned.add('newer client')
      deps.log.warn(
        `${address} is PostgreSQL ${major} and is dumped by pg_dump ${client.version}, which writes a setting that ` +
          `servers before 17 do not know: restoring there needs that line filtered. Install the client of ${major} to avoid it.`,
      )
    }
    return [client, await resolveCompression(wanted, client, deps)]
  }

  const password = uri.password ?? deps.env.PGPASSWORD
  return {
    engine: 'postgres',
    address,
    database: uri.database,
    secrets: [...uri.secrets, ...(password ? [password] : [])],
    plainNames: uri.user === undefined ? [] : [uri.user],
    databases,
    inspect,
    dump,
  }
}

const ofUsers = `relnamespace NOT IN (SELECT oid FROM pg_namespace
  WHERE nspname = 'information_schema' OR nspname ~ '^pg_(catalog|toast|temp)')`

/** Bytes of tables without their indexes; where a lock stands in the way, of the whole database. */
async function estimate(connection: Connection): Promise<number> {
  const tables = `SELECT coalesce(sum(pg_table_size(oid)), 0) + pg_table_size('pg_catalog.pg_largeobject') AS bytes
    FROM pg_class WHERE relkind = 'r' AND ${ofUsers}`
  const ask = async (query: string) => Number((await connection.query<{ bytes: string }>(query)).rows[0]?.bytes ?? 0)
  return ask(tables).catch(() => ask('SELECT pg_database_size(current_database()) AS bytes'))
}

/** Tables and sequences that pg_dump would read and the role may not, and tables whose rows a policy hides from it. */
async function listUnreadable(connection: Connection): Promise<readonly string[]> {
  const { rows } = await connection.query<{ name: string }>(
    `SELECT oid::regclass::text AS name FROM pg_class c WHERE relkind IN ('r', 'p', 'S') AND ${ofUsers}
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND deptype = 'e')
       AND (NOT has_schema_privilege(relnamespace, 'USAGE') OR NOT has_table_privilege(oid, 'SELECT')
         OR (relkind <> 'S' AND row_security_active(oid)))
     ORDER BY 1`,
  )
  return rows.map(({ name }) => name)
}
