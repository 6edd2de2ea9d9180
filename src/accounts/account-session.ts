import type { Clock } from '../base/clock.ts'
import type { DisconnectReason, NetlabEvent } from '../base/events.ts'
import type {
  Accounts,
  ChangeOutcome,
  LogoutOutcome,
  LogoutScope,
  ResumeOutcome,
  SessionEnd,
  SessionInfo,
  SessionsOutcome,
} from './accounts.ts'
import { type EventOf, frameVoice, type Line, Talk, waiting } from './message-stream.ts'
import { type AccountMessage, accountShapes, type ServerMessage } from './messages.ts'
import { denial, failureOf, type Refusal } from './replies.ts'
import { AccountText } from './text-codec.ts'

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

/** A question to the accounts; the answer comes back as an outcome. */
export type AccountCall =
  | { readonly method: 'sessions'; readonly why: 'whoami' | 'sessions' }
  | { readonly method: 'logout'; readonly which: LogoutScope }
  | { readonly method: 'resume'; readonly token: string }
  | { readonly method: 'changePassword'; readonly old: string; readonly new: string }

export type AccountOutcome = SessionsOutcome | LogoutOutcome | ChangeOutcome | ResumeOutcome

export type AccountEffect =
  | { readonly do: 'tell'; readonly message: ServerMessage }
  | ({ readonly do: 'ask' } & AccountCall)
  | {
      readonly do: 'record'
      readonly event: EventOf<'logout' | 'password-changed' | 'session-resumed' | 'login-failed' | 'throttled'>
    }
  /** From now on this connection uses that session. */
  | { readonly do: 'switch'; readonly session: SessionInfo }
  /** Nobody is logged in on this connection any more. */
  | { readonly do: 'leave' }
  | { readonly do: 'end'; readonly reason: DisconnectReason }

/** What to do about a command. */
export function commandEffects(message: AccountMessage): readonly AccountEffect[] {
  switch (message.type) {
    case 'whoami':
    case 'sessions':
      return [{ do: 'ask', method: 'sessions', why: message.type }]
    case 'resume':
      return [{ do: 'ask', method: 'resume', token: message.token }]
    case 'passwd':
      return [{ do: 'ask', method: 'changePassword', old: message.old, new: message.new }]
    case 'logout': {
      const which = scope(message.which)
      return which === undefined
        ? [tell({ type: 'denied', reason: 'no-such', message: 'Log out which? Nothing, a number, "others" or "all".' })]
        : [{ do: 'ask', method: 'logout', which }]
    }
    case 'exit':
      return [tell({ type: 'bye', reason: 'exit', message: 'Goodbye.' }), { do: 'end', reason: 'exit' }]
  }
}

/** What to do about the answer to `call`. */
export function outcomeEffects(call: AccountCall, outcome: AccountOutcome, own: SessionInfo): readonly AccountEffect[] {
  const { user: name } = own
  switch (outcome.kind) {
    case 'sessions': {
      const { sessions } = outcome
      const session = sessions.find(({ id }) => id === own.id) ?? own
      if (call.method === 'sessions' && call.why === 'whoami') return [tell({ type: 'whoami', name, session })]
      return [tell({ type: 'sessions', current: own.id, sessions })]
    }
    case 'logged-out': {
      const { count } = outcome
      const which = call.method === 'logout' ? call.which : 'this'
      if (count === 0 && typeof which === 'number') {
        return [tell({ type: 'denied', reason: 'no-such', message: 'You have no session of that number.' })]
      }
      const here = which === 'this' || which === 'all' || which === own.id
      return [
        { do: 'record', event: { type: 'logout', name, sessions: count } },
        tell({ type: 'logged-out', count, here }),
        ...(here ? ([{ do: 'leave' }] as const) : []),
      ]
    }
    case 'changed': {
      const { revoked } = outcome
      return [
        { do: 'record', event: { type: 'password-changed', name, sessions: revoked } },
        tell({ type: 'changed', revoked }),
      ]
    }
    case 'welcome': {
      const { session } = outcome
      return [
        { do: 'record', event: { type: 'session-resumed', name: session.user, session: session.id } },
        tell({ type: 'welcome', name: session.user, how: 'resumed', session }),
        { do: 'switch', session },
      ]
    }
    case 'no-session':
      // Another session that can't be had is no reason to lose this one.
      if (call.method === 'resume') return refused(outcome)
      return [tell(denial(outcome)), { do: 'leave' }]
    case 'throttled':
      return [
        { do: 'record', event: { type: 'throttled', by: 'source', waitMs: outcome.retryMs } },
        tell(denial(outcome)),
      ]
    case 'wrong':
      return refused(outcome, name, 'That is not your password.')
    default:
      return refused(outcome, name)
  }
}

/** `message` says it better than to somebody who may be anybody. */
function refused(outcome: Refusal, name?: string, message?: string): readonly AccountEffect[] {
  const event = { type: 'login-failed', reason: failureOf(outcome), ...(name !== undefined && { name }) } as const
  return [{ do: 'record', event }, tell({ ...denial(outcome), ...(message !== undefined && { message }) })]
}

function scope(which: string | number | undefined): LogoutScope | undefined {
  if (which === undefined || which === 'this') return 'this'
  if (which === 'others' || which === 'all') return which
  const number = typeof which === 'number' || /^\d{1,15}$/.test(which) ? Number(which) : Number.NaN
  return Number.isSafeInteger(number) ? number : undefined
}

function tell(message: ServerMessage): AccountEffect {
  return { do: 'tell', message }
}

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
