import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'

/** What a name is: a service's target and port with its text, or an address. */
export interface DnsRecords {
  readonly srv: Readonly<Record<string, { readonly target: string; readonly port: number }>>
  readonly txt: Readonly<Record<string, string>>
  /** IPv4 only. */
  readonly addresses: Readonly<Record<string, string>>
}

const types = { a: 1, txt: 16, srv: 33 } as const

/** A name server over UDP (RFC 1035) that knows a few records, and of every other name that it has none. */
export async function startDns(
  records: DnsRecords,
  address = '127.0.0.1',
  port = 0,
): Promise<{ readonly port: number } & AsyncDisposable> {
  const socket = createSocket('udp4')
  socket.on('message', (query: Buffer, { address, port }: RemoteInfo) => {
    const { name, end } = readName(query, 12)
    const data = answer(records, name.toLowerCase(), query.readUInt16BE(end))
    // Response, authoritative, recursion asked and available; one question, one answer or none.
    const head = Buffer.from([...query.subarray(0, 2), 0x85, 0x80, 0, 1, 0, data === undefined ? 0 : 1, 0, 0, 0, 0])
    const question = query.subarray(12, end + 4)
    // The name is the question's, the class Internet, the time to live a minute.
    const record = data && [Buffer.from([0xc0, 12]), question.subarray(-4), uint32(60), uint16(data.length), data]
    socket.send(Buffer.concat([head, question, ...(record ?? [])]), port, address)
  })
  socket.bind(port, address)
  await once(socket, 'listening')
  return {
    port: socket.address().port,
    async [Symbol.asyncDispose]() {
      socket.close()
      await once(socket, 'close')
    },
  }
}

function answer({ srv, txt, addresses }: DnsRecords, name: string, type: number): Buffer | undefined {
  if (type === types.srv && srv[name] !== undefined) {
    const { target, port } = srv[name]
    return Buffer.concat([uint16(0), uint16(0), uint16(port), writeName(target)])
  }
  if (type === types.txt && txt[name] !== undefined) return counted(txt[name])
  if (type === types.a && addresses[name] !== undefined) return Buffer.from(addresses[name].split('.').map(Number))
  return undefined
}

function readName(message: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = []
  let at = start
  for (let length = message[at] as number; length > 0; length = message[at] as number) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.'), end: at + 1 }
}

const writeName = (name: string) => Buffer.concat([...name.split('.').map(counted), Buffer.from([0])])
const counted = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
const uint16 = (value: number) => Buffer.from([value >> 8, value & 0xff])
const uint32 = (value: number) => Buffer.concat([uint16(value >>> 16), uint16(value & 0xffff)])
