import { limits } from '../base/limits.ts'
import { parseRoom } from './names.ts'
import { Refusal } from './refusal.ts'

/** Rooms with the last id seen in each. */
export type Resume = Readonly<Record<string, number>>

/**
 * A program's first word after its login: `{ "type": "enter" }` lands in the lobby; with `"resume": { "lobby": 4711 }` it is
 * back in these rooms, and gets what was said after these ids.
 * Undefined when the message is something else.
 * @throws {Refusal} BAD_MESSAGE, BAD_ROOM, TOO_MANY
 */
export function parseEntrance(message: unknown): { readonly resume: Resume } | undefined {
  if (typeof message !== 'object' || message === null || !('type' in message) || message.type !== 'enter')
    return undefined
  if (!('resume' in message)) return { resume: {} }
  if (typeof message.resume !== 'object' || message.resume === null)
    throw new Refusal('BAD_MESSAGE', '"resume" is an object of rooms with the last id seen in each')
  const rooms = Object.entries(message.resume)
  if (rooms.length > limits.chatRoomsPerConnection)
    throw new Refusal('TOO_MANY', `a connection is in at most ${limits.chatRoomsPerConnection} rooms`)
  return { resume: Object.fromEntries(rooms.map(([room, id]) => [parseRoom(room), idOf(id)])) }
}

function idOf(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new Refusal('BAD_MESSAGE', 'an id is a whole number from 0 on')
}
