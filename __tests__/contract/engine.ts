import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Engine } from '../../src/engines/engine.ts'
import { type Compression, none } from '../../src/streams/compression.ts'
import type { Deps } from '../../src/system/deps.ts'
import { readDump, takeDump } from '../support/dumps.ts'
import { type Bench, makeBench, type Subject } from './engine-bench.ts'
import { engineFailures } from './engine-failures.ts'

const compressions: readonly ('auto' | Compression)[] = [
  'auto',
  { algorithm: 'gzip', level: 1 },
  { algorithm: 'gzip', level: 9 },
  { algorithm: 'zstd', level: 1 },
  none,
]

/** What every engine promises, on real servers that are started once. */
export function engineContract(
  name: string,
  needed: { skip?: string },
  make: (deps: Deps) => Engine,
  start: () => Promise<Subject>,
): void {
  describe(`engine ${name}`, needed, () => {
    let bench: Bench
    before(async () => {
      bench = makeBench(await start(), make)
    })
    after(() => bench?.subject.stop())

    engineFailures(() => bench)

    test('tells the address of its server, and neither user nor password', () => {
      const { server } = bench.begin(bench.subject.withPassword(encodeURIComponent("wr0ng p@ss:/?#%'&")))
      assert.equal(server.address, bench.subject.address)
      assert.ok(server.secrets.includes("wr0ng p@ss:/?#%'&"))
      assert.ok(!JSON.stringify({ ...server, secrets: [] }).includes('wr0ng'))
    })

    test('lists all databases that hold data of users', async () => {
      const expected = [...bench.subject.databases, bench.subject.small]
      const names = await bench.begin().server.databases()
      assert.deepEqual(
        expected.filter(database => !names.includes(database)),
        [],
      )
      assert.equal(names.includes(bench.subject.empty.name), bench.subject.empty.objects !== 'missing')
    })

    test('inspects a database that is there, an empty one and a missing one', async () => {
      const { server } = bench.begin()
      for (const database of [...bench.subject.databases, bench.subject.small]) {
        const inspection = await server.inspect(database)
        assert.ok(inspection !== 'missing')
        assert.match(inspection.serverVersion, bench.subject.version)
        assert.ok(inspection.objects >= Object.keys(await bench.subject.counts(database)).length)
        assert.ok(inspection.estimatedBytes > 1000)
      }
      const empty = await server.inspect(bench.subject.empty.name)
      assert.deepEqual(empty === 'missing' ? empty : empty.objects, bench.subject.empty.objects)
      assert.equal(await server.inspect('not-there'), 'missing')
    })

    for (const wanted of compressions) {
      const label = wanted === 'auto' ? wanted : `${wanted.algorithm}:${wanted.level}`
      test(`a dump with compression ${label} holds what the server holds`, async () => {
        const { engine, server } = bench.begin()
        for (const database of [...bench.subject.databases, bench.subject.small]) {
          const taken = await takeDump(server, database, wanted)
          const { compression, outer, suffix, file } = taken
          assert.deepEqual(compression, wanted === 'auto' ? bench.subject.auto : wanted)
          assert.deepEqual(outer, bench.subject.outer ? compression : none)
          const expected = bench.subject.files[compression.algorithm]
          assert.equal(suffix, expected.suffix)
          assert.equal(file.toString('latin1', 0, expected.start.length), expected.start)
          const contents = await readDump(engine, taken)
          assert.deepEqual(contents.counts, await bench.subject.counts(database))
          assert.ok(contents.rawBytes > 1000)
          await taken.confirm?.(contents)
        }
        assert.deepEqual(await bench.dumpers(), [])
      })
    }

    test('what extra arguments leave out is not in the dump', async () => {
      const { engine, server } = bench.begin()
      for (const { args, without, database = bench.subject.small } of bench.subject.leavingOut) {
        assert.equal(engine.checkArgs(args).length, 1)
        const taken = await takeDump(server, database, 'auto', args)
        const contents = await readDump(engine, taken)
        await taken.confirm?.(contents)
        const all = Object.entries(await bench.subject.counts(database))
        assert.ok(without.every(name => all.some(([one]) => one === name)))
        assert.deepEqual(
          contents.counts,
          Object.fromEntries(all.filter(([name]) => !without.includes(name))),
          args.join(' '),
        )
      }
    })

    test('a dump is read the same in pieces of any size, and tells its progress', async () => {
      const { engine, server } = bench.begin()
      const taken = await takeDump(server, bench.subject.small)
      const counts = await bench.subject.counts(bench.subject.small)
      const whole = await readDump(engine, taken)
      for (const chunk of [1, 2, 3, 7, 512, 4099, taken.file.length - 1, taken.file.length]) {
        const seen: number[] = []
        const onProgress = ({ rows }: { readonly rows: number }) => seen.push(rows)
        const read = await readDump(engine, taken, { chunk, onProgress, checksums: true })
        assert.deepEqual(read, whole, `in pieces of ${chunk} bytes`)
        assert.deepEqual(read.counts, counts)
        assert.deepEqual(
          seen,
          seen.toSorted((a, b) => a - b),
        )
        assert.equal(
          seen.at(-1),
          Object.values(counts).reduce((sum, rows) => sum + rows, 0),
        )
      }
    })
  })
}
