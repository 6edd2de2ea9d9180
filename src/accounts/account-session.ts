import { AccountDesk, type DeskServices, type DeskState } from './account-desk.ts'
import { AccountText } from './account-text.ts'
import type { SessionInfo } from './accounts.ts'
import { frameVoice } from './frames.ts'
import { type AccountMessage, accountShapes, type ServerMessage } from './messages.ts'
import { type Line, Talk } from './talk.ts'

/**
 * Serves the commands of someone who is logged in. Answers 'logged-out' when they may log in again on the same line, and
 * 'ended' when the line is over.
 */
export async function serveAccount(
  line: Line,
  session: SessionInfo,
  services: DeskServices,
): Promise<Exclude<DeskState, 'open'>> {
  const frames = (await line.dialect()) === 'frames'
  const talk = new Talk<AccountMessage, ServerMessage>(line, frames ? frameVoice(accountShapes) : new AccountText())
  const desk = new AccountDesk(talk, session, services)
  try {
    for (;;) {
      const message = await talk.receive()
      if (message === undefined) return 'ended'
      const state = await desk.take(message)
      if (state !== 'open') return state
    }
  } finally {
    desk.close()
  }
}
