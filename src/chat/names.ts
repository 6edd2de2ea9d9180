import { Refusal } from './refusal.ts'

const roomName = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}_.-]{0,31}$/u

/** The room everybody lands in. */
export const lobby = 'lobby'

/**
 * The one spelling of a room's name: without `#`, lower case, NFKC, so that `#Lobby` and `lobby` are one room.
 * @throws {Refusal} BAD_ROOM unless it has 1 to 32 letters, digits, `-`, `_` or `.`, the first a letter or digit
 */
export function parseRoom(text: string): string {
  const name = text.length > 64 ? '' : text.replace(/^#/, '').normalize('NFKC').toLowerCase()
  if (roomName.test(name)) return name
  throw new Refusal('BAD_ROOM', 'a room name has 1 to 32 letters, digits, "-", "_" or ".", and no spaces')
}

/**
 * A person's name as somebody else typed it; whether there is such a person is for the chat to say.
 * @throws {Refusal} BAD_NAME
 */
export function parseName(text: string): string {
  const name = text.replace(/^@/, '').normalize('NFC')
  if (name.length > 0 && name.length <= 128 && !/^\s|\s$|[\p{C}\p{Zl}\p{Zp}]/u.test(name)) return name
  throw new Refusal('BAD_NAME', 'that cannot be the name of anybody')
}
