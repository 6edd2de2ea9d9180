import type { ProtocolDefinition } from '../serve/protocol.ts'
import { auth } from './auth.ts'
import { chat } from './chat.ts'
import { echo } from './echo.ts'
import { ident } from './ident.ts'

/** Every protocol that `netlab serve` knows, in the order of the help. One line each. */
export const protocols: readonly ProtocolDefinition[] = [echo, ident, auth, chat]

export function findProtocol(name: string): ProtocolDefinition {
  const found = protocols.find((protocol) => protocol.name === name)
  if (found === undefined) throw new Error(`no protocol is called ${name}`)
  return found
}
