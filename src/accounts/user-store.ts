import type { HostRecord, UserRecord } from './user-book.ts'

/** A change was kept, or why it was not; nothing changes unless the kind says so. */
export type Identified =
  | { readonly kind: 'identified'; readonly record: HostRecord; readonly isNew: boolean }
  | { readonly kind: 'taken' }
  | { readonly kind: 'full' }

export type Registered =
  | { readonly kind: 'registered'; readonly record: UserRecord }
  | { readonly kind: 'taken' }
  | { readonly kind: 'full' }

/**
 * Identified hosts and registered users. What has been answered is durable. Methods reject with StorageError when the
 * change could not be kept; then nothing has changed.
 */
export interface UserStore {
  /** `key` as `hostKey` writes it. */
  host(key: string): HostRecord | undefined
  user(name: string): UserRecord | undefined
  /** Gives a host its name. Of two first visits at once the first one wins, and both get its record. */
  identify(key: string, name: string): Promise<Identified>
  register(name: string, hash: string): Promise<Registered>
  /** Replaces a password's hash if it still is `oldHash`; false when it was not. */
  changeHash(name: string, oldHash: string, newHash: string): Promise<boolean>
  /** Empties the store; answers how many hosts and users there were. */
  clear(): Promise<number>
  /** Waits for what is under way, and lets go of the file. */
  close(): Promise<void>
}
