import type { Entry } from '../../src/sets/manifest.ts'

/** An entry as a backup writes it, but for what a test is about. */
export function entry(about: Partial<Entry> = {}): Entry {
  return {
    engine: 'postgres',
    database: 'ngwenya_auth',
    server: 'db2:5432',
    path: 'postgres/ngwenya_auth.dump',
    bytes: 123_456,
    rawBytes: 400_000,
    sha256: '9'.repeat(64),
    compression: 'zstd:1',
    encryption: null,
    filtered: [],
    serverVersion: '16.14',
    clientVersion: '16.14',
    counts: { 'public.users': 300_000 },
    startedAt: '2026-05-07T15:36:02.114Z',
    durationMs: 812,
    ...about,
  }
}
