import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseTimestamp, timestampsFrom } from '../../src/sets/timestamp.ts'

describe('parseTimestamp', () => {
  for (const [name, moment] of [
    ['2026-05-07T15-36', '2026-05-07T15:36:00.000Z'],
    ['2026-05-07T15-36-09', '2026-05-07T15:36:09.000Z'],
    ['2024-02-29T00-00', '2024-02-29T00:00:00.000Z'],
    ['9999-12-31T23-59-59', '9999-12-31T23:59:59.000Z'],
  ] as const) {
    test(`reads ${name} as UTC`, () => assert.equal(parseTimestamp(name)?.toISOString(), moment))
  }

  for (const [what, names] of Object.entries({
    'a day or month that no calendar has': [
      '2026-02-30T01-00',
      '2025-02-29T01-00',
      '2026-13-01T01-00',
      '2026-00-10T01-00',
    ],
    'a time that no clock shows': ['2026-05-07T24-00', '2026-05-07T15-60', '2026-05-07T15-36-60'],
    'another form': [
      '2026-05-07T15:36',
      '2026-05-07 15-36',
      '2026-05-07t15-36',
      '2026-5-7T15-36',
      '2026-05-07T15-36Z',
      '2026-05-07T15-36-9',
      '2026-05-07T15-36-09-01',
      '2026-05-07',
      '+002026-05-07T15-36',
      '٢٠٢٦-05-07T15-36',
    ],
    'anything around the name': [
      ' 2026-05-07T15-36',
      '2026-05-07T15-36\n',
      '.2026-05-07T15-36.part',
      '2026-05-07T15-36/mongo',
      'logs',
      '',
    ],
  })) {
    test(`takes ${what} for no timestamp`, () => {
      for (const name of names) assert.equal(parseTimestamp(name), undefined, JSON.stringify(name))
    })
  }
})

test('a set takes the name of its minute, else of its second or one of the 59 after it', () => {
  const names = [...timestampsFrom(new Date('2026-12-31T23:59:30.900Z'))]
  assert.deepEqual(names.slice(0, 3), ['2026-12-31T23-59', '2026-12-31T23-59-30', '2026-12-31T23-59-31'])
  assert.equal(names.at(-1), '2027-01-01T00-00-29')
  assert.equal(names.length, 61)
  for (const [index, name] of names.entries()) {
    assert.ok(parseTimestamp(name) !== undefined, name)
    // A name that sorts before an older set's would hide the newest set.
    if (index > 0) assert.ok(name > (names[index - 1] as string), name)
  }
})
