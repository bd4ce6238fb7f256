import { connect, createServer, type Server, type Socket } from 'node:net'

/**
 * A way to a server that lets `bytes` of its answers pass on each connection, and holds that connection then: whoever
 * reads a dump through it stands still in the middle, for as long as a test needs, and no clock is asked.
 */
export interface Valve {
  /** Where it listens, on 127.0.0.1. */
  readonly port: number
  /** The URL with the server's port replaced by the valve's. */
  through(url: string): string
  /** How many connections are held. */
  held(): number
  /** Lets everything pass from now on. */
  open(): void
  [Symbol.asyncDispose](): Promise<void>
}

export async function makeValve(serverPort: number, bytes: number): Promise<Valve> {
  let limit = bytes
  const sockets = new Set<Socket>()
  const held = new Set<Socket>()
  const server = createServer(client => {
    const upstream = connect(serverPort, '127.0.0.1')
    let passed = 0
    upstream.on('data', chunk => {
      passed += chunk.length
      client.write(chunk)
      if (passed < limit) return
      upstream.pause()
      held.add(upstream)
    })
    client.on('data', chunk => upstream.write(chunk))
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      // A side that breaks off is the test's doing; the other side must see it.
      from.on('error', () => {})
      from.on('end', () => to.end())
      from.on('close', () => {
        sockets.delete(from)
        held.delete(from)
        to.destroy()
      })
    }
  })
  const port = await listen(server)
  return {
    port,
    through: url => url.replace(`:${serverPort}/`, `:${port}/`),
    held: () => held.size,
    open() {
      limit = Number.POSITIVE_INFINITY
      for (const socket of held) socket.resume()
      held.clear()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** A server that takes every connection and never says a word; `taken` counts them. */
export async function makeSilence(): Promise<{ readonly port: number; taken(): number } & AsyncDisposable> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => {}))
    socket.resume()
  })
  return {
    port: await listen(server),
    taken: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  return (server.address() as { port: number }).port
}
