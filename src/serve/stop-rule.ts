import type { Peer } from '../base/events.ts'
import { isLoopback } from '../net/address.ts'
import type { AllowStop } from './config.ts'

/** Why this peer may not stop the server, as a sentence for it; `undefined` when it may. */
export function stopRefusal(rule: AllowStop, peer: Peer): string | undefined {
  if (rule === 'any') return undefined
  if (rule === 'never') return 'stop refused: this server is stopped by its operator only'
  if (isLoopback(peer.address)) return undefined
  return 'stop refused: this server is stopped from its own machine only (its operator can allow more with --allow-stop any)'
}
