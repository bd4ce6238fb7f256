import { messageOf } from '../../system/errors.ts'
import { EngineError } from '../engine.ts'

interface ServerAnswer {
  readonly name?: string
  readonly code?: unknown
  readonly message?: string
}

// Server error codes (mongo's error_codes.yml): Unauthorized, AuthenticationFailed; 8000 is Atlas's own for a wrong login.
export const unauthorized = 13
const badLogin: readonly unknown[] = [18, 8000]

/** Tells what a driver's error means. `doing` is what was being done, to what: it starts the message. */
export function explainMongo(error: unknown, doing: string, address: string): EngineError {
  const { name, code } = error as ServerAnswer
  const said = messageOf(error)
  if (badLogin.includes(code)) {
    return new EngineError(
      'credentials',
      `${doing}: ${address} refuses the login: ${said}. Check the user, the password and authSource in \`databases\`.`,
      { cause: error },
    )
  }
  // The same code stands for a login that may not and for none at all.
  if (code === unauthorized && /requires authentication/.test(said)) {
    return new EngineError(
      'credentials',
      `${doing}: ${address} asks for a login and the URL has none: ${said}. Put user and password into \`databases\`.`,
      { cause: error },
    )
  }
  if (code === unauthorized) {
    return new EngineError(
      'forbidden',
      `${doing}: the user lacks a right: ${said}. Grant it the role \`backup\`, or \`read\` on the database where that holds no time series.`,
      { cause: error },
    )
  }
  if (
    name === 'MongoServerSelectionError' ||
    name === 'MongoNetworkError' ||
    name === 'MongoNetworkTimeoutError' ||
    isDns(code)
  ) {
    return new EngineError(
      'unreachable',
      `${doing}: no server answers at ${address}: ${said}. Check the host and the port, and that the server runs and lets this machine in.`,
      { cause: error },
    )
  }
  return new EngineError('server', `${doing}: ${address} answered: ${said}`, { cause: error })
}

function isDns(code: unknown): boolean {
  return (
    code === 'ENOTFOUND' || code === 'ENODATA' || code === 'ESERVFAIL' || code === 'EAI_AGAIN' || code === 'ETIMEOUT'
  )
}
