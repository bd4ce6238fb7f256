import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ended } from './cli.ts'
import { oddPassword } from './servers.ts'
import type { Workplace } from './workplace.ts'

/** A password with two tokens that no encoding changes: whatever half of it shows, in whatever form, is found. */
export interface Secret {
  readonly password: string
  readonly tokens: readonly [string, string]
}

export function makeSecret(): Secret {
  const [head, tail] = [randomBytes(6).toString('hex'), randomBytes(6).toString('hex')]
  return { password: `${head}${oddPassword}${tail}`, tokens: [head, tail] }
}

export function shows(text: string | Buffer, { tokens }: Secret): boolean {
  return tokens.some(token => text.includes(token))
}

/** Asserts that nothing of the secrets shows in `text`, which stands in no message: it may hold them. */
export function assertHidden(text: string | Buffer, where: string, ...secrets: readonly Secret[]): void {
  assert.ok(!secrets.some(secret => shows(text, secret)), `a password shows in ${where}`)
}

/** Asserts that no file in the folder shows anything of the secrets, in its name or in its bytes. */
export async function assertHiddenIn(folder: string, ...secrets: readonly Secret[]): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    assertHidden(path, 'the name of a file', ...secrets)
    if (entry.isFile()) assertHidden(await readFile(path), path, ...secrets)
  }
}

/** Asserts how a run ended, what it said, and that nothing of the secrets stands in its output or its place's files. */
export async function assertQuiet(
  { code, stdout, stderr }: Ended,
  { dir }: Workplace,
  expected: { readonly code: number; readonly says: RegExp },
  ...secrets: readonly [Secret, ...Secret[]]
): Promise<void> {
  assertHidden(stdout, 'standard output', ...secrets)
  assertHidden(stderr, 'standard error', ...secrets)
  assert.equal(code, expected.code, stderr)
  assert.match(stderr, expected.says)
  await assertHiddenIn(dir, ...secrets)
}
