import { platform } from 'node:os'

/** `M_MMAP_THRESHOLD` of mallopt(3). */
const mmapThreshold = -3

/** Hashes are far above it, everything else that lives long is below. */
const thresholdBytes = 4 * 1024 * 1024

/**
 * Makes glibc give the memory of each password hash back to the system. Left alone it raises its threshold for that with the
 * first one, and then keeps 19 MiB for every thread that ever computed one. Where koffi is not there or the C library is
 * another, nothing changes.
 */
export async function giveBackHashMemory(): Promise<void> {
  if (platform() !== 'linux') return
  try {
    const koffi = (await import('koffi')).default
    koffi.load('libc.so.6').func('int mallopt(int, int)')(mmapThreshold, thresholdBytes)
  } catch {
    // It only costs memory.
  }
}
