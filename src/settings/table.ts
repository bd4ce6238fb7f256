import * as parse from './parse.ts'

export type CommandName = 'backup' | 'list'

/** One row of the table: everything that the program, its help and its documents know of a setting. */
export interface Setting<T = unknown, C extends CommandName = CommandName> {
  readonly env: string
  readonly group: 'What' | 'Where'
  readonly commands: readonly C[]
  readonly parse: parse.Parse<T>
  /** Used when nothing is given; without one the value is undefined. */
  readonly default?: string | ((machine: { readonly cores: number }) => string)
  /** The default as documents tell it, where it is no plain text. */
  readonly defaultText?: string
  /** Holds secrets: its contents may stand in a file that `<env>_FILE` names. */
  readonly secret?: boolean
  /** May be given more than once as a flag; the texts become lines. */
  readonly repeatable?: boolean
  /** What stands for the value in help. */
  readonly value: string
  readonly help: string
}

function setting<T, C extends CommandName>(row: Setting<T, C>): Setting<T, C> {
  return row
}

/** Every setting that is built, in the order in which documents list them. */
export const settings = {
  databases: setting({
    env: 'BACKUP_DATABASES',
    group: 'What',
    commands: ['backup'],
    parse: parse.databases,
    default: '',
    defaultText: 'none; required by backup',
    secret: true,
    repeatable: true,
    value: 'line',
    help: 'What to back up, one server per line: a URL, then the names of its databases, or * for all; without names, the database in the URL. A name with spaces stands in double quotes.',
  }),
  'missing-database': setting({
    env: 'BACKUP_MISSING_DATABASE',
    group: 'What',
    commands: ['backup'],
    parse: parse.choice('auto', 'skip', 'fail'),
    default: 'auto',
    value: 'what',
    help: 'What a configured database that does not exist means: auto skips it with a warning, and fails when an earlier backup holds it; skip and fail do always so.',
  }),
  'pg-dump-args': setting({
    env: 'BACKUP_PG_DUMP_ARGS',
    group: 'What',
    commands: ['backup'],
    parse: parse.words,
    default: '',
    defaultText: 'none',
    value: 'arguments',
    help: 'More arguments for pg_dump, as in a shell. Those that leave data out are recorded in the backup; those that change its format are refused.',
  }),
  'mongodump-args': setting({
    env: 'BACKUP_MONGODUMP_ARGS',
    group: 'What',
    commands: ['backup'],
    parse: parse.words,
    default: '',
    defaultText: 'none',
    value: 'arguments',
    help: 'More arguments for mongodump, likewise.',
  }),
  compression: setting({
    env: 'BACKUP_COMPRESSION',
    group: 'What',
    commands: ['backup'],
    parse: parse.compression,
    default: 'auto',
    value: 'how',
    help: 'How dumps are compressed: auto, gzip[:1-9], zstd[:1-19] or none; auto is zstd:1 for PostgreSQL where pg_dump was built with it, else gzip:1; gzip:1 for MongoDB.',
  }),
  parallel: setting({
    env: 'BACKUP_PARALLEL',
    group: 'What',
    commands: ['backup'],
    parse: parse.integer(1, 64),
    default: ({ cores }) => String(Math.min(4, cores)),
    defaultText: 'number of cores, at most 4',
    value: 'number',
    help: 'How many databases are dumped at once.',
  }),
  storage: setting({
    env: 'BACKUP_STORAGE',
    group: 'Where',
    commands: ['backup', 'list'],
    parse: parse.choice('local'),
    default: 'local',
    value: 'local',
    help: 'Where backups are kept: local is a folder of this machine.',
  }),
  'local-dir': setting({
    env: 'BACKUP_LOCAL_DIR',
    group: 'Where',
    commands: ['backup', 'list'],
    parse: parse.text,
    default: './backups',
    value: 'folder',
    help: 'The folder for storage local. Whatever in it is not named like a backup is ignored.',
  }),
} as const

type Table = typeof settings
export type SettingName = keyof Table

type Camel<S extends string> = S extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S
type Value<K extends SettingName> = ReturnType<Table[K]['parse']>

/** The parsed settings of one command, by their names in camel case. */
export type SettingsOf<C extends CommandName> = {
  readonly [K in SettingName as C extends Table[K]['commands'][number] ? Camel<K> : never]: Value<K>
}

/** The rows of one command, in the table's order. */
export function settingsOf(command: CommandName): readonly (readonly [SettingName, Setting])[] {
  const rows = Object.entries(settings) as unknown as readonly (readonly [SettingName, Setting])[]
  return rows.filter(([, row]) => row.commands.includes(command))
}
