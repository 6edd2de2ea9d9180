import { randomBytes } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import { type Clock, pause } from '../base/clock.ts'
import { errorMessage } from '../base/errors.ts'
import type { EventSink } from '../base/events.ts'
import { roomName } from '../text/names.ts'
import { bound, datagramSocket } from './datagram-socket.ts'
import { MalformedDatagram } from './fields.ts'
import { decodeOffer, encodeRequest, nonceBytes, type Offer } from './handshake-messages.ts'
import { datagramLimits } from './limits.ts'
import { DatagramType, datagramType } from './packet.ts'
import type { Relay } from './relay.ts'

/** Where relays listen for a discover: a group of the organisation-local scope (RFC 2365 6.2) and its port. */
const discoveryGroup = '239.255.91.95'
const discoveryPort = 9191

/** A relay that answered on the local network. */
export interface FoundRelay {
  readonly host: string
  readonly port: number
  readonly room: string
  readonly memberCount: number
  readonly keyed: boolean
}

/** Lets the relay answer those who look for one. It goes on without when the system does not allow it. */
export function answerDiscovery(relay: Relay, relayAddress: string, emit: EventSink): { close(): void } {
  // Several relays on one machine are all found: each gets its copy of a multicast.
  const socket = datagramSocket(4, true)
  let closed = false
  const onError = (error: unknown) => {
    if (!closed)
      emit({ type: 'fault', where: 'the search for relays on the local network', error: errorMessage(error) })
  }
  socket.on('message', (datagram, { address, port }) => {
    if (datagramType(datagram) === DatagramType.discover) relay.receive(datagram, { address, port })
  })
  const everywhere = relayAddress === '::' || relayAddress === '0.0.0.0'
  bound(socket, discoveryPort, '0.0.0.0').then(() => {
    socket.on('error', onError)
    const interfaces = ipv4Addresses().filter((address) => everywhere || address === relayAddress)
    for (const address of interfaces) tryTo(() => socket.addMembership(discoveryGroup, address))
  }, onError)
  return {
    close() {
      closed = true
      socket.close()
    },
  }
}

/** Asks the local network for relays, on every interface, and returns those that answer within a second. */
export async function findRelays(clock: Clock, signal?: AbortSignal): Promise<readonly FoundRelay[]> {
  const socket = datagramSocket(4)
  const nonce = randomBytes(nonceBytes)
  const found = new Map<string, FoundRelay>()
  socket.on('error', () => undefined)
  socket.on('message', (datagram, { address }) => {
    const offer = offerFor(nonce, datagram)
    const id = offer?.relay.toString('hex')
    if (offer === undefined || id === undefined || found.has(id)) return
    const { port, room, memberCount, keyed } = offer
    found.set(id, { host: address, port, room, memberCount, keyed })
  })
  await bound(socket, 0, '0.0.0.0')
  const request = encodeRequest(DatagramType.discover, nonce)
  const ask = () => {
    for (const address of ipv4Addresses()) {
      tryTo(() => {
        socket.setMulticastInterface(address)
        socket.send(request, discoveryPort, discoveryGroup)
      })
    }
  }
  ask()
  const { discoveryMs, discoveryAttempts, discoveryGapMs } = datagramLimits
  const timers = Array.from({ length: discoveryAttempts - 1 }, (_, index) =>
    clock.after((index + 1) * discoveryGapMs, ask),
  )
  await pause(clock, discoveryMs, signal)
  for (const timer of timers) timer.cancel()
  socket.close()
  return [...found.values()].sort((a, b) => a.host.localeCompare(b.host) || a.port - b.port)
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

function ipv4Addresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.filter(({ family }) => family === 'IPv4').map(({ address }) => address)
}

/** An interface that knows no multicast is no reason to stop. */
function tryTo(action: () => void): void {
  try {
    action()
  } catch {
    // The other interfaces remain.
  }
}
