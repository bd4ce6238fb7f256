import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { beforeEach, describe, test } from 'node:test'
import { formatManifest, type Manifest } from '../../src/sets/manifest.ts'
import { NameTaken, type SetWriter, type Store } from '../../src/stores/store.ts'
import { UserError } from '../../src/system/errors.ts'

/** What the suite needs to see and do beside the store, in the same place; paths are relative to the store's root. */
export interface Place {
  readonly store: Store
  /** Puts a file there as somebody else would. */
  plant(path: string, text: string): Promise<void>
  /** Every file below the root, sorted, hidden ones too. */
  paths(): Promise<readonly string[]>
  read(path: string): Promise<string>
  overwrite(path: string, text: string): Promise<void>
  /** Makes an unfinished set look as if its run had given no sign of life for so long. */
  age(timestamp: string, ms: number): Promise<void>
  /** Makes a committed set look half removed. */
  halfRemove(timestamp: string): Promise<void>
  /** From now on the place cannot be used, as when a disk is taken out or a server goes away. */
  breakDown(): Promise<void>
}

const name = '2026-05-07T15-36'
const hour = 60 * 60_000

export function manifestOf(timestamp: string, paths: readonly string[] = []): Manifest {
  const file = { bytes: 3, sha256: '0'.repeat(64) }
  return {
    version: 1,
    timestamp,
    createdAt: '2026-05-07T15:36:02.114Z',
    completedAt: '2026-05-07T15:36:03.000Z',
    createdBy: 'db-backup-action/test',
    run: { id: 'run' },
    labels: [],
    entries: [],
    skipped: [],
    failed: [],
    files: paths.map(path => ({ path, ...file })),
  }
}

async function write(writer: SetWriter, path: string, text: string): Promise<void> {
  await writer.put(path, Readable.from([Buffer.from(text)]), text.length)
}

async function makeSet(store: Store, timestamp: string, files: Readonly<Record<string, string>>): Promise<void> {
  const writer = await store.begin(timestamp, 'run')
  for (const [path, text] of Object.entries(files)) await write(writer, path, text)
  await writer.commit(manifestOf(timestamp, Object.keys(files)))
}

/** What every store promises, run on a fresh place for each case. */
export function storeContract(kind: string, makePlace: () => Promise<Place>): void {
  describe(`store ${kind}`, () => {
    let place: Place
    let store: Store
    beforeEach(async () => {
      place = await makePlace()
      store = place.store
    })
    const states = async () => (await store.list()).map(({ timestamp, state }) => `${timestamp} ${state}`)

    test('a set is a backup from its commit on, and not before', async () => {
      const writer = await store.begin(name, 'run')
      const big = Buffer.alloc(9 * 1024 * 1024 + 7, 'x')
      const put = await writer.put(
        'postgres/app.dump',
        Readable.from([big.subarray(0, 70_000), big.subarray(70_000)]),
        1,
      )
      assert.deepEqual(put, { bytes: big.length })
      await write(writer, 'mongo/%2E%2E%2Fodd%20n%C3%A4me.archive.gz', '')
      assert.deepEqual(await states(), [`${name} unfinished`])
      await assert.rejects(store.manifest(name), UserError)

      const manifest = manifestOf(name, ['postgres/app.dump'])
      await writer.commit(manifest)
      assert.deepEqual(await states(), [`${name} committed`])
      assert.deepEqual(await store.manifest(name), manifest)
      assert.deepEqual(await buffer(await store.get(name, 'postgres/app.dump')), big)
      assert.equal((await buffer(await store.get(name, 'mongo/%2E%2E%2Fodd%20n%C3%A4me.archive.gz'))).length, 0)
      assert.deepEqual(await place.paths(), [
        `${name}/manifest.json`,
        `${name}/mongo/%2E%2E%2Fodd%20n%C3%A4me.archive.gz`,
        `${name}/postgres/app.dump`,
      ])
    })

    test('an aborted set leaves nothing, its name is free again, and aborting twice is no error', async () => {
      const writer = await store.begin(name, 'run')
      await write(writer, 'postgres/app.dump', 'abc')
      await writer.abort()
      await writer.abort()
      assert.deepEqual(await place.paths(), [])
      assert.deepEqual(await store.list(), [])
      await store.begin(name, 'next')
    })

    test('a name is taken by a set in any state and by any foreign file, and what is there stays as it was', async () => {
      const [committed, unfinished, legacy, foreign, removing] = [1, 2, 3, 4, 5].map(n => `2026-05-0${n}T00-00`) as [
        string,
        string,
        string,
        string,
        string,
      ]
      await makeSet(store, committed, { 'postgres/app.dump': 'abc' })
      await makeSet(store, removing, { 'postgres/app.dump': 'abc' })
      await place.halfRemove(removing)
      await store.begin(unfinished, 'other')
      await place.plant(`${legacy}/postgres/app.dump`, 'old')
      await place.plant(`${foreign}/notes.txt`, 'mine')
      const before = await place.paths()
      for (const timestamp of [committed, unfinished, legacy, foreign, removing]) {
        await assert.rejects(store.begin(timestamp, 'run'), NameTaken, timestamp)
      }
      assert.deepEqual(await place.paths(), before)
      assert.equal(await place.read(`${legacy}/postgres/app.dump`), 'old')
    })

    test('of several runs that begin the same name at once exactly one gets it', async () => {
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, (_, n) => store.begin(name, `run ${n}`)))
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
      for (const outcome of outcomes) assert.ok(outcome.status === 'fulfilled' || outcome.reason instanceof NameTaken)
    })

    test('a set that appears under the name meanwhile is not touched by the commit', async () => {
      const writer = await store.begin(name, 'run')
      await write(writer, 'postgres/app.dump', 'ours')
      await place.plant(`${name}/postgres/app.dump`, 'theirs')
      await assert.rejects(writer.commit(manifestOf(name)), UserError)
      await writer.abort()
      assert.deepEqual(await place.paths(), [`${name}/postgres/app.dump`])
      assert.equal(await place.read(`${name}/postgres/app.dump`), 'theirs')
    })

    test('a body that fails leaves no file, fails the put with its own error, and may be put again', async () => {
      const writer = await store.begin(name, 'run')
      const before = await place.paths()
      const broken = new Error('the dumper died')
      const body = Readable.from(
        (async function* () {
          yield Buffer.alloc(300_000)
          throw broken
        })(),
      )
      await assert.rejects(writer.put('postgres/app.dump', body, 1), error => error === broken)
      assert.ok(body.destroyed)
      assert.deepEqual(await place.paths(), before)
      await write(writer, 'postgres/app.dump', 'abc')
      await writer.commit(manifestOf(name))
      assert.equal(String(await buffer(await store.get(name, 'postgres/app.dump'))), 'abc')
    })

    test('a body that is destroyed in the middle leaves no file', async () => {
      const writer = await store.begin(name, 'run')
      const body = new Readable({ read() {} })
      body.push(Buffer.alloc(300_000))
      const put = writer.put('postgres/app.dump', body, 1)
      body.destroy()
      await assert.rejects(put)
      await writer.commit(manifestOf(name))
      assert.deepEqual(await place.paths(), [`${name}/manifest.json`])
    })

    test('a path is put once, and stays inside its set', async () => {
      const writer = await store.begin(name, 'run')
      await write(writer, 'postgres/app.dump', 'first')
      const before = await place.paths()
      await assert.rejects(write(writer, 'postgres/app.dump', 'second'), UserError)
      for (const path of ['../out', '/out', 'postgres/../../out', '', 'a//b', './a', 'a\\b']) {
        await assert.rejects(write(writer, path, 'out'), UserError, path)
      }
      assert.deepEqual(await place.paths(), before)
      await writer.commit(manifestOf(name))
      assert.equal(String(await buffer(await store.get(name, 'postgres/app.dump'))), 'first')
      for (const path of ['../out', '/etc/hostname', 'postgres/../../x'])
        await assert.rejects(store.get(name, path), UserError)
    })

    test('what is not named like a set is not seen', async () => {
      await place.plant('logs/backup.log', 'x')
      await place.plant('2026-13-01T00-00/postgres/app.dump', 'x')
      await place.plant('2026-05-07/postgres/app.dump', 'x')
      await place.plant('2026-05-08T00-00/readme.txt', 'no dump')
      await place.plant('notes.txt', 'x')
      assert.deepEqual(await store.list(), [])
    })

    test('states are told apart, newest name first, and a legacy set tells its files', async () => {
      await makeSet(store, '2026-05-01T00-00', { 'postgres/app.dump': 'abc' })
      await makeSet(store, '2026-05-02T00-00-30', { 'postgres/app.dump': 'abc' })
      await place.halfRemove('2026-05-02T00-00-30')
      await (await store.begin('2026-05-03T00-00', 'run')).put('mongo/a.archive', Readable.from([Buffer.from('x')]), 1)
      await place.plant('2026-05-04T00-00/mongo/app.archive.gz', 'four')
      await place.plant('2026-05-04T00-00/notes.txt', 'x')
      assert.deepEqual(await states(), [
        '2026-05-04T00-00 legacy',
        '2026-05-03T00-00 unfinished',
        '2026-05-02T00-00-30 removing',
        '2026-05-01T00-00 committed',
      ])
      assert.deepEqual((await store.list())[0]?.files, [{ path: 'mongo/app.archive.gz', bytes: 4 }])
    })

    test('a manifest that is damaged or belongs to another set is an error that names it', async () => {
      await makeSet(store, name, { 'postgres/app.dump': 'abc' })
      for (const text of ['', '{', '{"version": 1}', formatManifest(manifestOf('2026-05-08T00-00'))]) {
        await place.overwrite(`${name}/manifest.json`, text)
        await assert.rejects(
          store.manifest(name),
          (error: Error) => error instanceof UserError && error.message.includes(name),
        )
      }
      await assert.rejects(store.manifest('2020-01-01T00-00'), UserError)
      await assert.rejects(store.manifest('../x'), UserError)
    })

    test('a removed set is gone with its listed files, and foreign files stay', async () => {
      await makeSet(store, name, { 'postgres/app.dump': 'abc', 'RESTORE.md': 'x' })
      await makeSet(store, '2026-05-08T00-00', { 'postgres/app.dump': 'abc' })
      await place.plant(`${name}/notes.txt`, 'mine')
      await store.remove(name)
      assert.deepEqual(await states(), ['2026-05-08T00-00 committed'])
      assert.deepEqual(await place.paths(), [
        `${name}/notes.txt`,
        '2026-05-08T00-00/manifest.json',
        '2026-05-08T00-00/postgres/app.dump',
      ])
    })

    test('a removal that was broken off is finished by the next one', async () => {
      await makeSet(store, name, { 'postgres/app.dump': 'abc' })
      await place.halfRemove(name)
      await store.remove(name)
      assert.deepEqual(await place.paths(), [])
    })

    test('only a set whose manifest was read is removed', async () => {
      await place.plant(`${name}/postgres/app.dump`, 'legacy')
      await makeSet(store, '2026-05-08T00-00', { 'postgres/app.dump': 'abc' })
      await place.overwrite('2026-05-08T00-00/manifest.json', '{')
      const before = await place.paths()
      for (const timestamp of [name, '2026-05-08T00-00', '2020-01-01T00-00', '..']) {
        await assert.rejects(store.remove(timestamp), UserError, timestamp)
      }
      assert.deepEqual(await place.paths(), before)
    })

    test('an unfinished set is swept once its run gave no sign for an hour, and nothing else is', async () => {
      await makeSet(store, '2026-05-01T00-00', { 'postgres/app.dump': 'abc' })
      for (const timestamp of ['2026-05-02T00-00', '2026-05-03T00-00']) {
        await write(await store.begin(timestamp, 'run'), 'mongo/a.archive', 'x')
      }
      await place.age('2026-05-02T00-00', 2 * hour)
      await place.age('2026-05-03T00-00', hour / 2)
      assert.deepEqual(await store.sweep(new Date()), ['2026-05-02T00-00'])
      assert.deepEqual(await states(), ['2026-05-03T00-00 unfinished', '2026-05-01T00-00 committed'])
    })

    test('every call in a place that broke down fails with an error for people, and commits nothing', async () => {
      await makeSet(store, '2026-05-01T00-00', { 'postgres/app.dump': 'abc' })
      const writer = await store.begin(name, 'run')
      await place.breakDown()
      const calls: Readonly<Record<string, () => Promise<unknown>>> = {
        begin: () => store.begin('2026-05-09T00-00', 'run'),
        list: () => store.list(),
        manifest: () => store.manifest('2026-05-01T00-00'),
        get: () => store.get('2026-05-01T00-00', 'postgres/app.dump'),
        remove: () => store.remove('2026-05-01T00-00'),
        sweep: () => store.sweep(new Date()),
        put: () => write(writer, 'postgres/app.dump', 'abc'),
        commit: () => writer.commit(manifestOf(name)),
      }
      for (const [call, make] of Object.entries(calls)) {
        await assert.rejects(
          make(),
          (error: Error) => error instanceof UserError && error.message.includes(store.location),
          call,
        )
      }
    })
  })
}
