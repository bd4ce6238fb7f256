import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** The bundled program, as a user runs it. */
export const cliFile = join(import.meta.dirname, '../../dist/cli.js')

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
}

export interface RunningCli {
  readonly pid: number
  readonly ended: Promise<Ended>
  /** Standard error so far. */
  stderr(): string
  kill(signal: NodeJS.Signals): void
  /** Sends a signal to the program and to all that it has started, as Ctrl-C on a terminal does. */
  killGroup(signal: NodeJS.Signals): void
}

export interface CliOptions {
  /** The whole environment. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Arguments for Node itself. */
  readonly node?: readonly string[]
}

/** Starts `db-backup` in a process group of its own, whose number is its pid. */
export function startCli(args: readonly string[], { env, cwd, node = [] }: CliOptions): RunningCli {
  if (!existsSync(cliFile)) throw new Error(`${cliFile} is not there: run \`npm run build\` first`)
  return follow(
    spawn(process.execPath, [...node, cliFile, ...args], {
      env,
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    }),
  )
}

/** Runs a line of bash to its end: for what a user would do with pipes and limits. */
export function runBash(line: string, { env, cwd }: Pick<CliOptions, 'env' | 'cwd'>): Promise<Ended> {
  const args = ['-euo', 'pipefail', '-c', line]
  return follow(spawn('bash', args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true })).ended
}

function follow(child: ChildProcess): RunningCli {
  const started = performance.now()
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', text => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr, ms: performance.now() - started }))
  })
  const pid = child.pid ?? 0
  return {
    pid,
    ended,
    stderr: () => stderr,
    kill: signal => child.kill(signal),
    killGroup: signal => process.kill(-pid, signal),
  }
}
