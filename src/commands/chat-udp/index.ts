import { defineCommand } from '../command.ts'
import { chatUdpOptions } from './options.ts'

export const chatUdp = defineCommand({
  name: 'chat-udp',
  summary: 'chat over UDP: join a relay, or be one with --serve',
  positionals: [{ name: 'host' }, { name: 'port' }],
  options: chatUdpOptions,
  examples: [
    ['netlab chat-udp --serve', 'be the relay, on port 9195 or the next free one'],
    ['netlab chat-udp', 'join; without a host the local network is searched for a relay'],
    ['netlab chat-udp 192.0.2.7 --name ada --room-key', 'join an encrypted room'],
    ['netlab chat-udp 192.0.2.7 --drop 10% --delay 50ms', 'join over a bad network'],
    ['uptime | netlab chat-udp 192.0.2.7 --name robot', 'each line is a message; ends when all are acknowledged'],
  ],
  epilogue:
    'In the room: /who /me TEXT /stats /help /quit; //TEXT says /TEXT. From a pipe, other lines that begin with / are messages too.',
  async run(values, context) {
    const { run } = values.serve ? await import('./serve.ts') : await import('./join.ts')
    return run(values, context)
  },
})
