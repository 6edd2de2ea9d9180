import type { Readable, Writable } from 'node:stream'
import type { Timer } from '../../base/clock.ts'
import { ExitCode, errorCode, reasonOf, StorageError } from '../../base/errors.ts'
import { type Dialect, sniffDialect } from '../../net/dialect.ts'
import { createLineEditor } from '../../terminal/line-editor.ts'
import type { CommandContext } from '../command.ts'
import { commandLimits } from '../limits.ts'
import { type ClientResult, isInteractive, type ServerConnection } from './client.ts'
import { type ClientCodec, pipeCodec, terminalCodec } from './codecs.ts'
import { Ending } from './ending.ts'
import { isLoginBanner } from './message-stream.ts'

export interface ByteSessionOptions {
  /** `auto` is text, except that a person follows a server that speaks first. */
  readonly framing: 'auto' | Dialect
  /** Shows the running totals above a person's prompt. */
  readonly status: boolean
  /** Ends a person's session with undefined when the server's first words are those of one that people log in to. */
  readonly spotLogin: boolean
  /** Finds out whether a silent server waits for TLS; undefined where that is worth no word. */
  readonly speaksTls?: (() => Promise<boolean>) | undefined
}

/**
 * Bytes or lines to the server and back: with a person at a terminal line by line, else from stdin to stdout. Resolves with
 * how it ended, or with undefined for a login that was spotted. Rejects with NetworkError, ProtocolError, UsageError or
 * StorageError, or an abort's reason.
 */
export function byteSession(
  context: CommandContext,
  connection: ServerConnection,
  options: ByteSessionOptions,
): Promise<ClientResult | undefined> {
  if (isInteractive(context)) return interact(context, connection, options)
  const dialect = options.framing === 'frames' ? 'frames' : 'text'
  return pipe(context, connection, pipeCodec(dialect, context.stdout.isTTY === true), options)
}

/** Until the server closes, or the person leaves with Ctrl-C. */
function interact(
  context: CommandContext,
  connection: ServerConnection,
  options: ByteSessionOptions,
): Promise<ClientResult | undefined> {
  const { stdin, stdout, stderr, signal, clock, environment, isDumb } = context
  const { framing, status, spotLogin } = options
  const { socket, traffic, hex } = connection
  const { promise, resolve, reject } = Promise.withResolvers<ClientResult | undefined>()
  const guarded = onError(reject)
  const editor = createLineEditor({
    input: stdin,
    output: stdout,
    isDumb,
    prompt: '> ',
    onInterrupt: () => resolve({ how: 'left with Ctrl-C', exit: ExitCode.interrupted }),
  })
  let received = false
  const ending = new Ending(connection)
  const silence = noticeSilence(context, connection, options, (line) => editor.print(line))
  let codec = framing === 'auto' ? undefined : terminalCodec(framing)

  if (status && stderr.isTTY === true && !isDumb) {
    const dim = (text: string): string => (environment.NO_COLOR ? text : `\x1b[2m${text}\x1b[22m`)
    traffic.onTraffic = (_, totals) => editor.setStatus(dim(totals))
    editor.setStatus(dim(traffic.totals))
  } else if (status) traffic.onTraffic = (portion) => void stderr.write(`${portion}\n`)

  const send = (bytes: Buffer): void => {
    if (!connection.send(bytes)) return
    ending.sent(bytes)
    if (hex !== undefined) editor.print(hex.sent(bytes))
  }
  const show = (text: string | Buffer): void => {
    if (hex === undefined) editor.write(String(text))
  }
  const take = (chunk: Buffer): void => {
    const first = !received
    received = true
    if (first && spotLogin && isLoginBanner(chunk)) {
      socket.pause()
      // What was typed before the server's first words can't be its name or password, which are asked for from now on.
      if (codec !== undefined) editor.print('the server asks for a login first: what you typed is dropped')
      resolve(undefined)
      return
    }
    // Whoever speaks first decides: frames begin with a zero byte, which no text does.
    codec ??= terminalCodec(sniffDialect(chunk[0]) === 'frames' ? 'frames' : 'text')
    if (hex !== undefined) editor.print(hex.received(chunk))
    show(codec.decoder.decode(chunk))
  }
  const onData = guarded((chunk: Buffer): void => {
    traffic.received(chunk.length)
    for (const piece of ending.received(chunk)) take(piece)
  })
  const onEnd = guarded((): void => {
    show(codec?.decoder.end() ?? '')
    resolve(ending.result())
  })
  const sendTyped = async (): Promise<void> => {
    for await (const line of editor.lines()) {
      codec ??= terminalCodec('text')
      send(codec.encoder.encode(Buffer.from(`${line}\n`)))
    }
    ending.endedByUs()
    socket.end()
    const waiting = clock.after(commandLimits.closingNoticeMs, () =>
      editor.print('end of input; waiting for the server to finish (Ctrl-C leaves)'),
    )
    void promise.finally(() => waiting.cancel()).catch(() => undefined)
  }

  socket.on('data', onData).once('end', onEnd)
  socket.once('error', (error) => reject(ending.refusal ?? connection.describe(error)))
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  sendTyped().catch(reject)
  return promise.finally(() => {
    silence.cancel()
    signal.removeEventListener('abort', onAbort)
    editor.close()
  })
}

/**
 * Passes stdin to the server and what it sends to stdout, each at the pace of whoever takes it; neither direction waits
 * for the other. At the end of stdin the connection is half-closed. Ends once the server or the reader of stdout closed.
 */
function pipe(
  context: CommandContext,
  connection: ServerConnection,
  { encoder, decoder }: ClientCodec,
  options: ByteSessionOptions,
): Promise<ClientResult> {
  const { stdin, stdout, stderr, signal } = context
  const { socket, traffic, hex } = connection
  const { promise, resolve, reject } = Promise.withResolvers<ClientResult>()
  const ending = new Ending(connection)
  const silence = noticeSilence(context, connection, options, (line) => void stderr.write(`${line}\n`))
  const guarded = onError(reject)
  const send = (bytes: Buffer): void => {
    if (bytes.length === 0 || !connection.send(bytes)) return
    ending.sent(bytes)
    if (hex !== undefined) stdout.write(hex.sent(bytes))
  }
  const show = (text: string | Buffer): void => {
    if (text.length > 0 && hex === undefined) stdout.write(text)
  }

  const sinks = hex === undefined ? [socket] : [socket, stdout]
  const sending = new Pump(
    stdin,
    sinks,
    guarded((chunk) => send(encoder.encode(chunk))),
  )
  const receiving = new Pump(
    socket,
    [stdout],
    guarded((chunk) => {
      traffic.received(chunk.length)
      for (const piece of ending.received(chunk)) {
        if (hex !== undefined) stdout.write(hex.received(piece))
        show(decoder.decode(piece))
      }
    }),
  )
  const onInputEnd = guarded(() => {
    send(encoder.end())
    ending.endedByUs()
    socket.end()
  })
  const onServerEnd = guarded(() => {
    if (ending.refusal !== undefined) throw ending.refusal
    show(decoder.end())
    // Called back once everything before it was taken, however slowly; an error is an event as well.
    stdout.write(
      '',
      guarded((error) => {
        if (!error) resolve(ending.result())
      }),
    )
  })
  const onInputError = (error: unknown): void =>
    reject(new StorageError(errorCode(error), `the input cannot be read: ${reasonOf(error)}`, { cause: error }))
  const onOutputError = (error: unknown): void => {
    const code = errorCode(error)
    if (code === 'EPIPE') resolve({ how: 'nobody reads the output any more', exit: ExitCode.ok })
    else reject(new StorageError(code, `the output cannot be written: ${reasonOf(error)}`, { cause: error }))
  }
  const onAbort = (): void => reject(signal.reason)

  stdin.once('end', onInputEnd).once('error', onInputError)
  socket.once('end', onServerEnd).once('error', (error) => reject(ending.refusal ?? connection.describe(error)))
  stdout.once('error', onOutputError)
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  return promise.finally(() => {
    silence.cancel()
    sending.stop()
    receiving.stop()
    stdin.off('end', onInputEnd).off('error', onInputError)
    stdout.off('error', onOutputError)
    signal.removeEventListener('abort', onAbort)
  })
}

/** Says once, while nobody has said anything, that the server waits for TLS. */
function noticeSilence(
  { clock }: CommandContext,
  { traffic }: ServerConnection,
  { speaksTls }: ByteSessionOptions,
  say: (line: string) => void,
): Timer {
  let over = false
  const look = async (): Promise<void> => {
    if (speaksTls === undefined || !traffic.isSilent || !(await speaksTls()) || over || !traffic.isSilent) return
    say('the server says nothing, and speaks TLS: it may be waiting for that; use --tls')
  }
  const timer = clock.after(commandLimits.tlsNoticeMs, () => void look(), { background: true })
  return {
    cancel: () => {
      over = true
      timer.cancel()
    },
  }
}

/** Hands a source's chunks to `take`, and reads on only while every sink takes more. */
class Pump {
  readonly #source: Readable
  readonly #sinks: readonly Writable[]
  readonly #take: (chunk: Buffer) => void
  #stopped = false

  constructor(source: Readable, sinks: readonly Writable[], take: (chunk: Buffer) => void) {
    this.#source = source
    this.#sinks = sinks
    this.#take = take
    source.on('data', this.#onData)
  }

  /** Reads no more. The streams stay open. */
  stop(): void {
    this.#stopped = true
    this.#source.off('data', this.#onData)
    this.#source.pause()
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#take(chunk)
    if (this.#fullSink() === undefined) return
    this.#source.pause()
    this.#resume()
  }

  readonly #resume = (): void => {
    if (this.#stopped) return
    const full = this.#fullSink()
    if (full === undefined) this.#source.resume()
    else full.once('drain', this.#resume)
  }

  #fullSink(): Writable | undefined {
    return this.#sinks.find((sink) => sink.writableNeedDrain)
  }
}

/** Makes callbacks of streams: what they throw goes to `reject` and ends the session, instead of the process. */
function onError(reject: (error: unknown) => void) {
  return <T extends unknown[]>(action: (...args: T) => void) =>
    (...args: T): void => {
      try {
        action(...args)
      } catch (error) {
        reject(error)
      }
    }
}
