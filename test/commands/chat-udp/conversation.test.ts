import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { expect, test } from '@jest/globals'
import { UdpChatClient } from '../../../src/commands/chat-udp/conversation.ts'
import { Relay } from '../../../src/datagram-chat/relay.ts'
import { testContext } from '../../support/command-context.ts'
import { FakeKeyboard, FakeScreen } from '../../support/fake-terminal.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

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

/** In the room on a terminal, the relay gone, five questions unanswered, and the next ones seconds away. */
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
  while (!screen.text.join().includes('nothing is heard')) clock.advance(100)
  // Five questions wait 1 + 2 + 4 + 8 + 16 s for their answers.
  clock.advance(31_000)
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
