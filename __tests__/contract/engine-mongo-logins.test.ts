import assert from 'node:assert/strict'
import { mkdir, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { MongoClient } from 'mongodb'
import { type MongoServer, mongoTools, needs, startMongo } from '../../scripts/rig/index.ts'
import { EngineError } from '../../src/engines/engine.ts'
import { mongo } from '../../src/engines/mongo/index.ts'
import { mongoCounts } from '../support/contents.ts'
import { testDeps } from '../support/deps.ts'
import { openServer, readDump, takeDump } from '../support/dumps.ts'
import { oddTexts } from '../support/odd-texts.ts'
import { seedSmallMongo } from '../support/small-databases.ts'

// What the server allows: up to 63 bytes, without / \ . " $ and spaces.
const oddNames = [
  "it's",
  '-rf',
  '--help',
  '%41',
  'a=b&c#d@e:f?',
  '*g|i<j>',
  '{[(~!,;`^',
  'ünï🐊名',
  'null',
  'x'.repeat(63),
]

describe('logging in to MongoDB, by driver and tool', await needs('mongod', 'mongo-tools'), () => {
  let alone: MongoServer
  let member: MongoServer
  let tools: string
  before(async () => {
    const auth = { user: 'root', password: 'root' }
    tools = await mongoTools()
    ;[alone, member] = await Promise.all([startMongo({ auth, ipv6: true }), startMongo({ auth, replicaSet: 'rs0' })])
    await Promise.all([seedSmallMongo(alone.url(), 'small'), seedSmallMongo(member.url(), 'small')])
  })
  after(() => Promise.all([alone?.stop(), member?.stop()]))

  const open = (url: string) => {
    const deps = testDeps([tools])
    const engine = mongo(deps)
    return { engine, server: openServer(engine, deps, url) }
  }
  /** Inspects, dumps and reads a database, all of it. */
  async function backUp(url: string, database = 'small'): Promise<void> {
    const { engine, server } = open(url)
    const { counts } = await readDump(engine, await takeDump(server, database))
    assert.deepEqual(counts, await mongoCounts(alone.url(), database))
  }
  async function addUser(user: string, pwd: string, database = 'admin'): Promise<void> {
    await using client = new MongoClient(alone.url())
    await client.db(database).command({ createUser: user, pwd, roles: [{ role: 'backup', db: 'admin' }] })
  }
  const login = (user: string, password: string, rest = '') =>
    `mongodb://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${alone.port}/${rest}`

  // SCRAM-SHA-256 takes characters of Unicode 3.2 and no others.
  const texts = oddTexts.map(text => text.replaceAll('🐊', 'Ж'))
  for (const [index, text] of texts.entries()) {
    test(`the password ${JSON.stringify(text)}`, async () => {
      await addUser(`odd ${index}`, text)
      await backUp(login(`odd ${index}`, text))
    })
    test(`the user ${JSON.stringify(text)}`, async () => {
      await addUser(text, 'same')
      await backUp(login(text, 'same'))
    })
  }

  for (const database of oddNames) {
    test(`the database ${JSON.stringify(database)}`, async () => {
      await seedSmallMongo(alone.url(), database)
      const url = alone.url(database)
      const { server } = open(url)
      assert.equal(server.database, database)
      assert.ok((await server.databases()).includes(database))
      await backUp(url, database)
    })
  }

  test('IPv6', () => backUp(alone.url('', '::1')))

  test('a Unix socket', async t => {
    // The tools read the path in lower case: https://jira.mongodb.org/browse/GODRIVER-3050
    const folder = `/tmp/mongo-socket-${process.pid}`
    await mkdir(folder)
    t.after(() => rm(folder, { recursive: true }))
    const path = join(folder, 'mongodb.sock')
    await symlink(alone.socketPath, path)
    const url = `mongodb://root:root@${encodeURIComponent(path)}/?authSource=admin`
    await backUp(url)
    assert.equal(open(url).server.address, path)
  })

  test('authSource: the given one, else the database of the path, else admin', async () => {
    await addUser('local', 'of accounts', 'accounts')
    await addUser('local', 'of admin', 'admin')
    await backUp(login('local', 'of accounts', '?authSource=accounts'))
    await backUp(login('local', 'of accounts', 'small?authSource=accounts'))
    await backUp(login('local', 'of accounts', 'accounts'))
    await backUp(login('local', 'of admin', 'accounts?authSource=admin'))
    await backUp(login('local', 'of admin'))
    await backUp(login('local', 'of admin').replace(/\/$/, ''))
    for (const url of [login('local', 'of admin', 'accounts'), login('local', 'of accounts')]) {
      await assert.rejects(open(url).server.inspect('small'), isRefused)
    }
  })

  test('the options that people use', async () => {
    for (const options of [
      'authMechanism=SCRAM-SHA-1',
      'authMechanism=SCRAM-SHA-256',
      'directConnection=true&tls=false',
      'serverSelectionTimeoutMS=5000&connectTimeoutMS=5000&socketTimeoutMS=60000',
      'retryWrites=true&w=majority&readPreference=secondaryPreferred&appName=shop%20backup&compressors=zlib',
    ]) {
      await backUp(login('root', 'root', `?${options}`))
    }
  })

  test('a replica set, also when one of the named members is down', async () => {
    const at = `127.0.0.1:${member.port}`
    await backUp(member.url())
    await backUp(`mongodb://root:root@${at}/?replicaSet=rs0&readPreference=secondaryPreferred`)
    // Nobody listens on port 1.
    const several = `mongodb://root:root@127.0.0.1:1,${at}/?replicaSet=rs0`
    await backUp(several)
    assert.equal(open(several).server.address, `127.0.0.1:1,${at}`)
    await assert.rejects(
      open(`mongodb://root:root@${at}/?replicaSet=other&serverSelectionTimeoutMS=500`).server.inspect('small'),
      (error: Error) => error instanceof EngineError && error.problem === 'unreachable',
    )
  })
})

function isRefused(error: Error): boolean {
  assert.ok(error instanceof EngineError, error.stack)
  assert.equal(error.problem, 'credentials', error.message)
  assert.match(error.message, /Check the user, the password and authSource/)
  return true
}
