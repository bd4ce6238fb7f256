import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { seedNgwenya } from '../../scripts/demo/seed-mongo.ts'
import { type MongoServer, mongoTools, needs, startMongo } from '../../scripts/rig/index.ts'
import { mongo } from '../../src/engines/mongo/index.ts'
import { unpack } from '../../src/streams/pack.ts'
import { documentRanges } from '../support/archive-ranges.ts'
import {
  type Algorithm,
  algorithms,
  blocks,
  compressionOf,
  everyBit,
  type Flip,
  fate,
  fates,
  flipped,
  lastBytes,
  randomFlips,
  readWhole,
  share,
  tails,
  unnoticedCuts,
  type Whole,
} from '../support/damage.ts'
import { testDeps } from '../support/deps.ts'
import { openServer, takeDump } from '../support/dumps.ts'
import { seedSmallMongo } from '../support/small-databases.ts'

describe('a damaged MongoDB archive', await needs('mongod', 'mongo-tools'), () => {
  let server: MongoServer
  // The demo's without its largest collections, and one of 12 KB.
  const demo = {} as Record<Algorithm, Whole>
  const small = {} as Record<Algorithm, Whole>
  before(async () => {
    server = await startMongo()
    await Promise.all([seedNgwenya(server.url()), seedSmallMongo(server.url(), 'small')])
    const deps = testDeps([await mongoTools()])
    const engine = mongo(deps)
    const opened = openServer(engine, deps, server.url())
    for (const algorithm of algorithms) {
      const args = ['orders', 'products', 'users', 'photos.chunks'].map(name => `--excludeCollection=${name}`)
      const part = await takeDump(opened, 'ngwenya', compressionOf(algorithm), args)
      demo[algorithm] = await readWhole(`ngwenya in ${algorithm}`, engine, part)
      small[algorithm] = await readWhole(
        `small in ${algorithm}`,
        engine,
        await takeDump(opened, 'small', compressionOf(algorithm)),
      )
    }
  })
  after(() => server?.stop())

  const unpacked = ({ dump }: Whole, file = dump.file) => buffer(unpack(Readable.from([file]), dump.outer))
  /** Flips that go unnoticed leave the archive as it was. */
  const assertHarmless = async (whole: Whole, flips: readonly Flip[]) => {
    const archive = await unpacked(whole)
    for (const flip of flips) {
      assert.ok(
        archive.equals(await unpacked(whole, flipped(whole.dump.file, flip))),
        `bits ${flip.mask} of byte ${flip.at}`,
      )
    }
  }

  for (const algorithm of algorithms) {
    test(`${algorithm}: every cut at 64 KiB and in the last 4,096 bytes is found`, async () => {
      assert.deepEqual(await unnoticedCuts(demo[algorithm], blocks(demo[algorithm])), [])
      assert.deepEqual(await unnoticedCuts(small[algorithm], lastBytes(small[algorithm], 4096)), [])
    })

    test(`${algorithm}: bytes behind the end are found, however few`, async () => {
      for (const whole of [demo[algorithm], small[algorithm]]) {
        for (const [what, tail] of Object.entries(tails(whole.dump.file))) {
          assert.equal(await fate(whole, Buffer.concat([whole.dump.file, tail])), 'refused', what)
        }
      }
    })
  }

  test('gzip: a cut between two members is found, though it is whole gzip', async () => {
    const whole = demo.gzip
    const starts = memberStarts(whole.dump.file)
    assert.ok(starts.length > 2)
    assert.deepEqual(await unnoticedCuts(whole, starts), [])
  })

  for (const algorithm of ['gzip', 'zstd'] as const) {
    test(`${algorithm}: each of 200 flipped bytes is found`, async () => {
      const { different, unnoticed } = await fates(demo[algorithm], randomFlips(200, demo[algorithm].dump.file.length))
      assert.deepEqual(different, [])
      assert.ok(unnoticed.length < 2)
      await assertHarmless(demo[algorithm], unnoticed)
    })
  }

  test('gzip: of a member header only time, extra flags, system and the text flag may flip unnoticed', async () => {
    const whole = demo.gzip
    for (const start of memberStarts(whole.dump.file).slice(0, 2)) {
      const { unnoticed, different } = await fates(whole, everyBit(start, start + 10))
      assert.deepEqual(different, [])
      const places = new Set(unnoticed.map(({ at, mask }) => (at - start === 3 ? `flag ${mask}` : at - start)))
      assert.deepEqual([...places].toSorted(), [4, 5, 6, 7, 8, 9, 'flag 1'])
      await assertHarmless(whole, unnoticed)
    }
  })

  test('zstd: of the frame header only bits without meaning for this file may flip unnoticed', async t => {
    const whole = demo.zstd
    const { unnoticed, different } = await fates(whole, everyBit(0, 12))
    assert.deepEqual(different, [])
    t.diagnostic(`unnoticed: ${unnoticed.map(({ at, mask }) => `bit ${Math.log2(mask)} of byte ${at}`).join(', ')}`)
    await assertHarmless(whole, unnoticed)
  })

  test('raw, with checksums: every flip in a document is found; without, few are', async t => {
    const flips = randomFlips(200, demo.none.dump.file.length)
    const inDocuments = documentRanges(demo.none.dump.file)
    const isInDocument = ({ at }: { at: number }) => inDocuments.some(([from, to]) => at >= from && at < to)
    const documents = flips.filter(isInDocument)
    assert.ok(documents.length > 190)
    assert.deepEqual((await fates(demo.none, documents)).refused.length, documents.length)
    const without = await fates(demo.none, documents, false)
    t.diagnostic(`without checksums ${share(without.refused, documents)} are refused`)
  })

  test('raw, with checksums: of a whole small archive all flips in documents are found', async t => {
    const { file } = small.none.dump
    const ranges = documentRanges(file)
    const inside = ranges.flatMap(([from, to]) => everyBit(from, to).filter(({ mask }) => mask === 1 || mask === 128))
    assert.ok(inside.length > 15_000)
    assert.deepEqual((await fates(small.none, inside)).refused.length, inside.length)
    const outside = everyBit(0, file.length).filter(({ at }) => !ranges.some(([from, to]) => at >= from && at < to))
    const { refused, different } = await fates(small.none, outside)
    t.diagnostic(`of prelude and block headers ${share([...refused, ...different], outside)} are found`)
  })
})

/** Where gzip members start: each has the first one's header. */
function memberStarts(file: Buffer): readonly number[] {
  const header = file.subarray(0, 10)
  const starts: number[] = []
  for (let at = 0; at !== -1; at = file.indexOf(header, at + 1)) starts.push(at)
  return starts
}
