import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { needs, type PostgresMajor, type PostgresServer, postgresBin, startPostgres } from '../../scripts/rig/index.ts'
import { EngineError } from '../../src/engines/engine.ts'
import { postgres } from '../../src/engines/postgres/index.ts'
import { none } from '../../src/streams/compression.ts'
import { unpack } from '../../src/streams/pack.ts'
import { postgresCounts } from '../support/contents.ts'
import { testDeps } from '../support/deps.ts'
import { openServer, readDump, takeDump } from '../support/dumps.ts'
import { seedSmallPostgres } from '../support/small-databases.ts'

// The rig's 15, 16 and 18 have no zstd, its 17 has.
const parts = await needs('postgres15', 'postgres16', 'postgres17', 'postgres18')

describe('the client that fits a PostgreSQL server', parts, () => {
  const servers = new Map<PostgresMajor, PostgresServer>()
  const clients = new Map<PostgresMajor, string>()
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'clients-'))
    for (const major of [15, 16, 17, 18] as const) clients.set(major, await postgresBin(major))
    await Promise.all(
      ([15, 16, 18] as const).map(async major => {
        const server = await startPostgres({ major })
        servers.set(major, server)
        await seedSmallPostgres(server.url(), 'small')
      }),
    )
  })
  after(async () => {
    await Promise.all([...servers.values()].map(server => server.stop()))
    await rm(folder, { recursive: true })
  })

  /** A run on a machine that has these clients, in the order of PATH. */
  const open = (server: PostgresMajor, installed: readonly (PostgresMajor | string)[]) => {
    const deps = testDeps(installed.map(one => (typeof one === 'string' ? one : (clients.get(one) as string))))
    const engine = postgres(deps)
    const { url } = servers.get(server) as PostgresServer
    return { deps, engine, server: openServer(engine, deps, url()), counts: () => postgresCounts(url('small')) }
  }

  const orders: readonly (readonly PostgresMajor[])[] = [
    [16, 17, 18],
    [16, 18, 17],
    [17, 16, 18],
    [17, 18, 16],
    [18, 16, 17],
    [18, 17, 16],
  ]
  for (const order of orders) {
    test(`is the one of its own major, with ${order.join(', ')} on PATH`, async () => {
      for (const major of [16, 18] as const) {
        const { deps, engine, server, counts } = open(major, order)
        const taken = await takeDump(server, 'small')
        assert.match(taken.clientVersion, new RegExp(`^${major}\\.\\d+$`))
        assert.deepEqual((await readDump(engine, taken)).counts, await counts())
        assert.deepEqual(deps.warnings, [])
      }
    })
  }

  test('is the lowest newer one, where its own is not there', async () => {
    const { server } = open(15, [18, 17, 16])
    assert.match((await takeDump(server, 'small')).clientVersion, /^16\./)
  })

  test('may be of 17 for a server before 17, with a warning about the restore', async () => {
    for (const major of [17, 18] as const) {
      const { deps, engine, server, counts } = open(16, [major])
      const taken = await takeDump(server, 'small')
      assert.match(taken.clientVersion, new RegExp(`^${major}\\.`))
      assert.deepEqual((await readDump(engine, taken)).counts, await counts())
      assert.equal(deps.warnings.length, 1)
      assert.match(
        deps.warnings[0] as string,
        /is PostgreSQL 16 and is dumped by pg_dump 1[78].*Install the client of 16/,
      )
    }
  })

  test('is missed with what is installed, what is needed and how to install it', async () => {
    const cases = [
      [
        [17],
        /PostgreSQL 18,.*Installed: 17\.\d+ in \S+\. Needed: pg_dump and pg_restore 18 or newer\. Install them with: \S+/,
      ],
      [[], /PostgreSQL 18,.*Installed: none\. Needed: pg_dump and pg_restore 18/],
    ] as const
    for (const [installed, message] of cases) {
      const { server } = open(18, installed)
      await assert.rejects(takeDump(server, 'small'), (error: Error) => {
        assert.ok(error instanceof EngineError)
        assert.equal(error.problem, 'client')
        assert.ok(error.message.includes(server.address))
        assert.match(error.message, message)
        return true
      })
    }
  })

  test("is never Debian's wrapper, nor half a client, nor one that does not start", async () => {
    const program = async (path: string, text: string) => {
      await writeFile(path, `#!/bin/sh\n${text}\n`)
      await chmod(path, 0o755)
    }
    const [wrapper, half, broken] = ['wrapper', 'half', 'broken'].map(name => join(folder, name)) as [
      string,
      string,
      string,
    ]
    for (const path of [wrapper, half, broken]) await mkdir(path)
    await program(join(wrapper, 'pg_wrapper'), 'echo "pg_dump (PostgreSQL) 16.1"')
    await program(join(half, 'pg_dump'), 'echo "pg_dump (PostgreSQL) 16.2"')
    await program(join(broken, 'pg_dump'), 'echo "pg_dump (PostgreSQL) 16.3"; exit 127')
    await symlink('pg_wrapper', join(wrapper, 'pg_dump'))
    await symlink('pg_wrapper', join(wrapper, 'pg_restore'))
    await symlink('pg_dump', join(broken, 'pg_restore'))
    const { server } = open(16, [wrapper, half, broken, 16])
    assert.equal(
      (await takeDump(server, 'small')).clientVersion,
      ((await open(16, [16]).server.inspect('small')) as { serverVersion: string }).serverVersion,
    )
    await assert.rejects(takeDump(open(16, [wrapper, half, broken]).server, 'small'), /Installed: none/)
  })

  test('without zstd compresses with gzip on its own, and says so when zstd is wanted by name', async () => {
    for (const major of [15, 16, 18] as const) {
      const { deps, engine, server, counts } = open(major, [major])
      const taken = await takeDump(server, 'small')
      assert.deepEqual(taken.compression, { algorithm: 'gzip', level: 1 })
      assert.deepEqual((await readDump(engine, taken)).counts, await counts())
      assert.deepEqual(deps.warnings, [])
      for (const compression of [none, { algorithm: 'gzip', level: 9 }] as const) {
        assert.deepEqual((await takeDump(server, 'small', compression)).compression, compression)
      }
      await assert.rejects(takeDump(server, 'small', { algorithm: 'zstd', level: 3 }), (error: Error) => {
        assert.ok(error instanceof EngineError)
        assert.equal(error.problem, 'client')
        assert.match(
          error.message,
          /^Compressing with zstd:3: pg_dump 1\d\.\d+ in \S+ was built without zstd\. Use compression gzip or auto/,
        )
        return true
      })
    }
  })

  test('reads a dump of its own major or an older one, and says which is needed for a newer', async () => {
    const old = await takeDump(open(16, [16]).server, 'small')
    const recent = await takeDump(open(18, [18]).server, 'small')
    const { engine, counts } = open(16, [17])
    assert.deepEqual((await readDump(engine, old)).counts, await counts())
    await assert.rejects(
      readDump(engine, recent),
      wants(/no pg_restore 18 or newer is installed; the dump was written by pg_dump 18\.\d/),
    )
    // Who wrote it is not known of a file that lies in a folder without a manifest.
    const { file, outer } = recent
    await assert.rejects(
      open(16, [15]).engine.inspectDump(unpack(Readable.from([file]), outer)),
      wants(/unsupported version.*Install a pg_restore as new as the pg_dump that wrote it/s),
    )
  })

  test('reads a dump in zstd only when it was built with zstd, and else does not call it damaged', async () => {
    const zstd = await takeDump(open(16, [17]).server, 'small')
    assert.equal(zstd.compression.algorithm, 'zstd')
    const { engine, counts } = open(16, [16, 18, 17])
    assert.deepEqual((await readDump(engine, zstd)).counts, await counts())
    await assert.rejects(
      readDump(open(16, [18]).engine, zstd),
      wants(/pg_restore 18\.\d+ in \S+ cannot read it.*built with the same compression/s),
    )
  })
})

function wants(message: RegExp) {
  return (error: Error) => {
    assert.ok(error instanceof EngineError, error.stack)
    assert.equal(error.problem, 'client', error.message)
    assert.match(error.message, message)
    return true
  }
}
