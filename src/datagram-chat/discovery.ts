import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:dgram'
import { type Clock, pause } from '../base/clock.ts'
import { errorMessage } from '../base/errors.ts'
import type { EventSink } from '../base/events.ts'
import { roomName } from '../text/names.ts'
import { type Address, bound, datagramSocket, Outlet, resolveAddresses } from './datagram-socket.ts'
import { MalformedDatagram } from './fields.ts'
import { decodeOffer, encodeRequest, nonceBytes, type Offer } from './handshake-messages.ts'
import { datagramLimits } from './limits.ts'
import { type LocalAddress, localAddresses, watchAddresses } from './local-addresses.ts'
import { DatagramType, datagramType } from './packet.ts'
import type { Relay } from './relay.ts'

/**
 * Where relays listen for a discover: a group of the organisation-local scope (RFC 2365 6.2), one of the link-local scope that is nobody's by
 * assignment (RFC 4291 2.7; it spells "netlab"), and their port.
 */
const groups = { 4: '239.255.91.95', 6: 'ff12::6e65:746c:6162' } as const
const discoveryPort = 9191

/** A relay that answered on the local network. */
export interface FoundRelay {
  /** Tells this start of it from any other. */
  readonly id: string
  readonly host: string
  readonly port: number
  readonly room: string
  readonly memberCount: number
  readonly keyed: boolean
}

/**
 * Lets the relay answer those who look for one, on every interface that there is at the time. It goes on without when the system does not
 * allow it. An interface that was replaced knows nothing of the group that its predecessor was in, so that a change makes all anew.
 */
export class DiscoveryAnswers {
  readonly #relay: Relay
  readonly #relayAddress: string
  /** Where the relay has one address only: its offers come from there. */
  readonly #only: Outlet | undefined
  readonly #emit: EventSink
  readonly #watch: { close(): void }
  readonly #open = new Map<4 | 6, { readonly outlet: Outlet; readonly links: string }>()
  #isClosed = false

  /** @param only the socket of a relay that does not listen on all addresses */
  constructor(relay: Relay, relayAddress: string, only: Outlet | undefined, clock: Clock, emit: EventSink) {
    this.#relay = relay
    this.#relayAddress = relayAddress
    this.#only = only
    this.#emit = emit
    this.#watch = watchAddresses(clock, (all) => this.#look(all))
  }

  close(): void {
    this.#isClosed = true
    this.#watch.close()
    for (const { outlet } of this.#open.values()) outlet.close()
  }

  #look(all: readonly LocalAddress[]): void {
    // A new interface may have an old IPv4 address: its number is in the link-local one of IPv6.
    const now = all.map(({ id }) => id).join()
    for (const family of [4, 6] as const) {
      const links = all.filter((link) => link.family === family && this.#isListening(link))
      const open = this.#open.get(family)
      if (open?.links === now || (open === undefined && links.length === 0)) continue
      open?.outlet.close()
      this.#open.delete(family)
      if (links.length > 0) this.#listen(family, links, now)
    }
  }

  /** `names`: all interfaces that there are. */
  #listen(family: 4 | 6, links: readonly LocalAddress[], names: string): void {
    // Several relays on one machine are all found: each gets its copy of a multicast.
    const socket = datagramSocket(family, true)
    const outlet = new Outlet(socket, (datagram, asker) => {
      const from = this.#only === undefined ? asker : asker.via(this.#only)
      if (datagramType(datagram) === DatagramType.discover) this.#relay.receive(datagram, from)
    })
    const open = { outlet, links: names }
    this.#open.set(family, open)
    const isCurrent = (): boolean => !this.#isClosed && this.#open.get(family) === open
    const onError = (error: unknown): void => {
      if (isCurrent()) {
        const where = 'the search for relays on the local network'
        this.#emit({ type: 'fault', where, error: errorMessage(error) })
      }
    }
    bound(socket, discoveryPort, family === 4 ? '0.0.0.0' : '::').then(() => {
      if (!isCurrent()) return
      socket.on('error', onError)
      for (const link of new Set(links.map(interfaceOf))) tryTo(() => socket.addMembership(groups[family], link))
    }, onError)
  }

  #isListening({ address, family }: LocalAddress): boolean {
    const relay = this.#relayAddress
    return relay === '::' || (relay === '0.0.0.0' && family === 4) || relay === address
  }
}

/** Asks the local network for relays, on every interface, and returns those that answer within a second. */
export async function findRelays(clock: Clock, signal?: AbortSignal): Promise<readonly FoundRelay[]> {
  const nonce = randomBytes(nonceBytes)
  const found = new Map<string, FoundRelay>()
  const links = localAddresses()
  const sockets = await Promise.all(([4, 6] as const).map((family) => searchSocket(family)))
  const ask = () => {
    for (const { socket, family } of sockets) askOn(socket, family, links, nonce)
  }
  for (const { socket } of sockets) {
    socket.on('message', (datagram, { address }) => {
      const offer = offerFor(nonce, datagram)
      const id = offer?.relay.toString('hex')
      // A person can read an IPv4 address out; a relay that answers by both families is one.
      if (offer === undefined || id === undefined || (found.has(id) && address.includes(':'))) return
      const { port, room, memberCount, keyed } = offer
      found.set(id, { id, host: address, port, room, memberCount, keyed })
    })
  }
  ask()
  const { discoveryMs, discoveryAttempts, discoveryGapMs } = datagramLimits
  const timers = Array.from({ length: discoveryAttempts - 1 }, (_, index) =>
    clock.after((index + 1) * discoveryGapMs, ask),
  )
  await pause(clock, discoveryMs, signal)
  for (const timer of timers) timer.cancel()
  for (const { socket } of sockets) socket.close()
  return [...found.values()].sort((a, b) => a.host.localeCompare(b.host) || a.port - b.port)
}

/** Where a relay that was found is: at first there, later also wherever it answers by then. */
export function followRelay({ id, host }: FoundRelay, clock: Clock): () => Promise<readonly Address[]> {
  let isFirst = true
  return async () => {
    const there = await resolveAddresses(host)
    if (isFirst) {
      isFirst = false
      return there
    }
    const moved = (await findRelays(clock)).filter((relay) => relay.id === id)
    return [...(await Promise.all(moved.map((relay) => resolveAddresses(relay.host)))).flat(), ...there]
  }
}

async function searchSocket(family: 4 | 6): Promise<{ readonly socket: Socket; readonly family: 4 | 6 }> {
  const socket = datagramSocket(family)
  socket.on('error', () => undefined)
  // Without one of the families there is the other.
  await bound(socket, 0, family === 4 ? '0.0.0.0' : '::').catch(() => undefined)
  return { socket, family }
}

function askOn(socket: Socket, family: 4 | 6, links: readonly LocalAddress[], nonce: Buffer): void {
  const request = encodeRequest(DatagramType.discover, nonce)
  for (const link of new Set(links.filter((one) => one.family === family).map(interfaceOf))) {
    tryTo(() => {
      socket.setMulticastInterface(link)
      socket.send(request, discoveryPort, groups[family])
    })
  }
}

/** An interface as multicast wants it: by one of its addresses for IPv4, by its zone for IPv6. */
function interfaceOf({ family, address, zone }: LocalAddress): string {
  return family === 4 ? address : `::%${zone}`
}

function offerFor(nonce: Buffer, datagram: Buffer): Offer | undefined {
  if (datagramType(datagram) !== DatagramType.offer) return undefined
  try {
    const offer = decodeOffer(datagram)
    // A relay of ours has no other room; what is something else would only be shown.
    return offer.nonce.equals(nonce) && roomName(offer.room) === offer.room
      ? { ...offer, relay: Buffer.from(offer.relay) }
      : undefined
  } catch (error) {
    if (error instanceof MalformedDatagram) return undefined
    throw error
  }
}

/** An interface that knows no multicast is no reason to stop. */
function tryTo(action: () => void): void {
  try {
    action()
  } catch {
    // The other interfaces remain.
  }
}
