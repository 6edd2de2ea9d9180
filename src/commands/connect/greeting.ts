import type { Clock } from '../../base/clock.ts'
import { NetlabError, NetworkError } from '../../base/errors.ts'
import { ExitCode } from '../../base/exit-codes.ts'
import type { Channel, Message } from './channel.ts'
import { openingLine } from './opening-line.ts'

/** The services that people log in to. */
export type LoginService = 'auth' | 'chat'

/** Whether a server that speaks first, in lines, is one of ours that people log in to. */
export function isLoginBanner(firstBytes: Buffer): boolean {
  return /^netlab (auth|chat)\. /.test(firstBytes.toString('latin1', 0, 32))
}

/**
 * Says hello in frames, and hears who is there: 'unheard' when our hello came so late that the server took us for a person.
 * Undefined for anything that is not such a service, or doesn't answer in time. Rejects like `refused` when the server sends
 * us away, with NetworkError when it does so before it knows what we speak.
 */
export async function greet(
  channel: Channel,
  clock: Clock,
  timeoutMs: number,
): Promise<LoginService | 'unheard' | undefined> {
  channel.send({ type: 'hello' })
  const late = Promise.withResolvers<undefined>()
  const timer = timeoutMs > 0 ? clock.after(timeoutMs, () => late.resolve(undefined)) : undefined
  try {
    return await Promise.race([answerOf(channel), late.promise])
  } catch (error) {
    if (error instanceof NetlabError && error.exit === ExitCode.protocol) return undefined
    throw error
  } finally {
    timer?.cancel()
  }
}

async function answerOf(channel: Channel): Promise<LoginService | 'unheard' | undefined> {
  const line = await openingLine(channel.connection.socket)
  if (line !== undefined) {
    if (isLoginBanner(line)) return 'unheard'
    const sentence = /^netlab: (.+)/.exec(line.toString())?.[1]
    if (sentence !== undefined) throw new NetworkError('TURNED_AWAY', `the server says: ${sentence}`)
    return undefined
  }
  const answer = await channel.receive()
  if (answer?.type === 'bye') throw refused(answer)
  const service = answer?.type === 'hello' ? answer.service : undefined
  return service === 'auth' || service === 'chat' ? service : undefined
}

const endedSession = new Set<unknown>(['revoked', 'expired', 'no-session'])

/** A negative answer in the server's own sentence; REVOKED when it is about a session that has ended. */
export function refused(message: Message): NetlabError {
  const code = endedSession.has(message.reason) ? 'REVOKED' : 'REFUSED'
  const sentence = typeof message.message === 'string' ? message.message : 'The server refuses without a reason'
  return new NetlabError(code, ExitCode.negative, sentence.replace(/\.$/, ''))
}
