import { parseEnv } from 'node:util'
import { UsageError } from '../system/errors.ts'
import { settings } from './table.ts'

/**
 * Reads the text of a `.env` file. A value in double quotes ends at the next double quote, so a database's name in
 * double quotes would cut it short without a word: text behind the closing quote of one of our settings is a
 * `UsageError`.
 */
export function parseDotenv(text: string, path: string): Readonly<Record<string, string | undefined>> {
  const ours = Object.values(settings).flatMap(({ env }) => [env, `${env}_FILE`])
  for (const [, name = '', quote = '', after = ''] of text.matchAll(assignment)) {
    if (!ours.includes(name) || /^[ \t]*(#|$)/.test(after)) continue
    throw new UsageError(
      `Reading ${path}: text follows the closing ${quote} of ${name}, so its value would end there. ` +
        `Put ${quote === '"' ? "single quotes (')" : 'other quotes'} around the whole value.`,
    )
  }
  return parseEnv(text)
}

// A name, a quote, the value up to the same quote, and what follows on that line.
const assignment = /^[ \t]*(?:export[ \t]+)?(\w+)[ \t]*=[ \t]*(["'`])[\s\S]*?\2([^\n]*)/gm
