import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Home } from './home.ts'
import { plainEnvironment } from './run.ts'

const startDeadlineMs = 60_000
const pollMs = 20

export interface Launch {
  /** What it is, for messages. */
  name: string
  /** Removed when the server has stopped or could not start; it holds the log too. */
  home: Home
  prepare?(): Promise<void>
  command(port: number): readonly string[]
  /** Whether this very server, and not another one on the same port, answers; a rejection means: not yet. */
  ready(port: number): Promise<boolean>
  /** What must be done before it is of use; when it fails, the server has not started. */
  complete?(port: number): Promise<void>
  /** Asks for a quick and orderly end. */
  stopSignal: NodeJS.Signals
  /** Then it is killed; 10 s unless told. */
  stopDeadlineMs?: number
  /** Ends it at once, when this process ends. */
  endSignal: NodeJS.Signals
}

export interface Launched {
  port: number
  pid: number
  /** What the server prints; gone once it has stopped. */
  logFile: string
  kill(signal: NodeJS.Signals): void
  /** Ends the server and removes its directories; also right for one that was killed, and when called twice. */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts a server on a free loopback port and waits until it answers. When it ends instead, rejects with its log. */
export async function launch(plan: Launch): Promise<Launched> {
  try {
    await plan.prepare?.()
    for (let tries = 1; ; tries++) {
      const port = await freePort()
      const started = await attempt(plan, port)
      if ('pid' in started) return started
      // Between our look and the server's start, another process can take the port.
      if (tries === 5 || !/address already in use/i.test(started.log)) {
        const tail = started.log.split('\n').slice(-25).join('\n')
        throw new Error(`${plan.name} did not start: ${started.why.message}\n${tail}`, { cause: started.why })
      }
    }
  } catch (error) {
    await plan.home.remove()
    throw error
  }
}

async function attempt(plan: Launch, port: number): Promise<Launched | { why: Error; log: string }> {
  const logFile = join(plan.home.dir, `server-${port}.log`)
  const log = openSync(logFile, 'a')
  const [program = '', ...args] = plan.command(port)
  const child = spawn(program, args, { stdio: ['ignore', log, log], env: plainEnvironment() })
  closeSync(log)
  plan.home.keep(child, plan.endSignal)

  let end: string | undefined
  const ended = new Promise<void>(resolve => {
    child.once('error', error => resolve(void (end ??= error.message)))
    child.once('exit', (code, signal) => resolve(void (end ??= signal ?? `exit code ${code}`)))
  })
  const halt = async () => {
    child.ref()
    child.kill(plan.stopSignal)
    child.kill('SIGCONT')
    await Promise.race([ended, delay(plan.stopDeadlineMs ?? 10_000, undefined, { ref: false })])
    child.kill('SIGKILL')
    await ended
  }

  try {
    await answers(plan, port, ended, () => end)
    const said = await readFile(logFile, 'utf8')
    // PostgreSQL only warns when it gets one of its two addresses and not the other.
    if (/could not bind/i.test(said)) throw new Error('one of its addresses could not be bound')
    await plan.complete?.(port)
  } catch (error) {
    await halt()
    return { why: error as Error, log: await readFile(logFile, 'utf8') }
  }

  let stopping: Promise<void> | undefined
  const stop = async () => {
    await (stopping ??= halt().then(plan.home.remove))
  }
  return { port, pid: child.pid!, logFile, kill: signal => void child.kill(signal), stop, [Symbol.asyncDispose]: stop }
}

async function answers(plan: Launch, port: number, ended: Promise<void>, end: () => string | undefined): Promise<void> {
  const deadline = Date.now() + startDeadlineMs
  let answer: unknown = 'no answer'
  while (Date.now() < deadline) {
    const ready = await plan.ready(port).catch(error => void (answer = error))
    const reason = end()
    if (reason !== undefined) throw new Error(`it ended: ${reason}`)
    if (ready) return
    await Promise.race([ended, delay(pollMs)])
  }
  throw new Error(`not ready within ${startDeadlineMs / 1000} s: ${answer}`, { cause: answer })
}

/** Ports this process has given out: a server that is still starting does not hold its port yet. */
const given = new Set<number>()

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => probe.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as { port: number }
  await new Promise(resolve => probe.close(resolve))
  if (given.has(port)) return freePort()
  given.add(port)
  return port
}
