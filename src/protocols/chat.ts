import { authenticate } from '../accounts/authenticate.ts'
import { RemoteAccounts } from '../accounts/remote-accounts.ts'
import { limits } from '../base/limits.ts'
import { nameKey } from '../base/name-key.ts'
import { Conversation } from '../chat/conversation.ts'
import { Edge } from '../chat/edge.ts'
import { FloodControl } from '../chat/flood-control.ts'
import { paced } from '../chat/pace.ts'
import { portBackplane } from '../chat/port-backplane.ts'
import { openSideChannel } from '../chat/side-channel.ts'
import { defineProtocol } from '../serve/protocol.ts'
import { chatOptions } from './chat-options.ts'
import { shareChat } from './share-chat.ts'

/** Rooms over the accounts: whoever has logged in lands in #lobby, and everybody hears the same in the same order. */
export const chat = defineProtocol({
  name: 'chat',
  summary: 'many people in rooms: names that are accounts, history, one order for everybody',
  defaultPort: 9194,
  options: chatOptions,
  shared: shareChat,
  create({ operators, floodRate }, { clock, shared }) {
    if (shared === undefined) throw new Error('chat needs its room')
    const accounts = new RemoteAccounts(openSideChannel(shared))
    const defer = (callback: () => void): void => void setImmediate(callback)
    const gather = paced(defer, clock, limits.chatGatherMs)
    const edge = new Edge({ backplane: portBackplane(shared), clock, defer, gather })
    const flood = new FloodControl(limits.chatBurstCount, floodRate)
    const operatorKeys = new Set(operators.map(nameKey))
    return {
      async serve(session) {
        const own = await authenticate(session, { accounts, clock, service: 'chat' })
        if (own === undefined) return
        const user = { name: own.user, operator: operatorKeys.has(nameKey(own.user)) }
        const bucket = flood.enter(user.name, clock.monotonic())
        const conversation = new Conversation(session, await session.dialect(), user, { edge, clock, bucket })
        const forget = accounts.onRevoked(own.id, () => {
          session.record({
            type: 'session-revoked',
            id: session.id,
            peer: session.peer,
            name: user.name,
            session: own.id,
          })
          conversation.dismiss('your session was ended from elsewhere', 'session revoked')
        })
        try {
          await conversation.run()
        } finally {
          flood.leave(user.name)
          forget()
        }
      },
    }
  },
})
