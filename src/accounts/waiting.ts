import type { Clock } from '../base/clock.ts'
import { limits } from '../base/limits.ts'
import type { ServerMessage } from './messages.ts'
import type { Talk } from './talk.ts'

/**
 * Waits for `outcome`, and says so every few seconds. Someone who has closed the connection for good, and not only its
 * sending half, answers the notice with a reset; only so is it known that they left.
 */
export async function waiting<T, C>(outcome: Promise<T>, talk: Talk<C, ServerMessage>, clock: Clock): Promise<T> {
  const after = () => clock.after(limits.waitNoticeMs, notice, { background: true })
  const notice = () => {
    talk.tell({ type: 'wait', message: 'One moment, please.' })
    timer = after()
  }
  let timer = after()
  try {
    return await outcome
  } finally {
    timer.cancel()
  }
}
