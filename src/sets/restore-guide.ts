import type { Entry, Problem } from './manifest.ts'
import type { Timestamp } from './timestamp.ts'

export const restoreGuidePath = 'RESTORE.md'

interface GuideSource {
  readonly timestamp: Timestamp
  readonly entries: readonly Entry[]
  readonly skipped: readonly Problem[]
  readonly failed: readonly Problem[]
}

/**
 * The text of RESTORE.md: how to restore each file of this very set with the databases' own tools, for the day this
 * program is not at hand. Each command stands in a block of its own, so that a test can run it as it is.
 */
export function restoreGuide({ timestamp, entries, skipped, failed }: GuideSource): string {
  const postgres = entries.filter(({ engine }) => engine === 'postgres')
  const mongo = entries.filter(({ engine }) => engine === 'mongo')
  const left = [
    ...skipped.map(({ engine, database, reason }) => `- ${code(`${engine}/${database}`)} was skipped: ${line(reason)}`),
    ...failed.map(({ engine, database, reason }) => `- ${code(`${engine}/${database}`)} **failed**: ${line(reason)}`),
  ]
  return `${[
    `# Restoring the backup ${timestamp}`,
    'Every file here restores with the stock tools of its database. Run the commands with bash, in the folder that holds this file. ' +
      'They were written for empty servers: they create what the files hold and do not look at what is there already.',
    ...(left.length === 0 ? [] : ['## Not in this backup', left.join('\n')]),
    '## First: are the files whole?',
    block(`sha256sum -c <<'EOF'\n${entries.map(({ sha256, path }) => `${sha256}  ${path}`).join('\n')}\nEOF`),
    'On macOS: `shasum -a 256 -c` in place of `sha256sum -c`.',
    ...(postgres.length === 0 ? [] : postgresPart(postgres)),
    ...(mongo.length === 0 ? [] : mongoPart(mongo)),
  ].join('\n\n')}\n`
}

function postgresPart(entries: readonly Entry[]): readonly string[] {
  return [
    '## PostgreSQL',
    'Say where the server is, as a user who may create databases:',
    block('export PGHOST=localhost PGPORT=5432 PGUSER=postgres PGPASSWORD=…', 'text'),
    'Each command creates the database and fills it, and stops at the first error. A role that owns something and is ' +
      'missing on the server stops it too: create the role first, or add `--no-owner --no-privileges` to `pg_restore`. ' +
      'Before another try, drop what the first one made: `dropdb NAME`. The roles themselves, tablespaces and the settings ' +
      'of the server are not in a backup.',
    ...entries.flatMap(entry => [
      `### ${title(entry)}`,
      `Needs \`pg_restore\` ${Number.parseInt(entry.clientVersion, 10)} or newer${isForOlderServer(entry) ? ', and `psql` and `sed`, which takes out a setting that servers before 17 do not know' : ''}${
        entry.compression.startsWith('zstd') ? ', built with zstd' : ''
      } (written by pg_dump ${entry.clientVersion} from a server ${entry.serverVersion}).${filteredNote(entry)}`,
      block(pgRestore(entry)),
    ]),
  ]
}

// Databases that every server has: they are filled, not created.
const everywhere = ['postgres', 'template1']

function pgRestore(entry: Entry): string {
  const { path, database } = entry
  const isThere = everywhere.includes(database)
  const target = `--dbname=${isThere ? database : 'postgres'}`
  const create = isThere ? '' : '--create '
  if (!isForOlderServer(entry)) return `pg_restore ${create}--exit-on-error ${target} ${path}`
  return (
    `set -o pipefail\npg_restore ${create}--file=- ${path} |\n` +
    "  sed '1,/^COPY /{/^SET transaction_timeout = 0;$/d;}' |\n" +
    `  psql --no-psqlrc --quiet --output=/dev/null --set=ON_ERROR_STOP=1 ${target}`
  )
}

/**
 * From 17 on pg_restore sends a setting that older servers do not know. A dump of such a server that was written by a
 * newer client can be read by no older pg_restore, so its script goes through sed, up to the first rows.
 */
function isForOlderServer({ serverVersion, clientVersion }: Entry): boolean {
  return Number.parseInt(serverVersion, 10) < 17 && Number.parseInt(clientVersion, 10) >= 17
}

function mongoPart(entries: readonly Entry[]): readonly string[] {
  return [
    '## MongoDB',
    'Say where the server is, as a user with the role `restore`. Whoever can list processes on this machine can see the URI ' +
      'while a command runs; where that matters, put `uri: …` into a file of your own and give `--config=FILE` instead.',
    'Before another try, drop the database, or add `--drop`. Users and roles are not in a backup.',
    block("export MONGODB_URI='mongodb://user:password@localhost:27017/?authSource=admin'", 'text'),
    ...entries.flatMap(entry => [
      `### ${title(entry)}`,
      `Needs \`mongorestore\` 100 or newer${
        entry.compression.startsWith('zstd') ? ' and `zstd`' : ''
      } (written by mongodump ${entry.clientVersion} from a server ${entry.serverVersion}).${filteredNote(entry)}`,
      block(mongorestore(entry)),
    ]),
  ]
}

// Without the bypass, a document that is older than its collection's validator is left out.
function mongorestore({ path, compression }: Entry): string {
  const tool = 'mongorestore --uri="$MONGODB_URI" --bypassDocumentValidation --stopOnError'
  if (compression.startsWith('zstd')) return `set -o pipefail\nzstd -dc ${path} | ${tool} --archive`
  return `${tool} ${compression.startsWith('gzip') ? '--gzip ' : ''}--archive=${path}`
}

function title({ database, path }: Entry): string {
  return `${code(database)} (${code(path)})`
}

function filteredNote({ filtered }: Entry): string {
  return filtered.length === 0 ? '' : ` **Not everything is in it**: it was dumped with ${code(filtered.join(' '))}.`
}

function block(text: string, language = 'sh'): string {
  return `\`\`\`${language}\n${text}\n\`\`\``
}

/** Text from elsewhere as inline code: on one line, and between more backticks than it holds. */
function code(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return longest === 0 ? `\`${line(text)}\`` : `${fence} ${line(text)} ${fence}`
}

function line(text: string): string {
  return text.replace(/\s+/g, ' ')
}
