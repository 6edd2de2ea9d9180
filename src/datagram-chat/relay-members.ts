import type { Peer } from '../base/events.ts'
import { nameKey } from '../text/names.ts'
import type { RelayMember } from './relay-member.ts'

/** Who is in the room, found by session and by name. */
export class RelayMembers {
  readonly #bySession = new Map<string, RelayMember>()
  readonly #byName = new Map<string, RelayMember>()
  readonly #perAddress = new Map<string, number>()
  #ordered: readonly RelayMember[] | undefined

  /** How many are at this address. */
  countAt(address: string): number {
    return this.#perAddress.get(address) ?? 0
  }

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
    this.#count(member, 1)
    this.#ordered = undefined
  }

  /** The member is at another address from now on. */
  move(member: RelayMember, peer: Peer): void {
    this.#count(member, -1)
    member.peer = peer
    this.#count(member, 1)
  }

  remove(member: RelayMember): void {
    this.#bySession.delete(member.session.toString('latin1'))
    this.#byName.delete(nameKey(member.name))
    this.#count(member, -1)
    this.#ordered = undefined
  }

  #count({ peer: { address } }: RelayMember, change: number): void {
    const count = this.countAt(address) + change
    if (count === 0) this.#perAddress.delete(address)
    else this.#perAddress.set(address, count)
  }

  /** In order of their ids. The same array until somebody comes or goes. */
  get all(): readonly RelayMember[] {
    this.#ordered ??= [...this.#bySession.values()]
    return this.#ordered
  }
}
