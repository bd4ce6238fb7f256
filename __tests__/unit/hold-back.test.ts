import assert from 'node:assert/strict'
import { once } from 'node:events'
import { PassThrough, pipeline } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { digest } from '../../src/streams/digest.ts'
import { holdBack } from '../../src/streams/hold-back.ts'

const prompt = { timeout: 10_000 }

describe('holdBack', () => {
  test('passes everything at once, and its end only when it is proven', prompt, async () => {
    const proven = Promise.withResolvers<void>()
    const stream = holdBack(proven.promise)
    let ended = false
    stream.on('end', () => {
      ended = true
    })
    stream.end('a dump')
    await once(stream, 'readable')
    assert.equal(String(stream.read()), 'a dump')
    for (let turns = 0; turns < 50; turns++) await turn()
    assert.equal(ended, false)
    proven.resolve()
    assert.equal(await text(stream), '')
    assert.equal(ended, true)
  })

  for (const when of ['before the end has come', 'after the end has come'] as const) {
    test(`fails with the very error that says it is not good, ${when}`, prompt, async () => {
      const damaged = new Error('the dump is damaged')
      const proven = Promise.withResolvers<void>()
      proven.promise.catch(() => {})
      const stream = holdBack(proven.promise)
      const refused = assert.rejects(buffer(stream), error => error === damaged)
      if (when === 'before the end has come') proven.reject(damaged)
      stream.end('a dump')
      for (let turns = 0; turns < 10; turns++) await turn()
      if (when === 'after the end has come') proven.reject(damaged)
      await refused
      assert.ok(!stream.readableEnded)
    })
  }

  test('keeps whoever stores the stream from seeing a whole one', prompt, async () => {
    const damaged = new Error('the dump is damaged')
    const [source, body] = [new PassThrough(), digest()]
    const stored = buffer(body)
    pipeline(source, holdBack(Promise.reject(damaged)), body, () => {})
    source.end('a dump')
    await assert.rejects(stored, error => error === damaged)
    assert.equal(body.sha256, '')
  })
})

describe('digest', () => {
  test('passes everything on, with its size and its sha256 (FIPS 180-2, B.1)', async () => {
    const stream = digest()
    stream.write('a')
    stream.write(Buffer.from('bc'))
    assert.equal(stream.sha256, '')
    stream.end()
    assert.equal(await text(stream), 'abc')
    assert.equal(stream.bytes, 3)
    assert.equal(stream.sha256, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })

  test('counts bytes and not characters', async () => {
    const stream = digest()
    stream.end('é数')
    await text(stream)
    assert.equal(stream.bytes, 5)
  })
})
