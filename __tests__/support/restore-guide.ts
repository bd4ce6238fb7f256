import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Ended, runBash } from './cli.ts'

export interface Blocks {
  /** The block that checks the files' digests. */
  readonly check: string
  /** The block that restores the file at each path of the set. */
  readonly restore: (path: string) => string
}

/** The commands of a set's RESTORE.md, each as it stands there. */
export async function readGuide(folder: string): Promise<Blocks> {
  const text = await readFile(join(folder, 'RESTORE.md'), 'utf8')
  const blocks = [...text.matchAll(/^```sh\n(.*?)\n```$/gms)].map(([, block]) => block ?? '')
  const one = (what: string, fits: (block: string) => boolean): string => {
    const [block, ...more] = blocks.filter(fits)
    if (block === undefined || more.length > 0) throw new Error(`RESTORE.md has not one block for ${what}:\n${text}`)
    return block
  }
  return {
    check: one('the digests', block => block.startsWith('sha256sum')),
    restore: path => one(path, block => !block.startsWith('sha256sum') && block.includes(path)),
  }
}

/** Runs a block in the set's folder. Rejects with what the tools said unless all of them exit with 0. */
export async function runBlock(block: string, folder: string, env: NodeJS.ProcessEnv): Promise<Ended> {
  // RESTORE.md says so itself.
  const line = process.platform === 'darwin' ? block.replaceAll('sha256sum', 'shasum -a 256') : block
  const ended = await runBash(line, { cwd: folder, env })
  if (ended.code !== 0) throw new Error(`${line}\nended with ${ended.code ?? ended.signal}: ${ended.stderr}`)
  return ended
}

/**
 * A stand-in for the program `zstd`, for a machine that has none: only `zstd -dc FILE`, by Node's own zlib, which
 * contains the same library. Writes it into `folder`, which is to be put on PATH.
 */
export async function writeZstd(folder: string): Promise<void> {
  const script = `
const [mode, file] = process.argv.slice(2)
if (mode !== '-dc' || file === undefined) throw new Error('this stand-in knows only: zstd -dc FILE')
const { createReadStream } = require('node:fs')
const { pipeline } = require('node:stream')
pipeline(createReadStream(file), require('node:zlib').createZstdDecompress(), process.stdout, error => {
  if (error) throw error
})
`
  await writeFile(join(folder, 'zstd'), `#!${process.execPath}\n${script}`, { mode: 0o755 })
}
