import { hostname, tmpdir } from 'node:os'
import { delimiter } from 'node:path'
import { captureUntil } from '../../src/system/capture.ts'
import type { Deps } from '../../src/system/deps.ts'
import { Interrupted } from '../../src/system/errors.ts'
import { createSecrets } from '../../src/system/secrets.ts'
import { spawn } from '../../src/system/spawn.ts'

export interface TestDeps extends Deps {
  /** What was logged as a warning. */
  readonly warnings: readonly string[]
  /** Stops the run, as SIGTERM would. */
  interrupt(): void
}

/**
 * The real world, but for its log, which is kept, and its client tools: only those in `folders` answer, whatever this
 * machine has elsewhere. `env` comes on top of a bare environment.
 */
export function testDeps(folders: readonly string[], env: Deps['env'] = {}): TestDeps {
  const stop = new AbortController()
  const warnings: string[] = []
  const isOffered = (file: string) => folders.some(folder => file.startsWith(`${folder}/`))
  return {
    env: { PATH: folders.join(delimiter), HOME: tmpdir(), TMPDIR: tmpdir(), ...env },
    cwd: tmpdir(),
    host: hostname(),
    platform: process.platform,
    cores: 2,
    now: () => new Date(),
    signal: stop.signal,
    log: { info: () => {}, warn: text => warnings.push(text), error: text => warnings.push(text) },
    secrets: createSecrets(),
    spawn,
    capture: (file, ...rest) =>
      isOffered(file)
        ? captureUntil()(file, ...rest)
        : Promise.reject(new Error(`${file} is not offered to this test`)),
    warnings,
    interrupt: () => stop.abort(new Interrupted('SIGTERM')),
  }
}
