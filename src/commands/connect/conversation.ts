import { ExitCode } from '../../base/exit-codes.ts'
import { sniffDialect } from '../../net/dialect.ts'
import { createLineEditor } from '../../terminal/line-editor.ts'
import type { CommandContext } from '../command.ts'
import type { Connection, Ending } from './connection.ts'
import { frameHearing, frameSaying, type Hearing, rawSaying, type Saying, textHearing } from './dialects.ts'
import { isLoginBanner } from './greeting.ts'
import { guardedBy } from './guarded.ts'

/** After the end of our input: how long a server may be silent before we say what we are waiting for. */
const patienceMs = 1_000

export interface ConversationOptions {
  readonly framing: 'auto' | 'frames' | 'text'
  /** Shows the running totals above the prompt. */
  readonly status: boolean
  /** Ends with undefined when the server, by its first words, turns out to be one of ours that people log in to. */
  readonly spotLogin: boolean
}

/**
 * A person at a terminal talks to the server, line by line. Resolves with how it ended once the server closed or the person
 * left with Ctrl-C. Rejects with NetworkError or ProtocolError, or an abort's reason.
 */
export function converse(
  { stdin, stdout, stderr, signal, clock, environment }: CommandContext,
  connection: Connection,
  options: ConversationOptions,
): Promise<Ending | undefined> {
  const { socket, talk, hex } = connection
  const { promise, resolve, reject } = Promise.withResolvers<Ending | undefined>()
  const editor = createLineEditor({
    input: stdin,
    output: stdout,
    prompt: '> ',
    onInterrupt: () => resolve({ how: 'left with Ctrl-C', exit: ExitCode.interrupted }),
  })
  let heard = false
  let manner = options.framing === 'auto' ? undefined : mannerOf(options.framing)

  if (options.status && stderr.isTTY === true) {
    const dim = (text: string): string => (environment.NO_COLOR ? text : `\x1b[2m${text}\x1b[22m`)
    talk.onTraffic = (_, totals) => editor.setStatus(dim(totals))
    editor.setStatus(dim(talk.totals))
  } else if (options.status) talk.onTraffic = (portion) => void stderr.write(`${portion}\n`)

  const send = (bytes: Buffer): void => {
    if (connection.send(bytes) && hex !== undefined) editor.print(hex.sent(bytes))
  }
  const guarded = guardedBy(reject)
  const show = (text: string | Buffer): void => {
    if (hex === undefined) editor.write(String(text))
  }
  const onData = guarded((chunk: Buffer): void => {
    talk.received(chunk.length)
    const first = !heard
    heard = true
    if (first && options.spotLogin && isLoginBanner(chunk)) {
      socket.pause()
      // Typed while we were still connecting, as answers to questions that are asked, and hidden, only now.
      if (manner !== undefined) editor.print('the server asks for a login first: what you typed is dropped')
      resolve(undefined)
      return
    }
    // Whoever speaks first decides: frames begin with a zero byte, which no text does.
    manner ??= mannerOf(sniffDialect(chunk[0]) === 'frames' ? 'frames' : 'text')
    if (hex !== undefined) editor.print(hex.received(chunk))
    show(manner.hearing.hear(chunk))
  })
  const onEnd = guarded((): void => {
    show(manner?.hearing.end() ?? '')
    resolve({ how: 'the server closed the connection', exit: ExitCode.ok })
  })
  const typing = async (): Promise<void> => {
    for await (const line of editor.lines()) {
      manner ??= mannerOf('text')
      send(manner.saying.say(Buffer.from(`${line}\n`)))
    }
    socket.end()
    const waiting = clock.after(patienceMs, () =>
      editor.print('end of input; waiting for the server to finish (Ctrl-C leaves)'),
    )
    void promise.finally(() => waiting.cancel()).catch(() => undefined)
  }

  socket.on('data', onData).once('end', onEnd)
  socket.once('error', (error) => reject(connection.describe(error)))
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  typing().catch(reject)
  return promise.finally(() => {
    signal.removeEventListener('abort', onAbort)
    editor.close()
  })
}

interface Manner {
  readonly saying: Saying
  readonly hearing: Hearing
}

function mannerOf(framing: 'frames' | 'text'): Manner {
  return framing === 'frames'
    ? { saying: frameSaying(), hearing: frameHearing(true) }
    : { saying: rawSaying, hearing: textHearing() }
}
