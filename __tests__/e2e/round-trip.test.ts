import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { seedNgwenya } from '../../scripts/demo/seed-mongo.ts'
import { oddDatabase, seedOddMongo, seedOddPostgres } from '../../scripts/demo/seed-odd.ts'
import { seedAuth, seedUchat } from '../../scripts/demo/seed-postgres.ts'
import { mongoTools, needs, postgresBin, startPostgres } from '../../scripts/rig/index.ts'
import type { Entry } from '../../src/sets/manifest.ts'
import { readGuide, runBlock, writeZstd } from '../support/restore-guide.ts'
import { contentsOf, countsOf, dropDatabase, type Servers, startServers, stopServers } from '../support/servers.ts'
import { makeWorkplace, type StoredSet, type Workplace } from '../support/workplace.ts'

let source: Servers
let empty: Servers
let place: Workplace
let clients: readonly string[]

/** What there is to restore with: the stock tools, and `zstd` or its stand-in. */
async function stockPath(): Promise<string> {
  const path = [...clients, process.env.PATH].join(delimiter)
  if (spawnSync('zstd', ['--version']).error === undefined) return path
  const folder = join(place.dir, 'stand-in')
  await mkdir(folder, { recursive: true })
  await writeZstd(folder)
  console.log('# no `zstd` is installed: a stand-in by Node’s zlib reads the .zst files')
  return `${folder}${delimiter}${path}`
}

const known = new Map<string, Promise<{ contents: Record<string, string>; counts: Record<string, number> }>>()

/** What a source database holds, read once: nobody writes to it after it was seeded. */
function held(from: Servers, entry: Entry) {
  const key = `${from[entry.engine].port}/${entry.database}`
  const read = async () => ({ contents: await contentsOf(from, entry), counts: await countsOf(from, entry) })
  const reading = known.get(key) ?? read()
  known.set(key, reading)
  return reading
}

/** Restores every file of a set by the set's own RESTORE.md, holds what comes out against what went in, and drops it. */
async function restoreAndCompare({ folder, manifest }: StoredSet, from: Servers, to: Servers): Promise<void> {
  const guide = await readGuide(folder)
  const env = {
    PATH: await stockPath(),
    PGHOST: to.postgres.host,
    PGPORT: String(to.postgres.port),
    PGUSER: to.postgres.user,
    PGPASSWORD: to.postgres.password,
    MONGODB_URI: to.mongo.url(),
  }
  await runBlock(guide.check, folder, env)
  const restored = manifest.entries.map(async entry => {
    const name = `${entry.engine}/${entry.database}`
    await runBlock(guide.restore(entry.path), folder, env)
    const { contents, counts } = await held(from, entry)
    assert.deepEqual(await contentsOf(to, entry), contents, name)
    assert.deepEqual({ ...entry.counts }, counts, `the manifest's counts of ${name}`)
    await dropDatabase(to, entry)
  })
  await Promise.all(restored)
}

const suffixes = {
  gzip: ['.archive.gz', 'gzip:6'],
  zstd: ['.archive.zst', 'zstd:3'],
  none: ['.archive', 'none'],
} as const

const parts = await needs('postgres16', 'postgres17', 'mongod', 'mongo-tools')

describe('a backup that is restored by its RESTORE.md', parts, () => {
  before(async () => {
    clients = [await postgresBin(17), await mongoTools()]
    ;[source, empty] = await Promise.all([startServers(), startServers()])
    const { postgres, mongo } = source
    const seedPostgres = async () => {
      for (const seed of [seedAuth, seedUchat, seedOddPostgres]) await seed(postgres.url())
    }
    await Promise.all([seedPostgres(), seedNgwenya(mongo.url()), seedOddMongo(mongo.url(), 'Odd')])
    place = await makeWorkplace(clients, {
      BACKUP_DATABASES: `${mongo.url()} ngwenya\n${postgres.url()} ngwenya_auth ngwenya_uchat ngwenya_scim\n`,
    })
  })
  after(async () => {
    await place?.[Symbol.asyncDispose]()
    await stopServers(source, empty)
  })

  for (const compression of ['gzip', 'zstd', 'none'] as const) {
    test(`holds all that the databases held: ${compression}`, async () => {
      const set = await place.backup(['--compression', compression])
      const { manifest, folder, stderr } = set
      const [suffix, recorded] = suffixes[compression]
      const paths = [`mongo/ngwenya${suffix}`, 'postgres/ngwenya_auth.dump', 'postgres/ngwenya_uchat.dump']
      assert.deepEqual(
        manifest.entries.map(({ path }) => path),
        paths,
      )
      assert.deepEqual(await filesOf(folder), ['RESTORE.md', 'manifest.json', ...paths].sort())
      for (const entry of [...manifest.entries, ...manifest.files]) await assertStored(folder, entry)
      for (const entry of manifest.entries) assert.equal(entry.compression, recorded)
      const scim = { engine: 'postgres', database: 'ngwenya_scim', reason: 'database does not exist' }
      assert.deepEqual(manifest.skipped, [scim])
      assert.deepEqual(manifest.failed, [])
      assert.match(stderr, /warning: postgres\/ngwenya_scim does not exist/)

      await restoreAndCompare(set, source, empty)
    })
  }

  test('holds names and values that break tools which quote or parse by hand', async () => {
    const { postgres, mongo } = source
    const lines = ['--databases', `${mongo.url()} Odd`, '--databases', `${postgres.url()} ${quotedOdd}`]
    const set = await place.backup(lines)
    const names = set.manifest.entries.map(({ engine, database }) => `${engine}/${database}`)
    assert.deepEqual(names, ['mongo/Odd', `postgres/${oddDatabase}`])
    await restoreAndCompare(set, source, empty)
  })

  test('fits a server of 16 though a client of 17 wrote it', async () => {
    await using from = await startPostgres({ major: 16 })
    await using to = await startPostgres({ major: 16 })
    await seedOddPostgres(from.url())
    const set = await place.backup(['--databases', `${from.url()} ${quotedOdd}`], { node: onlyOnPath })
    const [entry] = set.manifest.entries
    assert.match(`${entry?.serverVersion} by ${entry?.clientVersion}`, /^16\S* by 17/)
    assert.match(set.stderr, /warning: .* is PostgreSQL 16 and is dumped by pg_dump 17/)
    await restoreAndCompare(set, { ...source, postgres: from }, { ...empty, postgres: to })
  })
})

const quotedOdd = `"${oddDatabase.replaceAll('"', '""')}"`

/** Hides the clients that the machine has beside those of PATH: the one of 16 would be chosen for a server of 16. */
const onlyOnPath = [
  '--import',
  `data:text/javascript,${encodeURIComponent(`
    import fs from 'node:fs/promises'
    import { syncBuiltinESMExports } from 'node:module'
    const readdir = fs.readdir
    fs.readdir = async (path, ...rest) => (/postgresql/.test(path) ? [] : readdir(path, ...rest))
    syncBuiltinESMExports()`)}`,
]

async function filesOf(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => !entry.isDirectory())
  return files.map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1)).sort()
}

async function assertStored(folder: string, { path, bytes, sha256 }: { path: string; bytes: number; sha256: string }) {
  const file = join(folder, path)
  assert.equal((await stat(file)).size, bytes, `bytes of ${path}`)
  assert.equal(
    createHash('sha256')
      .update(await readFile(file))
      .digest('hex'),
    sha256,
    `sha256 of ${path}`,
  )
}
