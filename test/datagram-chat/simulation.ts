import type { NetlabEvent, Peer } from '../../src/base/events.ts'
import { Random } from '../../src/base/random.ts'
import type { KeySchedule } from '../../src/datagram-chat/aead.ts'
import { MemberEndpoint } from '../../src/datagram-chat/member.ts'
import type { MemberEvent } from '../../src/datagram-chat/member-interface.ts'
import { NetworkEmulator, type NetworkEmulatorOptions } from '../../src/datagram-chat/network-emulator.ts'
import { Relay } from '../../src/datagram-chat/relay.ts'
import type { RelayOptions } from '../../src/datagram-chat/relay-room.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

export const perfect: NetworkEmulatorOptions = { drop: 0, duplicate: 0, reorder: 0, delayMs: 10, seed: 1 }

export interface SimulatedMember {
  readonly member: MemberEndpoint
  readonly peer: Peer
  readonly events: MemberEvent[]
  /** The texts shown, in the order in which they were. */
  readonly texts: () => string[]
  /** While false nothing arrives or leaves. */
  connected: boolean
  /** Whether the path loses a datagram of the member's. */
  loses: (datagram: Buffer) => boolean
}

export interface SimulationOptions {
  readonly network?: Partial<NetworkEmulatorOptions>
  readonly relay?: Partial<RelayOptions>
}

/** A relay, members and the network between them, all in virtual time. */
export class Simulation {
  readonly clock = new VirtualClock()
  readonly events: NetlabEvent[] = []
  /** Every datagram that was sent, to look at. */
  readonly traffic: { readonly from: 'relay' | 'member'; readonly peer: Peer; readonly bytes: Buffer }[] = []
  relay: Relay
  recordTraffic = false
  readonly #members = new Map<number, SimulatedMember>()
  readonly #network: NetworkEmulator
  readonly #random: Random
  readonly #options: SimulationOptions
  #lastPort = 20_000

  constructor(options: SimulationOptions = {}) {
    const network = { ...perfect, ...options.network }
    this.#options = options
    this.#network = new NetworkEmulator(network, this.clock)
    this.#random = new Random(network.seed + 1)
    this.relay = this.#newRelay()
  }

  random = (size: number): Buffer => Buffer.from(Array.from({ length: size }, this.#byte))

  /** The relay's process ended without a word and was started anew. */
  restartRelay(): void {
    this.relay = this.#newRelay()
  }

  join(name: string, keySchedule?: KeySchedule, room = ''): SimulatedMember {
    const events: MemberEvent[] = []
    this.#lastPort += 1
    let peer: Peer = { address: '192.0.2.1', port: this.#lastPort }
    const deriveKeys = keySchedule && ((_salt: Buffer, done: (seals: KeySchedule) => void) => done(keySchedule))
    const member = new MemberEndpoint(
      { name, room },
      {
        clock: this.clock,
        random: this.random,
        deriveKeys,
        show: (event) => void events.push(event),
        send: (datagram) => simulated.loses(datagram) || this.#toRelay(datagram, peer),
        renewPath: (ready) => {
          this.move(simulated)
          ready()
        },
      },
    )
    const texts = () => events.flatMap((event) => (event.type === 'said' ? [event.text] : []))
    const simulated: SimulatedMember = {
      ...{ member, events, texts, connected: true, loses: () => false },
      get peer() {
        return peer
      },
    }
    this.#members.set(peer.port, simulated)
    this.#moves.set(simulated, () => {
      this.#members.delete(peer.port)
      this.#lastPort += 1
      peer = { ...peer, port: this.#lastPort }
      this.#members.set(peer.port, simulated)
    })
    member.join()
    return simulated
  }

  /** The member's router gives it another port, or it takes another socket. */
  move(member: SimulatedMember): void {
    this.#moves.get(member)?.()
  }

  /** Runs until `done`, at most `maxMs` of virtual time; whether it got there. */
  runUntil(done: () => boolean, maxMs: number): boolean {
    for (let spent = 0; spent < maxMs && !done(); spent += 50) this.clock.advance(50)
    return done()
  }

  readonly #moves = new Map<SimulatedMember, () => void>()

  readonly #byte = (): number => this.#random.below(256)

  #newRelay(): Relay {
    return new Relay(
      {
        room: 'lobby',
        maxMembers: 1000,
        maxMembersPerAddress: 1000,
        fragmentsPerSecond: 10,
        datagramsPerSecond: 200,
        keySchedule: undefined,
        port: () => 9195,
        ...this.#options.relay,
        salt: this.random(16),
      },
      {
        clock: this.clock,
        random: this.random,
        send: (datagram, peer) => this.#toMember(datagram, peer),
        emit: (event) => void this.events.push(event),
      },
    )
  }

  #toRelay(datagram: Buffer, peer: Peer): void {
    if (this.recordTraffic) this.traffic.push({ from: 'member', peer, bytes: datagram })
    if (this.#members.get(peer.port)?.connected === false) return
    this.#network.carry(() => this.relay.receive(Buffer.from(datagram), peer))
  }

  #toMember(datagram: Buffer, peer: Peer): void {
    if (this.recordTraffic) this.traffic.push({ from: 'relay', peer, bytes: datagram })
    this.#network.carry(() => {
      const to = this.#members.get(peer.port)
      if (to?.connected === true) to.member.receive(Buffer.from(datagram))
    })
  }
}
