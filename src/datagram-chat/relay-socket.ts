import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:dgram'
import { hostname } from 'node:os'
import type { Clock } from '../base/clock.ts'
import { errorCode, errorMessage } from '../base/errors.ts'
import type { EventSink } from '../base/events.ts'
import { limits } from '../base/limits.ts'
import { formatEndpoint, isLoopback } from '../net/address.ts'
import { deriveRoomKey, keyScheduleFrom } from './aead.ts'
import {
  type Address,
  Asker,
  bindError,
  bound,
  datagramSocket,
  isEveryAddress,
  Outlet,
  resolveAddresses,
} from './datagram-socket.ts'
import { DiscoveryAnswers } from './discovery.ts'
import { saltBytes } from './handshake-messages.ts'
import { datagramLimits } from './limits.ts'
import { localAddresses, watchAddresses } from './local-addresses.ts'
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
  /** Sends everybody a bye and closes the sockets. */
  stop(): void
}

/** Opens a relay on the network. @throws {NetworkError} when it cannot listen. */
export async function startRelay(options: RelayServerOptions, clock: Clock, emit: EventSink): Promise<RelayServer> {
  const salt = randomBytes(saltBytes)
  const keySchedule =
    options.phrase === undefined ? undefined : keyScheduleFrom(await deriveRoomKey(options.phrase, salt))
  const { outward, inward } = emulatedPaths(options.network, clock)
  let closed = false
  const sockets = await RelaySockets.open(options, clock, emit)
  const { host, port } = sockets
  const relay = new Relay(
    { ...options, salt, keySchedule, port: () => port },
    {
      ...{ clock, random: randomBytes, emit },
      send: (datagram, peer) => outward(() => closed || (peer instanceof Asker && peer.send(datagram))),
      idle: (peer) => closed || !(peer instanceof Asker) || peer.isIdle,
      maxPendingStrangers: sockets.pendingStrangers,
    },
  )
  sockets.onDatagram = (datagram, peer) => inward(() => closed || relay.receive(datagram, peer))
  const discovery = options.discoverable ? new DiscoveryAnswers(relay, host, sockets.only, clock, emit) : undefined
  return {
    relay,
    host,
    port,
    stop() {
      discovery?.close()
      relay.close()
      closed = true
      sockets.close()
    },
  }
}

/**
 * The sockets that a relay listens on: one for each of the machine's addresses, so that each answers from the address that was asked. A
 * member's system drops what comes from another one, and Node has no IP_PKTINFO, so one socket for all addresses serves the first
 * of a machine only. It would also have to share its port (SO_REUSEADDR), and then any other program could take that. While the machine has no
 * address, one socket for all keeps the port.
 */
class RelaySockets {
  readonly host: string
  readonly port: number
  /** Answers at a time to addresses that may not exist: as many as the system's buffer has room for beside what goes to members. */
  readonly pendingStrangers: number
  onDatagram: (datagram: Buffer, peer: Asker) => void = () => undefined
  readonly #emit: EventSink
  /** Bound to what was asked for, or to all addresses until there are some. */
  readonly #first: Outlet
  /** By the address that each is bound to, and its interface. */
  readonly #open = new Map<string, Outlet>()
  /** Addresses that could not be had, and of which the log has heard. */
  readonly #told = new Set<string>()
  #watch: { close(): void } | undefined

  private constructor(first: Socket, emit: EventSink) {
    const { address, port } = first.address()
    const { bufferedDatagramBytes, strangersShare, maxPendingStrangers } = datagramLimits
    this.host = address
    this.port = port
    this.pendingStrangers = Math.min(
      maxPendingStrangers,
      (first.getSendBufferSize() * strangersShare) / bufferedDatagramBytes,
    )
    this.#emit = emit
    this.#first = this.#outlet(first)
  }

  static async open(options: RelayServerOptions, clock: Clock, emit: EventSink): Promise<RelaySockets> {
    const [wanted] = await resolveAddresses(options.host)
    if (wanted === undefined) throw bindError({ code: 'EADDRNOTAVAIL' }, options.host, options.port)
    // Bound to all addresses at first: that fails where anybody has the port on any of them.
    const sockets = new RelaySockets(await bindFree(wanted, options, emit), emit)
    if (isEveryAddress(sockets.host)) await sockets.#follow(clock)
    return sockets
  }

  /** The only socket, if the relay was not asked to listen everywhere. */
  get only(): Outlet | undefined {
    return isEveryAddress(this.host) ? undefined : this.#first
  }

  close(): void {
    this.#watch?.close()
    for (const outlet of [this.#first, ...this.#open.values()]) outlet.close()
    this.#open.clear()
  }

  /** Listens on each address of the machine from now on. Resolves when it does on those that there are now. */
  async #follow(clock: Clock): Promise<void> {
    const binding: Promise<void>[] = []
    let own: readonly (Address & { readonly id: string })[] = []
    this.#watch = watchAddresses(clock, (all) => {
      const wanted = new Map([...own, ...all].map((one) => [one.id, one]))
      for (const [id, { family }] of wanted) if (this.host === '0.0.0.0' && family === 6) wanted.delete(id)
      binding.splice(0, binding.length, ...this.#listenOn(wanted))
    })
    // Some systems give the machine's own name an address that no interface is said to have, such as 127.0.1.1.
    resolveAddresses(hostname()).then(
      (found) => {
        const known = new Set(localAddresses().map(({ address }) => address))
        const others = found.filter(({ address }) => isLoopback(address) && !known.has(address))
        own = others.map((one) => ({ ...one, id: one.address }))
      },
      () => undefined,
    )
    await Promise.all(binding)
  }

  /** `wanted`: by what tells an address from the same one on another interface. */
  #listenOn(wanted: ReadonlyMap<string, Address>): readonly Promise<void>[] {
    if (wanted.size === 0) return []
    this.#first.close()
    for (const [id, outlet] of this.#open) {
      if (wanted.has(id)) continue
      this.#open.delete(id)
      outlet.close()
    }
    return [...wanted].filter(([id]) => !this.#open.has(id)).map(([id, address]) => this.#listen(id, address))
  }

  async #listen(id: string, { address, family }: Address): Promise<void> {
    const socket = datagramSocket(family)
    const outlet = this.#outlet(socket)
    this.#open.set(id, outlet)
    try {
      await bound(socket, this.port, address)
    } catch (error) {
      // Tried again at the next look: an IPv6 address can be bound once it has proven to be nobody else's (RFC 4862 5.4).
      outlet.close()
      if (this.#open.get(id) === outlet) this.#open.delete(id)
      if (errorCode(error) === 'EADDRNOTAVAIL' || this.#told.has(id)) return
      this.#told.add(id)
      this.#emit({ type: 'fault', where: formatEndpoint(address, this.port), error: errorMessage(error) })
    }
  }

  #outlet(socket: Socket): Outlet {
    // A datagram that cannot be sent is a datagram lost.
    socket.on('error', () => undefined)
    return new Outlet(socket, (datagram, asker) => this.onDatagram(datagram, asker))
  }
}

async function bindFree({ address, family }: Address, options: RelayServerOptions, emit: EventSink): Promise<Socket> {
  for (let port = options.port; ; port += 1) {
    const socket = datagramSocket(family)
    try {
      await bound(socket, port, address)
      return socket
    } catch (error) {
      socket.close()
      // No IPv6 on this machine: all of IPv4 is then all there is.
      if (errorCode(error) === 'EAFNOSUPPORT' && address === '::') {
        return bindFree({ address: '0.0.0.0', family: 4 }, options, emit)
      }
      const last = Math.min(65_535, options.port + limits.portFallbackCount)
      if (errorCode(error) !== 'EADDRINUSE' || options.strictPort || port >= last) {
        throw bindError(error, options.host, port)
      }
      emit({ type: 'port-taken', host: options.host, port, next: port + 1 })
    }
  }
}
