import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Client } from '../../src/tools/find.ts'
import { matchMongoClient, matchPostgresClient } from '../../src/tools/match.ts'

const client = (version: string, folder = `/opt/${version}/bin`): Client => ({
  folder,
  version,
  major: Number.parseInt(version, 10),
})

const clients = ['16.14', '9.6', '18.4', '15.8', '17.10', '15.3'].map(version => client(version))

describe('the client that dumps a PostgreSQL server', () => {
  for (const [server, version] of [
    [9, '9.6'],
    [10, '15.8'],
    [14, '15.8'],
    [15, '15.8'],
    [16, '16.14'],
    [17, '17.10'],
    [18, '18.4'],
  ] as const) {
    test(`of ${server} is ${version}: of the lowest major not below, the first that was found`, () => {
      assert.equal(matchPostgresClient(clients, server, 'db2:5432', 'linux').version, version)
      const reversed = matchPostgresClient(clients.toReversed(), server, 'db2:5432', 'linux')
      assert.equal(reversed.major, Number.parseInt(version, 10))
    })
  }

  for (const [platform, installed, message] of [
    [
      'linux',
      clients,
      'Choosing a client for db2:5432: it is PostgreSQL 19, and pg_dump cannot dump a server newer than itself. ' +
        'Installed: 16.14 in /opt/16.14/bin, 9.6 in /opt/9.6/bin, 18.4 in /opt/18.4/bin, 15.8 in /opt/15.8/bin, ' +
        '17.10 in /opt/17.10/bin, 15.3 in /opt/15.3/bin. Needed: pg_dump and pg_restore 19 or newer. ' +
        'Install them with: sudo apt-get install -y postgresql-client-19 ' +
        '(packages of every version: https://www.postgresql.org/download/linux/)',
    ],
    [
      'darwin',
      [],
      'Choosing a client for db2:5432: it is PostgreSQL 19, and pg_dump cannot dump a server newer than itself. ' +
        'Installed: none. Needed: pg_dump and pg_restore 19 or newer. Install them with: brew install postgresql@19',
    ],
  ] as const) {
    test(`of 19 with ${installed.length} older ones is missing: says what is there, what is needed and how to get it on ${platform}`, () => {
      assert.throws(() => matchPostgresClient(installed, 19, 'db2:5432', platform), { name: 'UserError', message })
    })
  }
})

describe('the client that dumps a MongoDB server', () => {
  test('is the first one found that is versioned apart from the server and loses no documents', () => {
    const found = [client('4.2.24'), client('100.4.0'), client('100.7.0'), client('100.13.0')]
    assert.equal(matchMongoClient(found, 'db1:27017', 'linux').version, '100.7.0')
    assert.equal(matchMongoClient([client('100.4.1')], 'db1:27017', 'linux').version, '100.4.1')
  })

  const needed = 'Needed: version 100 or newer, but not 100.4.0, which loses documents. Install them with: '
  for (const [platform, installed, there, install] of [
    [
      'linux',
      [client('4.2.24', '/usr/bin'), client('100.4.0')],
      '4.2.24 in /usr/bin, 100.4.0 in /opt/100.4.0/bin',
      'the package from https://www.mongodb.com/try/download/database-tools, then: sudo apt-get install -y ./mongodb-database-tools-*.deb',
    ],
    ['darwin', [], 'none', 'brew install mongodb/brew/mongodb-database-tools'],
  ] as const) {
    test(`is missing on ${platform}: says what is there, what is needed and how to get it`, () => {
      const said = 'Choosing a client for db1:27017: the MongoDB Database Tools (mongodump) on PATH do not fit. '
      const message = `${said}Installed: ${there}. ${needed}${install}`
      assert.throws(() => matchMongoClient(installed, 'db1:27017', platform), { name: 'UserError', message })
    })
  }
})
