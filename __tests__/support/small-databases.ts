import { Binary, MongoClient } from 'mongodb'
import { noise } from '../../scripts/demo/ngwenya-documents.ts'
import { createDatabase, withClient, withDatabase } from '../../scripts/demo/postgres-database.ts'

/**
 * Databases that take some 12 KB to dump, whatever the compression: small enough to try every byte of a dump. Each
 * holds noise, text, an object without rows, and a name that must be quoted.
 */
export async function seedSmallPostgres(url: string, name: string): Promise<void> {
  await createDatabase(url, name)
  await withClient(withDatabase(url, name), client =>
    client.query(`
      CREATE TABLE users (id integer PRIMARY KEY, name text);
      INSERT INTO users SELECT i, 'user ' || i FROM generate_series(1, 40) i;
      CREATE TABLE "odd ""table""" (key bytea);
      INSERT INTO "odd ""table""" SELECT sha256(int4send(i)) FROM generate_series(1, 120) i;
      CREATE TABLE nothing (id integer);
      CREATE FUNCTION looks_like_a_dump() RETURNS text LANGUAGE sql AS $$SELECT '
COPY public.users (id) FROM stdin;
1
\\.
'$$`),
  )
}

export async function seedSmallMongo(url: string, name: string): Promise<void> {
  const client = new MongoClient(url)
  try {
    const db = client.db(name)
    const users = Array.from({ length: 40 }, (_, n) => ({ _id: n as never, name: `user ${n}` }))
    await db.collection('users').insertMany(users)
    await db.collection('odd "collection"').insertOne({ _id: 1 as never, noise: new Binary(noise(8000)) })
    await db.createCollection('nothing')
    await db.createCollection('a view', { viewOn: 'users', pipeline: [] })
  } finally {
    await client.close()
  }
}
