import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Document, Long, serialize } from 'bson'
import { type ArchiveContents, archiveReader } from '../../src/engines/mongo/archive.ts'
import { crc64 } from '../../src/engines/mongo/crc64.ts'
import { inPieces, seeded, splits } from '../support/pieces.ts'

const magic = Buffer.from('6de29981', 'hex')
const terminator = Buffer.from('ffffffff', 'hex')

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}

const crcOf = (bytes: Uint8Array): bigint => {
  const crc = crc64()
  crc.update(bytes)
  return crc.value()
}

const prelude = (...namespaces: readonly Document[]): Buffer => {
  const header = { concurrent_collections: 4, version: '0.1', server_version: '6.0.5', tool_version: '100.7.0' }
  const documents = namespaces.map(about =>
    serialize({ db: 'ngwenya', metadata: '{"options":{}}', size: 1, type: 'collection', ...about }),
  )
  return Buffer.concat([magic, serialize(header), ...documents, terminator])
}

const body = (collection: string, documents: readonly Document[]): Buffer =>
  Buffer.concat([
    serialize({ db: 'ngwenya', collection, EOF: false, CRC: new Long(0) }),
    ...documents.map(document => serialize(document)),
    terminator,
  ])

const closing = (collection: string, documents: readonly Document[] = []): Buffer => {
  const CRC = Long.fromBigInt(crcOf(Buffer.concat(documents.map(document => serialize(document)))))
  return Buffer.concat([serialize({ db: 'ngwenya', collection, EOF: true, CRC }), terminator])
}

const read = (pieces: Iterable<Uint8Array>, checksums = true): ArchiveContents => {
  const reader = archiveReader(checksums)
  for (const piece of pieces) reader.write(piece)
  return reader.end()
}

const users = Array.from({ length: 5 }, (_, index) => ({ _id: index, name: `user ${index}`, tags: ['a', null] }))
const buckets = [{ _id: 1, control: { count: 2 } }]
// Of 256 documents' length, so that a length's bytes look like a length themselves.
const notes = Array.from({ length: 3 }, (_, index) => ({ _id: index, text: '\0'.repeat(200 + index) }))

const whole = Buffer.concat([
  prelude(
    { collection: 'users' },
    { collection: 'active', type: 'view' },
    { collection: 'ticks', type: 'timeseries' },
    { collection: 'hollow' },
    { collection: 'odd $% é' },
    { collection: '__proto__' },
  ),
  closing('hollow'),
  body('users', users.slice(0, 3)),
  body('odd $% é', notes.slice(0, 1)),
  body('users', []),
  body('users', users.slice(3)),
  closing('active'),
  closing('users', users),
  body('system.buckets.ticks', buckets),
  closing('system.buckets.ticks', buckets),
  body('odd $% é', notes.slice(1)),
  body('__proto__', users),
  closing('odd $% é', notes),
  closing('__proto__', users),
])

const small = Buffer.concat([
  prelude({ collection: 'a' }, { collection: 'b' }),
  body('a', [{ _id: 1 }, { _id: 2 }]),
  closing('a', [{ _id: 1 }, { _id: 2 }]),
  closing('b'),
])

describe('an archive', () => {
  for (const { name, pieces } of splits(whole)) {
    for (const checksums of [true, false]) {
      test(`that comes ${name} is read to its end, ${checksums ? 'with' : 'without'} checksums`, () => {
        const { counts, ...more } = read(pieces(), checksums)
        assert.deepEqual(Object.entries(counts), [
          ['users', 5],
          ['system.buckets.ticks', 1],
          ['hollow', 0],
          ['odd $% é', 3],
          ['__proto__', 5],
        ])
        assert.deepEqual(more, {
          rawBytes: whole.length,
          collections: ['users', 'active', 'ticks', 'hollow', 'odd $% é', '__proto__'],
          toolVersion: '100.7.0',
        })
      })
    }
  }

  test('tells its documents and bytes while it comes', () => {
    const reader = archiveReader(false)
    const start = prelude({ collection: 'a' })
    const block = body('a', users)
    reader.write(start)
    assert.deepEqual(reader.soFar, { rows: 0, rawBytes: start.length })
    reader.write(block.subarray(0, -200))
    assert.ok(reader.soFar.rows > 0 && reader.soFar.rows < users.length)
    reader.write(block.subarray(-200))
    assert.deepEqual(reader.soFar, { rows: users.length, rawBytes: start.length + block.length })
  })

  test('without namespaces is whole', () => {
    assert.deepEqual(read([prelude()]), {
      counts: {},
      rawBytes: prelude().length,
      collections: [],
      toolVersion: '100.7.0',
    })
  })

  test('may hold documents as long as the server allows and no longer', () => {
    const large = { _id: 1, bytes: Buffer.alloc(16 * 1024 * 1024) }
    const bytes = Buffer.concat([prelude({ collection: 'a' }), body('a', [large]), closing('a', [large])])
    assert.deepEqual(read(inPieces(bytes, () => 65_536)).counts, { a: 1 })
    const larger = { ...large, more: Buffer.alloc(16 * 1024) }
    assert.throws(
      () => read([prelude({ collection: 'a' }), body('a', [larger])]),
      /a document claims to be 16793\d\d\d bytes long/,
    )
  })
})

describe('an archive that is cut short', () => {
  test('at any place is found out, however it comes', () => {
    for (const { name, pieces } of splits(small)) assert.deepEqual(read(pieces()).counts, { a: 2, b: 0 }, name)
    for (let length = 0; length < small.length; length++) {
      for (const { name, pieces } of splits(small.subarray(0, length))) {
        assert.throws(
          () => read(pieces()),
          { message: /^the archive ends too early, at byte \d+/ },
          `${length} bytes ${name}`,
        )
      }
    }
  })

  test('names what is not complete', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    const cut = Buffer.concat([prelude(...names.map(collection => ({ collection }))), closing('b')])
    assert.throws(() => read([cut]), {
      message: `the archive ends too early, at byte ${cut.length}; not complete: a, c, d, e, f and 1 more`,
    })
  })
})

describe('an archive that is damaged', () => {
  for (const [what, bytes, message] of [
    ['something else', Buffer.from('PGDMP\x01\x0e'), /^this is not a mongodump archive, at byte 0$/],
    ['compressed', Buffer.from('1f8b0800', 'hex'), /^this is not a mongodump archive/],
    ['without a prelude', Buffer.concat([magic, terminator]), /^the prelude is empty/],
    [
      'followed by a byte',
      Buffer.concat([small, Buffer.alloc(1)]),
      /^bytes follow the end of the archive, at byte \d+$/,
    ],
    ['followed by zeros', Buffer.concat([small, Buffer.alloc(8192)]), /^bytes follow the end/],
    ['followed by a terminator', Buffer.concat([small, terminator]), /^bytes follow the end/],
    ['followed by another archive', Buffer.concat([small, small]), /^bytes follow the end/],
    ['of no namespaces and followed by a block', Buffer.concat([prelude(), closing('a')]), /^bytes follow the end/],
    ['with a namespace without a name', prelude({ collection: undefined }), /^a namespace of the prelude has no name/],
    ['with a namespace whose name is a number', prelude({ collection: 7 }), /^a namespace of the prelude has no name/],
    ['with a namespace twice', prelude({ collection: 'a' }, { collection: 'a' }), /^the prelude names a twice/],
    [
      'with a header without names',
      Buffer.concat([prelude({ collection: 'a' }), serialize({ EOF: true }), terminator]),
      /^a block has no namespace/,
    ],
    [
      'with a header that is no BSON',
      Buffer.concat([prelude({ collection: 'a' }), Buffer.from('0800000077000000', 'hex')]),
      /^a header is not valid BSON/,
    ],
    [
      'with a block without a header',
      Buffer.concat([prelude({ collection: 'a' }), terminator]),
      /^a block has no header/,
    ],
    [
      'with a block of an unknown namespace',
      Buffer.concat([prelude({ collection: 'a' }), body('b', users)]),
      /^a block belongs to b, which the prelude does not name/,
    ],
    [
      'with a block of another database',
      Buffer.concat([prelude({ collection: 'a' }), serialize({ db: 'other', collection: 'a', EOF: true })]),
      /^a block belongs to a, which the prelude does not name/,
    ],
    [
      'with a block of a time series instead of its buckets',
      Buffer.concat([prelude({ collection: 'ticks', type: 'timeseries' }), body('ticks', [])]),
      /^a block belongs to ticks, which/,
    ],
    [
      'with documents after the closing block',
      Buffer.concat([prelude({ collection: 'a' }, { collection: 'b' }), closing('a'), body('a', users)]),
      /^a block follows the closing block of a/,
    ],
    [
      'with two closing blocks',
      Buffer.concat([prelude({ collection: 'a' }, { collection: 'b' }), closing('a'), closing('a')]),
      /^a block follows the closing block of a/,
    ],
    [
      'with a document in a closing block',
      Buffer.concat([prelude({ collection: 'a' }), closing('a').subarray(0, -4), serialize({ _id: 1 }), terminator]),
      /^a closing block holds a document, in collection a/,
    ],
    [
      'with a document that does not end where it says',
      Buffer.concat([prelude({ collection: 'a' }), body('a', []).subarray(0, -4), int32(8), Buffer.from('abcd')]),
      /^a document does not end where it says, in collection a/,
    ],
  ] as const) {
    test(`is refused: ${what}`, () => {
      for (const { name, pieces } of splits(bytes)) assert.throws(() => read(pieces()), { message }, name)
    })
  }

  test('by a length that no document has is refused by the length alone', () => {
    const starts = {
      prelude: magic,
      header: prelude({ collection: 'a' }),
      body: Buffer.concat([prelude({ collection: 'a' }), body('a', []).subarray(0, -4)]),
    }
    for (const [where, start] of Object.entries(starts)) {
      for (const length of [0, 1, 4, -2, -(2 ** 31), 16 * 1024 * 1024 + 16 * 1024 + 1, 2 ** 31 - 1]) {
        const reader = archiveReader(true)
        reader.write(start)
        assert.throws(
          () => reader.write(int32(length)),
          {
            message: new RegExp(
              `^a document claims to be ${length} bytes long, (in collection a, )?at byte ${start.length}$`,
            ),
          },
          where,
        )
      }
    }
  })

  test('by a length of many bytes that never come takes no memory for them', () => {
    for (const start of [magic, Buffer.concat([prelude({ collection: 'a' }), body('a', []).subarray(0, -4)])]) {
      const before = process.memoryUsage().arrayBuffers
      const readers = Array.from({ length: 10 }, () => {
        const reader = archiveReader(true)
        reader.write(start)
        reader.write(int32(16 * 1024 * 1024))
        return reader
      })
      assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024)
      for (const reader of readers) assert.throws(() => reader.end(), { message: /^the archive ends too early/ })
    }
  })

  test('inside a document is found out by the checksum, where it is asked for', () => {
    const at = whole.indexOf('user 4') + 5
    const damaged = Buffer.from(whole)
    damaged.writeUInt8(0x39, at)
    for (const { name, pieces } of splits(damaged)) {
      assert.throws(
        () => read(pieces(), true),
        { message: /^the documents do not match the checksum of the closing block, in collection users, at byte \d+$/ },
        name,
      )
      assert.equal(read(pieces(), false).counts.users, 5)
    }
  })

  test('by documents that are missing or that are in another order is found out by the checksum', () => {
    for (const written of [users.slice(1), users.toReversed(), []]) {
      const bytes = Buffer.concat([prelude({ collection: 'a' }), body('a', written), closing('a', users)])
      assert.throws(() => read([bytes], true), { message: /^the documents do not match the checksum/ })
      assert.equal(read([bytes], false).counts.a, written.length)
    }
  })
})

describe('CRC-64', () => {
  test('has the check value of ECMA-182, reflected (CRC-64/XZ), as a signed number', () => {
    assert.equal(BigInt.asUintN(64, crcOf(Buffer.from('123456789'))), 0x995dc9bbdf1939fan)
    assert.ok(crcOf(Buffer.from('123456789')) < 0n)
    assert.equal(crcOf(Buffer.alloc(0)), 0n)
  })

  test('is the same however the bytes arrive, and as computed bit by bit', () => {
    const random = seeded(7)
    const bytes = Uint8Array.from({ length: 1000 }, () => random() * 256)
    let slow = 2n ** 64n - 1n
    for (const byte of bytes) {
      slow ^= BigInt(byte)
      for (let bit = 0; bit < 8; bit++) slow = (slow >> 1n) ^ ((slow & 1n) * 0xc96c5795d7870f42n)
    }
    const expected = BigInt.asIntN(64, ~slow)
    for (const { name, pieces } of splits(bytes)) {
      const crc = crc64()
      for (const piece of pieces()) crc.update(piece)
      assert.equal(crc.value(), expected, name)
    }
  })
})
