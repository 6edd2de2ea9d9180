import { RemoteAccounts } from '../accounts/accounts-thread.ts'
import { authenticate } from '../accounts/login.ts'
import { portBackplane } from '../chat/backplane.ts'
import { ChatConversation, FloodControl } from '../chat/conversation.ts'
import { chatLimits } from '../chat/limits.ts'
import { debounced, ThreadGateway } from '../chat/thread-gateway.ts'
import { netLimits } from '../net/limits.ts'
import type { Values } from '../options/spec.ts'
import type { Protocol, ProtocolServices } from '../serve/protocol.ts'
import { ChatAccountSession } from './chat-account.ts'
import type { chatOptions } from './chat-options.ts'

/** A login, then a conversation in rooms, for every client of one thread. */
export function createChat(
  { floodRate, sessionIdle, registration }: Values<typeof chatOptions>,
  { clock, channels }: ProtocolServices<'chat' | 'accounts'>,
): Protocol {
  const accounts = new RemoteAccounts(channels.accounts)
  const defer = (callback: () => void): void => void setImmediate(callback)
  const deferSignals = debounced(defer, clock, chatLimits.signalBatchMs)
  const gateway = new ThreadGateway({ backplane: portBackplane(channels.chat), clock, defer, deferSignals })
  const flood = new FloodControl(chatLimits.burstCount, floodRate)
  const useMs = Math.min(chatLimits.sessionUseMs, sessionIdle / 3)
  const login = { accounts, clock, service: 'chat', ...(registration !== 'open' && { registration }) }
  return {
    async serve(session) {
      const own = await authenticate(session, login)
      if (own === undefined) return
      session.maxMessageBytes = netLimits.frameBytes
      const user = { name: own.session.user, account: own.account }
      const bucket = flood.enter(user.name, clock.monotonic())
      const dialect = await session.dialect()
      const account = new ChatAccountSession(session, dialect, own.session, { accounts, clock, useMs })
      try {
        await new ChatConversation(session, dialect, user, { gateway, clock, bucket, account }).run()
      } finally {
        flood.leave(user.name)
        account.close()
      }
    },
  }
}
