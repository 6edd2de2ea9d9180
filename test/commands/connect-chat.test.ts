import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { ExitCode, NetworkError } from '../../src/base/errors.ts'
import { chatLimits } from '../../src/chat/limits.ts'
import { connect } from '../../src/commands/connect/index.ts'
import { encodeFrame, FrameDecoder } from '../../src/net/frame-codec.ts'
import { netLimits } from '../../src/net/limits.ts'
import { lookMs } from '../../src/net/liveness.ts'
import { ChatMember, type ChatServer, startChatServer } from '../support/chat-server.ts'
import { testContext } from '../support/command-context.ts'
import { turnUntil } from '../support/event-loop.ts'
import { FakeKeyboard, FakeScreen } from '../support/fake-terminal.ts'
import { listen, type TestServer } from '../support/sockets.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { WatchedText } from '../support/watched-text.ts'
import { connectValues } from './connect-values.ts'

afterEach(() => void jest.restoreAllMocks())

type Json = Readonly<Record<string, unknown>>

/** One connection as the server sees it: the test says what is answered. */
class Guest {
  readonly socket: Socket
  readonly #heard: Json[] = []
  #wake: (() => void) | undefined

  constructor(socket: Socket) {
    this.socket = socket
    const decoder = new FrameDecoder()
    socket.on('data', (chunk) => {
      for (const frame of decoder.push(chunk)) this.#heard.push(JSON.parse(frame.toString()))
      this.#wake?.()
    })
  }

  tell(...messages: Json[]): void {
    for (const message of messages) this.socket.write(encodeFrame(JSON.stringify(message)))
  }

  async hear(): Promise<Json> {
    for (;;) {
      const next = this.#heard.shift()
      if (next !== undefined) return next
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Lets it log in, however it wants to; answers with its way in and its first words. */
  async admit(hello: Json = {}): Promise<readonly [login: Json, enter: Json]> {
    expect(await this.hear()).toEqual({ type: 'hello', ping: true })
    this.tell({ type: 'hello', service: 'chat', version: 1, ...hello })
    const login = await this.hear()
    const how = login.type === 'resume' ? 'resumed' : 'login'
    this.tell({ type: 'welcome', name: 'Ada', how, ...(how === 'login' && { token: 'a-token' }) })
    return [login, await this.hear()]
  }
}

const at = new VirtualClock().now()
const joined = { type: 'joined', room: 'lobby', topic: '', members: 2 }
const said = (id: number, from: string, text: string, more: Json = {}) => ({
  type: 'message',
  id,
  at,
  room: 'lobby',
  from,
  text,
  ...more,
})

async function startServer() {
  const guests: Guest[] = []
  let wake: (() => void) | undefined
  const server: TestServer = await listen((socket) => {
    guests.push(new Guest(socket))
    wake?.()
  })
  const next = async (): Promise<Guest> => {
    for (;;) {
      const guest = guests.shift()
      if (guest !== undefined) return guest
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return { server, port: server.port, next, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

const login = { user: 'Ada', password: 'correct horse', session: false, quiet: true }

/** A person at a terminal, in the chat at `port`. */
function sitDown(port: number, environment: Record<string, string> = { NO_COLOR: '1' }) {
  const keyboard = new FakeKeyboard()
  const screen = new FakeScreen(120)
  const written: string[] = []
  const write = screen._write.bind(screen)
  screen._write = (text, encoding, done) => {
    written.push(String(text))
    write(text, encoding, done)
  }
  const io = testContext({ stdin: keyboard, stdout: screen, stderrIsTTY: true })
  const ended = connect.run({ ...connectValues, port, ...login }, { ...io.context, environment })
  return { ...io, keyboard, screen, ended, written: () => written.join('') }
}

const time = new Date(at).toTimeString().slice(0, 5)
const top = ['Welcome back, Ada.', '/help lists the commands.', '* you are in #lobby (2 people)']

describe('connect to serve chat, on a terminal', () => {
  test('shows who said what when, sends what is typed, rings when called, and leaves', async () => {
    await using chat = await startServer()
    const { keyboard, screen, ended, written } = sitDown(chat.port)
    const guest = await chat.next()
    expect(await guest.admit()).toEqual([{ type: 'login', name: 'Ada', password: 'correct horse' }, { type: 'enter' }])
    guest.tell(joined, said(1, 'Bob', 'hi \x1b[2J'))
    await screen.until(...top, `${time} Bob: hi ␛[2J`, '>')
    expect(written()).not.toContain('\x07')
    keyboard.write('half a li')
    guest.tell(said(2, 'Bob', 'ada?'), { type: 'news', what: 'unknown' })
    await screen.until(...top, `${time} Bob: hi ␛[2J`, `${time} Bob: ada?`, '> half a li')
    expect(written()).toContain('\x07')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are looked for.
    expect(written()).not.toMatch(/\x1b\[\d+m/)
    keyboard.write('ne\r')
    expect(await guest.hear()).toEqual({
      type: 'say',
      room: 'lobby',
      text: 'half a line',
      cid: expect.stringMatching(/^[\da-f-]{36}$/),
    })
    keyboard.write('\x04')
    guest.tell({ type: 'bye', reason: 'exit', message: 'too early to hear' })
    expect(await ended).toBe(ExitCode.ok)
  })

  test('paints names where colours are wanted', async () => {
    await using chat = await startServer()
    const { keyboard, screen, ended, written } = sitDown(chat.port, {})
    const guest = await chat.next()
    await guest.admit()
    guest.tell(joined, said(1, 'Bob', 'hi'))
    await screen.until(...top, `${time} Bob: hi`, '>')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are looked for.
    expect(written()).toMatch(/\x1b\[\d+mBob\x1b\[0m: hi/)
    keyboard.write('\x03')
    expect(await ended).toBe(ExitCode.interrupted)
  })

  test('comes back by itself, with its session, to where it was, and says again what was not heard', async () => {
    await using chat = await startServer()
    const { keyboard, screen, clock, ended } = sitDown(chat.port)
    const first = await chat.next()
    await first.admit()
    first.tell(joined, said(7, 'Bob', 'hi'))
    await screen.until(...top, `${time} Bob: hi`, '>')
    keyboard.write('lost?\r')
    const lost = await first.hear()
    first.socket.destroy()
    await screen.until(...top, `${time} Bob: hi`, 'the connection is lost; trying again in 1 s (Ctrl-C leaves)', '>')
    keyboard.write('/who\rlater\r')
    await screen.until(
      ...top,
      `${time} Bob: hi`,
      '> /who',
      '> later',
      '* not connected: commands have to wait, what you say is kept',
      'the connection is lost; trying again in 1 s (Ctrl-C leaves)',
      '>',
    )
    clock.advance(chatLimits.reconnectMs)
    const second = await chat.next()
    const [resume, enter] = await second.admit()
    expect(resume).toEqual({ type: 'resume', token: 'a-token' })
    expect(enter).toEqual({ type: 'enter', resume: { lobby: 7 } })
    expect(await second.hear()).toEqual(lost)
    expect(await second.hear()).toMatchObject({ text: 'later' })
    second.tell(
      joined,
      { type: 'history', room: 'lobby', messages: [said(8, 'Bob', 'missed')], more: false },
      said(9, 'Ada', 'lost?', { cid: lost.cid }),
    )
    await screen.until(
      ...top,
      `${time} Bob: hi`,
      '> /who',
      '> later',
      '* not connected: commands have to wait, what you say is kept',
      '* 1 in #lobby while you were away',
      `${time} Bob: missed`,
      `${time} Ada: lost?`,
      '>',
    )
    keyboard.write('/quit\r')
    expect(await second.hear()).toEqual({ type: 'line', text: '/quit' })
    second.tell({ type: 'bye', reason: 'exit', message: 'goodbye' })
    expect(await ended).toBe(ExitCode.ok)
  })

  test('bug: with the cable out it showed a prompt for ever; it says so, comes back, and nothing typed is lost', async () => {
    await using chat = await startServer()
    const { keyboard, screen, clock, ended } = sitDown(chat.port)
    const pass = async (pings: number) => {
      for (let looks = 0; looks < pings * netLimits.looksPerPing; looks++) {
        clock.advance(lookMs(netLimits.pingMs))
        await turn()
        await turn()
      }
    }
    const first = await chat.next()
    await first.admit({ pingMs: netLimits.pingMs })
    first.tell(joined, { type: 'ping' })
    expect(await first.hear()).toEqual({ type: 'pong' })
    await screen.until(...top, '>')
    keyboard.write('/who\r')
    await first.hear()
    first.tell({ type: 'notice', text: 'an answer' })
    await screen.until(...top, '> /who', '* an answer', '>')
    keyboard.write('is it on?\r/msg Bob psst\r')
    const [said, command] = [await first.hear(), await first.hear()]
    expect(command).toEqual({ type: 'line', text: '/msg Bob psst' })
    await pass(1)
    first.tell({ type: 'ping' })
    expect(await first.hear()).toEqual({ type: 'pong' })
    // From here on nothing comes.
    await pass(3)
    await screen.until(
      ...top,
      '> /who',
      '* an answer',
      '> /msg Bob psst',
      '* not answered: /msg Bob psst',
      `no answer from 127.0.0.1:${chat.port} any more; trying again in 1 s (Ctrl-C leaves)`,
      '>',
    )
    clock.advance(chatLimits.reconnectMs)
    const second = await chat.next()
    await second.admit()
    expect(await second.hear()).toEqual(said)
    keyboard.write('\x03')
    expect(await ended).toBe(ExitCode.interrupted)
  })

  test('waits longer each time while nobody listens, until Ctrl-C', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.5)
    const chat = await startServer()
    const { keyboard, screen, clock, ended } = sitDown(chat.port)
    await (await chat.next()).admit()
    await screen.until(...top.slice(0, 2), '>')
    await chat[Symbol.asyncDispose]()
    const refused = `connection refused: nothing is listening on 127.0.0.1:${chat.port}`
    const shown = (line: string) => screen.until(...top.slice(0, 2), line, '>')
    await shown('the connection is lost; trying again in 1 s (Ctrl-C leaves)')
    clock.advance(chatLimits.reconnectMs)
    await shown(`${refused}; trying again in 2 s (Ctrl-C leaves)`)
    keyboard.write('\x03')
    expect(await ended).toBe(ExitCode.interrupted)
    expect(clock.pending).toBe(0)
  })

  test('a session that ended meanwhile is the end', async () => {
    await using chat = await startServer()
    const { screen, clock, ended } = sitDown(chat.port)
    const first = await chat.next()
    await first.admit()
    first.socket.destroy()
    await screen.until(...top.slice(0, 2), 'the connection is lost; trying again in 1 s (Ctrl-C leaves)', '>')
    clock.advance(chatLimits.reconnectMs)
    const second = await chat.next()
    await second.hear()
    second.tell({ type: 'hello', service: 'chat', version: 1 })
    expect(await second.hear()).toMatchObject({ type: 'resume' })
    second.tell({ type: 'denied', reason: 'no-session', message: 'That session has ended.' })
    expect(await second.hear()).toMatchObject({ type: 'login' })
    second.tell({ type: 'denied', reason: 'wrong', message: 'No user has this name and this password.' })
    await expect(ended).rejects.toMatchObject({ exit: ExitCode.negative })
  })
})

describe('connect to serve chat, in a pipe', () => {
  test('has no more under way than the server can recognise, and leaves when all is answered', async () => {
    await using chat = await startServer()
    const io = testContext()
    const count = chatLimits.duplicateFilterIds
    io.stdin.end(Array.from({ length: count }, (_, number) => `${number}\n`).join(''))
    const ended = connect.run({ ...connectValues, port: chat.port, ...login }, io.context)
    const guest = await chat.next()
    await guest.admit()
    guest.tell(joined)
    const waiting: Json[] = []
    for (let number = 0; number < count; number++) {
      waiting.push(await guest.hear())
      if (waiting.length < count / 2) continue
      for (const { text, cid } of waiting.splice(0)) guest.tell(said(number + 1, 'Ada', String(text), { cid }))
    }
    for (const { text, cid } of waiting) guest.tell(said(count, 'Ada', String(text), { cid }))
    expect(await guest.hear()).toMatchObject({ type: 'history' })
    guest.tell({ type: 'history', room: 'lobby', messages: [], more: false })
    expect(await guest.hear()).toEqual({ type: 'quit' })
    guest.tell({ type: 'bye', reason: 'exit', message: 'goodbye' })
    expect(await ended).toBe(ExitCode.ok)
    expect(io.stdout.text).not.toContain('\x1b')
  })

  test('a server that answers no more is the end, and what it did not acknowledge is counted', async () => {
    await using chat = await startServer()
    const io = testContext()
    io.stdin.write('one\ntwo\n')
    const ended = connect.run({ ...connectValues, port: chat.port, ...login }, io.context)
    const guest = await chat.next()
    await guest.admit({ pingMs: netLimits.pingMs })
    guest.tell(joined)
    await guest.hear()
    await guest.hear()
    const given = expect(ended).rejects.toMatchObject({ code: 'NO_ANSWER', exit: ExitCode.unavailable })
    for (let looks = 0; looks < 2 * netLimits.looksUntilGone; looks++) {
      io.clock.advance(lookMs(netLimits.pingMs))
      await turn()
      await turn()
    }
    await given
    expect(io.stderr.text).toContain('* not acknowledged: 2 of the lines sent\n')
  })

  test('a lost connection is the end, and not a good one', async () => {
    await using chat = await startServer()
    const io = testContext()
    const ended = connect.run({ ...connectValues, port: chat.port, ...login }, io.context)
    const guest = await chat.next()
    await guest.admit()
    guest.socket.resetAndDestroy()
    await expect(ended).rejects.toBeInstanceOf(NetworkError)
  })
})

const passwordOf = (name: string): string => `correct horse ${name}`

describe('accounts, for a person at a terminal in the chat', () => {
  let chat: ChatServer
  beforeAll(async () => {
    chat = await startChatServer()
  })
  afterAll(async () => {
    await chat[Symbol.asyncDispose]()
  })

  /** Somebody registered, at a terminal in the chat. What is asked appears in `stderr`, all else in `shown`. */
  async function sitDown(name: string) {
    const token = await chat.register(name)
    const keyboard = new FakeKeyboard()
    const shown = new WatchedText()
    const stdout = new Writable({
      decodeStrings: false,
      write: (text, _, done) => {
        shown.append(String(text))
        done()
      },
    })
    Object.assign(stdout, { isTTY: true, columns: 200 })
    const io = testContext({ stdin: keyboard, stdout, stderrIsTTY: true })
    const login = { user: name, password: passwordOf(name), session: false, quiet: true }
    const context = { ...io.context, environment: { NO_COLOR: '1' } }
    const ended = connect.run({ ...connectValues, port: chat.port, ...login }, context)
    await shown.waitFor('you are in #lobby')
    const answer = async (question: string | RegExp, text: string): Promise<void> => {
      await io.stderr.waitFor(question)
      keyboard.write(`${text}\r`)
    }
    return { token, keyboard, shown, stderr: io.stderr, ended, answer }
  }

  test('/passwd asks unseen, until the server is content, and shows afterwards what was said meanwhile', async () => {
    const bob = await chat.come('Bob')
    const ada = await sitDown('Ada')
    ada.keyboard.write('/passwd\r')
    await ada.answer('Old password', 'wrong horse')
    await ada.answer(/New password(?! again)/, 'battery staple')
    bob.send({ type: 'say', text: 'are you there?' })
    await bob.hear('message')
    await ada.answer('New password again', 'battery stable')
    await ada.shown.waitFor('The two new passwords differ.')
    await ada.answer(/New password(?! again)/, 'battery staple')
    await ada.answer('New password again', 'battery staple')
    await ada.shown.waitFor('! That is not your password.')
    await ada.answer('Old password', passwordOf('Ada'))
    await ada.answer(/New password(?! again)/, 'battery staple')
    await ada.answer('New password again', 'battery staple')
    await ada.shown.waitFor('* The password is changed; one other session ended.')
    expect(ada.shown.text).toContain('Bob: are you there?')
    ada.keyboard.write('/passwd with more\r')
    await ada.answer('Old password', '')
    await ada.shown.waitFor('Nothing was changed.')
    ada.keyboard.write('/quit\r')
    expect(await ada.ended).toBe(ExitCode.ok)
    await bob.settled()
    expect(bob.of('message')).toHaveLength(1)
    expect(ada.shown.text + ada.stderr.text).not.toMatch(/horse|battery|stable/)
    bob.client.destroy()
  })

  test('bug: a session that was ended elsewhere was a good end in the chat, and a bad one at auth', async () => {
    const cy = await sitDown('Cy')
    const other = await ChatMember.come(chat.port, cy.token)
    other.send({ type: 'logout', which: 'others' })
    await expect(cy.ended).rejects.toMatchObject({ code: 'REVOKED', exit: ExitCode.negative })
    other.client.destroy()
  })

  test('a session that is ended elsewhere takes the question with it', async () => {
    const dan = await sitDown('Dan')
    const other = await ChatMember.come(chat.port, dan.token)
    dan.keyboard.write('/passwd\r')
    await dan.stderr.waitFor('Old password')
    other.send({ type: 'logout', which: 'others' })
    await expect(dan.ended).rejects.toMatchObject({ code: 'REVOKED' })
    // Nobody listens to the keyboard any more: the program can end.
    await turnUntil(() => dan.keyboard.listenerCount('keypress') === 0, 'the end of the keyboard')
    expect(dan.keyboard.isRaw).toBe(false)
    expect(dan.shown.text).not.toContain('Nothing was changed.')
    other.client.destroy()
  })

  test('/sessions shows them, /logout ends this one and leaves', async () => {
    const eve = await sitDown('Eve')
    eve.keyboard.write('/sessions\r')
    await eve.shown.waitFor(/\* \* session \d+ from 127\.0\.0\.1/)
    await eve.shown.waitFor(/\* {3}session \d+ from 127\.0\.0\.1/)
    eve.keyboard.write('/logout\r')
    await eve.shown.waitFor('* One session ended.')
    expect(await eve.ended).toBe(ExitCode.ok)
  })
})
