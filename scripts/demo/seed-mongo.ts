import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Db, type Document, GridFSBucket, MongoClient } from 'mongodb'
import { bsonTypes } from './bson-types.ts'
import { at, event, id, measurement, noise, order, product, user } from './ngwenya-documents.ts'

const batch = 5000

const fill = async (db: Db, name: string, count: number, make: (n: number) => Document): Promise<void> => {
  const collection = db.collection(name)
  for (let start = 0; start < count; start += batch) {
    const documents = Array.from({ length: Math.min(batch, count - start) }, (_, i) => make(start + i))
    await collection.insertMany(documents, { ignoreUndefined: true })
  }
}

const shop = async (db: Db): Promise<void> => {
  await db.createIndex('users', { email: 1 }, { unique: true })
  await db.createIndex('users', { name: 1 }, { collation: { locale: 'en', strength: 2 } })
  await db.createIndex('users', { phone: 1 }, { sparse: true, hidden: true })
  await db.createIndex('users', { created: -1 }, { partialFilterExpression: { status: 'locked' } })
  await db.createIndex('users', { 'address.location': '2dsphere' })
  await fill(db, 'users', 15_000, user)
  await db.createIndex('products', { sku: 1 }, { unique: true })
  await db.createIndex('products', { name: 'text' }, { weights: { name: 3 }, default_language: 'none' })
  await db.createIndex('products', { 'attributes.$**': 1 })
  await fill(db, 'products', 5000, product)
  await db.createIndex('orders', { customer: 1, placed: -1 })
  await db.createIndex('orders', { number: 1 }, { unique: true })
  await fill(db, 'orders', 25_000, order)
  await db.createCollection('open_orders', {
    viewOn: 'orders',
    pipeline: [{ $match: { state: 'open' } }, { $project: { items: 0 } }],
  })
}

const tracking = async (db: Db): Promise<void> => {
  await db.createIndex('events', { expires: 1 }, { expireAfterSeconds: 0 })
  await db.createIndex('events', { user: 'hashed' })
  await fill(db, 'events', 50_000, event)
  await db.createCollection('log', { capped: true, size: 1 << 20, max: 3000 })
  await fill(db, 'log', 5000, n => ({ _id: id(6, n), at: at(n), line: `request ${n} served` }))
  await db.createCollection('measurements', {
    timeseries: { timeField: 'at', metaField: 'sensor', granularity: 'minutes' },
  })
  await db.createIndex('measurements', { 'sensor.warehouse': 1, at: 1 })
  await fill(db, 'measurements', 20_000, measurement)
}

/** The first invoice is older than the validator and violates it: allowed to stay, not to be inserted again. */
const rules = async (db: Db): Promise<void> => {
  await fill(db, 'invoices', 1, n => ({ _id: id(7, n), total: 'twelve rand', paid: null }))
  const $jsonSchema = {
    bsonType: 'object',
    required: ['total'],
    properties: { total: { bsonType: 'int', minimum: 0 } },
  }
  await db.command({
    collMod: 'invoices',
    validator: { $jsonSchema },
    validationLevel: 'strict',
    validationAction: 'error',
  })
  await db.collection('invoices').insertMany(Array.from({ length: 200 }, (_, n) => ({ _id: id(7, n + 1), total: n })))
  await db.createCollection('places', { collation: { locale: 'fr', strength: 1 } })
  await db.createIndex('places', { name: 1 }, { unique: true })
  await fill(db, 'places', 3, n => ({ _id: id(8, n), name: ['Pretoria', 'Gqeberha', 'Orléans'][n] }))
  await db.createCollection('carts')
  await db.collection('types').insertMany([...bsonTypes])
}

/** GridFS gives chunks new ids and the upload's time; both are set to fixed ones afterwards. */
const photos = async (db: Db): Promise<void> => {
  const bucket = new GridFSBucket(db, { bucketName: 'photos' })
  for (const [n, bytes] of [3_500_000, 700_000, 0].entries()) {
    const upload = bucket.openUploadStreamWithId(id(9, n), `photo ${n}.webp`, { metadata: { product: id(2, n) } })
    await pipeline(Readable.from([noise(bytes)]), upload)
  }
  await db.collection('photos.files').updateMany({}, { $set: { uploadDate: at(0) } })
  const chunks = await db.collection('photos.chunks').find().sort({ files_id: 1, n: 1 }).toArray()
  await db.collection('photos.chunks').deleteMany()
  await db.collection('photos.chunks').insertMany(chunks.map((chunk, n) => ({ ...chunk, _id: id(10, n) })))
}

/**
 * Fills the database `ngwenya`, a web shop's, on the server of `url`: 33 MB, the same every time, but for the order of
 * fields in a measurement and its buckets' ids, which are the server's to choose.
 */
export const seedNgwenya = async (url: string): Promise<void> => {
  const client = new MongoClient(url)
  try {
    const db = client.db('ngwenya')
    await Promise.all([shop(db), tracking(db), rules(db), photos(db)])
  } finally {
    await client.close()
  }
}
