import { availableParallelism, hostname } from 'node:os'
import { captureUntil } from './capture.ts'
import type { Deps, Log } from './deps.ts'
import { Interrupted, type StopSignal, UserError } from './errors.ts'
import type { Secrets } from './secrets.ts'
import { spawn } from './spawn.ts'

/** The real outside world. Listens for the signals that end a run, from the call on. */
export function realWorld(log: Log, secrets: Secrets): Deps {
  const stop = new AbortController()
  // A log that cannot be written (a full disk, a reader that went away) is no reason to stop a backup.
  process.stderr.on('error', () => {})
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] satisfies StopSignal[]) {
    // Only the first counts: cleaning up is short, and a second one must not cut it off.
    process.on(signal, () => stop.abort(new Interrupted(signal)))
  }
  return {
    env: process.env,
    cwd: currentFolder(),
    host: hostname(),
    platform: process.platform,
    cores: availableParallelism(),
    now: () => new Date(),
    signal: stop.signal,
    log,
    secrets,
    spawn,
    capture: captureUntil(stop.signal),
  }
}

function currentFolder(): string {
  try {
    return process.cwd()
  } catch (cause) {
    throw new UserError('Reading the name of the current folder: it is not there any more. Change to another one.', {
      cause,
    })
  }
}
