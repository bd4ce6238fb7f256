import type { Capture } from './capture.ts'
import type { Secrets } from './secrets.ts'
import type { Spawn } from './spawn.ts'

/** Where the program tells what it does. Every text is scrubbed of secrets on its way out. */
export interface Log {
  info(text: string): void
  warn(text: string): void
  error(text: string): void
}

/** The outside world, passed in: the real one is made in `system/world.ts`, and a fake is a plain object. */
export interface Deps {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The folder that relative paths start from. */
  readonly cwd: string
  readonly host: string
  readonly platform: NodeJS.Platform
  readonly cores: number
  now(): Date
  /** Aborted, with an `Interrupted` as its reason, when the run is asked to stop. */
  readonly signal: AbortSignal
  readonly log: Log
  readonly secrets: Secrets
  readonly spawn: Spawn
  readonly capture: Capture
}
