import { randomBytes } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import type { Clock } from '../base/clock.ts'
import { errorMessage } from '../base/errors.ts'
import type { EventSink } from '../base/events.ts'
import { pause } from '../base/pause.ts'
import { bound, datagramSocket } from './datagram-socket.ts'
import { MalformedDatagram } from './fields.ts'
import { decodeHere, encodeQuestion, type Here, nonceBytes } from './handshake-messages.ts'
import { datagramLimits } from './limits.ts'
import { DatagramType, datagramType } from './packet.ts'
import type { Relay } from './relay.ts'

/** Where relays listen for those who look for one: a group of the organisation-local scope (RFC 2365 6.2) and its port. */
const seekGroup = '239.255.91.95'
const seekPort = 9191

/** How often to ask: datagrams get lost, and three in a row seldom. */
const asks = 3

export interface FoundRelay {
  readonly host: string
  readonly port: number
  readonly room: string
  readonly memberCount: number
  readonly keyed: boolean
}

/** Lets the relay answer those who look for one. It goes on without when the system does not allow it. */
export function listenForSeekers(relay: Relay, relayAddress: string, emit: EventSink): { close(): void } {
  // Several relays on one machine are all found: each gets its copy of a multicast.
  const socket = datagramSocket(4, true)
  let closed = false
  const trouble = (error: unknown) => {
    if (!closed)
      emit({ type: 'fault', where: 'the search for relays on the local network', error: errorMessage(error) })
  }
  socket.on('message', (datagram, { address, port }) => {
    if (datagramType(datagram) === DatagramType.find) relay.receive(datagram, { address, port })
  })
  const everywhere = relayAddress === '::' || relayAddress === '0.0.0.0'
  bound(socket, seekPort, '0.0.0.0').then(() => {
    socket.on('error', trouble)
    const interfaces = ipv4Addresses().filter((address) => everywhere || address === relayAddress)
    for (const address of interfaces) tryTo(() => socket.addMembership(seekGroup, address))
  }, trouble)
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
    const here = answerTo(nonce, datagram)
    const id = here?.relay.toString('hex')
    if (here === undefined || id === undefined || found.has(id)) return
    const { port, room, memberCount, keyed } = here
    found.set(id, { host: address, port, room, memberCount, keyed })
  })
  await bound(socket, 0, '0.0.0.0')
  const question = encodeQuestion(DatagramType.find, nonce)
  const ask = () => {
    for (const address of ipv4Addresses()) {
      tryTo(() => {
        socket.setMulticastInterface(address)
        socket.send(question, seekPort, seekGroup)
      })
    }
  }
  ask()
  const timers = Array.from({ length: asks - 1 }, (_, index) => clock.after((index + 1) * 100, ask))
  await pause(clock, datagramLimits.findMs, signal)
  for (const timer of timers) timer.cancel()
  socket.close()
  return [...found.values()].sort((a, b) => a.host.localeCompare(b.host) || a.port - b.port)
}

function answerTo(nonce: Buffer, datagram: Buffer): Here | undefined {
  if (datagramType(datagram) !== DatagramType.here) return undefined
  try {
    const here = decodeHere(datagram)
    return here.nonce.equals(nonce) ? { ...here, relay: Buffer.from(here.relay) } : undefined
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
