import type { CollectionInfo, MongoClient } from 'mongodb'
import { codeOf } from '../../system/errors.ts'
import { checkMongodumpArgs } from './args.ts'
import { unauthorized } from './errors.ts'

export async function listCollections(client: MongoClient, database: string): Promise<readonly CollectionInfo[]> {
  const all = (await client.db(database).listCollections().toArray()) as CollectionInfo[]
  // mongodump leaves the profiler's collection out; it comes and goes with the profiler.
  return all.filter(({ name }) => name !== 'system.profile')
}

/** Names that stand for another collection, or for none, in the other list. */
export function difference(before: readonly CollectionInfo[], after: readonly CollectionInfo[]): readonly string[] {
  const identify = ({ name, type, info }: CollectionInfo) => `${type} ${info?.uuid?.toString() ?? ''} ${name}`
  const [first, second] = [new Set(before.map(identify)), new Set(after.map(identify))]
  const names = [...before, ...after]
    .filter(collection => !(first.has(identify(collection)) && second.has(identify(collection))))
    .map(({ name }) => name)
  return [...new Set(names)]
}

/**
 * Whether a dump with these arguments leaves a collection out on purpose: what becomes of that one is no matter. The
 * buckets of a time series go by the name of the series.
 */
export function leavesOut(args: readonly string[], collection: string): boolean {
  const name = collection.replace(/^system\.buckets\./, '')
  return checkMongodumpArgs(args).some(arg => {
    const [, option, value = ''] = /^(-c|--\w+)[= ](.*)$/s.exec(arg) ?? []
    if (option === '--excludeCollection') return name === value || collection === value
    if (option === '--excludeCollectionsWithPrefix') return name.startsWith(value) || collection.startsWith(value)
    return (option === '--collection' || option === '-c') && name !== value && collection !== value
  })
}

/** Collections that the user may not read, of those that mongodump reads. */
export async function listUnreadable(
  client: MongoClient,
  database: string,
  collections: readonly CollectionInfo[],
): Promise<readonly string[]> {
  const unreadable: string[] = []
  for (const { name, type } of collections) {
    if (type !== 'collection' || name === 'system.views') continue
    try {
      await client
        .db(database)
        .collection(name)
        .findOne({}, { projection: { _id: 1 } })
    } catch (error) {
      if (codeOf(error) === unauthorized) unreadable.push(name)
    }
  }
  return unreadable
}

/** Bytes of data; for the role `backup`, which may not ask for them, bytes on disk. */
export async function estimateBytes(client: MongoClient, database: string): Promise<number> {
  try {
    return Number((await client.db(database).command({ dbStats: 1 })).dataSize)
  } catch (error) {
    if (codeOf(error) !== unauthorized) throw error
    const command = { listDatabases: 1, filter: { name: database } }
    const { databases } = await client
      .db('admin')
      .command(command)
      .catch(() => ({ databases: [] }))
    return Number(databases[0]?.sizeOnDisk ?? 0)
  }
}

/** Collections, of these, that hold documents. Views and time series are told by what they are made of. */
export async function listFilled(
  client: MongoClient,
  database: string,
  collections: readonly CollectionInfo[],
): Promise<readonly string[]> {
  const filled: string[] = []
  for (const { name, type } of collections) {
    if (type !== 'collection' || name === 'system.views') continue
    // A right that is missing here is told better by the dump itself.
    const count = await client
      .db(database)
      .collection(name)
      .estimatedDocumentCount()
      .catch(() => 0)
    if (count > 0) filled.push(name)
  }
  return filled
}

/** Collections of the server that a dump does not know of. It knows a time series by its own name or by its buckets'. */
export function missingFrom(objects: readonly string[], collections: readonly CollectionInfo[]): readonly string[] {
  const known = new Set(objects.flatMap(name => [name, `system.buckets.${name}`]))
  return collections.map(({ name }) => name).filter(name => name !== 'system.views' && !known.has(name))
}
