import { accountCommands } from '../../accounts/server-text.ts'
import { ExitCode } from '../../base/exit-codes.ts'
import { printable } from '../../base/visible.ts'
import { accountLines } from './account-lines.ts'
import type { Channel, Message } from './channel.ts'
import type { Ending } from './connection.ts'
import { refused } from './greeting.ts'
import { PasswordChange } from './password-change.ts'
import type { Screen } from './screen.ts'

/**
 * What someone who has logged in to `serve auth` asks and hears, until it ends; 'logged-out' when the session is over
 * and the connection is not. Rejects with NetlabError REFUSED when the server ends it.
 */
export async function accountTalk(channel: Channel, screen: Screen): Promise<Ending | 'logged-out' | 'expired'> {
  const passwords = new PasswordChange(screen)
  const send = (message: Message): boolean => {
    channel.send(message)
    return true
  }
  const typing = async (): Promise<never> => {
    for await (const line of screen.lines()) {
      const request = requestOf(line)
      if (request === undefined) screen.remark(accountCommands)
      else if (request.type === 'passwd') await passwords.run(send)
      else if (request.type !== '') channel.send(request)
    }
    channel.end()
    return new Promise(() => undefined)
  }
  return Promise.race([hearing(channel, screen, passwords), typing()])
}

async function hearing(
  channel: Channel,
  screen: Screen,
  passwords: PasswordChange,
): Promise<Ending | 'logged-out' | 'expired'> {
  for (let message = await channel.receive(); message !== undefined; message = await channel.receive()) {
    if (message.type === 'bye' && message.reason !== 'exit') throw refused(message)
    const lines = message.type === 'error' ? [printable(String(message.message))] : accountLines(message)
    for (const line of lines) screen.print(line)
    passwords.hear(message)
    if (message.type === 'logged-out' && message.here === true) return 'logged-out'
    if (message.type === 'denied' && message.reason === 'no-session') return 'expired'
    await screen.drained()
  }
  return { how: 'the server closed the connection', exit: ExitCode.ok }
}

/** What a typed line asks for, of the type '' when for nothing; undefined when it is no command. */
function requestOf(line: string): Message | undefined {
  const [command = '', argument, ...rest] = line.trim().toLowerCase().split(/\s+/)
  if (command === 'logout' && rest.length === 0)
    return { type: 'logout', ...(argument !== undefined && { which: argument }) }
  return argument === undefined && bare.has(command) ? { type: command } : undefined
}

const bare = new Set(['', 'whoami', 'sessions', 'passwd', 'exit'])
