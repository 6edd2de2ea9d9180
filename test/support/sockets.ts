import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll } from '@jest/globals'

/** A server on a free port of loopback that is gone at the end of the block: `await using`. */
export interface TestServer extends AsyncDisposable {
  readonly port: number
  readonly server: Server
}

/** Servers of tests that did not come to their end; left open they would keep jest from its own. */
const open = new Set<TestServer>()
afterAll(() => Promise.all([...open].map((server) => server[Symbol.asyncDispose]())))

/** Listens and hands every connection to `serve`, half-open allowed, as the listener core accepts them. Port 0 is any free one. */
export async function listen(serve: (socket: Socket) => void, host = '127.0.0.1', port = 0): Promise<TestServer> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket)
    // A peer may go as it likes; whoever tests that removes this first.
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
    serve(socket)
  })
  server.listen(port, host)
  await once(server, 'listening')
  const listening: TestServer = {
    port: (server.address() as AddressInfo).port,
    server,
    async [Symbol.asyncDispose]() {
      open.delete(listening)
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  open.add(listening)
  return listening
}

/** Both ends of one connection over loopback, half-open allowed; closed at the end of the block. */
export async function socketPair(): Promise<{ accepted: Socket; peer: Socket } & AsyncDisposable> {
  const arrived = Promise.withResolvers<Socket>()
  const server = await listen(arrived.resolve)
  const peer = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  peer.on('error', () => undefined)
  const [accepted] = await Promise.all([arrived.promise, once(peer, 'connect')])
  return {
    accepted,
    peer,
    async [Symbol.asyncDispose]() {
      peer.destroy()
      await server[Symbol.asyncDispose]()
    },
  }
}

/**
 * A TCP port of loopback where nobody listens. It lies below those that the system gives out (ip_local_port_range), so that no
 * other test comes upon it by asking for any free port.
 */
export async function closedPort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 12_000 + Math.floor(Math.random() * 18_000)
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!free) continue
    server.close()
    await once(server, 'close')
    return port
  }
  throw new Error('no closed port was found')
}
