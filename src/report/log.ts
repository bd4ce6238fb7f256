import { styleText } from 'node:util'
import type { Log } from '../system/deps.ts'
import type { Secrets } from '../system/secrets.ts'
import { printable } from './format.ts'

/** A log on standard error, scrubbed of secrets; `print` writes one line. */
export function createLog(print: (line: string) => void, secrets: Secrets, stream: NodeJS.WriteStream): Log {
  const say = (mark: string, text: string) => print(mark + withoutCodes(secrets.scrub(text)))
  const colour = (style: 'yellow' | 'red', text: string) => styleText(style, text, { stream, validateStream: true })
  return {
    info: text => say('', text),
    warn: text => say(`${colour('yellow', 'warning:')} `, text),
    error: text => say(`${colour('red', 'error:')} `, text),
  }
}

/** Names and answers from elsewhere may hold terminal codes; line breaks stay. */
function withoutCodes(text: string): string {
  return text.split('\n').map(printable).join('\n')
}
