import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from '@jest/globals'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import type { NetworkError } from '../../src/base/errors.ts'
import type { NetlabEvent } from '../../src/base/events.ts'
import type { Address } from '../../src/datagram-chat/datagram-socket.ts'
import { findRelays, followRelay } from '../../src/datagram-chat/discovery.ts'
import { encodeOffer, encodeRequest, nonceOf, relayIdBytes } from '../../src/datagram-chat/handshake-messages.ts'
import { localAddresses } from '../../src/datagram-chat/local-addresses.ts'
import type { MemberEvent } from '../../src/datagram-chat/member-interface.ts'
import { connectMember } from '../../src/datagram-chat/member-socket.ts'
import { DatagramType, header } from '../../src/datagram-chat/packet.ts'
import { type RelayServer, type RelayServerOptions, startRelay } from '../../src/datagram-chat/relay-socket.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const closing: (() => void)[] = []

afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function relay(
  options: Partial<RelayServerOptions> = {},
  events: NetlabEvent[] = [],
  clock: Clock = systemClock,
): Promise<RelayServer> {
  const server = await startRelay(
    {
      ...{ host: '127.0.0.1', port: 0, strictPort: false, room: 'lobby', maxMembers: 10, maxMembersPerAddress: 10 },
      ...{
        fragmentsPerSecond: 100,
        datagramsPerSecond: 1000,
        phrase: undefined,
        network: undefined,
        discoverable: false,
      },
      ...options,
    },
    clock,
    (event) => void events.push(event),
  )
  closing.push(() => server.stop())
  return server
}

/** A member on a real socket, and a promise for the next event of a type. */
async function member(host: string, port: number, name: string, lookUp?: () => Promise<readonly Address[]>) {
  const waiting: { type: MemberEvent['type']; done: (event: MemberEvent) => void }[] = []
  const unreachable = Promise.withResolvers<NetworkError>()
  const show = (event: MemberEvent) => {
    for (const one of waiting) if (one.type === event.type) one.done(event)
  }
  const next = <T extends MemberEvent['type']>(type: T) =>
    new Promise<Extract<MemberEvent, { type: T }>>((done) => {
      waiting.push({ type, done: (event) => done(event as Extract<MemberEvent, { type: T }>) })
    })
  const entered = next('entered')
  const found = lookUp === undefined ? {} : { lookUp }
  const options = { host, port, name, room: '', deriveKeys: undefined, network: undefined, ...found }
  const connection = await connectMember(options, systemClock, show, unreachable.resolve)
  closing.push(connection.close)
  return { member: connection.member, next, entered, unreachable: unreachable.promise }
}

describe('real sockets', () => {
  test('two members talk, by a name that has several addresses, and say goodbye', async () => {
    const { port } = await relay()
    const ada = await member('localhost', port, 'ada')
    expect(await ada.entered).toMatchObject({ room: 'lobby', name: 'ada', members: 1 })
    const bob = await member('127.0.0.1', port, 'bob')
    await bob.entered
    const heard = ada.next('said')
    bob.member.say('over the wire')
    expect(await heard).toMatchObject({ name: 'bob', text: 'over the wire', own: false })
    const ended = bob.next('ended')
    const left = ada.next('left')
    bob.member.leave()
    expect((await ended).end).toEqual({ type: 'bye', reason: 'left' })
    expect(await left).toMatchObject({ name: 'bob' })
  })

  test('a relay on all addresses knows an IPv4 member by its IPv4 address', async () => {
    const events: NetlabEvent[] = []
    const { port } = await relay({ host: '::' }, events)
    const ada = await member('127.0.0.1', port, 'ada')
    await ada.entered
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'member-joined', peer: expect.objectContaining({ address: '127.0.0.1' }) }),
    )
  })

  test('a relay on all addresses answers from each of them, and nobody else can have the port on one', async () => {
    const events: NetlabEvent[] = []
    const { port } = await relay({ host: '::' }, events)
    for (const { address } of localAddresses()) {
      const { entered, member: one, next } = await member(address, port, 'ada')
      await entered
      const ended = next('ended')
      one.leave()
      await ended
    }
    expect((await relay({ host: '::', port })).port).toBe(port + 1)
    const thief = createSocket({ type: 'udp4', reuseAddr: true })
    closing.push(() => thief.close())
    thief.bind(port, '127.0.0.1')
    const [error] = await once(thief, 'error')
    expect(error).toMatchObject({ code: 'EADDRINUSE' })
    expect(events.filter(({ type }) => type === 'fault')).toEqual([])
  })

  test('bug: where the first address of a name swallows everything, the others were never asked', async () => {
    const { port } = await relay()
    const silent = createSocket('udp6')
    closing.push(() => silent.close())
    silent.bind(port, '::1')
    const refused = once(silent, 'error').then(() => false)
    // Without IPv6 its address is refused, and the next one asked for that reason.
    await Promise.race([once(silent, 'listening'), refused])
    const { entered } = await member('a name', port, 'ada', async () => [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ])
    expect(await entered).toMatchObject({ name: 'ada' })
  })

  test('datagrams cut short, of another version, replayed or forged change nothing, and members talk on', async () => {
    const events: NetlabEvent[] = []
    const { port } = await relay({}, events)
    const ada = await member('127.0.0.1', port, 'ada')
    await ada.entered
    const stranger = createSocket('udp4')
    closing.push(() => stranger.close())
    stranger.bind(0, '127.0.0.1')
    await once(stranger, 'listening')
    const send = (datagram: Buffer) => stranger.send(datagram, port, '127.0.0.1')
    const question = encodeRequest(DatagramType.hello, Buffer.alloc(8, 1))
    const answers: Buffer[] = []
    const answered = Promise.withResolvers<void>()
    stranger.on('message', (bytes) => {
      answers.push(bytes)
      if (bytes[3] === DatagramType.challenge) answered.resolve()
    })
    // As somebody would who saw ada's datagrams pass, without her session: a session of nobody, twice the same.
    const forged = Buffer.concat([header(DatagramType.leave), Buffer.alloc(14, 7)])
    for (const datagram of [
      Buffer.alloc(0),
      question.subarray(0, 3),
      question.subarray(0, 40),
      Buffer.from('4e5502010000', 'hex'),
      ...[forged, forged],
    ])
      send(datagram)
    // One socket's datagrams come in order over loopback: with its answer all of them were looked at.
    send(question)
    await answered.promise
    expect(answers.map((bytes) => bytes[3])).toEqual([
      DatagramType.version,
      ...[DatagramType.reset, DatagramType.reset],
      DatagramType.challenge,
    ])
    const heard = ada.next('said')
    ada.member.say('still here')
    expect(await heard).toMatchObject({ text: 'still here', own: true })
    expect(events.filter(({ type }) => type.startsWith('member-')).map(({ type }) => type)).toEqual(['member-joined'])
  })

  test('what a slow network holds when the relay stops is lost (it was sent through a closed socket: an internal error)', async () => {
    const clock = new VirtualClock()
    const network = { drop: 0, duplicate: 0, reorder: 0, delayMs: 50, seed: 1 }
    const { relay: slow, port } = await relay({ network }, [], clock)
    slow.receive(encodeRequest(DatagramType.hello, Buffer.alloc(8, 1)), { address: '127.0.0.1', port })
    expect(clock.pending).toBeGreaterThan(0)
    closing.pop()?.()
    expect(() => clock.advance(1000)).not.toThrow()
  })

  test('nobody at the port: told at once', async () => {
    const probe = createSocket('udp4')
    probe.bind(0, '127.0.0.1')
    await once(probe, 'listening')
    const { port } = probe.address()
    probe.close()
    const { unreachable } = await member('127.0.0.1', port, 'ada')
    expect(await unreachable).toMatchObject({ code: 'ECONNREFUSED', exit: 69 })
  })

  test('an address that no network leads to was an internal error', async () => {
    // Link-local without its interface: refused by the system at once, whatever networks there are.
    const { unreachable } = await member('fe80::1', 9, 'ada')
    expect(await unreachable).toMatchObject({ exit: 69, message: expect.stringContaining('fe80::1') })
  })

  test('a port that is taken: the next one, or an error with a next step', async () => {
    const events: NetlabEvent[] = []
    const { port } = await relay()
    const second = await relay({ port }, events)
    expect(second.port).toBeGreaterThan(port)
    expect(events[0]).toEqual({ type: 'port-taken', host: '127.0.0.1', port, next: port + 1 })
    await expect(relay({ port, strictPort: true })).rejects.toMatchObject({
      ...{ code: 'EADDRINUSE', exit: 69, hint: expect.stringContaining('--port') },
    })
    await expect(relay({ host: '192.0.2.1' })).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' })
  })

  test('bug: the room in an answer to a search reached the terminal as it came', async () => {
    const liar = createSocket({ type: 'udp4', reuseAddr: true })
    liar.on('message', (question, { address, port }) => {
      const about = { relay: Buffer.alloc(relayIdBytes, 7), port: 9, memberCount: 0, keyed: false }
      for (const room of ['x\x1b]0;owned\x07', '\x9b31m', '\u202ex', 'Lobby', 'a b', '', 'fine'])
        liar.send(encodeOffer({ nonce: nonceOf(question), ...about, room }), port, address)
    })
    liar.bind(9191)
    await once(liar, 'listening')
    for (const { address, family } of localAddresses()) if (family === 4) liar.addMembership('239.255.91.95', address)
    const found = await findRelays(systemClock)
    liar.close()
    expect(found.filter(({ port }) => port === 9).map(({ room }) => room)).toEqual(['fine'])
  })

  test('a relay is found by multicast', async () => {
    const { port } = await relay({ host: '0.0.0.0', room: 'found-by-test', discoverable: true })
    const found = await findRelays(systemClock)
    const expected = { port, room: 'found-by-test', memberCount: 0, keyed: false }
    expect(found.filter(({ room }) => room === 'found-by-test')).toEqual([expect.objectContaining(expected)])
    // It is somewhere else by then than where it was found.
    const [one] = found.filter((relay) => relay.port === port)
    const lookUp = one === undefined ? undefined : followRelay({ ...one, host: '203.0.113.7' }, systemClock)
    expect((await lookUp?.())?.map(({ address }) => address)).toEqual(['203.0.113.7'])
    expect((await lookUp?.())?.map(({ address }) => address)).toEqual([expect.any(String), '203.0.113.7'])
  })
})
