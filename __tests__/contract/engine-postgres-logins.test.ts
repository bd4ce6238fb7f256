import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { Client } from 'pg'
import { createDatabase } from '../../scripts/demo/postgres-database.ts'
import { oddDatabase } from '../../scripts/demo/seed-odd.ts'
import { needs, type PostgresServer, startPostgres } from '../../scripts/rig/index.ts'
import { postgres } from '../../src/engines/postgres/index.ts'
import type { Deps } from '../../src/system/deps.ts'
import { Interrupted } from '../../src/system/errors.ts'
import { postgresCounts } from '../support/contents.ts'
import { testDeps } from '../support/deps.ts'
import { openServer, readDump, takeDump } from '../support/dumps.ts'
import { oddTexts } from '../support/odd-texts.ts'
import { makeReader } from '../support/postgres-roles.ts'
import { seedSmallPostgres } from '../support/small-databases.ts'
import { until } from '../support/until.ts'
import { makeValve } from '../support/valve.ts'

describe('logging in to PostgreSQL, by driver and tool', await needs('postgres17'), () => {
  let server: PostgresServer
  before(async () => {
    server = await startPostgres({ ipv6: true })
    await seedSmallPostgres(server.url(), 'small')
  })
  after(() => server?.stop())

  const open = (url: string, env: Deps['env'] = {}) => {
    const deps = testDeps([server.bin], env)
    const engine = postgres(deps)
    return { deps, engine, server: openServer(engine, deps, url) }
  }
  /** Inspects, dumps and reads a database, all of it. */
  async function backUp(url: string, env?: Deps['env']): Promise<void> {
    const opened = open(url, env)
    const { counts } = await readDump(opened.engine, await takeDump(opened.server, 'small'))
    assert.deepEqual(counts, await postgresCounts(server.url('small')))
  }
  const login = (user: string, password: string) =>
    `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${server.port}`

  for (const text of oddTexts) {
    test(`the password ${JSON.stringify(text)}`, async () => {
      await makeReader(server, 'odd', text)
      await backUp(login('odd', text))
    })
    test(`the user ${JSON.stringify(text)}`, async () => {
      await makeReader(server, text, 'same')
      await backUp(login(text, 'same'))
    })
  }

  for (const database of [oddDatabase, 'new\nline', '--help', ...oddTexts]) {
    test(`the database ${JSON.stringify(database)}`, async () => {
      await createDatabase(server.url(), database)
      const { host, port, user, password } = server
      const client = new Client({ host, port, user, password, database })
      await client.connect()
      await client.query('CREATE TABLE one (a int); INSERT INTO one VALUES (1)')
      await client.end()
      const opened = open(server.url(database))
      assert.equal(opened.server.database, database)
      assert.ok((await opened.server.databases()).includes(database))
      const { counts } = await readDump(opened.engine, await takeDump(opened.server, database))
      assert.deepEqual(counts, { 'public.one': 1 })
    })
  }

  test('IPv6', () => backUp(server.url('small', '::1')))

  test('a Unix socket, as the host and as an option', async () => {
    const dir = encodeURIComponent(server.socketDir)
    const { port, password } = server
    await backUp(`postgres://postgres:${password}@${dir}:${port}/small`)
    await backUp(`postgresql://postgres:${password}@/small?host=${dir}&port=${port}`)
    await backUp(`postgres:///?host=${dir}&port=${port}&user=postgres&password=${password}&sslmode=require`)
    assert.equal(open(`postgres://${dir}:${port}`).server.address, `${server.socketDir}:${port}`)
  })

  test('PGUSER and PGPASSWORD, where the URL has none; nothing else of the environment counts', async () => {
    const nonsense = { PGHOST: '192.0.2.1', PGPORT: '1', PGDATABASE: 'x', PGSERVICE: 'x', PGSSLMODE: 'verify-full' }
    const at = `127.0.0.1:${server.port}`
    await backUp(`postgres://${at}`, { PGUSER: 'postgres', PGPASSWORD: server.password, ...nonsense })
    await backUp(`postgres://postgres@${at}`, { PGPASSWORD: server.password, PGUSER: 'nobody' })
    await backUp(server.url('small'), { PGPASSWORD: 'wrong', PGUSER: 'nobody' })
  })

  test('a password file', async t => {
    const folder = await mkdtemp(join(tmpdir(), 'pgpass-'))
    t.after(() => rm(folder, { recursive: true }))
    const file = join(folder, 'pgpass')
    const password = 'co:lon \\ back'
    await makeReader(server, 'filed', password)
    const escaped = password.replaceAll(/[:\\]/g, '\\$&')
    const lines = ['# a comment', 'other:*:*:*:wrong', `127.0.0.1:${server.port}:*:filed:${escaped}`]
    await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 })
    // The driver looks at the process's own environment.
    setEnv(t, 'PGPASSFILE', file)
    await backUp(`postgres://filed@127.0.0.1:${server.port}`, { PGPASSFILE: file })
  })

  test('the list of databases does not need the database that the URL names', async () => {
    const names = await open(server.url('not-there')).server.databases()
    assert.ok(names.includes('small') && names.includes('postgres'))
    assert.ok(!names.includes('template0') && !names.includes('template1'))
  })

  test('a connection that hangs is cut off when the run is stopped', async () => {
    await using valve = await makeValve(server.port, 1)
    const opened = open(valve.through(server.url()))
    const refused = assert.rejects(opened.server.inspect('small'), Interrupted)
    await until('a connection that hangs', () => valve.held() > 0)
    opened.deps.interrupt()
    await refused
    await until('its end', () => valve.held() === 0, 2000)
  })
})

function setEnv(t: TestContext, name: string, value: string): void {
  const before = process.env[name]
  t.after(() => {
    if (before === undefined) delete process.env[name]
    else process.env[name] = before
  })
  process.env[name] = value
}
