import type { RoomRequest } from './commands.ts'
import type { Hall } from './hall.ts'
import type { Connection } from './member.ts'
import { Refusal } from './refusal.ts'

/** The name that the server's console speaks under; no account can have it, for its length. */
export const consoleName = "the operator at the server's console"

/** One function for each request of the table. Each may throw a Refusal for the one who asked. */
export type Handlers = {
  readonly [K in RoomRequest['type']]: (
    hall: Hall,
    connection: Connection,
    request: Extract<RoomRequest, { type: K }>,
  ) => void
}

/** The room that is meant: the named one, or the current one. @throws {Refusal} NO_ROOM */
export function roomMeant(connection: Connection, room: string | undefined): string {
  const name = room ?? connection.current
  if (name !== undefined) return name
  throw new Refusal('NO_ROOM', 'you are in no room; /join one')
}
