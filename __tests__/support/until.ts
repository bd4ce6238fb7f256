import { setTimeout as delay } from 'node:timers/promises'

/**
 * Asks `condition` again and again until it gives something, and resolves with that. After `deadlineMs` it rejects and
 * says `what` was waited for.
 */
export async function until<T>(
  what: string | (() => string),
  condition: () => T | Promise<T>,
  deadlineMs = 20_000,
): Promise<Exclude<T, undefined | null | false | 0 | ''>> {
  for (const deadline = Date.now() + deadlineMs; ; await delay(5)) {
    const value = await condition()
    if (value) return value as Exclude<T, undefined | null | false | 0 | ''>
    if (Date.now() > deadline)
      throw new Error(`waited ${deadlineMs} ms for ${typeof what === 'string' ? what : what()}`)
  }
}
