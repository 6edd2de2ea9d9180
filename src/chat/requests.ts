import { errorMessage } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { nameKey } from '../text/names.ts'
import type { Hall } from './chat-state.ts'
import { commandSpecs, commandTable, type RoomRequest } from './commands.ts'
import type { Mark } from './history.ts'
import { type ChatMessage, type HistoryPage, lobby, Refusal } from './message.ts'
import type { Connection } from './room.ts'

/** The name that the server's console speaks under; no account can have it, for its length. */
export const consoleName = "the operator at the server's console"

/** One function for each request of the table. Each may throw a Refusal for the one who asked. */
type Handlers = {
  readonly [K in RoomRequest['type']]: (
    hall: Hall,
    connection: Connection,
    request: Extract<RoomRequest, { type: K }>,
  ) => void
}

/** The room that is meant: the named one, or the current one. @throws {Refusal} NO_ROOM */
function roomMeant(connection: Connection, room: string | undefined): string {
  const name = room ?? connection.current
  if (name !== undefined) return name
  throw new Refusal('NO_ROOM', 'you are in no room; /join one')
}

/**
 * Carries out what a member asks.
 * @throws {Refusal} that is for the one who asked
 */
export function handle(hall: Hall, connection: Connection, request: RoomRequest): void {
  const spec = commandTable[request.type]
  if (spec.right === 'operators' && !connection.member.operator)
    throw new Refusal('NOT_OPERATOR', `only an operator can do that: ${spec.usage}`)
  // The handler is looked up by the request's own type, which TypeScript can't see.
  const handler = handlers[request.type] as (hall: Hall, connection: Connection, request: RoomRequest) => void
  handler(hall, connection, request)
}

function ownRoom(connection: Connection, room: string | undefined): string {
  const name = roomMeant(connection, room)
  if (connection.rooms.has(name) || connection.member.name === consoleName) return name
  throw new Refusal('NOT_IN_ROOM', `you are not in #${name}; /join it`)
}

/** What only operators may do. */
const moderation: Pick<Handlers, 'kick' | 'ban' | 'mute' | 'op' | 'topic'> = {
  kick(hall, connection, { room, name, text }) {
    const where = roomMeant(connection, room)
    spareOneself(connection, name)
    if (putOut(hall, connection, where, name, 'kicked', text) === 0)
      throw new Refusal('NOT_HERE', `${name} is not in #${where}`)
    done(hall, connection, { kind: 'kick', room: where, name }, false, `${name} was put out of #${where}`)
  },
  ban(hall, connection, { room, name, off }) {
    const where = roomMeant(connection, room)
    if (!off) spareOneself(connection, name)
    mark(hall, { kind: 'ban', room: where, name, text: '' }, off)
    if (!off) putOut(hall, connection, where, name, 'banned')
    const text = off ? `${name} may enter #${where} again` : `${name} is banned from #${where}`
    done(hall, connection, { kind: 'ban', room: where, name }, off, text)
  },
  mute(hall, connection, { room, name, off }) {
    const where = roomMeant(connection, room)
    const target = hall.member(name)
    if (target?.operator === true && !off)
      throw new Refusal('USAGE', `${name} is an operator, whom nobody can mute; /op ${name} off comes first`)
    mark(hall, { kind: 'mute', room: where, name, text: '' }, off)
    const change = off ? 'may speak again' : 'may only read now'
    if (target !== undefined) hall.tell(target, { type: 'notice', text: `you ${change} in #${where}` })
    done(hall, connection, { kind: 'mute', room: where, name }, off, `${name} ${change} in #${where}`)
  },
  op(hall, connection, { name, off }) {
    mark(hall, { kind: 'op', room: '', name, text: '' }, off)
    const target = hall.member(name)
    const change = off ? 'no longer an operator' : 'an operator now'
    if (target !== undefined) {
      target.operator = !off
      hall.tell(target, { type: 'notice', text: `you are ${change}` })
    }
    done(hall, connection, { kind: 'op', room: '', name }, off, `${name} is ${change}`)
  },
  topic(hall, connection, { room, text }) {
    const where = roomMeant(connection, room)
    mark(hall, { kind: 'topic', room: where, name: '', text: text ?? '' }, text === undefined)
    const message = { type: 'topic', room: where, topic: text ?? '', by: connection.member.name } as const
    hall.outbox.push({ type: 'room', room: where, message })
    // Who is in the room has heard it with the others.
    const said = connection.rooms.has(where) ? undefined : `the topic of #${where} is set`
    done(hall, connection, { kind: 'topic', room: where, name: '' }, text === undefined, said)
  },
}

/** @throws {Refusal} for an operator who mistyped, and would have to ask another one */
function spareOneself({ member }: Connection, name: string): void {
  if (nameKey(member.name) === nameKey(name)) throw new Refusal('USAGE', 'that is you; /leave leaves the room')
}

function mark(hall: Hall, change: Mark, off: boolean): void {
  hall.marks.set(change, off)
  hall.history.mark(change, off, (error) => {
    if (error !== undefined)
      hall.tellOperators(`this is forgotten at the next start, for the disk said ${errorMessage(error)}`)
  })
}

/** Takes every connection of the person out of the room; returns how many there were. */
function putOut(
  hall: Hall,
  by: Connection,
  room: string,
  name: string,
  why: 'kicked' | 'banned',
  reason?: string,
): number {
  const inside = [...(hall.member(name)?.connections ?? [])].filter(({ rooms }) => rooms.has(room))
  for (const connection of inside) {
    hall.reply(connection, { type: 'left', room, why, by: by.member.name, reason })
    hall.leave(connection, room)
  }
  return inside.length
}

interface Deed {
  readonly kind: 'kick' | 'ban' | 'mute' | 'op' | 'topic'
  readonly room: string
  readonly name: string
}

function done(
  hall: Hall,
  connection: Connection,
  { kind, room, name }: Deed,
  off: boolean,
  text: string | undefined,
): void {
  hall.record({ type: 'moderated', by: connection.member.name, action: kind, room, name, off })
  if (text !== undefined) hall.reply(connection, { type: 'notice', text })
}

const handlers: Handlers = {
  ...moderation,
  say: (hall, connection, { room, text, cid }) => say(hall, connection, room, { text, cid }),
  me: (hall, connection, { room, text, cid }) => say(hall, connection, room, { text, cid, action: true }),
  msg(hall, connection, { name, text, cid }) {
    const target = hall.member(name)
    if (target === undefined) throw new Refusal('NOT_HERE', `${name} is not here`)
    const from = connection.member.name
    const known = cid === undefined ? undefined : hall.resends.find(from, cid)
    const { id, at } = known ?? hall.next()
    const message = {
      type: 'private',
      id,
      at,
      from,
      to: target.name,
      text,
      ...(cid === undefined ? {} : { cid }),
    } as const
    if (known !== undefined) {
      hall.reply(connection, message)
      return
    }
    if (cid !== undefined) hall.resends.add(from, cid, { id, at })
    hall.tell(connection.member, message)
    if (target === connection.member) return
    hall.tell(target, message)
    if (target.away !== undefined) hall.reply(connection, { type: 'notice', text: `${name} is away: ${target.away}` })
  },
  join(hall, connection, { room, after }) {
    if (hall.marks.banned(room, connection.member.name)) throw new Refusal('BANNED', `you are banned from #${room}`)
    if (connection.rooms.has(room)) {
      hall.turn(connection, room)
      return
    }
    if (connection.rooms.size >= limits.chatRoomsPerConnection)
      throw new Refusal('TOO_MANY', `you are in ${limits.chatRoomsPerConnection} rooms already; /leave one`)
    hall.enter(connection, room, after)
  },
  leave(hall, connection, { room }) {
    const name = ownRoom(connection, room)
    hall.reply(connection, { type: 'left', room: name, why: 'left' })
    hall.leave(connection, name)
  },
  rooms(hall, connection) {
    const rooms = [...hall.rooms.values()]
      .map(({ name, size }) => ({ room: name, members: size, topic: hall.marks.topic(name) }))
      .sort((a, b) => b.members - a.members || (a.room < b.room ? -1 : 1))
    hall.reply(connection, { type: 'rooms', rooms })
  },
  who(hall, connection, { room }) {
    const name = roomMeant(connection, room)
    const members = [...(hall.rooms.get(name)?.members() ?? [])]
    const names = members
      .slice(0, limits.chatWhoNames)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((member) => ({
        name: member.name,
        ...(member.operator ? { operator: true } : {}),
        ...(member.away === undefined ? {} : { away: member.away }),
        ...(hall.marks.muted(name, member.name) ? { muted: true } : {}),
      }))
    hall.reply(connection, { type: 'who', room: name, names, members: members.length })
  },
  history(hall, connection, { room, range }) {
    const name = ownRoom(connection, room)
    const answer = (page: HistoryPage | undefined): void => {
      if (page === undefined)
        hall.reply(connection, { type: 'error', code: 'HISTORY', text: 'the history cannot be read' })
      else hall.reply(connection, { type: 'history', room: name, ...page })
    }
    // What was said before this was asked, the asker's own words first of all, may still wait for the disk; what is said
    // after it may be written along with that, and comes as it is said.
    const asked = 'last' in range ? { before: hall.nextId, limit: range.last } : range
    hall.outbox.push({ type: 'reached', callback: () => hall.history.page(name, asked, answer) })
  },
  away(hall, connection, { text }) {
    connection.member.away = text
    hall.tell(connection.member, {
      type: 'notice',
      text: text === undefined ? 'you are back' : `you are away: ${text}`,
    })
  },
  help(hall, connection) {
    const console = connection.member.name === consoleName
    const commands = commandSpecs
      .filter(([, { right }]) => right === 'everybody' || connection.member.operator)
      .filter(([, spec]) => !console || spec.console === true)
      .map(([, { usage, summary }]) => ({ usage: console ? usage.slice(1) : usage, summary }))
    hall.reply(connection, { type: 'help', commands })
  },
  quit(hall, connection) {
    connection.leaving = true
    hall.whenAnswered(connection, () => hall.dismiss(connection, 'exit', 'goodbye'))
  },
  ping: (hall, connection) => hall.reply(connection, { type: 'pong' }),
}

function say(hall: Hall, connection: Connection, where: string | undefined, said: Said): void {
  const { member } = connection
  const room = connection.member.name === consoleName ? (where ?? lobby) : ownRoom(connection, where)
  const known = said.cid === undefined ? undefined : hall.resends.find(member.name, said.cid)
  // The answer waits behind the original in the outbox, so it too promises that the message is kept.
  if (known !== undefined) {
    hall.reply(connection, { type: 'message', ...known, room, from: member.name, ...said })
    return
  }
  if (hall.marks.muted(room, member.name) && !member.operator) throw new Refusal('MUTED', `you are muted in #${room}`)
  if (hall.outbox.backlog >= limits.chatUnstoredCount)
    throw new Refusal('TOO_MANY', 'too many messages wait for the disk; try again in a moment')
  const taken = hall.next()
  if (said.cid !== undefined) hall.resends.add(member.name, said.cid, taken)
  if (connection.answer !== undefined) hall.reply(connection, { type: 'notice', text: `said in #${room}` })
  hall.outbox.say({ type: 'message', ...taken, room, from: member.name, ...said })
}

type Said = Pick<ChatMessage, 'text' | 'cid' | 'action'>
