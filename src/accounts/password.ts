/** How a hash is made; stored with it, so that older ones still verify. */
export interface HashParameters {
  readonly memoryKib: number
  readonly passes: number
  readonly lanes: number
}

/** OWASP Password Storage Cheat Sheet: the least that resists guessing on graphics cards; 33 ms on one core. */
export const hashParameters: HashParameters = { memoryKib: 19_456, passes: 2, lanes: 1 }

/** Turns passwords into hashes, at once and without a queue of its own. */
export interface PasswordHasher {
  hash(password: string): Promise<string>
  verify(hash: string, password: string): Promise<boolean>
  /** Made with other parameters than today's. */
  isOutdated(hash: string): Promise<boolean>
  /** A hash that no password has, and that takes as long to verify as any other. */
  decoy(): string
  /** Gets ready; the others do it when they must. Rejects with StorageError when it can't be. */
  load(): Promise<void>
}
