import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { makeCertificate } from '../../scripts/rig/certificate.ts'
import { needs, type PostgresServer, startPostgres } from '../../scripts/rig/index.ts'
import { EngineError } from '../../src/engines/engine.ts'
import { postgres } from '../../src/engines/postgres/index.ts'
import { testDeps } from '../support/deps.ts'
import { openServer, readDump, takeDump } from '../support/dumps.ts'
import { makeReader } from '../support/postgres-roles.ts'
import { seedSmallPostgres } from '../support/small-databases.ts'

const noTls = /^Inspecting .*no encrypted connection to .*does not support SSL.*Check sslmode/
const untrusted = /^Inspecting .*no encrypted connection to .*certificate.*Check sslmode and sslrootcert/
const refused = /^Inspecting .*refuses the login: no pg_hba.conf entry/

interface Login {
  readonly host?: string
  readonly user?: string
  /** Which certificate to trust. */
  readonly root?: 'its own' | 'another'
}
type Case = readonly [sslmode: string, what: string, to: 'tls' | 'plain', login: Login, refusal?: RegExp]

const cases: readonly Case[] = [
  ...['disable', 'allow', 'prefer', 'require'].map((mode): Case => [mode, 'with TLS', 'tls', {}]),
  ...['disable', 'allow', 'prefer'].map((mode): Case => [mode, 'without TLS', 'plain', {}]),
  ['require', 'without TLS', 'plain', {}, noTls],
  ['verify-ca', 'without TLS', 'plain', { root: 'its own' }, noTls],
  ['verify-full', 'without TLS', 'plain', { root: 'its own' }, noTls],
  ['verify-ca', 'by address', 'tls', { root: 'its own' }],
  ['verify-ca', 'by another name', 'tls', { root: 'its own', host: '0.0.0.0' }],
  ['verify-ca', 'of another authority', 'tls', { root: 'another' }, untrusted],
  ['verify-ca', 'of no known authority', 'tls', {}, untrusted],
  ['verify-full', 'by address', 'tls', { root: 'its own' }],
  ['verify-full', 'by name', 'tls', { root: 'its own', host: 'localhost' }],
  ['verify-full', 'by IPv6', 'tls', { root: 'its own', host: '[::1]' }],
  ['verify-full', 'by another name', 'tls', { root: 'its own', host: '0.0.0.0' }, untrusted],
  ['verify-full', 'of another authority', 'tls', { root: 'another' }, untrusted],
  ['require', 'of another authority, when one is named', 'tls', { root: 'another' }, untrusted],
  ['prefer', 'as a user who may come with TLS only', 'tls', { user: 'only_tls' }],
  ['prefer', 'as a user who may come without only', 'tls', { user: 'only_plain' }],
  ['allow', 'as a user who may come with TLS only', 'tls', { user: 'only_tls' }],
  ['disable', 'as a user who may come with TLS only', 'tls', { user: 'only_tls' }, refused],
  ['require', 'as a user who may come without only', 'tls', { user: 'only_plain' }, refused],
]

describe('sslmode, by driver and tool', await needs('postgres17'), () => {
  let folder: string
  let servers: Readonly<Record<'tls' | 'plain', PostgresServer>>
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tls-'))
    const hba = join(folder, 'pg_hba.conf')
    const rules = ['local all all', 'hostssl all only_tls all', 'hostnossl all only_plain all', 'host all postgres all']
    await writeFile(hba, rules.map(rule => `${rule} scram-sha-256\n`).join(''))
    await mkdir(join(folder, 'another'))
    await makeCertificate(join(folder, 'another'))
    const [tls, plain] = await Promise.all([
      startPostgres({ tls: true, ipv6: true, settings: { hba_file: hba } }),
      startPostgres(),
    ])
    servers = { tls, plain }
    await Promise.all([seedSmallPostgres(tls.url(), 'small'), seedSmallPostgres(plain.url(), 'small')])
    for (const user of ['only_tls', 'only_plain']) await makeReader(tls, user, tls.password)
  })
  after(async () => {
    await Promise.all([servers?.tls.stop(), servers?.plain.stop()])
    await rm(folder, { recursive: true })
  })

  for (const [sslmode, what, to, { host = '127.0.0.1', user = 'postgres', root }, refusal] of cases) {
    test(`${sslmode} ${what} ${refusal === undefined ? 'works' : 'is refused'}`, async () => {
      const { bin, password, port } = servers[to]
      const deps = testDeps([bin])
      const engine = postgres(deps)
      const options = new URLSearchParams({ sslmode })
      if (root === 'its own') options.set('sslrootcert', servers.tls.tlsCa as string)
      if (root === 'another') options.set('sslrootcert', join(folder, 'another', 'ca.crt'))
      const server = openServer(engine, deps, `postgres://${user}:${password}@${host}:${port}/?${options}`)
      if (refusal === undefined) {
        const { counts } = await readDump(engine, await takeDump(server, 'small'))
        assert.equal(counts['public.users'], 40)
      } else {
        await assert.rejects(takeDump(server, 'small'), (error: Error) => {
          assert.ok(error instanceof EngineError, error.stack)
          assert.match(error.message, refusal)
          return true
        })
      }
    })
  }
})
