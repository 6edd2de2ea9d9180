import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, test } from '@jest/globals'
import { slashCommands, UdpChatClient } from '../../../src/commands/chat-udp/client.ts'
import { endError, isAboutName, lineOf, statsLines } from '../../../src/commands/chat-udp/render.ts'
import type { MemberEnd, MemberEvent } from '../../../src/datagram-chat/member-interface.ts'
import { Relay } from '../../../src/datagram-chat/relay.ts'
import { parseSlashLine } from '../../../src/text/slash.ts'
import { testContext } from '../../support/command-context.ts'
import { turnUntil, whileTrue } from '../../support/event-loop.ts'
import { FakeKeyboard, FakeScreen } from '../../support/fake-terminal.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const at = new Date(2026, 0, 2, 3, 4, 5).getTime()
const said = { type: 'said', sequence: 1, at, name: 'ada', action: false, own: false, past: false } as const

describe('a typed line', () => {
  test.each([
    ['hello', { kind: 'text', text: 'hello' }],
    ['', { kind: 'text', text: '' }],
    ['/me waves a lot', { kind: 'command', name: 'me', rest: 'waves a lot' }],
    ['//me is text', { kind: 'text', text: '/me is text' }],
    ['/WHO', { kind: 'command', name: 'who' }],
    ['/quit now', { kind: 'command', name: 'quit' }],
    ['/stats', { kind: 'command', name: 'stats' }],
    ['/help', { kind: 'command', name: 'help' }],
    ['/constructor', { kind: 'unknown', word: 'constructor' }],
    ['/ x', { kind: 'unknown', word: '' }],
  ])('%j', (line, typed) => {
    expect(parseSlashLine(line, slashCommands)).toMatchObject(typed)
  })
})

describe('what is shown', () => {
  const cases: readonly (readonly [event: MemberEvent, kind: string | undefined, text: string | undefined])[] = [
    [{ ...said, text: 'hi' }, 'room', '03:04:05 ada: hi'],
    [{ ...said, text: 'waves', action: true }, 'room', '03:04:05 * ada waves'],
    [{ ...said, name: 'a\x1b[2J', text: '\x1b]0;x\x07\n\u202e' }, 'room', '03:04:05 "a␛[2J": ␛]0;x␇⏎'],
    [{ type: 'joined', sequence: 1, at, name: 'bob', own: false }, 'diagnostic', '03:04:05 bob joined'],
    [{ type: 'joined', sequence: 1, at, name: 'bob', own: true }, undefined, undefined],
    [
      { type: 'left', sequence: 1, at, name: 'bob', reason: 'silent' },
      'diagnostic',
      '03:04:05 bob was silent for too long and is gone',
    ],
    [{ type: 'notice', sequence: 1, at, text: 'dinner' }, 'room', '03:04:05 -operator- dinner'],
    [{ type: 'missed', count: 1 }, 'diagnostic', '1 line was missed and can no longer be had'],
    [
      { type: 'unconfirmed', text: 'x'.repeat(100) },
      'diagnostic',
      `not acknowledged, so it may not have arrived: "${'x'.repeat(60)}…"`,
    ],
    [
      { type: 'message-refused', text: 'x', reason: 'not-text' },
      'diagnostic',
      'the relay did not take "x": it is not UTF-8',
    ],
    [{ type: 'names', names: ['ada', 'bob'] }, 'room', '2 here: ada, bob'],
    [{ type: 'lost' }, 'diagnostic', 'nothing is heard from the relay; trying to get back in'],
    [
      { type: 'entered', room: 'den', name: 'ada', members: 3, keyed: false, again: true },
      'diagnostic',
      'back in #den as ada; 2 others are here',
    ],
    [{ type: 'settled' }, undefined, undefined],
  ]

  test.each(cases)('%j', (event, kind, text) => {
    expect(lineOf(event)).toEqual(kind === undefined ? undefined : { kind, text })
  })

  test('statistics', () => {
    const counts = { received: 90, lost: 10, duplicates: 2, reordered: 3, retransmitted: 1, variationMs: 4.44 }
    expect(statsLines({ ...counts, roundTripMs: 12.34 })).toMatch(
      /lost +10 \(10\.0 %\)\n.*2\n.*3\n.*1 fragments.*\nRTT +12\.3 ms ± 4\.4 ms/,
    )
    expect(statsLines({ ...counts, received: 0, lost: 0, roundTripMs: undefined })).toMatch(
      /0 \(0\.0 %\)(.*\n)*.*not yet known/,
    )
  })
})

describe('the end', () => {
  const cases: readonly (readonly [end: MemberEnd, exit: number | undefined])[] = [
    [{ type: 'bye', reason: 'left' }, undefined],
    [{ type: 'bye', reason: 'kicked' }, 1],
    [{ type: 'bye', reason: 'stopping' }, 69],
    [{ type: 'no-answer' }, 69],
    [{ type: 'version', version: 2 }, 76],
    [{ type: 'refused', reason: 'room-full', room: 'den' }, 1],
    [{ type: 'refused', reason: 'wrong-room', room: '\x1bden' }, 1],
  ]

  test.each(cases)('%j', (end, exit) => {
    const error = endError(end)
    expect(error?.exit).toBe(exit)
    expect(error?.message ?? '').not.toContain('\x1b')
  })

  test('another name can help only where the name was the trouble', () => {
    expect(isAboutName({ type: 'refused', reason: 'name-taken', room: '' })).toBe(true)
    expect(isAboutName({ type: 'refused', reason: 'room-full', room: '' })).toBe(false)
  })
})

/** A relay that lets members in and then can vanish without a word: close its socket. */
async function startVanishingRelay(): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  const options = {
    room: 'lobby',
    maxMembers: 9,
    maxMembersPerAddress: 9,
    fragmentsPerSecond: 9,
    datagramsPerSecond: 99,
  }
  const relay = new Relay(
    { ...options, salt: randomBytes(16), keySchedule: undefined, port: () => port },
    {
      // It does nothing by itself: its time stands still.
      ...{ clock: new VirtualClock(), random: randomBytes, emit: () => undefined },
      send: (datagram, peer) => void socket.send(datagram, peer.port, peer.address),
    },
  )
  socket.on('message', (datagram, peer) => relay.receive(datagram, { address: peer.address, port: peer.port }))
  return socket
}

/** In the room on a terminal, the relay gone, some questions unanswered, and the next ones seconds away. */
async function waitingForRelay() {
  const relay = await startVanishingRelay()
  const keyboard = new FakeKeyboard()
  const screen = new FakeScreen(80)
  const { context, clock, abort } = testContext({ stdin: keyboard, stdout: screen, stderrIsTTY: true })
  const options = {
    host: '127.0.0.1',
    port: relay.address().port,
    room: '',
    deriveKeys: undefined,
    network: undefined,
  }
  const running = new UdpChatClient(context, options, undefined).run('ada')
  await screen.until('ada>')
  relay.close()
  whileTrue(() => {
    clock.advance(100)
    return !screen.text.join().includes('nothing is heard')
  })
  // Two questions wait 1 + 2 s for their answers.
  clock.advance(3_000)
  return { keyboard, running, abort }
}

test('/quit between two attempts to get back in leaves (it was ignored, and the member came back in later)', async () => {
  const { keyboard, running } = await waitingForRelay()
  keyboard.write('/quit\r')
  expect(await running).toBe(0)
})

test('Ctrl-C between two attempts to get back in ends them (it took half a minute more)', async () => {
  const { running, abort } = await waitingForRelay()
  abort('SIGINT')
  await expect(running).rejects.toBe('SIGINT')
})

test('a pipe that has said all it had to say ends when the relay is not heard any more, and tells what may be lost', async () => {
  const relay = await startVanishingRelay()
  const { context, clock, stdin, stderr } = testContext()
  const options = {
    host: '127.0.0.1',
    port: relay.address().port,
    room: '',
    deriveKeys: undefined,
    network: undefined,
  }
  const running = new UdpChatClient(context, options, undefined).run('ada')
  await stderr.waitFor('you are in')
  relay.close()
  let ended: unknown
  running.catch((error: unknown) => {
    ended = error
  })
  stdin.end('anybody?\n')
  await turnUntil(() => {
    clock.advance(1_000)
    return ended !== undefined
  })
  expect(ended).toMatchObject({ code: 'ETIMEDOUT', exit: 69 })
  expect(stderr.text).toContain('so it may not have arrived: "anybody?"')
})
