import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MongoClient } from 'mongodb'
import { parseMongoUri } from '../../src/engines/mongo/uri.ts'
import { parsePostgresUri } from '../../src/engines/postgres/uri.ts'

const parsers = { postgres: parsePostgresUri, mongodb: parseMongoUri } as const

describe('user, password and database, percent-encoded', () => {
  const odd = [
    'plain',
    'p@ss',
    'a:b',
    'a/b',
    '100%',
    '%41',
    'a#b',
    'a?b',
    'a&b=c',
    'a+b',
    'two words',
    '[x]',
    '"quoted"',
    "it's",
    'back\\slash',
    'line\nbreak',
    'pässwörd 数',
    "@:/%#? r00t p@ss:/?#%'",
  ]
  for (const [scheme, parse] of Object.entries(parsers)) {
    test(`come out of a ${scheme} URL as they are`, () => {
      for (const text of odd) {
        const encoded = encodeURIComponent(text)
        const { user, password, database, secrets } = parse(`${scheme}://${encoded}:${encoded}@db1/${encoded}`)
        assert.deepEqual({ user, password, database }, { user: text, password: text, database: text })
        assert.ok(secrets.includes(text) && secrets.includes(encoded), text)
      }
    })
  }

  test('reach the MongoDB driver as they are', () => {
    for (const text of odd) {
      const { forDriver: url, forTools } = parseMongoUri(
        `mongodb://u:${encodeURIComponent(text)}@db1/?authSource=admin`,
      )
      assert.equal(new MongoClient(url).options.credentials?.password, text)
      assert.equal(forTools('admin'), 'mongodb://u@db1/?authSource=admin')
    }
  })
})

describe('a character that was not percent-encoded is a wrong setting, and the message holds nothing of the password', () => {
  for (const [scheme, parse] of Object.entries(parsers)) {
    for (const [what, rest] of [
      ['@ in the password', 'user:hunter@twenty@db1/app'],
      ['@ and : in the password', 'user:hunter@twenty:1@db1/app'],
      ['@ twice in the password', 'user:hunter@@twenty@db1/app'],
      ['/ in the password', 'user:hunter/twenty@db1/app'],
      ['? in the password', 'user:hunter?twenty@db1/app'],
      ['? in a password that could be a port', 'user:12?twenty=hunter@db1/app'],
      ['/ in a password that could be a port', 'user:12/hunter@db1/app'],
      ['@ in a password that could be a port', 'user:12@hunter@db1/app'],
      ['? in the user', 'us?er:hunter@db1/app'],
      ['/ in the user', 'us/er:hunter@db1/app'],
      ['@ in the user', 'me@corp:hunter@db1/app'],
      [': in the password', 'user:hunter:twenty@db1/app'],
      ['% in the password', 'user:hunter%twenty@db1/app'],
      ['% at the end of the password', 'user:hunter%@db1/app'],
      ['half a character in the password', 'user:hunter%C3@db1/app'],
      ['a zero byte in the password', 'user:hunter%00@db1/app'],
      ['a space in the password, which ends the URL', 'user:hunter'],
      ['a / in the database', 'user:hunter@db1/app/hunter'],
    ] as const) {
      test(`${scheme}: ${what}`, () => {
        assert.throws(
          () => parse(`${scheme}://${rest}`),
          (error: Error) => {
            assert.equal(error.name, 'UsageError')
            assert.match(error.message, /Reading a (PostgreSQL|MongoDB) URL of `databases`: .*(%|form)/)
            assert.doesNotMatch(error.message, /hunter|twenty|db1/)
            return true
          },
        )
      })
    }
  }
})

describe('a PostgreSQL URL', () => {
  const plain = {
    host: 'localhost',
    port: 5432,
    user: undefined,
    password: undefined,
    database: undefined,
    options: {},
  }
  for (const [url, address, parts] of [
    ['postgres://', 'localhost:5432', {}],
    ['postgresql://db2', 'db2:5432', { host: 'db2' }],
    ['POSTGRES://DB2/App', 'DB2:5432', { host: 'DB2', database: 'App' }],
    ['postgres://backup@db2:6543/app', 'db2:6543', { host: 'db2', port: 6543, user: 'backup', database: 'app' }],
    ['postgres://backup:@db2/', 'db2:5432', { host: 'db2', user: 'backup' }],
    ['postgres://u:a#b@db2', 'db2:5432', { host: 'db2', user: 'u', password: 'a#b' }],
    ['postgres://[::1]:6543/app', '[::1]:6543', { host: '::1', port: 6543, database: 'app' }],
    [
      'postgres://u:p@[2001:db8::7]/app',
      '[2001:db8::7]:5432',
      { host: '2001:db8::7', user: 'u', password: 'p', database: 'app' },
    ],
    ['postgres://[fe80::1%25eth0]', '[fe80::1%eth0]:5432', { host: 'fe80::1%eth0' }],
    [
      'postgres:///app?host=/var/run/postgresql',
      '/var/run/postgresql:5432',
      { host: '/var/run/postgresql', database: 'app' },
    ],
    ['postgres://?host=/tmp/a:b', '/tmp/a:b:5432', { host: '/tmp/a:b' }],
    ['postgres://%2Fvar%2Frun%2Fpg:6543/app', '/var/run/pg:6543', { host: '/var/run/pg', port: 6543, database: 'app' }],
    [
      'postgres://db2?user=u&password=p%26q&dbname=app&port=6543',
      'db2:6543',
      { host: 'db2', port: 6543, user: 'u', password: 'p&q', database: 'app' },
    ],
    [
      'postgres://db2/app?sslmode=verify-full&sslrootcert=/etc/root.crt&options=-c%20search_path%3Da&connect_timeout=3',
      'db2:5432',
      {
        host: 'db2',
        database: 'app',
        options: {
          sslmode: 'verify-full',
          sslrootcert: '/etc/root.crt',
          options: '-c search_path=a',
          connect_timeout: '3',
        },
      },
    ],
  ] as const) {
    test(`${url} is read as libpq reads it`, () => {
      const { secrets, ...read } = parsePostgresUri(url)
      assert.deepEqual(read, { ...plain, address, ...parts })
      assert.equal(secrets.length > 0, read.password !== undefined)
    })
  }

  test('may have each sslmode that libpq knows', () => {
    for (const sslmode of ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']) {
      assert.deepEqual(parsePostgresUri(`postgres://db2?sslmode=${sslmode}`).options, { sslmode })
    }
  })

  test('keeps the password of its options secret too', () => {
    assert.deepEqual(parsePostgresUri('postgres://u@db2?password=p%40ss').secrets, ['p@ss'])
  })

  for (const [url, message] of [
    ['postgres://db2?sslmode=on', /sslmode "on" is none of disable, allow, prefer, require, verify-ca, verify-full/],
    ['postgres://db2?pgbouncer=true', /"pgbouncer" is no option that db-backup knows; known: application_name, /],
    ['postgres://db2?constructor=1', /"constructor" is no option/],
    ['postgres://db2?__proto__=1', /"__proto__" is no option/],
    ['postgres://db2?SSLMODE=require', /"SSLMODE" is no option/],
    ['postgres://db1,db2/app', /"db1,db2:5432" is not one host with one port from 1 to 65535/],
    ['postgres://db1:1,db2:2/app', /is not of the form .*, with one host/],
    ['postgres://db2:0', /"db2:0" is not one host with one port/],
    ['postgres://db2:65536', /"db2:65536" is not one host with one port/],
    ['postgres://db2?port=5432,5433', /is not one host with one port/],
    ['postgres://db2?port=5432.5', /is not one host with one port/],
    ['postgres://db2:54x', /is not of the form/],
    ['postgres://::1/app', /is not of the form/],
    ['postgres://db2/app?a=1?b=2', /is not of the form/],
    ['mysql://db2/app', /is not of the form/],
  ] as const) {
    test(`${url} is a wrong setting`, () => {
      assert.throws(() => parsePostgresUri(url), { name: 'UsageError', message })
    })
  }
})

describe('a MongoDB URL', () => {
  const replicaSet = 'mongodb://a:27018,b,[::1],[2001:db8::7]:27019/app?replicaSet=rs0&readPreference=secondary'
  for (const [url, parts] of [
    ['mongodb://db1', { address: 'db1:27017', user: undefined, database: undefined }],
    ['mongodb://db1:27018/', { address: 'db1:27018', user: undefined, database: undefined }],
    ['mongodb://backup@db1/app', { address: 'db1:27017', user: 'backup', database: 'app' }],
    [replicaSet, { address: 'a:27018,b:27017,[::1]:27017,[2001:db8::7]:27019', user: undefined, database: 'app' }],
    [
      'mongodb://%2Ftmp%2Fmongodb-27017.sock/app',
      { address: '/tmp/mongodb-27017.sock', user: undefined, database: 'app' },
    ],
    [
      'mongodb+srv://u:p@cluster.example.net/app?retryWrites=true',
      { address: 'cluster.example.net', user: 'u', database: 'app' },
    ],
    ['MongoDB://db1/?tls=true', { address: 'db1:27017', user: undefined, database: undefined }],
  ] as const) {
    test(`${url} is read`, () => {
      const { address, user, database, forDriver } = parseMongoUri(url)
      assert.deepEqual({ address, user, database }, parts)
      assert.equal(forDriver, url)
    })
  }

  for (const [url, authSource, forTools] of [
    ['mongodb://u:p@db1/app', 'app', 'mongodb://u@db1/?authSource=app'],
    ['mongodb://u:p@db1/app?authSource=users', 'users', 'mongodb://u@db1/?authSource=users'],
    ['mongodb://u%40corp:p@db1/?authSource=%24external', '$external', 'mongodb://u%40corp@db1/?authSource=%24external'],
    ['mongodb://u:p@db1', 'odd & even', 'mongodb://u@db1/?authSource=odd%20%26%20even'],
    ['mongodb://db1/app?authSource=users&tls=true', undefined, 'mongodb://db1/?authSource=users&tls=true'],
    ['mongodb://db1', undefined, 'mongodb://db1/?'],
    [replicaSet, undefined, 'mongodb://a:27018,b,[::1],[2001:db8::7]:27019/?replicaSet=rs0&readPreference=secondary'],
    [
      'mongodb+srv://u:p@c.example.net/app?w=majority&SERVERSELECTIONTIMEOUTMS=5000&tlsCAFile=/etc/ca.pem&w=1',
      'admin',
      'mongodb+srv://u@c.example.net/?w=majority&tlsCAFile=/etc/ca.pem&w=1&authSource=admin',
    ],
    [
      'mongodb://%2Ftmp%2Fm.sock/?serverSelectionTimeoutMS=1&connectTimeoutMS=2&socketTimeoutMS=3',
      undefined,
      'mongodb://%2Ftmp%2Fm.sock/?connectTimeoutMS=2&socketTimeoutMS=3',
    ],
  ] as const) {
    test(`${url} becomes for the tools ${forTools}`, () => {
      assert.equal(parseMongoUri(url).forTools(authSource), forTools)
    })
  }

  test('keeps from the driver a compression that it would want another module for, and nothing else', () => {
    for (const [url, forDriver] of [
      ['mongodb://db1/?compressors=snappy', 'mongodb://db1/'],
      ['mongodb://db1/app?tls=true&compressors=snappy,zlib&appName=me', 'mongodb://db1/app?tls=true&appName=me'],
    ] as const) {
      assert.equal(parseMongoUri(url).forDriver, forDriver)
      assert.match(parseMongoUri(url).forTools(undefined), /compressors=snappy/)
    }
  })

  test('keeps what opens something in its options secret too', () => {
    const { secrets } = parseMongoUri(
      'mongodb://u:p%40ss@db1/?tlsCertificateKeyFilePassword=k%3Dey&authmechanismproperties=AWS_SESSION_TOKEN:tok%2Fen&appName=me',
    )
    assert.deepEqual([...new Set(secrets)], ['p@ss', 'p%40ss', 'k=ey', 'AWS_SESSION_TOKEN:tok/en', 'tok/en'])
  })

  for (const url of [
    'mongodb://',
    'mongodb:///app',
    'mongodb://db1,,db2',
    'mongodb://db1:port',
    'mongodb://db1:',
    'mongodb://::1/app',
    'mongodb://[::1/app',
    'mongodb://db1?a=1?b=2',
    'mongodb+ssl://db1',
    'postgres://db1',
  ]) {
    test(`${url} is a wrong setting`, () => {
      assert.throws(() => parseMongoUri(url), { name: 'UsageError', message: /is not of the form mongodb:\/\// })
    })
  }
})
