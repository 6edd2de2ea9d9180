/** Notices that the processor, and not the network, is what a scan waits for. */
export class Demand {
  #sinceMs: number
  #busyTurns = 0
  #turns = 0

  constructor(nowMs: number) {
    this.#sinceMs = nowMs
  }

  /**
   * Called every turn of the scan: `isBusy` when more could have been sent than there was time for, `left` the ports
   * that are left. True when a thread is worth its start.
   */
  wantsThread(isBusy: boolean, nowMs: number, left: number): boolean {
    this.#turns++
    if (isBusy) this.#busyTurns++
    if (nowMs - this.#sinceMs < WINDOW_MS) return false
    const isBound = this.#turns >= FEWEST_TURNS && this.#busyTurns > this.#turns * 0.8
    this.#sinceMs = nowMs
    this.#busyTurns = 0
    this.#turns = 0
    return isBound && left > WORTH
  }
}

const WINDOW_MS = 40
/** A window with fewer turns says that the machine is busy with something else. */
const FEWEST_TURNS = 3
/** A thread costs 17 to 47 ms to start, which is as long as some thousands of ports take. */
const WORTH = 10_000
