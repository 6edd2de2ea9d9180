import { arch, endianness, platform } from 'node:os'

/** The C library of this machine through koffi; undefined where it can't be: another system, a musl without it, koffi not installed. */
export async function openLibc() {
  if (platform() !== 'linux' || (arch() !== 'arm64' && arch() !== 'x64') || endianness() !== 'LE') return undefined
  try {
    const koffi = (await import('koffi')).default
    return { koffi, library: koffi.load('libc.so.6') }
  } catch {
    return undefined
  }
}
