import type { Client } from 'pg'
import { withClient } from '../../scripts/demo/postgres-database.ts'
import { definitions, notOfExtension, userSchema } from './postgres-definitions.ts'

type Relation = { readonly schema: string; readonly name: string; readonly quoted: string }

/** One snapshot for all queries, and settings that print each value in one way, whatever the server's defaults are. */
const session = `
  BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
  SET LOCAL search_path = ''; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres';
  SET LOCAL timezone = 'UTC'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1;
  SET LOCAL row_security = off; SET LOCAL statement_timeout = 0`

const relations = async (client: Client, kinds: readonly string[]): Promise<readonly Relation[]> => {
  const { rows } = await client.query<Relation>(
    `SELECT nspname AS schema, relname AS name, format('%I.%I', nspname, relname) AS quoted
     FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind = ANY($1) AND relispopulated AND ${userSchema('relnamespace')} AND ${notOfExtension('c.oid')} ORDER BY 1, 2`,
    [kinds],
  )
  return rows
}

/**
 * The digest of a table's rows: the first 128 bits of each row's sha256, added up. A sum does not depend on the order
 * of rows and needs no memory on either side. OFFSET 0 keeps the planner from computing each hash twice.
 */
const rowsDigest = async (client: Client, table: string): Promise<string> => {
  const { rows } = await client.query<{ rows: string; digest: string }>(
    `SELECT count(*) AS rows, concat_ws(' ', sum(('x' || left(hash, 16))::bit(64)::bigint),
       sum(('x' || substr(hash, 17, 16))::bit(64)::bigint)) AS digest
     FROM (SELECT encode(sha256(convert_to((r.*)::text, 'UTF8')), 'hex') AS hash FROM ONLY ${table} AS r OFFSET 0) AS hashes`,
  )
  return `${rows[0]!.rows} rows ${rows[0]!.digest}`
}

const sequenceState = async (client: Client, { quoted }: Relation): Promise<string> => {
  const { rows } = await client.query<{ value: string }>(
    `SELECT concat_ws(' ', 'at', s.last_value, 'called', s.is_called, 'type', seqtypid::regtype, 'start', seqstart,
       'by', seqincrement, 'from', seqmin, 'to', seqmax, 'cycle', seqcycle, 'cache', seqcache, 'owned by',
       (SELECT refobjid::regclass || '.' || attname FROM pg_depend JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
        WHERE objid = seqrelid AND classid = 'pg_class'::regclass AND deptype IN ('a', 'i'))) AS value
     FROM ${quoted} s, pg_sequence WHERE seqrelid = $1::regclass`,
    [quoted],
  )
  return rows[0]!.value
}

/** Everything that the database of `url` holds, by object: definitions, rows, sequences, large objects. */
export const postgresContents = (url: string): Promise<Record<string, string>> =>
  withClient(url, async client => {
    await client.query(session)
    const contents: Record<string, string> = {}
    for (const sql of definitions) {
      const { rows } = await client.query<{ key: string; value: string }>(sql)
      for (const { key, value } of rows) contents[key] = value
    }
    for (const table of await relations(client, ['r', 'm'])) {
      contents[`rows of ${table.quoted}`] = await rowsDigest(client, table.quoted)
    }
    for (const sequence of await relations(client, ['S'])) {
      contents[`sequence ${sequence.quoted}`] = await sequenceState(client, sequence)
    }
    return contents
  })

/**
 * Exact rows by `schema.table`, unquoted, as a dump's COPY blocks hold them: ordinary tables and partition leaves, each
 * without its children. No materialized views (a restore computes them) and no partitioned parents (they hold no rows).
 */
export const postgresCounts = (url: string): Promise<Record<string, number>> =>
  withClient(url, async client => {
    await client.query(session)
    const counts: Record<string, number> = {}
    for (const { schema, name, quoted } of await relations(client, ['r'])) {
      const { rows } = await client.query<{ rows: string }>(`SELECT count(*) AS rows FROM ONLY ${quoted}`)
      counts[`${schema}.${name}`] = Number(rows[0]!.rows)
    }
    return counts
  })
