import { createLogUpdate } from 'log-update'
import { formatBytes, formatCount, formatDuration, printable } from './format.ts'

/** What a dump has come to so far: rows or documents, and bytes before compression. */
export interface SoFar {
  readonly rows: number
  readonly rawBytes: number
}

/** Shows several dumps that run at once. */
export interface Progress {
  /** Adds a line for one database. `estimate`: bytes to expect before compression; a hint, it may be passed. */
  start(name: string, estimate: number): { update(soFar: SoFar): void; stop(): void }
  /** Writes a line of the log without tearing the display. */
  print(line: string): void
  /** Clears the display. */
  stop(): void
}

interface Running extends SoFar {
  readonly name: string
  readonly estimate: number
  readonly startedAt: number
}

const redrawMs = 150
const lineMs = 10_000

/** On a terminal a line per database, redrawn in place; elsewhere a line per database every ten seconds. */
export function createProgress(stream: NodeJS.WriteStream, now: () => number = Date.now): Progress {
  const running = new Set<Running>()
  // Pseudo-terminals of some runners say that they are 0 columns wide: nothing can be drawn there.
  const display = stream.isTTY && stream.columns !== 0 ? createLogUpdate(stream) : undefined
  const write = (line: string) => stream.write(`${line}\n`)
  const draw = () => {
    const lines = [...running].map(dump => describe(dump, now()))
    if (display === undefined) for (const line of lines) write(line)
    else display(lines.map(line => line.slice(0, (stream.columns ?? 80) - 1)).join('\n'))
  }
  let timer: NodeJS.Timeout | undefined

  const stop = () => {
    clearInterval(timer)
    timer = undefined
    running.clear()
    display?.clear()
  }
  return {
    start(name, estimate) {
      const dump = { name, estimate, startedAt: now(), rows: 0, rawBytes: 0 }
      running.add(dump)
      timer ??= setInterval(draw, display === undefined ? lineMs : redrawMs).unref()
      return {
        update: soFar => Object.assign(dump, soFar),
        stop: () => {
          running.delete(dump)
          if (running.size === 0) stop()
        },
      }
    },
    print(line) {
      display?.clear()
      write(line)
      if (display !== undefined && running.size > 0) draw()
    },
    stop,
  }
}

/** `  postgres/app  12.3 MB of about 40 MB  8.10 MB/s  120,000 rows  1.5 s` */
function describe({ name, estimate, startedAt, rows, rawBytes }: Running, now: number): string {
  const ms = Math.max(1, now - startedAt)
  const size = `${formatBytes(rawBytes)}${estimate > rawBytes ? ` of about ${formatBytes(estimate)}` : ''}`
  const rowsName = name.startsWith('mongo/') ? 'documents' : 'rows'
  return [
    `  ${printable(name)}`,
    size,
    `${formatBytes((rawBytes / ms) * 1000)}/s`,
    `${formatCount(rows)} ${rowsName}`,
    formatDuration(ms),
  ].join('  ')
}
