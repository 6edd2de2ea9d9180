import type { ServerMessage } from './message.ts'
import type { ChatDialect } from './wire.ts'

/** One person, however many connections. */
export interface Member {
  readonly name: string
  /** By the account, or by /op. */
  operator: boolean
  away: string | undefined
  readonly connections: Set<Connection>
}

/** From entering a room to leaving it. */
export interface Visit {
  /** The leaving has gone out; entering is no longer possible, whatever the history still answers. */
  over: boolean
}

/** One connection as the room's owner sees it. */
export interface Connection {
  readonly id: number
  /** The thread that holds its socket. */
  readonly edge: number
  readonly dialect: ChatDialect
  readonly member: Member
  /** In the order of joining. */
  readonly rooms: Map<string, Visit>
  /** Where a text without a room goes; the room joined last. */
  current: string | undefined
  closed: boolean
  /** It has said goodbye: what it asks from then on is not heard. */
  leaving: boolean
  /** The server's console takes answers at once, past the one order. */
  readonly answer?: (message: ServerMessage) => void
}
