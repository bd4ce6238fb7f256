import { escapeIdentifier, escapeLiteral } from 'pg'
import { withClient } from '../../scripts/demo/postgres-database.ts'
import type { PostgresServer } from '../../scripts/rig/index.ts'

/** Makes a role that may read all data, anew if it is there. */
export async function makeReader(server: PostgresServer, user: string, password: string): Promise<void> {
  const role = escapeIdentifier(user)
  await withClient(server.url(), client =>
    client.query(`
      DROP ROLE IF EXISTS ${role};
      CREATE ROLE ${role} LOGIN PASSWORD ${escapeLiteral(password)};
      GRANT pg_read_all_data TO ${role}`),
  )
}
