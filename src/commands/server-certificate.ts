import { createPrivateKey } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { errorCode, errorMessage, reasonOf, StorageError, UsageError } from '../base/errors.ts'
import { createFileSync, replaceFileSync } from '../files/replace-file.ts'
import { readSecretFile } from '../files/secret-file.ts'
import { isSelfMade, selfSignedCertificate } from '../net/certificate.ts'
import { type CheckedPair, checkPair, type GivenPair, isEncrypted, privateKey } from '../net/certificate-check.ts'
import type { Ask } from '../options/resolve.ts'
import type { OptionSpec } from '../options/spec.ts'
import { readFirstLine, readGivenSecret } from './input.ts'
import { commandLimits } from './limits.ts'

/** Where a certificate that netlab made for itself is kept, with its key. */
const keptFile = 'netlab-tls.pem'

export interface CertificateOptions {
  readonly tls: boolean
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  readonly tlsPassphraseFile: string | undefined
  readonly tlsPassphrase: string | undefined
}

/** The certificate that a server shows: the operator's own, or one made at the first start and kept. */
export class ServerCertificate {
  readonly #options: CertificateOptions
  readonly #typed: string | undefined
  #current: CheckedPair
  /** What `filesState` was just before they were read. */
  #readState: string

  private constructor(options: CertificateOptions, typed: string | undefined, current: CheckedPair, readState: string) {
    this.#options = options
    this.#typed = typed
    this.#current = current
    this.#readState = readState
  }

  /**
   * Reads and checks it, or makes it; `undefined` without TLS.
   * @param ask asks a person for the passphrase of the key; undefined where nobody is there.
   * @throws {StorageError} when a file can't be read or holds no pair that a server can use; {UsageError} for options that
   * don't go together; what `ask` rejects with.
   */
  static async open(
    options: CertificateOptions,
    nowMs: number,
    ask: Ask | undefined,
  ): Promise<ServerCertificate | undefined> {
    const { tls, tlsCert, tlsKey, tlsPassphraseFile } = options
    if (tlsCert === undefined) {
      if (tlsKey !== undefined) throw new UsageError('--tls-key needs --tls-cert')
      if (tlsPassphraseFile !== undefined) throw new UsageError('--tls-passphrase-file needs --tls-cert')
      if (!tls) return undefined
      if (keptText() === undefined) make(nowMs)
    }
    const readState = await filesState(options)
    const given = read(options)
    const typed = ask === undefined ? undefined : await askPassphrase(given, ask)
    const current = await checkPair({ ...given, passphrase: given.passphrase ?? typed })
    const certificate = new ServerCertificate(options, typed, current, readState)
    await certificate.renew(nowMs)
    return certificate
  }

  get current(): CheckedPair {
    return this.#current
  }

  /** Tells the state of its files from every other; undefined while that is the state in which they were read. */
  async change(): Promise<string | undefined> {
    const state = await filesState(this.#options)
    return state === this.#readState ? undefined : state
  }

  /**
   * Reads and checks it again. Returns whether it is another one than before. @throws {StorageError}, and the one before stays.
   */
  async reload(): Promise<boolean> {
    this.#readState = await filesState(this.#options)
    if (this.#readState.includes(notAFile)) throw new StorageError('EINVAL', 'it was not read from a file')
    const given = read(this.#options)
    const pair = await checkPair({ ...given, passphrase: given.passphrase ?? this.#typed })
    const isOther = pair.cert !== this.#current.cert || pair.key !== this.#current.key
    this.#current = pair
    return isOther
  }

  /**
   * Makes one of ours anew when it ends soon, or ended while the clock of this machine was wrong: with the same key, so that no
   * client notices. Returns whether it did. Where the new one can't be kept, the one that there is stays.
   */
  async renew(nowMs: number): Promise<boolean> {
    const { cert, key, endsMs } = this.#current
    const isDue = endsMs - nowMs < commandLimits.certificateNoticeMs
    if (this.#options.tlsCert !== undefined || !isDue || !isSelfMade(cert)) return false
    const renewed = selfSignedCertificate(hostname(), nowMs, createPrivateKey(key))
    try {
      replaceFileSync(keptFile, renewed.key + renewed.cert, 0o600)
    } catch {
      // It is warned of.
      return false
    }
    return this.reload()
  }
}

function filesOf({ tlsCert = keptFile, tlsKey = tlsCert }: CertificateOptions): readonly string[] {
  return tlsKey === tlsCert ? [tlsCert] : [tlsCert, tlsKey]
}

const notAFile = 'not a file'

/** A text that is another one when one of the files is. Links are followed, as when they are read. */
async function filesState(options: CertificateOptions): Promise<string> {
  const states = filesOf(options).map(async (file) => {
    const status = await stat(file).catch(errorCode)
    if (typeof status === 'string') return status
    const { dev, ino, size, mtimeMs, ctimeMs } = status
    return status.isFile() ? [dev, ino, size, mtimeMs, ctimeMs].join(':') : notAFile
  })
  return (await Promise.all(states)).join(' ')
}

/** @throws {StorageError} */
function read({ tlsCert, tlsKey = tlsCert, tlsPassphraseFile, tlsPassphrase }: CertificateOptions): GivenPair {
  if (tlsCert === undefined || tlsKey === undefined) {
    const text = readGivenSecret(keptFile)
    return { cert: text, certName: keptFile, key: text, keyName: keptFile, passphrase: undefined }
  }
  const key = readGivenSecret(tlsKey)
  const cert = tlsKey === tlsCert ? key : readGivenSecret(tlsCert)
  const passphrase =
    tlsPassphraseFile === undefined ? tlsPassphrase : readFirstLine(tlsPassphraseFile, 'the passphrase')
  return { cert, certName: tlsCert, key, keyName: tlsKey, passphrase }
}

/** What a person types until it opens the key; undefined where none is needed, or it was given. @throws what `ask` rejects with */
async function askPassphrase(given: GivenPair, ask: Ask): Promise<string | undefined> {
  if (given.passphrase !== undefined || !isEncrypted(given.key)) return undefined
  const opens = (typed: string): string => {
    try {
      privateKey({ ...given, passphrase: typed })
      return typed
    } catch (error) {
      throw new UsageError(errorMessage(error))
    }
  }
  const spec: OptionSpec<string> = {
    kind: { placeholder: 'TEXT', parse: opens },
    summary: 'passphrase',
    default: '',
    secret: true,
  }
  return ask(`Passphrase of ${given.keyName}`, spec)
}

function keptText(): string | undefined {
  try {
    return readSecretFile(keptFile)
  } catch (error) {
    if (error instanceof StorageError) throw error
    if (errorCode(error) === 'ENOENT') return undefined
    throw new StorageError(errorCode(error), `cannot read ${keptFile}: ${reasonOf(error)}`, { cause: error })
  }
}

/** The one that is kept from now on: another server's that starts just now, if it was faster. */
function make(nowMs: number): void {
  const made = selfSignedCertificate(hostname(), nowMs)
  try {
    if (createFileSync(keptFile, made.key + made.cert, 0o600)) return
  } catch (error) {
    throw cannotKeep(errorCode(error), error)
  }
  // The name is taken, and yet nothing is there: a link that leads nowhere.
  if (keptText() === undefined) throw cannotKeep('ENOENT')
}

function cannotKeep(code: string, cause?: unknown): StorageError {
  return new StorageError(code, `cannot keep a new certificate in ${keptFile}: ${reasonOf({ code })}`, {
    hint: 'start in a folder that can be written, or give --tls-cert and --tls-key',
    cause,
  })
}
