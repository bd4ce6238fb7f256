import { join } from 'node:path'
import type { CollectionInfo, MongoClient } from 'mongodb'
import { type Compression, none } from '../../streams/compression.ts'
import { untilAborted } from '../../system/abort.ts'
import type { Deps } from '../../system/deps.ts'
import { messageOf, UsageError } from '../../system/errors.ts'
import { findMongoClients } from '../../tools/find.ts'
import { matchMongoClient } from '../../tools/match.ts'
import { runTool, ToolFailed, toolEnvironment } from '../../tools/run.ts'
import { asClientProblem, type Dump, type DumpOptions, EngineError, type Inspection, type Server } from '../engine.ts'
import { checkMongodumpArgs } from './args.ts'
import {
  difference,
  estimateBytes,
  leavesOut,
  listCollections,
  listFilled,
  listUnreadable,
  missingFrom,
} from './collections.ts'
import { explainMongo } from './errors.ts'
import { parseMongoUri } from './uri.ts'

/** How long a server may take to answer before it counts as not there, unless the URL says otherwise. */
const selectionTimeoutMs = 10_000

// Up to here mongodump shuffled the keys of collections' options: https://jira.mongodb.org/browse/TOOLS-3411
const reorderingFixed = '100.9.1'

const suffixes = { gzip: '.archive.gz', zstd: '.archive.zst', none: '.archive' } as const

export function mongoServer(url: string, deps: Deps): Server {
  const uri = parseMongoUri(url)
  const { address } = uri

  /** Connects, and closes on every way out. `authSource` is what the driver made of the URL and, for +srv, of its TXT record. */
  async function withClient<T>(doing: string, use: (client: MongoClient) => Promise<T>): Promise<T> {
    const { MongoClient } = await import('mongodb')
    let client: MongoClient
    try {
      client = new MongoClient(uri.forDriver, {
        appName: 'db-backup',
        ...(/[?&]serverSelectionTimeoutMS=/i.test(uri.forDriver)
          ? {}
          : { serverSelectionTimeoutMS: selectionTimeoutMs }),
      })
    } catch (cause) {
      throw new UsageError(`Reading the MongoDB URL of ${address}: ${messageOf(cause)}`, { cause })
    }
    try {
      return await untilAborted(client.connect().then(use), deps.signal)
    } catch (error) {
      deps.signal.throwIfAborted()
      throw error instanceof EngineError ? error : explainMongo(error, doing, address)
    } finally {
      await client.close().catch(() => {})
    }
  }

  const named = (database: string) => `mongo/${database} on ${address}`

  async function databases(): Promise<readonly string[]> {
    return withClient(`Listing the databases of ${address}`, async client => {
      const admin = client.db('admin')
      const { authInfo } = await admin.command({ connectionStatus: 1, showPrivileges: true })
      // Without this right the server lists only what the user may read, and says nothing of the rest.
      if (authInfo.authenticatedUsers.length > 0 && !mayListDatabases(authInfo.authenticatedUserPrivileges)) {
        throw new EngineError(
          'forbidden',
          `Listing the databases of ${address} for \`*\`: the user may not list all of them, so some could be missed. ` +
            'Grant it the role `backup`, or name the databases.',
        )
      }
      const { databases } = await admin.admin().listDatabases({ nameOnly: true })
      return databases.map(({ name }) => name).filter(name => !['admin', 'local', 'config'].includes(name))
    })
  }

  async function inspect(database: string): Promise<Inspection | 'missing'> {
    return withClient(`Inspecting ${named(database)}`, async client => {
      const collections = await listCollections(client, database)
      if (collections.length === 0) return 'missing'
      const { version } = await client.db('admin').command({ buildInfo: 1 })
      return {
        serverVersion: version,
        estimatedBytes: await estimateBytes(client, database),
        objects: collections.length,
      }
    })
  }

  async function dump(database: string, _inspection: Inspection, { compression, args }: DumpOptions): Promise<Dump> {
    const doing = `Dumping ${named(database)}`
    const found = await asClientProblem(
      findMongoClients(deps).then(clients => matchMongoClient(clients, address, deps.platform)),
    )
    const [before, filledBefore, authSource] = await withClient(doing, async client => {
      const collections = await listCollections(client, database)
      return [collections, await listFilled(client, database, collections), client.options.credentials?.source]
    })
    warnOfReordering(found.version, before)
    const { stdout, ended, stdin } = runTool(deps, 'mongodump', {
      file: join(found.folder, 'mongodump'),
      args: ['--config=/dev/fd/3', `--db=${database}`, '--archive', ...args],
      env: toolEnvironment(deps.env),
      privateInput: [
        `uri: ${yamlString(uri.forTools(authSource))}`,
        ...(uri.password === undefined ? [] : [`password: ${yamlString(uri.password)}`]),
        '',
      ].join('\n'),
    })
    stdin.end()

    const settled = ended.then(
      async () => {
        // A collection that was renamed or dropped before its turn is missing from the dump, and mongodump exits 0.
        const after = await withClient(doing, client => listCollections(client, database))
        const changed = difference(before, after).filter(name => !leavesOut(args, name))
        if (changed.length > 0) {
          throw new EngineError(
            'changed',
            `${doing}: collections came, went or were renamed meanwhile (${changed.slice(0, 5).join(', ')}). ` +
              'Back up while no collection is created, renamed or dropped, or exclude those with mongodump-args.',
          )
        }
      },
      async error => {
        if (!(error instanceof ToolFailed)) throw error
        const unreadable = await withClient(doing, client => listUnreadable(client, database, before)).catch(() => [])
        if (unreadable.length === 0) throw new EngineError('tool', `${doing}: ${error.message}`, { cause: error })
        const more = unreadable.length > 5 ? ` and ${unreadable.length - 5} more` : ''
        throw new EngineError(
          'forbidden',
          `${doing}: the user may not read ${unreadable.slice(0, 5).join(', ')}${more}. Grant it the role \`backup\`: ` +
            `\`read\` leaves out what starts with system. ${error.message}`,
          { cause: error },
        )
      },
    )
    settled.catch(() => {})
    const resolved: Compression = compression === 'auto' ? { algorithm: 'gzip', level: 1 } : compression
    return {
      stream: stdout,
      ended: settled,
      async confirm({ counts, objects = [] }) {
        const absent = missingFrom(objects, before).filter(name => !leavesOut(args, name))
        if (absent.length > 0) {
          throw new EngineError(
            'tool',
            `${doing}: mongodump left out ${absent.slice(0, 5).join(', ')}, as it does with some names that begin with system. ` +
              'Rename or drop what is left there, or say that it may be left out: mongodump-args --excludeCollection=NAME.',
          )
        }
        // One that was renamed away while its turn came, and back, has its name and its UUID and no documents.
        const empty = filledBefore.filter(name => counts[name] === 0)
        if (empty.length === 0 || checkMongodumpArgs(args).length > 0) return
        const still = await withClient(doing, client =>
          listFilled(
            client,
            database,
            before.filter(({ name }) => empty.includes(name)),
          ),
        )
        if (still.length === 0) return
        throw new EngineError(
          'changed',
          `${doing}: ${still.slice(0, 5).join(', ')} came out empty and held documents before and after. ` +
            'Back up while no collection is renamed.',
        )
      },
      clientVersion: found.version,
      compression: resolved,
      outer: resolved.algorithm === 'none' ? none : resolved,
      suffix: suffixes[resolved.algorithm],
    }
  }

  function warnOfReordering(version: string, collections: readonly CollectionInfo[]): void {
    const ordered = collections.filter(
      // A time series' buckets have a validator that the server makes itself.
      ({ name, options }) =>
        !name.startsWith('system.') && (options?.pipeline !== undefined || options?.validator !== undefined),
    )
    if (ordered.length === 0 || !isOlder(version, reorderingFixed)) return
    const names = ordered
      .map(({ name }) => name)
      .toSorted()
      .slice(0, 5)
    deps.log.warn(
      `mongodump ${version} may write the fields of a view's or validator's stages in another order, which can change ` +
        `their meaning (TOOLS-3411). Look at ${names.join(', ')}${ordered.length > 5 ? ' and others' : ''} after a ` +
        `restore, or install the MongoDB Database Tools ${reorderingFixed} or newer.`,
    )
  }

  return {
    engine: 'mongo',
    address,
    database: uri.database,
    secrets: uri.secrets,
    plainNames: uri.user === undefined ? [] : [uri.user],
    databases,
    inspect,
    dump,
  }
}

/** JSON's strings are YAML's too, but for some characters that YAML wants escaped. */
function yamlString(text: string): string {
  return JSON.stringify(text).replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, 'en', { numeric: true }) < 0
}

interface Privilege {
  readonly resource: { readonly cluster?: boolean; readonly anyResource?: boolean }
  readonly actions: readonly string[]
}

function mayListDatabases(privileges: readonly Privilege[]): boolean {
  return privileges.some(
    ({ resource, actions }) =>
      (resource.cluster === true || resource.anyResource === true) &&
      (actions.includes('listDatabases') || actions.includes('anyAction')),
  )
}
