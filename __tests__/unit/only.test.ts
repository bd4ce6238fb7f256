import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseOnly } from '../../src/commands/only.ts'

describe('--only', () => {
  // What is included of: mongo/app, mongo/other, postgres/app, postgres/a/b.
  const all = [
    ['mongo', 'app'],
    ['mongo', 'other'],
    ['postgres', 'app'],
    ['postgres', 'a/b'],
  ] as const
  for (const [only, included, engines] of [
    [[], [true, true, true, true], [true, true]],
    [['mongo'], [true, true, false, false], [true, false]],
    [['postgres'], [false, false, true, true], [false, true]],
    [['postgres/app'], [false, false, true, false], [false, true]],
    [['postgres/a/b'], [false, false, false, true], [false, true]],
    [['postgres/a%2Fb'], [false, false, false, false], [false, true]],
    [['mongo/APP'], [false, false, false, false], [true, false]],
    [
      ['mongo/other', 'postgres/app'],
      [false, true, true, false],
      [true, true],
    ],
    [
      ['mongo', 'mongo/app'],
      [true, true, false, false],
      [true, false],
    ],
  ] as const) {
    test(`${only.join(' --only ') || 'not given'} narrows to what it names`, () => {
      const selection = parseOnly(only)
      assert.deepEqual(
        all.map(([engine, database]) => selection.includes(engine, database)),
        included,
      )
      assert.deepEqual([selection.includesEngine('mongo'), selection.includesEngine('postgres')], engines)
    })
  }

  for (const text of [
    '',
    'mysql',
    'app',
    'Mongo',
    'mongo/',
    'postgres/',
    'postgresql/app',
    '/app',
    ' mongo',
    'mongo\\app',
  ]) {
    test(`${JSON.stringify(text)} is refused, with what is allowed`, () => {
      assert.throws(() => parseOnly(['mongo', text]), {
        name: 'UsageError',
        message: `--only ${JSON.stringify(text)}: allowed: mongo, postgres, mongo/NAME, postgres/NAME`,
      })
    })
  }

  test('is refused for each thing that is not configured, also where the rest is; without it nothing is', () => {
    const configured = [
      { engine: 'mongo', database: 'shop' },
      { engine: 'postgres', database: 'app' },
    ] as const
    assert.throws(() => parseOnly(['mongo', 'postgres/typo']).refuseUnmatched(configured), {
      name: 'UsageError',
      message: '--only postgres/typo: no such database is configured; configured: mongo/shop, postgres/app',
    })
    for (const texts of [[], ['mongo'], ['mongo', 'postgres/app']]) {
      assert.doesNotThrow(() => parseOnly(texts).refuseUnmatched(configured))
    }
  })
})
