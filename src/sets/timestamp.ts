/** A set's name: UTC, `YYYY-MM-DDTHH-mm`, or with `-ss` when the minute's name was taken. */
export type Timestamp = string

const shape = /^(\d{4})-(\d{2})-(\d{2})T(\d{2})-(\d{2})(?:-(\d{2}))?$/

/** The moment that a name stands for, or undefined when the text is not a timestamp (2026-02-30T01-00 is none). */
export function parseTimestamp(name: string): Date | undefined {
  const match = shape.exec(name)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second = '00'] = match
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`
  const date = new Date(iso)
  return !Number.isNaN(date.getTime()) && date.toISOString() === iso ? date : undefined
}

/** The names that a set begun at `now` may take, best first: the minute, then that second and the 59 after it. */
export function* timestampsFrom(now: Date): Generator<Timestamp> {
  const name = (date: Date, length: number) => date.toISOString().slice(0, length).replaceAll(':', '-')
  yield name(now, 16)
  for (let second = 0; second < 60; second++) yield name(new Date(now.getTime() + second * 1000), 19)
}
