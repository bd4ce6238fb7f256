import { pipeline, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import type { Contents, Dump, DumpOptions, Engine, InspectDumpOptions, Server } from '../../src/engines/engine.ts'
import type { WantedCompression } from '../../src/streams/compression.ts'
import { pack, unpack } from '../../src/streams/pack.ts'
import type { Deps } from '../../src/system/deps.ts'

/** Settles as `work` does, or rejects after `ms`, saying what hung. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const done = new AbortController()
  const late = delay(ms, undefined, { signal: done.signal }).then(
    () => Promise.reject(new Error(`${what} has not ended after ${ms} ms`)),
    () => new Promise<never>(() => {}),
  )
  try {
    return await Promise.race([work, late])
  } finally {
    done.abort()
  }
}

/** The server of a URL, its secrets registered as a run does it. */
export function openServer(engine: Engine, deps: Deps, url: string): Server {
  const server = engine.server(url)
  for (const secret of server.secrets) deps.secrets.add(secret)
  return server
}

/** Inspects a database that must be there, and starts a dump of it. */
export async function startDump(server: Server, database: string, options: Partial<DumpOptions> = {}): Promise<Dump> {
  const inspection = await server.inspect(database)
  if (inspection === 'missing') throw new Error(`${database} is missing on ${server.address}`)
  return server.dump(database, inspection, { compression: 'auto', args: [], ...options })
}

/** A dump that was taken to its end, as a store would hold it. */
export type StoredDump = Omit<Dump, 'stream' | 'ended'> & { readonly file: Buffer }

export async function takeDump(
  server: Server,
  database: string,
  compression: WantedCompression = 'auto',
  args: readonly string[] = [],
): Promise<StoredDump> {
  const { stream, ended, ...about } = await startDump(server, database, { compression, args })
  // An error of the stream reaches whoever reads the packed one.
  const [file] = await Promise.all([buffer(pipeline(stream, pack(about.outer, 2), () => {})), ended])
  return { ...about, file }
}

/** Has the engine read a stored dump, which comes in pieces of `chunk` bytes. */
export function readDump(
  engine: Engine,
  { file, outer, clientVersion }: Pick<StoredDump, 'file' | 'outer' | 'clientVersion'>,
  { chunk = 64 * 1024, ...options }: InspectDumpOptions & { readonly chunk?: number } = {},
): Promise<Contents> {
  return engine.inspectDump(unpack(Readable.from(pieces(file, chunk)), outer), { clientVersion, ...options })
}

function* pieces(file: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < file.length; at += size) yield file.subarray(at, at + size)
}
