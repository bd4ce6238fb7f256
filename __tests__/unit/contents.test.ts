import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Double, MongoClient } from 'mongodb'
import { createDatabase, withClient } from '../../scripts/demo/postgres-database.ts'
import { seedNgwenya } from '../../scripts/demo/seed-mongo.ts'
import { oddDatabase, seedOddMongo, seedOddPostgres } from '../../scripts/demo/seed-odd.ts'
import { seedAuth, seedUchat } from '../../scripts/demo/seed-postgres.ts'
import {
  type MongoServer,
  mongoTools,
  needs,
  type PostgresServer,
  startMongo,
  startPostgres,
} from '../../scripts/rig/index.ts'
import { mongoContents, mongoCounts, postgresContents, postgresCounts } from '../support/contents.ts'
import { copyMongo, copyPostgres } from '../support/stock-tools.ts'

/** The objects that differ, whichever side lacks them. */
const differing = (a: Record<string, string>, b: Record<string, string>): string[] =>
  Object.keys({ ...a, ...b })
    .filter(key => a[key] !== b[key])
    .sort()

const postgres = () => {
  let from: PostgresServer
  let to: PostgresServer
  before(async () => {
    ;[from, to] = await Promise.all([startPostgres(), startPostgres()])
    for (const seed of [seedAuth, seedUchat, seedOddPostgres]) await seed(from.url())
  })
  after(() => Promise.all([from?.stop(), to?.stop()]))

  for (const database of ['ngwenya_auth', 'ngwenya_uchat', oddDatabase]) {
    test(`a stock pg_dump and pg_restore bring back all of ${database}`, async () => {
      await createDatabase(to.url(), database)
      await copyPostgres(from.bin, from.url(database), to.url(database))
      assert.deepEqual(await postgresContents(to.url(database)), await postgresContents(from.url(database)))
      assert.deepEqual(await postgresCounts(to.url(database)), await postgresCounts(from.url(database)))
    })
  }

  test('each change shows in the object that changed and in no other', async () => {
    const changes: Record<string, string> = {
      'rows of public.sessions': `UPDATE public.sessions SET agent = agent || ' ' WHERE user_id = 7`,
      'rows of audit.events_default': `DELETE FROM audit.events WHERE id = 2`,
      'index public.sessions_valid': `DROP INDEX public.sessions_valid; CREATE INDEX sessions_valid ON public.sessions (valid)`,
      'table audit.events_default': `ALTER TABLE audit.events_default SET (fillfactor = 70)`,
      'table public.sessions': `ALTER TABLE public.sessions ALTER agent SET DEFAULT ''`,
      'constraint sessions_user_id_fkey on public.sessions': `ALTER TABLE public.sessions ALTER CONSTRAINT sessions_user_id_fkey DEFERRABLE`,
      'sequence billing.countdown': `SELECT setval('billing.countdown', -13, true)`,
      'sequence billing.invoice_number': `SELECT setval('billing.invoice_number', 7777778)`,
      'large object 900004': `SELECT lo_put(900004, 3000000, '\\x00')`,
      'comment on large object 900004': `COMMENT ON LARGE OBJECT 900004 IS 'The manual'`,
      'view public.active_users': `CREATE OR REPLACE VIEW public.active_users AS SELECT id, email, display_name FROM public.users`,
      'trigger users_touch on public.users': `ALTER TABLE public.users DISABLE TRIGGER users_touch`,
      'type public.user_status': `ALTER TYPE public.user_status ADD VALUE 'merged'`,
      'function public.touch()': `ALTER FUNCTION public.touch() STABLE`,
    }
    const url = from.url('ngwenya_auth')
    const held = await postgresContents(url)
    assert.deepEqual(await postgresContents(url), held)
    for (const sql of Object.values(changes)) await withClient(url, client => client.query(sql))
    assert.deepEqual(differing(held, await postgresContents(url)), Object.keys(changes).sort())
  })

  test('counts rows as the COPY blocks of a dump hold them', async () => {
    const rows = await postgresCounts(from.url(oddDatabase))
    assert.equal(rows['public.animals'], 3, 'without the rows of crocodiles')
    assert.equal(rows['public.no_columns'], 5)
    assert.equal(rows['public.line\nbreak'], 6)
    assert.equal(rows['Schéma "1".x.Täble.with "dots"'], 4)
    assert.equal(rows['public.Materialized.view'], undefined)
  })
}

const mongo = () => {
  let from: MongoServer
  let to: MongoServer
  before(async () => {
    ;[from, to] = await Promise.all([startMongo(), startMongo()])
    await seedNgwenya(from.url())
    await seedOddMongo(from.url(), 'Odd')
  })
  after(() => Promise.all([from?.stop(), to?.stop()]))

  for (const database of ['ngwenya', 'Odd']) {
    test(`a stock mongodump and mongorestore bring back all of ${database}`, async () => {
      await copyMongo(await mongoTools(), from.url(), database, to.url())
      assert.deepEqual(await mongoContents(to.url(), database), await mongoContents(from.url(), database))
      assert.deepEqual(await mongoCounts(to.url(), database), await mongoCounts(from.url(), database))
    })
  }

  test('each change shows in the object that changed and in no other', async () => {
    await using client = new MongoClient(from.url())
    const db = client.db('ngwenya')
    const changes: Record<string, () => Promise<unknown>> = {
      // Int32 1 becomes double 1: equal to a reader that looks at numbers only.
      'documents of users': () =>
        db
          .collection('users')
          .updateOne({ email: 'user1@ngwenya.example' }, { $set: { 'preferences.sizes.0': new Double(1) } }),
      'documents of measurements': () => db.collection('measurements').insertOne({ at: new Date(0), sensor: {} }),
      'documents of photos.chunks': () =>
        db.collection('photos.chunks').updateOne({ n: 2 }, { $set: { data: Buffer.alloc(1) } }),
      'index email_1 on users': () => db.command({ collMod: 'users', index: { name: 'email_1', hidden: true } }),
      'index expires_1 on events': () =>
        db.command({ collMod: 'events', index: { name: 'expires_1', expireAfterSeconds: 9 } }),
      'collection invoices': () => db.command({ collMod: 'invoices', validationAction: 'warn' }),
      'timeseries measurements': () => db.command({ collMod: 'measurements', timeseries: { granularity: 'hours' } }),
      'view open_orders': () =>
        db.command({ collMod: 'open_orders', viewOn: 'orders', pipeline: [{ $match: { state: 'paid' } }] }),
    }
    const held = await mongoContents(from.url(), 'ngwenya')
    assert.deepEqual(await mongoContents(from.url(), 'ngwenya'), held)
    for (const change of Object.values(changes)) await change()
    assert.deepEqual(differing(held, await mongoContents(from.url(), 'ngwenya')), Object.keys(changes).sort())
  })

  test('counts documents as the blocks of an archive hold them', async () => {
    const documents = await mongoCounts(from.url(), 'ngwenya')
    assert.equal(documents.orders, 25_000)
    assert.equal(documents.carts, 0)
    assert.ok(documents['system.buckets.measurements']! < 1000, 'its buckets, not its 20,000 documents')
    assert.equal(documents.measurements, undefined)
    assert.equal(documents.open_orders, undefined)
  })
}

// The engines share nothing and run at the same time; within one, tests change what others read, and take turns.
const parts = await needs('postgres17', 'mongod', 'mongo-tools')
describe('what a database holds', { concurrency: 2, ...parts }, () => {
  describe('PostgreSQL', { concurrency: 1 }, postgres)
  describe('MongoDB', { concurrency: 1 }, mongo)
})
