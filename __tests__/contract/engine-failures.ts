import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { before, test } from 'node:test'
import { type Dump, EngineError } from '../../src/engines/engine.ts'
import { none } from '../../src/streams/compression.ts'
import { Interrupted } from '../../src/system/errors.ts'
import { readDump, startDump, takeDump, within } from '../support/dumps.ts'
import { until } from '../support/until.ts'
import { makeSilence, makeValve } from '../support/valve.ts'
import { assertProblem, type Bench } from './engine-bench.ts'

// Far below every timeout that an engine has of its own.
const promptMs = 5000

/** How every engine fails: each problem by its name, at once, and with nothing left running. */
export function engineFailures(bench: () => Bench): void {
  let fallen: Promise<void>
  // mongodump tries for a minute to reach its server again: let it begin before everything else.
  before(async () => {
    const { beginDump, ignore, subject } = bench()
    const { dump, tool } = await beginDump(subject.doomed.url)
    ignore(tool)
    subject.doomed.kill()
    dump.stream.on('error', () => {}).resume()
    fallen = dump.ended
  })

  test('a server that is not there, or says nothing, is unreachable', async () => {
    const { begin, subject } = bench()
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address() as { port: number }
    await new Promise(resolve => closed.close(resolve))
    await using silence = await makeSilence()
    for (const url of [subject.at(port, 'one second'), subject.at(silence.port, 'one second')]) {
      const { server } = begin(url)
      await assertProblem(server.inspect(subject.small), 'unreachable', server, /Check the host and the port/)
      await assertProblem(server.databases(), 'unreachable', server, /Check the host and the port/)
    }
  })

  test('a wrong password is a problem of credentials', async () => {
    const { begin, subject } = bench()
    const { server } = begin(subject.withPassword(encodeURIComponent("wr0ng p@ss:/?#%'&")))
    await assertProblem(server.inspect(subject.small), 'credentials', server, /Check the user/)
    await assertProblem(server.databases(), 'credentials', server, /Check the user/)
    const inspection = await begin().server.inspect(subject.small)
    assert.ok(inspection !== 'missing')
    await assert.rejects(
      async () => {
        const dump = await server.dump(subject.small, inspection, { compression: none, args: [] })
        dump.stream.resume()
        await dump.ended
      },
      (error: Error) => error instanceof EngineError && !error.message.includes('wr0ng'),
    )
  })

  test('a login that is missing is a problem of credentials', async () => {
    const { begin, subject } = bench()
    const { server } = begin(subject.anonymous)
    await assertProblem(server.inspect(subject.small), 'credentials', server, /Put .* into/)
    await assertProblem(server.databases(), 'credentials', server, /Put .* into/)
  })

  test('few rights are enough', async t => {
    const { begin, subject } = bench()
    for (const { who, url } of subject.modest) {
      await t.test(who, async () => {
        const { engine, server } = begin(url)
        const { counts } = await readDump(engine, await takeDump(server, subject.small))
        assert.deepEqual(counts, await subject.counts(subject.small))
      })
    }
  })

  test('a missing right is told from a missing database', async t => {
    const { begin, subject } = bench()
    for (const { who, step, url, database, remedy } of subject.refusals) {
      await t.test(who, async () => {
        const { server } = begin(url)
        const work = async () => {
          if (step === 'databases') return server.databases()
          if (step === 'inspect') return server.inspect(database)
          const dump = await startDump(server, database)
          dump.stream.resume()
          return dump.ended
        }
        await assertProblem(work(), 'forbidden', server, remedy)
      })
    }
  })

  const endings: Readonly<Record<string, (dump: Dump, deps: { interrupt(): void }) => unknown>> = {
    'that nobody wants any more': dump => dump.stream.destroy(),
    'that nobody wants any more because of an error': dump => {
      dump.stream.on('error', () => {}).destroy(new Error('the store is full'))
    },
    'of a run that is stopped': (dump, { interrupt }) => {
      dump.stream.on('error', () => {}).resume()
      interrupt()
    },
    'of a run that is stopped while nobody reads': (dump, { interrupt }) => {
      dump.stream.on('error', () => {})
      interrupt()
    },
  }
  for (const [which, end] of Object.entries(endings)) {
    test(`a dump ${which} ends at once, and its tool with it`, async () => {
      const { beginDump, dumpers } = bench()
      const { deps, dump } = await beginDump()
      end(dump, deps)
      await assert.rejects(within(promptMs, 'the dump', dump.ended), deps.signal.aborted ? Interrupted : Error)
      assert.deepEqual(await dumpers(), [])
    })
  }

  // The server falls silent after its first answer, and in the middle of what is asked.
  for (const bytes of [1, 600]) {
    test(`a run that is stopped waits for no server that hangs after ${bytes} bytes`, async () => {
      const { begin, subject } = bench()
      await using valve = await makeValve(portOf(subject.address), bytes)
      const { deps, server } = begin(valve.through(subject.url))
      const inspecting = server.inspect(subject.small)
      const refused = assert.rejects(inspecting, Interrupted)
      await until('a connection that hangs', () => valve.held() > 0)
      deps.interrupt()
      await within(promptMs, 'inspect', refused)
      const inspection = { serverVersion: '1', estimatedBytes: 1, objects: 1 }
      const dumping = server.dump(subject.small, inspection, { compression: none, args: [] })
      await assert.rejects(within(promptMs, 'dump', dumping), Interrupted)
    })
  }

  test('a tool that is killed in the middle fails the dump', async () => {
    const { begin, beginDump } = bench()
    const { deps, dump, tool } = await beginDump()
    process.kill(tool.pid, 'SIGKILL')
    dump.stream.on('error', () => {}).resume()
    await assertProblem(dump.ended, 'tool', begin().server, /SIGKILL/)
    assert.equal(deps.signal.aborted, false)
  })

  test('a server that is killed in the middle fails the dump', async () => {
    const { begin, subject } = bench()
    await assertProblem(fallen, 'tool', begin(subject.doomed.url).server, /exited with \d/, 120_000)
  })
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1))
}
