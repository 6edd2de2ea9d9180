import { connect } from '../../net/connect.ts'
import type { FramedSocket } from '../../net/framed-socket.ts'
import type { CommandContext } from '../command.ts'
import type { Trust } from './tls-trust.ts'

export interface Server {
  readonly host: string
  readonly port: number
  /** For connecting, and once more for the TLS handshake; 0 for as long as it takes. */
  readonly timeoutMs: number
  /** With TLS, and how its certificate is judged. */
  readonly trust: Trust | undefined
}

/** Connects. Rejects with NetworkError, ProtocolError or StorageError, or an abort's reason. */
export async function open(server: Server, { clock, signal }: CommandContext): Promise<FramedSocket> {
  if (server.trust === undefined) return connect({ ...server, clock, signal })
  // Only here, since it takes a while to load; and before there is a connection, whose end nobody would hear meanwhile.
  const { connectTls } = await import('../../net/connect-tls.ts')
  const plain = await connect({ ...server, clock, signal })
  const { socket, fingerprint } = await connectTls(plain, { ...server, ca: server.trust.ca, clock, signal })
  try {
    server.trust.check(fingerprint)
  } catch (error) {
    socket.destroy()
    throw error
  }
  return socket
}
