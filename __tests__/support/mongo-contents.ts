import { createHash } from 'node:crypto'
import { BSON, type Collection, type CollectionInfo, type Db, type Document, MongoClient } from 'mongodb'

const { EJSON } = BSON

const withDatabase = async <T>(url: string, name: string, use: (database: Db) => Promise<T>): Promise<T> => {
  const client = new MongoClient(url)
  try {
    return await use(client.db(name))
  } finally {
    await client.close()
  }
}

/** The server's own: views are read as views, buckets through their time series; stored functions are the user's. */
const isServers = (name: string): boolean => name.startsWith('system.') && name !== 'system.js'

const userCollections = async (database: Db): Promise<readonly CollectionInfo[]> => {
  const all = await database.listCollections<CollectionInfo>({}, { nameOnly: false }).toArray()
  return all.filter(({ name }) => !isServers(name)).sort((a, b) => (a.name < b.name ? -1 : 1))
}

const sorted = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(sorted) : value !== null && typeof value === 'object' ? sortedBut([], value) : value

/** A copy with its fields in alphabetical order, all the way down, but for the values of the fields named in `kept`. */
const sortedBut = (kept: readonly string[], value: object): Document =>
  value.constructor !== Object
    ? value
    : Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, inner]) => [name, kept.includes(name) ? inner : sorted(inner)]),
      )

/**
 * The order of fields says something in an index's key and in a view's pipeline alone. Elsewhere it is left out:
 * mongodump before 100.9.1 shuffles the fields of a collection's options (TOOLS-3411).
 */
const definition = (value: Document): string => EJSON.stringify(sortedBut(['key', 'pipeline'], value))

/**
 * sha256 over the documents' BSON as the server holds it, so that types, field order and repeated fields count. A time
 * series keeps no index on `_id`: it is sorted by the server, and by time where an `_id` is there twice.
 */
const documentsDigest = async (collection: Collection, timeField: string | undefined): Promise<string> => {
  const hash = createHash('sha256')
  const order = timeField === undefined ? { _id: 1 as const } : { _id: 1 as const, [timeField]: 1 as const }
  let count = 0
  for await (const document of collection.find({}, { raw: true, sort: order, allowDiskUse: true })) {
    hash.update(document as unknown as Uint8Array)
    count += 1
  }
  return `${count} documents ${hash.digest('hex')}`
}

/** Everything that `database` holds, by object: options, indexes, documents, views. UUIDs are left out. */
export const mongoContents = (url: string, database: string): Promise<Record<string, string>> =>
  withDatabase(url, database, async db => {
    const contents: Record<string, string> = {}
    for (const { name, type, options = {} } of await userCollections(db)) {
      contents[`${type} ${name}`] = definition(options)
      if (type === 'view') continue
      const collection = db.collection(name)
      for (const index of await collection.listIndexes().toArray()) {
        contents[`index ${index.name} on ${name}`] = definition(index)
      }
      contents[`documents of ${name}`] = await documentsDigest(collection, options.timeseries?.timeField)
    }
    return contents
  })

/**
 * Exact documents by collection, as a dump's namespaces hold them: views left out, a time series `ts` counted in the
 * buckets that a dump holds, as `system.buckets.ts`.
 */
export const mongoCounts = (url: string, database: string): Promise<Record<string, number>> =>
  withDatabase(url, database, async db => {
    const counts: Record<string, number> = {}
    for (const { name, type } of await userCollections(db)) {
      if (type === 'view') continue
      const real = type === 'timeseries' ? `system.buckets.${name}` : name
      counts[real] = await db.collection(real).countDocuments()
    }
    return counts
  })
