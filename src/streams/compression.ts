/** A compression as it was resolved: an algorithm and its level. `none` has no level. */
export interface Compression {
  readonly algorithm: 'gzip' | 'zstd' | 'none'
  readonly level: number
}

/** What the setting may ask for: `auto` is resolved by the engine, which knows what its client can do. */
export type WantedCompression = 'auto' | Compression

export const none: Compression = { algorithm: 'none', level: 0 }

// The levels that the tools `gzip` and `zstd` take themselves when none is given.
const levels = { gzip: { min: 1, max: 9, usual: 6 }, zstd: { min: 1, max: 19, usual: 3 } } as const

/** Reads `auto`, `none`, `gzip`, `gzip:n`, `zstd`, `zstd:n`; undefined for anything else. */
export function parseCompression(text: string): WantedCompression | undefined {
  if (text === 'auto') return 'auto'
  if (text === 'none') return none
  const [algorithm = '', level, ...rest] = text.split(':')
  if ((algorithm !== 'gzip' && algorithm !== 'zstd') || rest.length > 0) return undefined
  const { min, max, usual } = levels[algorithm]
  if (level === undefined) return { algorithm, level: usual }
  const number = /^\d{1,2}$/.test(level) ? Number(level) : 0
  return number >= min && number <= max ? { algorithm, level: number } : undefined
}

/** As the manifest records it and pg_dump takes it: `zstd:1`, `gzip:6`, `none`. */
export function formatCompression({ algorithm, level }: Compression): string {
  return algorithm === 'none' ? 'none' : `${algorithm}:${level}`
}
