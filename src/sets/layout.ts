import type { EngineName } from './manifest.ts'

/**
 * A database's name as one part of a path or key. Letters, digits, `_`, `-` and inner dots stay; every other byte of
 * its UTF-8 form is percent-encoded, so that no name leaves its folder or needs quoting in a shell.
 */
export function encodeName(database: string): string {
  const bytes = Buffer.from(database, 'utf8')
  let encoded = ''
  for (const [index, byte] of bytes.entries()) {
    const char = String.fromCharCode(byte)
    const plain = /[A-Za-z0-9_]/.test(char) || (index > 0 && /[.-]/.test(char))
    encoded += plain ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}

/** The path of an entry inside its set; `suffix` with its dot, as the engine gives it. */
export function entryPath(engine: EngineName, database: string, suffix: string): string {
  return `${engine}/${encodeName(database)}${suffix}`
}

const dumpFile = /^(mongo\/(.+)\.archive(?:\.gz|\.zst)?|postgres\/(.+)\.dump)(?:\.age)?$/

/** What a file of the layout holds, told from its path alone; undefined for a path that is no dump of the layout. */
export function parseEntryPath(path: string): { engine: EngineName; database: string } | undefined {
  const match = dumpFile.exec(path)
  const encoded = match?.[2] ?? match?.[3]
  if (match === null || encoded === undefined || encoded.includes('/')) return undefined
  try {
    return { engine: match[2] === undefined ? 'postgres' : 'mongo', database: decodeURIComponent(encoded) }
  } catch {
    return undefined
  }
}

/** Whether a path that came from a manifest or a listing stays inside its set's folder. */
export function isPathInside(path: string): boolean {
  return (
    path !== '' &&
    !path.includes('\\') &&
    !path.includes('\0') &&
    path.split('/').every(part => part !== '' && part !== '.' && part !== '..')
  )
}
