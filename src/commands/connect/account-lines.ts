import type { ServerMessage } from '../../accounts/messages.ts'
import { serverText } from '../../accounts/server-text.ts'
import { printable } from '../../base/visible.ts'
import { type Message, nonsense } from './channel.ts'

const known = ['denied', 'wait', 'bye', 'whoami', 'sessions', 'logged-out', 'changed']

/** What the accounts say to someone who is logged in, as lines; none for what we don't know. @throws {ProtocolError} for a message without its fields. */
export function accountLines(message: Message): readonly string[] {
  if (!known.includes(message.type)) return []
  try {
    return serverText(message as unknown as ServerMessage).map(printable)
  } catch (error) {
    throw nonsense(error)
  }
}
