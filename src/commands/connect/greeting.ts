import type { Clock } from '../../base/clock.ts'
import { NetlabError } from '../../base/errors.ts'
import { ExitCode } from '../../base/exit-codes.ts'
import type { Channel, Message } from './channel.ts'

/** The services that people log in to. */
export type LoginService = 'auth' | 'chat'

/** Whether a server that speaks first, in lines, is one of ours that people log in to. */
export function isLoginBanner(firstBytes: Buffer): boolean {
  return /^netlab (auth|chat)\. /.test(firstBytes.toString('latin1', 0, 32))
}

/**
 * Says hello in frames, and hears who is there. Undefined for anything that is not such a service, or doesn't answer in
 * time. Rejects like `refused` when the server sends us away.
 */
export async function greet(channel: Channel, clock: Clock, timeoutMs: number): Promise<LoginService | undefined> {
  channel.send({ type: 'hello' })
  const late = Promise.withResolvers<undefined>()
  const timer = timeoutMs > 0 ? clock.after(timeoutMs, () => late.resolve(undefined)) : undefined
  try {
    const answer = await Promise.race([channel.receive(), late.promise])
    if (answer?.type === 'bye') throw refused(answer)
    const service = answer?.type === 'hello' ? answer.service : undefined
    return service === 'auth' || service === 'chat' ? service : undefined
  } catch (error) {
    if (error instanceof NetlabError && error.exit === ExitCode.protocol) return undefined
    throw error
  } finally {
    timer?.cancel()
  }
}

const endedSession = new Set<unknown>(['revoked', 'expired', 'no-session'])

/** A negative answer in the server's own sentence; REVOKED when it is about a session that has ended. */
export function refused(message: Message): NetlabError {
  const code = endedSession.has(message.reason) ? 'REVOKED' : 'REFUSED'
  const sentence = typeof message.message === 'string' ? message.message : 'The server refuses without a reason'
  return new NetlabError(code, ExitCode.negative, sentence.replace(/\.$/, ''))
}
