import { codeOf, messageOf } from '../../system/errors.ts'
import { EngineError } from '../engine.ts'

/** SQLSTATE invalid_catalog_name: the database does not exist. The one sign that does not depend on a language. */
export const noSuchDatabase = '3D000'

// SQLSTATE invalid_authorization_specification, invalid_password.
const badLogin: readonly unknown[] = ['28000', '28P01']
const insufficientPrivilege = '42501'
const sqlState = /^[0-9A-Z]{5}$/

/** Tells what a driver's error means. `doing` is what was being done, to what: it starts the message. */
export function explainPostgres(error: unknown, doing: string, address: string): EngineError {
  const code = codeOf(error)
  const said = messageOf(error)
  if (said.startsWith('SASL') && said.includes('client password')) {
    return new EngineError(
      'credentials',
      `${doing}: ${address} asks for a password and none is given. Put it into the URL, PGPASSWORD or ~/.pgpass.`,
      { cause: error },
    )
  }
  if (badLogin.includes(code) || said.startsWith('SASL')) {
    return new EngineError(
      'credentials',
      `${doing}: ${address} refuses the login: ${said}. Check the user and the password in \`databases\`, and the server's pg_hba.conf.`,
      { cause: error },
    )
  }
  if (code === insufficientPrivilege) {
    return new EngineError('forbidden', `${doing}: the role lacks a right: ${said}. ${grantHint}`, { cause: error })
  }
  if (typeof code === 'string' && code.startsWith('E') && !sqlState.test(code) && !code.startsWith('ERR_')) {
    return unreachable(error, doing, address, said)
  }
  if (/timeout expired|Connection terminated/.test(said)) return unreachable(error, doing, address, said)
  if (/SSL|certificate/i.test(said)) {
    return new EngineError(
      'server',
      `${doing}: no encrypted connection to ${address}: ${said}. Check sslmode and sslrootcert in its URL.`,
      { cause: error },
    )
  }
  return new EngineError('server', `${doing}: ${address} answered: ${said}`, { cause: error })
}

export const grantHint = 'Grant it pg_read_all_data (PostgreSQL 14 or newer), or SELECT on everything in the database.'

export const largeObjectHint =
  'Large objects need a superuser, or `GRANT SELECT ON LARGE OBJECT n TO role` for each of them.'

function unreachable(cause: unknown, doing: string, address: string, said: string): EngineError {
  return new EngineError(
    'unreachable',
    `${doing}: no server answers at ${address}: ${said}. Check the host and the port, and that the server runs and lets this machine in.`,
    { cause },
  )
}
