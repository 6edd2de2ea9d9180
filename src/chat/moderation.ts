import { errorMessage } from '../base/errors.ts'
import { nameKey } from '../text/names.ts'
import type { Hall } from './hall.ts'
import { type Handlers, roomMeant } from './handlers.ts'
import type { Mark } from './history.ts'
import type { Connection } from './member.ts'
import { Refusal } from './refusal.ts'

/** What only operators may do. */
export const moderation: Pick<Handlers, 'kick' | 'ban' | 'mute' | 'op' | 'topic'> = {
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
