import { NetlabError, NetworkError } from '../../base/errors.ts'
import { formatEndpoint, plainAddress } from '../../net/address.ts'
import { PromptClosed } from '../../options/ask.ts'
import type { CommandContext } from '../command.ts'
import { Connection, type Ending } from './connection.ts'
import { HexDump } from './hex-dump.ts'
import { open, type Server } from './open.ts'
import { Talk } from './talk.ts'

export interface VisitOptions {
  readonly server: Server
  readonly hex: boolean
  readonly context: CommandContext
  say(line: string): void
}

/** Whether a person types and reads. */
export function hasPerson({ stdin, stdout }: CommandContext): boolean {
  return stdin.isTTY === true && stdout.isTTY === true
}

/** Connections to one server, one after the other, with what is said about them. */
export class Visit {
  readonly #options: VisitOptions
  #announced = false

  constructor(options: VisitOptions) {
    this.#options = options
  }

  /**
   * Connects, gives `work` the connection and a way to more of the kind, and closes when `work` is done. Says so, and how it ended; nothing about an end when `work` found that it has
   * to begin anew and came back with undefined.
   */
  async make(
    work: (connection: Connection, redial: () => Promise<Connection>) => Promise<Ending | undefined> | undefined,
  ): Promise<Ending | undefined> {
    const { server, context, hex, say } = this.#options
    const talk = new Talk(say, context.clock)
    const dump = hex ? new HexDump(context.clock) : undefined
    const dial = async (): Promise<Connection> => new Connection(await open(server, context), server, talk, dump)
    const connection = await dial()
    const { socket } = connection
    const where = named(server, plainAddress(socket.remoteAddress ?? server.host))
    talk.connected(this.#announced ? undefined : where + (hasPerson(context) ? '; Ctrl-D ends' : ''))
    this.#announced = true
    let how: string | undefined
    try {
      const ending = await work(connection, dial)
      how = ending?.how
      return ending
    } catch (error) {
      how = endOf(error)
      throw error
    } finally {
      socket.destroy()
      if (how !== undefined) talk.disconnected(context.signal.aborted ? 'interrupted' : how)
    }
  }
}

/** What an error was the end of. Why it came to that is said by the error itself. */
function endOf(error: unknown): string {
  if (error instanceof NetworkError) return 'the connection broke'
  if (error instanceof PromptClosed) return 'a question was left unanswered'
  const code = error instanceof NetlabError ? error.code : undefined
  if (code === 'REVOKED') return 'the session is over'
  return code === 'REFUSED' ? 'the login was refused' : 'given up'
}

/** `localhost:9007 (127.0.0.1)` */
function named({ host, port }: Server, address: string): string {
  return formatEndpoint(host, port) + (address === host ? '' : ` (${address})`)
}
