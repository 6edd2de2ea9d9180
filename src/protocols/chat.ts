import { defineProtocol } from '../serve/protocol.ts'
import { accountsConfig, commonAccounts, preflightAccounts, withRegistrationCode } from './accounts.ts'
import { chatOptions, historyConfig } from './chat-options.ts'

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
  channels: ['chat', 'accounts'],
  common: commonAccounts,
  operatorCommands: async () => (await import('./chat-commands.ts')).chatCommands(),
  completeOptions: withRegistrationCode,
  async preflight(options, services) {
    const accounts = await preflightAccounts(accountsConfig(options), services)
    try {
      const history = historyConfig(options)
      if (history === undefined) return accounts
      const { HistoryStore } = await import('../chat/history-store.ts')
      new HistoryStore(history).close()
      return accounts
    } catch (error) {
      accounts.release()
      throw error
    }
  },
  openSharedState: async (options, services) => (await import('./chat-state.ts')).openChatState(options, services),
  create: async (options, services) => (await import('./chat-sessions.ts')).createChat(options, services),
})
