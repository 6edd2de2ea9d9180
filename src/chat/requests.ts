import { limits } from '../base/limits.ts'
import { commandSpecs, commandTable, type RoomRequest } from './commands.ts'
import type { Hall } from './hall.ts'
import { consoleName, type Handlers, roomMeant } from './handlers.ts'
import type { Connection } from './member.ts'
import { type ChatMessage, type HistoryPage, lobby } from './message.ts'
import { moderation } from './moderation.ts'
import { Refusal } from './refusal.ts'

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
