import { parseCompression, type WantedCompression } from '../streams/compression.ts'

/** Turns a setting's text into its value, or throws an `Error` whose message says what is allowed. */
export type Parse<T> = (text: string) => T

export function choice<const T extends string>(...allowed: readonly T[]): Parse<T> {
  return text => {
    const found = allowed.find(value => value === text)
    if (found === undefined) throw new Error(`allowed: ${allowed.join(', ')}`)
    return found
  }
}

export function integer(min: number, max: number): Parse<number> {
  return text => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value <= max)) throw new Error(`allowed: a whole number from ${min} to ${max}`)
    return value
  }
}

export const text: Parse<string> = value => value

export const compression: Parse<WantedCompression> = value => {
  const parsed = parseCompression(value)
  if (parsed === undefined) throw new Error('allowed: auto, none, gzip or gzip:1 to gzip:9, zstd or zstd:1 to zstd:19')
  return parsed
}

/** Splits arguments as a shell does: at white space, with single and double quotes and backslashes. */
export const words: Parse<readonly string[]> = value => {
  const found: string[] = []
  let word: string | undefined
  let quote: string | undefined
  for (let at = 0; at < value.length; at++) {
    const char = value[at] as string
    if (char === '\\' && quote !== "'") {
      const next = value[++at] ?? ''
      // Before a line break it says that the line goes on; in double quotes it is itself before any but these.
      if (next !== '\n') word = (word ?? '') + (quote === '"' && !'"\\$`'.includes(next) ? char : '') + next
    } else if (char === quote) quote = undefined
    else if (quote !== undefined) word = (word ?? '') + char
    else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (!/\s/.test(char)) word = (word ?? '') + char
    else if (word !== undefined) {
      found.push(word)
      word = undefined
    }
  }
  if (quote !== undefined) throw new Error(`a quote (${quote}) is not closed`)
  return word === undefined ? found : [...found, word]
}

/** One server of `databases` and what is to be backed up there. */
export interface DatabasesLine {
  readonly url: string
  /** `*` stands for all; none for the URL's own database. */
  readonly names: readonly string[]
}

/** One server per line: a URL, then names. A name with spaces or quotes stands in double quotes, a quote in it doubled. */
export const databases: Parse<readonly DatabasesLine[]> = value => {
  const lines = value.split(/\r?\n/).map((line, index) => ({ text: line.trim(), number: index + 1 }))
  return lines
    .filter(({ text }) => text !== '' && !text.startsWith('#'))
    .map(({ text, number }) => {
      const words = text.match(/"(?:[^"]|"")*"(?!\S)|\S+/g) ?? []
      const comment = words.findIndex(word => word.startsWith('#'))
      const [url = '', ...names] = comment === -1 ? words : words.slice(0, comment)
      // What stands on the line is not repeated: it may be a password.
      if (!/^[a-z+]+:\/\//i.test(url)) {
        throw new Error(`line ${number} does not start with a URL; wanted: a URL, then the names of databases`)
      }
      if (names.some(name => name.startsWith('"') && !/^"(?:[^"]|"")+"$/.test(name))) {
        throw new Error(`line ${number}: a name in double quotes is empty, not closed, or goes on behind them`)
      }
      // A URL with a space in its password falls into such pieces.
      if (names.some(name => !name.startsWith('"') && /[@:/]/.test(name))) {
        throw new Error(`line ${number}: a name with @ : or / stands in double quotes; a space in a URL is %20`)
      }
      return { url, names: names.map(name => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name)) }
    })
}
