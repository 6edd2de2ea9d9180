import { authenticate } from '../accounts/authenticate.ts'
import { RemoteAccounts } from '../accounts/remote-accounts.ts'
import { limits } from '../base/limits.ts'
import { portBackplane } from '../chat/backplane.ts'
import { Conversation, FloodControl } from '../chat/conversation.ts'
import { Edge, paced } from '../chat/thread-gateway.ts'
import type { Values } from '../options/spec.ts'
import type { Protocol, ProtocolServices } from '../serve/protocol.ts'
import { nameKey } from '../text/names.ts'
import type { chatOptions } from './chat.ts'
import { ChatDesk } from './chat-desk.ts'

/** A login, then a conversation in rooms, for every client of one thread. */
export function createChat(
  { operators, floodRate, sessionIdle }: Values<typeof chatOptions>,
  { clock, channels }: ProtocolServices<'chat' | 'accounts'>,
): Protocol {
  const accounts = new RemoteAccounts(channels.accounts)
  const defer = (callback: () => void): void => void setImmediate(callback)
  const gather = paced(defer, clock, limits.chatGatherMs)
  const edge = new Edge({ backplane: portBackplane(channels.chat), clock, defer, gather })
  const flood = new FloodControl(limits.chatBurstCount, floodRate)
  const useMs = Math.min(limits.chatSessionUseMs, sessionIdle / 3)
  const operatorKeys = new Set(operators.map(nameKey))
  return {
    async serve(session) {
      const own = await authenticate(session, { accounts, clock, service: 'chat' })
      if (own === undefined) return
      const user = { name: own.user, operator: operatorKeys.has(nameKey(own.user)) }
      const bucket = flood.enter(user.name, clock.monotonic())
      const dialect = await session.dialect()
      const desk = new ChatDesk(session, dialect, own, { accounts, clock, useMs })
      try {
        await new Conversation(session, dialect, user, { edge, clock, bucket, desk }).run()
      } finally {
        flood.leave(user.name)
        desk.close()
      }
    },
  }
}
