import { spawn as spawnChild } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmdirSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { messageOf, UserError } from './errors.ts'

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  /** The child's whole environment. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Text that the child reads at `/dev/fd/3`, and that nobody else can: see `privateFile`. */
  readonly privateInput?: string
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The last 16 KiB of standard error, from the start of a line. */
  readonly stderr: string
}

export interface Child {
  readonly stdin: Writable
  readonly stdout: Readable
  /** Resolves when the process has ended and its output is closed; rejects when it could not be started. */
  readonly exit: Promise<Exit>
  /** Asks it to end, and kills it when it has not after two seconds. */
  stop(): void
}

export type Spawn = (command: Command) => Child

const stderrKept = 16 * 1024
const graceMs = 2000

/**
 * A readable descriptor of a file that has no name any more: even a process that is killed leaves nothing behind.
 * (A pipe would not do: Node makes socket pairs, and those cannot be opened through /dev/fd.)
 */
function privateFile(text: string): number {
  const folder = temporaryFolder()
  const path = join(folder, 'input')
  try {
    const writing = openSync(path, 'wx', 0o600)
    try {
      writeSync(writing, text)
      return openSync(path, 'r')
    } finally {
      closeSync(writing)
      unlinkSync(path)
    }
  } finally {
    rmdirSync(folder)
  }
}

function temporaryFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'db-backup-'))
  } catch (cause) {
    throw new UserError(
      `Making a temporary folder: ${messageOf(cause)}. Make room, or set TMPDIR to a folder that can be written.`,
      { cause },
    )
  }
}

export const spawn: Spawn = ({ file, args, env, privateInput }) => {
  const input = privateInput === undefined ? undefined : privateFile(privateInput)
  try {
    const child = spawnChild(file, args, {
      env,
      stdio: ['pipe', 'pipe', 'pipe', ...(input === undefined ? [] : [input])],
    })
    const failed = new Promise<never>((_resolve, reject) => child.once('error', reject))
    failed.catch(() => {})
    // Where no more files can be opened, Node gives a child without streams.
    if (!child.stdin || !child.stdout || !child.stderr) {
      throw new UserError(`Starting ${file}: too many files are open. Raise \`ulimit -n\`, or lower parallel.`)
    }
    const { stdin, stdout, stderr } = child as typeof child & { stdin: Writable; stdout: Readable; stderr: Readable }
    // A child that ends early breaks the pipe; its exit tells why, so the broken pipe itself is no news.
    stdin.on('error', () => {})
    let tail = ''
    let isCut = false
    stderr.setEncoding('utf8').on('data', text => {
      tail += text
      isCut ||= tail.length > stderrKept
      tail = tail.slice(-stderrKept)
    })
    // Half a line may hold half a secret, which nobody would know for one.
    const wholeLines = () => (isCut ? tail.slice(tail.indexOf('\n') + 1) : tail)
    let kill: NodeJS.Timeout | undefined
    const closed = new Promise<Exit>(resolve => {
      child.once('close', (code, signal) => resolve({ code, signal, stderr: wholeLines() }))
    })
    const exit = Promise.race([closed, failed]).finally(() => clearTimeout(kill))
    exit.catch(() => {})
    return {
      stdin,
      stdout,
      exit,
      stop: () => {
        if (kill !== undefined || child.exitCode !== null || child.signalCode !== null) return
        child.kill('SIGTERM')
        kill = setTimeout(() => {
          child.kill('SIGKILL')
          // A wrapper script's own child may live on with our pipes in its hands: it must not hold us.
          for (const stream of [stdout, stderr]) stream.destroy()
        }, graceMs)
      },
    }
  } finally {
    if (input !== undefined) closeSync(input)
  }
}
