import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { formatBytes, formatCount, formatDuration, formatTable, plural, printable } from '../../src/report/format.ts'

describe('bytes are written in decimal units with three digits', () => {
  for (const [bytes, text] of [
    [0, '0 B'],
    [1, '1 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [1005, '1.00 kB'],
    [9994, '9.99 kB'],
    [9995, '10.0 kB'],
    [12_345, '12.3 kB'],
    [99_949, '99.9 kB'],
    [99_950, '100 kB'],
    [999_499, '999 kB'],
    [999_500, '1.00 MB'],
    [999_499_999, '999 MB'],
    [999_500_000, '1.00 GB'],
    [868_000_000_000, '868 GB'],
    [12_000_000_000_000, '12.0 TB'],
    [12_000_000_000_000_000, '12000 TB'],
    [0.4, '0 B'],
  ] as const) {
    test(`${bytes} is ${text}`, () => assert.equal(formatBytes(bytes), text))
  }
})

describe('time spans are written for people', () => {
  const [second, minute, hour] = [1000, 60_000, 3_600_000]
  for (const [ms, text] of [
    [0, '0.0 s'],
    [812, '0.8 s'],
    [9949, '9.9 s'],
    [9950, '10 s'],
    [89 * second, '89 s'],
    [90 * second, '2 min'],
    [10.4 * minute, '10 min'],
    [89 * minute, '89 min'],
    [90 * minute, '2 h'],
    [47 * hour, '47 h'],
    [48 * hour, '2 d'],
    [71.9 * hour, '2 d'],
    [72 * hour, '3 d'],
  ] as const) {
    test(`${ms} ms is ${text}`, () => assert.equal(formatDuration(ms), text))
  }
})

test('counts have their thousands marked, whatever the language of the machine', () => {
  assert.deepEqual([0, 999, 300_000, 1_234_567].map(formatCount), ['0', '999', '300,000', '1,234,567'])
  assert.deepEqual([plural(0, 'row'), plural(1, 'row'), plural(2000, 'row')], ['0 rows', '1 row', '2,000 rows'])
  assert.equal(plural(2, 'index', 'indices'), '2 indices')
})

describe('a table', () => {
  test('aligns its columns, numbers to the right, without spaces at the end of a line', () => {
    assert.equal(
      formatTable(
        [
          ['NAME', 'SIZE', 'STATE'],
          ['a', '1.00 kB', 'complete'],
          ['a longer name', '9 B', ''],
        ],
        [1],
      ),
      ['NAME              SIZE  STATE', 'a              1.00 kB  complete', 'a longer name      9 B'].join('\n'),
    )
  })

  test('may have lines that are too short, or none', () => {
    assert.equal(formatTable([['A', 'B'], ['long']]), 'A     B\nlong')
    assert.equal(formatTable([]), '')
  })
})

test('a text from elsewhere is printed on one line and without codes for the terminal', () => {
  for (const [text, printed] of [
    ['public.users', 'public.users'],
    ['two\nlines\r', 'two\\u000alines\\u000d'],
    ['\u001b[2Jgone', '\\u001b[2Jgone'],
    ['\u0000\u007f\u009b', '\\u0000\\u007f\\u009b'],
    ['\u2028\u2029', '\\u2028\\u2029'],
    ['é 数据库 🐊', 'é 数据库 🐊'],
  ] as const) {
    assert.equal(printable(text), printed)
  }
})
