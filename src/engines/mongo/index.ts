import type { Readable } from 'node:stream'
import type { Deps } from '../../system/deps.ts'
import { messageOf } from '../../system/errors.ts'
import { type Contents, type Engine, EngineError, type InspectDumpOptions } from '../engine.ts'
import { archiveReader } from './archive.ts'
import { checkMongodumpArgs } from './args.ts'
import { mongoServer } from './server.ts'

export function mongo(deps: Deps): Engine {
  return {
    name: 'mongo',
    schemes: ['mongodb', 'mongodb+srv'],
    server: url => mongoServer(url, deps),
    checkArgs: checkMongodumpArgs,
    inspectDump,
  }
}

async function inspectDump(
  dump: Readable,
  { checksums = false, onProgress }: InspectDumpOptions = {},
): Promise<Contents> {
  const reader = archiveReader(checksums)
  try {
    for await (const chunk of dump) {
      reader.write(chunk)
      onProgress?.(reader.soFar)
    }
    const { counts, rawBytes, collections } = reader.end()
    return { counts, rawBytes, objects: collections }
  } catch (cause) {
    throw new EngineError('damaged', `Reading a MongoDB archive: ${messageOf(cause)}`, { cause })
  }
}
