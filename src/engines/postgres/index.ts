import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { Deps } from '../../system/deps.ts'
import { messageOf } from '../../system/errors.ts'
import { type Client, findPostgresClients } from '../../tools/find.ts'
import { runTool, toolEnvironment } from '../../tools/run.ts'
import { type Contents, type Engine, EngineError, type InspectDumpOptions } from '../engine.ts'
import { checkPgDumpArgs } from './args.ts'
import { rowCounter } from './rows.ts'
import { postgresServer } from './server.ts'

export function postgres(deps: Deps): Engine {
  // Looking through the machine's clients starts each of them once; their number does not change within a run.
  let found: Promise<readonly Client[]> | undefined
  const clients = () => {
    found ??= findPostgresClients(deps)
    return found
  }
  return {
    name: 'postgres',
    schemes: ['postgres', 'postgresql'],
    server: url => postgresServer(url, deps, clients),
    checkArgs: checkPgDumpArgs,
    async inspectDump(dump, options) {
      try {
        return await inspectDump(dump, reader(await clients(), options), deps, options)
      } finally {
        // Whoever writes into it must not wait for a reader that has gone.
        dump.destroy()
      }
    },
  }
}

/** The client to read a dump with: as old as the one that wrote it, for an older one does not know its format. */
function reader(clients: readonly Client[], { clientVersion }: InspectDumpOptions = {}): Client {
  const byMajor = clients.toSorted((a, b) => a.major - b.major)
  const wanted = clientVersion === undefined ? Number.POSITIVE_INFINITY : Number.parseInt(clientVersion, 10)
  const client = byMajor.find(({ major }) => major >= wanted) ?? byMajor.at(-1)
  if (client === undefined || (clientVersion !== undefined && client.major < wanted)) {
    throw new EngineError(
      'client',
      `Reading a PostgreSQL dump: no pg_restore ${clientVersion === undefined ? '' : `${wanted} or newer `}is installed; ` +
        `the dump was written by pg_dump ${clientVersion ?? 'of an unknown version'}. Install that client.`,
    )
  }
  return client
}

/**
 * Has pg_restore read the dump to its end and counts the rows that come out. Only this finds a dump that was cut short
 * at any place; `pg_restore --list` reads the table of contents and no further.
 */
async function inspectDump(
  dump: Readable,
  { folder, version }: Client,
  deps: Deps,
  { onProgress, clientVersion }: InspectDumpOptions = {},
): Promise<Contents> {
  // Without --data-only a function's body could hold text that looks like a COPY block.
  const { stdin, stdout, ended } = runTool(deps, 'pg_restore', {
    file: join(folder, 'pg_restore'),
    args: ['--data-only', '--file=-'],
    env: toolEnvironment(deps.env),
  })
  // A pg_restore that failed reads no more: nobody waits for what the dump still brings.
  ended.catch(() => dump.destroy())
  const counter = rowCounter()
  const counting = (async () => {
    for await (const chunk of stdout) {
      counter.write(chunk)
      onProgress?.(counter.soFar)
    }
    return counter.end()
  })()
  const [fed, tool, counted] = await Promise.allSettled([feed(dump, stdin), ended, counting])
  deps.signal.throwIfAborted()
  const broken = (what: string, cause: unknown) =>
    new EngineError('damaged', `Reading a PostgreSQL dump: ${what}`, { cause })
  // In this order: a tool that failed explains the broken pipe, and a broken pipe explains the missing rows.
  if (tool.status === 'rejected') {
    const said = messageOf(tool.reason)
    const isTooOld = clientVersion === undefined && said.includes('unsupported version')
    if (!isTooOld && !said.includes('does not support compression')) throw broken(said, tool.reason)
    throw new EngineError(
      'client',
      `Reading a PostgreSQL dump: pg_restore ${version} in ${folder} cannot read it, damaged or not: ${said}. ` +
        'Install a pg_restore as new as the pg_dump that wrote it, built with the same compression ' +
        '(the packages of apt.postgresql.org have all).',
      { cause: tool.reason },
    )
  }
  if (fed.status === 'rejected') {
    throw broken(dump.errored ? messageOf(fed.reason) : 'bytes follow the end of the dump', fed.reason)
  }
  if (counted.status === 'rejected') throw broken(messageOf(counted.reason), counted.reason)
  return { counts: counted.value, rawBytes: counter.soFar.rawBytes }
}

/**
 * Writes everything to pg_restore, which ends by itself behind the last block: at its best before the dumper has said
 * that nothing more comes, so only a write that fails tells of bytes too many, and not an early exit. (What fits into
 * the pipe behind the end is never noticed.)
 */
async function feed(dump: Readable, stdin: Writable): Promise<void> {
  try {
    for await (const chunk of dump) {
      await new Promise<void>((resolve, reject) => {
        stdin.write(chunk, error => (error ? reject(error) : resolve()))
      })
    }
  } finally {
    stdin.end()
  }
}
