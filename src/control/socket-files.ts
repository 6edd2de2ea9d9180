import { randomBytes } from 'node:crypto'
import { chmodSync, lstatSync, mkdtempSync, readdirSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isTrusted } from '../files/secret-file.ts'

/*
 * Where control sockets are: in the server's folder, a file for each server, which all have names of their own: several servers may run
 * in one folder, also in containers that share it but no process numbers. The folder is the current one of both ends: a socket's path
 * may have 107 bytes (Linux) or 103 (macOS), a folder's more. A socket gets its name only when it listens and is its owner's alone, so one that refuses a connection
 * is one of a server that was killed.
 */

const socketName = /^netlab-[0-9a-f]{12}\.sock$/

/** A place for one more socket. */
export interface SocketPlace {
  /** To listen on: in a folder that nobody else can enter, whatever the umask. */
  readonly path: string
  /** The socket listens: gives it its name, and the mode 0600. */
  publish(): void
  /** Takes it away, however far it has got. */
  remove(): void
}

/** @throws the system's error where no file can be made. */
export function makeSocketPlace(folder: string): SocketPlace {
  const hidden = mkdtempSync(join(folder, '.netlab-'))
  const path = join(hidden, 'socket')
  const published = join(folder, `netlab-${randomBytes(6).toString('hex')}.sock`)
  return {
    path,
    publish() {
      chmodSync(path, 0o600)
      renameSync(path, published)
      rmdirSync(hidden)
    },
    remove() {
      rmSync(published, { force: true })
      rmSync(hidden, { recursive: true, force: true })
    },
  }
}

/** A control socket that was found; its server may have been killed. */
export interface FoundSocket {
  readonly path: string
  /** Made by this user, by root, or by whoever owns the folder. Anybody else may have planted it to be given commands. */
  readonly trusted: boolean
}

/** The control sockets in a folder. Links and other files of such names are none. @throws the system's error. */
export function findSockets(folder: string): readonly FoundSocket[] {
  const owner = statSync(folder).uid
  return readdirSync(folder)
    .filter((name) => socketName.test(name))
    .flatMap((name) => {
      const path = join(folder, name)
      const there = lstatSync(path, { throwIfNoEntry: false })
      return there?.isSocket() === true ? [{ path, trusted: isTrusted(there) || there.uid === owner }] : []
    })
}

/** Removes the socket of a server that was killed. */
export function removeSocket(path: string): void {
  rmSync(path, { force: true })
}
