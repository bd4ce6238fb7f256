import { type Db, MongoClient } from 'mongodb'
import { seedNgwenya } from '../../scripts/demo/seed-mongo.ts'
import { seedOddMongo } from '../../scripts/demo/seed-odd.ts'
import { mongoTools, needs, startMongo } from '../../scripts/rig/index.ts'
import { mongo } from '../../src/engines/mongo/index.ts'
import { mongoCounts } from '../support/contents.ts'
import { seedSmallMongo } from '../support/small-databases.ts'
import { engineContract } from './engine.ts'
import type { Subject } from './engine-bench.ts'

const root = { user: 'root', password: "r00t p@ss:/?#%'" }

async function start(): Promise<Subject> {
  const [server, doomed] = await Promise.all([startMongo({ auth: root }), startMongo()])
  await Promise.all([seedNgwenya(server.url()), seedOddMongo(server.url(), 'Odd'), seedNgwenya(doomed.url())])
  await seedSmallMongo(server.url(), 'small')
  await addSeries(server.url())
  await addUsers(server.url())
  const address = `${server.host}:${server.port}`
  const login = (user: string, password: string, at = address) =>
    `mongodb://${user}:${encodeURIComponent(password)}@${at}/?`
  const buckets = ['system.buckets.series']
  const grant = /Grant it the role `backup`/
  return {
    tools: [await mongoTools()],
    dumper: 'mongodump',
    address,
    version: /^\d+\.\d+\.\d+/,
    url: server.url(),
    withPassword: password => `mongodb://${root.user}:${password}@${address}/?authSource=admin`,
    anonymous: `mongodb://${address}`,
    at: (port, patience) =>
      `${login('root', root.password, `127.0.0.1:${port}`)}${patience ? 'serverSelectionTimeoutMS=1000' : ''}`,
    databases: ['ngwenya', 'Odd'],
    small: 'small',
    counts: database => mongoCounts(server.url(), database),
    empty: { name: 'hollow', objects: 'missing' },
    auto: { algorithm: 'gzip', level: 1 },
    outer: true,
    files: {
      gzip: { suffix: '.archive.gz', start: '\x1f\x8b' },
      zstd: { suffix: '.archive.zst', start: '\x28\xb5\x2f\xfd' },
      none: { suffix: '.archive', start: '\x6d\xe2\x99\x81' },
    },
    modest: [
      { who: 'the role backup', url: login('backs-up', 'backup only') },
      { who: 'the role read on one database', url: login('reads', 'one database') },
    ],
    refusals: [
      { who: 'no right here', step: 'inspect', url: login('elsewhere', 'other'), database: 'small', remedy: grant },
      { who: 'no right at all', step: 'databases', url: login('nobody', 'no roles'), database: '*', remedy: grant },
      {
        who: 'one database only',
        step: 'databases',
        url: login('reads', 'one database'),
        database: '*',
        remedy: grant,
      },
      // The role `read` leaves out the buckets of a time series.
      {
        who: 'no right to buckets',
        step: 'dump',
        url: login('reads', 'one database'),
        database: 'ngwenya',
        remedy: grant,
      },
    ],
    leavingOut: [
      { args: ['--excludeCollection=users'], without: ['users'] },
      { args: ['--excludeCollection', 'odd "collection"'], without: ['odd "collection"'] },
      { args: ['--excludeCollectionsWithPrefix=no'], without: ['nothing'] },
      { args: ['-c', 'users'], without: ['odd "collection"', 'nothing'] },
      { args: ['--excludeCollection=series'], without: buckets, database: 'times' },
      { args: ['--excludeCollectionsWithPrefix=ser'], without: buckets, database: 'times' },
      { args: ['--collection=plain'], without: buckets, database: 'times' },
      { args: ['--collection=series'], without: ['plain'], database: 'times' },
    ],
    doomed: { url: doomed.url(), kill: () => doomed.kill('SIGKILL') },
    stop: () => Promise.all([server.stop(), doomed.stop()]),
  }
}

async function addSeries(url: string): Promise<void> {
  await using client = new MongoClient(url)
  const db = client.db('times')
  await db.createCollection('series', { timeseries: { timeField: 'at' } })
  await db.collection('series').insertMany([{ at: new Date(0) }, { at: new Date(1e12) }])
  await db.collection('plain').insertOne({})
}

async function addUsers(url: string): Promise<void> {
  await using client = new MongoClient(url)
  const admin: Db = client.db('admin')
  const add = (user: string, pwd: string, ...roles: unknown[]) => admin.command({ createUser: user, pwd, roles })
  await add('backs-up', 'backup only', 'backup')
  await add('reads', 'one database', { role: 'read', db: 'small' }, { role: 'read', db: 'ngwenya' })
  await add('elsewhere', 'other', { role: 'readWrite', db: 'other' })
  await add('nobody', 'no roles')
}

engineContract('mongo', await needs('mongod', 'mongo-tools'), mongo, start)
