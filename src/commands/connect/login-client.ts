import { accountCommands } from '../../accounts/replies.ts'
import { ExitCode, errorMessage, NetlabError, NetworkError, UsageError } from '../../base/errors.ts'
import { clientStyle, ownClock } from '../../chat/client-style.ts'
import { ClientView } from '../../chat/client-view.ts'
import { Backoff } from '../../chat/reconnect.ts'
import { isLoopback } from '../../net/address.ts'
import { asker } from '../../options/ask.ts'
import { askStreams, type CommandContext } from '../command.ts'
import { commandLimits } from '../limits.ts'
import { accountSession } from './account-client.ts'
import { ChatClient } from './chat-client.ts'
import type { ClientResult, ProvenIdentity, ServerConnection } from './client.ts'
import { type LoginPrompter, type LoginResult, logIn } from './login.ts'
import { type HelloAnswer, type LoginService, MessageStream, sayHello } from './message-stream.ts'
import { type ConnectValues, givenCode, givenPassword } from './options.ts'
import { Screen } from './screen.ts'
import { type KeptSession, SessionFile, serverKey, statePath } from './state-files.ts'

export interface LoginClientOptions {
  readonly host: string
  readonly port: number
  readonly values: Pick<
    ConnectValues,
    | 'user'
    | 'passwordFile'
    | 'password'
    | 'register'
    | 'registrationCode'
    | 'registrationCodeFile'
    | 'session'
    | 'insecure'
    | 'timeout'
    | 'tls'
    | 'tlsCa'
  >
  readonly context: CommandContext
  /** Takes one line of diagnostics: what is not the server's answer. */
  report(line: string): void
}

/** The client of a service that people log in to: hello, login, and the session until its end. */
export class LoginClient {
  readonly #options: LoginClientOptions
  readonly #server: string
  readonly #sessions: SessionFile | undefined
  readonly #password: string | undefined
  readonly #code: string | undefined
  /** The session we are in; known also where none is kept on disk. */
  #session: KeptSession | undefined
  /** The server of the latest connection, as it proved itself. */
  #identity: ProvenIdentity | undefined

  /** @throws {StorageError, UsageError} when a given file can't be used. */
  constructor(options: LoginClientOptions) {
    const { values, context, host, port } = options
    this.#options = options
    this.#server = serverKey(host, port)
    const file = values.session ? statePath(context.environment, 'sessions.json') : undefined
    this.#sessions = file === undefined ? undefined : new SessionFile(file)
    this.#password = givenPassword(values)
    this.#code = givenCode(values)
  }

  /** The command line asks for a login. */
  get demanded(): boolean {
    const { user, passwordFile } = this.#options.values
    return user !== undefined || passwordFile !== undefined || this.#options.values.register
  }

  /** A session from an earlier login is kept. @throws {StorageError} */
  get expected(): boolean {
    const { tls, tlsCa } = this.#options.values
    const withTls = tls || tlsCa !== undefined
    return this.#sessions?.find(this.#server, undefined, ({ key }) => withTls || key === undefined) !== undefined
  }

  /**
   * Logs in on a fresh connection and runs the session. Undefined when the server is none that people log in to.
   * @param reconnect makes another connection: for a hello that came too late, and for a chat whose connection is lost.
   * Rejects with NetlabError REFUSED for a negative reply, and else as connections do.
   */
  async run(
    connection: ServerConnection,
    reconnect: () => Promise<ServerConnection>,
  ): Promise<ClientResult | undefined> {
    let stream = this.#streamOver(connection)
    try {
      let service = await this.#sayHello(stream)
      for (let again = 0; service === 'text' && again < commandLimits.helloRetryCount; again++) {
        stream.close()
        stream = this.#streamOver(await reconnect())
        service = await this.#sayHello(stream)
      }
      if (service === undefined) return undefined
      if (service === 'text') throw helloTooLate(this.#server)
      for (;;) {
        const result = await this.#runSession(stream, service, reconnect)
        if (result !== 'expired') return result
        // The service greets on the same connection again, for another login.
        await stream.receive()
      }
    } finally {
      stream.close()
    }
  }

  /** One login and its session; 'expired' when the session is over and the connection stands. */
  async #runSession(
    stream: MessageStream,
    service: LoginService,
    reconnect: () => Promise<ServerConnection>,
  ): Promise<ClientResult | 'expired'> {
    const { context } = this.#options
    const login = await this.#logIn(stream)
    const interrupted = Promise.withResolvers<ClientResult>()
    const over = new AbortController()
    const screen = new Screen(context, () =>
      interrupted.resolve({ how: 'left with Ctrl-C', exit: ExitCode.interrupted }),
    )
    try {
      this.#welcome(screen, login, service)
      const session =
        service === 'chat'
          ? this.#chatClient(screen, reconnect, over.signal).run(stream, login.name)
          : accountSession(stream, screen)
      const result = await Promise.race([session, interrupted.promise])
      if (typeof result === 'object') return result
      this.#forget(login.name)
      return result === 'logged-out' ? { how: 'logged out', exit: ExitCode.ok } : result
    } catch (error) {
      if (error instanceof NetlabError && error.code === 'REVOKED') this.#forget(login.name)
      throw error
    } finally {
      over.abort()
      screen.close()
    }
  }

  #welcome(screen: Screen, { name, how }: LoginResult, service: LoginService): void {
    // Nobody said who: whoever was here last may be somebody else.
    const isAnyone = how === 'resumed' && this.#options.values.user === undefined
    const who = isAnyone ? `as ${name} (--user NAME for another)` : name
    const greeting = `${greetings.get(how) ?? 'Welcome'}${isAnyone ? '' : ','} ${who}.`
    const hint = service === 'chat' ? '/help lists the commands.' : accountCommands
    if (screen.interactive) screen.print(`${greeting}\n${hint}`)
    else this.#options.report(greeting)
  }

  /** @param over ends its attempts to reconnect. */
  #chatClient(screen: Screen, reconnect: () => Promise<ServerConnection>, over: AbortSignal): ChatClient {
    const { clock, signal, environment, isDumb } = this.#options.context
    const colour = screen.interactive && !isDumb && !environment.NO_COLOR
    const style = clientStyle(colour, ownClock)
    return new ChatClient({
      screen,
      view: new ClientView({ style, newId: () => crypto.randomUUID(), now: clock.now() }),
      backoff: new Backoff(Math.random),
      clock,
      signal: AbortSignal.any([signal, over]),
      reconnect: async () => {
        const stream = this.#streamOver(await reconnect())
        try {
          const service = await this.#sayHello(stream)
          if (service === 'chat') {
            await this.#logIn(stream, screen)
            return stream
          }
        } catch (error) {
          stream.close()
          throw error
        }
        stream.close()
        return undefined
      },
    })
  }

  #streamOver(connection: ServerConnection): MessageStream {
    this.#demandPrivacy(connection)
    this.#identity = connection.identity
    return new MessageStream(connection, this.#options.context.signal)
  }

  #sayHello(stream: MessageStream): Promise<HelloAnswer> {
    const { context, values } = this.#options
    return sayHello(stream, context.clock, values.timeout)
  }

  /** @param screen of a session that goes on */
  async #logIn(stream: MessageStream, screen?: Screen): Promise<LoginResult> {
    const login = await logIn(stream, this.#prompter(screen))
    // One that is older than the server's key, or than our knowing of it, belongs to that key from now on.
    if (this.#session !== undefined && this.#session.key !== this.#identity?.key) this.#keep(this.#session)
    return login
  }

  /** Keeps a session for the server that we are connected to. */
  #keep({ server, user, token }: KeptSession): void {
    const { values, report } = this.#options
    this.#session = { server, user, token, ...(this.#identity !== undefined && { key: this.#identity.key }) }
    if (!values.session) return
    const problem = keepSession(this.#sessions, this.#session)
    if (problem !== undefined) report(`the session is not kept: ${problem}`)
  }

  #forget(user: string): void {
    this.#session = undefined
    this.#sessions?.forget(this.#server, user)
  }

  /** @param screen of a session that goes on: its input line is in the place where a question would be. */
  #prompter(screen?: Screen): LoginPrompter {
    const { context, values, report } = this.#options
    const server = this.#server
    const streams = screen === undefined ? askStreams(context) : undefined
    return {
      user: values.user,
      password: this.#password,
      register: values.register && this.#session === undefined,
      code: this.#code,
      ask: streams && ((until) => asker({ ...streams, signal: AbortSignal.any([streams.signal, until]) })),
      // --quiet does not silence these: they answer what was typed.
      say: (line) => (screen === undefined ? void context.stderr.write(`${line}\n`) : screen.remark(line)),
      kept: () => {
        const mayGo = (session: KeptSession) => mayGoTo(this.#identity, session)
        if (this.#session === undefined || !mayGo(this.#session)) {
          this.#session = this.#sessions?.find(server, values.user, mayGo)
          const other = this.#session ?? this.#sessions?.find(server, values.user)
          if (other !== this.#session)
            report(`a session is kept for ${server}, ${whyNot(this.#identity)}: it is not used`)
        }
        return this.#session
      },
      keep: (user, token) => {
        this.#keep({ server, user, token })
      },
      forget: (user) => this.#forget(user),
    }
  }

  /** @throws {UsageError} when a password or a token would travel between machines in the clear. */
  #demandPrivacy({ socket }: ServerConnection): void {
    const safe = 'encrypted' in socket || isLoopback(socket.remoteAddress ?? '')
    if (safe || this.#options.values.insecure) return
    throw new UsageError(`a password or a session for ${this.#server} would travel where others can read it`, {
      hint: 'use --tls, which the server must have been started with; --no-session talks without logging in',
    })
  }
}

/**
 * Whether a session's token may go to this server: only to the one that it was opened at. Without TLS a server is known by its
 * address alone, and a session from there goes to a server with TLS only if that was known before; who vouches for a server's
 * signature (`--tls-ca`) vouches for its next key, too.
 */
function mayGoTo(identity: ProvenIdentity | undefined, { key }: KeptSession): boolean {
  if (identity === undefined) return key === undefined
  if (identity.proof === 'signed') return true
  return key === undefined ? identity.proof === 'known' : key === identity.key
}

/** Of a session that may not go to this server. */
function whyNot(identity: ProvenIdentity | undefined): string {
  return identity === undefined ? 'which was opened with --tls' : 'and nothing shows that it was opened at this key'
}

function helloTooLate(server: string): NetworkError {
  return new NetworkError('HELLO_TOO_LATE', `${server} hears this client too late, and takes it for a person`, {
    hint: 'try again; or log in by hand, with --framing text',
  })
}

/** Keeps the session; or tells why it can't be kept, which ends nothing: the session is open. */
function keepSession(file: SessionFile | undefined, session: KeptSession): string | undefined {
  if (file === undefined) return 'HOME is not set'
  try {
    file.keep(session)
    return undefined
  } catch (error) {
    return errorMessage(error)
  }
}

const greetings = new Map([
  ['registered', 'You are registered. Welcome'],
  ['login', 'Welcome back'],
  ['resumed', 'Welcome back, your session goes on'],
])
