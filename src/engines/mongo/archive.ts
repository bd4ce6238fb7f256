import { deserialize } from 'bson'
import { type Crc64, crc64 } from './crc64.ts'

/**
 * Reads the framing of a mongodump archive as it passes, without decoding the documents.
 *
 * The format (mongo-tools, `common/archive`): a magic number; a prelude of BSON documents (one header, then one for
 * each namespace) closed by a terminator; then blocks in any order, each a header document with `db` and `collection`,
 * its documents, and a terminator. A namespace's last block has `EOF: true`, the CRC-64 of all its documents, and no
 * document.
 *
 * A closing block alone proves nothing, for a mongodump that was ended early writes it too; the archive is whole when
 * every namespace of the prelude was closed and nothing follows.
 */
export interface ArchiveReader {
  /** Takes the next bytes. Throws an `Error` that says where the archive breaks. */
  write(chunk: Uint8Array): void
  /** Says that no more bytes come. Throws when the archive is not whole. */
  end(): ArchiveContents
  readonly soFar: { readonly rows: number; readonly rawBytes: number }
}

export interface ArchiveContents {
  /** Documents by collection, as the archive names it: a time series `ts` is `system.buckets.ts`. Views have none. */
  readonly counts: Readonly<Record<string, number>>
  readonly rawBytes: number
  /** Names of all namespaces in the prelude, views and time series by their own names. */
  readonly collections: readonly string[]
  readonly toolVersion: string | undefined
}

interface Namespace {
  readonly name: string
  readonly view: boolean
  readonly crc: Crc64 | undefined
  documents: number
  closed: boolean
}

const magic = 0x8199e26d
const terminator = -1
// mongo-tools' own bound: 16 MiB and 16 KiB for the server's wrapping.
const maxDocument = 16 * 1024 * 1024 + 16 * 1024

export function archiveReader(checksums: boolean): ArchiveReader {
  const namespaces = new Map<string, Namespace>()
  const collections: string[] = []
  let toolVersion: string | undefined
  let part: 'magic' | 'prelude' | 'header' | 'body' | 'closing' | 'end' = 'magic'
  let preludeDocuments = 0
  let current: Namespace | undefined
  let closingCrc = 0n
  let open = 0
  let received = 0
  // Where the reader stands, for messages.
  let offset = 0
  let rows = 0
  // What of a length or a document came with earlier chunks, and what of a skipped document is still to come.
  let kept: Uint8Array = new Uint8Array(0)
  let toSkip = 0

  const broken = (what: string): Error =>
    new Error(`${what}, ${current === undefined ? '' : `in collection ${current.name}, `}at byte ${offset}`)

  function readPrelude(document: Uint8Array): void {
    const fields = parse(document)
    if (preludeDocuments++ === 0) {
      toolVersion = typeof fields.tool_version === 'string' ? fields.tool_version : undefined
      return
    }
    const { db, collection, type } = fields
    if (typeof db !== 'string' || typeof collection !== 'string') throw broken('a namespace of the prelude has no name')
    // The documents of a time series come from its buckets; the series itself has only its metadata.
    const name = type === 'timeseries' ? `system.buckets.${collection}` : collection
    const key = namespaceKey(db, name)
    if (namespaces.has(key)) throw broken(`the prelude names ${collection} twice`)
    const crc = checksums ? crc64() : undefined
    namespaces.set(key, { name, view: type === 'view', crc, documents: 0, closed: false })
    collections.push(collection)
    open++
  }

  function readHeader(document: Uint8Array): void {
    current = undefined
    const { db, collection, EOF, CRC } = parse(document)
    if (typeof db !== 'string' || typeof collection !== 'string') throw broken('a block has no namespace')
    const namespace = namespaces.get(namespaceKey(db, collection))
    if (namespace === undefined) throw broken(`a block belongs to ${collection}, which the prelude does not name`)
    if (namespace.closed) throw broken(`a block follows the closing block of ${collection}`)
    current = namespace
    part = EOF === true ? 'closing' : 'body'
    closingCrc = typeof CRC === 'bigint' ? CRC : 0n
  }

  function parse(document: Uint8Array): Record<string, unknown> {
    try {
      return deserialize(document, { useBigInt64: true })
    } catch (cause) {
      throw broken(`a header is not valid BSON (${(cause as Error).message})`)
    }
  }

  function atTerminator(): void {
    if (part === 'prelude') {
      if (preludeDocuments === 0) throw broken('the prelude is empty')
      part = open === 0 ? 'end' : 'header'
    } else if (part === 'header') {
      throw broken('a block has no header')
    } else if (part === 'body') {
      current = undefined
      part = 'header'
    } else if (current !== undefined) {
      if (current.crc !== undefined && current.crc.value() !== closingCrc) {
        throw broken('the documents do not match the checksum of the closing block')
      }
      current.closed = true
      current = undefined
      open--
      part = open === 0 ? 'end' : 'header'
    }
  }

  function write(chunk: Uint8Array): void {
    const bytes = kept.length === 0 ? chunk : Buffer.concat([kept, chunk])
    const start = received - kept.length
    received += chunk.length
    let at = toSkip > 0 ? skip(bytes, 0) : 0
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    while (at < bytes.length) {
      offset = start + at
      if (part === 'end') throw broken('bytes follow the end of the archive')
      if (at + 4 > bytes.length) break
      const size = view.getInt32(at, true)
      if (part === 'magic') {
        if (size >>> 0 !== magic) throw broken('this is not a mongodump archive')
        part = 'prelude'
        at += 4
      } else if (size === terminator) {
        atTerminator()
        at += 4
      } else if (size < 5 || size > maxDocument) {
        throw broken(`a document claims to be ${size} bytes long`)
      } else if (part === 'closing') {
        throw broken('a closing block holds a document')
      } else if (part === 'body' && current !== undefined) {
        current.documents++
        rows++
        toSkip = size
        at = skip(bytes, at)
      } else if (at + size > bytes.length) {
        break
      } else {
        const document = bytes.subarray(at, at + size)
        if (part === 'prelude') readPrelude(document)
        else readHeader(document)
        at += size
      }
    }
    kept = new Uint8Array(bytes.subarray(at))
  }

  /** Passes over as much of the current document as is here; returns where it stopped. */
  function skip(bytes: Uint8Array, at: number): number {
    const end = Math.min(bytes.length, at + toSkip)
    current?.crc?.update(bytes.subarray(at, end))
    toSkip -= end - at
    if (toSkip === 0 && bytes[end - 1] !== 0) throw broken('a document does not end where it says')
    return end
  }

  function end(): ArchiveContents {
    if (part !== 'end') {
      const missing = [...namespaces.values()].filter(namespace => !namespace.closed).map(({ name }) => name)
      const which = missing.length === 0 ? '' : `; not complete: ${missing.slice(0, 5).join(', ')}`
      const more = missing.length > 5 ? ` and ${missing.length - 5} more` : ''
      throw new Error(`the archive ends too early, at byte ${received}${which}${more}`)
    }
    const counted = [...namespaces.values()].filter(namespace => !namespace.view)
    // Not an object literal: a collection may be called __proto__.
    const counts = Object.fromEntries(counted.map(({ name, documents }) => [name, documents]))
    return { counts, rawBytes: received, collections, toolVersion }
  }

  return {
    write,
    end,
    get soFar() {
      return { rows, rawBytes: received }
    },
  }
}

function namespaceKey(db: string, collection: string): string {
  return `${db}\0${collection}`
}
