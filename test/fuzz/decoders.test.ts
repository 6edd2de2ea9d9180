import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseUsers } from '../../src/accounts/users-file.ts'
import { NetlabError, ProtocolError } from '../../src/base/errors.ts'
import { ChatRefusal } from '../../src/chat/message.ts'
import { parseLine, parseMessage } from '../../src/chat/parse.ts'
import { MalformedDatagram } from '../../src/datagram-chat/fields.ts'
import {
  decodeChallenge,
  decodeJoinRequest,
  decodeOffer,
  decodeWelcome,
} from '../../src/datagram-chat/handshake-messages.ts'
import { datagramType } from '../../src/datagram-chat/packet.ts'
import {
  decodeData,
  decodeDataAck,
  decodeNames,
  decodeRecordAck,
  decodeRecordPage,
} from '../../src/datagram-chat/session-messages.ts'
import { parseEndpoint } from '../../src/net/address.ts'
import type { Decoder } from '../../src/net/codec.ts'
import { encodeFrames, FrameDecoder } from '../../src/net/frame-codec.ts'
import { LineDecoder, LineSplitter, TelnetFilter } from '../../src/net/line-codec.ts'
import { MessageTransport } from '../../src/net/message-transport.ts'
import { ProxyHeaderDecoder } from '../../src/net/proxy-protocol.ts'
import { CommandSpotter } from '../../src/protocols/command-spotter.ts'
import { parsePorts } from '../../src/scan/ports.ts'
import { parseTargets } from '../../src/scan/targets.ts'
import { anyText } from '../support/any-text.ts'
import { chopped } from '../support/decoding.ts'
import { binaryHeader, signature } from '../support/proxy-header.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { runs } from './runs.ts'

const maxBytes = 64

/** Bytes that come near what a decoder knows: frames, lines, telnet commands, TLS, and noise between them. */
const piece = fc.oneof(
  fc.uint8Array({ maxLength: 24 }),
  fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { maxLength: 3 }).map((all) => encodeFrames(all, 1024)),
  fc.string({ maxLength: 40 }).map((line) => Buffer.from(`${line}\n`)),
  fc
    .constantFrom('exit', 'stop', 'exit\r\n', 'stop\n', '\0\0\0\u0004exit', '\0\0\0\u0004stop')
    .map((text) => Buffer.from(text)),
  fc.constantFrom(
    [255, 251, 1],
    [255, 250, 24, 0, 255, 240],
    [255, 255],
    [255],
    [0x16, 3, 1],
    [0, 0, 0],
    [127, 255, 255, 255],
  ),
)
const stream = fc
  .array(piece, { maxLength: 8 })
  .map((pieces) => Buffer.concat(pieces.map((bytes) => Buffer.from(bytes))))
const cuts = fc.array(fc.nat(12), { maxLength: 20 })

/** What a decoder makes of the chunks: its messages, and the code of the fault that ended it. */
function outcome<T>(decoder: Decoder<T>, chunks: readonly Buffer[]): readonly string[] {
  const made: string[] = []
  try {
    for (const chunk of chunks)
      for (const message of decoder.push(chunk)) made.push(Buffer.from(String(message)).toString('hex'))
    for (const message of decoder.end()) made.push(Buffer.from(String(message)).toString('hex'))
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    made.push(error.code)
  }
  return made
}

describe('any bytes, however they are cut', () => {
  const decoders: readonly (readonly [string, () => Decoder<Buffer | string>])[] = [
    ['frames', () => new FrameDecoder(maxBytes)],
    ['lines as bytes', () => new LineSplitter(maxBytes)],
    ['lines as text', () => new LineDecoder(maxBytes)],
  ]
  test.each(decoders)('are the same %s, or the same fault', (_name, make) => {
    fc.assert(
      fc.property(stream, cuts, (bytes, sizes) => {
        expect(outcome(make(), chopped(bytes, sizes))).toEqual(outcome(make(), [bytes]))
      }),
      { numRuns: runs },
    )
  })

  test('are the same text without telnet negotiations, and never more of it', () => {
    fc.assert(
      fc.property(stream, cuts, (bytes, sizes) => {
        const whole = new TelnetFilter().strip(Buffer.from(bytes))
        const filter = new TelnetFilter()
        expect(Buffer.concat(chopped(bytes, sizes).map((chunk) => Buffer.from(filter.strip(chunk))))).toEqual(whole)
        expect(whole.length).toBeLessThanOrEqual(bytes.length)
      }),
      { numRuns: runs },
    )
  })

  test('begin with the same PROXY header, or none', () => {
    const noise = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes))
    const near = fc.oneof(
      noise,
      noise.map((bytes) => Buffer.concat([signature, bytes])),
      fc.stringMatching(/^PROXY (TCP4|TCP6|UNKNOWN|TCP)[ 0-9a-f:.]{0,60}\r?\n?$/).map((line) => Buffer.from(line)),
      fc.tuple(fc.constantFrom(0x11, 0x21, 0x31, 0x00, 0x41), noise).map(([family, addresses]) => {
        return binaryHeader({ family, addresses })
      }),
    )
    fc.assert(
      fc.property(near, stream, cuts, (head, rest, sizes) => {
        const bytes = Buffer.concat([head, rest])
        expect(proxyHeader(chopped(bytes, sizes))).toEqual(proxyHeader([bytes]))
      }),
      { numRuns: runs },
    )
  })

  test.each(['auto', 'frames', 'text'] as const)('%s: hold the same first command', (framing) => {
    fc.assert(
      fc.property(stream, cuts, (bytes, sizes) => {
        const chunks = chopped(bytes, sizes).filter(({ length }) => length > 0)
        expect(firstCommand(framing, chunks)).toBe(firstCommand(framing, bytes.length === 0 ? [] : [bytes]))
      }),
      { numRuns: runs },
    )
  })

  test.each(['auto', 'frames', 'text'] as const)('%s: give a conversation the same messages', async (framing) => {
    await fc.assert(
      fc.asyncProperty(stream, cuts, async (bytes, sizes) => {
        const chunks = chopped(bytes, sizes).filter(({ length }) => length > 0)
        expect(await messages(framing, chunks)).toEqual(await messages(framing, bytes.length === 0 ? [] : [bytes]))
      }),
      { numRuns: runs },
    )
  })
})

/** The header with what follows it, as far as it came; or the code of the fault. */
function proxyHeader(chunks: readonly Buffer[]): unknown {
  const decoder = new ProxyHeaderDecoder()
  try {
    for (const [index, chunk] of chunks.entries()) {
      const found = decoder.push(chunk)
      if (found !== undefined) return [found.header, Buffer.concat([found.rest, ...chunks.slice(index + 1)])]
    }
    return decoder.end()
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return error.message
  }
}

function firstCommand(framing: 'auto' | 'frames' | 'text', chunks: readonly Buffer[]): string | undefined {
  const spotter = new CommandSpotter(framing, maxBytes)
  try {
    for (const chunk of chunks) {
      const spotted = spotter.push(chunk)
      if (spotted !== undefined) return spotted.command
    }
    return spotter.end()
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return error.code
  }
}

async function messages(framing: 'auto' | 'frames' | 'text', chunks: readonly Buffer[]): Promise<readonly string[]> {
  const ignore = () => undefined
  const reader = new MessageTransport(
    { framing, clock: new VirtualClock() },
    {
      write: () => true,
      pause: ignore,
      resume: ignore,
    },
  )
  for (const chunk of chunks) reader.push(chunk)
  reader.end()
  const received: string[] = []
  try {
    for (let next = await reader.receive(); next !== undefined; next = await reader.receive()) received.push(next)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    received.push(error.code)
  }
  return received
}

describe('anything', () => {
  test.each([
    ['say', decodeData],
    ['seen', decodeRecordAck],
    ['ack', decodeDataAck],
    ['room piece', decodeRecordPage],
    ['names', decodeNames],
    ['challenge', decodeChallenge],
    ['join', decodeJoinRequest],
    ['welcome', decodeWelcome],
    ['here', decodeOffer],
    ['header', datagramType],
  ])('is a %s of chat-udp or no such datagram', (_name, decode) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1400 }), (bytes) => {
        allow(MalformedDatagram, () => decode(Buffer.from(bytes)))
      }),
      { numRuns: runs },
    )
  })

  test('is a line and a message of the chat, or refused', () => {
    fc.assert(
      fc.property(anyText(), fc.jsonValue(), (line, message) => {
        allow(ChatRefusal, () => parseLine(line))
        allow(ChatRefusal, () => parseMessage(message))
      }),
      { numRuns: runs },
    )
  })

  test.each([
    ['an address', parseEndpoint],
    ['ports', parsePorts],
    ['targets', (text: string) => parseTargets(text)],
    ['a users file', (text: string) => parseUsers(text, 'users.json')],
  ])('typed is %s, or refused with a sentence', (_name, parse) => {
    const typed = fc.oneof(
      anyText(),
      fc.stringMatching(/^[0-9a-f.:,/[\]*%-]{0,40}$/),
      fc.json().map((text) => `{"version":1,"users":${text}}`),
    )
    fc.assert(
      fc.property(typed, (text) => allow(NetlabError, () => void parse(text))),
      { numRuns: runs },
    )
  })
})

/** Runs it; an error of another class than the one it may throw goes through. */
function allow(allowed: abstract new (...args: never[]) => Error, action: () => unknown): void {
  try {
    action()
  } catch (error) {
    if (!(error instanceof allowed)) throw error
  }
}
