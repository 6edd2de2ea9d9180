import type { Timer } from '../../base/clock.ts'
import { ExitCode } from '../../base/errors.ts'
import { datagramLimits } from '../../datagram-chat/limits.ts'
import type { MemberEnd, MemberEvent } from '../../datagram-chat/member-interface.ts'
import {
  connectMember,
  type MemberConnection,
  type MemberConnectionOptions,
} from '../../datagram-chat/member-socket.ts'
import { createLineEditor, type LineEditor } from '../../terminal/line-editor.ts'
import { harmless } from '../../text/said.ts'
import { type CommandUsage, parseSlashLine, usageTable } from '../../text/slash.ts'
import type { CommandContext } from '../command.ts'
import { endError, isAboutName, lineOf, statsLines } from './render.ts'

/** What can be typed in the room besides messages. */
export const slashCommands = {
  who: { usage: '/who', summary: 'who is in the room' },
  me: { usage: '/me TEXT', summary: 'say what you do' },
  stats: { usage: '/stats', summary: 'loss, duplicates, reordering, RTT' },
  help: { usage: '/help', summary: 'what you can type here' },
  quit: { usage: '/quit', summary: 'leave the room' },
} satisfies Record<string, CommandUsage>

const help = usageTable([
  ...Object.values(slashCommands),
  { usage: '//TEXT', summary: 'say something that begins with /' },
]).join('\n')

/** A person, or a pipe, in the room: typed lines become messages and commands, events become lines. */
export class UdpChatClient {
  readonly #context: CommandContext
  readonly #options: Omit<MemberConnectionOptions, 'name'>
  readonly #askName: (() => Promise<string>) | undefined
  #editor: LineEditor | undefined
  #connection: MemberConnection | undefined
  #entered = false
  /** The relay is not heard. */
  #isLost = false
  #inputEnded = false
  #patience: Timer | undefined
  #refusedText = false
  #onSettled: () => void = () => undefined
  #onNames: () => void = () => undefined
  #onEnd: (end: MemberEnd) => void = () => undefined

  constructor(
    context: CommandContext,
    options: Omit<MemberConnectionOptions, 'name'>,
    askName: (() => Promise<string>) | undefined,
  ) {
    this.#context = context
    this.#options = options
    this.#askName = askName
  }

  /** Joins, and stays until the end. @throws {NetlabError} when it ends otherwise than by leaving. */
  async run(name: string): Promise<ExitCode> {
    const { signal } = this.#context
    const leave = () => this.#leave()
    signal.addEventListener('abort', leave, { once: true })
    try {
      let end = await this.#untilEnd(name)
      while (isAboutName(end) && this.#askName !== undefined && !this.#entered) {
        this.#context.stderr.write(`${endError(end)?.message}\n`)
        this.#connection?.close()
        end = await this.#untilEnd(await this.#askName())
      }
      signal.throwIfAborted()
      const error = endError(end)
      if (error !== undefined) throw error
      return this.#refusedText ? ExitCode.negative : ExitCode.ok
    } finally {
      signal.removeEventListener('abort', leave)
      this.#patience?.cancel()
      this.#editor?.close()
      this.#connection?.close()
    }
  }

  async #untilEnd(name: string): Promise<MemberEnd> {
    const ended = Promise.withResolvers<MemberEnd>()
    this.#onEnd = ended.resolve
    const show = (event: MemberEvent) => this.#show(event)
    const options = { ...this.#options, name }
    this.#connection = await connectMember(options, this.#context.clock, show, ended.reject)
    return ended.promise
  }

  #show(event: MemberEvent): void {
    const line = lineOf(event)
    if (line !== undefined) this.#print(line.kind, line.text)
    if (event.type === 'entered' && !this.#entered) this.#begin(event.name)
    else if (event.type === 'unconfirmed' || event.type === 'message-refused') this.#refusedText = true
    else if (event.type === 'settled') this.#onSettled()
    else if (event.type === 'names' || event.type === 'names-unknown') this.#onNames()
    else if (event.type === 'ended') this.#onEnd(event.end)
    if (event.type === 'lost' || event.type === 'entered') {
      this.#isLost = event.type === 'lost'
      this.#boundPatience()
    }
  }

  /** A person, or a program that goes on, gets back in whenever that is; a pipe with nothing more to say does not hang for ever. */
  #boundPatience(): void {
    this.#patience?.cancel()
    if (!this.#isLost || !this.#inputEnded) return
    const { clock } = this.#context
    this.#patience = clock.after(datagramLimits.patienceMs, () => this.#connection?.member.giveUp())
  }

  #leave(): void {
    this.#connection?.member.leave()
  }

  #begin(name: string): void {
    this.#entered = true
    const { stdin, stdout, isDumb, interrupt } = this.#context
    this.#editor = createLineEditor({
      ...{ input: stdin, output: stdout, isDumb, prompt: `${harmless(name)}> ` },
      onInterrupt: interrupt,
      vanishes: (line) => isMessage(line) && this.#connection?.member.unsettled === 0,
    })
    this.#readLines(this.#editor).catch((error: unknown) => {
      this.#onEnd({ type: 'bye', reason: 'left' })
      throw error
    })
  }

  async #readLines(editor: LineEditor): Promise<void> {
    for await (const line of editor.lines()) if ((await this.#typed(line)) === 'quit') break
    if (!editor.interactive) {
      this.#inputEnded = true
      this.#boundPatience()
      await this.#untilSettled()
    }
    this.#leave()
  }

  async #typed(line: string): Promise<'quit' | 'go on'> {
    const typed = parseSlashLine(line, slashCommands)
    if (typed.kind === 'text') await this.#say(typed.text, false)
    else if (typed.kind === 'unknown') await this.#unknown(typed.word, line)
    else if (typed.name === 'me') await this.#say(typed.rest, true)
    else if (typed.name === 'who') await this.#who()
    else if (typed.name === 'help') this.#print('room', help)
    else if (typed.name === 'stats' && this.#connection !== undefined) {
      this.#print('room', statsLines(this.#connection.member.stats))
    }
    return typed.kind === 'command' && typed.name === 'quit' ? 'quit' : 'go on'
  }

  /** A program's output may begin with a slash by chance, so it is said; a person's line does not. */
  async #unknown(word: string, line: string): Promise<void> {
    if (this.#editor?.interactive !== true) await this.#say(line, false)
    else this.#print('diagnostic', `/${harmless(word)} is no command; /help shows what there is`)
  }

  async #say(text: string, action: boolean): Promise<void> {
    const result = this.#connection?.member.say(text, action)
    if (result === 'too-long') {
      this.#refusedText = true
      this.#print('diagnostic', 'not sent: a message has at most 4 KiB')
    } else if (result === 'full' && this.#editor?.interactive === true) {
      this.#print('diagnostic', 'not sent: too many messages wait for the relay; try again in a moment')
    } else if (result === 'full') {
      await this.#untilSettled()
      await this.#say(text, action)
    }
  }

  async #who(): Promise<void> {
    const answered = new Promise<void>((done) => {
      this.#onNames = done
    })
    this.#connection?.member.who()
    if (this.#editor?.interactive !== true) await answered
  }

  /** Until everything is acknowledged, or given up. */
  async #untilSettled(): Promise<void> {
    if ((this.#connection?.member.unsettled ?? 0) === 0) return
    await new Promise<void>((done) => {
      this.#onSettled = done
    })
  }

  /** On a terminal everything is in one place; in a pipe stdout has what was said, and nothing else. */
  #print(kind: 'room' | 'diagnostic', text: string): void {
    if (this.#editor?.interactive === true) this.#editor.print(text)
    else if (kind === 'room') this.#context.stdout.write(`${text}\n`)
    else this.#context.stderr.write(`${text}\n`)
  }
}

/** Whether the line comes back as a message, so that its echo need not stay. */
function isMessage(line: string): boolean {
  const typed = parseSlashLine(line, slashCommands)
  return typed.kind === 'text' || (typed.kind === 'command' && typed.name === 'me')
}
