import type { Fault } from './check.ts'
import type { Conversation, PeerEnd } from './conversation.ts'
import {
  type Answers,
  type Dialect,
  type LineEnd,
  type Probe,
  readAnswers,
  stripped,
  transformed,
  transformedAscii,
  worksInPieces,
} from './dialect.ts'
import { checkLimits } from './limits.ts'
import { isServer, type Server, ServerBench } from './server-bench.ts'

/** How one message was answered. */
export type ExchangeState =
  /** The echo came whole. */
  | 'answered'
  /** A beginning of it came. */
  | 'partial'
  /** Nothing came, and the connection stands. */
  | 'silent'
  /** The program ended the connection before the echo was whole: with FIN, or with RST. */
  | 'closed'
  | 'reset'
  /** Something else came. */
  | 'wrong'
  /** Nobody could connect. */
  | 'refused'

/** A message to an echo server and what came back. */
export interface Exchange {
  readonly state: ExchangeState
  readonly sent: Buffer
  readonly expected: Buffer
  /** Without what the program writes around each answer. */
  readonly actual: Buffer
  readonly end: PeerEnd
  /** It came only when somebody had pressed Enter at the program. */
  readonly operator: boolean
}

/** What meeting an echo server has shown. */
export interface Meeting {
  readonly dialect: Dialect
  readonly answers: Answers | undefined
  /** Undefined where it answers; else how it did not. */
  readonly fault: Fault | undefined
}

const unknownDialect: Dialect = {
  greets: false,
  hello: false,
  line: '',
  atEnd: false,
  transform: 'identity',
  prefix: Buffer.alloc(0),
  suffix: Buffer.alloc(0),
}

/** A bench for echo servers: speaks the program's dialect once it has met it. */
export class EchoBench extends ServerBench {
  #meeting: Meeting | undefined
  /** The word that ends a conversation. */
  exitWord = 'exit'
  /** What to type when the program waits for its operator while a client waits. */
  between = ''
  /** Answers that came only after that. */
  operatorAnswers = 0

  get dialect(): Dialect {
    return this.#meeting?.dialect ?? unknownDialect
  }

  /** Whether what is said comes back as it was, in whatever pieces it is sent. */
  get exact(): boolean {
    return worksInPieces(this.dialect.transform) && this.#meeting?.answers?.kind === 'clean'
  }

  /** What meeting it has shown; met on the run that serves now, if it hasn't been yet. */
  async meeting(): Promise<Meeting> {
    if (this.#meeting !== undefined) return this.#meeting
    const server = await this.server()
    return isServer(server) ? this.meet(server) : this.#unmet(server)
  }

  /** Whether what came is the echo of a text, whatever the program writes around it. */
  answerIsWhole(text: string, came: Buffer): boolean {
    const { dialect } = this
    return stripped(came, dialect).equals(stripped(transformed(Buffer.from(text), dialect.transform), dialect))
  }

  /** A message of this dialect: the text and its line end. */
  message(text: string | Buffer): Buffer {
    return Buffer.concat([Buffer.from(text), Buffer.from(this.dialect.line)])
  }

  /** Connects, and is past the greeting and the name. */
  async enter(server: Server): Promise<Conversation | string> {
    const conversation = await this.connect(server)
    if (typeof conversation === 'string') return conversation
    const { answerMs, quietMs } = this.times
    if (this.dialect.greets) {
      await conversation.until(() => conversation.receivedBytes > 0, answerMs)
      await conversation.quiet(quietMs, answerMs)
    }
    if (this.dialect.hello) {
      conversation.send(this.message(this.token(6)))
      await conversation.quiet(Math.max(quietMs, 300), answerMs)
    }
    conversation.mark()
    return conversation
  }

  /**
   * Sends a message and waits for its echo. `pieces` are sent apart, so many ms from each other. Data that came before doesn't
   * count. `waitMs` is how long the echo may take after the last piece.
   */
  async ask(
    conversation: Conversation,
    text: string | Buffer,
    {
      pieces,
      gapMs = 0,
      waitMs = this.times.answerMs,
    }: { pieces?: readonly Buffer[]; gapMs?: number; waitMs?: number } = {},
  ): Promise<Exchange> {
    const { dialect } = this
    const sent = this.message(text)
    const wanted = transformed(Buffer.from(text), dialect.transform)
    const expected = stripped(wanted, dialect)
    conversation.mark()
    const parts = pieces ?? [sent]
    for (const [index, part] of parts.entries()) {
      if (index > 0) await this.runs.pause(gapMs)
      conversation.send(part)
    }
    if (dialect.atEnd) conversation.finish()
    this.runs.step(`sent ${describe(sent)}`, `отправили ${describe(sent)}`)
    const whole = (): boolean => stripped(conversation.received, dialect).length >= expected.length
    let operator = false
    if (!(await conversation.until(whole, waitMs)) && conversation.end === 'no' && conversation.receivedBytes === 0) {
      const program = this.runs.current
      if (program?.waitsForInput === true) {
        program.type(this.between)
        this.runs.step(
          'typed Enter at the program, which waits for its operator',
          'нажали Enter в программе: она ждёт оператора',
        )
        operator = await conversation.until(whole, waitMs)
        if (operator) this.operatorAnswers++
      }
    }
    if (whole()) await conversation.until(() => stripped(conversation.received, dialect).length > expected.length, 30)
    if (conversation.answerMs !== undefined && pieces === undefined) this.answers.push(conversation.answerMs)
    const actual = stripped(conversation.received, dialect)
    this.runs.step(...received(actual, conversation.end))
    const ascii = stripped(transformedAscii(Buffer.from(text), dialect.transform), dialect)
    return {
      state: actual.equals(ascii) ? 'answered' : stateOf(expected, actual, conversation.end),
      sent,
      expected,
      actual,
      end: conversation.end,
      operator,
    }
  }

  /** Connects to a server and has one message echoed. */
  async visit(
    server: Server,
    text: string = this.token(),
  ): Promise<Exchange & { readonly conversation: Conversation | undefined }> {
    const conversation = await this.enter(server)
    if (typeof conversation === 'string') {
      const sent = this.message(text)
      return {
        state: 'refused',
        sent,
        expected: Buffer.from(text),
        actual: Buffer.alloc(0),
        end: 'no',
        operator: false,
        conversation: undefined,
      }
    }
    return { ...(await this.ask(conversation, text)), conversation }
  }

  /**
   * Meets the program on a run of its own: does it greet, what ends a message, what does it do to the text? Nothing of it costs
   * points.
   */
  async meet(server: Server): Promise<Meeting> {
    this.#meeting = await this.#meet(server)
    return this.#meeting
  }

  /** Takes over what another bench has found. */
  know(meeting: Meeting): void {
    this.#meeting = meeting
  }

  async #meet(server: Server): Promise<Meeting> {
    const first = await this.connect(server)
    if (typeof first === 'string') return this.#unmet({ cause: 'refused', saw: notConnected(first) })
    await first.until(() => first.receivedBytes > 0, checkLimits.greetingMs)
    await first.quiet(100, checkLimits.greetingMs)
    const greets = first.receivedBytes > 0
    if (greets) this.runs.step(`it greets with ${describe(first.received)}`, `приветствие: ${describe(first.received)}`)

    const said: Buffer[] = []
    const say = async (text: string): Promise<Probe> => {
      first.mark()
      said.push(Buffer.from(text))
      first.send(text)
      this.runs.step(`sent ${describe(Buffer.from(text))}`, `отправили ${describe(Buffer.from(text))}`)
      const wait = checkLimits.firstAnswerMs * this.patience
      await first.until(() => first.receivedBytes > 0, wait)
      await first.quiet(Math.max(120, this.times.quietMs), wait)
      if (first.answerMs !== undefined) this.answers.push(first.answerMs)
      this.runs.step(...received(first.received, first.end))
      return { sent: Buffer.from(text), received: first.received }
    }

    const probe = await say(this.token(12))
    let line: LineEnd = ''
    let hello = false
    let atEnd = false
    if (!echoes(probe)) {
      // Something that isn't our text: a name may have been welcomed. Nothing: it may wait for more, or for an end.
      const second = first.end === 'no' ? await say(this.token(13)) : undefined
      if (second !== undefined && echoes(second)) hello = true
      else if (first.end === 'no' && probe.received.length === 0) {
        for (const end of ['\n', '\r\n', '\0'] as const) {
          const answer = await say(end)
          const whole = { sent: Buffer.concat(said.slice(0, -1)), received: answer.received }
          // A line reader takes both tokens and the end as one line; `\r\n` is tried when LF alone did nothing.
          if (
            echoes({ sent: Buffer.from(whole.sent.toString().replace(/[\r\n\0]/g, '')), received: answer.received })
          ) {
            line = end
            break
          }
          if (answer.received.length > 0 || first.end !== 'no') {
            line = answer.received.length > 0 ? end : ''
            break
          }
        }
        if (line === '' && first.end === 'no' && first.receivedBytes === 0) {
          first.mark()
          first.finish()
          this.runs.step('sent FIN', 'отправили FIN')
          await first.untilEnd(checkLimits.firstAnswerMs * this.patience)
          const sent = Buffer.concat(said)
          if (first.received.includes(said[0] ?? sent)) atEnd = true
          else if (first.receivedBytes === 0) {
            return this.#unmet(this.#silentFault(first, sent))
          }
        }
      }
    }
    const state = { ...unknownDialect, greets, hello, line, atEnd }
    this.#meeting = { dialect: state, answers: undefined, fault: undefined }
    const probes: Probe[] = []
    let conversation: Conversation | undefined = first.end === 'no' && !atEnd ? first : undefined
    for (const length of [5, 9, 14]) {
      if (conversation === undefined || conversation.end !== 'no') {
        const again = await this.server()
        if (!isServer(again)) return this.#unmet(again)
        // A program that serves one client after another has to see the one before leave.
        await this.closeAll()
        const opened = await this.enter(again)
        if (typeof opened === 'string') {
          if (probes.length > 0) break
          const fresh = await this.start()
          if (!isServer(fresh)) return this.#unmet(fresh)
          const retried = await this.enter(fresh)
          if (typeof retried === 'string') break
          conversation = retried
        } else conversation = opened
      }
      const sent = Buffer.from(this.token(length))
      conversation.mark()
      conversation.send(this.message(sent))
      if (atEnd) conversation.finish()
      const wait = checkLimits.firstAnswerMs * this.patience
      const current: Conversation = conversation
      await current.until(() => current.receivedBytes > 0, wait)
      await current.quiet(Math.max(120, this.times.quietMs), wait)
      if (current.answerMs !== undefined) this.answers.push(current.answerMs)
      // One that answers a first message only is met by its first answers, each on a connection of its own.
      if (current.receivedBytes === 0 && probes.length > 0) {
        conversation = undefined
        await this.runs.discard()
        continue
      }
      probes.push({ sent, received: current.received })
    }
    // With one run a probe, those that were lost with a closed connection are made up for by the first one.
    const all = probes.length > 0 ? probes : [probe]
    const answers = readAnswers(all, line)
    if (answers.kind === 'foreign') {
      const [last] = all.slice(-1)
      if (last === undefined || last.received.length === 0) return this.#unmet(this.#silentFault(first, probe.sent))
      return this.#unmet({
        cause: 'fixed',
        proof: true,
        sent: last.sent,
        expected: last.sent,
        actual: last.received,
        saw: {
          en: `we sent ${describe(last.sent)}; the answer, ${describe(last.received)}, does not contain it`,
          ru: `мы отправили ${describe(last.sent)}; в ответе ${describe(last.received)} этого нет`,
        },
      })
    }
    const fixed =
      answers.kind === 'clean'
        ? answers
        : { transform: answers.transform, prefix: Buffer.alloc(0), suffix: Buffer.alloc(0) }
    const dialect: Dialect = { ...state, transform: fixed.transform, prefix: fixed.prefix, suffix: fixed.suffix }
    return { dialect, answers, fault: undefined }
  }

  #unmet(fault: Fault): Meeting {
    return { dialect: unknownDialect, answers: undefined, fault }
  }

  #silentFault({ end }: Conversation, sent: Buffer): Fault {
    if (end === 'no' || this.runs.current?.ended === undefined) {
      return {
        cause: end === 'no' ? 'silent' : 'closes',
        sent,
        saw:
          end === 'no'
            ? {
                en: `nothing came back for ${describe(sent)}, nor after a line end and FIN; the connection is open`,
                ru: `на ${describe(sent)} ничего не пришло, и после перевода строки и FIN тоже; соединение открыто`,
              }
            : {
                en: `it closed the connection${end === 'reset' ? ' with RST' : ''} without an answer to ${describe(sent)}`,
                ru: `программа закрыла соединение${end === 'reset' ? ' (RST)' : ''}, не ответив на ${describe(sent)}`,
              },
      }
    }
    return {
      cause: 'crash',
      proof: true,
      sent,
      saw: { en: `it ended when it got ${describe(sent)}`, ru: `программа завершилась, получив ${describe(sent)}` },
    }
  }
}

/** Whether what was sent is in what came, in whatever case. */
function echoes({ sent, received: came }: Probe): boolean {
  return sent.length > 0 && readAnswers([{ sent, received: came }], '\0').kind !== 'foreign'
}

function stateOf(expected: Buffer, actual: Buffer, end: PeerEnd): ExchangeState {
  if (actual.equals(expected)) return 'answered'
  if (actual.length < expected.length && expected.subarray(0, actual.length).equals(actual)) {
    if (end === 'reset') return 'reset'
    if (end === 'fin') return 'closed'
    return actual.length === 0 ? 'silent' : 'partial'
  }
  return 'wrong'
}

/** Bytes as a person reads them: short texts in quotes, else their number. */
export function describe(bytes: Buffer): string {
  if (bytes.length > 40) return `${bytes.length} B`
  const text = bytes.toString()
  return text.includes('\ufffd') || /[\0-\x08\x0e-\x1f]/.test(text)
    ? `${bytes.length} B (${bytes.toString('hex')})`
    : JSON.stringify(text)
}

function received(bytes: Buffer, end: PeerEnd): [en: string, ru: string] {
  const came =
    bytes.length === 0 ? ['nothing came', 'ничего не пришло'] : [`${describe(bytes)} came`, `пришло ${describe(bytes)}`]
  const ends = end === 'no' ? ['', ''] : end === 'fin' ? [', then FIN', ', затем FIN'] : [', then RST', ', затем RST']
  return [`${came[0]}${ends[0]}`, `${came[1]}${ends[1]}`]
}

function notConnected(code: string): Fault['saw'] {
  return { en: `could not connect: ${code}`, ru: `не удалось подключиться: ${code}` }
}
