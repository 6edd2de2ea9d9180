/** What was made of a message that its client gave an id. */
export interface Taken {
  readonly id: number
  readonly at: number
}

/**
 * Remembers the latest client message ids of each member, so that a message sent again after a dropped line is answered
 * with what it became and not said twice. Bounded per member and by members; the least recently heard is forgotten first.
 */
export class ResendMemory {
  readonly #perMember: number
  readonly #members: number
  readonly #taken = new Map<string, Map<string, Taken>>()

  constructor(perMember: number, members: number) {
    this.#perMember = perMember
    this.#members = members
  }

  find(name: string, cid: string): Taken | undefined {
    return this.#taken.get(name)?.get(cid)
  }

  add(name: string, cid: string, taken: Taken): void {
    const known = this.#taken.get(name)
    const ids = known ?? new Map<string, Taken>()
    // A Map keeps the order of insertion: putting a member in again makes it the latest.
    if (known !== undefined) this.#taken.delete(name)
    this.#taken.set(name, ids)
    ids.set(cid, taken)
    if (ids.size > this.#perMember) dropFirst(ids)
    if (this.#taken.size > this.#members) dropFirst(this.#taken)
  }
}

function dropFirst<K>(map: Map<K, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key)
    return
  }
}
