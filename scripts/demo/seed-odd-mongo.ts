import { Binary, Code, type Db, type Document, MaxKey, MinKey, MongoClient, ObjectId } from 'mongodb'
import { id, noise } from './ngwenya-documents.ts'

/** Names that a path, a URL, a shell, JSON or a namespace pattern would have to quote, and names of a dump's own files. */
const names: readonly string[] = [
  'Orders',
  'orders',
  'ORDERS',
  'with space',
  ' ',
  'quo"te',
  "it's",
  'dots.in.a.name',
  'double..dot',
  'ünïcode 🐊 名',
  'e\u0301',
  '\u00e9',
  'per%cent%2F',
  'back\\slash',
  'sla/sh',
  'up/../../etc',
  'tab\tname',
  'carriage\r',
  'star*',
  '*',
  'question?',
  '[a]{b}(c)',
  '<>|&;:,`~!@#^+=',
  '-rf',
  '--drop',
  '{"json":1}',
  'null',
  '0',
  'CON',
  'users.metadata.json',
  'users.bson.gz',
  'prelude.json',
  'system_buckets.ts',
  'l'.repeat(180),
]

const nested = (depth: number): Document => (depth === 0 ? { end: true } : { in: nested(depth - 1) })

/** 15 MB each, of the 16 that a document may have: one that compresses and one that does not. */
const large = async (db: Db): Promise<void> => {
  const megabyte = 1 << 20
  await db
    .collection<Document>('large')
    .insertOne({ _id: 'text' as never, text: 'Ngwenya\n'.repeat((15 * megabyte) / 8) })
  await db.collection<Document>('large').insertOne({ _id: 'bytes' as never, bytes: new Binary(noise(15 * megabyte)) })
}

const shapes = async (db: Db): Promise<void> => {
  await db.collection('only_ids').insertMany(Array.from({ length: 1000 }, (_, n) => ({ _id: id(20, n) })))
  await db.collection('fields').insertMany([
    { _id: id(21, 0), 'a.b': 1, a: { b: 2, 'c.d': { '': 3 } } },
    { _id: id(21, 1), $set: { x: 1 }, nested: { $gt: 5, $where: '1', 'x.$[]': [] } },
    { _id: id(21, 2), '': '', ' ': 0, '💥"\\\n': null, ['__proto__']: {}, constructor: 1 },
    { _id: id(21, 3), nested: nested(90) },
    { _id: id(21, 4), wide: Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`field${n}`, n])) },
  ])
  const ids: readonly unknown[] = [
    null,
    '',
    'é',
    0,
    1.5,
    -1,
    true,
    new Date(0),
    new Binary(Buffer.from([0])),
    new MinKey(),
    new MaxKey(),
    { a: 1 },
    { a: new ObjectId(id(0, 0).toHexString()) },
  ]
  await db.collection<{ _id: unknown }>('ids').insertMany(
    ids.map(_id => ({ _id })),
    // The driver takes a null _id for none.
    { forceServerObjectId: true },
  )
  await db
    .collection<Document>('system.js')
    .insertOne({ _id: 'add' as never, value: new Code('function (a, b) { return a + b }') })
}

const views = async (db: Db): Promise<void> => {
  await db.createCollection('a view', { viewOn: 'Orders', pipeline: [{ $match: { n: { $gt: 0 } } }] })
  await db.createCollection('a view."of" a view', { viewOn: 'a view', pipeline: [{ $set: { 'name.with': '$n' } }] })
  await db.createCollection('view of nothing', { viewOn: 'not there', pipeline: [] })
}

/** Fills `database`: 200 collections, many with names or documents that break tools which quote or parse by hand. */
export const seedOddMongo = async (url: string, database: string): Promise<void> => {
  const client = new MongoClient(url)
  try {
    const db = client.db(database)
    await Promise.all([large(db), shapes(db)])
    const plain = Array.from({ length: 195 - names.length }, (_, n) => `collection_${n}`)
    await Promise.all(
      [...names, ...plain].map((name, n) => {
        // Every third is empty.
        if (n % 3 === 2) return db.createCollection(name)
        return db
          .collection(name)
          .insertMany(Array.from({ length: 1 + (n % 7) }, (_, i) => ({ _id: id(22, i), name, n: i })))
      }),
    )
    await views(db)
  } finally {
    await client.close()
  }
}
