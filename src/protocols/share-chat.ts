import { serveBackplane } from '../chat/backplane.ts'
import { startChat } from '../chat/chat.ts'
import { acceptSideChannel } from '../chat/side-channel.ts'
import type { Values } from '../options/spec.ts'
import type { Shared, SharedServices } from '../serve/protocol.ts'
import { accountsConfig } from './account-options.ts'
import { type chatOptions, historyConfig } from './chat-options.ts'
import { shareAccounts } from './share-accounts.ts'

/** The room's owner, with the accounts beside it. */
export async function shareChat(options: Values<typeof chatOptions>, services: SharedServices): Promise<Shared> {
  // Their thread and the history's start side by side. The database is locked by the accounts, so they open it first.
  const opening = shareAccounts(accountsConfig(services.files, options), services)
  try {
    const { chat, close } = await startChat(historyConfig(services.files, options), services, opening)
    const accounts = await opening
    return {
      attach(port) {
        acceptSideChannel(port, (side) => {
          accounts.attach(side)
          serveBackplane(chat.backplane(), port)
        })
      },
      command: (words) => chat.command(words.join(' ')) ?? accounts.command?.(words),
      async close() {
        await close()
        await accounts.close()
      },
    }
  } catch (error) {
    await opening.then(
      (accounts) => accounts.close(),
      () => undefined,
    )
    throw error
  }
}
