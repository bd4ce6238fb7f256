import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, symlink, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { MongoClient } from 'mongodb'
import { escapeLiteral } from 'pg'
import { withClient } from '../../scripts/demo/postgres-database.ts'
import { mongoTools, needs, postgresBin } from '../../scripts/rig/index.ts'
import { watchArguments } from '../support/arguments.ts'
import { seedMongoBallast, seedPostgresBallast } from '../support/ballast.ts'
import { assertHidden, assertQuiet, makeSecret, type Secret, shows } from '../support/secret.ts'
import { type Servers, startServers, stopServers } from '../support/servers.ts'
import { until } from '../support/until.ts'
import { makeSilence } from '../support/valve.ts'
import { makeWorkplace } from '../support/workplace.ts'

const right = makeSecret()

let servers: Servers
let clients: readonly string[]

const lines = ({ postgres, mongo }: Servers) => `${mongo.url()} shop\n${postgres.url()} auth\n`
const place = (databases: string, path = clients) => makeWorkplace(path, { BACKUP_DATABASES: databases })

/** The lines with another password in both URLs. */
function withPassword(text: string, { password }: Secret): string {
  return text.replaceAll(encodeURIComponent(right.password), encodeURIComponent(password))
}

/** A folder with a tool that runs lines of sh before it does its work, or in place of it; `others` are as they were. */
async function makeTool(folder: string, tool: string, real: string, lines: string, others: readonly string[] = []) {
  await mkdir(folder)
  for (const other of others) await symlink(join(real, other), join(folder, other))
  const script = `#!/bin/sh\n[ "$*" = --version ] || { ${lines}; }\nexec "${join(real, tool)}" "$@"\n`
  await writeFile(join(folder, tool), script, { mode: 0o755 })
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

describe('passwords', await needs('postgres17', 'mongod', 'mongo-tools'), () => {
  before(async () => {
    clients = [await postgresBin(17), await mongoTools()]
    servers = await startServers(right.password)
    await seedPostgresBallast(servers.postgres.url(), 'auth', 64)
    await seedMongoBallast(servers.mongo.url(), 'shop', 64, 64 * 1024)
  })
  after(() => stopServers(servers))

  test('show in no process’s arguments, no output and no file of a good run', async () => {
    const watch = watchArguments()
    const ways = Object.entries(watch.seen).filter(([way]) => way === 'ps' || process.platform === 'linux')
    try {
      const planted = makeSecret()
      const child = spawn('sh', ['-c', 'read line', 'sh', planted.password], { stdio: ['pipe', 'ignore', 'ignore'] })
      for (const [way, seen] of ways) {
        await until(`${way} to show a planted password`, () => [...seen].some(line => shows(line, planted)))
      }
      child.stdin.end()
      await once(child, 'exit')

      await using where = await place(lines(servers))
      const ended = await where.run(['backup', '--compression', 'none', '--json'])
      await watch.stop()
      for (const [way, seen] of ways) {
        for (const tool of ['cli.js', 'pg_dump', 'pg_restore', 'mongodump']) {
          assert.ok(
            [...seen].some(line => line.includes(`${tool} `)),
            `${way} looked while ${tool} ran`,
          )
        }
        for (const line of seen) assertHidden(line, `the arguments of ${line.split(' ', 1)[0]}`, right)
      }
      assert.equal(JSON.parse(ended.stdout).entries.length, 2)
      await assertQuiet(ended, where, { code: 0, says: /is complete: 2 databases/ }, right)
    } finally {
      await watch.stop()
    }
  })

  test('do not show when the login is refused', async () => {
    const wrong = makeSecret()
    await using where = await place(withPassword(lines(servers), wrong))
    const ended = await where.run(['backup', '--json'])
    const says = /mongo\/shop .* refuses the login(.|\n)*postgres\/auth .* refuses the login/
    await assertQuiet(ended, where, { code: 1, says }, right, wrong)
  })

  test('do not show in a partial set, whose manifest tells what the server said', async () => {
    const wrong = makeSecret()
    await using where = await place(`${servers.mongo.url()} shop\n${withPassword(servers.postgres.url(), wrong)} auth`)
    const ended = await where.run(['backup', '--json'])
    await assertQuiet(ended, where, { code: 1, says: /is partial: .* 1 FAILED/ }, right, wrong)
    assert.match(JSON.parse(ended.stdout).failed[0].reason, /refuses the login/)
  })

  test('do not show when no server answers', async () => {
    const silence = await makeSilence()
    await silence[Symbol.asyncDispose]()
    const { postgres, mongo } = servers
    const down = lines(servers)
      .replaceAll(`:${postgres.port}/`, `:${silence.port}/`)
      .replaceAll(`:${mongo.port}/`, `:${silence.port}/`)
    await using where = await place(`${down.replaceAll('authSource', 'serverSelectionTimeoutMS=500&authSource')}`)
    const ended = await where.run(['backup'])
    const says = /mongo\/shop .* no server answers(.|\n)*postgres\/auth .* no server answers/
    await assertQuiet(ended, where, { code: 1, says }, right)
  })

  test('do not show when they are changed between the look at a database and its dump', async () => {
    const { postgres, mongo } = servers
    const [pgReal = '', mongoReal = ''] = clients
    await using where = await place(lines(servers), [])
    const [waiting, go] = [join(where.dir, 'waiting'), join(where.dir, 'go')]
    const wait = (tool: string) => `: > "${waiting}-${tool}"; until [ -e "${go}" ]; do sleep 0.02; done`
    const folders = [join(where.dir, 'pg'), join(where.dir, 'mongo')] as const
    await makeTool(folders[0], 'pg_dump', pgReal, wait('pg_dump'), ['pg_restore'])
    await makeTool(folders[1], 'mongodump', mongoReal, wait('mongodump'))
    const env = { PATH: [...folders, process.env.PATH].join(delimiter) }
    // Asked for gzip, pg_dump is not asked whether it knows zstd.
    const running = where.start(['backup', '--compression', 'gzip', '--parallel', '2'], { env })
    for (const tool of ['pg_dump', 'mongodump']) {
      await until(
        () => `${tool} to wait; it said: ${running.stderr()}`,
        () => exists(`${waiting}-${tool}`),
      )
    }
    const other = makeSecret()
    const setPasswords = async (from: Secret, to: Secret) => {
      await withClient(withPassword(postgres.url(), from), client =>
        client.query(`ALTER ROLE postgres PASSWORD ${escapeLiteral(to.password)}`),
      )
      await using client = new MongoClient(withPassword(mongo.url(), from))
      await client.db('admin').command({ updateUser: 'back up', pwd: to.password })
    }
    await setPasswords(right, other)
    try {
      await writeFile(go, '')
      const ended = await running.ended
      await assertQuiet(ended, where, { code: 1, says: /mongodump exited with 1: (.|\n)*auth error/ }, right, other)
      assert.match(ended.stderr, /pg_dump exited with 1: .*password authentication failed/)
    } finally {
      await setPasswords(other, right)
    }
  })

  test('do not show when a tool prints all that it was told', async () => {
    const [pgReal = '', mongoReal = ''] = clients
    await using where = await place(lines(servers), [])
    const folders = [join(where.dir, 'pg'), join(where.dir, 'mongo')] as const
    await makeTool(folders[0], 'pg_dump', pgReal, 'env >&2; exit 7', ['pg_restore'])
    await makeTool(folders[1], 'mongodump', mongoReal, 'env >&2; cat <&3 >&2; exit 7')
    const env = { PATH: [...folders, process.env.PATH].join(delimiter) }
    const ended = await where.run(['backup', '--compression', 'gzip'], { env })
    await assertQuiet(ended, where, { code: 1, says: /mongodump exited with 7: (.|\n)*password: "\*\*\*"/ }, right)
    assert.match(ended.stderr, /pg_dump exited with 7: (.|\n)*PGPASSWORD=\*\*\*\n/)
  })

  test('do not show when a tool prints so much that its first words are cut off', async () => {
    await using where = await place(`${servers.postgres.url()} auth`, [])
    const folder = join(where.dir, 'pg')
    // 16 KiB are kept: all but the last 20 characters of the password are cut off.
    const much = `echo "$PGPASSWORD" >&2; yes words | head -c ${16 * 1024 - 21} >&2; exit 7`
    await makeTool(folder, 'pg_dump', clients[0] ?? '', much, ['pg_restore'])
    const env = { PATH: [folder, process.env.PATH].join(delimiter) }
    const ended = await where.run(['backup', '--compression', 'gzip'], { env })
    await assertQuiet(ended, where, { code: 1, says: /pg_dump exited with 7: words\nwords/ }, right)
  })

  test('are taken as a flag with a warning, and not shown either', async () => {
    const { postgres, mongo } = servers
    await using where = await place('')
    const flags = ['--databases', `${postgres.url()} auth`, '--databases', `${mongo.url()} shop`]
    const ended = await where.run(['backup', ...flags])
    const says = /^warning: A password given as a flag shows in the list of processes/
    await assertQuiet(ended, where, { code: 0, says }, right)
  })
})
