import { UsageError } from '../system/errors.ts'

/**
 * A dumper's options by what they mean to a backup. `--name` takes no value, `--name=` takes one, `--name=?` may take
 * one behind an equals sign; single letters likewise.
 */
export interface DumperOptions {
  /** Leave data out: recorded as `filtered` and shown wherever the set is. */
  readonly selecting: readonly string[]
  /** Handed on as they are. */
  readonly passing: readonly string[]
  /** Change format, output, connection, compression or what the dump's reader relies on. */
  readonly refused: readonly string[]
}

/**
 * Checks a user's extra arguments for a dumper and returns the ones that leave data out. Each argument is read as the
 * tool's own parser would (clustered letters, abbreviated names), so that no spelling slips past. Throws a `UsageError`
 * that names the argument, without its value: that may be a password.
 */
export function checkDumperArgs(
  setting: string,
  tool: string,
  options: DumperOptions,
  args: readonly string[],
): readonly string[] {
  const all = [
    ...options.selecting.map(spec => ({ spec, kind: 'selecting' }) as const),
    ...options.passing.map(spec => ({ spec, kind: 'passing' }) as const),
    ...options.refused.map(spec => ({ spec, kind: 'refused' }) as const),
  ].map(option => ({ ...option, name: option.spec.replace(/=.*$/, ''), value: /=\??$/.exec(option.spec)?.[0] ?? '' }))

  const wrong = (argument: string, why: string) => new UsageError(`${setting}: ${argument} ${why}`)
  const find = (argument: string, name: string) => {
    const exact = all.find(option => option.name === name)
    const starting = name.startsWith('--') ? all.filter(option => option.name.startsWith(name)) : []
    const option = exact ?? (starting.length === 1 ? starting[0] : undefined)
    if (option === undefined) {
      const why = starting.length > 1 ? `is short for several: ${starting.map(o => o.name).join(', ')}` : ''
      throw wrong(argument, why || `is not an option of ${tool} that this db-backup knows`)
    }
    if (option.kind === 'refused') {
      throw wrong(
        argument,
        `is not allowed: ${option.name} would change the format, the connection or what the dump can be checked by`,
      )
    }
    return option
  }

  const filtered: string[] = []
  const rest = [...args]
  const nextValue = (argument: string): string => {
    const value = rest.shift()
    if (value === undefined) throw wrong(argument, 'wants a value')
    return value
  }
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const long = /^(--[^=]+)(=.*)?$/s.exec(argument)
    if (long !== null) {
      const name = long[1] as string
      const option = find(name, name)
      if (option.value === '' && long[2] !== undefined) throw wrong(name, 'takes no value')
      const takesNext = option.value === '=' && long[2] === undefined
      const whole = takesNext ? `${argument} ${nextValue(argument)}` : argument
      if (option.kind === 'selecting') filtered.push(whole)
    } else if (/^-[^-]/.test(argument)) {
      for (let at = 1; at < argument.length; at++) {
        const option = find(argument.slice(0, at + 1), `-${argument[at]}`)
        const last = at === argument.length - 1
        const value = option.value === '' ? '' : last ? ` ${nextValue(argument)}` : ` ${argument.slice(at + 1)}`
        if (option.kind === 'selecting') filtered.push(`${option.name}${value}`)
        if (option.value !== '') break
      }
    } else {
      throw wrong(JSON.stringify(argument), 'is not an option; the database is named in `databases`')
    }
  }
  return filtered
}
