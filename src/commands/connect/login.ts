import { NetworkError, UsageError } from '../../base/errors.ts'
import { printable } from '../../base/visible.ts'
import { flag, type Kind, optional, text } from '../../options/kinds.ts'
import type { Ask } from '../../options/resolve.ts'
import { type OptionSpec, option } from '../../options/spec.ts'
import { checkKnownName, nameFaults } from '../../text/names.ts'
import { type JsonMessage, type MessageStream, malformed, replyError } from './message-stream.ts'

/** What a login needs besides the connection: what was given in advance, a person to ask, and the sessions kept on disk. */
export interface LoginPrompter {
  readonly user: string | undefined
  readonly password: string | undefined
  /** Registers somebody new instead of logging in. */
  readonly register: boolean
  /** What registering may need. */
  readonly code: string | undefined
  /** Asks a person until `signal`; undefined when there is none. */
  readonly ask: ((signal: AbortSignal) => Ask) | undefined
  say(line: string): void
  /** The token kept from an earlier login. */
  kept(): { readonly user: string; readonly token: string } | undefined
  keep(user: string, token: string): void
  forget(user: string): void
}

/** Who is logged in now, and `how`: registered, login or resumed. */
export interface LoginResult {
  readonly name: string
  readonly how: string
}

/**
 * Opens a session: by the kept token when the server still knows it, else by name and password. A person may try again;
 * without one the first negative reply is the end. Rejects with `replyError` (exit 1), UsageError when there is nobody to
 * ask, or as the stream does.
 */
export async function logIn(stream: MessageStream, prompter: LoginPrompter): Promise<LoginResult> {
  if (prompter.register) return registerNew(stream, prompter)
  const kept = prompter.kept()
  if (kept !== undefined) {
    const answer = await request(stream, prompter, { type: 'resume', token: kept.token })
    if (answer.type === 'welcome') return welcome(answer, prompter)
    if (answer.reason === 'no-session') prompter.forget(kept.user)
    if (answer.reason !== 'no-session' || (prompter.ask === undefined && prompter.password === undefined))
      throw replyError(answer)
    prompter.say(sentence(answer))
  }
  let { user, password } = prompter
  for (;;) {
    const name = user ?? (await promptFor(stream, prompter, 'Name', nameSpec)) ?? ''
    const secret = password ?? (await promptFor(stream, prompter, 'Password', passwordSpec))
    const answer = await request(stream, prompter, { type: 'login', name, password: secret })
    if (answer.type === 'welcome') return welcome(answer, prompter)
    if (prompter.ask === undefined) throw replyError(answer)
    prompter.say(sentence(answer))
    if (answer.reason === 'must-change') return replacePassword(stream, prompter, name, secret)
    if (answer.reason === 'wrong' && !stream.registrationClosed) {
      const registered = await register(stream, prompter, name, secret)
      if (registered !== undefined) return registered
    }
    // What was given in advance was refused: from now on it is asked for.
    password = undefined
    if (answer.reason === 'bad-name') user = undefined
  }
}

const nameKind: Kind<string> = {
  placeholder: 'NAME',
  parse(typed) {
    const check = checkKnownName(typed.trim())
    if (check.kind === 'bad') throw new UsageError(nameFaults[check.why])
    return check.name
  },
}
const nameSpec = option({ kind: optional(nameKind), summary: 'name', default: undefined })
const codeSpec: OptionSpec<string> = { kind: text, summary: 'registration code', default: '', secret: true }
const passwordSpec: OptionSpec<string> = { kind: text, summary: 'password', default: '', secret: true }

/** After a refusal: the server tells an unknown name from a wrong password to nobody, so a person says which it was. */
async function register(
  stream: MessageStream,
  prompter: LoginPrompter,
  name: string,
  password: string,
): Promise<LoginResult | undefined> {
  const question = `New here? Register as ${printable(name)}?`
  if (!(await promptFor(stream, prompter, question, { kind: flag, summary: 'register', default: false })))
    return undefined
  if ((await promptFor(stream, prompter, 'The same password again', passwordSpec)) !== password) {
    prompter.say('The two passwords differ; nobody was registered.')
    return undefined
  }
  const answer = await requestRegistration(stream, prompter, name, password)
  if (answer.type === 'welcome') return welcome(answer, prompter)
  prompter.say(sentence(answer))
  return undefined
}

/** Registers at once, without a login that would only fail first. Whatever stands against it is the end. */
async function registerNew(stream: MessageStream, prompter: LoginPrompter): Promise<LoginResult> {
  const name = prompter.user ?? (await promptFor(stream, prompter, 'Name', nameSpec)) ?? ''
  const password = prompter.password ?? (await promptFor(stream, prompter, 'Password', passwordSpec))
  if (prompter.password === undefined) {
    const again = await promptFor(stream, prompter, 'The same password again', passwordSpec)
    if (again !== password) throw new UsageError('the two passwords differ; nobody was registered')
  }
  const answer = await requestRegistration(stream, prompter, name, password)
  if (answer.type !== 'welcome') throw replyError(answer)
  return welcome(answer, prompter)
}

/** Registers, and asks a person for the code when the server wants one. */
async function requestRegistration(
  stream: MessageStream,
  prompter: LoginPrompter,
  name: string,
  password: string,
): Promise<JsonMessage> {
  let { code } = prompter
  for (;;) {
    const message = { type: 'register', name, password, ...(code !== undefined && { code }) }
    const answer = await request(stream, prompter, message)
    if (answer.reason !== 'code' || prompter.ask === undefined) return answer
    prompter.say(sentence(answer))
    code = await promptFor(stream, prompter, 'Registration code', codeSpec)
  }
}

/** The password was given for one login: a person chooses the next one, until the server takes it. */
async function replacePassword(
  stream: MessageStream,
  prompter: LoginPrompter,
  name: string,
  password: string,
): Promise<LoginResult> {
  for (;;) {
    const next = await promptFor(stream, prompter, 'New password', passwordSpec)
    if ((await promptFor(stream, prompter, 'New password again', passwordSpec)) !== next) {
      prompter.say('The two new passwords differ.')
      continue
    }
    const answer = await request(stream, prompter, { type: 'login', name, password, new: next })
    if (answer.type === 'welcome') return welcome(answer, prompter)
    if (answer.reason !== 'bad-password') throw replyError(answer)
    prompter.say(sentence(answer))
  }
}

function welcome({ name, how, token }: JsonMessage, prompter: LoginPrompter): LoginResult {
  if (typeof name !== 'string' || typeof how !== 'string') throw malformed()
  if (typeof token === 'string') prompter.keep(name, token)
  return { name: printable(name), how }
}

/** Sends a request and waits for `welcome` or `denied`. */
async function request(stream: MessageStream, prompter: LoginPrompter, message: JsonMessage): Promise<JsonMessage> {
  stream.send(message)
  let said = ''
  for (;;) {
    const answer = await nextReply(stream)
    if (answer.type === 'welcome' || answer.type === 'denied') return answer
    // Notices come as long as the wait takes; each is said once.
    if (answer.type === 'wait' && sentence(answer) !== said) {
      said = sentence(answer)
      prompter.say(said)
    }
    if (answer.type === 'error') throw malformed(answer)
  }
}

/** The next message, of whatever type. Rejects with `replyError` for the server's goodbye. */
async function nextReply(stream: MessageStream): Promise<JsonMessage> {
  const answer = await stream.receive()
  if (answer === undefined) throw new NetworkError('CLOSED', 'the server closed the connection during the login')
  if (answer.type === 'bye') throw replyError(answer)
  return answer
}

/** A question to the person, taken away when a message arrives: with no request under way it can only be a goodbye. */
async function promptFor<T>(
  stream: MessageStream,
  prompter: LoginPrompter,
  question: string,
  spec: OptionSpec<T>,
): Promise<T> {
  if (prompter.ask === undefined) {
    const option = spec.secret === true ? '--password-file or NETLAB_PASSWORD' : '--user'
    throw new UsageError(`the server asks for a ${spec.summary}, and there is no terminal to ask on`, {
      hint: `give it with ${option}`,
    })
  }
  const arrived = new AbortController()
  const onArrival = (): void => arrived.abort()
  void stream.peek().then(onArrival, onArrival)
  try {
    return await prompter.ask(arrived.signal)(question, spec)
  } catch (error) {
    if (arrived.signal.aborted) throw replyError(await nextReply(stream))
    throw error
  }
}

function sentence({ message }: JsonMessage): string {
  return printable(typeof message === 'string' ? message : '')
}
