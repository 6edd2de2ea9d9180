import { errorCode, reasonOf, StorageError, UsageError } from '../base/errors.ts'
import { readSecretFile } from '../files/secret-file.ts'
import { type Endpoint, parseEndpoint } from '../net/address.ts'
import { choice, flag, type Kind, path } from '../options/kinds.ts'
import { option } from '../options/spec.ts'

/** A host as people write it: `host`, `host:port`, `::1`, `[::1]:port`. */
export const endpointKind: Kind<Endpoint> = { placeholder: 'HOST', parse: parseEndpoint }

/** The port, given with the host or by itself, if at all. @throws {UsageError} when it is given twice, and differs. */
export function givenPort(host: Endpoint | undefined, port: number | undefined): number | undefined {
  if (host?.port !== undefined && port !== undefined && host.port !== port) {
    throw new UsageError(`the port is given twice: ${host.port} with the host, and ${port}`, {
      hint: 'leave one of them',
    })
  }
  return host?.port ?? port
}

/**
 * The text of a file that a person named, with a secret in it or with what to trust: nobody else may be able to change it.
 * @param what how an error calls it: `the password from FILE`
 * @param orFifo waits for the writer of a FIFO
 * @throws {StorageError}
 */
export function readGivenSecret(file: string, what = file, orFifo = false): string {
  try {
    return readSecretFile(file, orFifo)
  } catch (error) {
    if (error instanceof StorageError) throw error
    throw new StorageError(errorCode(error), `cannot read ${what}: ${reasonOf(error)}`, { cause: error })
  }
}

/** The first line of such a file, without its end: how passwords and phrases are kept. @throws {StorageError} */
export function readFirstLine(file: string, what: string): string {
  const text = readGivenSecret(file, `${what} from ${file}`, true)
  // Both byte order marks of UTF-16 are no UTF-8, and what follows has a NUL in each ASCII character.
  if (/^\ufffd\ufffd/.test(text) && text.includes('\0')) {
    throw new StorageError('ENCODING', `${file} is in UTF-16, so ${what} in it can't be read`, {
      hint: 'save it as UTF-8; in PowerShell: Set-Content -Encoding utf8',
    })
  }
  // An editor's byte order mark is no part of what was typed.
  return text.replace(/^\ufeff/, '').split(/\r?\n/, 1)[0] ?? ''
}

/** What an operator says about any server's events and commands. @param when begins each summary: `with --serve, ` */
export function operationOptions(when = '') {
  return {
    logFile: option({ kind: path, summary: `${when}the event log (JSON Lines)`, default: 'logs/netlab.log' }),
    logTo: option({
      kind: choice('file', 'console', 'both', 'none'),
      summary: `${when}where events go`,
      default: 'file',
    }),
    console: option({
      kind: flag,
      summary: `${when}leave standard input alone: no operator console`,
      default: true,
    }),
    control: option({
      kind: flag,
      summary: `${when}open no control socket for netlab control in the current folder`,
      default: true,
    }),
  } as const
}
