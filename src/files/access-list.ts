import { openLibc } from '../base/libc.ts'

/** Where Linux keeps a POSIX access control list (acl(5)), which Node has no call for. */
const attribute = 'system.posix_acl_access'

/** Of an entry for each of some hundred users and groups, 8 bytes each. */
const listBytes = 4_096

/**
 * Gives a file the access control list of another one, where that has one, and none otherwise. Where koffi or a C library for it is
 * missing, the mode alone says who may do what.
 */
export async function copyAccessList(from: string, to: string): Promise<void> {
  try {
    calls ??= loadCalls()
    const known = await calls
    if (known === undefined) return
    const { get, set, remove } = known
    const list = Buffer.alloc(listBytes)
    const length = get(from, attribute, list, listBytes)
    // The new one may have inherited a list from its folder.
    if (length <= 0) remove(to, attribute)
    else set(to, attribute, list, length, 0)
  } catch {
    // As above.
  }
}

let calls: ReturnType<typeof loadCalls> | undefined

async function loadCalls() {
  const libc = (await openLibc())?.library
  if (libc === undefined) return undefined
  return {
    get: libc.func('intptr_t getxattr(const char *, const char *, void *, size_t)'),
    set: libc.func('int setxattr(const char *, const char *, const void *, size_t, int)'),
    remove: libc.func('int removexattr(const char *, const char *)'),
  }
}
