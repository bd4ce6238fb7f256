import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import dns from 'node:dns'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { MongoClient } from 'mongodb'
import { type MongoServer, mongoTools, needs, startMongo } from '../../scripts/rig/index.ts'
import { EngineError } from '../../src/engines/engine.ts'
import { mongo } from '../../src/engines/mongo/index.ts'
import { mongoCounts } from '../support/contents.ts'
import { testDeps } from '../support/deps.ts'
import { startDns } from '../support/dns.ts'
import { openServer, readDump, startDump, takeDump } from '../support/dumps.ts'
import { seedSmallMongo } from '../support/small-databases.ts'

// A target must share its last labels with the name asked for, and this machine must know its address: the driver
// takes 127.0.0.1 for both, while the tools want a letter in it and ask for the address.
const name = 'db.0.0.1'
const service = `_mongodb._tcp.${name}`
const password = 's/e:c@r%t'
const url = `mongodb+srv://app:${encodeURIComponent(password)}@${name}/?tls=false&retryWrites=true&appName=it%27s`

describe('mongodb+srv', await needs('mongod', 'mongo-tools'), () => {
  let server: MongoServer
  let folder: string
  let tool: string
  let names: Awaited<ReturnType<typeof startDns>>
  const usual = dns.getServers()
  before(async () => {
    server = await startMongo({ auth: { user: 'root', password: 'root' } })
    await seedSmallMongo(server.url(), 'small')
    await using client = new MongoClient(server.url())
    const roles = [{ role: 'backup', db: 'admin' }]
    await client.db('accounts').command({ createUser: 'app', pwd: password, roles })
    folder = await mkdtemp(join(tmpdir(), 'srv-'))
    tool = join(await mongoTools(), 'mongodump')
    names = await startDns(records('127.0.0.1'))
    dns.setServers([`127.0.0.1:${names.port}`])
  })
  after(async () => {
    dns.setServers(usual)
    await names?.[Symbol.asyncDispose]()
    await server?.stop()
    await rm(folder, { recursive: true })
  })

  const records = (target: string) => ({
    srv: { [service]: { target, port: server.port } },
    txt: { [name]: 'authSource=accounts' },
    addresses: { [target]: '127.0.0.1' },
  })
  /** Puts a script in mongodump's place; the version is asked of the real one. */
  async function replaceTool(...lines: readonly string[]): Promise<void> {
    const script = [
      '#!/bin/sh',
      'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
      `[ "$1" = --version ] && exec '${tool}' --version`,
    ]
    await writeFile(join(folder, 'mongodump'), [...script, ...lines, ''].join('\n'))
    await chmod(join(folder, 'mongodump'), 0o755)
  }
  const open = (of = url) => {
    const deps = testDeps([folder])
    const engine = mongo(deps)
    return { engine, server: openServer(engine, deps, of) }
  }

  test('the driver follows the records, and the tool gets the same URL with what they say', async () => {
    await replaceTool(`cat <&3 > '${join(folder, 'config')}'`)
    const opened = open()
    assert.equal(opened.server.address, name)
    const dump = await startDump(opened.server, 'small')
    dump.stream.resume()
    await dump.ended
    const config = (await readFile(join(folder, 'config'), 'utf8')).trim().split('\n')
    assert.deepEqual(config, [
      `uri: "mongodb+srv://app@${name}/?tls=false&retryWrites=true&appName=it%27s&authSource=accounts"`,
      `password: ${JSON.stringify(password)}`,
    ])
  })

  test('a name without records is unreachable', async () => {
    await assert.rejects(open(url.replace(name, 'other.0.0.1')).server.inspect('small'), (error: Error) => {
      assert.ok(error instanceof EngineError, error.stack)
      assert.equal(error.problem, 'unreachable', error.message)
      assert.match(error.message, /^Inspecting mongo\/small on other\.0\.0\.1: no server answers/)
      return true
    })
  })

  // A resolv.conf of its own takes a mount namespace, and port 53 a privilege: root on Linux has both, if anybody.
  const mayMount = process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0
  if (!mayMount) process.emitWarning('mongodump itself is not tried with mongodb+srv: that takes root on Linux')
  else {
    test('the tool follows the records too', async () => {
      // Any address of the loopback network is ours, and nobody else's port 53.
      const [one, two, three] = [process.pid >> 16, (process.pid >> 8) & 255, process.pid & 255]
      const address = `127.${64 + one}.${two}.${three}`
      await using _names = await startDns(records('a.0.0.1'), address, 53)
      const resolver = join(folder, 'resolv.conf')
      await writeFile(resolver, `nameserver ${address}\noptions timeout:2 attempts:1\n`)
      const mounted = `mount --bind '${resolver}' /etc/resolv.conf && exec '${tool}' "$@"`
      await replaceTool(`exec unshare --mount -- sh -c '${mounted.replaceAll("'", `'\\''`)}' sh "$@"`)
      const { engine, server: opened } = open()
      const { counts } = await readDump(engine, await takeDump(opened, 'small'))
      assert.deepEqual(counts, await mongoCounts(server.url(), 'small'))
    })
  }
})
