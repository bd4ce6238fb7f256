import { Duplex, PassThrough, pipeline, type Readable, Transform, type TransformCallback, Writable } from 'node:stream'
import { constants, createGunzip, createZstdCompress, createZstdDecompress } from 'node:zlib'
import type { Compression } from './compression.ts'
import { parallelGzip } from './gzip.ts'
import { behindZstdFrame } from './zstd-frame.ts'

/** Compresses a whole file. zstd gives one frame with a checksum, so that `zstd -dc` notices every flipped bit. */
export function pack({ algorithm, level }: Compression, workers: number): Duplex {
  if (algorithm === 'gzip') return parallelGzip(level, workers)
  if (algorithm === 'zstd') return zstdFrame(level)
  return new PassThrough()
}

/**
 * Node's encoder ends the frame with the last chunk when `end()` was called while that chunk still waited, and then ends
 * an empty frame more (seen with Node 24.21): here it hears of the end only after it has taken every chunk.
 */
function zstdFrame(level: number): Duplex {
  const { ZSTD_c_compressionLevel, ZSTD_c_checksumFlag } = constants
  const encoder = createZstdCompress({ params: { [ZSTD_c_compressionLevel]: level, [ZSTD_c_checksumFlag]: 1 } })
  const chunks = new Writable({
    write: (chunk, _encoding, done) => encoder.write(chunk, done),
    final: done => encoder.end(done),
  })
  return Duplex.from({ writable: chunks, readable: encoder })
}

/**
 * Decompresses a file that `pack` made. Fails when the file is cut short, damaged, or goes on after its end: Node's
 * decoders read zeros there as nothing at all, so what they took in is held against what came, and zstd's may read on
 * into another frame. (Another gzip member is no other file: one that ends between two members looks whole here.)
 */
export function unpack(source: Readable, { algorithm }: Pick<Compression, 'algorithm'>): Readable {
  if (algorithm === 'none') return source
  const decoder = algorithm === 'gzip' ? createGunzip() : createZstdDecompress()
  const behindEnd = algorithm === 'zstd' ? behindZstdFrame() : () => 0
  let came = 0
  const count = new Transform({
    transform: (chunk: Buffer, _encoding, done: TransformCallback) => {
      came += chunk.length
      done(null, chunk.subarray(0, chunk.length - behindEnd(chunk)))
    },
  })
  const end = new Transform({
    transform: (chunk, _encoding, done) => done(null, chunk),
    flush: done => {
      const extra = came - decoder.bytesWritten
      done(extra === 0 ? null : new Error(`${extra} bytes follow the end of the ${algorithm} data`))
    },
  })
  pipeline(source, count, decoder, end, () => {})
  return end
}
