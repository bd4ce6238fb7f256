import assert from 'node:assert/strict'
import { once } from 'node:events'
import { PassThrough, Readable, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { tee } from '../../src/streams/tee.ts'

// What hangs is a defect here.
const prompt = { timeout: 10_000 }

const chunkSize = 16 * 1024

/** Chunks that differ, as many as are asked for, and how many were. */
const source = (chunks: number) => {
  const told = { chunks: 0 }
  const stream = Readable.from(
    (function* () {
      for (; told.chunks < chunks; told.chunks++) yield Buffer.alloc(chunkSize, told.chunks)
    })(),
  )
  return { stream, told }
}

/** Takes a chunk only when it is let. */
const gated = () => {
  const taken: Buffer[] = []
  let waiting: (() => void) | undefined
  let open = false
  const stream = new Writable({
    highWaterMark: chunkSize,
    write: (chunk, _encoding, done) => {
      taken.push(chunk)
      // Later and not at once, so that it is full in between.
      if (open) setImmediate(done)
      else waiting = done
    },
  })
  return {
    stream,
    taken,
    isWaiting: () => waiting !== undefined,
    letAll: () => {
      open = true
      waiting?.()
    },
  }
}

/** Gives a chunk and then nothing more, as a dumper does that waits for a lock. */
const stalled = () => {
  const stream = new Readable({ read() {} })
  stream.push(Buffer.from('first'))
  return stream
}

/** Comes back once nothing has happened for a while, counted in turns of the event loop. */
const settled = async (state: () => unknown): Promise<void> => {
  for (let [before, quiet] = [state(), 0]; quiet < 50; quiet++) {
    await turn()
    if (state() !== before) [before, quiet] = [state(), 0]
  }
}

/** A chunk has come through: the tee is under way. */
const started = (branch: Readable) => once(branch, 'readable')

describe('tee', () => {
  test('copies everything to both branches, and ends them', prompt, async () => {
    const branches = [new PassThrough(), new PassThrough()] as const
    const [first, second] = [buffer(branches[0]), buffer(branches[1])]
    await tee(source(100).stream, branches)
    const expected = await buffer(source(100).stream)
    assert.ok((await first).equals(expected))
    assert.ok((await second).equals(expected))
  })

  test('ends both branches when the source is empty', prompt, async () => {
    const branches = [new PassThrough(), new PassThrough()] as const
    const both = Promise.all(branches.map(branch => buffer(branch)))
    await tee(Readable.from([]), branches)
    assert.deepEqual(
      (await both).map(({ length }) => length),
      [0, 0],
    )
  })

  for (const slow of [0, 1] as const) {
    test(`goes at the pace of branch ${slow} when that is the slower one`, prompt, async () => {
      const gates = [gated(), gated()] as const
      const all = Promise.all(gates.map(({ stream }) => once(stream, 'finish')))
      const { stream, told } = source(1000)
      const done = tee(stream, [gates[0].stream, gates[1].stream])
      await settled(() => told.chunks)
      gates[slow === 0 ? 1 : 0].letAll()
      await settled(() => told.chunks)
      assert.ok(gates[slow].isWaiting())
      // What the source, the tee and the branch hold, a few chunks each, and nothing that grows.
      assert.ok(told.chunks < 40, `${told.chunks} chunks were read ahead`)
      gates[slow].letAll()
      await done
      await all
      for (const { taken } of gates) {
        assert.equal(taken.length, 1000)
        assert.ok(taken.every((chunk, index) => chunk.length === chunkSize && chunk[0] === index % 256))
      }
    })
  }

  for (const broken of [0, 1] as const) {
    const gone = new Error('the store is full')
    const make = () => {
      const branches = [new PassThrough(), new PassThrough()] as const
      return { branches, one: branches[broken], other: branches[1 - broken] as PassThrough }
    }

    test(
      `fails at once with the error of branch ${broken}, though the source is stalled, and destroys the rest`,
      prompt,
      async () => {
        const { branches, one, other } = make()
        const from = stalled()
        const done = tee(from, branches)
        await started(one)
        one.destroy(gone)
        await assert.rejects(done, error => error === gone)
        assert.ok(from.destroyed && other.destroyed)
        assert.equal(other.errored, gone)
      },
    )

    test(`fails when branch ${broken} is closed early without an error`, prompt, async () => {
      const { branches, one, other } = make()
      const from = stalled()
      const done = tee(from, branches)
      await started(one)
      one.destroy()
      await assert.rejects(done, { message: 'a branch of the stream was closed early' })
      assert.ok(from.destroyed && other.destroyed)
    })

    test(`fails when branch ${broken} was closed before, with its error and without`, prompt, async () => {
      for (const error of [gone, undefined]) {
        const { branches, one, other } = make()
        one.on('error', () => {}).destroy(error)
        await turn()
        assert.ok(one.closed)
        const from = stalled()
        await assert.rejects(tee(from, branches), {
          message: error?.message ?? 'a branch of the stream was closed early',
        })
        assert.ok(from.destroyed && other.destroyed)
      }
    })

    test(`fails when branch ${broken} breaks while the other one holds everything up`, prompt, async () => {
      const gate = gated()
      const one = new PassThrough()
      one.resume()
      const { stream, told } = source(1000)
      const done = tee(stream, broken === 0 ? [one, gate.stream] : [gate.stream, one])
      await settled(() => told.chunks)
      assert.ok(gate.isWaiting())
      one.destroy(gone)
      await assert.rejects(done, error => error === gone)
      assert.ok(stream.destroyed && gate.stream.destroyed)
    })

    test(`fails when branch ${broken} breaks while it is itself waited for`, prompt, async () => {
      const gate = gated()
      const other = new PassThrough()
      other.resume()
      const { stream, told } = source(1000)
      const done = tee(stream, broken === 0 ? [gate.stream, other] : [other, gate.stream])
      await settled(() => told.chunks)
      gate.stream.destroy(gone)
      await assert.rejects(done, error => error === gone)
      assert.ok(stream.destroyed && other.destroyed)
    })
  }

  test('fails with the error of its source, and destroys both branches with it', prompt, async () => {
    const gone = new Error('the dumper died')
    const branches = [new PassThrough(), new PassThrough()] as const
    const from = stalled()
    const done = tee(from, branches)
    await Promise.all(branches.map(started))
    from.destroy(gone)
    await assert.rejects(done, error => error === gone)
    for (const branch of branches) {
      assert.equal(branch.errored, gone)
      assert.ok(!branch.writableFinished)
    }
  })

  test('fails when its source is closed before its end', prompt, async () => {
    const branches = [new PassThrough(), new PassThrough()] as const
    const from = stalled()
    const done = tee(from, branches)
    await Promise.all(branches.map(started))
    from.destroy()
    await assert.rejects(done, { code: 'ERR_STREAM_PREMATURE_CLOSE' })
    assert.ok(branches.every(branch => branch.destroyed && !branch.writableFinished))
  })
})
