import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'

export interface ArgumentsWatch {
  /** Every command line that was seen, by each way of looking. */
  readonly seen: { readonly ps: ReadonlySet<string>; readonly proc: ReadonlySet<string> }
  stop(): Promise<void>
}

/**
 * Looks at the arguments of every process of the machine, as any of its users can: through `ps`, again and again, and
 * where there is one through /proc, some hundred times a second.
 */
export function watchArguments(): ArgumentsWatch {
  const seen = { ps: new Set<string>(), proc: new Set<string>() }
  let watching = true
  const byPs = async () => {
    while (watching) {
      const { stdout } = await promisify(execFile)('ps', ['-A', '-ww', '-o', 'args='])
      for (const line of stdout.split('\n')) seen.ps.add(line)
    }
  }
  const byProc = async () => {
    while (watching && process.platform === 'linux') {
      for (const pid of readdirSync('/proc')) {
        if (/^\d+$/.test(pid)) seen.proc.add(commandLine(pid))
      }
      await setImmediate()
    }
  }
  const ended = Promise.all([byPs(), byProc()])
  return {
    seen,
    stop: async () => {
      watching = false
      await ended
    },
  }
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    // It has ended since.
    return ''
  }
}
