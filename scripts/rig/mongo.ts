import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Db } from 'mongodb'
import { getPart } from './find.ts'
import { makeHome } from './home.ts'
import { type Launched, launch } from './launch.ts'

export interface MongoServer extends Launched {
  host: string
  socketPath: string
  user?: string
  password?: string
  /** `host` may be `::1` (with `ipv6`) or `localhost`. */
  url(database?: string, host?: string): string
}

export interface MongoOptions {
  /** Creates this user with the role root, and then lets nobody in without a login. */
  auth?: { user: string; password: string }
  /** Makes it a replica set of one member with this name. */
  replicaSet?: string
  /** Listens on ::1 too. */
  ipv6?: boolean
}

/** The directory that holds mongodump and mongorestore. */
export async function mongoTools(): Promise<string> {
  return (await getPart('mongo-tools')).bin
}

export async function startMongo({ auth, replicaSet, ipv6 = false }: MongoOptions = {}): Promise<MongoServer> {
  const { bin } = await getPart('mongod')
  const home = await makeHome('mongodb-65535.sock')
  const { dir, socketDir } = home
  const socketPath = (port: number) => join(socketDir, `mongodb-${port}.sock`)
  const keyFile = join(dir, 'key')
  const withKey = auth !== undefined && replicaSet !== undefined

  const server = await launch({
    name: 'mongod',
    home,
    prepare: async () => {
      await mkdir(join(dir, 'data'))
      // A replica set with logins wants its members to know each other by a key.
      if (withKey) await writeFile(keyFile, randomBytes(96).toString('base64'), { mode: 0o600 })
    },
    command: port => [
      ...[join(bin, 'mongod'), '--dbpath', join(dir, 'data'), '--port', String(port)],
      ...['--bind_ip', ipv6 ? '127.0.0.1,::1' : '127.0.0.1', '--unixSocketPrefix', socketDir],
      ...(ipv6 ? ['--ipv6'] : []),
      ...(auth ? ['--auth'] : []),
      ...(withKey ? ['--keyFile', keyFile] : []),
      ...(replicaSet === undefined ? [] : ['--replSet', replicaSet, '--oplogSize', '16']),
      // Without the journal's spare files a server takes 100 MB of disk instead of 300.
      ...['--wiredTigerCacheSizeGB', '0.25', '--wiredTigerEngineConfigString', 'log=(prealloc=false)'],
      ...['--quiet', '--setParameter', 'diagnosticDataCollectionEnabled=false'],
    ],
    ready: async port => {
      // The driver waits half a second between its tries: it comes in only once the socket is there.
      await connects(socketPath(port))
      return asAdmin(socketPath(port), async admin => (await admin.command({ ping: 1 })).ok === 1)
    },
    complete: port =>
      asAdmin(socketPath(port), async admin => {
        if (replicaSet !== undefined) await initiate(admin, replicaSet, `127.0.0.1:${port}`)
        // Who comes from this machine may create the first user: the localhost exception of the MongoDB manual.
        if (auth) await admin.command({ createUser: auth.user, pwd: auth.password, roles: ['root'] })
      }),
    stopSignal: 'SIGTERM',
    endSignal: 'SIGKILL',
  })

  const host = '127.0.0.1'
  const login = auth ? `${encodeURIComponent(auth.user)}:${encodeURIComponent(auth.password)}@` : ''
  const query = new URLSearchParams({
    ...(auth && { authSource: 'admin' }),
    ...(replicaSet && { replicaSet }),
  }).toString()
  const url = (database = '', at = host) =>
    `mongodb://${login}${at.includes(':') ? `[${at}]` : at}:${server.port}/${encodeURIComponent(database)}${query && `?${query}`}`
  return { ...server, host, socketPath: socketPath(server.port), ...auth, url }
}

async function initiate(admin: Db, name: string, host: string): Promise<void> {
  await admin.command({ replSetInitiate: { _id: name, members: [{ _id: 0, host }] } })
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await delay(20)) {
    if ((await admin.command({ hello: 1 })).isWritablePrimary) return
  }
  throw new Error(`the replica set ${name} has no primary`)
}

/** By the socket: that one is ours for certain, whoever has the port. */
async function asAdmin<T>(socketPath: string, work: (admin: Db) => Promise<T>): Promise<T> {
  const { MongoClient } = await import('mongodb')
  const at = `mongodb://${encodeURIComponent(socketPath)}/?directConnection=true`
  const client = new MongoClient(at, { serverSelectionTimeoutMS: 5000 })
  try {
    return await work(client.db('admin'))
  } finally {
    await client.close()
  }
}

function connects(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(void socket.destroy())).once('error', reject)
  })
}
