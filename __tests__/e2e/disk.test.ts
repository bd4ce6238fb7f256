import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { after, before, describe, type TestContext, test } from 'node:test'
import { mongoTools, needs, postgresBin } from '../../scripts/rig/index.ts'
import { seedMongoBallast, seedPostgresBallast } from '../support/ballast.ts'
import { type Servers, startServers, stopServers } from '../support/servers.ts'
import { seedSmallPostgres } from '../support/small-databases.ts'
import { makeWorkplace, type Workplace } from '../support/workplace.ts'

let servers: Servers
let clients: readonly string[]

const place = (databases: string) => makeWorkplace(clients, { BACKUP_DATABASES: databases })
const large = () => `${servers.postgres.url()} large\n${servers.mongo.url()} large\n`

async function assertEmpty({ tmp, stored }: Workplace): Promise<void> {
  assert.deepEqual(await stored(), [], 'sets, hidden ones too')
  assert.deepEqual(await readdir(tmp), [], 'temporary files')
}

/**
 * Runs lines of sh that have a disk of their own at `backups`, and its path as `$0`: as root, or as a user who may play
 * root in a namespace of his own. Undefined, and said so, where neither may be: the limit on files has to do there.
 */
async function smallDisk({ bash, backups }: Workplace, options: string, t: TestContext) {
  const asRoot = process.getuid?.() === 0 ? '' : '--map-root-user '
  const inside = (line: string) =>
    bash(
      `mkdir -p "${backups}"; unshare --mount ${asRoot}sh -ec 'mount -t tmpfs -o ${options} none "$0"; ${line}' "${backups}"`,
    )
  const { code, stderr } = await inside(':')
  if (code === 0) return inside
  t.diagnostic(`no disk can be mounted here (${stderr.trim()}); a limit on the size of files is tried all the same`)
  return undefined
}

describe('a disk that does not take a backup', await needs('postgres17', 'mongod', 'mongo-tools'), () => {
  before(async () => {
    clients = [await postgresBin(17), await mongoTools()]
    servers = await startServers()
    await seedPostgresBallast(servers.postgres.url(), 'large', 16)
    await seedMongoBallast(servers.mongo.url(), 'large', 16, 64 * 1024)
    await seedSmallPostgres(servers.postgres.url(), 'small')
  })
  after(() => stopServers(servers))

  test('a full disk fails the run with its remedy and leaves nothing', async t => {
    await using where = await place(large())
    const disk = await smallDisk(where, 'size=4m', t)
    if (disk === undefined) return
    const { code, stderr, stdout } = await disk(
      'code=0; db-backup backup || code=$?; df --output=used "$0"; exit $code',
    )
    assert.equal(code, 1, stderr)
    for (const path of ['postgres/large.dump', 'mongo/large.archive.gz']) {
      assert.match(stderr, new RegExp(`Storing ${path} in .*: ENOSPC: .*The disk is full: make room`))
    }
    assert.match(stderr, /error: No backup was made: every database failed/)
    assert.match(stdout, /^\s*Used\n\s*0\n$/, 'the disk is empty again')
    assert.deepEqual(await readdir(where.tmp), [])
  })

  test('a disk that is full at any step, the manifest’s too, leaves nothing', async t => {
    await using where = await place(`${servers.postgres.url()} small`)
    // The disk itself, the hidden folder, its marker, `postgres`, the dump, RESTORE.md and the manifest.
    const files = 7
    for (let room = 1; room <= files; room++) {
      const disk = await smallDisk(where, `nr_inodes=${room}`, t)
      if (disk === undefined) return
      const { code, stderr, stdout } = await disk('code=0; db-backup backup || code=$?; ls -A "$0"; exit $code')
      if (room === files) assert.deepEqual([code, /^\S{16}\n$/.test(stdout)], [0, true], stderr)
      else assert.deepEqual([code, stdout], [1, ''], `room for ${room}: ${stderr}`)
      if (room < files) assert.match(stderr, /ENOSPC: .*The disk is full: make room/)
    }
  })

  test('a file that may not grow fails its entry and leaves nothing of it', async () => {
    await using where = await place(large())
    const { code, stderr } = await where.bash('ulimit -f 2000; db-backup backup')
    assert.equal(code, 1, stderr)
    for (const path of ['postgres/large.dump', 'mongo/large.archive.gz']) {
      assert.match(stderr, new RegExp(`Storing ${path} in .*: EFBIG: .*larger than this disk or this user may hold`))
    }
    assert.match(stderr, /error: No backup was made: every database failed/)
    await assertEmpty(where)

    await using other = await place(`${large()}${servers.postgres.url()} small`)
    assert.equal((await other.bash('ulimit -f 2000; db-backup backup')).code, 1)
    const [timestamp = '', ...more] = await other.stored()
    assert.deepEqual(more, [])
    const stored = await readdir(`${other.backups}/${timestamp}/postgres`)
    assert.deepEqual(stored, ['small.dump'], 'what fits is there')
  })

  test('a folder that may not be written to fails the run with its remedy', async () => {
    await using where = await place(`${servers.postgres.url()} small`)
    await mkdir(where.backups)
    await chmod(where.backups, 0o555)
    // Root passes by permissions, unless it gives that right up.
    const asUser = process.getuid?.() === 0 ? 'setpriv --bounding-set=-dac_override,-dac_read_search ' : ''
    const { code, stderr } = await where.bash(`${asUser}db-backup backup`)
    assert.equal(code, 1, stderr)
    assert.match(stderr, /error: Beginning the set \S+ in .*: EACCES: .*Give this user the right to do so/)
    assert.doesNotMatch(stderr, /defect|\n\s+at /)
    await assertEmpty(where)
    assert.equal((await where.bash(`${asUser}db-backup list`)).code, 0, 'its sets are listed all the same')
  })

  test('a file where the folder should be fails the run with its remedy, and stays', async () => {
    await using where = await place(`${servers.postgres.url()} small`)
    await writeFile(where.backups, 'precious')
    for (const folder of ['backups', 'backups/below']) {
      const { code, stderr } = await where.run(['backup', '--local-dir', folder])
      assert.equal(code, 1, stderr)
      assert.match(stderr, /error: Beginning the set \S+ in .*A file stands where a folder should be/)
      assert.doesNotMatch(stderr, /defect|\n\s+at /)
    }
    const { code, stderr } = await where.run(['list'])
    assert.equal(code, 1)
    assert.match(stderr, /error: Listing the sets in .*A file stands where a folder should be/)
  })
})
