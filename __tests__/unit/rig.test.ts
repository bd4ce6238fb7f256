import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { MongoClient } from 'mongodb'
import pg from 'pg'
import { fetchPackage, type Pinned } from '../../scripts/rig/fetch.ts'
import { findPart, getPart } from '../../scripts/rig/find.ts'
import { type Home, makeHome } from '../../scripts/rig/home.ts'
import {
  mongoTools,
  needs,
  PartUnavailable,
  postgresBin,
  type S3Server,
  startMongo,
  startPostgres,
  startS3,
} from '../../scripts/rig/index.ts'
import { launch } from '../../scripts/rig/launch.ts'
import { type Part, parts } from '../../scripts/rig/parts.ts'
import { run } from '../../scripts/rig/run.ts'

const hardPassword = `p@ss/w:rd ?#%é'&+`

describe('PostgreSQL', async () => {
  test('answers with its password, and leaves nothing when stopped', await needs('postgres17'), async () => {
    const server = await startPostgres({ password: hardPassword })
    const pids = await query(server.url(), 'select pid from pg_stat_activity')
    const socket = { host: server.socketDir, port: server.port, user: server.user, password: server.password }
    assert.match((await query({ ...socket, database: 'postgres' }, 'show server_version')).join(), /^17\./)
    await assert.rejects(query({ ...socket, password: 'wrong', database: 'postgres' }, 'select 1'), { code: '28P01' })
    await assert.rejects(query(server.url().replace(/:[^:@]+@/, ':wrong@'), 'select 1'), { code: '28P01' })

    await server.stop()
    await server.stop()
    await assertGone([server.pid, ...pids.map(Number)], [server.port], [server.socketDir, dirname(server.logFile)])
  })

  for (const major of [15, 16, 18] as const) {
    test(`${major} is the major that starts`, await needs(`postgres${major}`), async () => {
      await using server = await startPostgres({ major })
      assert.match((await query(server.url(), 'show server_version')).join(), new RegExp(`^${major}\\.`))
    })
  }

  test('the clients of 17 compress with zstd', await needs('postgres17'), async () => {
    await using server = await startPostgres()
    const args = ['-Fc', '-Z', 'zstd:1', '-f', join(server.socketDir, 'dump'), server.url()]
    await run([join(await postgresBin(17), 'pg_dump'), ...args])
  })

  test('takes settings, and listens on ::1 with TLS', { ...(await needs('postgres17')), ...needsIPv6() }, async () => {
    await using server = await startPostgres({ ipv6: true, tls: true, settings: { work_mem: '5MB' } })
    const ssl = { ca: readFileSync(server.tlsCa!) }
    for (const host of ['127.0.0.1', 'localhost', '::1']) {
      const at = { host, port: server.port, user: 'postgres', password: server.password, database: 'postgres', ssl }
      assert.deepEqual(await query(at, 'select ssl::text from pg_stat_ssl where pid = pg_backend_pid()'), ['true'])
    }
    assert.deepEqual(await query(server.url('postgres', '::1'), 'show work_mem'), ['5MB'])
  })

  test('that cannot start says why at once and leaves nothing', await needs('postgres17'), async t => {
    const tmp = await scratch(t)
    setEnv(t, { TMPDIR: tmp })
    await assert.rejects(
      startPostgres({ settings: { no_such_setting: '1' } }),
      /it ended: exit code 1\n.*unrecognized configuration parameter/s,
    )
    assert.deepEqual(await readdir(tmp), [])
  })

  test('starts below a long temporary directory', await needs('postgres17', 'mongod'), async t => {
    const tmp = join(await scratch(t), 'long'.repeat(25))
    await mkdir(tmp)
    setEnv(t, { TMPDIR: tmp })
    const [postgres, mongo] = await Promise.all([startPostgres(), startMongo()])
    assert.ok(mongo.logFile.startsWith(tmp) && existsSync(mongo.socketPath))
    await Promise.all([postgres.stop(), mongo.stop()])
    await assertGone(
      [],
      [],
      [postgres.socketDir, dirname(mongo.socketPath), dirname(postgres.logFile), dirname(mongo.logFile)],
    )
  })
})

describe('mongod', async () => {
  test('answers, and leaves nothing when stopped', await needs('mongod'), async () => {
    const server = await startMongo()
    assert.equal(await insertAndCount(server.url('shop')), 1)
    assert.equal(await insertAndCount(`mongodb://${encodeURIComponent(server.socketPath)}/shop`), 2)
    await server.stop()
    await assertGone([server.pid], [server.port], [server.socketPath, dirname(server.logFile)])
  })

  test('with a login lets nobody else in', { ...(await needs('mongod')), ...needsIPv6() }, async () => {
    await using server = await startMongo({ auth: { user: 'ü@x', password: hardPassword }, ipv6: true })
    assert.equal(await insertAndCount(server.url('shop')), 1)
    assert.equal(await insertAndCount(server.url('shop', '::1')), 2)
    await assert.rejects(insertAndCount(`mongodb://${server.host}:${server.port}/shop`), { codeName: 'Unauthorized' })
  })

  test('as a replica set has a primary, also with a login', await needs('mongod'), async () => {
    await using plain = await startMongo({ replicaSet: 'rs0' })
    await using server = await startMongo({ replicaSet: 'rs1', auth: { user: 'root', password: hardPassword } })
    assert.equal(await insertAndCount(plain.url('shop'), 'majority'), 1)
    assert.equal(await insertAndCount(server.url('shop'), 'majority'), 1)
  })

  test('has tools that dump it', await needs('mongod', 'mongo-tools'), async () => {
    await using server = await startMongo()
    await insertAndCount(server.url('shop'))
    const args = ['--uri', server.url('shop'), '--archive=/dev/null']
    const { stderr } = await run([join(await mongoTools(), 'mongodump'), ...args])
    assert.match(stderr, /done dumping shop\.things \(1 document\)/)
  })
})

test('the S3 server keeps objects, and leaves nothing when stopped', await needs('versitygw'), async () => {
  const server = await startS3()
  assert.equal((await s3(server, 'PUT', '/backups')).status, 200)
  assert.equal((await s3(server, 'PUT', '/backups/a/b.txt', 'hello')).status, 200)
  assert.equal(await (await s3(server, 'GET', '/backups/a/b.txt')).text(), 'hello')
  assert.equal(await readFile(join(server.dir, 'backups/a/b.txt'), 'utf8'), 'hello')
  assert.equal((await s3({ ...server, secretAccessKey: 'wrong' }, 'GET', '/backups/a/b.txt')).status, 403)
  await server.stop()
  await assertGone([server.pid], [server.port], [server.dir, dirname(server.logFile)])
})

describe('any server', async () => {
  test('gets a port of its own', await needs('mongod', 'versitygw'), async () => {
    const servers = await Promise.all([startS3(), startS3(), startMongo(), startMongo()])
    assert.equal(new Set(servers.map(server => server.port)).size, servers.length)
    await Promise.all(servers.map(server => server.stop()))
  })

  test('tries another port when somebody took its port', async () => {
    const ports: number[] = []
    await using server = await launch(small(await makeHome(), port => ports.push(port) < 3))
    assert.equal(ports.length, 3)
    assert.equal(server.port, ports[2])
  })

  test('is killed when it does not stop in time', async () => {
    const stubborn = `process.on('SIGTERM', () => {})`
    const server = await launch({ ...small(await makeHome(), () => false, stubborn), stopDeadlineMs: 200 })
    await server.stop()
    await assertGone([server.pid], [server.port], [dirname(server.logFile)])
  })

  test('that was stopped by SIGSTOP still ends', await needs('postgres17'), async () => {
    const server = await startPostgres()
    server.kill('SIGSTOP')
    const started = Date.now()
    await server.stop()
    assert.ok(Date.now() - started < 5000)
    await assertGone([server.pid], [server.port], [dirname(server.logFile)])
  })

  const all = await needs('postgres17', 'mongod', 'versitygw')
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
    test(`ends with its parent, by ${signal}`, all, async t => {
      const { parent, servers } = await parentOfServers(t, 'setInterval(() => {}, 1000)')
      parent.kill(signal)
      assert.deepEqual(await once(parent, 'exit'), [null, signal])
      await assertGone(...servers)
    })
  }

  test('does not keep its parent from ending, and its directory is gone by then', all, async t => {
    const { parent, servers } = await parentOfServers(t, 'process.exitCode = 7')
    if (parent.exitCode === null) await once(parent, 'exit')
    assert.equal(parent.exitCode, 7)
    assert.deepEqual(servers[2].filter(existsSync), [])
    await assertGone(...servers)
  })

  test('does not touch what its parent does on signals', await needs('versitygw'), async () => {
    const listeners = (...names: string[]) => names.map(name => process.listenerCount(name))
    const [signals, exit] = [listeners('SIGINT', 'SIGTERM', 'SIGHUP'), listeners('exit')]
    const server = await startS3()
    assert.deepEqual(listeners('SIGINT', 'SIGTERM', 'SIGHUP'), signals)
    await server.stop()
    assert.deepEqual(listeners('exit'), exit)
  })
})

describe('a package', async () => {
  test('with the right checksum is unpacked once, its programs executable', async t => {
    const pinned = await offeredWheel(t)
    const [bin, again] = await Promise.all([fetchPackage(pinned), fetchPackage(pinned)])
    assert.equal(bin, again)
    assert.equal((await stat(join(bin, 'hello'))).mode & 0o777, 0o755)
    assert.equal((await run([join(bin, 'hello')])).stdout, 'hello\n')
    setEnv(t, { PIP_FIND_LINKS: '/nonexistent' })
    assert.equal(await fetchPackage(pinned), bin)
    assert.deepEqual(await readdir(join(process.env.XDG_CACHE_HOME!, 'db-backup-action-rig')), ['pypi-rigtest-1.0'])
  })

  test('with a wrong checksum is refused and deleted', async t => {
    const pinned = await offeredWheel(t)
    const wrong = { ...pinned, sha256: 'f'.repeat(64) }
    const both = new RegExp(`${pinned.sha256}.*${wrong.sha256}`)
    await assert.rejects(fetchPackage(wrong), both)
    assert.deepEqual(await readdir(join(process.env.XDG_CACHE_HOME!, 'db-backup-action-rig')), [])
  })
})

describe('a part', async () => {
  const nowhere: Part = {
    title: 'a server nobody has',
    variable: 'RIG_NOBODY_HAS',
    programs: ['nobody-has-this'],
    version: /(.*)/,
    places: ['/nonexistent/bin'],
    remedy: 'ask somebody',
  }
  const reasons =
    /a server nobody has.*RIG_NOBODY_HAS: not set; \/nonexistent\/bin: not there; PATH.*Remedy: ask somebody/

  test('that cannot be had is an error with its remedy when CI=true', async t => {
    setEnv(t, { CI: 'true' })
    await assert.rejects(findPart(nowhere), (error: Error) => {
      assert.match(error.message, reasons)
      return !(error instanceof PartUnavailable)
    })
  })

  test('that cannot be had elsewhere is said loudly, and is a reason to skip', async t => {
    setEnv(t, { CI: undefined })
    const said = t.mock.method(console, 'error', () => {})
    await assert.rejects(findPart(nowhere), (error: Error) => {
      assert.match(error.message, reasons)
      return error instanceof PartUnavailable
    })
    assert.equal(said.mock.callCount(), 1)
  })

  test('whose variable names something else is not looked for elsewhere', await needs('mongod'), async t => {
    const { bin } = await getPart('mongod')
    setEnv(t, { CI: 'true', RIG_MONGOD: join(bin, 'mongod'), RIG_POSTGRES_17: bin })
    assert.equal((await findPart(parts.mongod)).bin, bin)
    await assert.rejects(findPart(parts.postgres17), /Tried RIG_POSTGRES_17=\S+: not there\. Remedy/)
  })

  test('of another version is passed over', await needs('postgres17', 'postgres18'), async t => {
    setEnv(t, { CI: 'true', RIG_POSTGRES_17: await postgresBin(18) })
    await assert.rejects(findPart(parts.postgres17), /is postgres \(PostgreSQL\) 18/)
  })

  test('without zstd is passed over for PostgreSQL 17', await needs('postgres18'), async t => {
    const bin = await scratch(t)
    for (const program of parts.postgres17.programs) await writeFile(join(bin, program), fakeClient, { mode: 0o755 })
    setEnv(t, { CI: 'true', RIG_POSTGRES_17: bin })
    await assert.rejects(findPart(parts.postgres17), /built without zstd/)
  })
})

describe('the set-up', async () => {
  const setup = (env: NodeJS.ProcessEnv, ...names: string[]) => {
    const script = join(import.meta.dirname, '../../scripts/rig/setup.ts')
    return spawnSync(process.execPath, [script, ...names], { env: { ...process.env, ...env }, encoding: 'utf8' })
  }

  test('prints name, version and origin', await needs('versitygw'), async () => {
    const { status, stdout } = setup({}, 'versitygw')
    assert.equal(status, 0)
    assert.match(stdout, /^versitygw +\S+ +\S+.*\n$/)
  })

  test('fails on a part that cannot be had only when CI=true', () => {
    const broken = { RIG_MONGOD: '/nonexistent/mongod' }
    for (const [CI, expected] of [['true', 1] as const, ['', 0] as const]) {
      const { status, stderr, stdout } = setup({ ...broken, CI }, 'mongod')
      assert.deepEqual([status, stdout], [expected, ''])
      assert.match(stderr, /^rig: !!! cannot get mongod\. Tried RIG_MONGOD=\/nonexistent\/mongod: .*Remedy.*\n$/)
    }
  })

  test('names the parts there are', () => {
    const { status, stderr } = setup({}, 'mysql')
    assert.equal(status, 2)
    assert.match(stderr, /no part mysql; there are postgres15, .*versitygw/)
  })
})

/** Answers as a build of PostgreSQL 17 does that has no zstd. */
const fakeClient = `#!/bin/sh
[ "$1" = --version ] && echo 'postgres (PostgreSQL) 17.1' && exit
echo 'pg_dump: error: this build does not support compression with ZSTD' >&2
exit 1
`

async function query(login: string | pg.ClientConfig, sql: string): Promise<string[]> {
  const client = new pg.Client(login)
  await client.connect()
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.map(([value]) => String(value))
  } finally {
    await client.end()
  }
}

async function insertAndCount(url: string, w: 'majority' | 1 = 1): Promise<number> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 5000 })
  try {
    const things = client.db().collection('things')
    await things.insertOne({}, { writeConcern: { w } })
    return await things.countDocuments()
  } finally {
    await client.close()
  }
}

/** One request with an AWS Signature, version 4. */
function s3(server: S3Server, method: string, path: string, body = ''): Promise<Response> {
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  const { host } = new URL(server.endpoint)
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const scope = `${time.slice(0, 8)}/${server.region}/s3/aws4_request`
  const signed = { host, 'x-amz-content-sha256': sha256(body), 'x-amz-date': time }
  const names = Object.keys(signed).join(';')
  const lines = Object.entries(signed).map(([name, value]) => `${name}:${value}\n`)
  const canonical = [method, path, '', lines.join(''), names, sha256(body)].join('\n')
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${server.secretAccessKey}`)
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${server.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`
  const { host: _, ...headers } = signed
  return fetch(server.endpoint + path, { method, headers: { ...headers, authorization }, ...(body && { body }) })
}

/** A small server in place of a real one, for what real ones cannot be made to do. */
function small(home: Home, taken: (port: number) => boolean, more = '') {
  const listen = (port: number) => `${more}; require('node:net').createServer().listen(${port}, '127.0.0.1')`
  const fail = `console.error('bind: Address already in use'); process.exit(1)`
  return {
    name: 'a small server',
    home,
    command: (port: number) => [process.execPath, '-e', taken(port) ? fail : listen(port)],
    ready: (port: number) => accepts(port),
    stopSignal: 'SIGTERM' as const,
    endSignal: 'SIGKILL' as const,
  }
}

type Traces = [pids: number[], ports: number[], paths: string[]]

/** Another Node process with one server of each kind, which then runs `then`. */
async function parentOfServers(t: TestContext, then: string) {
  const script = `
    import { startMongo, startPostgres, startS3 } from ${JSON.stringify(import.meta.resolve('../../scripts/rig/index.ts'))}
    import { dirname } from 'node:path'
    const servers = await Promise.all([startPostgres(), startMongo(), startS3()])
    const paths = servers.map(server => dirname(server.logFile))
    console.log(JSON.stringify([servers.map(server => server.pid), servers.map(server => server.port), paths]))
    ${then}`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => parent.kill('SIGKILL'))
  const ended = once(parent, 'exit').then(() => Promise.reject(new Error('it ended before its servers were there')))
  const [line] = await Promise.race([once(createInterface(parent.stdout), 'line'), ended])
  return { parent, servers: JSON.parse(line) as Traces }
}

/** The servers' own children may end a moment after them. */
async function assertGone(...[pids, ports, paths]: Traces): Promise<void> {
  const left = async () => [
    ...pids.filter(isAlive).map(pid => `pid ${pid}`),
    ...(await Promise.all(ports.map(async port => ((await accepts(port)) ? [`port ${port}`] : [])))).flat(),
    ...paths.filter(path => existsSync(path)),
  ]
  for (const deadline = Date.now() + 5000; Date.now() < deadline && (await left()).length > 0; ) await delay(20)
  assert.deepEqual(await left(), [])
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // One that has ended and that nobody has waited for (proc(5)).
    return process.platform !== 'linux' || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1').once('error', () => resolve(false))
    socket.once('connect', () => resolve(true)).once('connect', () => socket.destroy())
  })
}

async function scratch(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'rig-test-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  return dir
}

const environment = { ...process.env }

function setEnv(t: TestContext, values: Record<string, string | undefined>): void {
  t.after(() => {
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name]
    Object.assign(process.env, environment)
  })
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
}

function needsIPv6(): { skip?: string } {
  const here = Object.values(networkInterfaces()).some(list => list?.some(({ address }) => address === '::1'))
  return here || process.env.CI === 'true' ? {} : { skip: 'this machine has no ::1' }
}

/** A wheel with one program in it, which pip finds in a folder instead of a registry, and an empty cache. */
async function offeredWheel(t: TestContext): Promise<Pinned & { sha256: string }> {
  const dir = await scratch(t)
  const wheel = join(dir, 'offer', 'rigtest-1.0-py3-none-any.whl')
  const files = {
    'rigtest/bin/hello': '#!/bin/sh\necho hello\n',
    'rigtest-1.0.dist-info/METADATA': 'Metadata-Version: 2.1\nName: rigtest\nVersion: 1.0\n',
    'rigtest-1.0.dist-info/WHEEL': 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    'rigtest-1.0.dist-info/RECORD': '',
  }
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), text)
  }
  await mkdir(dirname(wheel))
  await run(['python3', '-m', 'zipfile', '-c', wheel, 'rigtest', 'rigtest-1.0.dist-info'], { cwd: dir })
  setEnv(t, { XDG_CACHE_HOME: join(dir, 'cache'), PIP_NO_INDEX: '1', PIP_FIND_LINKS: dirname(wheel) })
  const sha256 = createHash('sha256')
    .update(await readFile(wheel))
    .digest('hex')
  return { from: 'pypi', name: 'rigtest', version: '1.0', sha256, tags: [], bin: 'rigtest/bin' }
}
