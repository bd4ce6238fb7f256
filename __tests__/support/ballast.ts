import { createCipheriv } from 'node:crypto'
import { Binary, MongoClient } from 'mongodb'
import { createDatabase, withClient, withDatabase } from '../../scripts/demo/postgres-database.ts'

const megabyte = 1024 * 1024

/**
 * Creates a PostgreSQL database with one table of `megabytes`, a power of two of at least 16, as fast as can be: 16 MB
 * of md5 sums, and then its own copies, which lie too far apart for gzip or zstd:1 to see that they are the same.
 */
export async function seedPostgresBallast(url: string, database: string, megabytes: number): Promise<void> {
  await createDatabase(url, database)
  await withClient(withDatabase(url, database), async client => {
    // Under the 2 kB at which a value would be moved out of its row.
    await client.query(`
      CREATE UNLOGGED TABLE ballast AS
      SELECT i AS id, (SELECT string_agg(md5(i || ' ' || n), '') FROM generate_series(1, 60) n) AS text
      FROM generate_series(1, 8704) i`)
    for (let size = 16; size < megabytes; size *= 2) await client.query('INSERT INTO ballast SELECT * FROM ballast')
  })
}

/** Fills a MongoDB database with one collection of `megabytes`, in documents of `bytes`. */
export async function seedMongoBallast(url: string, database: string, megabytes: number, bytes: number): Promise<void> {
  await using client = new MongoClient(url)
  const collection = client.db(database).collection('ballast')
  const batch = Math.ceil((16 * megabyte) / bytes)
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16))
  for (let done = 0; done < megabytes; done += 16) {
    // Half noise, half zeros: it shrinks to a half.
    const documents = Array.from({ length: batch }, () => {
      const noise = Buffer.alloc(bytes)
      cipher.update(Buffer.alloc(bytes / 2)).copy(noise)
      return { noise: new Binary(noise) }
    })
    await collection.insertMany(documents, { ordered: false })
  }
}
