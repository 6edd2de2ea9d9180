import type { Clock } from '../base/clock.ts'
import type { NetlabEvent } from '../base/events.ts'
import { limits } from '../base/limits.ts'
import type { Accounts, LoginOutcome, RegisterOutcome, ResumeOutcome, SessionInfo } from './accounts.ts'
import { frameVoice } from './frames.ts'
import { type LoginCall, type LoginEffect, type LoginInput, loginStart, loginStep, refusePlaintext } from './login.ts'
import { LoginText } from './login-text.ts'
import { type LoginMessage, loginShapes, type ServerMessage } from './messages.ts'
import { type Line, Talk } from './talk.ts'
import { waiting } from './waiting.ts'

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
