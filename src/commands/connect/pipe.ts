import { errorCode, reasonOf, StorageError } from '../../base/errors.ts'
import { ExitCode } from '../../base/exit-codes.ts'
import type { CommandContext } from '../command.ts'
import type { Connection, Ending } from './connection.ts'
import type { Hearing, Saying } from './dialects.ts'
import { Flow } from './flow.ts'
import { guardedBy } from './guarded.ts'

/**
 * Passes stdin to the server and what it sends to stdout, each at the pace of whoever takes it; neither direction waits
 * for the other. At the end of stdin the connection is half-closed. Resolves with how it ended, once the server or the
 * reader of stdout closed. Rejects with NetworkError, ProtocolError, UsageError or StorageError, or an abort's reason.
 */
export function pipe(
  { stdin, stdout, signal }: CommandContext,
  connection: Connection,
  saying: Saying,
  hearing: Hearing,
): Promise<Ending> {
  const { socket, hex } = connection
  const { promise, resolve, reject } = Promise.withResolvers<Ending>()
  const guarded = guardedBy(reject)
  const send = (bytes: Buffer): void => {
    if (bytes.length === 0 || !connection.send(bytes)) return
    if (hex !== undefined) stdout.write(hex.sent(bytes))
  }
  const show = (text: string | Buffer): void => {
    if (text.length > 0 && hex === undefined) stdout.write(text)
  }

  const sinks = hex === undefined ? [socket] : [socket, stdout]
  const sending = new Flow(
    stdin,
    sinks,
    guarded((chunk) => send(saying.say(chunk))),
  )
  const receiving = new Flow(
    socket,
    [stdout],
    guarded((chunk) => {
      connection.talk.received(chunk.length)
      if (hex !== undefined) stdout.write(hex.received(chunk))
      show(hearing.hear(chunk))
    }),
  )
  const onInputEnd = guarded(() => {
    send(saying.end())
    socket.end()
  })
  const onServerEnd = guarded(() => {
    show(hearing.end())
    // Called back once everything before it was taken, however slowly; an error is an event as well.
    stdout.write('', (error) => {
      if (!error) resolve({ how: 'the server closed the connection', exit: ExitCode.ok })
    })
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
  socket.once('end', onServerEnd).once('error', (error) => reject(connection.describe(error)))
  stdout.once('error', onOutputError)
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  return promise.finally(() => {
    sending.stop()
    receiving.stop()
    stdin.off('end', onInputEnd).off('error', onInputError)
    stdout.off('error', onOutputError)
    signal.removeEventListener('abort', onAbort)
  })
}
