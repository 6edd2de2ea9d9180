import { readFileSync } from 'node:fs'
import { errorCode, reasonOf, StorageError, UsageError } from '../../base/errors.ts'
import { flag, optional, path, text } from '../../options/kinds.ts'
import { option, type Values } from '../../options/spec.ts'

export const loginOptions = {
  user: option({
    kind: optional(text),
    alias: 'u',
    summary: 'log in by this name',
    default: undefined,
    defaultText: 'whoever logged in there last, or asked for',
  }),
  passwordFile: option({
    kind: optional(path),
    summary: 'take the password from the first line of this file',
    default: undefined,
  }),
  password: option({ kind: optional(text), secret: true, summary: 'the password of --user', default: undefined }),
  session: option({
    kind: flag,
    summary: 'ask for the password each time: neither use nor keep the session that a login opens',
    default: true,
  }),
  insecure: option({
    kind: flag,
    summary: 'let passwords and session tokens travel to another machine without TLS',
    default: false,
  }),
} as const

export type LoginValues = Values<typeof loginOptions>

/** The password that was given in advance. @throws {StorageError, UsageError} */
export function givenPassword({ passwordFile, password }: LoginValues): string | undefined {
  if (passwordFile === undefined) return password
  const [line = ''] = read(passwordFile).split(/\r?\n/, 1)
  if (line === '') throw new UsageError(`there is no password in the first line of ${passwordFile}`)
  return line
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new StorageError(errorCode(error), `cannot read the password from ${file}: ${reasonOf(error)}`, {
      cause: error,
    })
  }
}
