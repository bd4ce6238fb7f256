import { UsageError } from '../../system/errors.ts'

/** A connection URL as libpq reads it (PostgreSQL manual, "Connection URIs"), taken apart and decoded. */
export interface PostgresUri {
  readonly address: string
  /** A name, an address without brackets, or the folder of a Unix socket. */
  readonly host: string
  readonly port: number
  readonly user: string | undefined
  readonly password: string | undefined
  readonly database: string | undefined
  /** Options of the query, by libpq's names. */
  readonly options: Readonly<Record<string, string>>
  readonly secrets: readonly string[]
}

// An @ stands before the host and nowhere else: elsewhere it shows that a password was written as it is.
const shape =
  /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?(\[[^\]/?@]*\]|[^@:/?[\]]*)(?::(\d+))?(?:\/([^/?@]*))?(?:\?([^?@]*))?$/i

/** libpq's options that a URL may carry, and the environment variable by which the tools take each. */
export const optionVariables: Readonly<Record<string, string>> = {
  application_name: 'PGAPPNAME',
  channel_binding: 'PGCHANNELBINDING',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  gssencmode: 'PGGSSENCMODE',
  options: 'PGOPTIONS',
  requirepeer: 'PGREQUIREPEER',
  ssl_max_protocol_version: 'PGSSLMAXPROTOCOLVERSION',
  ssl_min_protocol_version: 'PGSSLMINPROTOCOLVERSION',
  sslcert: 'PGSSLCERT',
  sslcrl: 'PGSSLCRL',
  sslkey: 'PGSSLKEY',
  sslmode: 'PGSSLMODE',
  sslnegotiation: 'PGSSLNEGOTIATION',
  sslrootcert: 'PGSSLROOTCERT',
  sslsni: 'PGSSLSNI',
  target_session_attrs: 'PGTARGETSESSIONATTRS',
}

const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']

export function parsePostgresUri(text: string): PostgresUri {
  const wrong = (what: string) => new UsageError(`Reading a PostgreSQL URL of \`databases\`: ${what}`)
  const match = shape.exec(text)
  if (match === null) {
    throw wrong(
      'it is not of the form postgres://user:password@host:port/database?options, with one host. ' +
        'Percent-encode @ : / ? # % and spaces in the user and the password (@ is %40, / is %2F), and @ in options.',
    )
  }
  const decode = (part: string): string => {
    // No environment variable and no argument can hold a zero byte.
    if (part.includes('%00')) throw wrong('%00 is allowed nowhere in it.')
    try {
      return decodeURIComponent(part)
    } catch {
      throw wrong('a % in it starts no valid escape. Write % itself as %25.')
    }
  }
  const [, userinfo, hostPart = '', portPart, path = '', query = ''] = match
  const [user, password, tooMany] = userinfo === undefined ? [] : userinfo.split(':')
  if (tooMany !== undefined) throw wrong('percent-encode the : in the password as %3A.')

  const pairs = query
    .split('&')
    .filter(pair => pair !== '')
    .map(pair => {
      const [name = '', ...value] = pair.split('=')
      return [decode(name), decode(value.join('='))] as const
    })
  const {
    host: hostOption,
    port: portOption,
    user: userOption,
    password: passwordOption,
    dbname,
    ...options
  } = Object.fromEntries(pairs) as Record<string, string | undefined>
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(optionVariables, name)) {
      throw wrong(
        `${JSON.stringify(name)} is no option that db-backup knows; known: ${Object.keys(optionVariables).join(', ')}.`,
      )
    }
  }
  if (options.sslmode !== undefined && !sslModes.includes(options.sslmode)) {
    throw wrong(`sslmode ${JSON.stringify(options.sslmode)} is none of ${sslModes.join(', ')}.`)
  }

  const host = hostOption || decode(hostPart.replace(/^\[(.*)\]$/, '$1')) || 'localhost'
  const portText = portOption || portPart || '5432'
  const port = Number(portText)
  if (host.includes(',') || !/^\d+$/.test(portText) || !(port >= 1 && port <= 65535)) {
    throw wrong(`${JSON.stringify(`${host}:${portText}`)} is not one host with one port from 1 to 65535.`)
  }
  const secret = passwordOption ?? (password === undefined ? undefined : decode(password))
  return {
    address: `${host.includes(':') && !host.startsWith('/') ? `[${host}]` : host}:${port}`,
    host,
    port,
    user: userOption || (user ? decode(user) : undefined),
    password: secret || undefined,
    database: dbname || (path === '' ? undefined : decode(path)),
    options: options as Record<string, string>,
    secrets: secret ? [secret, ...(password ? [password] : [])] : [],
  }
}
