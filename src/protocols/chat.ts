import { defineProtocol } from '../serve/protocol.ts'
import { chatOptions } from './chat-options.ts'

/**
 * Rooms over the accounts: whoever has logged in lands in #lobby, and everybody hears the same in the same order. Each side is
 * loaded by the thread that needs it: together they are three times as much as all else that a server's start loads.
 */
export const chat = defineProtocol({
  name: 'chat',
  summary: 'rooms for many people: accounts, history, one order for everybody',
  defaultPort: 9194,
  secrets: true,
  options: chatOptions,
  claim: async (options, services) => (await import('./claim-chat.ts')).claimChat(options, services),
  shared: async (options, services) => (await import('./share-chat.ts')).shareChat(options, services),
  create: async (options, services) => (await import('./serve-chat.ts')).serveChat(options, services),
})
