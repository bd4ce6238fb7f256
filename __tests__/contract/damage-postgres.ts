import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { noise } from '../../scripts/demo/ngwenya-documents.ts'
import { seedUchat } from '../../scripts/demo/seed-postgres.ts'
import { needs, type PostgresServer, startPostgres } from '../../scripts/rig/index.ts'
import { EngineError } from '../../src/engines/engine.ts'
import { postgres } from '../../src/engines/postgres/index.ts'
import { Interrupted } from '../../src/system/errors.ts'
import {
  type Algorithm,
  algorithms,
  blocks,
  compressionOf,
  fate,
  fates,
  lastBytes,
  randomFlips,
  readWhole,
  share,
  tails,
  unnoticedCuts,
  type Whole,
} from '../support/damage.ts'
import { testDeps } from '../support/deps.ts'
import { openServer, takeDump, within } from '../support/dumps.ts'
import { childrenNamed } from '../support/processes.ts'
import { seedSmallPostgres } from '../support/small-databases.ts'
import { until } from '../support/until.ts'

describe('a damaged PostgreSQL dump', await needs('postgres17'), () => {
  let server: PostgresServer
  // The demo's without its largest tables, and one of 12 KB.
  const demo = {} as Record<Algorithm, Whole>
  const small = {} as Record<Algorithm, Whole>
  before(async () => {
    server = await startPostgres()
    await Promise.all([seedUchat(server.url()), seedSmallPostgres(server.url(), 'small')])
    const deps = testDeps([server.bin])
    const engine = postgres(deps)
    const opened = openServer(engine, deps, server.url())
    for (const algorithm of algorithms) {
      const args = ['-T', 'chat.messages_*', '-T', 'chat.attachments']
      const part = await takeDump(opened, 'ngwenya_uchat', compressionOf(algorithm), args)
      demo[algorithm] = await readWhole(`ngwenya_uchat in ${algorithm}`, engine, part)
      small[algorithm] = await readWhole(
        `small in ${algorithm}`,
        engine,
        await takeDump(opened, 'small', compressionOf(algorithm)),
      )
    }
  })
  after(() => server?.stop())

  for (const algorithm of algorithms) {
    test(`${algorithm}: every cut at 64 KiB is found`, async () => {
      assert.deepEqual(await unnoticedCuts(demo[algorithm], blocks(demo[algorithm])), [])
      assert.deepEqual(await unnoticedCuts(demo[algorithm], lastBytes(demo[algorithm], 16)), [])
    })
  }

  // Each takes a pg_restore, so not every byte of every format: zstd is what a dump has unless told otherwise.
  test('zstd: every cut in the last 4,096 bytes is found', async () => {
    assert.deepEqual(await unnoticedCuts(small.zstd, lastBytes(small.zstd, 4096)), [])
  })
  for (const algorithm of ['gzip', 'none'] as const) {
    test(`${algorithm}: every cut in the last 256 bytes is found, and every ninth in the last 4,096`, async () => {
      const lengths = lastBytes(small[algorithm], 4096).filter((_, n) => n < 256 || n % 9 === 0)
      assert.deepEqual(await unnoticedCuts(small[algorithm], lengths), [])
    })
  }

  test('bytes behind the end: 1 MiB is found, and what pg_restore leaves in the pipe is not', async t => {
    for (const algorithm of algorithms) {
      const whole = demo[algorithm]
      for (const [what, tail] of Object.entries(tails(whole.dump.file))) {
        const found = await fate(whole, Buffer.concat([whole.dump.file, tail]))
        t.diagnostic(`${algorithm}, ${what}: ${found}`)
        if (tail.length <= 16) assert.equal(found, 'unnoticed', `${algorithm}, ${what}`)
        if (tail.length > 1_000_000) assert.equal(found, 'refused', `${algorithm}, ${what}`)
      }
    }
  })

  // zlib ends each table's data with a checksum; pg_dump's zstd frames have none, and plain data has nothing at all.
  for (const [algorithm, least] of [
    ['gzip', 0.97],
    ['zstd', 0.05],
    ['none', 0.01],
  ] as const) {
    test(`${algorithm}: of 200 flipped bytes at least ${100 * least} % are found`, async t => {
      const whole = demo[algorithm]
      const flips = randomFlips(200, whole.dump.file.length)
      const { refused, different, unnoticed } = await fates(whole, flips)
      t.diagnostic(`${algorithm}: ${share(refused, flips)} refused, ${share(different, flips)} with other counts`)
      assert.ok(flips.length - unnoticed.length >= least * flips.length)
    })
  }

  test('a pg_restore that ends before its input does is no hang: the source is closed', async () => {
    const deps = testDeps([server.bin])
    const junk = Readable.from(forever(noise(65_536)))
    await assert.rejects(within(10_000, 'reading', postgres(deps).inspectDump(junk)), isDamaged)
    assert.ok(junk.destroyed)

    // Half a dump, and then nothing: neither more bytes nor an end.
    for (const end of ['kill', 'interrupt'] as const) {
      const silent = new PassThrough()
      silent.write(demo.none.dump.file.subarray(0, 1_000_000))
      const stopped = testDeps([server.bin])
      const reading = postgres(stopped).inspectDump(silent)
      const refused = assert.rejects(reading, end === 'kill' ? isDamaged : Interrupted)
      const [tool] = await until('pg_restore', async () => {
        const found = await childrenNamed(process.pid, 'pg_restore')
        return silent.readableLength === 0 && found.length > 0 ? found : undefined
      })
      if (end === 'kill') process.kill(tool!.pid, 'SIGKILL')
      else stopped.interrupt()
      await within(5000, 'reading', refused)
      assert.ok(silent.destroyed)
      assert.deepEqual(await childrenNamed(process.pid, 'pg_restore'), [])
    }
  })
})

function isDamaged(error: unknown): boolean {
  assert.ok(error instanceof EngineError && error.problem === 'damaged', error as Error)
  return true
}

function* forever(piece: Buffer): Generator<Buffer> {
  for (;;) yield piece
}
