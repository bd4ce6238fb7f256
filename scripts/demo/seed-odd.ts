import { createFrom } from './postgres-database.ts'

export { seedOddMongo } from './seed-odd-mongo.ts'

/** A database name with everything that a path, a URL, a shell line or an SQL literal would have to quote. */
export const oddDatabase = `Odd "Näme".db 'x'`

/** Creates `oddDatabase`: names and values that break tools which take a dump's text at its word. */
export const seedOddPostgres = (url: string): Promise<void> => createFrom(url, oddDatabase, './odd.sql')
