import type { Finding } from './check.ts'
import type { Conversation, PeerEnd } from './conversation.ts'
import {
  type EchoAnswers,
  type EchoDialect,
  isText,
  type LineEnd,
  readAnswers,
  type Sample,
  stripped,
  transformed,
  transformedAscii,
  worksInPieces,
} from './dialect.ts'
import { checkLimits } from './limits.ts'
import type { RunningServer } from './program.ts'
import { isServer, ServerBench } from './server-bench.ts'

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
  readonly dialect: EchoDialect
  readonly answers: EchoAnswers | undefined
  /** Undefined where it answers; else how it did not. */
  readonly finding: Finding | undefined
}

const unknownDialect: EchoDialect = {
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
  /** Each answer repeats those before it. */
  accumulates = false
  /** The word that ends a conversation. */
  exitWord = 'exit'
  /** What to type when the program waits for its operator while a client waits. */
  between = ''
  /** EchoAnswers that came only after that. */
  operatorAnswers = 0

  get dialect(): EchoDialect {
    return this.#meeting?.dialect ?? unknownDialect
  }

  /** Whether what is said comes back as it was, in whatever pieces it is sent. */
  get exact(): boolean {
    return worksInPieces(this.dialect.transform) && this.#meeting?.answers?.kind === 'clean' && !this.accumulates
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
  async enter(server: RunningServer): Promise<Conversation | string> {
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
    // What stands around an unclean answer can't be taken away.
    const unclean = this.#meeting?.answers?.kind === 'unclean'
    const whole = (): boolean =>
      unclean
        ? conversation.received.includes(wanted)
        : stripped(conversation.received, dialect).length >= expected.length
    let operator = false
    if (!(await conversation.until(whole, waitMs)) && (await this.#pressEnter(conversation))) {
      operator = true
      await conversation.until(whole, waitMs)
    }
    if (whole() && !unclean)
      await conversation.until(() => stripped(conversation.received, dialect).length > expected.length, 30)
    if (conversation.answerMs !== undefined && pieces === undefined) this.answers.push(conversation.answerMs)
    const actual = stripped(conversation.received, dialect)
    this.runs.step(...received(actual, conversation.end))
    const ascii = stripped(transformedAscii(Buffer.from(text), dialect.transform), dialect)
    return {
      state: actual.equals(ascii) || (unclean && whole()) ? 'answered' : stateOf(expected, actual, conversation.end),
      sent,
      expected,
      actual,
      end: conversation.end,
      operator,
    }
  }

  /** Connects to a server and has one message echoed. */
  async visit(
    server: RunningServer,
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
  async meet(server: RunningServer): Promise<Meeting> {
    this.#meeting = await this.#meet(server)
    return this.#meeting
  }

  /** Takes over what another bench has found. */
  know(meeting: Meeting): void {
    this.#meeting = meeting
  }

  async #meet(server: RunningServer): Promise<Meeting> {
    const first = await this.connect(server)
    if (typeof first === 'string') return this.#unmet({ cause: 'refused', saw: notConnected(first) })
    await first.until(() => first.receivedBytes > 0, checkLimits.greetingMs)
    await first.quiet(checkLimits.quietMinMs, checkLimits.greetingMs)
    const greets = first.receivedBytes > 0
    if (greets) this.runs.step(`it greets with ${describe(first.received)}`, `приветствие: ${describe(first.received)}`)

    const manner = await this.#findManner(first)
    if ('cause' in manner) return this.#unmet(manner)
    const known: EchoDialect = { ...unknownDialect, greets, ...manner }
    this.#meeting = { dialect: known, answers: undefined, finding: undefined }
    const probes = await this.#probe(first)
    if ('cause' in probes) return this.#unmet(probes)

    const answers = readAnswers(probes, known.line, this.tokens)
    if (answers.kind === 'foreign') return this.#unmet(foreignFinding(probes))
    const { transform } = answers
    if (answers.kind === 'unclean') return { dialect: { ...known, transform }, answers, finding: undefined }
    return {
      dialect: { ...known, transform, prefix: answers.prefix, suffix: answers.suffix },
      answers,
      finding: undefined,
    }
  }

  /**
   * What makes the program answer: a portion, a name and then a portion, a line, or the end of input. Tried in this order on one
   * connection, each when the one before was met with silence.
   */
  async #findManner(first: Conversation): Promise<Pick<EchoDialect, 'hello' | 'line' | 'atEnd'> | Finding> {
    const manner = { hello: false, line: '' as LineEnd, atEnd: false }
    const token = this.token(12)
    const probe = await this.#say(first, token)
    if (echoes(probe)) return manner
    // An answer that isn't our text may welcome a name.
    const another = this.token(13)
    if (first.end === 'no') {
      const second = await this.#say(first, another)
      if (echoes(second)) return { ...manner, hello: true }
      if (second.received.length > 0) return manner
    }
    if (probe.received.length > 0) return manner
    const line = Buffer.from(`${token}${another}`)
    for (const end of ['\n', '\r\n', '\0'] as const) {
      if (first.end !== 'no') break
      const { received: came } = await this.#say(first, end)
      if (came.length > 0) return { ...manner, line: end }
    }
    if (first.end === 'no') {
      first.mark()
      first.finish()
      this.runs.step('sent FIN', 'отправили FIN')
      await first.untilEnd(checkLimits.firstAnswerMs * this.patience)
      if (first.receivedBytes > 0) return { ...manner, atEnd: true }
    }
    return this.#silentFinding(first, line)
  }

  async #say(conversation: Conversation, text: string): Promise<Sample> {
    const sent = Buffer.from(text)
    conversation.mark()
    conversation.send(sent)
    this.runs.step(`sent ${describe(sent)}`, `отправили ${describe(sent)}`)
    await this.#hear(conversation)
    return { sent, received: conversation.received }
  }

  /** Waits for a first answer, whose end is not known yet, and notes how long it took. */
  async #hear(conversation: Conversation): Promise<void> {
    const waitMs = checkLimits.firstAnswerMs * this.patience
    if (!(await conversation.until(() => conversation.receivedBytes > 0, waitMs))) await this.#pressEnter(conversation)
    await conversation.quiet(this.times.quietMs, waitMs)
    if (conversation.answerMs !== undefined) this.answers.push(conversation.answerMs)
    this.runs.step(...received(conversation.received, conversation.end))
  }

  /** Three messages of different lengths, over one connection where the program keeps it, else each over its own. */
  async #probe(first: Conversation): Promise<readonly Sample[] | Finding> {
    const probes: Sample[] = []
    let conversation: Conversation | undefined = this.dialect.atEnd ? undefined : first
    for (const length of [6, 9, 14]) {
      if (conversation === undefined || conversation.end !== 'no') {
        // A program that serves one client after another has to see the one before leave.
        await this.closeAll()
        const opened = await this.#enterAnyRun()
        if ('cause' in opened) return probes.length > 0 ? probes : opened
        conversation = opened
      }
      const current: Conversation = conversation
      const sent = Buffer.from(this.token(length))
      current.mark()
      current.send(this.message(sent))
      if (this.dialect.atEnd) current.finish()
      await this.#hear(current)
      if (current.receivedBytes > 0) probes.push({ sent, received: current.received })
      // One that answers its first message only gets the next over a connection of its own.
      else conversation = undefined
    }
    return probes.length > 0 ? probes : this.#silentFinding(first, Buffer.from(this.token(14)))
  }

  /** Enters the run that serves, or a fresh one when it takes nobody any more. */
  async #enterAnyRun(): Promise<Conversation | Finding> {
    const running = await this.server()
    if (isServer(running)) {
      const entered = await this.enter(running)
      if (typeof entered !== 'string') return entered
      if (!this.owns) return { cause: 'refused', saw: notConnected(entered) }
    }
    const fresh = await this.start()
    if (!isServer(fresh)) return fresh
    const entered = await this.enter(fresh)
    return typeof entered === 'string' ? { cause: 'refused', saw: notConnected(entered) } : entered
  }

  /** Presses Enter at a program that waits for its operator while a client waits; whether an answer came for it. */
  async #pressEnter(conversation: Conversation): Promise<boolean> {
    const program = this.runs.current
    if (program?.waitsForInput !== true || conversation.end !== 'no' || conversation.receivedBytes > 0) return false
    program.type(this.between)
    this.runs.step(
      'pressed Enter at the program, which waits for its operator',
      'нажали Enter в программе: она ждёт оператора',
    )
    const answered = await conversation.until(() => conversation.receivedBytes > 0, this.times.answerMs)
    if (answered) this.operatorAnswers++
    return answered
  }

  #unmet(finding: Finding): Meeting {
    return { dialect: unknownDialect, answers: undefined, finding }
  }

  #silentFinding({ end }: Conversation, sent: Buffer): Finding {
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
function echoes({ sent, received: came }: Sample): boolean {
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
  return isText(bytes) ? JSON.stringify(bytes.toString()) : `${bytes.length} B (${bytes.toString('hex')})`
}

function received(bytes: Buffer, end: PeerEnd): [en: string, ru: string] {
  const came =
    bytes.length === 0 ? ['nothing came', 'ничего не пришло'] : [`${describe(bytes)} came`, `пришло ${describe(bytes)}`]
  const ends = end === 'no' ? ['', ''] : end === 'fin' ? [', then FIN', ', затем FIN'] : [', then RST', ', затем RST']
  return [`${came[0]}${ends[0]}`, `${came[1]}${ends[1]}`]
}

function foreignFinding(probes: readonly Sample[]): Finding {
  const [{ sent, received: came } = { sent: Buffer.alloc(0), received: Buffer.alloc(0) }] = probes.slice(-1)
  return {
    cause: 'fixed',
    proof: true,
    sent,
    expected: sent,
    actual: came,
    saw: {
      en: `we sent ${describe(sent)}; the answer, ${describe(came)}, does not contain it`,
      ru: `мы отправили ${describe(sent)}; в ответе ${describe(came)} этого нет`,
    },
  }
}

export function notConnected(code: string): Finding['saw'] {
  return { en: `could not connect: ${code}`, ru: `не удалось подключиться: ${code}` }
}
