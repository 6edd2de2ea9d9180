import type { NetlabEvent } from '../base/events.ts'
import { checkName, nameFaults } from '../text/names.ts'
import type { Accounts, IdentifyOutcome, NameOutcome } from './accounts.ts'
import { frameVoice, type Heard, type Line, type Shapes, Talk, type Voice } from './message-stream.ts'
import { denial, failureOf } from './replies.ts'

export type IdentMessage =
  | { readonly type: 'hello' | 'whoami' | 'exit' }
  | { readonly type: 'name'; readonly name: string }

export type IdentAnswer =
  | { readonly type: 'hello'; readonly service: 'ident'; readonly version: 1 }
  | { readonly type: 'ask'; readonly what: 'name'; readonly message: string }
  | { readonly type: 'greeting'; readonly name: string; readonly isNew: boolean }
  | { readonly type: 'denied'; readonly reason: string; readonly message: string }
  | { readonly type: 'bye'; readonly reason: string; readonly message: string }

const shapes: Shapes = { hello: {}, whoami: {}, exit: {}, name: { name: 'text' } }

/**
 * Greets a host by its name, or asks for the name and keeps it. A host has one name: asked again, it hears the one it has.
 */
export async function identify(line: Line, accounts: Accounts): Promise<void> {
  const frames = (await line.dialect()) === 'frames'
  const talk = new Talk<IdentMessage, IdentAnswer>(line, frames ? frameVoice(shapes) : new IdentText())
  const { address } = line.peer
  talk.tell({ type: 'hello', service: 'ident', version: 1 })
  tellAll(talk, await accounts.nameOf({ address }))
  for (;;) {
    const message = await talk.receive()
    if (message === undefined) return
    switch (message.type) {
      case 'hello':
        break
      case 'exit':
        talk.tell({ type: 'bye', reason: 'exit', message: 'Goodbye.' })
        line.end('exit')
        return
      case 'whoami':
        tellAll(talk, await accounts.nameOf({ address }))
        break
      case 'name':
        tellAll(talk, await accounts.identify({ address, name: message.name }))
    }
  }
}

function tellAll(talk: Talk<IdentMessage, IdentAnswer>, outcome: NameOutcome | IdentifyOutcome): void {
  const { line } = talk
  const record = (event: object) => line.record({ ...event, id: line.id, peer: line.peer } as NetlabEvent)
  switch (outcome.kind) {
    case 'host':
      if (outcome.name === undefined) talk.tell({ type: 'ask', what: 'name', message: 'What is your name?' })
      else {
        record({ type: 'identified', name: outcome.name, isNew: false })
        talk.tell({ type: 'greeting', name: outcome.name, isNew: false })
      }
      break
    case 'identified':
      record({ type: 'identified', name: outcome.name, isNew: outcome.isNew })
      talk.tell({ type: 'greeting', name: outcome.name, isNew: outcome.isNew })
      break
    default: {
      record({ type: 'login-failed', reason: failureOf(outcome) })
      const { reason, message } = denial(outcome)
      talk.tell({ type: 'denied', reason, message })
      talk.tell({ type: 'ask', what: 'name', message: 'What is your name?' })
    }
  }
}

/** The same for a person who types lines. */
class IdentText implements Voice<IdentMessage, IdentAnswer> {
  #known = false

  hear(text: string): Heard<IdentMessage> {
    const word = text.trim()
    if (word === 'exit') return { kind: 'message', message: { type: 'exit' } }
    if (this.#known) {
      if (word === 'whoami') return { kind: 'message', message: { type: 'whoami' } }
      return { kind: 'more', say: ['Commands: whoami, exit.'] }
    }
    const check = checkName(text)
    if (check.kind === 'bad') return { kind: 'more', say: [nameFaults[check.why], 'What is your name?'] }
    return { kind: 'message', message: { type: 'name', name: check.name } }
  }

  say(message: IdentAnswer): readonly string[] {
    switch (message.type) {
      case 'hello':
        return ['netlab ident. "exit" leaves.']
      case 'ask':
        this.#known = false
        return [message.message]
      case 'greeting':
        this.#known = true
        return [message.isNew ? `Nice to meet you, ${message.name}.` : `Hello, ${message.name}.`]
      default:
        return [message.message]
    }
  }
}
