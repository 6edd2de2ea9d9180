import { join } from 'node:path'
import type { LoginOutcome } from '../../src/accounts/accounts.ts'
import type { PasswordHasher } from '../../src/accounts/argon2.ts'
import { type LocalAccounts, openAccounts } from '../../src/accounts/local-accounts.ts'
import type { RegistrationPolicy } from '../../src/accounts/registration.ts'
import { pause } from '../../src/base/clock.ts'
import { Random } from '../../src/base/random.ts'
import { parseNetwork } from '../../src/net/networks.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { sessionTimes } from './opened-accounts.ts'

/** A hash takes so long, one at a time: the machine with two cores that the figures are for. */
const hashMs = 33
/** Time goes on in such steps, shorter than anybody's reaction. */
const stepMs = 10

export const right = 'correct horse'

/** A wrong password that was tested at an account that exists. */
export interface Guess {
  readonly atMs: number
  readonly name: string
  readonly from: string
  readonly who: string
}

/** How a machine guesses. */
export interface GuessingManner {
  /** Then it opens another one; its first try there looks like anybody's. */
  readonly perConnection?: number
  /** Before the next guess. */
  readonly pauseMs?: number
  /** After which it gives up waiting, and tries anew. */
  readonly patienceMs?: number
}

/** The owner of the accounts with everything that it is made of but the hashes, on a clock of its own, and the people who use it. */
export class Population {
  readonly clock: VirtualClock
  readonly accounts: LocalAccounts
  readonly random: Random
  readonly guesses: Guess[] = []
  readonly #leaving = new AbortController()

  private constructor(clock: VirtualClock, accounts: LocalAccounts, seed: number) {
    this.clock = clock
    this.accounts = accounts
    this.random = new Random(seed)
  }

  static async open(
    { exempt = [], registration = { mode: 'open' } }: { exempt?: string[]; registration?: RegistrationPolicy } = {},
    seed = 1,
  ): Promise<Population> {
    const clock = new VirtualClock()
    const accounts = await openAccounts(
      {
        usersPath: join(temporaryFolder(), 'users.json'),
        sessionTimes,
        hashWidth: 1,
        registration,
        throttleExempt: exempt.flatMap((text) => parseNetwork(text) ?? []),
      },
      { clock, record: () => {}, hasher: slowHasher(clock), disk: { replace: async () => {} } },
    )
    return new Population(clock, accounts, seed)
  }

  get nowMs(): number {
    return this.clock.monotonic()
  }

  /** False once the time is over for which the population was run. */
  get going(): boolean {
    return !this.#leaving.signal.aborted
  }

  pause(ms: number): Promise<void> {
    return pause(this.clock, ms, this.#leaving.signal)
  }

  /** Between one and two times as long: people differ. */
  hesitate(ms: number): Promise<void> {
    return this.pause(ms * (1 + this.random.next()))
  }

  /** One try; comes back when it is told to, as long as the population is there. */
  async login(name: string, password: string, from: string, { who = name, failures = 0 } = {}): Promise<LoginOutcome> {
    const outcome = await this.accounts.login({ name, password, address: from, failures }, this.#leaving.signal)
    if (outcome.kind === 'wrong' && outcome.account !== undefined)
      this.guesses.push({ atMs: this.nowMs, name, from, who })
    return outcome
  }

  /** Logs in for as long as it takes. Answers how long that was, in milliseconds; undefined when time was up before. */
  async enter(name: string, password: string, from: string): Promise<number | undefined> {
    const beganMs = this.nowMs
    while (this.going) {
      const outcome = await this.login(name, password, from)
      if (outcome.kind === 'welcome') return this.nowMs - beganMs
      if (!('retryMs' in outcome)) break
      await this.pause(outcome.retryMs)
    }
    return undefined
  }

  async register(name: string, from: string): Promise<boolean> {
    while (this.going) {
      const outcome = await this.accounts.register(
        { name, password: right, address: from, code: 'blue tiger' },
        this.#leaving.signal,
      )
      if (outcome.kind === 'welcome') return true
      if (!('retryMs' in outcome)) break
      await this.pause(outcome.retryMs)
    }
    return false
  }

  /** Registers accounts before the scene begins: each from its own address, long ago. */
  async people(names: readonly string[], from: (index: number) => string): Promise<void> {
    const done = Promise.all(names.map((name, index) => this.register(name, from(index))))
    await this.run(names.length * hashMs * 2 + 1000, done)
    this.clock.advance(3_600_000)
  }

  /** Guesses without end, one after the other. */
  async guesser(who: string, from: string, nameOf: () => string, manner: GuessingManner = {}): Promise<void> {
    const { perConnection = 10, pauseMs = 0, patienceMs } = manner
    for (let n = 0; this.going; n++) {
      const leaving = new AbortController()
      const over = () => leaving.abort()
      this.#leaving.signal.addEventListener('abort', over)
      const timer = patienceMs === undefined ? undefined : this.clock.after(patienceMs, over)
      const guess = { name: nameOf(), password: `guess ${n} of ${who}`, address: from, failures: n % perConnection }
      const outcome = await this.accounts.login(guess, leaving.signal)
      timer?.cancel()
      this.#leaving.signal.removeEventListener('abort', over)
      if (outcome.kind === 'wrong' && outcome.account !== undefined)
        this.guesses.push({ atMs: this.nowMs, name: outcome.account, from, who })
      // A refusal that comes at once costs a round trip.
      await this.pause(outcome.kind === 'wrong' ? pauseMs : stepMs)
    }
  }

  /** Lets time pass until `until` has happened, and no longer than this. */
  async run(forMs: number, until?: Promise<unknown>): Promise<void> {
    let over = false
    void until?.then(() => {
      over = true
    })
    const endMs = this.nowMs + forMs
    while (this.nowMs < endMs && !over) {
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
      // Straight to what happens next, where nothing happens for long.
      this.clock.advance(Math.min(Math.max(stepMs, this.clock.nextInMs ?? stepMs), endMs - this.nowMs))
    }
  }

  /** Everybody gives up. */
  async close(): Promise<void> {
    this.#leaving.abort()
    await this.run(1000)
    await this.accounts.close()
  }
}

/** Stands for argon2id: takes its time on the virtual clock. */
function slowHasher(clock: VirtualClock): PasswordHasher {
  const after = <T>(value: T) => new Promise<T>((resolve) => clock.after(hashMs, () => resolve(value)))
  return {
    hash: (password) => after(`hash of ${password}`),
    verify: (hash, password) => after(hash === `hash of ${password}`),
    isOutdated: async () => false,
    decoy: () => 'nobody',
    load: async () => {},
  }
}

/** The most of these that happened within one span. */
export function mostWithin(guesses: readonly Guess[], spanMs: number): number {
  let most = 0
  for (let start = 0, end = 0; end < guesses.length; end++) {
    while ((guesses[end]?.atMs ?? 0) - (guesses[start]?.atMs ?? 0) >= spanMs) start++
    most = Math.max(most, end - start + 1)
  }
  return most
}

export function worst(times: readonly (number | undefined)[]): number {
  return times.reduce<number>((longest, one) => Math.max(longest, one ?? Number.POSITIVE_INFINITY), 0)
}
