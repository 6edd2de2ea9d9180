import type { LoginFailure } from '../base/events.ts'
import { nameFaults } from '../text/names.ts'
import type {
  BadCode,
  BadName,
  BadPassword,
  Banned,
  MustChange,
  NameTaken,
  NoSession,
  RegisteredOnly,
  RegistrationClosed,
  SessionInfo,
  StoreFull,
  Unavailable,
  WrongPassword,
} from './accounts.ts'
import type { ServerMessage } from './messages.ts'
import { passwordFaults } from './password-rules.ts'

/** Every outcome by which a request is rejected. */
export type Rejection =
  | WrongPassword
  | BadName
  | BadPassword
  | NameTaken
  | StoreFull
  | NoSession
  | RegisteredOnly
  | MustChange
  | Banned
  | RegistrationClosed
  | BadCode
  | Unavailable

export type ErrorReply = Extract<ServerMessage, { readonly type: 'denied' }>

/** What the client is sent. A wrong password and an unknown name get the same reply. */
export function errorReply(rejection: Rejection): ErrorReply {
  switch (rejection.kind) {
    case 'wrong':
      return denied('wrong', 'No user has this name and this password.')
    case 'bad-name':
      return denied('bad-name', nameFaults[rejection.why])
    case 'bad-password':
      return denied('bad-password', passwordFaults[rejection.why])
    case 'taken':
      return denied(
        'taken',
        rejection.alike === true ? 'That name looks like one that is taken.' : 'That name is taken.',
      )
    case 'full':
      return denied('full', 'No more names can be kept here.')
    case 'no-session':
      if (rejection.why === 'malformed')
        return denied('no-session', 'That is no token: one has 43 characters. Log in with name and password.')
      return denied('no-session', 'That session has ended or never was; log in with name and password.')
    case 'must-change':
      return denied('must-change', 'That password was given for one login: choose a new one.')
    case 'banned':
      return denied('banned', bannedText(rejection.until))
    case 'busy':
      return { ...denied('busy', `Busy, try again in ${seconds(rejection.retryMs)} s.`), retryMs: rejection.retryMs }
    case 'throttled':
      return {
        ...denied(
          'throttled',
          `Too many ${rejection.by === 'registrations' ? 'registrations' : 'failed attempts'}, try again in ${seconds(rejection.retryMs)} s.`,
        ),
        retryMs: rejection.retryMs,
      }
    case 'closed':
      return denied('closed', 'Nobody can register here; ask the operator for an account.')
    case 'bad-code':
      if (rejection.why === 'missing')
        return denied('code', 'Registering here needs a code; ask whoever runs this server for it.')
      return denied('code', 'That is not the registration code.')
    case 'left':
      return denied('left', 'You took too long.')
    case 'registered-only':
      return denied(
        'storage',
        'You are registered, but the login could not be kept; log in later. The operator has to look at the disk.',
      )
    case 'storage':
      return denied('storage', 'That could not be kept, so nothing was changed; the operator has to look at the disk.')
  }
}

function bannedText(until: string | undefined): string {
  return `You are banned from this server${until === undefined ? '' : ` until ${time(Date.parse(until))}`}.`
}

/** The same for the log. */
export function failureReason(rejection: Exclude<Rejection, MustChange>): LoginFailure {
  switch (rejection.kind) {
    case 'wrong':
      return 'credentials'
    case 'bad-name':
      return 'name'
    case 'bad-password':
      return 'password'
    case 'no-session':
      return `token-${rejection.why}`
    case 'throttled':
      return 'attempts'
    case 'closed':
      return 'registration-closed'
    case 'bad-code':
      return 'registration-code'
    case 'registered-only':
      return 'storage'
    default:
      return rejection.kind
  }
}

function denied(reason: string, message: string): ErrorReply {
  return { type: 'denied', reason, message }
}

function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000))
}

/** What someone who is logged in may type. */
export const accountCommands = 'Commands: whoami, sessions, logout [NUMBER|others|all], passwd, exit.'

/** What the server says, as lines for a person. Names were checked when they were made, so they are safe to print. */
export function replyLines(message: ServerMessage): readonly string[] {
  switch (message.type) {
    case 'hello':
      return [`netlab ${message.service}. "exit" leaves.`]
    case 'welcome':
      return welcome(message)
    case 'denied':
    case 'wait':
      return [message.message]
    case 'bye':
      return [goodbyeLine(message)]
    case 'whoami':
      return [`${message.name}, ${session(message.session)}`]
    case 'sessions':
      return message.sessions.map((one) => `${one.id === message.current ? '*' : ' '} ${session(one)}`)
    case 'logged-out':
      return [message.count === 1 ? 'One session ended.' : `${message.count} sessions ended.`]
    case 'renamed':
      return [`You are called ${message.name} now.`]
    case 'changed':
      return [
        `The password is changed; ${message.revoked === 1 ? 'one other session' : `${message.revoked} other sessions`} ended.`,
      ]
  }
}

/** Whoever does not leave of its own will is told why in a line that begins as all do by which a server ends a conversation. */
export function goodbyeLine({ reason, message }: { readonly reason: string; readonly message: string }): string {
  return reason === 'exit' || reason === 'logged-out' ? message : `netlab: ${message}`
}

function welcome(message: Extract<ServerMessage, { readonly type: 'welcome' }>): readonly string[] {
  const { name, how, token } = message
  const greeting = {
    login: `Welcome back, ${name}.`,
    registered: `Welcome, ${name}. You are registered.`,
    resumed: `Welcome back, ${name}. Your session goes on.`,
  }[how]
  const keep = token === undefined ? [] : [`Next time "resume ${token}" instead of a name saves the password.`]
  return [greeting, ...keep, accountCommands]
}

function session({ id, address, createdMs, expiresMs }: SessionInfo): string {
  return `session ${id} from ${address}, since ${time(createdMs)}, until ${time(expiresMs)} if not used`
}

function time(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
