import { nameKey } from '../text/names.ts'
import { commandSpecs, commandTable, type RoomRequest } from './commands.ts'
import { chatLimits } from './limits.ts'
import { type ChatMessage, ChatRefusal, type HistoryPage, lobby } from './message.ts'
import type { ChatConnection, ChatMember } from './room.ts'
import type { ChatState } from './state.ts'

/** The name that the server's console speaks under; no account can have it, for its length. */
export const consoleName = "the operator at the server's console"

/** One function for each request of the table. Each may throw a ChatRefusal for the one who asked. */
type Handlers = {
  readonly [K in RoomRequest['type']]: (
    state: ChatState,
    connection: ChatConnection,
    request: Extract<RoomRequest, { type: K }>,
    foreign: boolean | undefined,
  ) => void
}

/** The room that is meant: the named one, or the current one. @throws {ChatRefusal} NO_ROOM */
function roomMeant(connection: ChatConnection, room: string | undefined): string {
  const name = room ?? connection.current
  if (name !== undefined) return name
  throw new ChatRefusal('NO_ROOM', 'you are in no room; /join one')
}

/**
 * Carries out what a member asks. @param foreign of who comes back: with ids of another history
 * @throws {ChatRefusal} that is for the one who asked
 */
export function handle(state: ChatState, connection: ChatConnection, request: RoomRequest, foreign?: boolean): void {
  const spec = commandTable[request.type]
  if (spec.right === 'operators' && !connection.member.operator)
    throw new ChatRefusal('NOT_OPERATOR', `only an operator can do that: ${spec.usage}`)
  // The handler is looked up by the request's own type, which TypeScript can't see.
  const handler = handlers[request.type] as (
    state: ChatState,
    connection: ChatConnection,
    request: RoomRequest,
    foreign: boolean | undefined,
  ) => void
  handler(state, connection, request, foreign)
}

function ownRoom(connection: ChatConnection, room: string | undefined): string {
  const name = roomMeant(connection, room)
  if (connection.rooms.has(name) || connection.member.name === consoleName) return name
  throw new ChatRefusal('NOT_IN_ROOM', `you are not in #${name}; /join it`)
}

/** What only operators may do. */
const moderation: Pick<Handlers, 'kick' | 'ban' | 'mute' | 'op' | 'topic'> = {
  kick(state, connection, { room, name, text }) {
    spareOneself(connection, name)
    const everywhere = room === undefined && connection.member.name === consoleName
    const rooms = everywhere ? roomsOf(state.member(name)) : [roomMeant(connection, room)]
    const left = rooms.filter((where) => putOut(state, connection, where, name, 'kicked', text) > 0)
    if (left.length === 0)
      throw new ChatRefusal('NOT_HERE', `${name} is ${everywhere ? 'in no room' : `not in #${rooms[0] ?? lobby}`}`)
    for (const where of left)
      done(state, connection, { kind: 'kick', room: where, name }, false, `${name} was put out of #${where}`)
  },
  ban(state, connection, { room, name, off }) {
    const where = roomMeant(connection, room)
    if (!off) spareOneself(connection, name)
    state.moderate({ kind: 'ban', room: where, name, text: '', account: state.member(name)?.account ?? '' }, off)
    if (!off) putOut(state, connection, where, name, 'banned')
    const text = off ? `${name} may enter #${where} again` : `${name} is banned from #${where}`
    done(state, connection, { kind: 'ban', room: where, name }, off, text)
  },
  mute(state, connection, { room, name, off }) {
    const where = roomMeant(connection, room)
    const target = state.member(name)
    if (target?.operator === true && !off)
      throw new ChatRefusal('USAGE', `${name} is an operator, whom nobody can mute; /op ${name} off comes first`)
    state.moderate({ kind: 'mute', room: where, name, text: '', account: target?.account ?? '' }, off)
    const change = off ? 'may speak again' : 'may only read now'
    if (target !== undefined) state.tell(target, { type: 'notice', text: `you ${change} in #${where}` })
    done(state, connection, { kind: 'mute', room: where, name }, off, `${name} ${change} in #${where}`)
  },
  op(state, connection, { name, off }) {
    const target = state.member(name)
    if (target === undefined && !off)
      throw new ChatRefusal('NOT_HERE', `${name} is not here; who is here can be made an operator`)
    state.moderate({ kind: 'op', room: '', name, text: '', account: target?.account ?? '' }, off)
    const change = off ? 'no longer an operator' : 'an operator now'
    if (target !== undefined) {
      target.operator = !off
      state.tell(target, { type: 'notice', text: `you are ${change}` })
    }
    done(state, connection, { kind: 'op', room: '', name }, off, `${name} is ${change}`)
  },
  topic(state, connection, { room, text }) {
    const where = roomMeant(connection, room)
    state.moderate({ kind: 'topic', room: where, name: '', text: text ?? '', account: '' }, text === undefined)
    const message = { type: 'topic', room: where, topic: text ?? '', by: connection.member.name } as const
    state.commits.push({ type: 'room', room: where, message })
    // Who is in the room has heard it with the others.
    const said = connection.rooms.has(where) ? undefined : `the topic of #${where} is set`
    done(state, connection, { kind: 'topic', room: where, name: '' }, text === undefined, said)
  },
}

/** @throws {ChatRefusal} TOO_MANY for a person with all connections together, since rooms are there for all */
function refuseTooManyRooms(state: ChatState, { member }: ChatConnection, room: string): void {
  const own = new Set([...member.connections].flatMap(({ rooms }) => [...rooms.keys()]))
  if (own.has(room)) return
  const { rooms, roomsPerMember, roomsPerMemberWhenScarce } = chatLimits
  if (own.size >= roomsPerMember)
    throw new ChatRefusal('TOO_MANY', `you are in ${own.size} rooms already, with all your connections; /leave one`)
  const scarce = state.rooms.size >= rooms / 2 && !state.rooms.has(room)
  if (scarce && own.size >= roomsPerMemberWhenScarce)
    throw new ChatRefusal(
      'TOO_MANY',
      `more than half of all rooms are taken: a new one is for those who are in fewer than ${roomsPerMemberWhenScarce}; /leave some`,
    )
}

/** @throws {ChatRefusal} for an operator who mistyped, and would have to ask another one */
function spareOneself({ member }: ChatConnection, name: string): void {
  if (nameKey(member.name) === nameKey(name)) throw new ChatRefusal('USAGE', 'that is you; /leave leaves the room')
}

/** Takes every connection of the person out of the room; returns how many there were. */
function putOut(
  state: ChatState,
  by: ChatConnection,
  room: string,
  name: string,
  why: 'kicked' | 'banned',
  reason?: string,
): number {
  const inside = [...(state.member(name)?.connections ?? [])].filter(({ rooms }) => rooms.has(room))
  for (const connection of inside) {
    state.reply(connection, { type: 'left', room, why, by: by.member.name, reason })
    state.leave(connection, room)
  }
  return inside.length
}

function roomsOf(member: ChatMember | undefined): readonly string[] {
  return [...new Set([...(member?.connections ?? [])].flatMap(({ rooms }) => [...rooms.keys()]))]
}

interface ModerationAction {
  readonly kind: 'kick' | 'ban' | 'mute' | 'op' | 'topic'
  readonly room: string
  readonly name: string
}

/** Puts it into the log, and answers the operator. */
function done(
  state: ChatState,
  connection: ChatConnection,
  { kind, room, name }: ModerationAction,
  off: boolean,
  text: string | undefined,
): void {
  state.record({ type: 'moderated', by: connection.member.name, action: kind, room, name, off })
  if (text !== undefined) state.reply(connection, { type: 'notice', text })
}

const handlers: Handlers = {
  ...moderation,
  say: (state, connection, { room, text, cid }) => say(state, connection, room, { text, cid }),
  me: (state, connection, { room, text, cid }) => say(state, connection, room, { text, cid, action: true }),
  msg(state, connection, { name, text, cid }) {
    const target = state.member(name)
    if (target === undefined) throw new ChatRefusal('NOT_HERE', `${name} is not here`)
    const from = connection.member.name
    const known = cid === undefined ? undefined : state.duplicates.find(from, cid)
    const { id, at } = known ?? state.next()
    const message = {
      type: 'private',
      id,
      at,
      from,
      to: target.name,
      ...asOperator(connection),
      text,
      ...(cid === undefined ? {} : { cid }),
    } as const
    if (known !== undefined) {
      state.reply(connection, message)
      return
    }
    if (cid !== undefined) state.duplicates.add(from, cid, { id, at })
    state.tell(connection.member, message)
    if (target === connection.member) return
    state.tell(target, message)
    if (target.away !== undefined) state.reply(connection, { type: 'notice', text: `${name} is away: ${target.away}` })
  },
  join(state, connection, { room, after }, foreign) {
    if (state.moderation.banned(room, connection.member))
      throw new ChatRefusal('BANNED', `you are banned from #${room}`)
    if (connection.rooms.has(room)) {
      state.makeCurrent(connection, room)
      return
    }
    if (connection.rooms.size >= chatLimits.roomsPerConnection)
      throw new ChatRefusal('TOO_MANY', `you are in ${chatLimits.roomsPerConnection} rooms already; /leave one`)
    refuseTooManyRooms(state, connection, room)
    state.enter(connection, room, after, foreign)
  },
  leave(state, connection, { room }) {
    const name = ownRoom(connection, room)
    state.reply(connection, { type: 'left', room: name, why: 'left' })
    state.leave(connection, name)
  },
  rooms(state, connection) {
    const rooms = [...state.rooms.values()]
      .map(({ name, size }) => ({ room: name, members: size, topic: state.moderation.topic(name) }))
      .sort((a, b) => b.members - a.members || (a.room < b.room ? -1 : 1))
    state.reply(connection, { type: 'rooms', rooms })
  },
  who(state, connection, { room }) {
    const name = roomMeant(connection, room)
    const members = [...(state.rooms.get(name)?.members() ?? [])]
    const names = members
      .slice(0, chatLimits.whoNames)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((member) => ({
        name: member.name,
        ...(member.operator ? { operator: true } : {}),
        ...(member.away === undefined ? {} : { away: member.away }),
        ...(state.moderation.muted(name, member) ? { muted: true } : {}),
        ...(connection.member.operator ? { addresses: addressesOf(member) } : {}),
      }))
    state.reply(connection, { type: 'who', room: name, names, members: members.length })
  },
  history(state, connection, { room, range }) {
    const name = ownRoom(connection, room)
    const answer = (page: HistoryPage | undefined): void => {
      if (page === undefined)
        state.reply(connection, { type: 'error', code: 'HISTORY', text: 'the history cannot be read' })
      else state.reply(connection, { type: 'history', room: name, ...page })
    }
    // What was said before this was asked, the asker's own words first of all, may still wait for the disk; what is said
    // after it may be written along with that, and comes as it is said.
    const asked = 'last' in range ? { before: state.nextId, limit: range.last } : range
    state.commits.push({ type: 'reached', callback: () => state.history.page(name, asked, answer) })
  },
  away(state, connection, { text }) {
    connection.member.away = text
    state.tell(connection.member, {
      type: 'notice',
      text: text === undefined ? 'you are back' : `you are away: ${text}`,
    })
  },
  claim(state, connection, { code }) {
    const { member } = connection
    if (!state.claims.claim(member, code))
      throw new ChatRefusal('NOT_OPERATOR', 'that code makes nobody of your name an operator')
    member.operator = true
    state.record({ type: 'moderated', by: member.name, action: 'op', room: '', name: member.name, off: false })
    state.tell(member, { type: 'notice', text: 'you are an operator now' })
  },
  help(state, connection) {
    const console = connection.member.name === consoleName
    const commands = commandSpecs
      .filter(([, { right }]) => right === 'everybody' || connection.member.operator)
      .filter(([, spec]) => !console || spec.console === true)
      .map(([, { usage, summary }]) => ({ usage: console ? usage.slice(1) : usage, summary }))
    state.reply(connection, { type: 'help', commands })
  },
  quit(state, connection) {
    connection.leaving = true
    state.whenAnswered(connection, () => state.dismiss(connection, 'exit', 'goodbye'))
  },
  ping: (state, connection) => state.reply(connection, { type: 'pong' }),
}

function addressesOf({ connections }: ChatMember): readonly string[] {
  return [...new Set([...connections].map(({ address }) => address))]
}

function asOperator({ member }: ChatConnection): { readonly operator?: true } {
  return member.operator ? { operator: true } : {}
}

function say(
  state: ChatState,
  connection: ChatConnection,
  where: string | undefined,
  said: Pick<ChatMessage, 'text' | 'cid' | 'action'>,
): void {
  const { member } = connection
  const room = connection.member.name === consoleName ? (where ?? lobby) : ownRoom(connection, where)
  const known = said.cid === undefined ? undefined : state.duplicates.find(member.name, said.cid)
  // The answer waits behind the original in the commit queue, so it too promises that the message is kept.
  if (known !== undefined) {
    state.reply(connection, { type: 'message', ...known, room, from: member.name, ...said, ...asOperator(connection) })
    return
  }
  if (state.moderation.muted(room, member) && !member.operator)
    throw new ChatRefusal('MUTED', `you are muted in #${room}`)
  if (state.commits.backlog >= chatLimits.unstoredCount)
    throw new ChatRefusal('TOO_MANY', 'too many messages wait for the disk; try again in a moment')
  const sequenced = state.next()
  if (said.cid !== undefined) state.duplicates.add(member.name, said.cid, sequenced)
  if (connection.answer !== undefined) state.reply(connection, { type: 'notice', text: `said in #${room}` })
  state.commits.say({ type: 'message', ...sequenced, room, from: member.name, ...said, ...asOperator(connection) })
}
