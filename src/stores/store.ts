import type { Readable } from 'node:stream'
import type { Manifest } from '../sets/manifest.ts'
import type { ListedState } from '../sets/states.ts'
import type { Timestamp } from '../sets/timestamp.ts'
import { UserError } from '../system/errors.ts'

export interface ListedSet {
  readonly timestamp: Timestamp
  readonly state: ListedState
  /** The dumps of a legacy set, which has no manifest to name them; empty for the others. */
  readonly files: readonly { readonly path: string; readonly bytes: number }[]
}

/**
 * Writes one set. Nothing of it is a backup before `commit` resolves. A writer belongs to a run, named by its id;
 * it is used by one caller at a time, but its `put`s may overlap.
 */
export interface SetWriter {
  readonly timestamp: Timestamp
  /**
   * Stores a file of the set from `body`, to its end, and resolves with the bytes that the store holds then. When
   * `body` fails or is destroyed, or the store fails, it rejects, destroys `body`, and leaves no such file: the same
   * path may be put again. A path that is already there is refused.
   * @param estimate bytes to expect, as a hint for part sizes
   */
  put(path: string, body: Readable, estimate: number): Promise<{ readonly bytes: number }>
  /** Makes the set a backup, at once and whole, or rejects and leaves no backup. */
  commit(manifest: Manifest): Promise<void>
  /** Removes whatever this writer put, and nothing else. Safe to call after a failed commit, and twice. */
  abort(): Promise<void>
}

/** A place where sets live. It works in sets, not keys. */
export interface Store {
  readonly kind: 'local'
  /** Where, for people: a folder, or a bucket and prefix. */
  readonly location: string
  /** Claims a name. Throws `NameTaken` when anything is there: a taken name is never written into. */
  begin(timestamp: Timestamp, runId: string): Promise<SetWriter>
  /** All sets, newest name first, from a listing alone. What is not named like a set is not seen. */
  list(): Promise<readonly ListedSet[]>
  /** The manifest of a committed set. Throws a `UserError` when it is not there or does not read. */
  manifest(timestamp: Timestamp): Promise<Manifest>
  /** A file of a committed or legacy set. The stream fails when the file is not there. */
  get(timestamp: Timestamp, path: string): Promise<Readable>
  /** Removes a committed set, its files as the manifest lists them; foreign files stay. Can be called again after a failure. */
  remove(timestamp: Timestamp): Promise<void>
  /** Removes unfinished sets of this program whose run has given no sign of life for an hour; resolves with their names. */
  sweep(now: Date): Promise<readonly Timestamp[]>
}

/** The name is taken by another set, whatever its state. */
export class NameTaken extends UserError {
  override readonly name = 'NameTaken'
  constructor(timestamp: Timestamp, location: string, options?: ErrorOptions) {
    super(`Beginning the set ${timestamp} in ${location}: the name is taken`, options)
  }
}
