import type { Clock, Timer } from '../base/clock.ts'
import { errorMessage, NetlabError } from '../base/errors.ts'
import type { EventSink } from '../base/events.ts'
import type { KeyPair } from '../net/certificate.ts'
import { commandLimits } from './limits.ts'
import type { ServerCertificate } from './server-certificate.ts'

export interface CertificateWatchOptions {
  readonly clock: Clock
  readonly tell: EventSink
  /** Another certificate is to be shown from now on. */
  use(pair: KeyPair): void
}

/** Reads a server's certificate again when its files change or somebody asks for it, and warns of its end once a day. */
export class CertificateWatch {
  readonly #certificate: ServerCertificate
  readonly #options: CertificateWatchOptions
  #lastChange: string | undefined
  #poll: Timer | undefined
  #daily: Timer | undefined
  #reloading: Promise<void> = Promise.resolve()
  #rejected = false
  #closed = false

  constructor(certificate: ServerCertificate, options: CertificateWatchOptions) {
    this.#certificate = certificate
    this.#options = options
  }

  /** Tells about the certificate, and watches it from now on. */
  start(): void {
    this.#introduce()
    this.#pollLater()
    this.#warnLater()
  }

  /** Somebody asks for it. Resolves when the files were read again, and what came of it was told. */
  reload(): Promise<void> {
    return this.#reloadNext(true)
  }

  close(): void {
    this.#closed = true
    this.#poll?.cancel()
    this.#daily?.cancel()
  }

  /** One after the other. @param asked somebody waits to hear about the certificate, also about the same one */
  #reloadNext(asked: boolean): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reload(asked))
    return this.#reloading
  }

  async #reload(asked: boolean): Promise<void> {
    try {
      if (await this.#certificate.reload()) this.#changeOver()
      else if (asked || this.#rejected) this.#introduce()
      this.#rejected = false
    } catch (error) {
      if (!(error instanceof NetlabError)) throw error
      this.#rejected = true
      const hint = error.hint === undefined ? '' : ` (${error.hint})`
      this.#options.tell({ type: 'certificate-rejected', error: errorMessage(error) + hint })
    }
  }

  #changeOver(): void {
    this.#options.use({ cert: this.#certificate.current.cert, key: this.#certificate.current.key })
    this.#introduce()
  }

  #introduce(): void {
    const { keyFingerprint: key, fingerprint, endsMs, beginsMs, untrusted } = this.#certificate.current
    const { tell, clock } = this.#options
    tell({ type: 'certificate-loaded', key, fingerprint, until: new Date(endsMs).toISOString() })
    if (untrusted !== undefined) tell({ type: 'certificate-untrusted', why: untrusted })
    if (beginsMs > clock.now()) tell({ type: 'certificate-early', from: new Date(beginsMs).toISOString() })
    this.#warn()
  }

  #warn(): void {
    const { clock, tell } = this.#options
    const { endsMs } = this.#certificate.current
    const leftMs = endsMs - clock.now()
    if (leftMs >= commandLimits.certificateNoticeMs) return
    tell({ type: 'certificate-ending', until: new Date(endsMs).toISOString(), days: Math.floor(leftMs / 86_400_000) })
  }

  #warnLater(): void {
    if (this.#closed) return
    const look = async (): Promise<void> => {
      if (await this.#certificate.renew(this.#options.clock.now())) this.#changeOver()
      else this.#warn()
      this.#warnLater()
    }
    this.#daily = this.#options.clock.after(commandLimits.certificateWarningMs, () => void look(), { background: true })
  }

  #pollLater(): void {
    if (this.#closed) return
    const look = async (): Promise<void> => {
      const change = await this.#certificate.change()
      const isSettled = change !== undefined && change === this.#lastChange
      this.#lastChange = change
      if (isSettled) await this.#reloadNext(false)
      this.#pollLater()
    }
    this.#poll = this.#options.clock.after(commandLimits.certificatePollMs, () => void look(), { background: true })
  }
}
