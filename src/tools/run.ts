import type { Readable, Writable } from 'node:stream'
import type { Deps } from '../system/deps.ts'
import { UserError } from '../system/errors.ts'
import type { Command } from '../system/spawn.ts'

export interface RunningTool {
  readonly stdin: Writable
  /** Its standard output. Destroying it ends the tool. */
  readonly stdout: Readable
  /**
   * Resolves when the tool has exited with 0; rejects with a `ToolFailed`, a `ToolStopped`, or the run's
   * `Interrupted`.
   */
  readonly ended: Promise<void>
}

/** A tool that exited with anything but 0. */
export class ToolFailed extends UserError {
  override readonly name = 'ToolFailed'
}

/** A tool that was ended because nobody reads its output any more: whoever closed it knows the reason. */
export class ToolStopped extends Error {
  override readonly name = 'ToolStopped'
}

// mongodump's lines on how far it is, which say nothing of a failure.
const progress = /\t(?:writing .* to |done dumping |\[[#.]+\])/

/** Starts a client tool. `name` is what messages call it: `pg_dump`, `mongodump`. */
export function runTool(
  { spawn, signal, secrets }: Pick<Deps, 'spawn' | 'signal' | 'secrets'>,
  name: string,
  command: Command,
): RunningTool {
  signal.throwIfAborted()
  const child = spawn(command)
  let abandoned = false
  const stop = () => child.stop()
  const interrupt = () => {
    stop()
    // A tool that waits for somebody to read its output does not see the signal.
    child.stdout.destroy()
  }
  signal.addEventListener('abort', interrupt, { once: true })
  child.stdout.once('close', () => {
    if (child.stdout.readableEnded) return
    abandoned = true
    stop()
  })

  const ended = child.exit
    .catch(cause => {
      throw new ToolFailed(`${name} could not be started from ${command.file}: ${cause.message}`, { cause })
    })
    .then(exit => {
      signal.throwIfAborted()
      if (exit.code === 0) return
      if (abandoned) throw new ToolStopped(`${name} was stopped`)
      const how = exit.signal === null ? `exited with ${exit.code}` : `was ended by ${exit.signal}`
      const said = secrets
        .scrub(exit.stderr)
        .split('\n')
        .filter(line => !progress.test(line))
        .join('\n')
        .replaceAll('\t', ' ')
        .trim()
      throw new ToolFailed(said === '' ? `${name} ${how} and said nothing` : `${name} ${how}: ${said}`)
    })
    .finally(() => signal.removeEventListener('abort', interrupt))
  // Whoever started the tool awaits this, perhaps later than it fails.
  ended.catch(() => {})
  return { stdin: child.stdin, stdout: child.stdout, ended }
}

/**
 * The environment for a tool: ours without what could redirect it (`PG*`) or is none of its business (our own settings
 * and cloud keys, which hold secrets), and with messages in English, so that people can look them up.
 */
export function toolEnvironment(env: Deps['env']): Record<string, string | undefined> {
  return {
    ...Object.fromEntries(Object.entries(env).filter(([name]) => !/^(PG|BACKUP_|AWS_)/.test(name))),
    LC_ALL: 'C',
  }
}
