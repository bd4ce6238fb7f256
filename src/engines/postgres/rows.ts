/**
 * Counts rows in what `pg_restore --data-only -f -` writes, as it passes: the lines of each COPY block. Between the
 * blocks stand statements and comments, read token by token, because a name or a string may hold a line that looks
 * like a COPY.
 *
 * The bytes are read in any encoding that a server can have: there no byte of a character beyond ASCII is below 0x80.
 */
export interface RowCounter {
  write(chunk: Uint8Array): void
  /** Rows by table, `schema.table` without quotes. Throws when the text ends inside a block, a name or a string. */
  end(): Readonly<Record<string, number>>
  readonly soFar: { readonly rows: number; readonly rawBytes: number }
}

const newline = 0x0a
const singleQuote = 0x27
const doubleQuote = 0x22
const dash = 0x2d
const semicolon = 0x3b
// A backslash in data is doubled, so this is the end of a block and nothing else.
const blockEnd = Buffer.from('\n\\.\n')
// 1,600 columns of quoted 63-byte names are some 200 KB; what is longer is no COPY of a real table.
const statementKept = 1024 * 1024
const copyStatement = /^COPY (?:("(?:[^"]|"")*"|[^"\s.(]+)\.)?("(?:[^"]|"")*"|[^"\s.(]+) [\s\S]*FROM stdin$/

export function rowCounter(): RowCounter {
  const rowsByTable = new Map<string, number>()
  let encoding = 'utf-8'
  let read = 0
  let rowsBefore = 0

  // Between blocks: the statement so far, as far as it may be a COPY or sets the encoding.
  let inside: 'code' | 'string' | 'name' | 'comment' = 'code'
  let statement: number[] = []
  let isWanted = true
  let sawDash = false

  // Inside a block. Its first line break is that of the COPY line itself, hence -1.
  let table: string | undefined
  let rows = -1
  // The end of the last chunk, which may be the beginning of the block's end.
  let kept: Uint8Array = new Uint8Array(0)

  function write(chunk: Uint8Array): void {
    read += chunk.length
    const bytes = kept.length === 0 ? asBuffer(chunk) : Buffer.concat([kept, chunk])
    kept = new Uint8Array(0)
    for (let at = 0; at < bytes.length; ) at = table === undefined ? readCode(bytes, at) : readBlock(bytes, at)
  }

  /** Reads to the end of a COPY statement, or of the chunk; returns where it stopped. */
  function readCode(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; ) {
      if (inside !== 'code') {
        // A doubled quote ends the token and begins it again at once. Strings have no backslash escapes: the dump
        // sets standard_conforming_strings.
        const mark = inside === 'comment' ? newline : inside === 'string' ? singleQuote : doubleQuote
        const found = bytes.indexOf(mark, at)
        const end = found === -1 ? bytes.length : found + 1
        if (inside !== 'comment') for (; at < end && isWanted; at++) keep(bytes[at] as number)
        if (found !== -1) inside = 'code'
        at = end
        continue
      }
      const byte = bytes[at++] as number
      const isComment = byte === dash && sawDash
      sawDash = byte === dash && !isComment
      if (isComment) {
        inside = 'comment'
        statement.pop()
      } else if (byte === semicolon) {
        table = endStatement()
        if (table !== undefined) return at
      } else {
        if (byte === singleQuote) inside = 'string'
        if (byte === doubleQuote) inside = 'name'
        keep(byte)
      }
    }
    return bytes.length
  }

  function keep(byte: number): void {
    if (!isWanted || (statement.length === 0 && byte <= 0x20)) return
    statement.push(byte)
    if (statement.length === 5) isWanted = ['COPY ', 'SET c'].includes(String.fromCharCode(...statement))
    if (statement.length > statementKept) isWanted = false
  }

  /** Begins the block when the statement that has just ended is a COPY: returns its table. */
  function endStatement(): string | undefined {
    const bytes = Uint8Array.from(isWanted ? statement : [])
    statement = []
    isWanted = true
    const text = new TextDecoder(encoding).decode(bytes)
    const label = /^SET client_encoding = '([^']+)'$/.exec(text)?.[1]
    if (label !== undefined) encoding = decoderLabel(label)
    const match = copyStatement.exec(text)
    if (match === null) return undefined
    rows = -1
    return [match[1], match[2]]
      .filter(part => part !== undefined)
      .map(unquote)
      .join('.')
  }

  /** Reads to the block's end, or to the end of the chunk; returns where it stopped. */
  function readBlock(bytes: Buffer, from: number): number {
    const end = bytes.indexOf(blockEnd, from)
    // Without an end the last three bytes are looked at again with the next chunk.
    const stop = end === -1 ? Math.max(from, bytes.length - blockEnd.length + 1) : end + 1
    for (let at = from; at < stop; at++) if (bytes[at] === newline) rows++
    if (end === -1) {
      kept = new Uint8Array(bytes.subarray(stop))
      return bytes.length
    }
    const name = table as string
    rowsByTable.set(name, (rowsByTable.get(name) ?? 0) + rows)
    rowsBefore += rows
    table = undefined
    return end + blockEnd.length
  }

  function end(): Readonly<Record<string, number>> {
    if (table !== undefined) throw new Error(`the rows of ${table} end too early`)
    if (inside === 'string' || inside === 'name') throw new Error('the text ends inside a quoted name or string')
    // Not an object literal: a table may be called __proto__.
    return Object.fromEntries(rowsByTable)
  }

  return {
    write,
    end,
    get soFar() {
      return { rows: rowsBefore + (table === undefined ? 0 : Math.max(rows, 0)), rawBytes: read }
    },
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function unquote(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name
}

// Encodings of a server that `TextDecoder` knows by another name; what stands in SQL_ASCII is most often UTF-8.
const labels: Readonly<Record<string, string>> = {
  UTF8: 'utf-8',
  SQL_ASCII: 'utf-8',
  EUC_CN: 'gbk',
  KOI8R: 'koi8-r',
  KOI8U: 'koi8-u',
  LATIN7: 'iso-8859-13',
  LATIN8: 'iso-8859-14',
  LATIN9: 'iso-8859-15',
  LATIN10: 'iso-8859-16',
  WIN866: 'ibm866',
}

/** What `TextDecoder` calls a server's encoding. */
function decoderLabel(encoding: string): string {
  const label =
    labels[encoding] ??
    encoding
      .replace(/^WIN(\d+)$/, 'windows-$1')
      .replace(/^LATIN(\d+)$/, 'latin$1')
      .replaceAll('_', '-')
  try {
    return new TextDecoder(label).encoding
  } catch {
    return 'latin1'
  }
}
