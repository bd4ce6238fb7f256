import { UsageError } from '../../system/errors.ts'

/** A connection string, taken apart without losing anything: what is not named here stays as it was written. */
export interface MongoUri {
  /** As it was given, but for a compression of the wire that the driver would want a further module for. */
  readonly forDriver: string
  readonly address: string
  readonly database: string | undefined
  readonly user: string | undefined
  readonly password: string | undefined
  readonly secrets: readonly string[]
  /** For the tools' `uri`: no password (the tools take it apart), no path (they take `--db`), `authSource` explicit. */
  forTools(authSource: string | undefined): string
}

const shape = /^(mongodb(?:\+srv)?:\/\/)(?:([^@/?]*)@)?([^@/?]+)(?:\/([^/?@]*))?(?:\?([^?@]*))?$/i
// Of each host; `user:password` without a host behind it is none.
const hostShape = /^(?:\[[^\]]+\]|[^:[\]]+)(?::\d+)?$/
const defaultPort = 27017
// Options whose values open something. The driver's spelling and the older one.
const secretOptions = /^(tlsCertificateKeyFilePassword|sslClientCertificateKeyPassword|authMechanismProperties)$/i

export function parseMongoUri(text: string): MongoUri {
  const match = shape.exec(text)
  if (match === null || !match[3]?.split(',').every(host => hostShape.test(host))) {
    throw new UsageError(
      'Reading a MongoDB URL of `databases`: it is not of the form mongodb://user:password@host:port/?options. ' +
        'Percent-encode @ : / ? # % and spaces in the user and the password (@ is %40, / is %2F), and @ in options.',
    )
  }
  const [, scheme = '', userinfo, hosts = '', path = '', query = ''] = match
  const [user, password, tooMany] = userinfo === undefined ? [] : userinfo.split(':')
  if (tooMany !== undefined) {
    throw new UsageError('Reading a MongoDB URL of `databases`: percent-encode the : in the password as %3A.')
  }
  const options = query.split('&').filter(option => option !== '')
  const isSrv = scheme.toLowerCase() === 'mongodb+srv://'
  const optionValue = (option: string) => decode(option.slice(option.indexOf('=') + 1))
  const optionName = (option: string) => option.split('=', 1)[0] ?? ''
  const plainPassword = password === undefined ? undefined : decode(password)
  return {
    forDriver: text.replace(/([?&])compressors=[^&]*&?/i, '$1').replace(/[?&]$/, ''),
    address: hosts
      .split(',')
      .map(host => (isSrv ? host : withPort(decode(host))))
      .join(','),
    database: path === '' ? undefined : decode(path),
    user: user === undefined ? undefined : decode(user),
    password: plainPassword,
    secrets: [
      ...(plainPassword === undefined ? [] : [plainPassword, password as string]),
      // authMechanismProperties is a list of NAME:value.
      ...options
        .filter(option => secretOptions.test(optionName(option)))
        .flatMap(option => [
          optionValue(option),
          ...optionValue(option)
            .split(',')
            .map(pair => pair.slice(pair.indexOf(':') + 1)),
        ]),
    ],
    forTools(authSource) {
      // The tools read the milliseconds of serverSelectionTimeoutMS as seconds.
      const left = authSource === undefined ? /^serverSelectionTimeoutMS$/i : /^(serverSelectionTimeoutMS|authSource)$/i
      const kept = options.filter(option => !left.test(optionName(option)))
      if (authSource !== undefined) kept.push(`authSource=${encodeURIComponent(authSource)}`)
      return `${scheme}${user === undefined ? '' : `${user}@`}${hosts}/?${kept.join('&')}`
    },
  }
}

function withPort(host: string): string {
  const isSocket = host.startsWith('/')
  return isSocket || /:\d+$/.test(host.replace(/^\[.*\]/, '')) ? host : `${host}:${defaultPort}`
}

function decode(text: string): string {
  // No argument can hold a zero byte.
  if (text.includes('%00')) throw new UsageError('Reading a MongoDB URL of `databases`: %00 is allowed nowhere in it.')
  try {
    return decodeURIComponent(text)
  } catch {
    throw new UsageError(
      'Reading a MongoDB URL of `databases`: a % in it starts no valid escape. Write % itself as %25.',
    )
  }
}
