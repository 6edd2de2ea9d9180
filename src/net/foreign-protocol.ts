import { asBuffer } from './codec.ts'
import { netLimits } from './limits.ts'

/** What a line of another protocol looks like. */
interface Signature {
  readonly what: string
  /** How it begins; decided by the line's first `foreignLineBytes`. */
  readonly source: string
  /** A character that is in every match: most lines have none, and are done with. */
  readonly needs: '' | '/' | ':'
}

const signatures: readonly Signature[] = [
  { what: 'a PROXY header', needs: '', source: 'PROXY (?:TCP[46]|UNKNOWN)' },
  // RFC 9112, 3; its descendants; the preface of RFC 9113, 3.4. Versions before 1.0 have no third word.
  { what: 'an HTTP request', needs: '', source: '[A-Z][A-Z-]{2,19} [/*]' },
  { what: 'an HTTP request', needs: '/', source: '[A-Z][A-Z-]{2,19} [a-z][a-z0-9+.-]{0,19}://' },
  { what: 'an HTTP request', needs: '/', source: '\\S{1,20} \\S{1,400} (?:HTTP|http|RTSP|SIP|ICAP)/\\d' },
  { what: 'an HTTP answer', needs: '/', source: '(?:HTTP|RTSP|SIP|ICAP)/\\d' },
  // RFC 9110, 5; mail and news have the same.
  { what: 'a header line', needs: ':', source: '[A-Za-z][A-Za-z0-9-]{0,63}:(?:[ \\t]|\\r?\\n)' },
  { what: 'a form', needs: '', source: '--[-\\w]{10}' },
  { what: 'a markup document', needs: '', source: '<(?:\\?xml|!DOCTYPE|!doctype|html|stream:stream)' },
  { what: 'an SSH greeting', needs: '', source: 'SSH-\\d' },
  { what: 'a mail command', needs: '', source: '(?:EHLO|HELO|LHLO|RSET|NOOP|QUIT|STARTTLS)(?:[ \\t]|\\r?\\n)' },
  { what: 'a mail command', needs: ':', source: '(?:MAIL FROM|RCPT TO):' },
  {
    what: 'a mail command',
    needs: '',
    source: '[A-Za-z]{0,4}\\d{1,6} (?:LOGIN|CAPABILITY|NOOP|LOGOUT|STARTTLS|AUTHENTICATE|SELECT)',
  },
  { what: 'a file transfer command', needs: '', source: '(?:USER|PASS|CWD|RETR|STOR|PORT|EPRT|TYPE|OPTS) \\S' },
  { what: 'a file transfer command', needs: '', source: '(?:PASV|EPSV|SYST|FEAT)\\r?\\n' },
  { what: 'a chat command', needs: '', source: '(?:NICK|JOIN|PRIVMSG|CAP LS) ?\\S' },
  { what: 'a cache command', needs: '', source: 'CLIENT |\\*\\d{1,9}\\r?\\n' },
  {
    what: 'a cache command',
    needs: '',
    source: '(?:set|add|replace|append|prepend|cas) \\S{1,250} \\d+ \\d+ \\d',
  },
]

/** Tried at line starts only; as a search of all places it would take several microseconds a line. */
const matchers = (['', '/', ':'] as const).map((needs) => {
  const own = signatures.filter((signature) => signature.needs === needs)
  return { needs, own, any: new RegExp(own.map(({ source }) => `(?:${source})()`).join('|'), 'y') }
})

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: they are what is looked for
/** STUN (RFC 8489, 5), SMB, PostgreSQL: their lengths can pass for ours. */
const messageStart = /^(?:\x21\x12\xa4\x42|[\xfd-\xff]SMB|\0\x03\0\0)/
/** No terminal sends these in a line: all controls but backspace, tab, line ends and escape. */
const binary = /[\0-\x07\v\f\x0e-\x1a\x1c-\x1f]/
/** A telnet client's negotiations (RFC 854). */
const telnet = /\xff(?:[\xfb-\xfe].|\xfa.*?\xff\xf0|[\xf0-\xf9])/gs
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: they are what is looked for

/**
 * Notices when what a peer says is another protocol's: then a word of ours in it is not the peer's will. A web page can make a
 * browser send nearly everything, but a request comes first; so do the headers of proxies and the greetings of other clients.
 * Whoever can choose the first `foreignBytes` of a conversation freely can choose all of it: later ones are looked at only in
 * the piece that is acted upon (`latest`).
 */
export class ForeignProtocolWatch {
  /** What it looked like; undefined as long as it is like nobody else. */
  found: string | undefined
  #left: number = netLimits.foreignBytes
  /** The line under way, unless it is too long to become a match. */
  #line = ''
  #tooLong = false

  /** Bytes of a conversation in lines, as they come. */
  lines(bytes: Uint8Array): void {
    const piece = this.#toLookAt(bytes)
    if (piece === undefined) return
    const text = piece.includes('\xff') ? piece.replace(telnet, '') : piece
    if (binary.test(text)) this.found = 'binary data'
    else this.#look(text)
  }

  /** A part of a message that has a frame of its own, whose bytes may be any. */
  message(bytes: Uint8Array): void {
    const piece = this.#toLookAt(bytes)
    if (piece === undefined) return
    if (messageStart.test(this.#line + piece)) this.found = 'binary data'
    else this.#look(piece)
  }

  /** The message is whole. */
  messageEnd(): void {
    this.#line = ''
    this.#tooLong = false
  }

  /** What is acted upon, from a line's start on, where the conversation is longer than what was looked at. */
  latest(bytes: Uint8Array): void {
    if (this.#left > 0 || this.found !== undefined) return
    this.found = lookAtLines(asBuffer(bytes).toString('latin1'))
  }

  #toLookAt(bytes: Uint8Array): string | undefined {
    if (this.found !== undefined || this.#left <= 0) return undefined
    const piece = asBuffer(bytes).toString('latin1', 0, this.#left)
    this.#left -= bytes.length
    return piece
  }

  #look(piece: string): void {
    let text = this.#line + piece
    if (this.#tooLong) {
      const end = text.indexOf('\n')
      if (end === -1) return
      text = text.slice(end)
      this.#tooLong = false
    }
    this.found = lookAtLines(text)
    this.#line = text.slice(text.lastIndexOf('\n') + 1)
    if (this.#line.length <= netLimits.foreignLineBytes) return
    this.#line = ''
    this.#tooLong = true
  }
}

/** The request line of HTTP (RFC 9112, 3): with a version any method, without one (HTTP/0.9, or not all is there yet) a usual one. */
const requestLine =
  /^(?:([!#$%&'*+.^_`|~\w-]{1,20}) \S{1,400} HTTP\/\d|([A-Z][A-Z-]{2,19}) (?:[/*]|[a-z][a-z0-9+.-]{0,19}:\/\/))/

/** The method, where a line is an HTTP request's first. */
export function httpMethod(line: string): string | undefined {
  const [, any, usual] = requestLine.exec(line) ?? []
  return any ?? usual
}

/** A whole answer that says why an HTTP request is refused, for the person in front of a browser. */
export function httpRefusal(method: string, why: string): string {
  const body = `${why}\n`
  const head = [
    'HTTP/1.1 400 Bad Request',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    'Connection: close',
  ]
  // An answer to HEAD has no body (RFC 9110, 9.3.2).
  return `${head.join('\r\n')}\r\n\r\n${method === 'HEAD' ? '' : body}`
}

/** What the first line that looks like another protocol's looks like. */
function lookAtLines(text: string): string | undefined {
  const possible = matchers.filter(({ needs }) => text.includes(needs))
  for (let at = 0; ; ) {
    for (const { any, own } of possible) {
      any.lastIndex = at
      const match = any.exec(text)
      // Each signature ends in an empty group of its own.
      if (match !== null) return own[match.findIndex((group, index) => index > 0 && group !== undefined) - 1]?.what
    }
    at = text.indexOf('\n', at) + 1
    if (at === 0 || at === text.length) return undefined
  }
}
