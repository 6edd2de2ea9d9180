import type { Clock } from '../base/clock.ts'
import type { Session } from '../net/session.ts'
import { checkName, nameFaults } from '../text/names.ts'
import type { Accounts, IdentifyOutcome, NameOutcome } from './accounts.ts'
import { accountLimits } from './limits.ts'
import { type Decoded, type MessageCodec, openStream, recordFor, type ServerMessageStream } from './message-stream.ts'
import { loginShapes, type MessageShapes, pingFrame } from './messages.ts'
import { errorReply, failureReason, goodbyeLine } from './replies.ts'

export type IdentMessage =
  | { readonly type: 'hello'; readonly ping?: boolean }
  | { readonly type: 'whoami' | 'exit' }
  | { readonly type: 'name'; readonly name: string }

export type IdentReply =
  | { readonly type: 'hello'; readonly service: 'ident'; readonly version: 1; readonly pingMs: number }
  | { readonly type: 'ask'; readonly what: 'name'; readonly message: string }
  | { readonly type: 'greeting'; readonly name: string; readonly isNew: boolean }
  | { readonly type: 'denied'; readonly reason: string; readonly message: string }
  | { readonly type: 'bye'; readonly reason: string; readonly message: string }

const shapes: MessageShapes = { hello: loginShapes.hello, whoami: {}, exit: {}, name: { name: 'text' } }

type IdentStream = ServerMessageStream<IdentMessage, IdentReply>

/** Greets a host by its name, or asks for the name and keeps it. A host keeps the first name that it gives, and has to give one in time. */
export async function identify(client: Session, accounts: Accounts, clock: Clock): Promise<void> {
  const stream = await openStream(client, shapes, new IdentTextCodec())
  const deadline = clock.after(accountLimits.loginMs, () => tooLate(stream), { background: true })
  try {
    await converse(stream, accounts, () => deadline.cancel())
  } finally {
    deadline.cancel()
  }
}

async function converse(stream: IdentStream, accounts: Accounts, onNamed: () => void): Promise<void> {
  const { client } = stream
  const { address } = client.peer
  const answer = (outcome: NameOutcome | IdentifyOutcome): void => {
    if (reply(stream, outcome)) onNamed()
  }
  stream.send({ type: 'hello', service: 'ident', version: 1, pingMs: client.pingMs })
  answer(await accounts.nameOf({ address }))
  for (;;) {
    const message = await stream.receive()
    if (message === undefined || client.signal.aborted) return
    switch (message.type) {
      case 'hello':
        if (message.ping === true) client.ping(pingFrame)
        break
      case 'exit':
        stream.send({ type: 'bye', reason: 'exit', message: 'Goodbye.' })
        client.end('exit')
        return
      case 'whoami':
        answer(await accounts.nameOf({ address }))
        break
      case 'name':
        answer(await accounts.identify({ address, name: message.name }))
    }
  }
}

function tooLate(stream: IdentStream): void {
  const { client } = stream
  recordFor(client, { type: 'login-failed', reason: 'deadline' })
  stream.send({ type: 'bye', reason: 'deadline', message: 'You took too long to give your name.' })
  client.end('no-login', 'it took too long')
}

/** Returns whether the host has a name. */
function reply(stream: IdentStream, outcome: NameOutcome | IdentifyOutcome): boolean {
  const { client } = stream
  switch (outcome.kind) {
    case 'host':
      if (outcome.name === undefined) {
        stream.send({ type: 'ask', what: 'name', message: 'What is your name?' })
        return false
      }
      client.userName = outcome.name
      recordFor(client, { type: 'identified', name: outcome.name, isNew: false })
      stream.send({ type: 'greeting', name: outcome.name, isNew: false })
      return true
    case 'identified':
      client.userName = outcome.name
      recordFor(client, { type: 'identified', name: outcome.name, isNew: outcome.isNew })
      stream.send({ type: 'greeting', name: outcome.name, isNew: outcome.isNew })
      return true
    default: {
      recordFor(client, { type: 'login-failed', reason: failureReason(outcome) })
      const { reason, message } = errorReply(outcome)
      stream.send({ type: 'denied', reason, message })
      stream.send({ type: 'ask', what: 'name', message: 'What is your name?' })
      return false
    }
  }
}

/** The same for a person who types lines. */
class IdentTextCodec implements MessageCodec<IdentMessage, IdentReply> {
  #known = false

  decode(text: string): Decoded<IdentMessage> {
    const word = text.trim()
    if (word === 'exit') return { kind: 'message', message: { type: 'exit' } }
    if (this.#known) {
      if (word === 'whoami') return { kind: 'message', message: { type: 'whoami' } }
      return { kind: 'incomplete', lines: ['Commands: whoami, exit.'] }
    }
    const check = checkName(text)
    if (check.kind === 'bad') return { kind: 'incomplete', lines: [nameFaults[check.why], 'What is your name?'] }
    return { kind: 'message', message: { type: 'name', name: check.name } }
  }

  encode(message: IdentReply): readonly string[] {
    switch (message.type) {
      case 'hello':
        return ['netlab ident. "exit" leaves.']
      case 'ask':
        this.#known = false
        return [message.message]
      case 'greeting':
        this.#known = true
        return [message.isNew ? `Nice to meet you, ${message.name}.` : `Hello, ${message.name}.`]
      case 'bye':
        return [goodbyeLine(message)]
      default:
        return [message.message]
    }
  }
}
