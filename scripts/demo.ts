/**
 * The demo: starts throwaway servers, fills them, backs them up into ./backups, and shows what came of it. Everything
 * but ./backups is gone afterwards.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { formatBytes, formatCount } from '../src/report/format.ts'
import { parseManifest } from '../src/sets/manifest.ts'
import { seedNgwenya } from './demo/seed-mongo.ts'
import { seedAuth, seedUchat } from './demo/seed-postgres.ts'
import { mongoTools, startMongo, startPostgres } from './rig/index.ts'

const root = join(import.meta.dirname, '..')
const folder = join(root, 'backups')

function title(text: string): void {
  console.log(`\n== ${text}`)
}

async function dbBackup(env: NodeJS.ProcessEnv, ...args: string[]): Promise<string> {
  const isJson = args.includes('--json')
  console.log(`$ db-backup ${args.filter(arg => arg !== '--json').join(' ')}`)
  const child = spawn(process.execPath, [join(root, 'dist', 'cli.js'), ...args], {
    cwd: root,
    env,
    stdio: ['ignore', isJson ? 'pipe' : 'inherit', 'inherit'],
  })
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', text => {
    output += text
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`db-backup ${args.join(' ')} ended with ${code}`)
  return output
}

/** The set as a tree, each dump with its size and what its manifest says it holds. */
function showTree(timestamp: string): void {
  const manifestFile = join(folder, timestamp, 'manifest.json')
  const manifest = parseManifest(readFileSync(manifestFile, 'utf8'), manifestFile)
  console.log(`backups/${timestamp}/`)
  const paths = readdirSync(join(folder, timestamp), { recursive: true, encoding: 'utf8' }).toSorted()
  for (const path of paths) {
    const { size } = statSync(join(folder, timestamp, path))
    const entry = manifest.entries.find(({ path: of }) => of === path)
    if (!paths.some(other => other.startsWith(`${path}/`)))
      console.log(`  ${path.padEnd(34)}${formatBytes(size).padStart(8)}`)
    for (const [name, rows] of Object.entries(entry?.counts ?? {}).toSorted()) {
      console.log(`    ${name.padEnd(36)}${formatCount(rows).padStart(9)}`)
    }
  }
}

title('Starting a PostgreSQL and a MongoDB server')
await using postgres = await startPostgres()
await using mongo = await startMongo()
console.log(`PostgreSQL on port ${postgres.port}, MongoDB on port ${mongo.port}`)

title('Filling ngwenya (MongoDB), ngwenya_auth and ngwenya_uchat (PostgreSQL); ngwenya_scim stays missing')
await Promise.all([seedNgwenya(mongo.url()), seedAuth(postgres.url()).then(() => seedUchat(postgres.url()))])

const env = {
  ...process.env,
  PATH: [postgres.bin, await mongoTools(), process.env.PATH].join(delimiter),
  BACKUP_LOCAL_DIR: folder,
  BACKUP_DATABASES: [`${mongo.url()} ngwenya`, `${postgres.url()} ngwenya_auth ngwenya_uchat ngwenya_scim`].join('\n'),
}

title('Backing up')
const { timestamp } = JSON.parse(await dbBackup(env, 'backup', '--json'))
title('What is there')
await dbBackup(env, 'list')
title('The new set, with rows and documents as counted in the dumps')
showTree(timestamp)
console.log(`\nThe commands that restore each file without this program: backups/${timestamp}/RESTORE.md`)
