import { access, constants, readdir, realpath } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Deps } from '../system/deps.ts'
import { codeOf, UserError } from '../system/errors.ts'
import { toolEnvironment } from './run.ts'

/** A client as it was found: the folder that holds its tools, and its version as it tells it, such as `16.14`. */
export interface Client {
  readonly folder: string
  readonly version: string
  readonly major: number
}

type FindDeps = Pick<Deps, 'env' | 'capture'>

// Where packages put each major version beside the others; the star stands for one path part.
const versionedFolders = [
  '/usr/lib/postgresql/*/bin',
  '/usr/pgsql-*/bin',
  '/opt/homebrew/opt/postgresql@*/bin',
  '/usr/local/opt/postgresql@*/bin',
] as const

/** Every PostgreSQL client that has both tools: those on PATH first, then the versioned folders. */
export async function findPostgresClients(deps: FindDeps): Promise<readonly Client[]> {
  const folders = [...pathFolders(deps), ...(await Promise.all(versionedFolders.map(expand))).flat()]
  return findClients(deps, folders, ['pg_dump', 'pg_restore'])
}

/** Every installation of the MongoDB Database Tools on PATH. */
export function findMongoClients(deps: FindDeps): Promise<readonly Client[]> {
  return findClients(deps, pathFolders(deps), ['mongodump'])
}

async function findClients(deps: FindDeps, folders: readonly string[], tools: readonly [string, ...string[]]) {
  const clients = await Promise.all([...new Set(folders)].map(folder => clientIn(deps, folder, tools)))
  return clients.filter(client => client !== undefined)
}

async function clientIn({ capture, env }: FindDeps, folder: string, tools: readonly [string, ...string[]]) {
  try {
    for (const tool of tools) await access(join(folder, tool), constants.X_OK)
    // Debian's wrapper runs whichever version it deems right; the versioned folders name each one truly.
    if ((await realpath(join(folder, tools[0]))).endsWith('/pg_wrapper')) return undefined
    const { code, stdout } = await capture(join(folder, tools[0]), ['--version'], toolEnvironment(env))
    const version = /(\d+)(?:\.\d+)*/.exec(stdout)
    return code === 0 && version !== null ? { folder, version: version[0], major: Number(version[1]) } : undefined
  } catch (error) {
    // Not there, not ours to run, or broken: not a client. But a machine without room for one more file tells nothing.
    if (codeOf(error) === 'EMFILE' || codeOf(error) === 'ENFILE') {
      throw new UserError(`Looking for client tools in ${folder}: too many files are open. Raise \`ulimit -n\`.`, {
        cause: error,
      })
    }
    return undefined
  }
}

function pathFolders({ env }: FindDeps): readonly string[] {
  return (env.PATH ?? '').split(delimiter).filter(folder => folder.startsWith('/'))
}

async function expand(pattern: string): Promise<readonly string[]> {
  const [before = '', after = ''] = pattern.split('*')
  const parent = before.slice(0, before.lastIndexOf('/'))
  const start = before.slice(parent.length + 1)
  const names = await readdir(parent).catch(() => [])
  return names.filter(name => name.startsWith(start)).map(name => `${parent}/${name}${after}`)
}
