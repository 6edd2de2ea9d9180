import type { Clock } from '../base/clock.ts'
import type { NetlabEvent } from '../base/events.ts'
import { safeJson } from '../base/visible.ts'
import type { LogOrigin } from './endpoint.ts'
import { logLimits } from './limits.ts'
import { describe, levelOf } from './render.ts'

/**
 * Turns events into lines of the log: one JSON object, `time level service pid event …fields message`, and a line feed. `received` and
 * `sent` come several for every message of every client, so theirs are put together by hand: the time's text is made once a
 * millisecond, and the rest of the line once for each client and size that comes again.
 */
export class LineFormat {
  readonly #clock: Clock
  readonly #origin: string
  #nowMs = Number.NaN
  #time = ''
  #head = ''
  readonly #received = new TailCache(
    (id, bytes) =>
      `received","id":${id},"bytes":${bytes},"message":"Received ${bytes} byte${plural(bytes)} from client ${id}"}\n`,
  )
  readonly #sent = new TailCache(
    (id, bytes) =>
      `sent","id":${id},"bytes":${bytes},"message":"Sent ${bytes} byte${plural(bytes)} to client ${id}"}\n`,
  )

  constructor(clock: Clock, origin: LogOrigin) {
    this.#clock = clock
    this.#origin = originText(origin)
  }

  line(event: NetlabEvent): string {
    const nowMs = this.#clock.now()
    if (nowMs !== this.#nowMs) this.#setTime(nowMs)
    if (event.type === 'received') return this.#head + this.#received.get(event.id, event.bytes)
    if (event.type === 'sent') return this.#head + this.#sent.get(event.id, event.bytes)
    return lineOf(event, this.#time, this.#origin)
  }

  #setTime(nowMs: number): void {
    this.#nowMs = nowMs
    this.#time = new Date(nowMs).toISOString()
    this.#head = flat(`${head(this.#time, 'info', this.#origin)}"`)
  }
}

/** Any event as a line; `time` is ISO 8601 in UTC. */
export function formatLine(event: NetlabEvent, time: string, origin: LogOrigin): string {
  return lineOf(event, time, originText(origin))
}

function lineOf(event: NetlabEvent, time: string, origin: string): string {
  const short = shortened(event)
  const start = `${head(time, levelOf(event.type), origin)}"${event.type}"`
  return `${start}${members(short, inHead)},"message":${json(describe(short))}}\n`
}

function head(time: string, level: string, origin: string): string {
  return `{"time":"${time}","level":"${level}",${origin},"event":`
}

/** Made once for each that writes lines. */
function originText({ service, pid }: LogOrigin): string {
  return `"service":${json(service)},"pid":${pid}`
}

/** Fields of events that stand at the beginning of every line. */
const inHead: readonly string[] = ['type', 'service', 'pid']

/** The fields of an object as they stand in JSON, each after a comma. */
function members(object: object, without: readonly string[] = []): string {
  const fields = object as Record<string, unknown>
  let text = ''
  for (const name in fields) {
    const value = fields[name]
    if (value !== undefined && !without.includes(name)) text += `,"${name}":${json(value)}`
  }
  return text
}

/** Text with any of these doesn't stand in JSON as it is. */
const special = /[^ !#-[\]-~]/

/** JSON.stringify for what events hold, with short cuts: it takes a third of a microsecond even for a number. */
function json(value: unknown): string {
  if (Number.isSafeInteger(value)) return `${value}`
  if (typeof value === 'string' && !special.test(value)) return `"${value}"`
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return `{${members(value).slice(1)}}`
  return safeJson(JSON.stringify(value))
}

/** The same with no text longer than `logLimits.textLength`. */
function shortened(event: NetlabEvent): NetlabEvent {
  const short: Record<string, unknown> = { ...event }
  let changed = false
  for (const name in short) {
    const value = short[name]
    if (typeof value !== 'string' || value.length <= logLimits.textLength) continue
    short[name] = `${value.slice(0, logLimits.textLength)}…`
    changed = true
  }
  return changed ? (short as NetlabEvent) : event
}

/** Remembers one line ending a client, from the second time on that it is asked for: sizes often differ every time. */
class TailCache {
  readonly #make: (id: number, bytes: number) => string
  readonly #ids = new Float64Array(logLimits.rememberedClients)
  readonly #bytes = new Float64Array(logLimits.rememberedClients)
  readonly #tails: string[] = new Array(logLimits.rememberedClients).fill('')

  constructor(make: (id: number, bytes: number) => string) {
    this.#make = make
  }

  get(id: number, bytes: number): string {
    const slot = id & (logLimits.rememberedClients - 1)
    if (this.#ids[slot] !== id || this.#bytes[slot] !== bytes) {
      this.#ids[slot] = id
      this.#bytes[slot] = bytes
      this.#tails[slot] = ''
      return this.#make(id, bytes)
    }
    const known = this.#tails[slot]
    if (known !== undefined && known !== '') return known
    const made = flat(this.#make(id, bytes))
    this.#tails[slot] = made
    return made
  }
}

function plural(amount: number): string {
  return amount === 1 ? '' : 's'
}

/** The same ASCII text in one piece. V8 keeps a concatenation as a tree, which would be walked again in every batch. */
function flat(ascii: string): string {
  return Buffer.from(ascii, 'latin1').toString('latin1')
}
