import { nameKey } from '../text/names.ts'

/** A host that told its name. */
export interface HostRecord {
  /** As `hostKey` writes it, whichever way the file did. */
  readonly address: string
  readonly name: string
  /** When it was first seen, ISO 8601. */
  readonly since: string
}

/** Someone who registered. */
export interface UserRecord {
  readonly name: string
  /** A PHC string: algorithm, parameters, salt and hash. */
  readonly hash: string
  readonly since: string
}

interface Entry<R> {
  readonly record: R
  /** The record as it stands in the file: made when it is first written, and kept for every rewrite after that. */
  line?: string
}

/** Everything in a users file. A change is made to a copy, which takes the place of the original once it is on disk. */
export class UserBook {
  #hosts = new Map<string, Entry<HostRecord>>()
  #hostNames = new Set<string>()
  #users = new Map<string, Entry<UserRecord>>()
  #changed = false

  constructor(original?: UserBook) {
    if (original === undefined) return
    this.#hosts = new Map(original.#hosts)
    this.#hostNames = new Set(original.#hostNames)
    this.#users = new Map(original.#users)
  }

  /** Differs from the original, or may. */
  get changed(): boolean {
    return this.#changed
  }

  get hostCount(): number {
    return this.#hosts.size
  }

  get userCount(): number {
    return this.#users.size
  }

  host(key: string): HostRecord | undefined {
    return this.#hosts.get(key)?.record
  }

  hasHostName(name: string): boolean {
    return this.#hostNames.has(nameKey(name))
  }

  user(name: string): UserRecord | undefined {
    return this.#users.get(nameKey(name))?.record
  }

  addHost(record: HostRecord): void {
    this.#changed = true
    this.#hosts.set(record.address, { record })
    this.#hostNames.add(nameKey(record.name))
  }

  /** Adds a user, or replaces the one of the same name. */
  setUser(record: UserRecord): void {
    this.#changed = true
    this.#users.set(nameKey(record.name), { record })
  }

  clear(): void {
    this.#changed = true
    this.#hosts.clear()
    this.#hostNames.clear()
    this.#users.clear()
  }

  *hostLines(): Generator<string> {
    for (const entry of this.#hosts.values()) yield lineOf(entry)
  }

  *userLines(): Generator<string> {
    for (const entry of this.#users.values()) yield lineOf(entry)
  }
}

function lineOf(entry: Entry<HostRecord | UserRecord>): string {
  entry.line ??= JSON.stringify(entry.record)
  return entry.line
}
