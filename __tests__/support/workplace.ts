import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type Manifest, parseManifest } from '../../src/sets/manifest.ts'
import { type CliOptions, cliFile, type Ended, type RunningCli, runBash, startCli } from './cli.ts'
import { processes } from './processes.ts'
import { until } from './until.ts'

/** A user's place: an empty folder to work in, with a folder for temporary files and an environment of its own. */
export interface Workplace {
  /** Where `db-backup` runs. */
  readonly dir: string
  /** The default `local-dir`; not there before the first backup. */
  readonly backups: string
  /** What TMPDIR names. */
  readonly tmp: string
  readonly env: Readonly<Record<string, string | undefined>>
  start(args: readonly string[], more?: Partial<CliOptions>): RunningCli
  run(args: readonly string[], more?: Partial<CliOptions>): Promise<Ended>
  /** Runs a line of bash, with `set -euo pipefail` and `db-backup` on PATH. */
  bash(line: string): Promise<Ended>
  /** Runs `backup --json`, asserts that it exits with `code` (0), and gives the committed set. */
  backup(args?: readonly string[], more?: Partial<CliOptions> & { readonly code?: number }): Promise<StoredSet>
  /** Everything in `local-dir`, hidden folders included; empty when it is not there. */
  stored(): Promise<readonly string[]>
  [Symbol.asyncDispose](): Promise<void>
}

export interface StoredSet {
  readonly folder: string
  readonly manifest: Manifest
  readonly stderr: string
}

/** @param path folders with client tools, searched before the machine's own programs */
export async function makeWorkplace(
  path: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<Workplace> {
  const dir = await mkdtemp(join(tmpdir(), 'db-backup-e2e-'))
  const [tmp, bin] = [join(dir, 'tmp'), join(dir, 'bin')]
  await mkdir(tmp)
  await mkdir(bin)
  // As a symbolic link it would run by whichever `node` comes first on PATH.
  await writeFile(join(bin, 'db-backup'), `#!/bin/sh\nexec "${process.execPath}" "${cliFile}" "$@"\n`, { mode: 0o755 })
  const backups = join(dir, 'backups')
  const own = { PATH: [...path, bin, process.env.PATH].join(delimiter), HOME: dir, TMPDIR: tmp, ...env }
  const groups: number[] = []

  const start = (args: readonly string[], more: Partial<CliOptions> = {}) => {
    const running = startCli(args, { cwd: dir, ...more, env: { ...own, ...more.env } })
    groups.push(running.pid)
    return running
  }
  return {
    dir,
    backups,
    tmp,
    env: own,
    start,
    run: (args, more) => start(args, more).ended,
    bash: line => runBash(line, { env: own, cwd: dir }),
    async backup(args = [], { code = 0, ...more } = {}) {
      const ended = await start(['backup', '--json', ...args], more).ended
      assert.equal(ended.code, code, ended.stderr)
      const folder = join(backups, JSON.parse(ended.stdout).timestamp)
      const file = join(folder, 'manifest.json')
      return { folder, manifest: parseManifest(await readFile(file, 'utf8'), file), stderr: ended.stderr }
    },
    stored: () => readdir(backups).catch(() => []),
    async [Symbol.asyncDispose]() {
      // Only what a failed test left: a test that cares has looked before.
      const left = async () => (await processes()).filter(({ group }) => groups.includes(group))
      await until('the end of what the test left running', async () => {
        const running = await left()
        for (const { pid } of running) kill(pid)
        return running.length === 0
      })
      await rm(dir, { recursive: true, force: true })
    },
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended since.
  }
}
