import { type Clock, Deadline, type Timer } from '../../base/clock.ts'
import { limits } from '../../base/limits.ts'
import type { Libc } from './libc-binding.ts'

interface Reading {
  readonly ticket: number
  readonly rttMs: number
  readonly end: Deadline
  readonly into: Buffer
  bytes: number
  timer: Timer
}

type Said = (ticket: number, rttMs: number, banner: Uint8Array | undefined) => void

/** What services say first: read until they pause, close, have said enough, or the time is up. */
export class LibcBanners {
  readonly #libc: Libc
  readonly #clock: Clock
  readonly #said: Said
  readonly #readings = new Map<number, Reading>()

  constructor(libc: Libc, clock: Clock, said: Said) {
    this.#libc = libc
    this.#clock = clock
    this.#said = said
  }

  begin(ticket: number, fd: number, rttMs: number, bannerMs: number): void {
    const end = new Deadline(this.#clock, bannerMs)
    const timer = this.#clock.after(bannerMs, () => this.#timeUp(fd))
    this.#readings.set(fd, { ticket, rttMs, end, into: Buffer.alloc(limits.bannerBytes), bytes: 0, timer })
    this.readable(fd)
  }

  /** False when the descriptor is not one of those being read. */
  readable(fd: number): boolean {
    const reading = this.#readings.get(fd)
    if (reading === undefined) return false
    for (;;) {
      const room = reading.into.subarray(reading.bytes)
      const got = this.#libc.recv(fd, room, room.length, 0)
      if (got > 0) reading.bytes += got
      // The end, an error other than "nothing yet", or enough.
      if (got === 0 || (got < 0 && this.#libc.errno() !== EAGAIN) || reading.bytes === reading.into.length) {
        this.#finish(fd)
        return true
      }
      if (got < 0) break
    }
    if (reading.bytes > 0) {
      reading.timer.cancel()
      const pauseMs = Math.min(limits.bannerPauseMs, reading.end.leftMs)
      reading.timer = this.#clock.after(pauseMs, () => this.#finish(fd))
    }
    return true
  }

  forget(fd: number): void {
    this.#readings.get(fd)?.timer.cancel()
    this.#readings.delete(fd)
  }

  /** On a stalled machine the time may be up before what has come was read. */
  #timeUp(fd: number): void {
    this.readable(fd)
    this.#finish(fd)
  }

  #finish(fd: number): void {
    const reading = this.#readings.get(fd)
    if (reading === undefined) return
    this.forget(fd)
    const { ticket, rttMs, into, bytes } = reading
    this.#said(ticket, rttMs, bytes > 0 ? into.subarray(0, bytes) : undefined)
  }
}

/** Linux, all architectures. */
const EAGAIN = 11
