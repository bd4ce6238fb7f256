import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watchdog } from '../../src/streams/watchdog.ts'

test('a stream that stands still for the whole span is told of once; one that moves now and then is not', t => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  let bytes = 0
  let stalls = 0
  watchdog(
    () => bytes,
    1000,
    () => stalls++,
  )
  for (let span = 0; span < 5; span++) {
    bytes++
    t.mock.timers.tick(1000)
    assert.equal(stalls, 0)
  }
  t.mock.timers.tick(100)
  assert.equal(stalls, 1)
  t.mock.timers.tick(10_000)
  assert.equal(stalls, 1)
})

test('a watch that was ended says nothing', t => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const stop = watchdog(
    () => 0,
    1000,
    () => assert.fail('told after the end'),
  )
  stop()
  t.mock.timers.tick(10_000)
})
