import { NetworkError, UsageError } from '../../base/errors.ts'
import { printable } from '../../base/visible.ts'
import { flag, type Kind, optional, text } from '../../options/kinds.ts'
import type { Ask } from '../../options/resolve.ts'
import { type OptionSpec, option } from '../../options/spec.ts'
import { checkName, nameFaults } from '../../text/names.ts'
import { type Channel, type Message, nonsense } from './channel.ts'
import { refused } from './greeting.ts'

export interface LoginDesk {
  readonly user: string | undefined
  readonly password: string | undefined
  /** Asks a person until `signal`; undefined when there is none. */
  readonly ask: ((signal: AbortSignal) => Ask) | undefined
  say(line: string): void
  /** The token kept from an earlier login. */
  kept(): { readonly user: string; readonly token: string } | undefined
  keep(user: string, token: string): void
  forget(user: string): void
}

/** Who is logged in now. */
export interface Welcome {
  readonly name: string
  readonly how: string
}

/**
 * Leads to a session: by the kept token when the server still knows it, else by name and password. A person may try again;
 * otherwise a denial is the end. Rejects with NetlabError REFUSED (exit 1), UsageError when there is nobody to ask, or as
 * the channel does.
 */
export async function logIn(channel: Channel, desk: LoginDesk): Promise<Welcome> {
  const kept = desk.kept()
  if (kept !== undefined) {
    const answer = await request(channel, desk, { type: 'resume', token: kept.token })
    if (answer.type === 'welcome') return welcome(answer, desk)
    if (answer.reason === 'no-session') desk.forget(kept.user)
    if (answer.reason !== 'no-session' || (desk.ask === undefined && desk.password === undefined)) throw refused(answer)
    desk.say(sentence(answer))
  }
  let { user, password } = desk
  for (;;) {
    const name = user ?? (await asked(channel, desk, 'Name', nameSpec)) ?? ''
    const secret = password ?? (await asked(channel, desk, 'Password', passwordSpec))
    const answer = await request(channel, desk, { type: 'login', name, password: secret })
    if (answer.type === 'welcome') return welcome(answer, desk)
    if (desk.ask === undefined) throw refused(answer)
    desk.say(sentence(answer))
    if (answer.reason === 'wrong') {
      const registered = await register(channel, desk, name, secret)
      if (registered !== undefined) return registered
    }
    // What was given in advance was wrong, or is wrong now.
    password = undefined
    if (answer.reason === 'bad-name') user = undefined
  }
}

const nameKind: Kind<string> = {
  placeholder: 'NAME',
  parse(typed) {
    const check = checkName(typed.trim())
    if (check.kind === 'bad') throw new UsageError(nameFaults[check.why])
    return check.name
  },
}
const nameSpec = option({ kind: optional(nameKind), summary: 'name', default: undefined })
const passwordSpec: OptionSpec<string> = { kind: text, summary: 'password', default: '', secret: true }

/** An unknown name and a wrong password look the same, so a person is asked. */
async function register(
  channel: Channel,
  desk: LoginDesk,
  name: string,
  password: string,
): Promise<Welcome | undefined> {
  const question = `New here? Register as ${printable(name)}?`
  if (!(await asked(channel, desk, question, { kind: flag, summary: 'register', default: false }))) return undefined
  if ((await asked(channel, desk, 'The same password again', passwordSpec)) !== password) {
    desk.say('The two passwords differ; nobody was registered.')
    return undefined
  }
  const answer = await request(channel, desk, { type: 'register', name, password })
  if (answer.type === 'welcome') return welcome(answer, desk)
  desk.say(sentence(answer))
  return undefined
}

function welcome({ name, how, token }: Message, desk: LoginDesk): Welcome {
  if (typeof name !== 'string' || typeof how !== 'string') throw nonsense()
  if (typeof token === 'string') desk.keep(name, token)
  return { name: printable(name), how }
}

/** Sends a request and waits for `welcome` or `denied`. */
async function request(channel: Channel, desk: LoginDesk, message: Message): Promise<Message> {
  channel.send(message)
  for (;;) {
    const answer = await heard(channel)
    if (answer.type === 'welcome' || answer.type === 'denied') return answer
    if (answer.type === 'wait') desk.say(sentence(answer))
    if (answer.type === 'error') throw nonsense(answer)
  }
}

async function heard(channel: Channel): Promise<Message> {
  const answer = await channel.receive()
  if (answer === undefined) throw new NetworkError('CLOSED', 'the server closed the connection during the login')
  if (answer.type === 'bye') throw refused(answer)
  return answer
}

/** A question to the person, given up when the server has something to say: unasked it only says goodbye. */
async function asked<T>(channel: Channel, desk: LoginDesk, question: string, spec: OptionSpec<T>): Promise<T> {
  if (desk.ask === undefined) {
    const option = spec.secret === true ? '--password-file or NETLAB_PASSWORD' : '--user'
    throw new UsageError(`the server asks for a ${spec.summary}, and there is no terminal to ask on`, {
      hint: `give it with ${option}`,
    })
  }
  const over = new AbortController()
  const enough = (): void => over.abort()
  void channel.peek().then(enough, enough)
  try {
    return await desk.ask(over.signal)(question, spec)
  } catch (error) {
    if (over.signal.aborted) throw refused(await heard(channel))
    throw error
  }
}

function sentence({ message }: Message): string {
  return printable(typeof message === 'string' ? message : '')
}
