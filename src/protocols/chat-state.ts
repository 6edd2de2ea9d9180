import { serveBackplane } from '../chat/backplane.ts'
import { type Chat, startChat } from '../chat/chat.ts'
import type { Values } from '../options/spec.ts'
import type { SharedState, SharedStateServices } from '../serve/protocol.ts'
import { accountsConfig, openAccountsState } from './accounts.ts'
import { isForRoom } from './chat-commands.ts'
import { type chatOptions, historyConfig } from './chat-options.ts'

/** The chat's state in the listener thread, with the accounts' storage thread beside it. */
export async function openChatState(
  options: Values<typeof chatOptions>,
  services: SharedStateServices,
): Promise<SharedState<'chat' | 'accounts'>> {
  // Their thread and the history's start side by side. The database is locked by the accounts, so they open it first.
  const running = Promise.withResolvers<Chat>()
  running.promise.catch(() => undefined)
  const renamed = (account: string, name: string): void =>
    void running.promise.then((chat) => chat.rename(account, name))
  const opening = openAccountsState(accountsConfig(options), 'users', services, renamed)
  try {
    const operators = opening.then((accounts) => accounts.accountsOf(options.operators))
    operators.catch(() => undefined)
    const lookUp = async (name: string) => {
      const [found] = await (await opening).accountsOf([name])
      return found?.account === undefined ? undefined : { name: found.name, account: found.account }
    }
    const { chat, close } = await startChat(historyConfig(options), { ...services, operators, lookUp }, opening)
    running.resolve(chat)
    for (const sentence of chat.operatorNotices) services.announce(sentence)
    const accounts = await opening
    return {
      attach(ports) {
        accounts.attach(ports)
        serveBackplane(chat.backplane(), ports.chat)
      },
      refuses: accounts.refuses,
      command: (words) => (isForRoom(words) ? (chat.command(words.join(' ')) ?? '') : accounts.command(words)),
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
