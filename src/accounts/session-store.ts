/** A session as it is kept; times in milliseconds since the Unix epoch. */
export interface SessionRow {
  /** Numbers sessions within a store, from 1; what people call it by. */
  readonly id: number
  /** As `tokenHash` makes it. */
  readonly hash: string
  readonly user: string
  /** The address the login came from. */
  readonly address: string
  readonly createdMs: number
  readonly usedMs: number
}

export type SessionChange =
  | { readonly kind: 'put'; readonly row: SessionRow }
  | { readonly kind: 'drop'; readonly id: number }
  | { readonly kind: 'drop-all' }

/** Where sessions outlive the server. One server uses it at a time. */
export interface SessionStore {
  /** Everything kept; called once, first. */
  load(): readonly SessionRow[]
  /** Resolves once the changes, all or none, are kept; sessions that ended, even over a power cut. @throws {StorageError} */
  commit(changes: readonly SessionChange[]): Promise<void>
  close(): void
}

/** Forgets everything with the process. */
export class MemorySessionStore implements SessionStore {
  readonly rows = new Map<number, SessionRow>()

  load(): readonly SessionRow[] {
    return [...this.rows.values()]
  }

  async commit(changes: readonly SessionChange[]): Promise<void> {
    for (const change of changes) {
      if (change.kind === 'put') this.rows.set(change.row.id, change.row)
      else if (change.kind === 'drop') this.rows.delete(change.id)
      else this.rows.clear()
    }
  }

  close(): void {}
}
