import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { getPart } from './find.ts'
import { makeHome } from './home.ts'
import { type Launched, launch } from './launch.ts'

export interface S3Server extends Launched {
  endpoint: string
  accessKeyId: string
  secretAccessKey: string
  region: string
  /** Holds a folder for each bucket, and in it the objects as files. */
  dir: string
}

/** An S3 server without buckets. Addresses are path-style: `<endpoint>/<bucket>/<key>`. */
export async function startS3(): Promise<S3Server> {
  const { bin } = await getPart('versitygw')
  const home = await makeHome()
  const [dir, metadata] = [join(home.dir, 'buckets'), join(home.dir, 'metadata')]
  const keys = { accessKeyId: 'rig', secretAccessKey: randomBytes(12).toString('base64url') }
  const region = 'us-east-1'
  // Only this server knows this path: an answer on it is not another server's on the same port.
  const health = `/${randomBytes(12).toString('hex')}`

  const server = await launch({
    name: 'versitygw',
    home,
    prepare: async () => {
      await mkdir(dir)
      await mkdir(metadata)
    },
    command: port => [
      ...[join(bin, 'versitygw'), '--port', `127.0.0.1:${port}`, '--health', health, '--region', region],
      ...['--access', keys.accessKeyId, '--secret', keys.secretAccessKey, '--quiet', 'posix'],
      // Metadata in files, for not every temporary directory has extended attributes.
      ...['--sidecar', metadata, dir],
    ],
    ready: async port =>
      (await fetch(`http://127.0.0.1:${port}${health}`, { signal: AbortSignal.timeout(5000) })).status === 200,
    stopSignal: 'SIGTERM',
    endSignal: 'SIGKILL',
  })
  return { ...server, endpoint: `http://127.0.0.1:${server.port}`, ...keys, region, dir }
}
