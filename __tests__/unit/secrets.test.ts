import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { createLog } from '../../src/report/log.ts'
import { createSecrets, type Secrets } from '../../src/system/secrets.ts'

const keeping = (...texts: readonly string[]): Secrets => {
  const secrets = createSecrets()
  for (const text of texts) secrets.add(text)
  return secrets
}

describe('a registered secret', () => {
  const secret = 'p@ss "w/rd\\ 100%\n$&é'
  for (const [form, text] of [
    ['as it is', secret],
    ['percent-encoded', encodeURIComponent(secret)],
    ['encoded as a whole URL is', encodeURI(secret)],
    ['inside JSON', JSON.stringify({ password: secret })],
    ['twice', `${secret}${secret}`],
    ['in a decoded URL', `mongodb://user:${secret}@db1/app`],
    ['in an encoded URL', `postgres://user:${encodeURIComponent(secret)}@db1/app`],
    ['in a URL inside JSON', JSON.stringify({ uri: `mongodb://user:${secret}@db1` })],
  ] as const) {
    test(`is blanked ${form}`, () => {
      const scrubbed = keeping(secret).scrub(`before ${text} after`)
      assert.match(scrubbed, /^before .*\*\*\*.* after$/s)
      for (const part of ['p@ss', 'p%40ss', 'w/rd', 'w%2Frd', '100%', '$&'])
        assert.ok(!scrubbed.includes(part), scrubbed)
    })
  }

  test('that holds another one is blanked whole, in whichever order they came', () => {
    const texts = ['hunter', 'hunter2', 'my hunter2 too']
    for (const order of [texts, texts.toReversed()]) {
      assert.equal(keeping(...order).scrub('a my hunter2 too b hunter2 c hunter d'), 'a *** b *** c *** d')
    }
  })

  test('is no pattern', () => {
    assert.equal(keeping('a.c', '$1', '^', '(').scrub('abc a.c $1 ^('), 'abc *** *** ******')
  })

  test('that is empty blanks nothing', () => assert.equal(keeping('').scrub('nothing here'), 'nothing here'))
})

describe('the user and password of a URL are blanked, though nobody registered them', () => {
  for (const [text, scrubbed] of [
    ['mongodb://user:pass@db1:27017/app', 'mongodb://***@db1:27017/app'],
    [
      'could not reach mongodb+srv://u:p@c.example.net/?tls=true: no answer',
      'could not reach mongodb+srv://***@c.example.net/?tls=true: no answer',
    ],
    ['postgres://u:p@db1 and postgresql://u:p@db2', 'postgres://***@db1 and postgresql://***@db2'],
    ['POSTGRES://u:p@db1', 'POSTGRES://***@db1'],
    ['mongodb://u:p%40ss@a,b,[::1]/app', 'mongodb://***@a,b,[::1]/app'],
    ['mongodb://u:p@ss@db1/app', 'mongodb://***@db1/app'],
    ['mongodb://u:p/ss@db1/app', 'mongodb://***@db1/app'],
    ['{"uri":"mongodb://u:p@db1","mail":"me@corp"}', '{"uri":"mongodb://***@db1","mail":"me@corp"}'],
    ["uri: 'mongodb://u:p@db1' me@corp", "uri: 'mongodb://***@db1' me@corp"],
    ['mongodb://db1:27017/app and me@corp', 'mongodb://db1:27017/app and me@corp'],
  ] as const) {
    test(text, () => assert.equal(createSecrets().scrub(text), scrubbed))
  }
})

test('the log blanks secrets in every line, also those registered after it was made', () => {
  const secrets = createSecrets()
  const lines: string[] = []
  const log = createLog(line => lines.push(line), secrets, new PassThrough() as unknown as NodeJS.WriteStream)
  secrets.add('hunter2')
  log.info('info hunter2')
  log.warn('warn hunter2')
  log.error('error mongodb://u:p@db1')
  assert.deepEqual(lines, ['info ***', 'warning: warn ***', 'error: error mongodb://***@db1'])
})
