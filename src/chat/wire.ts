import { frameHeaderBytes } from '../net/frame-codec.ts'
import type { ChatMessage, ServerMessage } from './message.ts'
import { renderLines } from './render.ts'

/** How a connection is spoken to: length-prefixed JSON, or lines for a person. */
export type ChatDialect = 'frames' | 'text'

export const dialects: readonly ChatDialect[] = ['frames', 'text']

/** ASCII only: one UTF-16 unit is one byte. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII is meant
const ascii = /^[\u0000-\u007f]*$/

/**
 * The messages in one piece of bytes, made for being sent to many. Its buffer is its own: a thread can hand it over
 * without dragging a shared pool along.
 */
export function encode(messages: readonly ServerMessage[], dialect: ChatDialect): Uint8Array {
  return dialect === 'text' ? encodeText(messages) : encodeFrames(messages)
}

function encodeText(messages: readonly ServerMessage[]): Uint8Array {
  let text = ''
  for (const message of messages) text += renderLines(message)
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  return bytes
}

/** A 4-byte big-endian length, then so many bytes of JSON, for each message. */
function encodeFrames(messages: readonly ServerMessage[]): Uint8Array {
  const bodies: string[] = []
  const lengths: number[] = []
  let total = 0
  for (const message of messages) {
    const body = message.type === 'message' ? messageJson(message) : JSON.stringify(message)
    const length = ascii.test(body) ? body.length : Buffer.byteLength(body)
    bodies.push(body)
    lengths.push(length)
    total += frameHeaderBytes + length
  }
  const bytes = Buffer.allocUnsafeSlow(total)
  let at = 0
  bodies.forEach((body, index) => {
    const length = lengths[index] ?? 0
    at = bytes.writeUInt32BE(length, at)
    at += bytes.write(body, at, length === body.length ? 'latin1' : 'utf8')
  })
  return bytes
}

/** As JSON.stringify would, at half the cost: this is what a busy room spends its time on. */
function messageJson(message: ChatMessage): string {
  let json = `{"type":"message","id":${message.id},"at":${message.at},"room":"${message.room}","from":${JSON.stringify(message.from)},"text":${JSON.stringify(message.text)}`
  if (message.cid !== undefined) json += `,"cid":${JSON.stringify(message.cid)}`
  if (message.action === true) json += ',"action":true'
  if (message.unstored === true) json += ',"unstored":true'
  return `${json}}`
}
