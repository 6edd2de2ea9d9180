import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import { openLibc } from '../base/libc.ts'

/**
 * A pseudo-terminal, so that a program under check writes each line at once, as it does before its author: on a pipe C's stdio
 * keeps everything back until a buffer is full. Nothing typed is echoed, and lines end with LF alone.
 */
export interface Pty {
  /** The program's end, for its descriptors 0, 1 and 2; closed with `closeProgramEnd` once it has them. */
  readonly programEnd: number
  closeProgramEnd(): void
  type(text: string): void
  close(): void
}

/** Opens one (Linux with koffi); undefined where that can't be. `output` is called with what the program writes. */
export async function openPty(output: (chunk: Buffer) => void): Promise<Pty | undefined> {
  const libc = await openLibc()
  if (libc === undefined) return undefined
  const { library } = libc
  try {
    const openMaster = library.func('int posix_openpt(int)')
    const grant = library.func('int grantpt(int)')
    const unlock = library.func('int unlockpt(int)')
    const nameOf = library.func('int ptsname_r(int, void *, size_t)')
    const getAttributes = library.func('int tcgetattr(int, void *)')
    const setAttributes = library.func('int tcsetattr(int, int, const void *)')

    const master: number = openMaster(constants.O_RDWR | constants.O_NOCTTY | O_CLOEXEC)
    const name = Buffer.alloc(128)
    if (master < 0 || grant(master) !== 0 || unlock(master) !== 0 || nameOf(master, name, name.length) !== 0)
      return undefined
    const programEnd = openSync(name.toString('latin1', 0, name.indexOf(0)), constants.O_RDWR | constants.O_NOCTTY)
    const attributes = Buffer.alloc(256)
    getAttributes(programEnd, attributes)
    attributes.writeUInt32LE(attributes.readUInt32LE(4) & ~ONLCR, 4)
    attributes.writeUInt32LE(attributes.readUInt32LE(12) & ~(ECHO | ISIG), 12)
    setAttributes(programEnd, 0, attributes)

    const stream = new ReadStream(master)
    stream.on('data', output)
    // EIO: the program's end was closed.
    stream.on('error', () => stream.destroy())
    let open = true
    const write = (text: string): void => {
      try {
        writeSync(master, text)
      } catch {
        // The program is gone, or does not read: then its terminal is full.
      }
    }
    return {
      programEnd,
      closeProgramEnd: () => {
        if (open) closeSync(programEnd)
        open = false
      },
      type: write,
      close: () => stream.destroy(),
    }
  } catch {
    return undefined
  }
}

const O_CLOEXEC = 0o2000000
/** Of `c_oflag` and `c_lflag` in `struct termios` (asm-generic/termbits.h). */
const ONLCR = 0o4
const ECHO = 0o10
const ISIG = 0o1
