import type { DisconnectReason } from '../base/events.ts'
import type {
  ChangeOutcome,
  LogoutOutcome,
  LogoutScope,
  ResumeOutcome,
  SessionInfo,
  SessionsOutcome,
} from './accounts.ts'
import { denial, failureOf, type Refusal } from './denial.ts'
import type { AccountMessage, ServerMessage } from './messages.ts'
import type { EventOf } from './talk.ts'

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
