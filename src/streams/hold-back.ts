import { Transform } from 'node:stream'

/**
 * Passes everything through at once, but its end only when `proven` resolves; when that rejects, the stream fails with
 * the same error. A store sees the end of a dump only after the dump is known to be good, so a producer that dies
 * leaves an aborted upload and never a short object.
 */
export function holdBack(proven: Promise<unknown>): Transform {
  return new Transform({
    transform: (chunk, _encoding, done) => done(null, chunk),
    flush: done => {
      proven.then(
        () => done(),
        error => done(error),
      )
    },
  })
}
