import type { NetlabEvent } from '../base/events.ts'
import {
  type AccountCall,
  type AccountEffect,
  type AccountOutcome,
  commandEffects,
  outcomeEffects,
} from './account-commands.ts'
import { AccountText } from './account-text.ts'
import type { Accounts, SessionInfo } from './accounts.ts'
import type { LoginServices } from './authenticate.ts'
import { frameVoice } from './frames.ts'
import { type AccountMessage, accountShapes, type ServerMessage } from './messages.ts'
import { type Line, Talk } from './talk.ts'
import { waiting } from './waiting.ts'

/**
 * Serves the commands of someone who is logged in. Answers 'logged-out' when they may log in again on the same line, and
 * 'ended' when the line is over.
 */
export async function serveAccount(
  line: Line,
  first: SessionInfo,
  { accounts, clock }: Pick<LoginServices, 'accounts' | 'clock'>,
): Promise<'logged-out' | 'ended'> {
  const frames = (await line.dialect()) === 'frames'
  const talk = new Talk<AccountMessage, ServerMessage>(line, frames ? frameVoice(accountShapes) : new AccountText())
  let session = first
  let forget = watchRevocation(talk, session, accounts)
  try {
    for (;;) {
      const message = await talk.receive()
      if (message === undefined) return 'ended'
      const asked = perform(talk, commandEffects(message))
      if (asked.state !== undefined) return asked.state
      if (asked.call === undefined) continue
      // Logging out ends this session too, and that is no news to whoever asked for it.
      if (asked.call.method === 'logout') forget()
      const outcome = await waiting(ask(accounts, asked.call, session.id, line), talk, clock)
      if (line.signal.aborted) return 'ended'
      const done = perform(talk, outcomeEffects(asked.call, outcome, session))
      if (done.state !== undefined) return done.state
      if (asked.call.method !== 'logout' && done.session === undefined) continue
      forget()
      session = done.session ?? session
      forget = watchRevocation(talk, session, accounts)
    }
  } finally {
    forget()
  }
}

function watchRevocation(
  talk: Talk<AccountMessage, ServerMessage>,
  session: SessionInfo,
  accounts: Accounts,
): () => void {
  const { line } = talk
  return accounts.onRevoked(session.id, () => {
    line.record({ type: 'session-revoked', id: line.id, peer: line.peer, name: session.user, session: session.id })
    talk.tell({ type: 'bye', reason: 'revoked', message: 'Your session was ended from elsewhere.' })
    line.end('kicked', 'session revoked')
  })
}

function ask(accounts: Accounts, call: AccountCall, session: number, line: Line): Promise<AccountOutcome> {
  switch (call.method) {
    case 'sessions':
      return accounts.sessions({ session })
    case 'logout':
      return accounts.logout({ session, which: call.which })
    case 'resume':
      return accounts.resume({ token: call.token })
    case 'changePassword':
      return accounts.changePassword({ session, old: call.old, new: call.new, address: line.peer.address }, line.signal)
  }
}

interface Done {
  readonly call?: AccountCall
  readonly state?: 'logged-out' | 'ended'
  readonly session?: SessionInfo
}

function perform(talk: Talk<AccountMessage, ServerMessage>, effects: readonly AccountEffect[]): Done {
  const { line } = talk
  let done: Done = {}
  for (const effect of effects) {
    if (effect.do === 'tell') talk.tell(effect.message)
    else if (effect.do === 'ask') done = { call: effect }
    else if (effect.do === 'record') line.record({ ...effect.event, id: line.id, peer: line.peer } as NetlabEvent)
    else if (effect.do === 'switch') done = { session: effect.session }
    else if (effect.do === 'leave') done = { state: 'logged-out' }
    else {
      line.end(effect.reason)
      done = { state: 'ended' }
    }
  }
  return done
}
