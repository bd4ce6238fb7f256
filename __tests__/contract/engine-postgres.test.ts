import { createDatabase, withClient } from '../../scripts/demo/postgres-database.ts'
import { oddDatabase, seedOddPostgres } from '../../scripts/demo/seed-odd.ts'
import { seedAuth, seedUchat } from '../../scripts/demo/seed-postgres.ts'
import { needs, startPostgres } from '../../scripts/rig/index.ts'
import { postgres } from '../../src/engines/postgres/index.ts'
import { postgresCounts } from '../support/contents.ts'
import { seedSmallPostgres } from '../support/small-databases.ts'
import { engineContract } from './engine.ts'
import type { Subject } from './engine-bench.ts'

async function start(): Promise<Subject> {
  const [server, doomed] = await Promise.all([startPostgres(), startPostgres()])
  await Promise.all([seedAuth(server.url()), seedAuth(doomed.url())])
  await Promise.all([seedUchat(server.url()), seedOddPostgres(server.url())])
  await seedSmallPostgres(server.url(), 'small')
  await createDatabase(server.url(), 'hollow')
  await withClient(server.url('small'), client =>
    client.query(`
      CREATE ROLE half LOGIN PASSWORD 'only half';
      GRANT SELECT ON users, nothing TO half;
      CREATE ROLE reads LOGIN PASSWORD 'all data';
      GRANT pg_read_all_data TO reads;
      CREATE ROLE outside LOGIN PASSWORD 'not let in';
      REVOKE CONNECT ON DATABASE hollow FROM PUBLIC`),
  )
  await createDatabase(server.url(), 'policed')
  await withClient(server.url('policed'), client =>
    client.query('CREATE TABLE rows (id integer); ALTER TABLE rows ENABLE ROW LEVEL SECURITY'),
  )
  const login = (user: string, password: string, port = server.port) =>
    `postgres://${user}:${encodeURIComponent(password)}@${server.host}:${port}`
  const grant = /Grant it pg_read_all_data/
  const bypass = /all of rows\..*BYPASSRLS/
  return {
    tools: [server.bin],
    dumper: 'pg_dump',
    address: `${server.host}:${server.port}`,
    version: /^17\.\d+$/,
    url: server.url(),
    withPassword: password => `postgres://${server.user}:${password}@${server.host}:${server.port}/postgres`,
    anonymous: `postgres://nobody-here@${server.host}:${server.port}`,
    at: (port, patience) => `${login(server.user, 'se/cret', port)}/?${patience ? 'connect_timeout=1' : ''}`,
    databases: ['ngwenya_auth', 'ngwenya_uchat', oddDatabase],
    small: 'small',
    counts: database => postgresCounts(server.url(database)),
    empty: { name: 'hollow', objects: 0 },
    auto: { algorithm: 'zstd', level: 1 },
    outer: false,
    files: {
      gzip: { suffix: '.dump', start: 'PGDMP' },
      zstd: { suffix: '.dump', start: 'PGDMP' },
      none: { suffix: '.dump', start: 'PGDMP' },
    },
    modest: [{ who: 'pg_read_all_data', url: login('reads', 'all data') }],
    refusals: [
      {
        who: 'without SELECT on a table',
        step: 'dump',
        url: login('half', 'only half'),
        database: 'small',
        remedy: grant,
      },
      { who: 'under row security', step: 'dump', url: login('reads', 'all data'), database: 'policed', remedy: bypass },
      {
        who: 'without SELECT on a large object',
        step: 'dump',
        url: login('reads', 'all data'),
        database: 'ngwenya_auth',
        remedy: /GRANT SELECT ON LARGE OBJECT/,
      },
      {
        who: 'without CONNECT',
        step: 'inspect',
        url: login('outside', 'not let in'),
        database: 'hollow',
        remedy: grant,
      },
    ],
    leavingOut: [
      { args: ['-T', 'public.users'], without: ['public.users'] },
      { args: ['--exclude-table-data=users'], without: ['public.users'] },
      { args: ['-t', 'public.*table*'], without: ['public.users', 'public.nothing'] },
    ],
    doomed: { url: doomed.url(), kill: () => doomed.kill('SIGQUIT') },
    stop: () => Promise.all([server.stop(), doomed.stop()]),
  }
}

engineContract('postgres', await needs('postgres17'), postgres, start)
