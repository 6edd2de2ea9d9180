import { once } from 'node:events'
import { connect } from 'node:net'
import type { Clock } from '../base/clock.ts'
import { ExitCode, errorCode, NetworkError } from '../base/errors.ts'
import { FramedSocket } from '../net/framed-socket.ts'
import type { Answer, Operator } from '../terminal/operator-console.ts'
import { controlLimits } from './limits.ts'
import { type ControlNews, type ControlRequest, exitOf, type Greeting, parseObject } from './messages.ts'
import { findSockets } from './socket-files.ts'

/** Whether a server listens on that socket. @throws what else keeps this user from connecting. */
export async function reaches(path: string): Promise<boolean> {
  const socket = connect({ path })
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    if (['ECONNREFUSED', 'ENOENT'].includes(errorCode(error))) return false
    throw error
  } finally {
    socket.destroy()
  }
}

/** The answer of a server that is controlled. */
export interface RemoteAnswer extends Answer {
  readonly ended: Promise<void> | undefined
}

/** A server on this machine, reached through its control socket. */
export class ControlClient {
  readonly greeting: Greeting
  readonly #socket: FramedSocket
  readonly #clock: Clock
  readonly #answerMs: number

  private constructor(socket: FramedSocket, clock: Clock, answerMs: number, greeting: Greeting) {
    this.greeting = greeting
    this.#socket = socket
    this.#clock = clock
    this.#answerMs = answerMs
  }

  /** Undefined where nobody listens any more. @throws {NetworkError} when there is somebody who does not answer in time. */
  static async connect(path: string, clock: Clock, answerMs: number): Promise<ControlClient | undefined> {
    const socket = FramedSocket.attach(connect({ path }), controlLimits.messageBytes)
    try {
      const frame = await inTime(socket, clock, answerMs)
      if (frame === undefined) return undefined
      return new ControlClient(socket, clock, answerMs, parseObject<Greeting>(frame))
    } catch (error) {
      socket.destroy()
      const code = errorCode(error)
      if (code === 'ECONNREFUSED' || code === 'ENOENT') return undefined
      if (code === 'EACCES' || code === 'EPERM') {
        throw new NetworkError(code, `the server's control socket ${path} is another user's`, {
          hint: 'be that user, or root',
          cause: error,
        })
      }
      throw error
    }
  }

  /**
   * Has a line carried out, for an operator who is here. `ended` resolves when the server has, which the line has stopped.
   * @throws {NetworkError} when the server ends before its answer, or does not answer in time
   */
  async carryOut(request: ControlRequest, operator: Operator): Promise<RemoteAnswer> {
    this.#send(request)
    for (;;) {
      const news = await this.#news(this.#answerMs)
      if (news.type === 'question') {
        const yes = await operator.confirm(news.text, 'say --yes if you mean it').then(
          () => true,
          () => false,
        )
        this.#send({ yes })
      } else if (news.type === 'following') return this.#follow(operator)
      else if (news.type === 'answer') return this.#answer(news)
    }
  }

  async #follow(operator: Operator): Promise<RemoteAnswer> {
    let answer: RemoteAnswer = { text: '', exit: ExitCode.ok, ended: undefined }
    await operator.follow(async (show, signal) => {
      const leave = (): void => this.close()
      signal.addEventListener('abort', leave, { once: true })
      try {
        let news = await this.#news()
        for (; news.type === 'show'; news = await this.#news()) await show(news.text)
        if (news.type === 'answer') answer = this.#answer(news)
      } catch (error) {
        if (!signal.aborted) throw error
      }
    })
    return answer
  }

  #answer({ text, exit, stopping }: Extract<ControlNews, { type: 'answer' }>): RemoteAnswer {
    return { text: String(text), exit: exitOf(exit), ended: stopping ? this.untilEnd() : undefined }
  }

  #send(message: object): void {
    this.#socket.send(JSON.stringify(message))
  }

  async #news(timeoutMs?: number): Promise<ControlNews> {
    const frame =
      timeoutMs === undefined ? await this.#socket.receive() : await inTime(this.#socket, this.#clock, timeoutMs)
    if (frame === undefined) throw new NetworkError('ENDED', 'the server has ended')
    return parseObject<ControlNews>(frame)
  }

  /** Resolves when the server, which is stopping, has ended. @throws {NetworkError} when that takes too long. */
  async untilEnd(): Promise<void> {
    try {
      while ((await inTime(this.#socket, this.#clock, this.#answerMs)) !== undefined);
    } catch (error) {
      // One that is killed meanwhile may reset the connection.
      if (errorCode(error) !== 'ETIMEDOUT') return
      throw new NetworkError('ETIMEDOUT', `the server has not ended within ${this.#answerMs / 1000} s`, {
        cause: error,
      })
    }
  }

  close(): void {
    this.#socket.destroy()
  }
}

/** The next frame, undefined at the end. @throws {NetworkError} ETIMEDOUT when it does not come in time. */
async function inTime(socket: FramedSocket, clock: Clock, timeoutMs: number): Promise<string | undefined> {
  const late = Promise.withResolvers<never>()
  const deadline = clock.after(timeoutMs, () => {
    const seconds = timeoutMs / 1000
    late.reject(
      new NetworkError('ETIMEDOUT', `the server does not answer within ${seconds} s`, {
        hint: 'it may be stopped (SIGSTOP) or overloaded; its log may tell more',
      }),
    )
  })
  try {
    return await Promise.race([socket.receive(), late.promise])
  } finally {
    deadline.cancel()
  }
}

/** What is served in the current folder, by servers that answer at once. @throws the system's error. */
export async function servicesHere(clock: Clock): Promise<readonly string[]> {
  const services: string[] = []
  for (const { path, trusted } of findSockets('.')) {
    const client = trusted
      ? await ControlClient.connect(path, clock, controlLimits.greetingMs).catch(() => undefined)
      : undefined
    if (client !== undefined) services.push(...client.greeting.services)
    client?.close()
  }
  return services
}
