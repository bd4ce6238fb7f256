import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { describe, type TestContext, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { createProgress } from '../../src/report/progress.ts'

/** A stream that keeps what is written, a clock that moves with the timers, and the progress between them. */
const setUp = (t: TestContext, terminal: { isTTY?: boolean; columns?: number; rows?: number } = {}) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const written: string[] = []
  const stream = new Writable({
    decodeStrings: false,
    write: (text, _encoding, done) => {
      written.push(text)
      done()
    },
  })
  let now = 0
  const progress = createProgress(Object.assign(stream, terminal) as unknown as NodeJS.WriteStream, () => now)
  return {
    progress,
    tick: (ms: number) => {
      now += ms
      t.mock.timers.tick(ms)
    },
    /** What was written since the last time. */
    taken: () => written.splice(0).join(''),
  }
}

describe('progress that goes to no terminal', () => {
  test('is a line per database every ten seconds', t => {
    const { progress, tick, taken } = setUp(t)
    const auth = progress.start('postgres/auth', 40_000_000)
    progress.start('mongo/ngwenya', 1_000_000)
    tick(9_999)
    assert.equal(taken(), '')
    auth.update({ rows: 120_000, rawBytes: 12_300_000 })
    tick(1)
    assert.equal(
      taken(),
      '  postgres/auth  12.3 MB of about 40.0 MB  1.23 MB/s  120,000 rows  10 s\n' +
        '  mongo/ngwenya  0 B of about 1.00 MB  0 B/s  0 documents  10 s\n',
    )
    auth.update({ rows: 300_000, rawBytes: 41_000_000 })
    tick(10_000)
    // An estimate that is passed was none.
    assert.match(taken(), /^ {2}postgres\/auth {2}41\.0 MB {2}2\.05 MB\/s {2}300,000 rows {2}20 s\n/)
  })

  test('no longer tells of a database that is done, and nothing once all are', t => {
    const { progress, tick, taken } = setUp(t)
    const [first, second] = [progress.start('postgres/a', 0), progress.start('postgres/b', 0)]
    first.stop()
    tick(10_000)
    assert.match(taken(), /^ {2}postgres\/b .*\n$/)
    second.stop()
    tick(60_000)
    assert.equal(taken(), '')
    progress.start('postgres/c', 0)
    tick(10_000)
    assert.match(taken(), /^ {2}postgres\/c .*\n$/)
  })

  test('lets lines of the log through as they are', t => {
    const { progress, taken } = setUp(t)
    progress.start('postgres/a', 0)
    progress.print('a line')
    assert.equal(taken(), 'a line\n')
  })

  test('writes a name that holds line breaks or codes on its one line', t => {
    const { progress, tick, taken } = setUp(t)
    progress.start('postgres/two\nlines\u001b[2J', 0)
    tick(10_000)
    assert.match(taken(), /^ {2}postgres\/two\\u000alines\\u001b\[2J {2}0 B [^\n]*\n$/)
  })
})

describe('progress on a terminal', () => {
  const terminal = { isTTY: true, columns: 60, rows: 24 }

  test('is drawn again in place several times a second', t => {
    const { progress, tick, taken } = setUp(t, terminal)
    const dump = progress.start('postgres/auth', 0)
    tick(150)
    assert.equal(stripVTControlCharacters(taken()), '  postgres/auth  0 B  0 B/s  0 rows  0.1 s\n')
    dump.update({ rows: 7, rawBytes: 100 })
    tick(850)
    const drawn = taken()
    assert.match(
      stripVTControlCharacters(drawn),
      / {2}postgres\/auth {2}100 B {2}[\d.]+ k?B\/s {2}7 rows {2}\d\.\d s\n$/,
    )
    // The line of before goes first.
    assert.ok(drawn.includes('\u001b[2K') || drawn.includes('\u001b[K'))
  })

  test('cuts a line that the terminal would wrap', t => {
    const { progress, tick, taken } = setUp(t, terminal)
    progress.start(`postgres/${'n'.repeat(200)}`, 0)
    tick(150)
    assert.equal(stripVTControlCharacters(taken()), `  postgres/${'n'.repeat(48)}\n`)
  })

  test('makes room for a line of the log and is drawn below it', t => {
    const { progress, tick, taken } = setUp(t, terminal)
    progress.start('postgres/auth', 0)
    tick(150)
    taken()
    progress.print('a line')
    assert.match(stripVTControlCharacters(taken()), /^a line\n {2}postgres\/auth .*\n$/)
  })

  test('is gone when the last database is done', t => {
    const { progress, tick, taken } = setUp(t, terminal)
    const [first, second] = [progress.start('postgres/a', 0), progress.start('postgres/b', 0)]
    tick(150)
    taken()
    first.stop()
    assert.equal(taken(), '')
    second.stop()
    assert.ok(taken().includes('\u001b[2K'))
    progress.print('a line')
    assert.equal(taken(), 'a line\n')
  })

  test('is gone when it is stopped, and does not come back with the next line of the log', t => {
    const { progress, tick, taken } = setUp(t, terminal)
    progress.start('postgres/auth', 0)
    tick(150)
    taken()
    progress.stop()
    assert.ok(taken().includes('\u001b[2K'))
    tick(1000)
    assert.equal(taken(), '')
    progress.print('a line')
    assert.equal(taken(), 'a line\n')
    progress.stop()
  })

  test('is lines every ten seconds where the terminal says that it has no columns', t => {
    const { progress, tick, taken } = setUp(t, { ...terminal, columns: 0 })
    progress.start('postgres/auth', 0)
    tick(10_000)
    assert.equal(taken(), '  postgres/auth  0 B  0 B/s  0 rows  10 s\n')
  })
})
