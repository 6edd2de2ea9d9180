import type { Clock } from '../base/clock.ts'
import type { DisconnectReason, NetlabEvent } from '../base/events.ts'
import { limits } from '../base/limits.ts'
import { checkName } from '../text/names.ts'
import type { Accounts, LoginOutcome, RegisterOutcome, ResumeOutcome, SessionInfo, Welcome } from './accounts.ts'
import { type EventOf, frameVoice, type Line, Talk, waiting } from './message-stream.ts'
import { type LoginMessage, loginShapes, type ServerMessage } from './messages.ts'
import { denial, failureOf, type Refusal } from './replies.ts'
import { LoginText } from './text-codec.ts'

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

/** A question to the accounts; the answer comes back as an outcome. */
export type LoginCall =
  | { readonly method: 'login' | 'register'; readonly name: string; readonly password: string }
  | { readonly method: 'resume'; readonly token: string }

export type LoginEffect =
  | { readonly do: 'tell'; readonly message: ServerMessage }
  | ({ readonly do: 'ask' } & LoginCall)
  | {
      readonly do: 'record'
      readonly event: EventOf<'login' | 'session-resumed' | 'registered' | 'login-failed' | 'throttled'>
    }
  | { readonly do: 'enter'; readonly session: SessionInfo }
  | { readonly do: 'end'; readonly reason: DisconnectReason; readonly detail?: string }

export interface LoginStep {
  readonly state: LoginState
  readonly effects: readonly LoginEffect[]
}

export const loginStart: LoginState = { asked: undefined, failures: 0 }

/** The conversation until someone is logged in: a message, an outcome or the deadline in, what to do out. */
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

/** What someone hears whose name and password others could read on the way. */
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
        effects: [{ do: 'tell', message: { type: 'bye', reason: 'exit', message: 'Goodbye.' } }, end('exit')],
      }
    case 'resume':
      return { state: { ...state, asked: 'resume' }, effects: [{ do: 'ask', method: 'resume', token: message.token }] }
    default: {
      const { type: method, name, password } = message
      const check = checkName(name)
      if (check.kind === 'bad') return refuse(state, { kind: 'bad-name', why: check.why })
      return { state: { ...state, asked: method }, effects: [{ do: 'ask', method, name: check.name, password }] }
    }
  }
}

function enter(state: LoginState, { session, token, delayedMs }: Welcome): LoginStep {
  const { user: name, id } = session
  const effects: LoginEffect[] = [...delayed(delayedMs)]
  if (state.asked === 'register') effects.push({ do: 'record', event: { type: 'registered', name } })
  const resumed = state.asked === 'resume'
  const entry = { name, session: id }
  effects.push({ do: 'record', event: resumed ? { type: 'session-resumed', ...entry } : { type: 'login', ...entry } })
  const how = resumed ? 'resumed' : state.asked === 'register' ? 'registered' : 'login'
  effects.push({ do: 'tell', message: { type: 'welcome', name, how, session, ...(token !== undefined && { token }) } })
  effects.push({ do: 'enter', session })
  return { state: loginStart, effects }
}

function refuse(state: LoginState, refusal: Refusal): LoginStep {
  const failures = state.failures + 1
  const name = refusal.kind === 'wrong' ? refusal.account : undefined
  const effects: LoginEffect[] = [
    ...delayed(refusal.kind === 'wrong' ? refusal.delayedMs : 0),
    refusal.kind === 'throttled'
      ? { do: 'record', event: { type: 'throttled', by: 'source', waitMs: refusal.retryMs } }
      : {
          do: 'record',
          event: { type: 'login-failed', reason: failureOf(refusal), ...(name !== undefined && { name }) },
        },
    { do: 'tell', message: denial(refusal) },
  ]
  if (failures >= limits.loginAttempts) {
    effects.push(...goodbye('attempts', 'That were too many attempts.', 'too many attempts'))
  }
  return { state: { asked: undefined, failures }, effects }
}

function delayed(waitMs: number): LoginEffect[] {
  return waitMs === 0 ? [] : [{ do: 'record', event: { type: 'throttled', by: 'account', waitMs } }]
}

function goodbye(
  failure: 'deadline' | 'attempts' | 'plaintext',
  message: string,
  detail: string,
): readonly LoginEffect[] {
  return [
    { do: 'record', event: { type: 'login-failed', reason: failure } },
    { do: 'tell', message: { type: 'bye', reason: failure, message } },
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
}

/**
 * Leads someone to a session: greets, asks, answers, until they are logged in. Undefined when they left, or were sent away;
 * the line has been told to end then.
 */
export async function authenticate(line: Line, services: LoginServices): Promise<SessionInfo | undefined> {
  const frames = (await line.dialect()) === 'frames'
  const talk = new Talk<LoginMessage, ServerMessage>(line, frames ? frameVoice(loginShapes) : new LoginText())
  if (!line.secure) {
    perform(talk, refusePlaintext(line.peer.address, line.offersTls))
    return undefined
  }
  talk.tell({ type: 'hello', service: services.service, version: 1 })

  let state = loginStart
  let session: SessionInfo | undefined
  let over = false
  /** The time while the accounts have the word is ours, not the client's. */
  let asking = false
  let late = false
  const step = (input: LoginInput): LoginCall | undefined => {
    const next = loginStep(state, input)
    state = next.state
    const done = perform(talk, next.effects)
    session = done.session
    over ||= done.over
    return done.call
  }
  const deadline = services.clock.after(
    limits.loginMs,
    () => {
      late = true
      if (!asking) step({ kind: 'deadline' })
    },
    { background: true },
  )
  try {
    while (session === undefined && !over) {
      const message = await talk.receive()
      if (message === undefined) return undefined
      const call = step({ kind: 'message', message })
      if (call === undefined) continue
      asking = true
      const outcome = await waiting(ask(services.accounts, call, line.peer.address, line.signal), talk, services.clock)
      asking = false
      // Whoever left meanwhile hears nothing more.
      if (line.signal.aborted) return undefined
      step({ kind: 'outcome', outcome })
      if (late && session === undefined && !over) step({ kind: 'deadline' })
    }
    return session
  } finally {
    deadline.cancel()
  }
}

function ask(
  accounts: Accounts,
  call: LoginCall,
  address: string,
  signal: AbortSignal,
): Promise<LoginOutcome | RegisterOutcome | ResumeOutcome> {
  if (call.method === 'resume') return accounts.resume({ token: call.token })
  const { method, name, password } = call
  return accounts[method]({ name, password, address }, signal)
}

interface Done {
  readonly call?: LoginCall
  readonly session?: SessionInfo
  readonly over: boolean
}

function perform(talk: Talk<LoginMessage, ServerMessage>, effects: readonly LoginEffect[]): Done {
  const { line } = talk
  let done: Done = { over: false }
  for (const effect of effects) {
    if (effect.do === 'tell') talk.tell(effect.message)
    else if (effect.do === 'ask') done = { ...done, call: effect }
    else if (effect.do === 'enter') done = { ...done, session: effect.session }
    else if (effect.do === 'record') line.record({ ...effect.event, id: line.id, peer: line.peer } as NetlabEvent)
    else {
      line.end(effect.reason, effect.detail)
      done = { ...done, over: true }
    }
  }
  return done
}
