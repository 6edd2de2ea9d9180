import { accountCommands } from '../../accounts/server-text.ts'
import { errorMessage, NetlabError, NetworkError, UsageError } from '../../base/errors.ts'
import { ExitCode } from '../../base/exit-codes.ts'
import { limits } from '../../base/limits.ts'
import { clientStyle, ownClock } from '../../chat/client-style.ts'
import { ClientView } from '../../chat/client-view.ts'
import { Backoff } from '../../chat/reconnect.ts'
import { formatEndpoint, isLoopback } from '../../net/address.ts'
import { asker } from '../../options/ask.ts'
import type { CommandContext } from '../command.ts'
import { accountTalk } from './account-talk.ts'
import { Channel } from './channel.ts'
import { ChatTalk } from './chat-talk.ts'
import type { Connection, Ending } from './connection.ts'
import { greet, type LoginService } from './greeting.ts'
import { type LoginDesk, logIn, type Welcome } from './login.ts'
import { givenPassword, type LoginValues } from './login-options.ts'
import { Screen } from './screen.ts'
import { type KeptSession, SessionFile } from './session-file.ts'
import { statePath } from './state-file.ts'

export interface AccountOptions {
  readonly host: string
  readonly port: number
  readonly values: LoginValues
  /** How long the server may take to answer the greeting; 0 for ever. */
  readonly timeoutMs: number
  readonly context: CommandContext
  /** Talk: what is not the answer. */
  say(line: string): void
}

/** Somebody's account at one server: what leads to a session, and the conversation in it. */
export class Account {
  readonly #options: AccountOptions
  readonly #server: string
  readonly #kept: SessionFile | undefined
  readonly #password: string | undefined
  /** The session we are in; also where none is kept on disk. */
  #session: KeptSession | undefined

  /** @throws {StorageError, UsageError} when what was given can't be used. */
  constructor(options: AccountOptions) {
    const { values, context, host, port } = options
    this.#options = options
    this.#server = formatEndpoint(host.toLowerCase(), port)
    const file = values.session ? statePath(context.environment, 'sessions.json') : undefined
    this.#kept = file === undefined ? undefined : new SessionFile(file)
    this.#password = givenPassword(values)
  }

  /** Somebody said that there is a login. */
  get demanded(): boolean {
    const { user, passwordFile } = this.#options.values
    return user !== undefined || passwordFile !== undefined
  }

  /** There has been a login before. @throws {StorageError} */
  get expected(): boolean {
    return this.#kept?.find(this.#server) !== undefined
  }

  /**
   * Logs in and talks on a fresh connection, in frames. Undefined when the server is none that people log in to.
   * @param redial makes another connection, for a hello that came too late and a chat whose first connection is lost.
   * Rejects with NetlabError REFUSED for a negative answer, and else as connections do.
   */
  async hold(connection: Connection, redial: () => Promise<Connection>): Promise<Ending | undefined> {
    const { context } = this.#options
    let channel = this.#channel(connection)
    try {
      let service = await this.#greet(channel)
      for (let again = 0; service === 'unheard' && again < limits.helloRetryCount; again++) {
        channel.close()
        channel = this.#channel(await redial())
        service = await this.#greet(channel)
      }
      if (service === undefined) return undefined
      if (service === 'unheard') throw unheard(this.#server)
      for (;;) {
        const welcome = await logIn(channel, this.#desk())
        const interrupted = Promise.withResolvers<Ending>()
        const over = new AbortController()
        const screen = new Screen(context, () =>
          interrupted.resolve({ how: 'left with Ctrl-C', exit: ExitCode.interrupted }),
        )
        try {
          this.#welcome(screen, welcome, service)
          const talk =
            service === 'chat'
              ? this.#chat(channel, screen, welcome.name, redial, over.signal)
              : accountTalk(channel, screen)
          const ending = await Promise.race([talk, interrupted.promise])
          if (typeof ending === 'object') return ending
          this.#forget(welcome.name)
          if (ending === 'logged-out') return { how: 'logged out', exit: ExitCode.ok }
          // What follows the denial is the greeting of a new login.
          await channel.receive()
        } catch (error) {
          if (error instanceof NetlabError && error.code === 'REVOKED') this.#forget(welcome.name)
          throw error
        } finally {
          over.abort()
          screen.close()
        }
      }
    } finally {
      channel.close()
    }
  }

  #welcome(screen: Screen, { name, how }: Welcome, service: LoginService): void {
    const greeting = `${greetings.get(how) ?? 'Welcome'}, ${name}.`
    const hint = service === 'chat' ? '/help lists the commands.' : accountCommands
    if (screen.interactive) screen.print(`${greeting}\n${hint}`)
    else this.#options.say(greeting)
  }

  #chat(
    channel: Channel,
    screen: Screen,
    name: string,
    redial: () => Promise<Connection>,
    over: AbortSignal,
  ): Promise<Ending | 'logged-out'> {
    const { context } = this.#options
    const { clock, signal, environment } = context
    const colour = screen.interactive && !environment.NO_COLOR
    const style = clientStyle(colour, ownClock)
    const talk = new ChatTalk({
      screen,
      view: new ClientView({ style, newId: () => crypto.randomUUID(), now: clock.now() }),
      backoff: new Backoff(Math.random),
      clock,
      signal: AbortSignal.any([signal, over]),
      reconnect: async () => {
        const again = this.#channel(await redial())
        try {
          const service = await this.#greet(again)
          if (service === 'chat') {
            await logIn(again, this.#desk(screen))
            return again
          }
        } catch (error) {
          again.close()
          throw error
        }
        again.close()
        return undefined
      },
    })
    return talk.run(channel, name)
  }

  #channel(connection: Connection): Channel {
    this.#forbidListeners(connection)
    return new Channel(connection, this.#options.context.signal)
  }

  #greet(channel: Channel): ReturnType<typeof greet> {
    return greet(channel, this.#options.context.clock, this.#options.timeoutMs)
  }

  #forget(user: string): void {
    this.#session = undefined
    this.#kept?.forget(this.#server, user)
  }

  /** @param screen stands already: nobody can be asked in the middle of it. */
  #desk(screen?: Screen): LoginDesk {
    const { context, values, say } = this.#options
    const { stdin, stderr, signal } = context
    const server = this.#server
    const ask = (over: AbortSignal) => asker({ input: stdin, output: stderr, signal: AbortSignal.any([signal, over]) })
    return {
      user: values.user,
      password: this.#password,
      ask: screen === undefined && stdin.isTTY === true && stderr.isTTY === true ? ask : undefined,
      // Not what --quiet silences: these are the answers to what was typed.
      say: (line) => (screen === undefined ? void stderr.write(`${line}\n`) : screen.remark(line)),
      kept: () => {
        this.#session ??= this.#kept?.find(server, values.user)
        return this.#session
      },
      keep: (user, token) => {
        this.#session = { server, user, token }
        if (!values.session) return
        const problem = keepingProblem(this.#kept, this.#session)
        if (problem !== undefined) say(`the session is not kept: ${problem}`)
      },
      forget: (user) => this.#forget(user),
    }
  }

  /** @throws {UsageError} when others could read what only the server may know. */
  #forbidListeners({ socket }: Connection): void {
    const safe = 'encrypted' in socket || isLoopback(socket.remoteAddress ?? '')
    if (safe || this.#options.values.insecure) return
    throw new UsageError(`a password or a session for ${this.#server} would travel where others can read it`, {
      hint: 'use --tls; or say --insecure if nobody else is on the way, --no-session to talk without logging in',
    })
  }
}

function unheard(server: string): NetworkError {
  return new NetworkError('UNHEARD', `${server} hears this client too late, and takes it for a person`, {
    hint: 'try again; or log in by hand, with --framing text',
  })
}

/** Why the session can't be kept, if so: that is no reason not to talk in it. */
function keepingProblem(kept: SessionFile | undefined, session: KeptSession): string | undefined {
  if (kept === undefined) return 'HOME is not set'
  try {
    kept.keep(session)
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
