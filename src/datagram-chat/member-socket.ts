import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:dgram'
import type { Clock } from '../base/clock.ts'
import { errorCode, NetworkError } from '../base/errors.ts'
import { connectError } from '../net/connect-error.ts'
import { deriveRoomKey, type KeySchedule, keyScheduleFrom } from './aead.ts'
import { type Address, datagramSocket, resolveAddresses } from './datagram-socket.ts'
import { MemberEndpoint } from './member.ts'
import type { MemberDeps, MemberEvent } from './member-interface.ts'
import { emulatedPaths, type NetworkEmulatorOptions } from './network-emulator.ts'

export interface MemberConnectionOptions {
  readonly host: string
  readonly port: number
  readonly name: string
  /** Empty: any room. */
  readonly room: string
  /** From the room key's phrase, by `keysFromPhrase`. */
  readonly deriveKeys: MemberDeps['deriveKeys']
  /** Emulates a bad network in both directions. */
  readonly network: NetworkEmulatorOptions | undefined
}

export interface MemberConnection {
  readonly member: MemberEndpoint
  close(): void
}

/**
 * Connects a member to a relay and starts to join. `show` gets what happens; `unreachable` is called once, before `entered`, when no
 * address of the relay takes datagrams at this port.
 * @throws {NetworkError} when the name has no address.
 */
export async function connectMember(
  options: MemberConnectionOptions,
  clock: Clock,
  show: (event: MemberEvent) => void,
  unreachable: (error: NetworkError) => void,
): Promise<MemberConnection> {
  const { host, port } = options
  const addresses = [...(await resolveAddresses(host))]
  const { outward, inward } = emulatedPaths(options.network, clock)
  let socket: Socket | undefined
  let entered = false
  let closed = false
  const close = () => {
    closed = true
    member.close()
    socket?.removeAllListeners('message').close()
    socket = undefined
  }
  const member = new MemberEndpoint(options, {
    clock,
    random: randomBytes,
    deriveKeys: options.deriveKeys,
    show(event) {
      entered ||= event.type === 'entered'
      show(event)
    },
    send: (datagram) => outward(() => socket?.send(datagram)),
  })
  const next = (error?: unknown) => {
    const address = addresses.shift()
    socket?.removeAllListeners('message').close()
    socket = undefined
    if (address === undefined) {
      unreachable(unreachableError(error, host, port))
      return
    }
    const current = connected(address, port, () => member.join())
    socket = current
    current.on('message', (datagram) => inward(() => closed || member.receive(datagram)))
    // Once joined, an ICMP error says no more than silence does: it may be forged, or pass.
    current.on('error', (error) => entered || closed || socket !== current || next(error))
  }
  next()
  return { member, close }
}

function unreachableError(error: unknown, host: string, port: number): NetworkError {
  if (errorCode(error) !== 'ECONNREFUSED') return connectError(error, host, port)
  return new NetworkError('ECONNREFUSED', `no relay answers at ${host} port ${port}`, {
    hint: `start one there with: netlab chat-udp --serve --port ${port}`,
    cause: error,
  })
}

/** Connected, so that the system drops what others send us and tells when nobody listens at the port (ICMP). */
function connected({ address, family }: Address, port: number, ready: () => void): Socket {
  const socket = datagramSocket(family)
  // As an event, not as connect's callback: that is called for failures too, which then are no 'error' event.
  socket.once('connect', ready)
  socket.connect(port, address)
  return socket
}

/** Derives the room key from the phrase, once for a relay's salt: it takes a third of a second. */
export function keysFromPhrase(phrase: string): NonNullable<MemberDeps['deriveKeys']> {
  const made = new Map<string, Promise<KeySchedule>>()
  return (salt, done) => {
    const id = salt.toString('hex')
    const making = made.get(id) ?? deriveRoomKey(phrase, Buffer.from(salt)).then(keyScheduleFrom)
    made.clear()
    made.set(id, making)
    void making.then(done)
  }
}
