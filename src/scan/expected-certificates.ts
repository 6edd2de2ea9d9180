import { formatEndpoint } from '../net/address.ts'
import { grouped } from '../terminal/format.ts'
import { scanLimits } from './limits.ts'
import type { CertificateInfo, PortResult } from './types.ts'

/** Certificates of open ports that should be valid for so many days more. */
export class ExpectedCertificates {
  readonly #days: number
  readonly #nowMs: number
  readonly #faults: string[] = []
  #faultCount = 0
  #good = 0

  constructor(days: number, nowMs: number) {
    this.#days = days
    this.#nowMs = nowMs
  }

  add(result: PortResult): void {
    const { host, port, tls } = result
    if (tls === undefined) return
    const { certificate } = tls
    const name = host.name === undefined ? '' : ` [${host.name}]`
    const why = certificate === undefined ? 'none was shown' : this.#faultOf(certificate)
    if (why === undefined) this.#good++
    else this.#fault(`the certificate of ${formatEndpoint(host.address, port)}${name}: ${why}`)
  }

  /** So many open ports were not asked for theirs. */
  addUnasked(count: number): void {
    if (count > 0) this.#fault(`${grouped(count)} open ports were not asked for their certificates`)
  }

  #fault(sentence: string): void {
    this.#faultCount++
    if (this.#faults.length < scanLimits.saidFailures) this.#faults.push(sentence)
  }

  #faultOf({ validFrom, validTo, daysLeft }: CertificateInfo): string | undefined {
    if (validFrom === undefined || validTo === undefined || daysLeft === undefined) return 'its times make no sense'
    if (Date.parse(validFrom) > this.#nowMs) return `it begins only on ${validFrom.slice(0, 10)}`
    const end = validTo.slice(0, 10)
    if (daysLeft < 0) return `it ended on ${end}`
    return daysLeft < this.#days ? `it ends on ${end}, in less than ${days(this.#days)}` : undefined
  }

  /** There was at least one, and none that falls short. */
  get isMet(): boolean {
    return this.#faultCount === 0 && this.#good > 0
  }

  /** What is not as expected. */
  get faults(): readonly string[] {
    if (this.#faultCount === 0) {
      return this.#good > 0 ? [] : ['no certificate was read, so it is not known how long any is valid']
    }
    const more = this.#faultCount - this.#faults.length
    return more === 0 ? this.#faults : [...this.#faults, `${grouped(more)} more certificates fall short`]
  }
}

function days(count: number): string {
  return `${grouped(count)} day${count === 1 ? '' : 's'}`
}
