import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { noise } from '../../scripts/demo/ngwenya-documents.ts'
import { type Contents, type Engine, EngineError } from '../../src/engines/engine.ts'
import { type Compression, none } from '../../src/streams/compression.ts'
import { readDump, type StoredDump, within } from './dumps.ts'
import { seeded } from './pieces.ts'

export const algorithms = ['zstd', 'gzip', 'none'] as const
export type Algorithm = (typeof algorithms)[number]

export function compressionOf(algorithm: Algorithm): Compression {
  return algorithm === 'none' ? none : { algorithm, level: 1 }
}

// Far beyond what reading takes: whatever is not done by then hangs.
const deadlineMs = 20_000

/** A stored dump and what is in it. */
export interface Whole {
  readonly name: string
  readonly engine: Engine
  readonly dump: StoredDump
  readonly contents: Contents
}

export async function readWhole(name: string, engine: Engine, dump: StoredDump): Promise<Whole> {
  return { name, engine, dump, contents: await readDump(engine, dump, { checksums: true }) }
}

/**
 * What becomes of a damaged dump: `refused` with an error that says so, `different` counts, which show beside the
 * manifest's, or `unnoticed`. Fails when reading hangs or ends with any other error.
 */
export async function fate(
  { name, engine, dump, contents }: Whole,
  file: Buffer,
  checksums = true,
): Promise<'refused' | 'different' | 'unnoticed'> {
  try {
    const read = await within(deadlineMs, `reading ${name}`, readDump(engine, { ...dump, file }, { checksums }))
    return isDeepStrictEqual(read, contents) ? 'unnoticed' : 'different'
  } catch (error) {
    assert.ok(error instanceof EngineError && error.problem === 'damaged', error as Error)
    assert.match(error.message, /^Reading a (PostgreSQL dump|MongoDB archive): ./)
    return 'refused'
  }
}

/** Cuts the file at each length, and gives the lengths at which nothing was noticed. */
export async function unnoticedCuts(whole: Whole, lengths: readonly number[]): Promise<readonly number[]> {
  const unnoticed: number[] = []
  await inPool(lengths, async length => {
    if ((await fate(whole, whole.dump.file.subarray(0, length))) !== 'refused') unnoticed.push(length)
  })
  return unnoticed
}

/** What may lie behind the end of a file. */
export function tails(file: Buffer): Readonly<Record<string, Buffer>> {
  return {
    'a byte': Buffer.from('x'),
    '16 zeros': Buffer.alloc(16),
    'a copy of its first 64 KiB': file.subarray(0, 65_536),
    '1 MiB of junk': noise(1024 * 1024),
  }
}

/** Lengths that leave whole blocks of 64 KiB, none included. */
export function blocks({ dump: { file } }: Whole): readonly number[] {
  return Array.from({ length: Math.ceil(file.length / 65_536) }, (_, n) => n * 65_536)
}

/** Lengths that lack 1 to `count` bytes. */
export function lastBytes({ dump: { file } }: Whole, count: number): readonly number[] {
  return Array.from({ length: Math.min(count, file.length) }, (_, n) => file.length - 1 - n)
}

export interface Flip {
  readonly at: number
  /** The bits that are turned. */
  readonly mask: number
}

export function randomFlips(count: number, length: number): readonly Flip[] {
  const random = seeded(20_260_507)
  return Array.from({ length: count }, () => ({
    at: Math.floor(random() * length),
    mask: 1 + Math.floor(random() * 255),
  }))
}

/** Every single bit from one byte to before another. */
export function everyBit(from: number, to: number): readonly Flip[] {
  return Array.from({ length: (to - from) * 8 }, (_, n) => ({ at: from + (n >> 3), mask: 1 << (n & 7) }))
}

export function flipped(file: Buffer, { at, mask }: Flip): Buffer {
  const copy = Buffer.from(file)
  copy[at] = (copy[at] as number) ^ mask
  return copy
}

/** Tries each flip, and gives those of each fate. */
export async function fates(whole: Whole, flips: readonly Flip[], checksums = true) {
  const found: Record<Awaited<ReturnType<typeof fate>>, Flip[]> = { refused: [], different: [], unnoticed: [] }
  await inPool(flips, async flip => {
    found[await fate(whole, flipped(whole.dump.file, flip), checksums)].push(flip)
  })
  return found
}

export function share(part: readonly unknown[], whole: readonly unknown[]): string {
  return `${part.length} of ${whole.length} (${((100 * part.length) / whole.length).toFixed(1)} %)`
}

async function inPool<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const worker = async () => {
    for (const item of queue) await work(item)
  }
  await Promise.all([worker(), worker(), worker(), worker()])
}
