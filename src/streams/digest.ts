import { createHash } from 'node:crypto'
import { Transform } from 'node:stream'

export interface Digest {
  /** Bytes that passed. */
  readonly bytes: number
  /** Lower-case hex; only once the stream has ended. */
  readonly sha256: string
}

/** Passes everything through and takes its size and sha256. */
export function digest(): Transform & Digest {
  const hash = createHash('sha256')
  let bytes = 0
  let sha256 = ''
  const stream = new Transform({
    transform: (chunk, _encoding, done) => {
      bytes += chunk.length
      hash.update(chunk)
      done(null, chunk)
    },
    flush: done => {
      sha256 = hash.digest('hex')
      done()
    },
  })
  return Object.defineProperties(stream, {
    bytes: { get: () => bytes },
    sha256: { get: () => sha256 },
  }) as Transform & Digest
}
