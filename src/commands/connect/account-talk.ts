import type { ServerMessage } from '../../accounts/messages.ts'
import { accountCommands, serverText } from '../../accounts/server-text.ts'
import { ExitCode } from '../../base/exit-codes.ts'
import { printable } from '../../base/visible.ts'
import { PromptClosed } from '../../options/ask.ts'
import { text } from '../../options/kinds.ts'
import { type Channel, type Message, nonsense } from './channel.ts'
import type { Ending } from './connection.ts'
import { refused } from './greeting.ts'
import type { Screen } from './screen.ts'

/**
 * What someone who has logged in to `serve auth` asks and hears, until it ends; 'logged-out' when the session is over
 * and the connection is not. Rejects with NetlabError REFUSED when the server ends it.
 */
export async function accountTalk(channel: Channel, screen: Screen): Promise<Ending | 'logged-out' | 'expired'> {
  const typing = async (): Promise<never> => {
    for await (const line of screen.lines()) {
      const request = await requestOf(line, screen)
      if (request !== undefined) channel.send(request)
    }
    channel.end()
    return new Promise(() => undefined)
  }
  return Promise.race([hearing(channel, screen), typing()])
}

async function hearing(channel: Channel, screen: Screen): Promise<Ending | 'logged-out' | 'expired'> {
  for (let message = await channel.receive(); message !== undefined; message = await channel.receive()) {
    if (message.type === 'bye' && message.reason !== 'exit') throw refused(message)
    for (const line of render(message)) screen.print(line)
    if (message.type === 'logged-out' && message.here === true) return 'logged-out'
    if (message.type === 'denied' && message.reason === 'no-session') return 'expired'
    await screen.drained()
  }
  return { how: 'the server closed the connection', exit: ExitCode.ok }
}

const known = ['denied', 'wait', 'bye', 'whoami', 'sessions', 'logged-out', 'changed']

/** A message as lines for a person; none for what we don't know. @throws {ProtocolError} for one without its fields. */
function render(message: Message): readonly string[] {
  if (message.type === 'error') return [printable(String(message.message))]
  if (!known.includes(message.type)) return []
  try {
    return serverText(message as unknown as ServerMessage).map(printable)
  } catch (error) {
    throw nonsense(error)
  }
}

/** What a typed line asks for; undefined when that was answered here. */
async function requestOf(line: string, screen: Screen): Promise<Message | undefined> {
  const [command = '', argument, ...rest] = line.trim().toLowerCase().split(/\s+/)
  if (command === '') return undefined
  if (command === 'logout' && rest.length === 0)
    return { type: 'logout', ...(argument !== undefined && { which: argument }) }
  if (argument === undefined) {
    if (command === 'whoami' || command === 'sessions' || command === 'exit') return { type: command }
    if (command === 'passwd') return passwordChange(screen)
  }
  screen.remark(accountCommands)
  return undefined
}

async function passwordChange(screen: Screen): Promise<Message | undefined> {
  if (!screen.interactive) {
    screen.remark('passwd asks for passwords, and there is no terminal to ask on.')
    return undefined
  }
  try {
    const old = await screen.ask('Old password', secret)
    const next = await screen.ask('New password', secret)
    if ((await screen.ask('New password again', secret)) === next) return { type: 'passwd', old, new: next }
    screen.remark('The two new passwords differ; nothing was changed.')
  } catch (error) {
    if (!(error instanceof PromptClosed)) throw error
    screen.remark('Nothing was changed.')
  }
  return undefined
}

const secret = { kind: text, summary: 'password', default: '', secret: true } as const
