import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeCertificate } from './certificate.ts'
import { getPart } from './find.ts'
import { makeHome } from './home.ts'
import { type Launched, launch } from './launch.ts'
import type { PostgresMajor } from './parts.ts'
import { plainEnvironment, run } from './run.ts'

export interface PostgresServer extends Launched {
  host: string
  socketDir: string
  user: 'postgres'
  password: string
  /** The directory with this server's own psql, pg_dump and so on. */
  bin: string
  /** The certificate to trust, when it was started with `tls`. */
  tlsCa?: string
  /** `host` may be `::1` (with `ipv6`) or `localhost`. */
  url(database?: string, host?: string): string
}

export interface PostgresOptions {
  major?: PostgresMajor
  password?: string
  /** Listens on ::1 too. */
  ipv6?: boolean
  /** Offers TLS, with a certificate for localhost, 127.0.0.1 and ::1. Majors 16 and 18 may be built without. */
  tls?: boolean
  /** Further settings of the server, as in postgresql.conf. */
  settings?: Record<string, string>
}

/** The directory that holds initdb, postgres, pg_dump, pg_restore and psql of a major version. */
export async function postgresBin(major: PostgresMajor): Promise<string> {
  return (await getPart(`postgres${major}`)).bin
}

/** A new cluster, with the superuser `postgres` and its password needed on TCP and on the socket. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const { major = 17, password = randomBytes(12).toString('base64url'), ipv6 = false, tls = false } = options
  const bin = await postgresBin(major)
  const home = await makeHome('.s.PGSQL.65535')
  const { dir, socketDir } = home
  const data = join(dir, 'data')
  const settings = {
    listen_addresses: ipv6 ? '127.0.0.1,::1' : '127.0.0.1',
    unix_socket_directories: socketDir,
    fsync: 'off',
    full_page_writes: 'off',
    logging_collector: 'off',
    timezone: 'UTC',
    ...(tls ? { ssl: 'on', ssl_cert_file: join(dir, 'tls.crt'), ssl_key_file: join(dir, 'tls.key') } : {}),
    ...options.settings,
  }

  const server = await launch({
    name: `PostgreSQL ${major}`,
    home,
    prepare: async () => {
      const pwfile = join(dir, 'password')
      await writeFile(pwfile, `${password}\n`)
      if (tls) await makeCertificate(dir)
      const initdb = [
        ...asNobody,
        join(bin, 'initdb'),
        '-D',
        data,
        '-U',
        'postgres',
        '-A',
        'scram-sha-256',
        '--pwfile',
        pwfile,
      ]
      const cluster = [...initdb, '--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions']
      await run(cluster, { env: plainEnvironment() })
    },
    command: port => {
      const given = Object.entries({ port: String(port), ...settings })
      return [
        ...asNobody,
        join(bin, 'postgres'),
        '-D',
        data,
        ...given.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ]
    },
    ready: async port => {
      // By the socket: that one is ours for certain, whoever has the port.
      const { Client } = (await import('pg')).default
      const login = { host: socketDir, port, user: 'postgres', password, database: 'postgres', ssl: false }
      const client = new Client({ ...login, connectionTimeoutMillis: 5000 })
      client.on('error', () => {})
      await client.connect()
      await client.query('select 1')
      await client.end()
      return true
    },
    stopSignal: 'SIGINT',
    // An immediate shutdown. SIGKILL would leave a shared memory segment behind until the machine restarts.
    endSignal: 'SIGQUIT',
  })

  const host = '127.0.0.1'
  const url = (database = 'postgres', at = host) =>
    `postgres://postgres:${encodeURIComponent(password)}@${at.includes(':') ? `[${at}]` : at}:${server.port}/${encodeURIComponent(database)}`
  const tlsCa = tls ? { tlsCa: join(dir, 'ca.crt') } : {}
  return { ...server, host, socketDir, user: 'postgres', password, bin, url, ...tlsCa }
}

const isRoot = process.getuid?.() === 0
const nobody = 65534

/**
 * PostgreSQL refuses to run as root, so root starts it as nobody (Linux only: setpriv(1)). It keeps the capability to
 * pass by file permissions, for its programs or data may lie below a directory that only root can enter.
 */
const asNobody = isRoot
  ? [
      'setpriv',
      `--reuid=${nobody}`,
      `--regid=${nobody}`,
      '--clear-groups',
      '--inh-caps=+dac_override',
      '--ambient-caps=+dac_override',
      '--securebits=+no_setuid_fixup',
    ]
  : []
