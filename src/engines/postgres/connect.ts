import { readFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { ConnectionOptions } from 'node:tls'
import type { Client, ClientConfig } from 'pg'
import type { Deps } from '../../system/deps.ts'
import { codeOf, messageOf } from '../../system/errors.ts'
import { optionVariables, type PostgresUri } from './uri.ts'

const connectTimeoutMs = 10_000

/**
 * Connects the driver as libpq would for the same URL, `sslmode` included: `prefer` is libpq's default and falls back
 * to plain text where the server has no TLS. Rejects with the driver's own error; an attempt under way when the run is
 * stopped is cut off.
 */
export async function connect(
  uri: PostgresUri,
  database: string,
  { env, signal }: Pick<Deps, 'env' | 'signal'>,
): Promise<Client> {
  const { Client } = (await import('pg')).default
  const { options, connect_timeout } = uri.options
  const config: ClientConfig = {
    host: uri.host,
    port: uri.port,
    database,
    user: uri.user ?? env.PGUSER,
    // libpq's password file, for the driver; the tools read it by themselves.
    password:
      uri.password ??
      env.PGPASSWORD ??
      (() => passwordFile({ host: uri.host, port: uri.port, database, user: uri.user ?? env.PGUSER })),
    application_name: uri.options.application_name ?? 'db-backup',
    connectionTimeoutMillis: connect_timeout === undefined ? connectTimeoutMs : Number(connect_timeout) * 1000,
    // Sets lock_timeout for the few catalogue queries; a dump has its own.
    lock_timeout: connectTimeoutMs,
    ...(options === undefined ? {} : { options }),
  }
  const attempts = await tlsAttempts(uri)
  for (const [index, ssl] of attempts.entries()) {
    signal.throwIfAborted()
    const socket = new Socket()
    const client = new Client({ ...config, ssl, stream: () => socket })
    // The server may end the connection at any time; the query under way then rejects, and that is enough.
    client.on('error', () => {})
    const cutOff = () => socket.destroy()
    signal.addEventListener('abort', cutOff, { once: true })
    try {
      await client.connect()
      return client
    } catch (error) {
      await client.end().catch(() => {})
      if (signal.aborted || index === attempts.length - 1 || !mayTryOtherwise(error)) throw error
    } finally {
      signal.removeEventListener('abort', cutOff)
    }
  }
  throw new Error('no way to connect was tried')
}

/** Another kind of connection may work where the server has no TLS, or where pg_hba.conf asks for the other kind. */
function mayTryOtherwise(error: unknown): boolean {
  return codeOf(error) === '28000' || /does not support SSL|SSL\/TLS required/i.test(messageOf(error))
}

async function tlsAttempts({ host, options }: PostgresUri): Promise<readonly (ConnectionOptions | false)[]> {
  if (host.startsWith('/')) return [false]
  const { sslmode = 'prefer', sslrootcert, sslcert, sslkey } = options
  if (sslmode === 'disable') return [false]
  const client: ConnectionOptions = {
    ...(sslcert === undefined ? {} : { cert: await readFile(sslcert) }),
    ...(sslkey === undefined ? {} : { key: await readFile(sslkey) }),
  }
  const unverified: ConnectionOptions = { ...client, rejectUnauthorized: false }
  if (sslmode === 'allow') return [false, unverified]
  if (sslmode === 'prefer') return [unverified, false]
  // libpq: with a root certificate `require` means verify-ca.
  if (sslmode === 'require' && sslrootcert === undefined) return [unverified]
  const root = await rootCertificate(sslrootcert)
  const verified: ConnectionOptions = { ...client, ...(root === undefined ? {} : { ca: root }) }
  return [sslmode === 'verify-full' ? verified : { ...verified, checkServerIdentity: () => undefined }]
}

/** The root certificates to trust: the named file, else libpq's usual place, else the runtime's own (`system`). */
async function rootCertificate(sslrootcert: string | undefined): Promise<Buffer | undefined> {
  if (sslrootcert === 'system') return undefined
  if (sslrootcert !== undefined) return readFile(sslrootcert)
  return readFile(join(homedir(), '.postgresql', 'root.crt')).catch(() => undefined)
}

/** The environment that makes libpq connect as the URL says. The password stands here and nowhere in an argument. */
export function libpqEnvironment(uri: PostgresUri, database: string, env: Deps['env']): Record<string, string> {
  const password = uri.password ?? env.PGPASSWORD
  const user = uri.user ?? env.PGUSER
  return {
    ...Object.fromEntries(Object.entries(uri.options).map(([name, value]) => [optionVariables[name] as string, value])),
    PGHOST: uri.host,
    PGPORT: String(uri.port),
    PGDATABASE: database,
    ...(user === undefined ? {} : { PGUSER: user }),
    ...(password === undefined ? {} : { PGPASSWORD: password }),
    ...(env.PGPASSFILE === undefined ? {} : { PGPASSFILE: env.PGPASSFILE }),
  }
}

/** The password that ~/.pgpass, or the file that PGPASSFILE names, holds for this login; empty when it holds none. */
async function passwordFile(login: object): Promise<string> {
  const { default: pgpass } = await import('pgpass')
  return new Promise(resolve => pgpass(login, (password?: string) => resolve(password ?? '')))
}
