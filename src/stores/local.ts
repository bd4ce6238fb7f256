import { constants, createWriteStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, rmdir, stat, unlink, utimes } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseEntryPath } from '../sets/layout.ts'
import { formatManifest, manifestPath, parseManifest } from '../sets/manifest.ts'
import { parseTimestamp, type Timestamp } from '../sets/timestamp.ts'
import type { Deps } from '../system/deps.ts'
import { codeOf, UserError } from '../system/errors.ts'
import {
  claim,
  exists,
  explainDisk,
  filesOf,
  foldersOf,
  followed,
  inside,
  isFile,
  isFolder,
  makeFolder,
  orIfAbsent,
  readText,
  syncFolder,
  writeSynced,
} from './disk.ts'
import { type ListedSet, NameTaken, type SetWriter, type Store } from './store.ts'

// A hidden folder is a set on its way in or out; the marker in it says whose it is, and its time when that run was last alive.
const unfinished = '.unfinished'
const removing = '.removing'
const marker = 'INCOMPLETE'
const heartbeatMs = 5 * 60_000
const staleMs = 60 * 60_000

/**
 * Sets as folders of a folder. A set grows in a hidden folder beside its place, and one rename makes it a backup; each
 * file, each folder and the rename are synced to the disk first, so that a power cut leaves all of a set or none.
 */
export function localStore(folder: string, { cwd }: Pick<Deps, 'cwd'>): Store {
  const root = resolve(cwd, folder)
  const hidden = (timestamp: Timestamp, suffix: string) => join(root, `.${timestamp}${suffix}`)

  async function begin(timestamp: Timestamp, runId: string): Promise<SetWriter> {
    const place = join(root, timestamp)
    const building = hidden(timestamp, unfinished)
    const doing = `Beginning the set ${timestamp} in ${root}`
    try {
      await makeFolder(root)
      // A folder that may be written and not be read would fail only behind the commit.
      await syncFolder(root)
      // The exclusive mkdir is the claim: of two runs in one minute only one gets the name.
      await mkdir(building, { mode: 0o700 })
    } catch (cause) {
      if (codeOf(cause) === 'EEXIST' && (await exists(building))) throw new NameTaken(timestamp, root, { cause })
      throw explainDisk(cause, doing)
    }
    try {
      if ((await exists(place)) || (await exists(hidden(timestamp, removing)))) throw new NameTaken(timestamp, root)
      await writeSynced(join(building, marker), `${JSON.stringify({ run: runId })}\n`)
    } catch (error) {
      await rm(building, { recursive: true, force: true })
      throw error instanceof NameTaken ? error : explainDisk(error, doing)
    }
    return writer(timestamp, place, building)
  }

  function writer(timestamp: Timestamp, place: string, building: string): SetWriter {
    const heartbeat = setInterval(() => {
      const now = new Date()
      utimes(join(building, marker), now, now).catch(() => {})
    }, heartbeatMs)
    heartbeat.unref()

    return {
      timestamp,
      async put(path, body, _estimate) {
        const doing = `Storing ${path} in ${place}`
        const file = join(building, inside(path, doing))
        try {
          await mkdir(dirname(file), { recursive: true, mode: 0o700 })
          await claim(file, doing)
          try {
            await pipeline(body, createWriteStream(file, { flush: true, mode: 0o600 }))
            return { bytes: (await stat(file)).size }
          } catch (error) {
            await unlink(file).catch(() => {})
            throw error
          }
        } catch (error) {
          body.destroy()
          throw explainDisk(error, doing)
        }
      },
      async commit(manifest) {
        const doing = `Committing the set ${timestamp} in ${root}`
        try {
          await writeSynced(join(building, manifestPath), formatManifest(manifest))
          await unlink(join(building, marker))
          for (const path of await foldersOf(building)) await syncFolder(path)
          if (await exists(place)) throw new NameTaken(timestamp, root)
          await rename(building, place)
          // The set is there now, whatever the disk says of the folder's list of names.
          await syncFolder(root).catch(() => {})
        } catch (error) {
          throw error instanceof NameTaken ? error : explainDisk(error, doing)
        } finally {
          clearInterval(heartbeat)
        }
      },
      async abort() {
        clearInterval(heartbeat)
        await rm(building, { recursive: true, force: true }).catch(error => {
          throw explainDisk(error, `Removing the unfinished set ${timestamp} in ${root}`)
        })
      },
    }
  }

  async function list(): Promise<readonly ListedSet[]> {
    const names = await readdir(root).catch(error => {
      if (codeOf(error) === 'ENOENT') return []
      throw explainDisk(error, `Listing the sets in ${root}`)
    })
    const sets = await Promise.all(names.map(listed))
    return sets.filter(set => set !== undefined).toSorted((a, b) => (a.timestamp < b.timestamp ? 1 : -1))
  }

  async function listed(name: string): Promise<ListedSet | undefined> {
    for (const suffix of [unfinished, removing] as const) {
      const timestamp = name.slice(1, -suffix.length)
      if (name === `.${timestamp}${suffix}` && parseTimestamp(timestamp) !== undefined) {
        return { timestamp, state: suffix === unfinished ? 'unfinished' : 'removing', files: [] }
      }
    }
    if (parseTimestamp(name) === undefined) return undefined
    const place = join(root, name)
    // A link could lead anywhere, and be as large as a disk.
    if (!(await isFolder(place))) return undefined
    try {
      if (await isFile(join(place, manifestPath))) return { timestamp: name, state: 'committed', files: [] }
      const files = (await filesOf(place)).filter(({ path }) => parseEntryPath(path) !== undefined)
      return files.length === 0 ? undefined : { timestamp: name, state: 'legacy', files }
    } catch (error) {
      // A folder that may not be looked into: reading its manifest will say so, and the other sets are listed.
      if (codeOf(error) === 'EACCES') return { timestamp: name, state: 'committed', files: [] }
      throw explainDisk(error, `Listing the sets in ${root}`)
    }
  }

  async function manifest(timestamp: Timestamp) {
    const file = join(root, known(timestamp), manifestPath)
    const text = await readText(file).catch(error => {
      throw explainDisk(error, `Reading ${file}`)
    })
    const value = parseManifest(text, file)
    if (value.timestamp !== timestamp) {
      throw new UserError(
        `Reading ${file}: it is the manifest of ${value.timestamp}. The folder was renamed or copied; give it that name back.`,
      )
    }
    return value
  }

  async function get(timestamp: Timestamp, path: string): Promise<Readable> {
    const doing = `Reading ${path} of ${timestamp} in ${root}`
    try {
      const real = await followed(join(root, known(timestamp)), path, doing)
      const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW)
      return file.createReadStream()
    } catch (error) {
      throw explainDisk(error, doing)
    }
  }

  async function remove(timestamp: Timestamp): Promise<void> {
    const doing = `Removing the set ${timestamp} in ${root}`
    const [place, leaving] = [join(root, timestamp), hidden(known(timestamp), removing)]
    try {
      // A first attempt may have come as far as the rename.
      if (!(await exists(leaving))) {
        await manifest(timestamp)
        await rename(place, leaving)
        await syncFolder(root)
      }
      const { entries, files } = parseManifest(await readText(join(leaving, manifestPath)), leaving)
      for (const { path } of [...entries, ...files]) {
        const file = await orIfAbsent(followed(leaving, path, doing), undefined)
        if (file !== undefined) await rm(file, { force: true })
      }
      for (const folder of await foldersOf(leaving)) if (folder !== leaving) await rmdirIfEmpty(folder)
      await rm(join(leaving, manifestPath))
      // What is left is not of the set: it gets its place back.
      if (!(await rmdirIfEmpty(leaving))) await rename(leaving, place)
      await syncFolder(root)
    } catch (error) {
      throw explainDisk(error, doing)
    }
  }

  async function sweep(now: Date): Promise<readonly Timestamp[]> {
    const swept: Timestamp[] = []
    for (const { timestamp, state } of await list()) {
      if (state !== 'unfinished') continue
      const building = hidden(timestamp, unfinished)
      const sign = await lastSign(building)
      if (sign === undefined || now.getTime() - sign < staleMs) continue
      await rm(building, { recursive: true, force: true }).catch(error => {
        throw explainDisk(error, `Removing the stale unfinished set ${timestamp} in ${root}`)
      })
      swept.push(timestamp)
    }
    return swept
  }

  function known(timestamp: Timestamp): Timestamp {
    if (parseTimestamp(timestamp) !== undefined) return timestamp
    throw new UserError(`Looking for a set in ${root}: ${JSON.stringify(timestamp)} is not a timestamp`)
  }

  return { kind: 'local', location: root, begin, list, manifest, get, remove, sweep }
}

/**
 * When the run that builds a set was last alive, in milliseconds; undefined when the folder is not one of ours. The
 * marker is the first thing in such a folder and gives way to the manifest; a run can be killed before and between.
 */
async function lastSign(building: string): Promise<number | undefined> {
  const timeOf = async (path: string) => (await orIfAbsent(stat(path), undefined))?.mtimeMs
  const ofFile = (await timeOf(join(building, marker))) ?? (await timeOf(join(building, manifestPath)))
  if (ofFile !== undefined) return ofFile
  const isEmpty = (await orIfAbsent(readdir(building), ['gone'])).length === 0
  return isEmpty ? timeOf(building) : undefined
}

/** Whether the folder was empty and is gone. */
async function rmdirIfEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST') return false
    throw error
  }
}
