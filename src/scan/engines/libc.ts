import { constants } from 'node:os'
import { type Clock, Deadline, type Timer } from '../../base/clock.ts'
import { scanLimits } from '../limits.ts'
import type { HostAddress } from '../types.ts'
import { CONNECTED, type ConnectOutcome, type Engine, SELF_CONNECTED, type Settled } from './engine.ts'
import { AF_INET, AF_INET6, type Libc, socketAddress } from './libc-binding.ts'

/**
 * Connects with the C library's own sockets (Linux). Two things make it cheap: a refused socket is used again for the
 * next port (Linux allows that), and a second `connect` tells at once how the first one went, which on loopback is
 * known before the first returns.
 */
export class LibcEngine implements Engine {
  readonly name = 'libc'
  readonly #libc: Libc
  readonly #clock: Clock
  readonly #settled: Settled
  readonly #epoll: number
  readonly #unwatch: () => void
  readonly #events = Buffer.alloc(16 * scanLimits.epollEvents)
  readonly #event = Buffer.alloc(16)
  readonly #error = Buffer.alloc(4)
  readonly #errorBytes = Buffer.alloc(4)
  readonly #addresses = new Map<string, Buffer>()
  readonly #banners: BannerReader
  /** By ticket; -1 without a socket. */
  readonly #fds: number[] = []
  readonly #startedMs: number[] = []
  readonly #ports: number[] = []
  readonly #bannerMs: number[] = []
  readonly #targets: Buffer[] = []
  /** By descriptor; -1 without a ticket. */
  readonly #tickets: number[] = []
  readonly #watched: boolean[] = []
  readonly #idle: Record<number, number[]> = { [AF_INET]: [], [AF_INET6]: [] }
  /** The last outcome came from `connect` itself, so that the socket is free for another. */
  #isFree = true
  /** Falls when the second connect knows nothing yet, and rises when it does; at 0 it is not tried any more. */
  #eager: number = scanLimits.eagerCredit

  constructor(libc: Libc, clock: Clock, settled: Settled) {
    this.#libc = libc
    this.#clock = clock
    this.#settled = settled
    this.#epoll = libc.epoll_create1(EPOLL_CLOEXEC)
    this.#unwatch = libc.watch(this.#epoll, () => this.poll())
    this.#banners = new BannerReader(libc, clock, (ticket, rttMs, banner) => {
      this.#reset(ticket)
      settled(ticket, CONNECTED, rttMs, banner)
    })
  }

  connect(ticket: number, host: HostAddress, port: number, bannerMs: number): void {
    const address = this.#address(host)
    address.writeUInt16BE(port, 2)
    this.#startedMs[ticket] = this.#clock.monotonic()
    const fd = this.#socket(address.readUInt16LE(0))
    if (fd < 0) {
      this.#settled(ticket, this.#libc.errno(), 0)
      return
    }
    this.#fds[ticket] = fd
    this.#ports[ticket] = port
    this.#bannerMs[ticket] = bannerMs
    this.#targets[ticket] = address
    this.#tickets[fd] = ticket
    let outcome = this.#connectOnce(fd, address)
    if (outcome === EINPROGRESS && this.#eager > 0) {
      outcome = this.#connectAgain(fd, address)
      this.#eager = outcome === EALREADY ? this.#eager - 1 : Math.min(scanLimits.eagerCredit, this.#eager + 1)
    } else if (outcome === EINPROGRESS && isIpv6(address)) {
      // Over IPv6 no event tells of a refusal that came while `connect` was still at work.
      outcome = this.#errorOf(fd) || EINPROGRESS
    }
    if (outcome !== EINPROGRESS && outcome !== EALREADY) this.#end(ticket, fd, outcome)
    else if (this.#watched[fd] !== true) this.#watch(ticket, fd)
  }

  abandon(ticket: number): void {
    const fd = this.#fds[ticket] ?? -1
    if (fd === -1) return
    this.#banners.forget(fd)
    this.#drop(ticket, fd)
  }

  poll(): void {
    const { epoll_wait, eventBytes, eventDataOffset } = this.#libc
    const most = scanLimits.epollEvents
    for (let count: number = most; count === most; ) {
      count = epoll_wait(this.#epoll, this.#events, most, 0)
      for (let event = 0; event < count; event++)
        this.#onEvent(this.#events.readInt32LE(event * eventBytes + eventDataOffset))
    }
  }

  close(): void {
    for (const ticket of this.#fds.keys()) this.abandon(ticket)
    for (const idle of Object.values(this.#idle)) for (const fd of idle.splice(0)) this.#libc.close(fd)
    this.#unwatch()
    this.#libc.close(this.#epoll)
  }

  #onEvent(fd: number): void {
    const ticket = this.#tickets[fd] ?? -1
    if (ticket === -1) return
    if (this.#banners.readable(fd)) return
    const address = this.#targets[ticket]
    if (address === undefined) return
    address.writeUInt16BE(this.#ports[ticket] ?? 0, 2)
    const outcome = this.#connectAgain(fd, address)
    if (outcome !== EALREADY && outcome !== EINPROGRESS) this.#end(ticket, fd, outcome)
  }

  /**
   * How the first `connect` went. An ICMP error that comes while the system is at work on the socket, as it does on
   * loopback and between namespaces, is only noted there (`sk_err_soft` in tcp_v4_err and tcp_v6_err): the connect goes on
   * as if nothing had been heard, and SO_ERROR alone tells.
   */
  #connectAgain(fd: number, address: Buffer): ConnectOutcome {
    const outcome = this.#connectOnce(fd, address)
    return outcome === EALREADY ? this.#errorOf(fd) || EALREADY : outcome
  }

  /** SO_ERROR, which is cleared by being read; 0 for none. */
  #errorOf(fd: number): number {
    this.#isFree = false
    this.#errorBytes.writeInt32LE(this.#error.length)
    const read = this.#libc.getsockopt(fd, SOL_SOCKET, SO_ERROR, this.#error, this.#errorBytes)
    return read === 0 ? this.#error.readInt32LE() : 0
  }

  #connectOnce(fd: number, address: Buffer): ConnectOutcome {
    this.#isFree = true
    return this.#libc.connect(fd, address, address.length) === 0 ? CONNECTED : this.#libc.errno()
  }

  #socket(family: number): number {
    return this.#idle[family]?.pop() ?? this.#libc.socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  }

  #watch(ticket: number, fd: number): void {
    this.#event.writeUInt32LE(EPOLLIN_OUT_EDGE, 0)
    this.#event.writeInt32LE(fd, this.#libc.eventDataOffset)
    if (this.#libc.epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, this.#event) === 0) this.#watched[fd] = true
    else this.#end(ticket, fd, this.#libc.errno())
  }

  #end(ticket: number, fd: number, outcome: ConnectOutcome): void {
    const rttMs = this.#clock.monotonic() - (this.#startedMs[ticket] ?? 0)
    const bannerMs = this.#bannerMs[ticket] ?? 0
    if (outcome === CONNECTED && this.#isSelf(ticket, fd)) {
      this.#reset(ticket)
      this.#settled(ticket, SELF_CONNECTED, rttMs)
    } else if (outcome === CONNECTED && bannerMs > 0) {
      if (this.#watched[fd] !== true) this.#watch(ticket, fd)
      this.#banners.begin(ticket, fd, rttMs, bannerMs)
    } else if (outcome === CONNECTED) {
      this.#reset(ticket)
      this.#settled(ticket, outcome, rttMs)
    } else {
      if (outcome === ECONNREFUSED && this.#isFree) this.#keep(ticket, fd)
      else this.#drop(ticket, fd)
      this.#settled(ticket, outcome, rttMs)
    }
  }

  #isSelf(ticket: number, fd: number): boolean {
    const own = Buffer.alloc(28)
    const bytes = Buffer.alloc(4)
    bytes.writeInt32LE(own.length)
    const target = this.#targets[ticket]
    if (target === undefined || this.#libc.getsockname(fd, own, bytes) !== 0) return false
    const [from, to] = target.readUInt16LE(0) === AF_INET ? [4, 8] : [8, 24]
    return own.readUInt16BE(2) === this.#ports[ticket] && own.subarray(from, to).equals(target.subarray(from, to))
  }

  /** A refused socket serves for the next port of its family. */
  #keep(ticket: number, fd: number): void {
    this.#forget(ticket, fd)
    const idle = this.#idle[this.#targets[ticket]?.readUInt16LE(0) ?? AF_INET]
    if (idle !== undefined && idle.length < scanLimits.idleSockets) idle.push(fd)
    else this.#close(fd)
  }

  #drop(ticket: number, fd: number): void {
    this.#forget(ticket, fd)
    this.#close(fd)
  }

  /** Closes what connected with an RST: it leaves no TIME_WAIT behind. */
  #reset(ticket: number): void {
    const fd = this.#fds[ticket] ?? -1
    this.#libc.setsockopt(fd, SOL_SOCKET, SO_LINGER, RESET_ON_CLOSE, RESET_ON_CLOSE.length)
    this.#drop(ticket, fd)
  }

  #forget(ticket: number, fd: number): void {
    this.#fds[ticket] = -1
    this.#tickets[fd] = -1
  }

  #close(fd: number): void {
    this.#watched[fd] = false
    this.#libc.close(fd)
  }

  #address(host: HostAddress): Buffer {
    let address = this.#addresses.get(host.address)
    if (address === undefined) {
      if (this.#addresses.size >= scanLimits.cachedHosts) this.#addresses.clear()
      address = socketAddress(host)
      this.#addresses.set(host.address, address)
    }
    return address
  }
}

function isIpv6(address: Buffer): boolean {
  return address.readUInt16LE(0) === AF_INET6
}

const { EAGAIN, EINPROGRESS, EALREADY, ECONNREFUSED } = constants.errno
// From the kernel's headers (asm-generic, so x86-64 and arm64 alike).
const SOCK_STREAM = 1
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const EPOLL_CLOEXEC = 0o2000000
const EPOLL_CTL_ADD = 1
/** EPOLLIN | EPOLLOUT | EPOLLET: a refused socket that waits to be used again must not wake anyone. */
const EPOLLIN_OUT_EDGE = 0x80000005
const SOL_SOCKET = 1
const SO_ERROR = 4
const SO_LINGER = 13
/** `struct linger { 1, 0 }` */
const RESET_ON_CLOSE = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])

interface BannerRead {
  readonly ticket: number
  readonly rttMs: number
  readonly end: Deadline
  readonly into: Buffer
  bytes: number
  timer: Timer
}

/** What services say first: read until they pause, close, have said enough, or the time is up. */
class BannerReader {
  readonly #libc: Libc
  readonly #clock: Clock
  readonly #done: (ticket: number, rttMs: number, banner?: Uint8Array) => void
  readonly #readings = new Map<number, BannerRead>()

  constructor(libc: Libc, clock: Clock, done: (ticket: number, rttMs: number, banner?: Uint8Array) => void) {
    this.#libc = libc
    this.#clock = clock
    this.#done = done
  }

  begin(ticket: number, fd: number, rttMs: number, bannerMs: number): void {
    const end = new Deadline(this.#clock, bannerMs)
    const timer = this.#clock.after(bannerMs, () => this.#timeUp(fd))
    this.#readings.set(fd, { ticket, rttMs, end, into: Buffer.alloc(scanLimits.bannerBytes), bytes: 0, timer })
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
      const pauseMs = Math.min(scanLimits.bannerPauseMs, reading.end.leftMs)
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
    this.#done(ticket, rttMs, bytes > 0 ? into.subarray(0, bytes) : undefined)
  }
}
