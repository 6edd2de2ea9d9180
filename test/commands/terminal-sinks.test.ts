import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { ExitCode, NetlabError } from '../../src/base/errors.ts'
import { clientStyle, ownClock } from '../../src/chat/client-style.ts'
import { ClientView } from '../../src/chat/client-view.ts'
import { renderLines } from '../../src/chat/encode.ts'
import type { ChatServerMessage } from '../../src/chat/message.ts'
import { endError, lineOf } from '../../src/commands/chat-udp/render.ts'
import { accountLines } from '../../src/commands/connect/account-client.ts'
import { terminalCodec } from '../../src/commands/connect/codecs.ts'
import { connect } from '../../src/commands/connect/index.ts'
import { replyError } from '../../src/commands/connect/message-stream.ts'
import type { MemberEnd, MemberEvent } from '../../src/datagram-chat/member-interface.ts'
import { formatLine } from '../../src/log/line-format.ts'
import { describe as describeEvent, renderLine } from '../../src/log/render.ts'
import { judge } from '../../src/main/main.ts'
import { selfSignedCertificate } from '../../src/net/certificate.ts'
import { encodeFrame } from '../../src/net/frame-codec.ts'
import { echo } from '../../src/protocols/echo.ts'
import { outputFormats } from '../../src/scan/report/formats.ts'
import { harmless } from '../../src/text/said.ts'
import { everyEvent } from '../log/events.ts'
import { testContext } from '../support/command-context.ts'
import { acting, hostile, styles } from '../support/hostile-text.ts'
import { LocalServer } from '../support/local-server.ts'
import { aReport, aResult } from '../support/scan-report.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { connectValues } from './connect-values.ts'

/*
 * Every place where text from the network becomes text for a terminal, walked with hostile text in each of its fields. The door
 * (base/terminal-door.ts) would still keep what acts out; here even colours and forged lines do not get that far.
 */

type Sink = (text: string) => string

/** With `text` in the place of every string "?" in it. */
function filled<T>(value: T, text: string): T {
  const fill = (part: unknown): unknown => {
    if (part === '?') return text
    if (Array.isArray(part)) return part.map(fill)
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(Object.entries(part).map(([key, field]) => [key, fill(field)]))
  }
  return fill(value) as T
}

function walk(what: string, sinks: readonly (readonly [name: string, sink: Sink])[]): void {
  test.each(sinks)(`${what}: %s`, (_name, sink) => {
    for (const text of [hostile, `${hostile}\n14:03:59 #lobby @op: forged`, `${'a'.repeat(70_000)}${hostile}`]) {
      const [shown, plain] = [sink(text), sink('plain')]
      // The same lines in the same colours as if nothing were wrong with the text.
      expect(styles(shown)).toEqual(styles(plain))
      expect(shown.split('\n')).toHaveLength(plain.split('\n').length)
      for (const style of new Set(styles(plain))) if (shown.includes(style)) expect(plain).toContain(style)
      expect(acting(styles(shown).reduce((rest, style) => rest.replace(style, ''), shown))).toEqual([])
    }
  })
}

const said = { type: 'message', id: 7, at: 1_000, room: 'lobby', from: 'ann', text: 'hello' } as const
const chatMessages: readonly ChatServerMessage[] = [
  { ...said, from: '?' },
  { ...said, text: '?' },
  { ...said, room: '?', text: '?', action: true, operator: true },
  { type: 'private', id: 1, at: 1, from: '?', to: 'bob', text: 'x' },
  { type: 'private', id: 1, at: 1, from: 'ann', to: '?', text: '?', operator: true },
  { type: 'joined', room: '?', topic: '?', members: 1 },
  { type: 'history', room: '?', messages: [{ ...said, from: '?', text: '?' }], more: true },
  { type: 'history', room: '?', messages: [], more: false },
  { type: 'left', room: '?', why: 'kicked', by: '?', reason: '?' },
  { type: 'presence', room: '?', joined: ['?', '?'], left: ['?'], unnamed: 1, members: 2 },
  { type: 'topic', room: '?', topic: '?', by: '?' },
  { type: 'rooms', rooms: [{ room: '?', members: 1, topic: '?' }] },
  { type: 'who', room: '?', members: 2, names: [{ name: '?', operator: true, away: '?' }] },
  { type: 'help', commands: [{ usage: '/x', summary: '?' }] },
  { type: 'notice', text: '?' },
  { type: 'error', code: 'USAGE', text: '?' },
  { type: 'bye', reason: 'exit', message: '?' },
]

const session = { id: 1, user: '?', address: '?', createdMs: 1, expiresMs: 2, usedMs: 1 }
const accountReplies = [
  { type: 'denied', reason: '?', message: '?' },
  { type: 'wait', message: '?' },
  { type: 'bye', reason: '?', message: '?' },
  { type: 'whoami', name: '?', session },
  { type: 'sessions', current: 1, sessions: [session, session] },
]

const udpEvents: readonly MemberEvent[] = [
  { type: 'said', sequence: 1, at: 1, name: '?', action: false, own: false, past: false, text: '?' },
  { type: 'said', sequence: 1, at: 1, name: '?', action: true, own: false, past: false, text: '?' },
  { type: 'joined', sequence: 1, at: 1, name: '?', own: false },
  { type: 'left', sequence: 1, at: 1, name: '?', reason: 'left' },
  { type: 'notice', sequence: 1, at: 1, text: '?', past: false },
  { type: 'entered', room: '?', name: '?', members: 3, again: false },
  { type: 'unconfirmed', text: '?' },
  { type: 'message-refused', reason: 'empty', text: '?' },
  { type: 'names', total: 2, names: ['?', '?'] },
] as unknown as readonly MemberEvent[]

const udpEnds: readonly MemberEnd[] = [{ type: 'refused', reason: 'wrong-room', room: '?' }]

function errorText(error: unknown): string {
  return judge(error, new AbortController().signal, false).text
}

describe('text from the network on its way to a terminal', () => {
  const view = (message: ChatServerMessage, text: string, colour: boolean): string => {
    const chat = new ClientView({ style: clientStyle(colour, ownClock), newId: () => 'cid', now: 1 })
    chat.welcome('me')
    return chat
      .take(filled(message, text))
      .lines.map((line) => line.text)
      .join('\n')
  }
  // A name's colour is made of the name: compared without, and with colours for the controls alone.
  walk(
    'the chat at connect',
    chatMessages.map((message) => [JSON.stringify(message), (text) => view(message, text, false)]),
  )
  test.each(chatMessages)('the chat in colours: %j', (message) => {
    const shown = view(message, hostile, true)
    expect(styles(shown)).toHaveLength(styles(view(message, 'plain', true)).length)
  })
  walk(
    'the chat at nc, of what the server lets in',
    chatMessages.map((message) => [JSON.stringify(message), (text) => renderLines(filled(message, harmless(text)))]),
  )
  walk(
    'the accounts',
    accountReplies.map((reply) => [reply.type, (text) => accountLines(filled(reply, text)).join('\n')]),
  )
  walk(
    'the chat over UDP',
    udpEvents.map((event) => [event.type, (text) => lineOf(filled(event, text))?.text ?? '']),
  )
  walk('errors', [
    ['a refusal', (text) => errorText(replyError({ type: 'denied', message: text }))],
    ['a sentence with its hint', (text) => errorText(new NetlabError('X', ExitCode.io, `x ${text}`, { hint: text }))],
    ['a bug', (text) => errorText(new Error(text.split('\n')[0]))],
    ...udpEnds.map((end): [string, Sink] => [end.type, (text) => errorText(endError(filled(end, text)))]),
  ])
  test.each([hostile, `${hostile}\n14:03:59 #lobby @op: forged`])("a server's certificate for %j", async (name) => {
    const certificate = selfSignedCertificate(name, Date.now())
    const server = await LocalServer.start(echo, { certificate })
    const folder = temporaryFolder()
    const [its, other] = ['its.pem', 'other.pem'].map((file) => join(folder, file))
    writeFileSync(its ?? '', certificate.cert)
    writeFileSync(other ?? '', selfSignedCertificate('other', Date.now()).cert)
    // For another name than was asked for; signed by nobody who is trusted; met for the first time.
    for (const trust of [{ tlsCa: its, host: { host: '::ffff:127.0.0.1' } }, { tlsCa: other }, { tls: true }]) {
      const io = testContext()
      const context = { ...io.context, environment: { HOME: folder } }
      const values = { ...connectValues, port: server.port, ...trust }
      const error: unknown = await connect.run(values, context).catch((reason: unknown) => reason)
      // NETLAB_DEBUG shows all of the error, and the certificate is in it.
      for (const debug of [false, true]) {
        const { text } = judge(error, new AbortController().signal, debug)
        expect(text).toMatch(/^netlab: .*(another name|not to be trusted|not known yet)/)
        expect(acting(io.stderr.text + text)).toEqual([])
        expect(text).not.toMatch(/^14:03:59/m)
      }
    }
    await server.close()
  })
  walk(
    'the log',
    everyEvent.flatMap((event): [string, Sink][] => {
      // All that is text in it, but for the words that are its own.
      const own = new Set(['type', 'reason', 'rule', 'action', 'by', 'what', 'at', 'from', 'until', 'failure', 'state'])
      const withText = Object.fromEntries(
        Object.entries(event).map(([key, value]) => [key, typeof value === 'string' && !own.has(key) ? '?' : value]),
      ) as typeof event
      return [
        [`${event.type} as a sentence`, (text) => describeEvent(filled(withText, text))],
        [
          `${event.type} as a line`,
          (text) =>
            formatLine(filled(withText, text), '2026-01-01T00:00:00.000Z', { service: 'echo', pid: 77 }).trimEnd(),
        ],
        [
          `${event.type} as the console shows it`,
          (text) =>
            renderLine(
              formatLine(filled(withText, text), '2026-01-01T00:00:00.000Z', { service: 'echo', pid: 77 }).trimEnd(),
            ),
        ],
      ]
    }),
  )
  walk(
    'what a server sends to connect',
    (['text', 'frames'] as const).map((dialect) => [
      dialect,
      (text) => {
        const { decoder } = terminalCodec(dialect)
        const line = text.replaceAll('\n', ' ')
        return (
          String(decoder.decode(dialect === 'text' ? Buffer.from(line) : encodeFrame(line))) + String(decoder.end())
        )
      },
    ]),
  )

  test.each(outputFormats)('a scan as $name', async ({ load }) => {
    const renderer = await load()
    const show = (text: string): string => {
      // Names and reasons are words of ours or were typed, wherever they were kept meanwhile.
      const result = aResult(22, { banner: new Uint8Array(Buffer.from(text)) })
      const report = aReport([result])
      return [...('result' in renderer ? [renderer.result(result)] : []), ...renderer.report(report)]
        .join('')
        .replaceAll('\r\n', '\n')
    }
    for (const text of [hostile, `${hostile}\nPort 23 open`]) {
      expect(acting(show(text))).toEqual([])
      expect(show(text).split('\n')).toHaveLength(show('plain').split('\n').length)
    }
  })
})
