import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type Db, MongoClient } from 'mongodb'
import { type MongoServer, mongoTools, needs, startMongo } from '../../scripts/rig/index.ts'
import { EngineError } from '../../src/engines/engine.ts'
import { mongo } from '../../src/engines/mongo/index.ts'
import { none } from '../../src/streams/compression.ts'
import { mongoCounts } from '../support/contents.ts'
import { testDeps } from '../support/deps.ts'
import { openServer, readDump, startDump, within } from '../support/dumps.ts'

type Change = (db: Db) => Promise<unknown>

const changes: Readonly<Record<string, Change>> = {
  'renamed, which mongodump does not notice': db => db.renameCollection('orders', 'old_orders'),
  created: db => db.createCollection('new'),
  dropped: db => db.dropCollection('orders'),
  'dropped and made again': async db => {
    await db.dropCollection('orders')
    await db.createCollection('orders')
  },
  'swapped with another': async db => {
    await db.renameCollection('orders', 'swap')
    await db.renameCollection('users', 'orders')
    await db.renameCollection('swap', 'users')
  },
  'a view now': async db => {
    await db.dropCollection('orders')
    await db.createCollection('orders', { viewOn: 'users', pipeline: [] })
  },
  'gone with its database': db => db.dropDatabase(),
}

describe('a MongoDB database that changes under its dump', await needs('mongod', 'mongo-tools'), () => {
  let server: MongoServer
  let client: MongoClient
  let folder: string
  let db: Db
  before(async () => {
    server = await startMongo()
    client = new MongoClient(server.url())
    folder = await mkdtemp(join(tmpdir(), 'changes-'))
    // A mongodump that says when it is about to begin, or to end, and waits for a line then.
    const [there, go] = [join(folder, 'there'), join(folder, 'go')]
    execFileSync('mkfifo', [there, go])
    const tool = join(await mongoTools(), 'mongodump')
    const wait = `{ echo > '${there}'; read -r line < '${go}'; }`
    const script = [
      '#!/bin/sh',
      `[ "$1" = --version ] && exec '${tool}' --version`,
      `[ "$WAITS" != after ] && ${wait}`,
      `'${tool}' "$@"; code=$?`,
      `[ "$WAITS" != before ] && ${wait}`,
      'exit $code',
    ]
    await writeFile(join(folder, 'mongodump'), `${script.join('\n')}\n`)
    await chmod(join(folder, 'mongodump'), 0o755)
  })
  after(async () => {
    await client?.close()
    await server?.stop()
    await rm(folder, { recursive: true })
  })
  const refill = async () => {
    db = client.db('shop')
    await db.dropDatabase()
    await db.collection('users').insertMany([{ n: 1 }, { n: 2 }])
    await db.collection('orders').insertMany([{ n: 1 }, { n: 2 }, { n: 3 }])
    await db.createCollection('a view', { viewOn: 'users', pipeline: [] })
  }
  beforeEach(refill)

  /** Dumps, and changes the database when mongodump is about to begin, or to end, or both. */
  async function dump(changes: Partial<Record<'before' | 'after', Change>>, args: readonly string[] = []) {
    const steps = Object.values(changes)
    const deps = testDeps([folder], { WAITS: steps.length === 2 ? 'both' : Object.keys(changes)[0] })
    const engine = mongo(deps)
    const opened = openServer(engine, deps, server.url())
    const { stream, ended, clientVersion, confirm } = await startDump(opened, 'shop', { args })
    const chunks: Buffer[] = []
    stream.on('data', chunk => chunks.push(chunk)).on('error', () => {})
    for (const change of steps) {
      // A pipe opens when its other side does.
      await within(10_000, 'mongodump', readFile(join(folder, 'there')))
      await change(db)
      await within(10_000, 'mongodump', writeFile(join(folder, 'go'), '\n'))
    }
    await ended
    const contents = await readDump(engine, { file: Buffer.concat(chunks), clientVersion, outer: none })
    await confirm?.(contents)
    return contents.counts
  }
  const isChanged = (error: Error) => {
    assert.ok(error instanceof EngineError, error.stack)
    assert.equal(error.problem, 'changed', error.message)
    assert.match(error.message, /^Dumping mongo\/shop on 127\.0\.0\.1:\d+: collections came, went or were renamed/)
    assert.match(error.message, /\(.*(orders|new).*\)\. Back up while no collection is/)
    return true
  }

  for (const [what, change] of Object.entries(changes)) {
    for (const waits of ['before', 'after'] as const) {
      test(`a collection ${what}, ${waits} the dumper's work: the dump fails as changed`, async () => {
        await assert.rejects(dump({ [waits]: change }), isChanged)
      })
    }
  }

  test('a collection that was away while the dumper worked is missed, though it is back', async () => {
    const away: Change = db => db.renameCollection('orders', 'x')
    const back: Change = db => db.renameCollection('x', 'orders')
    await assert.rejects(dump({ before: away, after: back }), (error: Error) => {
      assert.ok(error instanceof EngineError, error.stack)
      assert.match(error.message, /^Dumping mongo\/shop on .*orders/)
      return true
    })
  })

  test('a collection that came out empty and held documents before and after is no good dump', async () => {
    const take: Change = db => db.collection('orders').deleteMany()
    const give: Change = db => db.collection('orders').insertOne({ n: 1 })
    await assert.rejects(dump({ before: take, after: give }), (error: Error) => {
      assert.ok(error instanceof EngineError && error.problem === 'changed', error.stack)
      assert.match(error.message, /orders came out empty/)
      return true
    })
    await refill()
    assert.deepEqual(await dump({ before: take }), { orders: 0, users: 2 })
  })

  test('documents that come and go do not matter', async () => {
    const counts = await dump({
      before: async db => {
        await db.collection('orders').insertOne({ n: 4 })
        await db.collection('users').deleteOne({ n: 1 })
        await db.createIndex('orders', { n: 1 })
      },
    })
    assert.deepEqual(counts, await mongoCounts(server.url(), 'shop'))
    assert.deepEqual(await dump({ after: db => db.collection('orders').deleteMany() }), { orders: 4, users: 1 })
  })

  test('what was left out of the dump may change', async () => {
    const churn = async (db: Db) => {
      await db.createCollection('cache_2')
      await db.renameCollection('orders', 'cache_1')
    }
    await assert.rejects(dump({ after: churn }, ['--excludeCollection=orders']), EngineError)
    const args = ['--excludeCollection', 'orders', '--excludeCollectionsWithPrefix=cache_']
    await refill()
    assert.deepEqual(await dump({ before: churn }, args), { users: 2 })
    await refill()
    assert.deepEqual(await dump({ after: churn }, ['--collection=users']), { users: 2 })
  })
})
