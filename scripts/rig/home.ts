import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Temporary directories for one server. */
export interface Home {
  dir: string
  /** `dir`, or a short one of its own when the path of a socket in `dir` would be too long. */
  socketDir: string
  /** When this process ends before the server does, the signal is sent to it. */
  keep(server: ChildProcess, signal: NodeJS.Signals): void
  /** To be called once the server has ended. */
  remove(): Promise<void>
}

/**
 * What must not outlive this process is cleared away by another one, which notices our end by the end of the pipe
 * between us: so it works for SIGKILL too, on every system, and without listeners for signals, which could keep
 * this process alive. Each line it reads is the server that runs now; an empty one says that none does.
 */
const guard = `
  server= signal=
  while read -r one two; do server=$one signal=$two; done
  [ -z "$server" ] || { kill -"$signal" "$server"; kill -CONT "$server"; }
  tries=0
  until rm -rf -- "$@" || [ $((tries += 1)) -gt 100 ]; do sleep 0.05; done`

/** What each guard would do if this process ended now. */
const pending = new Map<ChildProcess, { args: readonly string[]; line: string }>()

/** New temporary directories, removed at the latest when this process ends. */
export async function makeHome(longestSocket = ''): Promise<Home> {
  const dir = await mkdtemp(join(tmpdir(), 'db-backup-rig-'))
  // sockaddr_un holds 107 bytes of path on Linux, 103 on macOS.
  const fits = Buffer.byteLength(join(dir, longestSocket)) <= 103
  const socketDir = fits ? dir : await mkdtemp('/tmp/db-backup-rig-')

  const args = ['-c', guard, 'rig-guard', dir, socketDir]
  // In a session of its own, so that the Ctrl-C which ends us does not end it.
  const child = spawn('sh', args, { cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  const pipe = child.stdin
  pipe.on('error', () => {}) // somebody ended the guard
  child.unref()
  if (pending.size === 0) process.once('exit', clearAway)
  pending.set(child, { args, line: '\n' })

  const say = (line: string) => {
    pending.set(child, { args, line })
    pipe.write(line)
  }
  const keep = (server: ChildProcess, signal: NodeJS.Signals) => {
    server.unref() // a server nobody stopped must not keep its tests from ending
    if (server.pid === undefined) return
    say(`${server.pid} ${signal.slice('SIG'.length)}\n`)
    server.once('exit', () => say('\n'))
  }
  const remove = async () => {
    child.ref()
    pipe.end()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    pending.delete(child)
    if (pending.size === 0) process.off('exit', clearAway)
  }
  return { dir, socketDir, keep, remove }
}

/** At an ordinary end, what the guards would do is done before it, so that whoever waits for us finds nothing left. */
function clearAway(): void {
  for (const [child, { args, line }] of pending) {
    child.kill('SIGKILL')
    spawnSync('sh', args, { cwd: '/', input: line, stdio: ['pipe', 'ignore', 'ignore'] })
  }
}
