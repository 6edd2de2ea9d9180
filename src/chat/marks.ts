import { limits } from '../base/limits.ts'
import { nameKey } from '../text/names.ts'
import type { Mark } from './history.ts'
import { Refusal } from './refusal.ts'

/** What operators decided: topics, bans, mutes, and who else is an operator. Outlives rooms and restarts. */
export class Marks {
  readonly #marks = new Map<string, Mark>()
  readonly #perRoom = new Map<string, number>()

  constructor(marks: readonly Mark[]) {
    for (const mark of marks) this.set(mark, false)
  }

  /** @throws {Refusal} TOO_MANY for one room */
  set(mark: Mark, off: boolean): void {
    const key = keyOf(mark.kind, mark.room, mark.name)
    const known = this.#marks.has(key)
    const count = this.#perRoom.get(mark.room) ?? 0
    if (off) {
      if (known) this.#perRoom.set(mark.room, count - 1)
      this.#marks.delete(key)
      return
    }
    if (!known && count >= limits.chatMarksPerRoom) throw new Refusal('TOO_MANY', 'there are too many of these already')
    if (!known) this.#perRoom.set(mark.room, count + 1)
    this.#marks.set(key, mark)
  }

  topic(room: string): string {
    return this.#marks.get(keyOf('topic', room, ''))?.text ?? ''
  }

  banned(room: string, name: string): boolean {
    return this.#marks.has(keyOf('ban', room, name))
  }

  muted(room: string, name: string): boolean {
    // Asked for every message, and a name costs a microsecond to fold; in most rooms nobody is marked.
    return (this.#perRoom.get(room) ?? 0) > 0 && this.#marks.has(keyOf('mute', room, name))
  }

  operator(name: string): boolean {
    return this.#marks.has(keyOf('op', '', name))
  }
}

function keyOf(kind: Mark['kind'], room: string, name: string): string {
  return `${kind}\n${room}\n${nameKey(name)}`
}
