import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Command, CommanderError, Option } from 'commander'
import manifest from '../package.json' with { type: 'json' }
import { backup } from './commands/backup.ts'
import { formatList, list } from './commands/list.ts'
import { parseOnly, type Selection } from './commands/only.ts'
import { engines } from './engines/index.ts'
import { createLog } from './report/log.ts'
import { createProgress } from './report/progress.ts'
import { parseDotenv } from './settings/dotenv.ts'
import { readSettings, unknownVariables } from './settings/read.ts'
import { type CommandName, type SettingsOf, settingsOf } from './settings/table.ts'
import { openStore } from './stores/index.ts'
import type { Deps } from './system/deps.ts'
import { codeOf, exitCode, Interrupted, messageOf, UserError } from './system/errors.ts'
import { createSecrets } from './system/secrets.ts'
import { realWorld } from './system/world.ts'

const createdBy = `db-backup-action/${manifest.version}`

const descriptions: Readonly<Record<CommandName, string>> = {
  backup: 'Dump every configured database, verify each dump while it streams, and store them as one set.',
  list: 'List the sets in the store, newest first.',
}

const helpEnd = `
Settings also come from the environment, as named in brackets, and from a file .env in this folder.
BACKUP_DATABASES_FILE may name a file that holds BACKUP_DATABASES. For example:
  BACKUP_DATABASES='postgres://user:password@localhost:5432 app' db-backup backup
Exit codes: 0 done, 1 failed, 2 wrong flag or setting, 130 and 143 stopped by SIGINT and SIGTERM.`

/** What each command does, given its settings; resolves with the exit code. */
type Run<C extends CommandName> = (settings: SettingsOf<C>, only: Selection, output: Output) => Promise<number>

interface Output {
  /**
   * Prints the one JSON document, or the text for people where `--json` was not given, and resolves when it is written.
   * Rejects when it cannot be: whoever reads it must not take half of it for the whole.
   */
  print(json: unknown, text?: string): Promise<void>
}

/** The command line: parses, calls one command, catches once. Resolves with the exit code; never throws. */
export async function run(args: readonly string[] = process.argv.slice(2)): Promise<number> {
  const secrets = createSecrets()
  const progress = createProgress(process.stderr)
  const log = createLog(progress.print, secrets, process.stderr)
  let deps: Deps
  try {
    deps = realWorld(log, secrets)
  } catch (error) {
    report(error, log)
    return exitCode(error)
  }
  let code = 0

  const runBackup: Run<'backup'> = async (settings, only, { print }) => {
    const store = openStore(settings, deps)
    const done = await backup(settings, only, { engines: engines(deps), store, progress, createdBy }, deps)
    const bytes = done.entries.reduce((sum, entry) => sum + entry.bytes, 0)
    await print({ ...done, storage: store.kind, location: store.location, bytes })
    return done.failed.length === 0 ? 0 : 1
  }
  const runList: Run<'list'> = async (settings, only, { print }) => {
    const store = openStore(settings, deps)
    const sets = await list(only, store, deps)
    await print(sets, formatList(sets, store.location, deps.now()))
    return 0
  }

  const program = new Command('db-backup')
    .description('Backs up MongoDB and PostgreSQL, and proves that every dump can be read to its end.')
    .version(manifest.version)
    .exitOverride()
    .configureOutput({ writeErr: text => progress.print(secrets.scrub(text.trimEnd())) })
    .showHelpAfterError('Run `db-backup COMMAND --help` for what is allowed.')
  const add = <C extends CommandName>(name: C, action: Run<C>) =>
    addCommand(program, name, deps, async (settings, only, output) => {
      code = await action(settings as SettingsOf<C>, only, output)
    })
  add('backup', runBackup)
  add('list', runList)

  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    progress.stop()
    // Commander has printed its own message, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    report(error, log)
    return exitCode(error)
  }
}

function addCommand(
  program: Command,
  name: CommandName,
  deps: Deps,
  action: (settings: unknown, only: Selection, output: Output) => Promise<void>,
): void {
  const command = program
    .command(name)
    .description(descriptions[name])
    .option('--only <what>', 'only mongo, postgres, mongo/NAME or postgres/NAME; may be repeated', collect)
    .option('--json', 'print one JSON document on standard output, and nothing else there')
    .allowExcessArguments(false)
    .addHelpText('after', helpEnd)
  const rows = settingsOf(name)
  for (const [setting, row] of rows) {
    const help = `${row.help} [${row.env}; default: ${row.defaultText ?? row.default}]`
    const option = new Option(`--${setting} <${row.value}>`, help)
    if (row.repeatable) option.argParser(collect)
    command.addOption(option)
  }
  command.action(async (_options: unknown, parsed: Command) => {
    const options = parsed.opts<Record<string, unknown>>()
    // Commander calls --local-dir localDir.
    const flag = (setting: string) => options[setting.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())]
    const flags = Object.fromEntries(
      rows
        .map(([setting]) => [setting, flag(setting)])
        .map(([key, value]) => [key, Array.isArray(value) ? value.join('\n') : value]),
    )
    if (/:\/\/[^/\s@]*:[^/\s@]*@/.test(flags.databases ?? '')) {
      deps.log.warn(
        'A password given as a flag shows in the list of processes: put it into BACKUP_DATABASES, or into a file that BACKUP_DATABASES_FILE names.',
      )
    }
    const dotenv = readDotenv(deps.cwd)
    for (const variable of new Set([...unknownVariables(deps.env), ...unknownVariables(dotenv)])) {
      deps.log.warn(`${variable} is set and is no setting of db-backup ${manifest.version}: it is ignored`)
    }
    const settings = readSettings(name, { flags, env: deps.env, dotenv }, deps)
    await action(settings, parseOnly((options.only ?? []) as readonly string[]), {
      print: async (json, text) => {
        if (options.json === true) await writeOut(`${JSON.stringify(json, null, 2)}\n`)
        else if (text !== undefined) await writeOut(`${text}\n`)
      },
    })
  })
}

function writeOut(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // The callback tells of it; without a listener the error would end the process before.
    process.stdout.once('error', () => {})
    process.stdout.write(text, error => {
      // Whoever closed the pipe, as `head` does, has read enough.
      if (!error || codeOf(error) === 'EPIPE') resolve()
      else reject(new UserError(`Writing to standard output: ${messageOf(error)}`, { cause: error }))
    })
  })
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value]
}

function readDotenv(cwd: string): Readonly<Record<string, string | undefined>> {
  const path = join(cwd, '.env')
  try {
    // A pipe of that name would be waited for.
    if (!statSync(path).isFile()) return {}
    return parseDotenv(readFileSync(path, 'utf8').replace(/^\ufeff/, ''), path)
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return {}
    throw cause instanceof UserError ? cause : new UserError(`Reading ${path}: ${messageOf(cause)}`, { cause })
  }
}

/** One message for a person; a stack only where the program itself is at fault. */
function report(error: unknown, log: Deps['log']): void {
  if (error instanceof UserError || error instanceof Interrupted) log.error(messageOf(error))
  else
    log.error(
      `This is a defect of db-backup, please report it: ${error instanceof Error ? error.stack : String(error)}`,
    )
}
