import * as v from 'valibot'
import { UserError } from '../system/errors.ts'
import { isPathInside } from './layout.ts'
import { parseTimestamp } from './timestamp.ts'

export type EngineName = 'postgres' | 'mongo'

const engine = v.picklist(['postgres', 'mongo'])
const size = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'is not a sha256'))
const path = v.pipe(v.string(), v.check(isPathInside, "leaves the set's folder"))
// Not v.record, which drops keys such as `constructor`: a table may have that name.
const counts = v.custom<Readonly<Record<string, number>>>(
  value =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every(n => v.is(size, n)),
  'holds something else than counts',
)
const problem = v.looseObject({ engine, database: v.string(), reason: v.string() })

// Unknown fields pass (a later minor version may add some); an unknown version does not.
const manifest = v.looseObject({
  version: v.literal(1),
  timestamp: v.pipe(
    v.string(),
    v.check(text => parseTimestamp(text) !== undefined, 'is not a timestamp'),
  ),
  createdAt: v.string(),
  completedAt: v.string(),
  createdBy: v.string(),
  run: v.looseObject({ id: v.string(), host: v.optional(v.string()), repository: v.optional(v.string()) }),
  labels: v.array(v.string()),
  entries: v.array(
    v.looseObject({
      engine,
      database: v.string(),
      server: v.string(),
      path,
      bytes: size,
      rawBytes: size,
      sha256,
      compression: v.string(),
      encryption: v.nullable(v.string()),
      filtered: v.array(v.string()),
      serverVersion: v.string(),
      clientVersion: v.string(),
      counts,
      startedAt: v.string(),
      durationMs: size,
    }),
  ),
  skipped: v.array(problem),
  failed: v.array(problem),
  files: v.array(v.looseObject({ path, bytes: size, sha256 })),
})

/** What stands in `manifest.json`; its presence makes a set a backup. */
export type Manifest = v.InferOutput<typeof manifest>
/** One dump in a set. */
export type Entry = Manifest['entries'][number]
/** A database that a run left out (`skipped`) or could not back up (`failed`), and why. */
export type Problem = Pick<Manifest['failed'][number], 'engine' | 'database' | 'reason'>

/** The file that is written last. */
export const manifestPath = 'manifest.json'

export function formatManifest(value: Manifest): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

/** Reads a manifest's text. It comes from a store and is not trusted: what does not fit is a `UserError` naming `where`. */
export function parseManifest(text: string, where: string): Manifest {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new UserError(`Reading ${where}: it is not JSON. The set is damaged; use another one.`, { cause })
  }
  const version = typeof json === 'object' && json !== null && 'version' in json ? json.version : undefined
  if (typeof version === 'number' && version !== 1) {
    throw new UserError(
      `Reading ${where}: it has version ${version}, and this db-backup reads version 1. Use a newer db-backup.`,
    )
  }
  const result = v.safeParse(manifest, json)
  if (!result.success) {
    const issue = result.issues[0]
    throw new UserError(
      `Reading ${where}: ${v.getDotPath(issue) ?? 'the document'}: ${issue.message}. The set is damaged; use another one.`,
    )
  }
  return result.output
}
