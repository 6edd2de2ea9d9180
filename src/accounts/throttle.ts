import type { Clock, Timer } from '../base/clock.ts'
import { TokenBucket } from '../base/token-bucket.ts'
import { sourceKey } from '../net/ip.ts'
import { inNetworks, type Network } from '../net/networks.ts'
import { nameKey } from '../text/names.ts'
import { accountLimits } from './limits.ts'
import { RecentEntries } from './recent-entries.ts'

/** What came of testing a password: it was right, it was wrong, there is no such account, or it was not tested at all. */
export type Verdict = 'right' | 'wrong' | 'unknown' | 'untested'

/** Whose budget made an attempt wait. */
export type Delayer = 'account' | 'source'

export type Admission =
  | {
      readonly kind: 'admitted'
      readonly waitedMs: number
      readonly by: Delayer
      /** Has to be called once, when the test is over. */
      settle(verdict: Verdict): void
    }
  /** So many wait that there is no room for one more. */
  | { readonly kind: 'throttled'; readonly retryMs: number; readonly by: Delayer }
  | { readonly kind: 'left' }

export interface ThrottleOptions {
  /** Sources whose attempts are never slowed down; those at one account still follow each other. */
  readonly exempt: readonly Network[]
  /**
   * A name that doesn't exist costs its source as much as a guess, so that even the sum of many waits tells nothing. Not where
   * everybody may register: there each registration tells whether a name is taken, and each new user tries an unknown name.
   */
  readonly namesAreSecret: boolean
}

/** One try at one name's password. */
export interface LoginAttempt {
  readonly name: string
  readonly address: string
  /** The account's owner logged in from this source before. */
  readonly known: boolean
  /** What failed on the same connection before. */
  readonly failures: number
}

const rates = {
  account: accountLimits.accountGuesses,
  source: accountLimits.sourceGuesses,
  /** One source at one account. */
  pair: accountLimits.sourceGuessesAtAccount,
  unknown: accountLimits.sourceUnknownNames,
  registrations: accountLimits.sourceRegistrations,
  codes: accountLimits.sourceCodes,
} as const

/** How many failures of one kind are left to one account, source or pair of both, and who waits for that. */
class Budget {
  readonly key: string
  readonly bucket: TokenBucket
  /** In the order in which they came. */
  readonly waiting = new Set<Waiting>()
  /** At an account: whether a password is being tested. Sources that its owner came from before don't wait for the others. */
  readonly testing = { known: false, others: false }
  /** Attempts that wait or are being tested. */
  holders = 0
  /** The last failure went before somebody who came earlier: the next turn is the earliest one's. */
  owes = false
  timer: Timer | undefined
  #failures = 0
  #failedMs = Number.NEGATIVE_INFINITY
  #paidBy: Budget | undefined
  /** Ends of attempts after which nobody has come back yet, and when the last one was. */
  #unfollowed = 0
  #newcomers: TokenBucket | undefined
  #endedMs = Number.NEGATIVE_INFINITY

  constructor(kind: keyof typeof rates, key: string, nowMs: number) {
    this.key = key
    this.bucket = bucketOf(rates[kind], nowMs)
  }

  get busy(): boolean {
    return this.holders > 0
  }

  idle(nowMs: number): boolean {
    return this.bucket.full(nowMs) && this.failures(nowMs) === 0
  }

  /** Failures lately, since the last success. */
  failures(nowMs: number): number {
    return nowMs - this.#failedMs < accountLimits.repeatedFailureMs ? this.#failures : 0
  }

  /** @param paidBy the budget that this cost a token */
  failed(nowMs: number, paidBy?: Budget): void {
    this.#failures = this.failures(nowMs) + 1
    this.#failedMs = nowMs
    this.#paidBy = paidBy
    this.ended(nowMs)
  }

  /** Somebody has failed, or gave up waiting: that one's next attempt will come. */
  ended(nowMs: number): void {
    this.#unfollowed = nowMs - this.#endedMs < accountLimits.hastyMs ? this.#unfollowed + 1 : 1
    this.#endedMs = nowMs
  }

  /** Whether an attempt that comes now comes faster than a person types: then it is taken for the next one of who ended. */
  follows(nowMs: number): boolean {
    if (this.#unfollowed === 0 || nowMs - this.#endedMs >= accountLimits.hastyMs) return false
    this.#unfollowed--
    return true
  }

  /** Whether an attempt that comes now may be taken for a person's who has just come; a crowd that comes at once is none. */
  newcomer(nowMs: number): boolean {
    this.#newcomers ??= bucketOf(accountLimits.newcomers, nowMs)
    return this.#newcomers.tryTake(nowMs)
  }

  /** After a success. One typing error before it is forgiven: the source gets back what it paid. More were somebody else's. */
  succeeded(nowMs: number): void {
    if (this.#failures !== 1) return
    if (nowMs - this.#failedMs <= accountLimits.typingErrorMs) this.#paidBy?.bucket.giveBack(nowMs)
    this.#failures = 0
    this.#paidBy = undefined
  }
}

interface Waiting {
  /** Where it waits. */
  readonly queues: readonly Budget[]
  /** Each gives a token when the test begins. Empty for exempt sources. */
  readonly pays: readonly Budget[]
  /** Absent for what is not an attempt at an account. */
  readonly at?: { readonly account: Budget; readonly lane: keyof Budget['testing'] }
  /** From when on it looks like somebody who guesses, and leaves the last token of a budget to others; never: corrects a typing error. */
  readonly persistsMs: number
  /** Where somebody who came earlier still waited when its test began. */
  overtaken: readonly Budget[]
  begin(): void
}

/**
 * Decides when a password may be tested. What is bounded is the rate of guesses: at one account from everywhere, by one source,
 * and by one source at one account; each has a budget, a token bucket from which only failures take. Attempts wait, for as long
 * as it takes, until all their budgets have a token, and those at one account are tested one after the other.
 *
 * Of those that wait, sources go first that the account's owner came from before. Then those go first that don't look like
 * somebody who guesses: who has failed twice on one connection, comes where somebody has just failed, or waits for long, is
 * persistent. The last token of each budget is kept for all others, so that a person who has just come hardly waits. Of them the
 * newest goes first, since machines have mostly waited for longer; the persistent keep their order. After each failure of one
 * who went before somebody else it is the turn of whoever came first, of those or of the others.
 *
 * Names count the same whether or not an account has them, except for what `namesAreSecret` says. Time is the clock's alone,
 * so that populations can be simulated.
 */
export class LoginThrottle {
  readonly #clock: Clock
  readonly #options: ThrottleOptions
  readonly #budgets: RecentEntries<Budget>
  #waiting = 0

  constructor(clock: Clock, options: ThrottleOptions, maxEntries: number = accountLimits.throttleEntries) {
    this.#clock = clock
    this.#options = options
    this.#budgets = new RecentEntries(maxEntries)
  }

  /** Attempts that wait now. */
  get waiting(): number {
    return this.#waiting
  }

  /** Budgets that are remembered, for tests of their bound. */
  get entries(): number {
    return this.#budgets.size
  }

  /** Waits until this password may be tested. */
  attempt({ name, address, known, failures }: LoginAttempt, signal?: AbortSignal): Promise<Admission> {
    const now = this.#clock.monotonic()
    const [who, from] = [nameKey(name), sourceKey(address)]
    const account = this.#budget('account', who)
    const source = this.#budget('source', from)
    const pair = this.#budget('pair', pairKey(who, from))
    const unknown = this.#budget('unknown', from)
    const queues = [account, pair, source, unknown]
    const pays = this.#exempt(address) ? [] : queues
    // Each is asked, since each forgets whom it has found.
    const follows = [source.follows(now), pair.follows(now)]
    // Where the account's only failure lately came from, and nobody else is about it.
    const correcting = pair.failures(now) === 1 && account.failures(now) === 1 && !account.busy
    // When it counts as one of those who are persistent.
    const guesses = failures > 1 || follows.includes(true) || !pair.newcomer(now)
    const persistsMs = guesses ? now : now + accountLimits.newcomerMs
    const lane = known ? 'known' : 'others'

    const settle = (verdict: Verdict): boolean => {
      account.testing[lane] = false
      if (pays.length === 0) return false
      const end = this.#clock.monotonic()
      const guess = verdict === 'wrong' || (verdict === 'unknown' && this.#options.namesAreSecret)
      const failed = guess || verdict === 'unknown'
      for (const one of failed ? [guess ? unknown : source] : pays) one.bucket.giveBack(end)
      if (verdict === 'right') for (const one of [account, pair]) one.succeeded(end)
      if (!failed) return false
      for (const one of [account, source]) one.failed(end)
      pair.failed(end, guess ? source : unknown)
      return true
    }
    const left = (): void => {
      for (const one of [pair, source]) one.ended(this.#clock.monotonic())
    }
    const at = { account, lane } as const
    const waiting = { queues, pays, at, persistsMs: correcting ? Number.POSITIVE_INFINITY : persistsMs }
    return this.#wait(waiting, { settle, left, by: source.bucket.ready(now) ? 'account' : 'source' }, signal)
  }

  /** Waits until a registration code may be looked at. Only wrong ones count. */
  code(address: string, signal?: AbortSignal): Promise<Admission> {
    return this.#atSource('codes', address, (verdict) => verdict === 'wrong', signal)
  }

  /**
   * Waits until this source may register one more account. The verdict is `right` when it has, `wrong` when the name was taken:
   * that tells who exists, so it counts too.
   */
  async registration(name: string, address: string, signal?: AbortSignal): Promise<Admission> {
    const admission = await this.#atSource('registrations', address, (verdict) => verdict !== 'untested', signal)
    if (admission.kind !== 'admitted') return admission
    const settle = (verdict: Verdict): void => {
      admission.settle(verdict)
      // A client may have tried to log in before it registered.
      if (verdict !== 'right') return
      const [who, from] = [nameKey(name), sourceKey(address)]
      for (const key of [keyOf('account', who), keyOf('pair', pairKey(who, from))])
        this.#budgets.find(key)?.succeeded(this.#clock.monotonic())
    }
    return { ...admission, settle }
  }

  #atSource(
    kind: 'codes' | 'registrations',
    address: string,
    counts: (verdict: Verdict) => boolean,
    signal: AbortSignal | undefined,
  ): Promise<Admission> {
    const budget = this.#budget(kind, sourceKey(address))
    const pays = this.#exempt(address) ? [] : [budget]
    const settle = (verdict: Verdict): boolean => {
      if (!counts(verdict)) for (const one of pays) one.bucket.giveBack(this.#clock.monotonic())
      return counts(verdict)
    }
    const waiting = { queues: [budget], pays, persistsMs: Number.POSITIVE_INFINITY }
    return this.#wait(waiting, { settle, left: () => {}, by: 'source' }, signal)
  }

  #exempt(address: string): boolean {
    return inNetworks(this.#options.exempt, address)
  }

  #budget(kind: keyof typeof rates, of: string): Budget {
    const key = keyOf(kind, of)
    return this.#budgets.get(key, () => new Budget(kind, key, this.#clock.monotonic()))
  }

  /** @param ends what the end of the test, and a client that leaves before, mean for the budgets; whether the test took from them */
  #wait(
    attempt: Omit<Waiting, 'begin' | 'overtaken'>,
    ends: { settle(verdict: Verdict): boolean; left(): void; readonly by: Delayer },
    signal: AbortSignal | undefined,
  ): Promise<Admission> {
    const { by } = ends
    if (signal?.aborted === true) return Promise.resolve({ kind: 'left' })
    if (this.#waiting >= accountLimits.waitingAttempts)
      return Promise.resolve({ kind: 'throttled', retryMs: accountLimits.busyRetryMs, by })
    const sinceMs = this.#clock.monotonic()
    const { promise, resolve } = Promise.withResolvers<Admission>()
    const leave = (): void => {
      this.#remove(one)
      ends.left()
      this.#release(one)
      resolve({ kind: 'left' })
    }
    const settle = (verdict: Verdict): void => {
      // Whoever failed has used up a turn that others waited for.
      if (ends.settle(verdict)) for (const queue of one.queues) queue.owes = one.overtaken.includes(queue)
      this.#release(one)
      this.#wake(one.queues)
    }
    const begin = (): void => {
      signal?.removeEventListener('abort', leave)
      resolve({ kind: 'admitted', waitedMs: Math.round(this.#clock.monotonic() - sinceMs), by, settle })
    }
    const one: Waiting = { ...attempt, overtaken: [], begin }
    signal?.addEventListener('abort', leave, { once: true })
    this.#waiting++
    for (const queue of one.queues) {
      queue.holders++
      queue.waiting.add(one)
    }
    // Nobody who waits may begin because somebody comes, so a crowd that comes isn't looked through each time.
    if (mayBegin(one, sinceMs, false)) this.#begin(one, sinceMs)
    else for (const queue of one.queues) this.#schedule(queue, sinceMs)
    return promise
  }

  /** Begins all tests that may begin at these queues, in their order, and looks again when they have another token. */
  #wake(queues: readonly Budget[]): void {
    const now = this.#clock.monotonic()
    for (const queue of queues) {
      for (let one = next(queue, now); one !== undefined; one = next(queue, now)) this.#begin(one, now)
      queue.timer?.cancel()
      queue.timer = undefined
      this.#schedule(queue, now)
    }
  }

  #schedule(queue: Budget, now: number): void {
    if (queue.waiting.size === 0 || queue.timer !== undefined) return
    // With both it is another queue that somebody waits for, or the end of a test.
    const waitMs = queue.bucket.waitMs(now) || queue.bucket.waitMs(now, 2)
    if (waitMs > 0) queue.timer = this.#clock.after(waitMs, () => this.#wake([queue]), { background: true })
  }

  #begin(one: Waiting, now: number): void {
    one.overtaken = one.queues.filter(({ waiting: [oldest] }) => oldest !== one)
    this.#remove(one)
    for (const { bucket } of one.pays) bucket.tryTake(now)
    if (one.at !== undefined) one.at.account.testing[one.at.lane] = true
    one.begin()
  }

  #remove(one: Waiting): void {
    this.#waiting--
    for (const queue of one.queues) queue.waiting.delete(one)
  }

  #release(one: Waiting): void {
    const now = this.#clock.monotonic()
    for (const queue of one.queues) {
      queue.holders--
      this.#budgets.release(queue.key, now)
    }
  }
}

function mayBegin({ at, pays, persistsMs }: Waiting, nowMs: number, lastToken: boolean): boolean {
  const needed = nowMs < persistsMs || lastToken ? 1 : 2
  return !(at?.account.testing[at.lane] ?? false) && pays.every(({ bucket }) => bucket.ready(nowMs, needed))
}

/** Who begins next of those that wait there and may begin. */
function next(queue: Budget, nowMs: number): Waiting | undefined {
  const { waiting, owes } = queue
  let best: { readonly one: Waiting; readonly rank: number } | undefined
  for (const one of waiting) {
    if (!mayBegin(one, nowMs, owes)) continue
    const { at, persistsMs } = one
    const stranger = at?.account === queue && at.lane === 'others'
    const rank = (stranger ? 3 : 0) + (owes ? 0 : suspicion(persistsMs, nowMs))
    const newest = !owes && nowMs < persistsMs
    if (best === undefined || rank < best.rank || (rank === best.rank && newest)) best = { one, rank }
  }
  return best?.one
}

/** 0 for who corrects a typing error, which gives back a token; 1 for who has just come; 2 for the persistent. */
function suspicion(persistsMs: number, nowMs: number): 0 | 1 | 2 {
  if (persistsMs === Number.POSITIVE_INFINITY) return 0
  return nowMs < persistsMs ? 1 : 2
}

function bucketOf(
  { perMinute, burst }: { readonly perMinute: number; readonly burst: number },
  nowMs: number,
): TokenBucket {
  return new TokenBucket(perMinute / 60, burst, nowMs)
}

function keyOf(kind: keyof typeof rates, of: string): string {
  return `${kind}\n${of}`
}

function pairKey(account: string, source: string): string {
  return `${account}\n${source}`
}
