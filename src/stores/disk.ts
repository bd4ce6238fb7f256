import { lstat, mkdir, open, readdir, readFile, realpath, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { isPathInside } from '../sets/layout.ts'
import { codeOf, messageOf, UserError } from '../system/errors.ts'

/** The path, when it stays inside the set's folder by its text alone. */
export function inside(path: string, doing: string): string {
  if (isPathInside(path)) return path
  throw new UserError(`${doing}: ${JSON.stringify(path)} leaves the set's folder`)
}

/** The file's place after all links on the way to it are followed; a link in a set could lead anywhere. */
export async function followed(folder: string, path: string, doing: string): Promise<string> {
  const real = join(await realpath(join(folder, dirname(inside(path, doing)))), path.split('/').at(-1) as string)
  if (relative(await realpath(folder), real).split(sep)[0] === '..') {
    throw new UserError(`${doing}: a link leads out of the set's folder`)
  }
  return real
}

/** Makes a folder and those above it. (Node's own recursive mkdir never ends where a file system answers ENOENT to all.) */
export async function makeFolder(path: string): Promise<void> {
  if (await exists(path)) return
  if (dirname(path) !== path) await makeFolder(dirname(path))
  await mkdir(path, { mode: 0o700 }).catch(async error => {
    // Another run may have made it meanwhile.
    if (codeOf(error) !== 'EEXIST') throw error
  })
}

/** Makes the file, or fails when it is there: two names that differ only by case are one file on some disks. */
export async function claim(file: string, doing: string): Promise<void> {
  try {
    await (await open(file, 'wx', 0o600)).close()
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST') throw cause
    throw new UserError(
      `${doing}: the set holds that file already (names that differ only by capitals are the same on some disks)`,
      { cause },
    )
  }
}

/** Writes a new file and waits until the disk has it. */
export async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Waits until the disk has the folder's list of names. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** The folder and all below it, deepest first. */
export async function foldersOf(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const below = entries.filter(entry => entry.isDirectory()).map(entry => foldersOf(join(folder, entry.name)))
  return [...(await Promise.all(below)).flat(), folder]
}

/** All files below a folder, by their paths with slashes; none when `folder` is no folder. */
export async function filesOf(folder: string): Promise<readonly { readonly path: string; readonly bytes: number }[]> {
  const entries = await orIfAbsent(readdir(folder, { recursive: true, withFileTypes: true }), [])
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  return Promise.all(
    files.map(async file => ({ path: relative(folder, file).split(sep).join('/'), bytes: (await stat(file)).size })),
  )
}

export async function isFile(path: string): Promise<boolean> {
  return (await orIfAbsent(lstat(path), undefined))?.isFile() ?? false
}

export async function isFolder(path: string): Promise<boolean> {
  return (await orIfAbsent(lstat(path), undefined))?.isDirectory() ?? false
}

// A manifest of a thousand tables is some 100 kB; what is far larger is not read into memory.
const largestText = 64 * 1024 * 1024

/** A small file's text. */
export async function readText(path: string): Promise<string> {
  const { size } = await stat(path)
  if (size > largestText) throw new UserError(`Reading ${path}: it is ${size} bytes long, which no file of its kind is`)
  return readFile(path, 'utf8')
}

export async function exists(path: string): Promise<boolean> {
  return (await orIfAbsent(lstat(path), undefined)) !== undefined
}

/** What `work` gives, or `otherwise` where there is no such file or folder. Any other trouble is passed on. */
export async function orIfAbsent<T, U>(work: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await work
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return otherwise
    throw error
  }
}

const remedies: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full: make room, or set local-dir to a larger disk.',
  // Disks with the old FAT file system hold no file of 4 GiB.
  EFBIG:
    'The file is larger than this disk or this user may hold: set local-dir to another disk, or raise `ulimit -f`.',
  EDQUOT: 'The disk quota is used up: make room, or set local-dir to another place.',
  EACCES: 'Give this user the right to do so, or set local-dir to another place.',
  EPERM: 'Give this user the right to do so, or set local-dir to another place.',
  EROFS: 'The disk is read-only: set local-dir to another place.',
  ENOTDIR: 'A file stands where a folder should be: set local-dir to a folder.',
  EEXIST: 'A file stands where a folder should be: set local-dir to a folder.',
  ENAMETOOLONG: 'Set local-dir to a shorter path.',
}

/** A failed disk operation as people should read it; any other error as it is, for its author has said what it means. */
export function explainDisk(error: unknown, doing: string): unknown {
  const code = codeOf(error)
  if (!(error instanceof Error) || !('syscall' in error) || typeof code !== 'string') return error
  return new UserError(`${doing}: ${messageOf(error)}. ${remedies[code] ?? ''}`.trim(), { cause: error })
}
