import { join } from 'node:path'
import { type Compression, formatCompression, type WantedCompression } from '../../streams/compression.ts'
import type { Deps } from '../../system/deps.ts'
import { UserError } from '../../system/errors.ts'
import type { Client } from '../../tools/find.ts'
import { toolEnvironment } from '../../tools/run.ts'

const fast: Record<'gzip' | 'zstd', Compression> = {
  gzip: { algorithm: 'gzip', level: 1 },
  zstd: { algorithm: 'zstd', level: 1 },
}

/**
 * The compression that pg_dump is to use. `auto` is zstd:1 where this pg_dump was built with it: on the same data twice
 * as fast as gzip:1. Throws a `UserError` when zstd was asked for by name and this pg_dump has none.
 */
export async function resolveCompression(
  wanted: WantedCompression,
  client: Client,
  deps: Pick<Deps, 'capture' | 'env'>,
): Promise<Compression> {
  if (wanted !== 'auto' && wanted.algorithm !== 'zstd') return wanted
  if (await hasZstd(client, deps)) return wanted === 'auto' ? fast.zstd : wanted
  if (wanted === 'auto') return fast.gzip
  throw new UserError(
    `Compressing with ${formatCompression(wanted)}: pg_dump ${client.version} in ${client.folder} was built without zstd. ` +
      'Use compression gzip or auto, or install a pg_dump of 16 or newer with zstd (the packages of apt.postgresql.org have it).',
  )
}

/** Asks pg_dump itself: it checks its compression before it connects, here to a socket folder that does not exist. */
async function hasZstd({ folder, major }: Client, { capture, env }: Pick<Deps, 'capture' | 'env'>): Promise<boolean> {
  if (major < 16) return false
  const { stderr } = await capture(join(folder, 'pg_dump'), ['-Fc', '-Z', 'zstd:1', '--no-password'], {
    ...toolEnvironment(env),
    PGHOST: '/nonexistent',
  })
  return !stderr.includes('does not support compression')
}

/** pg_dump's `-Z` value: before 16 it knew only zlib's levels. */
export function compressArgument(compression: Compression, { major }: Client): string {
  if (compression.algorithm === 'none') return '0'
  return major < 16 ? String(compression.level) : formatCompression(compression)
}
