import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { after, test } from 'node:test'
import { localStore } from '../../src/stores/local.ts'
import { UserError } from '../../src/system/errors.ts'
import { manifestOf, type Place, storeContract } from './store.ts'

const folders: string[] = []
after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

async function makePlace(): Promise<Place & { readonly root: string }> {
  const above = await mkdtemp(join(tmpdir(), 'store-local-'))
  folders.push(above)
  const root = join(above, 'backups')
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  return {
    root,
    store: localStore('backups', { cwd: above }),
    plant: write,
    overwrite: write,
    read: path => readFile(join(root, path), 'utf8'),
    async paths() {
      const entries = await readdir(root, { recursive: true, withFileTypes: true })
      return entries
        .filter(entry => entry.isFile())
        .map(entry => relative(root, join(entry.parentPath, entry.name)))
        .toSorted()
    },
    async age(timestamp, ms) {
      const then = new Date(Date.now() - ms)
      await utimes(join(root, `.${timestamp}.unfinished`, 'INCOMPLETE'), then, then)
    },
    halfRemove: timestamp => rename(join(root, timestamp), join(root, `.${timestamp}.removing`)),
    async breakDown() {
      await rename(root, `${root}.away`)
      await writeFile(root, 'a file where the folder was')
    },
  }
}

storeContract('local', makePlace)

test('a set is readable by its owner alone', async () => {
  const { root, store } = await makePlace()
  const writer = await store.begin('2026-05-07T15-36', 'run')
  await writer.commit(manifestOf('2026-05-07T15-36'))
  assert.equal((await stat(join(root, '2026-05-07T15-36'))).mode & 0o777, 0o700)
  assert.equal((await stat(join(root, '2026-05-07T15-36', 'manifest.json'))).mode & 0o777, 0o600)
})

test('a link in a set leads nobody out of it, neither to read nor to remove', async () => {
  const { root, store, plant, read } = await makePlace()
  await plant('elsewhere/app.dump', 'keep')
  const writer = await store.begin('2026-05-07T15-36', 'run')
  await writer.commit(manifestOf('2026-05-07T15-36', ['postgres/app.dump', 'link.dump']))
  await symlink(join(root, 'elsewhere'), join(root, '2026-05-07T15-36', 'postgres'))
  await symlink(join(root, 'elsewhere', 'app.dump'), join(root, '2026-05-07T15-36', 'link.dump'))
  for (const path of ['postgres/app.dump', 'link.dump'])
    await assert.rejects(store.get('2026-05-07T15-36', path), UserError)
  await assert.rejects(store.remove('2026-05-07T15-36'), UserError)
  assert.equal(await read('elsewhere/app.dump'), 'keep')
})

test('a run that was killed before its marker, or between marker and rename, is swept; a foreign folder is not', async () => {
  const { root, store, plant } = await makePlace()
  const longAgo = new Date(Date.now() - 2 * 60 * 60_000)
  await mkdir(join(root, '.2026-05-01T00-00.unfinished'), { recursive: true })
  await utimes(join(root, '.2026-05-01T00-00.unfinished'), longAgo, longAgo)
  await plant('.2026-05-02T00-00.unfinished/manifest.json', '{}')
  await utimes(join(root, '.2026-05-02T00-00.unfinished/manifest.json'), longAgo, longAgo)
  await plant('.2026-05-03T00-00.unfinished/notes.txt', 'not ours')
  await utimes(join(root, '.2026-05-03T00-00.unfinished/notes.txt'), longAgo, longAgo)
  await utimes(join(root, '.2026-05-03T00-00.unfinished'), longAgo, longAgo)
  assert.deepEqual(await store.sweep(new Date()), ['2026-05-02T00-00', '2026-05-01T00-00'])
  assert.deepEqual(
    (await store.list()).map(({ timestamp }) => timestamp),
    ['2026-05-03T00-00'],
  )
})

test('a folder that is not there holds no sets, and is made by the first one', async () => {
  const { store } = await makePlace()
  assert.deepEqual(await store.list(), [])
  assert.deepEqual(await store.sweep(new Date()), [])
  await (await store.begin('2026-05-07T15-36', 'run')).abort()
})
