import { readFile } from 'node:fs/promises'
import { Client, escapeIdentifier } from 'pg'

/** `url` with its database replaced by `name`, percent-encoded so that libpq and `pg` both read it back verbatim. */
export const withDatabase = (url: string, name: string): string => {
  const changed = new URL(url)
  changed.pathname = `/${encodeURIComponent(name)}`
  return changed.href
}

/** Runs `use` with a client of `url` and closes it, whatever happens. */
export const withClient = async <T>(url: string, use: (client: Client) => Promise<T>): Promise<T> => {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/** Creates `name` in UTF-8, whatever the cluster's own encoding is. Fails when it exists. */
export const createDatabase = (url: string, name: string): Promise<void> =>
  withClient(url, async client => {
    await client.query(`CREATE DATABASE ${escapeIdentifier(name)} TEMPLATE template0 ENCODING 'UTF8'`)
  })

/** Creates `name` and runs the SQL file beside this module in it, as one transaction. */
export const createFrom = async (url: string, name: string, file: string): Promise<void> => {
  await createDatabase(url, name)
  const sql = await readFile(new URL(file, import.meta.url), 'utf8')
  await withClient(withDatabase(url, name), client => client.query(sql))
}
