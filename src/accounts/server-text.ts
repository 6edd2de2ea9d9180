import type { SessionInfo } from './accounts.ts'
import type { ServerMessage } from './messages.ts'

/** What someone who is logged in may type. */
export const accountCommands = 'Commands: whoami, sessions, logout [NUMBER|others|all], passwd, exit.'

/** What the server says, as lines for a person. Names were checked when they were made, so they are safe to print. */
export function serverText(message: ServerMessage): readonly string[] {
  switch (message.type) {
    case 'hello':
      return [`netlab ${message.service}. "exit" leaves.`]
    case 'welcome':
      return welcome(message)
    case 'denied':
    case 'wait':
    case 'bye':
      return [message.message]
    case 'whoami':
      return [`${message.name}, ${session(message.session)}`]
    case 'sessions':
      return message.sessions.map((one) => `${one.id === message.current ? '*' : ' '} ${session(one)}`)
    case 'logged-out':
      return [message.count === 1 ? 'One session ended.' : `${message.count} sessions ended.`]
    case 'changed':
      return [
        `The password is changed; ${message.revoked === 1 ? 'one other session' : `${message.revoked} other sessions`} ended.`,
      ]
  }
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
