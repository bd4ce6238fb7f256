import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { Compression } from '../../src/streams/compression.ts'
import { parallelGzip } from '../../src/streams/gzip.ts'
import { pack, unpack } from '../../src/streams/pack.ts'
import { inPieces, seeded } from '../support/pieces.ts'

const MiB = 1024 * 1024

const has = (tool: string) => spawnSync(tool, ['--version']).status === 0
const [hasGzip, hasZstd] = [has('gzip'), has('zstd')]
const decompress = (tool: 'gzip' | 'zstd', file: Buffer): Buffer => {
  const { status, stdout, stderr } = spawnSync(tool, ['-dc'], { input: file, maxBuffer: 64 * MiB })
  assert.equal(status, 0, String(stderr))
  return stdout
}

const randomBytes = (length: number, seed = 1): Buffer => {
  const random = seeded(seed)
  const words = Uint32Array.from({ length: Math.ceil(length / 4) }, () => random() * 2 ** 32)
  return Buffer.from(words.buffer, 0, length)
}
/** As a dump is: mostly text that repeats itself, with some parts that do not. */
const mixedBytes = (length: number): Buffer =>
  Buffer.concat([
    Buffer.alloc(Math.floor(length / 3), 'row after row; '),
    randomBytes(Math.floor(length / 3)),
    Buffer.alloc(length - 2 * Math.floor(length / 3)),
  ])

const through = (stream: NodeJS.ReadWriteStream, bytes: Uint8Array, piece = 65_536): Promise<Buffer> =>
  buffer(Readable.from(inPieces(bytes, () => piece)).pipe(stream))

const unpacked = (pieces: Iterable<Uint8Array>, algorithm: Compression['algorithm']): Promise<Buffer> =>
  buffer(unpack(Readable.from(pieces), { algorithm }))

describe('parallel gzip', () => {
  for (const [what, bytes] of [
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from('x')],
    ['a byte less than a block', randomBytes(MiB - 1)],
    ['a block', randomBytes(MiB)],
    ['a byte more than a block', randomBytes(MiB + 1)],
    ['5 MiB that do not shrink', randomBytes(5 * MiB)],
    ['8 MiB that differ in how long they take', mixedBytes(8 * MiB)],
  ] as const) {
    test(`gives ${what} back, in order, with one worker and with four`, async () => {
      for (const workers of [1, 4]) {
        for (const piece of [10_007, 3 * MiB]) {
          const file = await through(parallelGzip(1, workers), bytes, piece)
          assert.ok(gunzipSync(file).equals(bytes), `${workers} workers, pieces of ${piece}`)
        }
      }
    })

    test(`of ${what} is taken by the system's gzip`, { skip: !hasGzip && 'no gzip here' }, async () => {
      const file = await through(parallelGzip(1, 3), bytes)
      const { status, stderr } = spawnSync('gzip', ['-t'], { input: file })
      assert.deepEqual([status, String(stderr)], [0, ''])
      assert.ok(decompress('gzip', file).equals(bytes))
    })
  }

  test('compresses by the level asked for', async () => {
    const text = Buffer.from(Array.from({ length: 60_000 }, (_, n) => `row ${n * 7919} of some text\n`).join(''))
    const [fast, small] = [await through(parallelGzip(1, 2), text), await through(parallelGzip(9, 2), text)]
    assert.ok(small.length < fast.length)
  })

  test('does not depend on the buffers that it was given', async () => {
    const reused = Buffer.alloc(65_536)
    const stream = parallelGzip(1, 2)
    const file = buffer(stream)
    for (let turn = 0; turn < 40; turn++) {
      reused.fill(turn)
      await new Promise<void>(done => stream.write(reused, () => done()))
    }
    stream.end()
    const bytes = gunzipSync(await file)
    for (let turn = 0; turn < 40; turn++) assert.equal(bytes[turn * reused.length], turn)
  })
})

const compressions = [
  { algorithm: 'gzip', level: 1 },
  { algorithm: 'gzip', level: 9 },
  { algorithm: 'zstd', level: 1 },
  { algorithm: 'zstd', level: 19 },
  { algorithm: 'none', level: 0 },
] as const satisfies readonly Compression[]

describe('pack and unpack', () => {
  for (const compression of compressions) {
    test(`give back what went in, with ${compression.algorithm} ${compression.level}`, async () => {
      for (const bytes of [Buffer.alloc(0), Buffer.from('x'), mixedBytes(MiB + 1), mixedBytes(3 * MiB)]) {
        const file = await through(pack(compression, 2), bytes)
        for (const piece of [999, 65_536, 16 * MiB]) {
          assert.ok(
            (
              await unpacked(
                inPieces(file, () => piece),
                compression.algorithm,
              )
            ).equals(bytes),
            `pieces of ${piece}`,
          )
        }
      }
    })
  }

  test('make one file when the end comes while chunks still wait', async () => {
    for (const compression of compressions) {
      const stream = pack(compression, 2)
      const file = buffer(stream)
      for (let turn = 0; turn < 3; turn++) stream.write(Buffer.alloc(1000, 'row after row; '))
      stream.end()
      assert.equal((await unpacked([await file], compression.algorithm)).length, 3000, compression.algorithm)
    }
  })

  test("make one zstd frame that the system's zstd takes", { skip: !hasZstd && 'no zstd here' }, async () => {
    const bytes = mixedBytes(3 * MiB)
    const file = await through(pack({ algorithm: 'zstd', level: 1 }, 2), bytes)
    assert.ok(decompress('zstd', file).equals(bytes))
    // Node's decoder stops behind the first frame.
    assert.ok(zstdDecompressSync(file).equals(bytes))
  })

  test("read what the system's zstd made", { skip: !hasZstd && 'no zstd here' }, async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('x'), randomBytes(300), mixedBytes(3 * MiB), Buffer.alloc(MiB)]) {
      for (const options of [[], ['--no-check'], ['-19', '--no-content-size'], [`--stream-size=${bytes.length}`]]) {
        const { status, stdout, stderr } = spawnSync('zstd', ['-c', ...options], { input: bytes, maxBuffer: 64 * MiB })
        assert.equal(status, 0, String(stderr))
        assert.ok(
          (
            await unpacked(
              inPieces(stdout, () => 1000),
              'zstd',
            )
          ).equals(bytes),
          options.join(' '),
        )
        await assert.rejects(unpacked([stdout, Buffer.alloc(1)], 'zstd'), {
          message: '1 bytes follow the end of the zstd data',
        })
      }
    }
  })
})

describe('unpack', () => {
  const bytes = Buffer.from(
    'some text that repeats itself, some text that repeats itself, and some that does not: 8a6f',
  )
  for (const algorithm of ['gzip', 'zstd'] as const) {
    const compression = { algorithm, level: 1 }
    const file = () => through(pack(compression, 1), bytes)

    test(`fails on ${algorithm} data that are cut short at any place`, async () => {
      const packed = await file()
      for (let length = 0; length < packed.length; length++) {
        const cut = packed.subarray(0, length)
        for (const piece of [1, packed.length]) {
          await assert.rejects(
            unpacked(
              inPieces(cut, () => piece),
              algorithm,
            ),
            { message: 'unexpected end of file' },
            `${length}`,
          )
        }
      }
    })

    const again = algorithm === 'gzip' ? gzipSync(bytes) : zstdCompressSync(bytes)
    for (const [what, trailing] of [
      ['a zero', Buffer.alloc(1)],
      ['many zeros', Buffer.alloc(MiB)],
      ['junk', Buffer.from('junk behind the end')],
      ['zeros and another file', Buffer.concat([Buffer.alloc(10), again])],
      ['the beginning of another file', again.subarray(0, 3)],
      ['another file that is cut short', again.subarray(0, -1)],
      // Another gzip member goes on with the same file (RFC 1952, 2.2): the next test.
      ...(algorithm === 'gzip'
        ? []
        : ([
            ['another frame', again],
            ['a frame that holds nothing to read', Buffer.from('502a4d1804000000abcdabcd', 'hex')],
          ] as const)),
    ] as const) {
      test(`fails on ${algorithm} data that are followed by ${what}, in the same chunk or in later ones`, async () => {
        const packed = await file()
        for (const pieces of [
          [Buffer.concat([packed, trailing])],
          [packed, trailing],
          [packed, ...inPieces(trailing, () => 4096)],
          [packed.subarray(0, -1), packed.subarray(-1), trailing.subarray(0, 1), trailing.subarray(1)],
          inPieces(Buffer.concat([packed, trailing]), () => packed.length - 1),
          inPieces(Buffer.concat([packed, trailing]), () => packed.length + 1),
        ]) {
          await assert.rejects(unpacked(pieces, algorithm), {
            message:
              /^(\d+ bytes follow the end of the (gzip|zstd) data|incorrect header check|unexpected end of file)$/,
          })
        }
      })
    }

    test(`lets no flipped bit of ${algorithm} data change what comes out`, async () => {
      const packed = await file()
      let unnoticed = 0
      for (let bit = 0; bit < packed.length * 8; bit++) {
        const damaged = Buffer.from(packed)
        damaged.writeUInt8((packed[bit >> 3] as number) ^ (1 << (bit & 7)), bit >> 3)
        const read = await unpacked([damaged], algorithm).catch(() => undefined)
        if (read === undefined) continue
        unnoticed++
        assert.ok(read.equals(bytes), `bit ${bit}`)
      }
      // Bits of the header that say nothing about the contents, such as gzip's time and system.
      assert.ok(unnoticed < 64, `${unnoticed} flips`)
    })

    test(`fails as its source fails, with ${algorithm}`, async () => {
      const packed = await file()
      const gone = new Error('the disk is gone')
      const source = Readable.from(
        (function* () {
          yield packed.subarray(0, 20)
          throw gone
        })(),
      )
      await assert.rejects(buffer(unpack(source, { algorithm })), error => error === gone)
    })

    test(`ends its source when nobody reads on, with ${algorithm}`, { timeout: 10_000 }, async () => {
      const source = Readable.from(inPieces(await through(pack(compression, 1), randomBytes(MiB)), () => 1000))
      const closed = new Promise(resolve => source.once('close', resolve))
      for await (const _ of unpack(source, { algorithm })) break
      await closed
      assert.ok(!source.readableEnded)
    })
  }

  test('reads the members of a gzip file one after the other', async () => {
    const members = [gzipSync('a'), gzipSync(''), gzipSync('b')]
    for (const piece of [1, 20, 1000]) {
      assert.equal(
        String(
          await unpacked(
            inPieces(Buffer.concat(members), () => piece),
            'gzip',
          ),
        ),
        'ab',
      )
    }
  })
})
