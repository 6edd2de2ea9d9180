import type { NetlabEvent } from '../base/events.ts'
import { nameKey } from '../text/names.ts'
import { commandSpecs, commandTable, type RoomRequest } from './commands.ts'
import { fingerprint, type ModerationEntry } from './history.ts'
import { chatLimits } from './limits.ts'
import { type ChatMessage, ChatRefusal, type ChatServerMessage, type HistoryPage, lobby, type Ref } from './message.ts'
import type { ChatConnection, ChatMember } from './room.ts'
import type { ChatState, Person } from './state.ts'

/** The name that the server's console speaks under; no account can have it, for its length. */
export const consoleName = "the operator at the server's console"

/** One function for each request of the table. Each may throw a ChatRefusal for the one who asked. */
type Handlers = {
  readonly [K in RoomRequest['type']]: (
    state: ChatState,
    connection: ChatConnection,
    request: Extract<RoomRequest, { type: K }>,
    foreign: boolean | undefined,
  ) => void | Promise<void>
}

/** The room that is meant: the named one, or the current one. @throws {ChatRefusal} NO_ROOM */
function roomMeant(connection: ChatConnection, room: string | undefined): string {
  const name = room ?? connection.current
  if (name !== undefined) return name
  throw new ChatRefusal('NO_ROOM', 'you are in no room; /join one')
}

/**
 * Carries out what a member asks. @param foreign of who comes back: with ids of another history
 * @throws {ChatRefusal} that is for the one who asked; what needs to ask the accounts resolves later, or rejects so
 */
export function handle(
  state: ChatState,
  connection: ChatConnection,
  request: RoomRequest,
  foreign?: boolean,
): Promise<void> | undefined {
  const spec = commandTable[request.type]
  if (spec.right === 'operators' && !connection.member.operator)
    throw new ChatRefusal('NOT_OPERATOR', `only an operator can do that: ${spec.usage}`)
  // The handler is looked up by the request's own type, which TypeScript can't see.
  const handler = handlers[request.type] as (
    state: ChatState,
    connection: ChatConnection,
    request: RoomRequest,
    foreign: boolean | undefined,
  ) => Promise<void> | undefined
  return handler(state, connection, request, foreign)
}

function ownRoom(connection: ChatConnection, room: string | undefined): string {
  const name = roomMeant(connection, room)
  if (connection.rooms.has(name) || connection.member.name === consoleName) return name
  throw new ChatRefusal('NOT_IN_ROOM', `you are not in #${name}; /join it`)
}

/** What only operators may do. */
const moderation: Pick<Handlers, 'kick' | 'ban' | 'mute' | 'op' | 'topic'> = {
  kick(state, connection, { room, name, text, ref }) {
    spareOneself(connection, name)
    const everywhere = room === undefined && connection.member.name === consoleName
    const rooms = everywhere ? roomsOf(state.member(name)) : [roomMeant(connection, room)]
    const left = rooms.filter((where) => putOut(state, connection, where, name, 'kicked', text) > 0)
    if (left.length === 0)
      throw new ChatRefusal('NOT_HERE', `${name} is ${everywhere ? 'in no room' : `not in #${rooms[0] ?? lobby}`}`)
    for (const where of left) done(state, connection, { action: 'kick', room: where, name, off: false }, ref)
  },
  ban(state, connection, { room, name, off, ref }) {
    const where = roomMeant(connection, room)
    if (!off) spareOneself(connection, name)
    return withPerson(state, name, 'ban', where, off, (person, member) => {
      mark(state, { kind: 'ban', room: where, text: '', ...person }, off)
      const inside = off ? 0 : putOut(state, connection, where, person.name, 'banned')
      const news = { action: 'ban', room: where, name: person.name, off } as const
      // Who was in the room hears of it by being put out.
      if (inside === 0) tellPerson(state, member, news, connection)
      done(state, connection, news, ref)
    })
  },
  mute(state, connection, { room, name, off, ref }) {
    const where = roomMeant(connection, room)
    return withPerson(state, name, 'mute', where, off, (person, member) => {
      if (member?.operator === true && !off)
        throw new ChatRefusal('USAGE', `${name} is an operator, whom nobody can mute; /op ${name} off comes first`)
      mark(state, { kind: 'mute', room: where, text: '', ...person }, off)
      const news = { action: 'mute', room: where, name: person.name, off } as const
      tellPerson(state, member, news, connection)
      done(state, connection, news, ref)
    })
  },
  op(state, connection, { name, off, ref }) {
    return withPerson(state, name, 'op', '', off, (person, member) => {
      mark(state, { kind: 'op', room: '', text: '', ...person }, off)
      if (member !== undefined) member.operator = !off
      const news = { action: 'op', name: person.name, off } as const
      tellPerson(state, member, news, connection)
      done(state, connection, news, ref)
    })
  },
  topic(state, connection, { room, text, ref }) {
    const where = roomMeant(connection, room)
    state.moderate({ kind: 'topic', room: where, name: '', text: text ?? '', account: '' }, text === undefined)
    const message = { type: 'topic', room: where, topic: text ?? '', by: connection.member.name } as const
    state.commits.push({ type: 'room', room: where, message })
    noted(state, connection, { action: 'topic', room: where, name: '', off: text === undefined })
    // Who is in the room has heard it with the others.
    if (!connection.rooms.has(where))
      state.reply(connection, { type: 'notice', text: `the topic of #${where} is set`, ref })
    else if (ref !== undefined) state.reply(connection, { type: 'done', request: 'topic', ref })
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
    state.leave(connection, room)
    const current = connection.current ?? null
    state.reply(connection, { type: 'left', room, why, by: by.member.name, reason, current })
  }
  return inside.length
}

function roomsOf(member: ChatMember | undefined): readonly string[] {
  return [...new Set([...(member?.connections ?? [])].flatMap(({ rooms }) => [...rooms.keys()]))]
}

/** Somebody by name, whether here or not, for a decision that is kept. @throws {ChatRefusal} NO_PERSON, at once or later */
function withPerson(
  state: ChatState,
  name: string,
  kind: ModerationEntry['kind'],
  room: string,
  off: boolean,
  act: (person: Person, member: ChatMember | undefined) => void,
): Promise<void> | undefined {
  const member = state.member(name)
  if (member !== undefined) {
    act({ name: member.name, account: member.account }, member)
    return undefined
  }
  return state.lookUp(name).then((person) => {
    // An older netlab kept marks of names that nobody had; they can be taken away.
    const ofName = { kind, room, name, text: '', account: '' } as const
    if (person !== undefined) act(person, state.member(person.name))
    else if (off && state.moderation.find(ofName) !== undefined) act({ name, account: '' }, undefined)
    else throw new ChatRefusal('NO_PERSON', `nobody is called ${name}`)
  })
}

/** Keeps a decision about somebody, or takes it away: both the one about the account and the one about whoever has the name. */
function mark(state: ChatState, entry: ModerationEntry, off: boolean): void {
  if (!off) state.moderate(entry, false)
  for (let kept = state.moderation.find(entry); off && kept !== undefined; kept = state.moderation.find(entry))
    state.moderate(kept, true)
}

type Decision = Pick<Extract<ChatServerMessage, { type: 'moderated' }>, 'action' | 'room' | 'name' | 'off'>

function tellPerson(state: ChatState, member: ChatMember | undefined, news: Decision, by: ChatConnection): void {
  if (member !== undefined) state.tell(member, { type: 'moderated', ...news, by: by.member.name, you: true })
}

/** Puts it into the log, and answers the operator. */
function done(state: ChatState, connection: ChatConnection, news: Decision, ref: Ref | undefined): void {
  noted(state, connection, { room: '', ...news })
  state.reply(connection, { type: 'moderated', ...news, by: connection.member.name, ref })
}

function noted(
  state: ChatState,
  { member }: ChatConnection,
  news: Pick<Extract<NetlabEvent, { type: 'moderated' }>, 'action' | 'room' | 'name' | 'off'>,
): void {
  state.record({ type: 'moderated', by: member.name, ...news })
}

const handlers: Handlers = {
  ...moderation,
  say: (state, connection, { room, text, cid, ref }) => say(state, connection, room, { text, cid }, ref),
  me: (state, connection, { room, text, cid, ref }) => say(state, connection, room, { text, cid, action: true }, ref),
  msg(state, connection, { name, text, cid, ref }) {
    const from = connection.member.name
    const said = fingerprint('msg', nameKey(name), text)
    const known = state.duplicates.find(from, cid, said)
    const target = state.member(name)
    // Who has left since has got it all the same.
    if (target === undefined && known === undefined) throw new ChatRefusal('NOT_HERE', `${name} is not here`)
    const { id, at } = known ?? state.next()
    const message = {
      type: 'private',
      id,
      at,
      from,
      to: target?.name ?? name,
      ...asOperator(connection),
      text,
      ...(cid === undefined ? {} : { cid }),
    } as const
    if (target === undefined || known !== undefined) {
      state.reply(connection, { ...message, ref })
      return
    }
    if (cid !== undefined) state.duplicates.add(from, cid, { id, at, said })
    tellOwn(state, connection, message, ref)
    if (target === connection.member) return
    state.tell(target, message)
    if (target.away !== undefined)
      state.reply(connection, { type: 'notice', text: `${name} is away: ${target.away}`, ref })
  },
  join(state, connection, { room, after, ref }, foreign) {
    if (state.moderation.banned(room, connection.member))
      throw new ChatRefusal('BANNED', `you are banned from #${room}`)
    if (connection.rooms.has(room)) {
      state.makeCurrent(connection, room, ref)
      return
    }
    if (connection.rooms.size >= chatLimits.roomsPerConnection)
      throw new ChatRefusal('TOO_MANY', `you are in ${chatLimits.roomsPerConnection} rooms already; /leave one`)
    refuseTooManyRooms(state, connection, room)
    state.enter(connection, room, after, foreign, ref)
  },
  leave(state, connection, { room, ref }) {
    const name = ownRoom(connection, room)
    state.leave(connection, name)
    state.reply(connection, { type: 'left', room: name, why: 'left', current: connection.current ?? null, ref })
  },
  rooms(state, connection, { ref }) {
    const rooms = [...state.rooms.values()]
      .map(({ name, size }) => ({ room: name, members: size, topic: state.moderation.topic(name) }))
      .sort((a, b) => b.members - a.members || (a.room < b.room ? -1 : 1))
    state.reply(connection, { type: 'rooms', rooms, ref })
  },
  who(state, connection, { room, ref }) {
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
    state.reply(connection, { type: 'who', room: name, names, members: members.length, ref })
  },
  history(state, connection, { room, range, ref }) {
    const name = ownRoom(connection, room)
    const after = 'after' in range ? range.after : undefined
    const answer = (page: HistoryPage | undefined): void => {
      if (page !== undefined) state.answerPage(connection, name, page, after, ref)
      else
        state.reply(connection, {
          type: 'error',
          code: 'HISTORY',
          text: 'the history cannot be read',
          request: 'history',
          room: name,
          ref,
        })
    }
    // What was said before this was asked, the asker's own words first of all, may still wait for the disk; what is said
    // after it may be written along with that, and comes as it is said.
    const asked = 'last' in range ? { before: state.nextId, limit: range.last } : range
    state.commits.push({ type: 'reached', callback: () => state.history.page(name, asked, answer) })
  },
  away(state, connection, { text, ref }) {
    connection.member.away = text
    const said = text === undefined ? 'you are back' : `you are away: ${text}`
    tellOwn(state, connection, { type: 'notice', text: said }, ref)
  },
  claim(state, connection, { code, ref }) {
    const { member } = connection
    if (!state.claims.claim(member, code))
      throw new ChatRefusal('NOT_OPERATOR', 'that code makes nobody of your name an operator')
    member.operator = true
    state.record({ type: 'moderated', by: member.name, action: 'op', room: '', name: member.name, off: false })
    tellOwn(state, connection, { type: 'notice', text: 'you are an operator now' }, ref)
  },
  help(state, connection, { ref }) {
    const console = connection.member.name === consoleName
    const commands = commandSpecs
      .filter(([, { right }]) => right === 'everybody' || connection.member.operator)
      .filter(([, spec]) => !console || spec.console === true)
      .map(([, { usage, summary }]) => ({ usage: console ? usage.slice(1) : usage, summary }))
    state.reply(connection, { type: 'help', commands, ref })
  },
  quit: (state, connection, { ref }) => state.finish(connection, 'exit', 'goodbye', ref),
  ping: (state, connection, { ref }) => state.reply(connection, { type: 'pong', ref }),
}

/** To every connection of whoever asks, of which one has asked. */
function tellOwn(state: ChatState, asker: ChatConnection, message: ChatServerMessage, ref: Ref | undefined): void {
  for (const connection of asker.member.connections)
    state.reply(connection, connection === asker ? { ...message, ref } : message)
}

/** Why a request is not carried out, for whoever asked. */
export function refusalOf(
  { current }: ChatConnection,
  request: RoomRequest,
  { code, message }: ChatRefusal,
): ChatServerMessage {
  const room = 'room' in request ? (request.room ?? current) : undefined
  return { type: 'error', code, text: message, request: request.type, room, cid: request.cid, ref: request.ref }
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
  ref: Ref | undefined,
): void {
  const { member } = connection
  const isConsole = member.name === consoleName
  const meant = isConsole ? (where ?? lobby) : roomMeant(connection, where)
  const kind = said.action === true ? 'me' : 'say'
  const print = said.cid === undefined ? 0 : fingerprint(kind, meant, said.text)
  const known = state.duplicates.find(member.name, said.cid, print)
  // The answer waits behind the original in the commit queue, so it too promises that the message is kept.
  if (known !== undefined) {
    const message = {
      type: 'message',
      ...known,
      room: meant,
      from: member.name,
      ...said,
      ...asOperator(connection),
    } as const
    state.reply(connection, { ...message, ref })
    return
  }
  const room = isConsole ? meant : ownRoom(connection, where)
  if (state.moderation.muted(room, member) && !member.operator)
    throw new ChatRefusal('MUTED', `you are muted in #${room}`)
  if (state.commits.backlog >= chatLimits.unstoredCount)
    throw new ChatRefusal('TOO_MANY', 'too many messages wait for the disk; try again in a moment')
  const sequenced = state.next()
  if (said.cid !== undefined) state.duplicates.add(member.name, said.cid, { ...sequenced, said: print })
  if (connection.answer !== undefined) state.reply(connection, { type: 'notice', text: `said in #${room}` })
  state.commits.say({ type: 'message', ...sequenced, room, from: member.name, ...said, ...asOperator(connection) })
  if (ref !== undefined) state.reply(connection, { type: 'done', request: kind, id: sequenced.id, ref })
}
