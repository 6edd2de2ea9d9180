import { ExitCode } from '../base/errors.ts'

/**
 * Makes a reader that goes away (`netlab scan … | head`) a quiet end, unless a command listens for that itself, and an
 * unwritable stdout a sentence.
 */
export function keepOutputQuiet(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' && process.stdout.listenerCount('error') > 1) return
    if (endOnHangUp(error, process.stdout)) return
    if (error.code !== 'EPIPE') {
      process.stderr.write(`netlab: can't write to standard output (${error.code})\n  send it where there is room\n`)
    }
    process.exit(error.code === 'EPIPE' ? ExitCode.ok : ExitCode.io)
  })
  // Nobody listens to what we say; that is no reason to stop.
  process.stderr.on('error', () => {})
}

/** Resolves when all that was written has left the process: `process.exit` would cut a long answer on a pipe. */
export async function flushOutput(): Promise<void> {
  await Promise.all([process.stdout, process.stderr].map(flush))
  // A stream tells of its failure one turn late, and keepOutputQuiet must hear it.
  await new Promise((resolve) => setImmediate(resolve))
}

function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (!stream.writable || stream.writableLength === 0) resolve()
    else stream.write('', () => resolve())
  })
}

/**
 * Asks for the end, as SIGHUP does, if `error` is the terminal's going away; returns whether it is. Such errors may come before
 * that signal, or without it where the terminal was not the one that controls this process.
 */
export function endOnHangUp(error: unknown, { isTTY }: { readonly isTTY?: boolean }): boolean {
  const gone = typeof error === 'object' && error !== null && 'code' in error && error.code === 'EIO'
  return gone && isTTY === true && process.emit('SIGHUP', 'SIGHUP')
}
