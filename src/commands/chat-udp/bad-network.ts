import type { BadNetworkOptions } from '../../datagram-chat/bad-network.ts'
import type { ChatUdpValues } from './values.ts'

/** The bad network that was asked for; undefined for none. */
export function badNetwork({ drop, duplicate, reorder, delay, seed }: ChatUdpValues): BadNetworkOptions | undefined {
  const wanted = drop > 0 || duplicate > 0 || reorder > 0 || delay > 0
  return wanted ? { drop, duplicate, reorder, delayMs: delay, seed } : undefined
}
