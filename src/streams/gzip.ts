import { Transform } from 'node:stream'
import { promisify } from 'node:util'
import { constants, gzip as gzipCallback } from 'node:zlib'

const gzip = promisify<Buffer, object, Buffer>(gzipCallback)
const blockSize = 1024 * 1024

/**
 * Compresses in independent blocks of 1 MiB, up to `workers` at a time on the thread pool, and puts them out in order
 * as members of one gzip file (RFC 1952, 2.2): `gzip -d` and `mongorestore --gzip` read such a file as one.
 * Holds about 2 MiB a worker.
 */
export function parallelGzip(level: number, workers: number): Transform {
  // One output chunk that holds the whole member: zlib would grow it in steps of 16 KiB otherwise.
  const options = { level, chunkSize: blockSize + 1024, flush: constants.Z_NO_FLUSH }
  const queue: Promise<Buffer>[] = []
  // Blocks whose member is there are filled again: the garbage collector would be as busy as the compression.
  const free: Buffer[] = []
  let block: Buffer = Buffer.allocUnsafeSlow(blockSize)
  let filled = 0
  let empty = true

  const compressBlock = () => {
    const full = block
    const member = gzip(full.subarray(0, filled), options).finally(() => free.push(full))
    // Awaited later, in order; until then a failure must not count as unhandled.
    member.catch(() => {})
    queue.push(member)
    block = free.pop() ?? Buffer.allocUnsafeSlow(blockSize)
    filled = 0
    empty = false
  }

  return new Transform({
    async transform(this: Transform, chunk: Buffer, _encoding, done) {
      try {
        for (let at = 0; at < chunk.length; ) {
          const copied = chunk.copy(block, filled, at)
          at += copied
          filled += copied
          if (filled === blockSize) compressBlock()
        }
        while (queue.length > workers) this.push(await queue.shift())
        done()
      } catch (error) {
        done(error as Error)
      }
    },
    async flush(this: Transform, done) {
      try {
        if (filled > 0 || empty) compressBlock()
        while (queue.length > 0) this.push(await queue.shift())
        done()
      } catch (error) {
        done(error as Error)
      }
    },
  })
}
