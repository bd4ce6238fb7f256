/**
 * Builds `dist/`: the compiler writes JavaScript to `build/`, ncc makes one bundle of it in `dist/main/`, and each
 * front door is a stub over that bundle. `--check` builds beside `dist/` and fails when the two differ.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

// Written for any Node that knows modules: an old one must be able to read it, to say that it is too old.
const stub = `#!/usr/bin/env node
function refuse(why) {
  console.error('db-backup: ' + why)
  process.exit(2)
}
if (process.platform === 'win32') {
  refuse('Windows is not supported. Run it on Linux or macOS, or in WSL.')
} else if (parseInt(process.versions.node, 10) < 24) {
  refuse('Node 24 or newer is needed, and this is Node ' + process.versions.node + '. Install it from https://nodejs.org')
} else {
  import('./main/index.js')
    .then(main => main.run())
    // Leaves once standard output has been written: a connection that is still being tried must not hold the exit.
    .then(code => process.stdout.write('', () => process.exit(code)))
}
`

function run(tool: string, args: readonly string[]): void {
  const { status } = spawnSync(process.execPath, [join(root, 'node_modules', tool), ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) throw new Error(`${tool} ended with ${status}`)
}

function build(target: string): void {
  rmSync(join(root, 'build'), { recursive: true, force: true })
  run('typescript/bin/tsc', ['-p', 'tsconfig.build.json'])
  cpSync(join(root, 'package.json'), join(root, 'build', 'package.json'))
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target, { recursive: true })
  run('@vercel/ncc/dist/ncc/cli.js', [
    'build',
    'build/src/cli.js',
    '--out',
    join(target, 'main'),
    '--target',
    'es2024',
    '--license',
    'licenses.txt',
    '--quiet',
  ])
  const cli = join(target, 'cli.js')
  writeFileSync(cli, stub)
  chmodSync(cli, 0o755)
}

function filesOf(folder: string): Map<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return new Map(
    entries.map(entry => {
      const path = join(entry.parentPath, entry.name)
      return [relative(folder, path), readFileSync(path, 'latin1')]
    }),
  )
}

if (process.argv.includes('--check')) {
  const fresh = mkdtempSync(join(tmpdir(), 'db-backup-dist-'))
  try {
    build(fresh)
    const [built, committed] = [filesOf(fresh), filesOf(dist)]
    const paths = [...new Set([...built.keys(), ...committed.keys()])]
    const stale = paths.filter(path => built.get(path) !== committed.get(path))
    if (stale.length > 0) {
      console.error(`dist/ is not what the sources build: ${stale.join(', ')}. Run: npm run build`)
      process.exitCode = 1
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
} else {
  build(dist)
}
