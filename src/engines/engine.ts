import type { Readable } from 'node:stream'
import type { EngineName } from '../sets/manifest.ts'
import type { Compression, WantedCompression } from '../streams/compression.ts'
import { UserError } from '../system/errors.ts'

/** What an engine knows of a database before it is dumped. */
export interface Inspection {
  /** The server's version as it tells it: `16.14`, `6.0.5`. */
  readonly serverVersion: string
  /** Bytes of data without indexes, as the server reckons them: a hint for progress and part sizes, no bound. */
  readonly estimatedBytes: number
  /** Tables or collections. */
  readonly objects: number
}

export interface DumpOptions {
  readonly compression: WantedCompression
  /** Arguments for the dumper as the user gave them, already checked by `checkArgs`. */
  readonly args: readonly string[]
}

/** A dump on its way. */
export interface Dump {
  /** The dump as the tool writes it. Destroying it ends the tool. */
  readonly stream: Readable
  /**
   * Resolves when the tool has ended well and nothing changed under it; rejects otherwise. The stream's end proves
   * nothing before this resolves.
   */
  readonly ended: Promise<void>
  /** Holds what was read from the dump against the server; rejects when something that should be in it is not. */
  confirm?(contents: Contents): Promise<void>
  readonly clientVersion: string
  /** The compression of the stored file, as it was resolved. */
  readonly compression: Compression
  /** What is still to be applied to `stream`: `none` where the tool compresses inside its own format. */
  readonly outer: Compression
  /** The stored file's suffix, with its dot. */
  readonly suffix: string
}

export interface Contents {
  /** Rows or documents by table (`schema.table`) or collection. */
  readonly counts: Readonly<Record<string, number>>
  /** Names of all that the dump knows of, where its format tells: also of what has no rows of its own. */
  readonly objects?: readonly string[]
  /** Bytes of data before any compression. Never 0 for a dump that was read to its end. */
  readonly rawBytes: number
}

export interface InspectDumpOptions {
  /** Called often, with what has been read so far. */
  readonly onProgress?: (soFar: { readonly rows: number; readonly rawBytes: number }) => void
  /** The version of the tool that wrote the dump, when it is known: reading may need one as new. */
  readonly clientVersion?: string
  /** Also check the format's own checksums, where no sha256 stands behind the file. Costs CPU. */
  readonly checksums?: boolean
}

/** One server of an engine. It holds the credentials; nothing of them can be read from it. */
export interface Server {
  readonly engine: EngineName
  /** Host and port, or the socket's folder: what people and manifests call the server. Never a user or a password. */
  readonly address: string
  /** The database that the URL names. */
  readonly database: string | undefined
  /** What must never be shown. */
  readonly secrets: readonly string[]
  /** User names and the like, which a password may equal: such a password cannot be blanked in messages. */
  readonly plainNames: readonly string[]
  /** All databases that hold users' data. */
  databases(): Promise<readonly string[]>
  /** `missing` when the server answers and the database is not there. Every other trouble throws an `EngineError`. */
  inspect(database: string): Promise<Inspection | 'missing'>
  /** Starts a dump. Throws an `EngineError` when it cannot even start. */
  dump(database: string, inspection: Inspection, options: DumpOptions): Promise<Dump>
}

export interface Engine {
  readonly name: EngineName
  /** The URL schemes that name this engine, without the colon. */
  readonly schemes: readonly string[]
  /** Reads a URL; nothing is connected yet. Throws a `UsageError` that does not repeat the password. */
  server(url: string): Server
  /**
   * Checks extra arguments for the dumper and returns those that leave data out, for the entry's `filtered`. Throws a
   * `UsageError` for an argument that would change what this tool relies on.
   */
  checkArgs(args: readonly string[]): readonly string[]
  /**
   * Reads a dump, uncompressed on the outside, to its end: resolves with what it holds, or rejects with an
   * `EngineError` of kind `damaged` that says where it breaks. Never resolves for a dump that was cut short.
   */
  inspectDump(dump: Readable, options?: InspectDumpOptions): Promise<Contents>
}

/**
 * - `unreachable`: nothing answers there · `credentials`: the server refuses the login · `forbidden`: logged in, and a
 *   right is missing · `client`: no client tool fits · `tool`: the dumper failed · `changed`: what was dumped changed
 *   meanwhile, and dumping once more may help · `damaged`: a dump cannot be read to its end · `server`: the server
 *   answered with any other error
 */
export type EngineProblem =
  | 'unreachable'
  | 'credentials'
  | 'forbidden'
  | 'client'
  | 'tool'
  | 'changed'
  | 'damaged'
  | 'server'

export class EngineError extends UserError {
  override readonly name = 'EngineError'
  readonly problem: EngineProblem
  constructor(problem: EngineProblem, message: string, options?: ErrorOptions) {
    super(message, options)
    this.problem = problem
  }
}

/** Gives what finding and matching client tools says against them its place among an engine's problems. */
export async function asClientProblem<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    throw cause instanceof UserError ? new EngineError('client', cause.message, { cause }) : cause
  }
}
