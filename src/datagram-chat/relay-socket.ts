import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:dgram'
import type { Clock } from '../base/clock.ts'
import { errorCode } from '../base/errors.ts'
import type { EventSink, Peer } from '../base/events.ts'
import { limits } from '../base/limits.ts'
import { plainAddress } from '../net/address.ts'
import { deriveRoomKey, keyScheduleFrom } from './aead.ts'
import { bindError, bound, datagramSocket, resolveAddresses } from './datagram-socket.ts'
import { answerDiscovery } from './discovery.ts'
import { saltBytes } from './handshake-messages.ts'
import { datagramLimits } from './limits.ts'
import { emulatedPaths, type NetworkEmulatorOptions } from './network-emulator.ts'
import { Relay } from './relay.ts'

export interface RelayServerOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Fail when the port is taken, instead of trying the next. */
  readonly strictPort: boolean
  readonly room: string
  readonly maxMembers: number
  readonly maxMembersPerAddress: number
  readonly fragmentsPerSecond: number
  readonly datagramsPerSecond: number
  /** The room key's phrase. */
  readonly phrase: string | undefined
  /** Emulates a bad network in both directions. */
  readonly network: NetworkEmulatorOptions | undefined
  /** Answer whoever looks for a relay on the local network. */
  readonly discoverable: boolean
}

export interface RelayServer {
  readonly relay: Relay
  readonly host: string
  readonly port: number
  /** Sends everybody a bye and closes the socket. */
  stop(): void
}

/** Opens a relay on the network. @throws {NetworkError} when it cannot listen. */
export async function startRelay(options: RelayServerOptions, clock: Clock, emit: EventSink): Promise<RelayServer> {
  const salt = randomBytes(saltBytes)
  const keySchedule =
    options.phrase === undefined ? undefined : keyScheduleFrom(await deriveRoomKey(options.phrase, salt))
  const { socket, mapped } = await open(options, emit)
  const { address, port } = socket.address()
  const { outward, inward } = emulatedPaths(options.network, clock)
  const send = sender(socket, mapped)
  let closed = false
  const relay = new Relay(
    { ...options, salt, keySchedule, port: () => port },
    {
      ...{ clock, random: randomBytes, emit },
      send: (datagram, peer) => outward(() => closed || send(datagram, peer)),
      idle: () => closed || socket.getSendQueueCount() === 0,
      maxPendingStrangers: pendingStrangers(socket),
    },
  )
  socket.on('message', (datagram, from) => {
    const peer = { address: plainAddress(from.address), port: from.port }
    inward(() => closed || relay.receive(datagram, peer))
  })
  // A datagram that cannot be sent is a datagram lost.
  socket.on('error', () => undefined)
  const discovery = options.discoverable ? answerDiscovery(relay, address, emit) : undefined
  return {
    relay,
    host: address,
    port,
    stop() {
      discovery?.close()
      relay.close()
      closed = true
      socket.close()
    },
  }
}

async function open(options: RelayServerOptions, emit: EventSink): Promise<{ socket: Socket; mapped: boolean }> {
  const [first] = await resolveAddresses(options.host)
  if (first === undefined) throw bindError({ code: 'EADDRNOTAVAIL' }, options.host, options.port)
  const { address, family } = first
  for (let port = options.port; ; port += 1) {
    const socket = datagramSocket(family)
    try {
      await bound(socket, port, address)
      return { socket, mapped: family === 6 }
    } catch (error) {
      socket.close()
      // No IPv6 on this machine: all of IPv4 is then all there is.
      if (errorCode(error) === 'EAFNOSUPPORT' && address === '::') return open({ ...options, host: '0.0.0.0' }, emit)
      const last = Math.min(65_535, options.port + limits.portFallbackCount)
      if (errorCode(error) !== 'EADDRINUSE' || options.strictPort || port >= last) {
        throw bindError(error, options.host, port)
      }
      emit({ type: 'port-taken', host: options.host, port, next: port + 1 })
    }
  }
}

/** As many as the system's buffer has room for beside what goes to members. */
function pendingStrangers(socket: Socket): number {
  const { bufferedDatagramBytes, strangersShare, maxPendingStrangers } = datagramLimits
  return Math.min(maxPendingStrangers, (socket.getSendBufferSize() * strangersShare) / bufferedDatagramBytes)
}

/** Sends without waiting; above the limit of what the system has not yet taken, drops. */
function sender(socket: Socket, mapped: boolean): (datagram: Buffer, peer: Peer) => void {
  return (datagram, { address, port }) => {
    if (socket.getSendQueueSize() > datagramLimits.sendQueueBytes) return
    const numeric = mapped && !address.includes(':') ? `::ffff:${address}` : address
    socket.send(datagram, 0, datagram.length, port, numeric)
  }
}
