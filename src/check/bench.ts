import { writeFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { type Clock, Deadline, pause } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Step, Words } from './check.ts'
import { checkLimits } from './limits.ts'
import { Program, type ProgramPlan } from './program.ts'

/** Times for the conversations with one program, in ms, from how fast it answers. */
export interface Times {
  /** An answer that takes longer is none. */
  readonly answerMs: number
  /** After so long a pause nothing more is to come. */
  readonly quietMs: number
}

/** The times for a program whose answers took so long; `factor` is 2 when a silence is looked at again, or the machine is busy. */
export function timesFor(answers: readonly number[], factor: number): Times {
  const sorted = [...answers].sort((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0
  const within = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value)) * factor
  return {
    answerMs: within(median * checkLimits.answerTimes, checkLimits.answerMinMs, checkLimits.answerMaxMs),
    quietMs: within(median * checkLimits.quietTimes, checkLimits.quietMinMs, checkLimits.quietMaxMs),
  }
}

/** Whether more is running on this machine than its cores can do. */
export function isBusy(): boolean {
  return (loadavg()[0] ?? 0) / availableParallelism() > checkLimits.busyLoad
}

/** Notes how late our own timer comes: then what was seen meanwhile is no proof of the program's slowness. */
export class Lateness {
  readonly #clock: Clock
  #expectedMs = 0
  #worstMs = 0
  #stopped = false

  constructor(clock: Clock) {
    this.#clock = clock
    this.#next()
  }

  /** The worst since the last call, in ms. */
  take(): number {
    const worst = Math.max(this.#worstMs, this.#clock.monotonic() - this.#expectedMs)
    this.#worstMs = 0
    return worst
  }

  stop(): void {
    this.#stopped = true
  }

  #next(): void {
    this.#expectedMs = this.#clock.monotonic() + checkLimits.lateLookMs
    this.#clock.after(
      checkLimits.lateLookMs,
      () => {
        this.#worstMs = Math.max(this.#worstMs, this.#clock.monotonic() - this.#expectedMs)
        if (!this.#stopped) this.#next()
      },
      { background: true },
    )
  }
}

/** What every task's bench has: the program's runs, the time, chance, and what was done. */
export interface BenchServices {
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
  readonly plan: ProgramPlan
  /** The program runs in a network namespace that nothing else uses. */
  readonly ownNetwork: boolean
}

/** Starts and ends the runs of one program, and keeps account of what was done in a check. */
export class ProgramRuns {
  readonly #services: BenchServices
  readonly #all = new Set<Program>()
  #current: Program | undefined
  #steps: Step[] = []
  #startedMs: number

  constructor(services: BenchServices) {
    this.#services = services
    this.#startedMs = services.clock.monotonic()
    services.signal.addEventListener('abort', () => {
      for (const program of this.#all) program.kill()
    })
  }

  get current(): Program | undefined {
    return this.#current
  }

  get steps(): readonly Step[] {
    return this.#steps
  }

  /** Forgets the steps of the check before. */
  begin(): void {
    this.#steps = []
    this.#startedMs = this.#services.clock.monotonic()
  }

  step(en: string, ru: string): void {
    const what: Words = { en, ru }
    this.#steps.push({ atMs: Math.round(this.#services.clock.monotonic() - this.#startedMs), what })
  }

  /** Starts a run, which becomes the current one; `answers` may differ from the plan's, such as by another port. */
  async start(change: Partial<ProgramPlan> = {}): Promise<Program> {
    const plan = { ...this.#services.plan, ...change }
    const program = await Program.start(plan, this.#services.clock)
    this.#all.add(program)
    this.#current = program
    this.step('started the program', 'запустили программу')
    return program
  }

  /** Ends the current run, so that the next check gets a fresh one. */
  async discard(): Promise<void> {
    const program = this.#current
    this.#current = undefined
    if (program === undefined) return
    await program.stop()
    this.#all.delete(program)
  }

  /** Ends all that was started. */
  async stop(): Promise<void> {
    await Promise.all([...this.#all].map((program) => program.stop()))
    this.#all.clear()
    this.#current = undefined
  }

  /**
   * In a network namespace of our own, whether ended connections wait in TIME_WAIT there: without it a program that doesn't set
   * SO_REUSEADDR can be started again at once. Elsewhere the system decides.
   */
  keepTimeWait(keep: boolean): void {
    if (!this.#services.ownNetwork) return
    try {
      writeFileSync('/proc/sys/net/ipv4/tcp_max_tw_buckets', keep ? '4096' : '0')
    } catch {
      // Then a restart may have to take another port.
    }
  }

  pause(ms: number): Promise<void> {
    return pause(this.#services.clock, ms, this.#services.signal)
  }

  deadline(ms: number): Deadline {
    return new Deadline(this.#services.clock, ms)
  }
}
