import type { ExitCode } from '../../base/exit-codes.ts'
import { phraseSeals } from '../../datagram-chat/member-socket.ts'
import { memberName } from '../../datagram-chat/names.ts'
import { option } from '../../options/spec.ts'
import { askOnTerminal, askStreams, type CommandContext } from '../command.ts'
import { badNetwork } from './bad-network.ts'
import { Conversation } from './conversation.ts'
import { findRelay } from './find-relay.ts'
import { nick } from './options.ts'
import { roomPhrase, secrecy } from './room-key.ts'
import type { ChatUdpValues } from './values.ts'

/** `netlab chat-udp [host]`: a member, until it leaves. */
export async function run(values: ChatUdpValues, context: CommandContext): Promise<ExitCode> {
  const { clock, signal, stderr } = context
  const ask = askOnTerminal(context)
  const talk = (line: string) => void stderr.write(`${line}\n`)
  const place = await findRelay(values, { clock, signal, ask, streams: askStreams(context), talk })
  const askName = ask && (() => ask('Your name in the room', nameQuestion(context)))
  const name = values.name ?? (await askName?.()) ?? usualName(context)
  const phrase = await roomPhrase(values, context, ask)
  talk(secrecy(phrase !== undefined))
  const options = {
    ...place,
    room: values.room ?? '',
    deriveSeals: phrase === undefined ? undefined : phraseSeals(phrase),
    network: badNetwork(values),
  }
  return new Conversation(context, options, askName).run(name)
}

function nameQuestion(context: CommandContext) {
  return option<string>({ kind: nick, summary: 'your name', default: usualName(context) })
}

/** Who is logged in, when that can be a name. */
function usualName({ environment }: CommandContext): string {
  return memberName(environment.USER ?? environment.USERNAME ?? '') ?? 'guest'
}
