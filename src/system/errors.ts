/** A failure that a person can act on: its message says what was being done, to what, and what to do next. Exit 1. */
export class UserError extends Error {
  override readonly name: string = 'UserError'
}

/** A wrong flag, setting or value: exit 2, and nothing was touched. */
export class UsageError extends UserError {
  override readonly name = 'UsageError'
}

// Each with its number, which the exit code tells.
const stopSignals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const

export type StopSignal = keyof typeof stopSignals

/** The run was asked to stop. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  readonly signal: StopSignal
  constructor(signal: StopSignal) {
    super(`stopped by ${signal}`)
    this.signal = signal
  }
}

/** Exit codes, as `docs/architecture.md` lists them. Signals follow the shell's 128 + number. */
export function exitCode(error: unknown): number {
  if (error instanceof Interrupted) return 128 + stopSignals[error.signal]
  return error instanceof UsageError ? 2 : 1
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}

/** The `code` of a system error such as ENOENT, when there is one. */
export function codeOf(error: unknown): string | number | undefined {
  return typeof error === 'object' && error !== null && 'code' in error
    ? (error.code as string | number | undefined)
    : undefined
}
