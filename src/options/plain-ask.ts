import { StringDecoder } from 'node:string_decoder'

/*
 * Questions on a terminal that obeys no control sequences (TERM=dumb: an editor's shell window, a serial console): a line that
 * asks, and the line that is typed next, edited by the terminal itself.
 */

export interface TerminalStreams {
  readonly input: NodeJS.ReadableStream & { readonly isRaw?: boolean; setRawMode?(raw: boolean): unknown }
  readonly output: NodeJS.WritableStream
  /** Ends the prompt. */
  readonly signal: AbortSignal
}

/** The next line typed; undefined at the end of the input. Rejects with the signal's reason. */
export async function askLine(streams: TerminalStreams, question: string): Promise<string | undefined> {
  streams.output.write(`${question} `)
  return typed(streams, (text) => {
    const end = text.indexOf('\n')
    return end < 0 ? undefined : text.slice(0, end).replace(/\r$/, '')
  })
}

/** The same with nothing shown of what is typed. Ctrl-C and Ctrl-D end the input. */
export async function askSecret(streams: TerminalStreams, question: string): Promise<string | undefined> {
  const { input, output } = streams
  output.write(`${question} `)
  input.setRawMode?.(true)
  try {
    return await typed(streams, (text) => {
      const end = Array.from(text).findIndex((key) => secretEnds.includes(key))
      if (end < 0) return undefined
      const keys = Array.from(text).slice(0, end + 1)
      return /[\r\n]/.test(keys.pop() ?? '') ? edited(keys) : null
    })
  } finally {
    input.setRawMode?.(false)
    output.write('\n')
  }
}

/** Enter, Ctrl-C, Ctrl-D. */
const secretEnds = '\r\n\x03\x04'

/** What keys come to: Backspace takes the last character, Ctrl-U all; other control keys are nothing. */
function edited(keys: readonly string[]): string {
  const characters: string[] = []
  for (const key of keys) {
    if (key === '\x7f' || key === '\b') characters.pop()
    else if (key === '\x15') characters.length = 0
    else if (key >= ' ') characters.push(key)
  }
  return characters.join('')
}

/** Reads until `take` makes something of it: null for the end of the input, undefined for not enough. */
function typed(
  { input, signal }: TerminalStreams,
  take: (text: string) => string | null | undefined,
): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>()
  const decoder = new StringDecoder('utf8')
  let text = ''
  const onData = (chunk: Buffer | string): void => {
    text += typeof chunk === 'string' ? chunk : decoder.write(chunk)
    const taken = take(text)
    if (taken !== undefined) resolve(taken ?? undefined)
  }
  const onEnd = (): void => resolve(undefined)
  const onAbort = (): void => reject(signal.reason)
  input.on('data', onData).once('end', onEnd)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  input.resume()
  return promise.finally(() => {
    input.removeListener('data', onData).removeListener('end', onEnd)
    signal.removeEventListener('abort', onAbort)
    input.pause()
  })
}
