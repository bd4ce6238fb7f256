import { UserError } from '../system/errors.ts'
import type { Client } from './find.ts'

/**
 * The client to dump a server of `serverMajor` with: of the lowest major not below the server's, because pg_dump
 * refuses a newer server and writes for its own version. Throws a `UserError` that says what is there, what is needed
 * and how to install it.
 */
export function matchPostgresClient(
  clients: readonly Client[],
  serverMajor: number,
  server: string,
  platform: NodeJS.Platform,
): Client {
  const fitting = clients.filter(client => client.major >= serverMajor)
  const lowest = Math.min(...fitting.map(client => client.major))
  const match = fitting.find(client => client.major === lowest)
  if (match !== undefined) return match
  const installed = clients.map(client => `${client.version} in ${client.folder}`).join(', ') || 'none'
  throw new UserError(
    `Choosing a client for ${server}: it is PostgreSQL ${serverMajor}, and pg_dump cannot dump a server newer than itself. ` +
      `Installed: ${installed}. Needed: pg_dump and pg_restore ${serverMajor} or newer. ` +
      `Install them with: ${installPostgres(serverMajor, platform)}`,
  )
}

/** The command that installs the PostgreSQL client of one major. */
function installPostgres(major: number, platform: NodeJS.Platform): string {
  return platform === 'darwin'
    ? `brew install postgresql@${major}`
    : `sudo apt-get install -y postgresql-client-${major} ` +
        '(packages of every version: https://www.postgresql.org/download/linux/)'
}

/** The MongoDB tools to use, or a `UserError` that says how to install them. */
export function matchMongoClient(clients: readonly Client[], server: string, platform: NodeJS.Platform): Client {
  // From 100 the tools are versioned apart from the server and read every server from 4.2 on. 100.4.0 leaves every
  // document with an empty field name out and exits 0: https://jira.mongodb.org/browse/TOOLS-2931
  const match = clients.find(client => client.major >= 100 && client.version !== '100.4.0')
  if (match !== undefined) return match
  const installed = clients.map(client => `${client.version} in ${client.folder}`).join(', ') || 'none'
  const install =
    platform === 'darwin'
      ? 'brew install mongodb/brew/mongodb-database-tools'
      : 'the package from https://www.mongodb.com/try/download/database-tools, then: sudo apt-get install -y ./mongodb-database-tools-*.deb'
  throw new UserError(
    `Choosing a client for ${server}: the MongoDB Database Tools (mongodump) on PATH do not fit. ` +
      `Installed: ${installed}. Needed: version 100 or newer, but not 100.4.0, which loses documents. Install them with: ${install}`,
  )
}
