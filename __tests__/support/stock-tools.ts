import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'

type Command = readonly [file: string, ...args: string[]]

/** `from | to`, as a shell with pipefail would run it: fails with what the tools said when either one fails. */
const pipe = async ([from, ...fromArgs]: Command, [to, ...toArgs]: Command): Promise<void> => {
  const source = spawn(from, fromArgs, { stdio: ['ignore', 'pipe', 'pipe'] })
  const target = spawn(to, toArgs, { stdio: ['pipe', 'ignore', 'pipe'] })
  const [[sourceCode], [targetCode], sourceSaid, targetSaid] = await Promise.all([
    once(source, 'close'),
    once(target, 'close'),
    text(source.stderr),
    text(target.stderr),
    // A tool that ends early breaks the pipe; its exit code and words say more than EPIPE.
    pipeline(source.stdout, target.stdin).catch(() => source.stdout.destroy()),
  ])
  if (sourceCode !== 0) throw new Error(`${from} ended with ${sourceCode}: ${sourceSaid}`)
  if (targetCode !== 0) throw new Error(`${to} ended with ${targetCode}: ${targetSaid}`)
}

/** Copies a database with nothing but `pg_dump -Fc | pg_restore` of `bin`; the target must exist and be empty. */
export const copyPostgres = (bin: string, from: string, to: string): Promise<void> =>
  pipe(
    [join(bin, 'pg_dump'), '--format=custom', '--compress=0', `--dbname=${from}`],
    [join(bin, 'pg_restore'), '--exit-on-error', `--dbname=${to}`],
  )

/**
 * Copies a database with nothing but `mongodump --archive | mongorestore --archive` of `bin`. Without the bypass a
 * document older than its collection's validator is lost, with exit 0.
 */
export const copyMongo = (bin: string, from: string, database: string, to: string): Promise<void> =>
  pipe(
    [join(bin, 'mongodump'), `--uri=${from}`, `--db=${database}`, '--archive'],
    [join(bin, 'mongorestore'), `--uri=${to}`, '--archive', '--stopOnError', '--bypassDocumentValidation'],
  )
