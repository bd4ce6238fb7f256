import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { codeOf, messageOf, UsageError } from '../system/errors.ts'
import { type CommandName, type Setting, type SettingsOf, settings, settingsOf } from './table.ts'

type Texts = Readonly<Record<string, string | undefined>>

/** Where settings may stand. A flag beats the environment, which beats `.env`, which beats the default. */
export interface Sources {
  /** By setting name, without dashes in front. */
  readonly flags: Texts
  readonly env: Texts
  readonly dotenv: Texts
}

interface Found {
  readonly text: string
  /** Where it stood, for messages. */
  readonly origin: string
}

/**
 * Reads the settings of one command into their values. An empty text counts as not set. Throws a `UsageError` that
 * names the setting, where it stood, and what is allowed; the value itself is repeated only where it is no secret.
 */
export function readSettings<C extends CommandName>(
  command: C,
  sources: Sources,
  machine: { readonly cores: number; readonly cwd: string },
): SettingsOf<C> {
  const values = settingsOf(command).map(([name, row]) => {
    const found = find(name, row, sources, machine.cwd)
    if (found === undefined && row.default === undefined) return [camel(name), undefined]
    const text = found?.text ?? (typeof row.default === 'function' ? row.default(machine) : (row.default as string))
    try {
      return [camel(name), row.parse(text)]
    } catch (cause) {
      const value = row.secret ? '' : ` ${JSON.stringify(text)} is not valid;`
      throw new UsageError(
        `Reading the setting ${name} from ${found?.origin ?? 'its default'}:${value} ${messageOf(cause)}`,
        {
          cause,
        },
      )
    }
  })
  return Object.fromEntries(values)
}

function find(name: string, row: Setting, { flags, env, dotenv }: Sources, cwd: string): Found | undefined {
  if (flags[name]) return { text: flags[name], origin: `the flag --${name}` }
  for (const [texts, where] of [
    [env, 'the environment'],
    [dotenv, 'the file .env'],
  ] as const) {
    if (texts[row.env]) return { text: texts[row.env] as string, origin: `${row.env} of ${where}` }
    const variable = `${row.env}_FILE`
    const file = row.secret ? texts[variable] : undefined
    if (file) return { text: readSecret(resolve(cwd, file), name, variable), origin: `the file that ${variable} names` }
  }
  return undefined
}

function readSecret(path: string, name: string, variable: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    // The path is not repeated: whoever mistakes the variable for the setting has put the secret there.
    throw new UsageError(
      `Reading the setting ${name}: ${variable} names a file that cannot be read (${codeOf(cause)})`,
      { cause },
    )
  }
}

/** Variables that look like ours and are not: most often a typo, whose meaning would be lost in silence. */
export function unknownVariables(texts: Texts): readonly string[] {
  const known = Object.values<Setting>(settings).flatMap(({ env, secret }) => (secret ? [env, `${env}_FILE`] : [env]))
  return Object.keys(texts).filter(name => name.startsWith('BACKUP_') && texts[name] && !known.includes(name))
}

function camel(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}
