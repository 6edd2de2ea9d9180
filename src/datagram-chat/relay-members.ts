import { nameKey } from './names.ts'
import type { RelayMember } from './relay-member.ts'

/** Who is in the room, found by session and by name. */
export class RelayMembers {
  readonly #bySession = new Map<string, RelayMember>()
  readonly #byName = new Map<string, RelayMember>()
  #ordered: readonly RelayMember[] | undefined

  get size(): number {
    return this.#bySession.size
  }

  withSession(session: Buffer): RelayMember | undefined {
    return this.#bySession.get(session.toString('latin1'))
  }

  named(name: string): RelayMember | undefined {
    return this.#byName.get(nameKey(name))
  }

  add(member: RelayMember): void {
    this.#bySession.set(member.session.toString('latin1'), member)
    this.#byName.set(nameKey(member.name), member)
    this.#ordered = undefined
  }

  remove(member: RelayMember): void {
    this.#bySession.delete(member.session.toString('latin1'))
    this.#byName.delete(nameKey(member.name))
    this.#ordered = undefined
  }

  /** In order of their ids. The same array until somebody comes or goes. */
  get all(): readonly RelayMember[] {
    this.#ordered ??= [...this.#bySession.values()]
    return this.#ordered
  }
}
