import { checkDumperArgs } from '../args.ts'

// mongodump 100's options (`mongodump --help`). Unknown ones are refused: what they do to an archive is not known.
const options = {
  selecting: [
    '--collection=',
    '-c=',
    '--query=',
    '-q=',
    '--queryFile=',
    '--excludeCollection=',
    '--excludeCollectionsWithPrefix=',
  ],
  passing: ['--readPreference=', '--forceTableScan', '--numParallelCollections=', '-j=', '--verbose=?', '-v'],
  refused: [
    '--archive=?',
    '--out=',
    '-o=',
    '--gzip',
    '--oplog',
    '--dumpDbUsersAndRoles',
    '--viewsAsCollections',
    '--quiet',
    '--uri=',
    '--config=',
    '--db=',
    '-d=',
    '--host=',
    '-h=',
    '--port=',
    '--username=',
    '-u=',
    '--password=?',
    '-p=?',
    '--authenticationDatabase=',
    '--authenticationMechanism=',
    '--awsSessionToken=',
    '--gssapiServiceName=',
    '--gssapiHostName=',
    '--ssl',
    '--sslCAFile=',
    '--sslPEMKeyFile=',
    '--sslPEMKeyPassword=',
    '--sslCRLFile=',
    '--sslFIPSMode',
    '--tlsInsecure',
    '--help',
    '--version',
  ],
} as const

export function checkMongodumpArgs(args: readonly string[]): readonly string[] {
  return checkDumperArgs('mongodump-args', 'mongodump', options, args)
}
