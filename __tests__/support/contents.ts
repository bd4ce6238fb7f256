/**
 * What a database holds, as a flat map from object to definition or digest: `assert.deepEqual(before, after)` then says
 * which table, index, collection or large object differs, and nothing of what is equal.
 */
export { mongoContents, mongoCounts } from './mongo-contents.ts'
export { postgresContents, postgresCounts } from './postgres-contents.ts'
