import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execFileAsync = promisify(execFile)

/** Runs a program to its end. Rejects, with the last lines it printed, unless it exits 0. */
export async function run(command: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
  const [program = '', ...args] = command
  try {
    return await execFileAsync(program, args, { maxBuffer: 64 * 1024 * 1024, ...options })
  } catch (cause) {
    const { stdout = '', stderr = '', message } = cause as Error & { stdout?: string; stderr?: string }
    const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-4).join(' | ')
    throw new Error(said === '' ? message : `${program} ${args[0] ?? ''}: ${said}`, { cause })
  }
}

/** A server gets nothing of the caller's settings (PGPORT, VGW_…), only what a program needs in order to run. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const kept = /^(PATH|HOME|TMPDIR|LANG|TZ|LD_LIBRARY_PATH|DYLD_.*)$/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => kept.test(name)))
}
