import type { Clock } from '../base/clock.ts'
import type { NetlabEvent } from '../base/events.ts'
import {
  type AccountCall,
  type AccountEffect,
  type AccountOutcome,
  commandEffects,
  outcomeEffects,
} from './account-commands.ts'
import type { Accounts, SessionEnd, SessionInfo } from './accounts.ts'
import type { AccountMessage, ServerMessage } from './messages.ts'
import type { Line, Talk } from './talk.ts'
import { waiting } from './waiting.ts'

export interface DeskServices {
  readonly accounts: Accounts
  readonly clock: Clock
}

/** 'logged-out': nobody is logged in on the line any more; 'ended': the line is over. */
export type DeskState = 'open' | 'logged-out' | 'ended'

/**
 * Carries out what someone who is logged in asks of the accounts, one request after the other. Whose session ends
 * otherwise is told why, and the line ends.
 */
export class AccountDesk {
  readonly #talk: Talk<AccountMessage, ServerMessage>
  readonly #services: DeskServices
  #session: SessionInfo
  #forget: () => void

  constructor(talk: Talk<AccountMessage, ServerMessage>, session: SessionInfo, services: DeskServices) {
    this.#talk = talk
    this.#services = services
    this.#session = session
    this.#forget = this.#watch(session)
  }

  async take(message: AccountMessage): Promise<DeskState> {
    const { line } = this.#talk
    const asked = this.#perform(commandEffects(message))
    if (asked.call === undefined) return asked.state ?? 'open'
    // Logging out ends this session too, and that is no news to whoever asked for it.
    if (asked.call.method === 'logout') this.#forget()
    const { accounts, clock } = this.#services
    const outcome = await waiting(ask(accounts, asked.call, this.#session.id, line), this.#talk, clock)
    if (line.signal.aborted) return 'ended'
    const done = this.#perform(outcomeEffects(asked.call, outcome, this.#session))
    if (done.state !== undefined) return done.state
    if (asked.call.method === 'logout' || done.session !== undefined) {
      this.#forget()
      this.#session = done.session ?? this.#session
      this.#forget = this.#watch(this.#session)
    }
    return 'open'
  }

  /** No longer listens to what becomes of the session. */
  close(): void {
    this.#forget()
  }

  #watch(session: SessionInfo): () => void {
    const { line } = this.#talk
    return this.#services.accounts.onEnd(session.id, (why) => {
      const who = { id: line.id, peer: line.peer, name: session.user, session: session.id }
      line.record({ type: `session-${why}`, ...who })
      this.#talk.tell({ type: 'bye', reason: why, message: endings[why] })
      line.end('session-ended', why)
    })
  }

  #perform(effects: readonly AccountEffect[]): Done {
    const { line } = this.#talk
    let done: Done = {}
    for (const effect of effects) {
      if (effect.do === 'tell') this.#talk.tell(effect.message)
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
}

interface Done {
  readonly call?: AccountCall
  readonly state?: Exclude<DeskState, 'open'>
  readonly session?: SessionInfo
}

const endings: Readonly<Record<SessionEnd, string>> = {
  revoked: 'Your session was ended from elsewhere.',
  expired: 'Your session has expired; log in again.',
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
