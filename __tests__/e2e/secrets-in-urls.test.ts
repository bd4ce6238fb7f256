import { describe, test } from 'node:test'
import { assertQuiet, makeSecret } from '../support/secret.ts'
import { makeWorkplace } from '../support/workplace.ts'

const secret = makeSecret()

describe('passwords in a URL that is written wrongly', () => {
  for (const scheme of ['postgres', 'mongodb']) {
    for (const [what, write] of [
      ['nothing is encoded', text => `${scheme}://u:${text}@127.0.0.1:1 app`],
      ['a / is not encoded', text => `${scheme}://u:${encodeURIComponent(text).replace('%2F', '/')}@127.0.0.1:1 app`],
      ['a : is not encoded', text => `${scheme}://u:${encodeURIComponent(text).replace('%3A', ':')}@127.0.0.1:1 app`],
      ['an @ is not encoded', text => `${scheme}://u:${encodeURIComponent(text).replace('%40', '@')}@127.0.0.1:1 app`],
      ['a % is not encoded', text => `${scheme}://u:${encodeURIComponent(text).replace('%25', '%zz')}@127.0.0.1:1 app`],
      ['a space is not encoded', text => `${scheme}://u:1 ${encodeURIComponent(text)}@127.0.0.1:1 app`],
      ['the scheme is missing', text => `u:${encodeURIComponent(text)}@127.0.0.1:1 app`],
      ['the scheme is unknown', text => `my${scheme}://u:${encodeURIComponent(text)}@127.0.0.1:1 app`],
      ['no database is named', text => `${scheme}://u:${encodeURIComponent(text)}@127.0.0.1:1`],
      [
        'an option is wrong',
        text => `${scheme}://u:${encodeURIComponent(text)}@127.0.0.1:1/?sslmode=nope&tls=nope app`,
      ],
    ] as const satisfies [string, (password: string) => string][]) {
      test(`do not show when ${what} in a ${scheme} URL`, async () => {
        await using where = await makeWorkplace([], { BACKUP_DATABASES: write(secret.password) })
        await assertQuiet(await where.run(['backup']), where, { code: 2, says: /error: Reading / }, secret)
      })
    }
  }
})
