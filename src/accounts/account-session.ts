import type { Clock } from '../base/clock.ts'
import type { DisconnectReason } from '../base/events.ts'
import { netLimits } from '../net/limits.ts'
import type { Session } from '../net/session.ts'
import type {
  Accounts,
  ChangeOutcome,
  LogoutOutcome,
  LogoutScope,
  MustChange,
  ResumeOutcome,
  SessionEnd,
  SessionInfo,
  SessionsOutcome,
} from './accounts.ts'
import { type ClientEvent, openStream, recordFor, type ServerMessageStream, withWaitNotices } from './message-stream.ts'
import { type AccountMessage, accountShapes, type ServerMessage } from './messages.ts'
import { errorReply, failureReason, type Rejection } from './replies.ts'
import { AccountTextCodec } from './text-codec.ts'

export interface AccountSessionServices {
  readonly accounts: Accounts
  readonly clock: Clock
}

/** 'logged-out': nobody is logged in on the connection any more; 'ended': the connection ends. */
export type AccountSessionState = 'open' | 'logged-out' | 'ended'

/**
 * Serves the commands of someone who is logged in. Answers 'logged-out' when they may log in again on the same connection,
 * and 'ended' when it ends.
 */
export async function serveAccount(
  client: Session,
  session: SessionInfo,
  services: AccountSessionServices,
): Promise<Exclude<AccountSessionState, 'open'>> {
  client.maxMessageBytes = netLimits.frameBytes
  const stream = await openStream(client, accountShapes, new AccountTextCodec())
  const account = new AccountSession(stream, session, services)
  try {
    for (;;) {
      const message = await stream.receive()
      if (message === undefined) return 'ended'
      const state = await account.handle(message)
      if (state !== 'open') return state
    }
  } finally {
    account.close()
  }
}

/**
 * Carries out what someone who is logged in asks of the accounts, one command after the other. When their session ends for
 * another reason, they are told which, and the connection ends.
 */
export class AccountSession {
  readonly #stream: ServerMessageStream<AccountMessage, ServerMessage>
  readonly #services: AccountSessionServices
  #session: SessionInfo
  #unwatch: () => void

  constructor(
    stream: ServerMessageStream<AccountMessage, ServerMessage>,
    session: SessionInfo,
    services: AccountSessionServices,
  ) {
    this.#stream = stream
    this.#services = services
    this.#session = session
    this.#unwatch = this.#watch(session)
  }

  async handle(message: AccountMessage): Promise<AccountSessionState> {
    const { client } = this.#stream
    const { accounts, clock } = this.#services
    const { call, state = 'open' } = this.#perform(commandEffects(message))
    if (call === undefined) return state
    // Logging out ends this session too; who asked for it is answered, not notified.
    if (call.method === 'logout') this.#unwatch()
    const outcome = await withWaitNotices(ask(accounts, call, this.#session.id, client), this.#stream, clock)
    if (client.signal.aborted) return 'ended'
    const after = this.#perform(outcomeEffects(call, outcome, this.#session))
    if (after.state !== undefined) return after.state
    if (call.method === 'logout' || after.session !== undefined) {
      this.#unwatch()
      this.#session = after.session ?? this.#session
      this.#unwatch = this.#watch(this.#session)
    }
    return 'open'
  }

  /** No longer listens to what becomes of the session. */
  close(): void {
    this.#unwatch()
  }

  #watch({ id, user }: SessionInfo): () => void {
    const { client } = this.#stream
    const { accounts } = this.#services
    client.userName = user
    const unwatchEnd = accounts.onEnd(id, (why) => {
      recordFor(client, { type: `session-${why}`, name: this.#session.user, session: id })
      this.#stream.send({ type: 'bye', reason: why, message: endReasons[why] })
      client.end(why === 'banned' ? 'banned' : 'session-ended', why === 'banned' ? undefined : why)
    })
    const unwatchName = accounts.onRename(id, (name) => {
      this.#session = { ...this.#session, user: name }
      client.userName = name
      this.#stream.send({ type: 'renamed', name })
    })
    return () => {
      unwatchEnd()
      unwatchName()
    }
  }

  #perform(effects: readonly AccountEffect[]): Performed {
    const { client } = this.#stream
    let performed: Performed = {}
    for (const effect of effects) {
      if (effect.do === 'send') this.#stream.send(effect.message)
      else if (effect.do === 'call') performed = { call: effect }
      else if (effect.do === 'record') recordFor(client, effect.event)
      else if (effect.do === 'switch') performed = { session: effect.session }
      else if (effect.do === 'leave') {
        client.userName = undefined
        performed = { state: 'logged-out' }
      } else {
        client.end(effect.reason)
        performed = { state: 'ended' }
      }
    }
    return performed
  }
}

/** What is left to do once effects were performed. */
interface Performed {
  readonly call?: AccountCall
  readonly state?: Exclude<AccountSessionState, 'open'>
  /** The session that is used from now on. */
  readonly session?: SessionInfo
}

const endReasons: Readonly<Record<SessionEnd, string>> = {
  revoked: 'Your session was ended from elsewhere.',
  expired: 'Your session has expired; log in again.',
  banned: 'You are banned from this server.',
}

function ask(accounts: Accounts, call: AccountCall, session: number, client: Session): Promise<AccountOutcome> {
  switch (call.method) {
    case 'sessions':
      return accounts.sessions({ session })
    case 'logout':
      return accounts.logout({ session, which: call.which })
    case 'resume':
      return accounts.resume({ token: call.token })
    case 'changePassword': {
      const { address } = client.peer
      return accounts.changePassword({ session, old: call.old, new: call.new, address }, client.signal)
    }
  }
}

/** A call of the accounts; its result comes back as an outcome. */
export type AccountCall =
  | { readonly method: 'sessions'; readonly why: 'whoami' | 'sessions' }
  | { readonly method: 'logout'; readonly which: LogoutScope }
  | { readonly method: 'resume'; readonly token: string }
  | { readonly method: 'changePassword'; readonly old: string; readonly new: string }

export type AccountOutcome = SessionsOutcome | LogoutOutcome | ChangeOutcome | ResumeOutcome

export type AccountEffect =
  | { readonly do: 'send'; readonly message: ServerMessage }
  | ({ readonly do: 'call' } & AccountCall)
  | {
      readonly do: 'record'
      readonly event: ClientEvent<'logout' | 'password-changed' | 'session-resumed' | 'login-failed' | 'throttled'>
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
      return [{ do: 'call', method: 'sessions', why: message.type }]
    case 'resume':
      return [{ do: 'call', method: 'resume', token: message.token }]
    case 'passwd':
      return [{ do: 'call', method: 'changePassword', old: message.old, new: message.new }]
    case 'logout': {
      const which = scope(message.which)
      return which === undefined
        ? [
            send({
              type: 'denied',
              reason: 'no-such',
              message: 'Log out of which session? Give nothing for this one, or its number, "others" or "all".',
            }),
          ]
        : [{ do: 'call', method: 'logout', which }]
    }
    case 'exit':
      return [send({ type: 'bye', reason: 'exit', message: 'Goodbye.' }), { do: 'end', reason: 'exit' }]
  }
}

/** What to do about the answer to `call`. */
export function outcomeEffects(call: AccountCall, outcome: AccountOutcome, own: SessionInfo): readonly AccountEffect[] {
  const { user: name } = own
  switch (outcome.kind) {
    case 'sessions': {
      const { sessions } = outcome
      const session = sessions.find(({ id }) => id === own.id) ?? own
      if (call.method === 'sessions' && call.why === 'whoami') return [send({ type: 'whoami', name, session })]
      return [send({ type: 'sessions', current: own.id, sessions })]
    }
    case 'logged-out': {
      const { count } = outcome
      const which = call.method === 'logout' ? call.which : 'this'
      if (count === 0 && typeof which === 'number') {
        return [send({ type: 'denied', reason: 'no-such', message: 'You have no session of that number.' })]
      }
      const here = which === 'this' || which === 'all' || which === own.id
      return [
        { do: 'record', event: { type: 'logout', name, sessions: count } },
        send({ type: 'logged-out', count, here }),
        ...(here ? ([{ do: 'leave' }] as const) : []),
      ]
    }
    case 'changed': {
      const { revoked } = outcome
      return [
        { do: 'record', event: { type: 'password-changed', name, sessions: revoked } },
        send({ type: 'changed', revoked }),
      ]
    }
    case 'welcome': {
      const { session } = outcome
      return [
        { do: 'record', event: { type: 'session-resumed', name: session.user, session: session.id } },
        send({ type: 'welcome', name: session.user, how: 'resumed', session }),
        { do: 'switch', session },
      ]
    }
    case 'no-session':
      // This session goes on when the other one can't be resumed.
      if (call.method === 'resume') return refused(outcome)
      return [send(errorReply(outcome)), { do: 'leave' }]
    case 'throttled':
      return [
        { do: 'record', event: { type: 'throttled', by: outcome.by, waitMs: outcome.retryMs, refused: true } },
        send(errorReply(outcome)),
      ]
    case 'wrong':
      return refused(outcome, name, 'That is not your password.')
    default:
      return refused(outcome, name)
  }
}

/** @param message is for someone whose name is known; `errorReply` tells strangers less */
function refused(outcome: Exclude<Rejection, MustChange>, name?: string, message?: string): readonly AccountEffect[] {
  const event = { type: 'login-failed', reason: failureReason(outcome), ...(name !== undefined && { name }) } as const
  return [{ do: 'record', event }, send({ ...errorReply(outcome), ...(message !== undefined && { message }) })]
}

function scope(which: string | number | undefined): LogoutScope | undefined {
  if (which === undefined || which === 'this') return 'this'
  if (which === 'others' || which === 'all') return which
  const number = typeof which === 'number' || /^\d{1,15}$/.test(which) ? Number(which) : Number.NaN
  return Number.isSafeInteger(number) ? number : undefined
}

function send(message: ServerMessage): AccountEffect {
  return { do: 'send', message }
}
