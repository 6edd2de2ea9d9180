import type { Clock } from '../base/clock.ts'
import type { DisconnectReason } from '../base/events.ts'
import { netLimits } from '../net/limits.ts'
import type { Session } from '../net/session.ts'
import { checkKnownName } from '../text/names.ts'
import type { Accounts, LoginOutcome, RegisterOutcome, ResumeOutcome, SessionGranted } from './accounts.ts'
import { accountLimits } from './limits.ts'
import { type ClientEvent, openStream, recordFor, type ServerMessageStream, withWaitNotices } from './message-stream.ts'
import { type LoginMessage, loginShapes, pingFrame, type ServerMessage } from './messages.ts'
import type { RegistrationMode } from './registration.ts'
import { errorReply, failureReason, type Rejection } from './replies.ts'
import { LoginTextCodec } from './text-codec.ts'

/** What is known of someone who isn't logged in yet. */
export interface LoginState {
  /** What the accounts were asked last. */
  readonly asked: LoginCall['method'] | undefined
  readonly failures: number
}

export type LoginInput =
  | { readonly kind: 'message'; readonly message: LoginMessage }
  | { readonly kind: 'outcome'; readonly outcome: LoginOutcome | RegisterOutcome | ResumeOutcome }
  | { readonly kind: 'deadline' }

/** A call of the accounts; its result comes back as an outcome. */
export type LoginCall =
  | { readonly method: 'login'; readonly name: string; readonly password: string; readonly newPassword?: string }
  | { readonly method: 'register'; readonly name: string; readonly password: string; readonly code?: string }
  | { readonly method: 'resume'; readonly token: string }

/** Somebody is logged in: the session, and the account's id. */
export type LoggedIn = Pick<SessionGranted, 'session' | 'account'>

export type LoginEffect =
  | { readonly do: 'send'; readonly message: ServerMessage }
  | ({ readonly do: 'call' } & LoginCall)
  | {
      readonly do: 'record'
      readonly event: ClientEvent<
        'login' | 'session-resumed' | 'registered' | 'password-changed' | 'login-failed' | 'throttled'
      >
    }
  | ({ readonly do: 'enter' } & LoggedIn)
  | { readonly do: 'end'; readonly reason: DisconnectReason; readonly detail?: string }

export interface LoginStep {
  readonly state: LoginState
  readonly effects: readonly LoginEffect[]
}

export const loginStart: LoginState = { asked: undefined, failures: 0 }

/** The state machine until someone is logged in: a message, an outcome or the deadline in, what to do out. */
export function loginStep(state: LoginState, input: LoginInput): LoginStep {
  switch (input.kind) {
    case 'message':
      return take(state, input.message)
    case 'deadline':
      return { state, effects: goodbye('deadline', 'You took too long to log in.', 'it took too long') }
    case 'outcome':
      return input.outcome.kind === 'welcome' ? enter(state, input.outcome) : refuse(state, input.outcome)
  }
}

/** What is sent to a client whose name and password others could read on the way. */
export function refusePlaintext(address: string, offersTls: boolean): readonly LoginEffect[] {
  const way = offersTls
    ? 'connect with TLS, for instance with "netlab connect --tls", or'
    : 'this server was started without TLS. Its operator can start it with --tls; as it is, connect'
  const message = `Passwords do not travel in plain text here: ${way} from the server's own machine instead of ${address}.`
  return goodbye('plaintext', message, 'plain text refused')
}

function take(state: LoginState, message: LoginMessage): LoginStep {
  switch (message.type) {
    case 'hello':
      return { state, effects: [] }
    case 'exit':
      return {
        state,
        effects: [{ do: 'send', message: { type: 'bye', reason: 'exit', message: 'Goodbye.' } }, end('exit')],
      }
    case 'resume':
      return { state: { ...state, asked: 'resume' }, effects: [{ do: 'call', method: 'resume', token: message.token }] }
    default: {
      const check = checkKnownName(message.name)
      if (check.kind === 'bad') return refuse(state, { kind: 'bad-name', why: check.why })
      return { state: { ...state, asked: message.type }, effects: [{ do: 'call', ...callOf(message, check.name) }] }
    }
  }
}

function callOf(message: Extract<LoginMessage, { readonly type: 'login' | 'register' }>, name: string): LoginCall {
  const { password } = message
  if (message.type === 'register')
    return { method: message.type, name, password, ...(message.code !== undefined && { code: message.code }) }
  return { method: message.type, name, password, ...(message.new !== undefined && { newPassword: message.new }) }
}

function enter(state: LoginState, { session, account, token, changed, ...delay }: SessionGranted): LoginStep {
  const { user: name, id } = session
  const effects: LoginEffect[] = [...delayed(delay)]
  if (state.asked === 'register') effects.push({ do: 'record', event: { type: 'registered', name } })
  if (changed !== undefined)
    effects.push({ do: 'record', event: { type: 'password-changed', name, sessions: changed } })
  const resumed = state.asked === 'resume'
  const entry = { name, session: id }
  effects.push({ do: 'record', event: resumed ? { type: 'session-resumed', ...entry } : { type: 'login', ...entry } })
  const how = resumed ? 'resumed' : state.asked === 'register' ? 'registered' : 'login'
  effects.push({ do: 'send', message: { type: 'welcome', name, how, session, ...(token !== undefined && { token }) } })
  effects.push({ do: 'enter', session, account })
  return { state: loginStart, effects }
}

function refuse(state: LoginState, rejection: Rejection): LoginStep {
  // Who gave the right password has failed at nothing.
  if (rejection.kind === 'must-change') {
    const effects = [...delayed(rejection), { do: 'send', message: errorReply(rejection) } as const]
    return { state: { ...state, asked: undefined }, effects }
  }
  const failures = state.failures + 1
  const name = rejection.kind === 'wrong' ? rejection.account : undefined
  const effects: LoginEffect[] = [
    ...(rejection.kind === 'wrong' ? delayed(rejection) : []),
    rejection.kind === 'throttled'
      ? { do: 'record', event: { type: 'throttled', by: rejection.by, waitMs: rejection.retryMs, refused: true } }
      : {
          do: 'record',
          event: { type: 'login-failed', reason: failureReason(rejection), ...(name !== undefined && { name }) },
        },
    { do: 'send', message: errorReply(rejection) },
  ]
  if (failures >= accountLimits.loginAttempts) {
    effects.push(...goodbye('attempts', 'Too many attempts; connect again later.', 'too many attempts'))
  }
  return { state: { asked: undefined, failures }, effects }
}

/** Notes a wait that a person would notice. */
function delayed({
  delayedMs: waitMs,
  delayedBy: by = 'account',
}: Pick<SessionGranted, 'delayedMs' | 'delayedBy'>): LoginEffect[] {
  if (waitMs < accountLimits.delayLoggedMs) return []
  return [{ do: 'record', event: { type: 'throttled', by, waitMs, refused: false } }]
}

function goodbye(
  failure: 'deadline' | 'attempts' | 'plaintext',
  message: string,
  detail: string,
): readonly LoginEffect[] {
  return [
    { do: 'record', event: { type: 'login-failed', reason: failure } },
    { do: 'send', message: { type: 'bye', reason: failure, message } },
    end('no-login', detail),
  ]
}

function end(reason: DisconnectReason, detail?: string): LoginEffect {
  return { do: 'end', reason, ...(detail !== undefined && { detail }) }
}

export interface LoginServices {
  readonly accounts: Accounts
  readonly clock: Clock
  /** What the greeting calls the service. */
  readonly service: string
  /** Who may register, where not everybody may. */
  readonly registration?: Exclude<RegistrationMode, 'open'>
}

/**
 * Greets a client and takes its messages until somebody is logged in. Undefined when it left, or when the connection was
 * told to end.
 */
export async function authenticate(client: Session, services: LoginServices): Promise<LoggedIn | undefined> {
  client.maxMessageBytes = netLimits.firstMessageBytes
  const stream = await openStream(client, loginShapes, new LoginTextCodec())
  // Over before it began, it is no failed login.
  if (client.signal.aborted) return undefined
  if (!client.secure) {
    perform(stream, refusePlaintext(client.peer.address, client.offersTls))
    return undefined
  }
  const { service, registration } = services
  const { pingMs } = client
  stream.send({ type: 'hello', service, version: 1, pingMs, ...(registration !== undefined && { registration }) })

  let state = loginStart
  let loggedIn: LoggedIn | undefined
  let ended = false
  const step = (input: LoginInput): LoginCall | undefined => {
    const next = loginStep(state, input)
    state = next.state
    const performed = perform(stream, next.effects)
    loggedIn = performed.loggedIn
    ended ||= performed.ended
    return performed.call
  }
  /** While the accounts work on an answer, the deadline waits: that time is the server's, not the client's. */
  let answering = false
  let late = false
  const deadline = services.clock.after(
    accountLimits.loginMs,
    () => {
      late = true
      if (!answering) step({ kind: 'deadline' })
    },
    { background: true },
  )
  try {
    while (loggedIn === undefined && !ended) {
      const message = await stream.receive()
      if (message === undefined) return undefined
      if (message.type === 'hello' && message.ping === true) client.ping(pingFrame)
      const call = step({ kind: 'message', message })
      if (call === undefined) continue
      answering = true
      const outcome = await withWaitNotices(
        ask(services.accounts, call, state.failures, client),
        stream,
        services.clock,
      )
      answering = false
      if (client.signal.aborted) return undefined
      step({ kind: 'outcome', outcome })
      if (late && loggedIn === undefined && !ended) step({ kind: 'deadline' })
    }
    return loggedIn
  } finally {
    deadline.cancel()
  }
}

function ask(
  accounts: Accounts,
  call: LoginCall,
  failures: number,
  { peer, signal }: Session,
): Promise<LoginOutcome | RegisterOutcome | ResumeOutcome> {
  if (call.method === 'resume') return accounts.resume({ token: call.token })
  const { name, password } = call
  const credentials = { name, password, address: peer.address, failures }
  if (call.method === 'login') {
    const { newPassword } = call
    return accounts.login({ ...credentials, ...(newPassword !== undefined && { newPassword }) }, signal)
  }
  return accounts.register({ ...credentials, ...(call.code !== undefined && { code: call.code }) }, signal)
}

/** What came of effects that were performed. */
interface LoginProgress {
  readonly call?: LoginCall
  readonly loggedIn?: LoggedIn
  readonly ended: boolean
}

function perform(
  stream: ServerMessageStream<LoginMessage, ServerMessage>,
  effects: readonly LoginEffect[],
): LoginProgress {
  const { client } = stream
  let progress: LoginProgress = { ended: false }
  for (const effect of effects) {
    if (effect.do === 'send') stream.send(effect.message)
    else if (effect.do === 'call') progress = { ...progress, call: effect }
    else if (effect.do === 'enter') {
      client.userName = effect.session.user
      progress = { ...progress, loggedIn: { session: effect.session, account: effect.account } }
    } else if (effect.do === 'record') recordFor(client, effect.event)
    else {
      client.end(effect.reason, effect.detail)
      progress = { ...progress, ended: true }
    }
  }
  return progress
}
