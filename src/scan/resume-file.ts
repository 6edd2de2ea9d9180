import { StorageError, UsageError } from '../base/errors.ts'
import { visible } from '../base/visible.ts'
import type { AnsweredText } from './answered-ports.ts'
import type { StateCounts } from './host-counts.ts'
import {
  type CertificateInfo,
  doubtReasons,
  type HostEvidence,
  type PortResult,
  type PortState,
  portStates,
  type ScanDoubt,
  type ScanHost,
  type TlsInfo,
} from './types.ts'

/** What a scan was asked; an interrupted one is continued by the same only. */
export interface ScanIdentity {
  /** The addresses. */
  readonly targets: string
  /** The names that were asked for; '' for none. */
  readonly names: string
  readonly ports: string
  readonly shown: string
  readonly banner: boolean
  readonly tls: boolean
}

/** All that is needed to continue an interrupted scan. */
export interface ResumeState {
  readonly identity: ScanIdentity
  /** The addresses that names had when the scan began, none for those that had none: DNS may answer otherwise by now. */
  readonly answers: Readonly<Record<string, readonly string[]>>
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
  readonly durationMs: number
  readonly probes: number
  readonly retries: number
  readonly counts: StateCounts
  /** What is in doubt of what is answered. */
  readonly doubt: ScanDoubt
  readonly answered: AnsweredText
  /** The listed results; the others are in `counts` only. */
  readonly results: readonly PortResult[]
}

const format = 'netlab-scan-resume'
const version = 2

export function formatResume(state: ResumeState): string {
  const results = state.results.map(({ banner, ...result }) => ({
    ...result,
    ...(banner !== undefined && { banner: Buffer.from(banner).toString('base64') }),
  }))
  return `${JSON.stringify({ format, version, ...state, results }, undefined, 1)}\n`
}

/**
 * Reads what `formatResume` wrote.
 * @throws {StorageError} when the text is something else.
 */
export function parseResume(text: string, file: string): ResumeState {
  const state = read(text)
  if (state !== undefined) return state
  throw new StorageError('RESUME', `${file} is not the state of an interrupted scan`, {
    hint: 'name another file, or remove this one to begin anew',
  })
}

/** @throws {UsageError} when the state is of a scan of something else. */
export function refuseOtherScan(state: ResumeState, file: string, identity: ScanIdentity): void {
  for (const key of ['names', 'targets', 'ports', 'shown', 'banner', 'tls'] as const) {
    if (state.identity[key] !== identity[key]) {
      const before = shorten(String(state.identity[key]))
      throw new UsageError(`${file} is of a scan with other ${titles[key]} (${before})`, {
        hint: 'repeat its arguments to continue it, or remove the file to begin anew',
      })
    }
  }
}

const titles = {
  names: 'names',
  targets: 'targets',
  ports: 'ports',
  shown: '--show',
  banner: '--banner',
  tls: '--tls-info',
} as const

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

function read(text: string): ResumeState | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isRecord(value) || value.format !== format || value.version !== version) return undefined
  const { identity, answers, startedAt, durationMs, probes, retries, counts, doubt, answered, results } = value
  const whole =
    isIdentity(identity) &&
    isRecord(answers) &&
    Object.values(answers).every(isTexts) &&
    [startedAt, durationMs, probes, retries].every((number) => typeof number === 'number') &&
    isCounts(counts) &&
    (doubt === undefined || isDoubt(doubt)) &&
    isAnswered(answered) &&
    Array.isArray(results) &&
    results.every(isResult)
  if (!whole) return undefined
  return {
    // Files of versions that did not ask for TLS do not speak of it, nor those that did not keep doubts of these.
    identity: { ...identity, tls: identity.tls === true },
    answers: answers as ResumeState['answers'],
    startedAt: Number(startedAt),
    durationMs: Number(durationMs),
    probes: Number(probes),
    retries: Number(retries),
    counts,
    doubt: doubt ?? { complete: true, expectedMissed: 0, evidence: [], notes: [] },
    answered,
    results: results.map(({ banner, ...result }) => ({
      ...result,
      ...(banner !== undefined && { banner: new Uint8Array(Buffer.from(banner, 'base64')) }),
    })),
  }
}

type StoredResult = Omit<PortResult, 'banner'> & { readonly banner?: string }

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Such as a scan writes: the file may come from anywhere, and the lists of results show its names as they are. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && visible(value) === value
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText)
}

function isIdentity(value: unknown): value is Omit<ScanIdentity, 'tls'> & { readonly tls?: boolean } {
  return (
    isRecord(value) &&
    ['targets', 'names', 'ports', 'shown'].every((key) => isText(value[key])) &&
    typeof value.banner === 'boolean' &&
    (value.tls === undefined || typeof value.tls === 'boolean')
  )
}

function isState(value: unknown): value is PortState {
  return portStates.some((state) => state === value)
}

function isCounts(value: unknown): value is StateCounts {
  return (
    isRecord(value) &&
    Object.entries(value).every(
      ([state, reasons]) =>
        isState(state) &&
        isRecord(reasons) &&
        Object.entries(reasons).every(([reason, count]) => isText(reason) && typeof count === 'number'),
    )
  )
}

function isDoubt(value: unknown): value is ScanDoubt {
  if (!isRecord(value)) return false
  const { complete, expectedMissed, evidence, notes } = value
  return (
    typeof complete === 'boolean' &&
    typeof expectedMissed === 'number' &&
    isTexts(notes) &&
    Array.isArray(evidence) &&
    evidence.every(isEvidence)
  )
}

function isEvidence(value: unknown): value is HostEvidence {
  if (!isRecord(value)) return false
  const { host, doubt, silent, attempts, references, lossShare, expectedMissed } = value
  return (
    isHost(host) &&
    (doubt === undefined || doubtReasons.some((reason) => reason === doubt)) &&
    [silent, attempts, references, lossShare, expectedMissed].every((number) => typeof number === 'number')
  )
}

function isHost(value: unknown): value is ScanHost {
  return (
    isRecord(value) &&
    isText(value.address) &&
    (value.family === 4 || value.family === 6) &&
    (value.name === undefined || isText(value.name)) &&
    (value.names === undefined || isTexts(value.names))
  )
}

function isAnswered(value: unknown): value is AnsweredText {
  return (
    isRecord(value) &&
    typeof value.whole === 'string' &&
    isRecord(value.partial) &&
    Object.values(value.partial).every((ports) => typeof ports === 'string')
  )
}

function isResult(value: unknown): value is StoredResult {
  if (!isRecord(value)) return false
  const { host, port, state, reason, rttMs, attempts, banner, tls } = value
  return (
    isHost(host) &&
    typeof port === 'number' &&
    isState(state) &&
    isText(reason) &&
    (rttMs === undefined || typeof rttMs === 'number') &&
    typeof attempts === 'number' &&
    (banner === undefined || typeof banner === 'string') &&
    (tls === undefined || isTls(tls))
  )
}

function isTls(value: unknown): value is TlsInfo {
  if (!isRecord(value)) return false
  const { version, alpn, refused, certificate } = value
  return [version, alpn, refused].every(isTextOrNone) && (certificate === undefined || isCertificate(certificate))
}

function isCertificate(value: unknown): value is CertificateInfo {
  if (!isRecord(value)) return false
  const { subject, names, moreNames, issuer, validFrom, validTo, daysLeft, fingerprint } = value
  return (
    isTexts([subject, issuer, fingerprint]) &&
    isTexts(names) &&
    [validFrom, validTo].every(isTextOrNone) &&
    [moreNames, daysLeft].every((number) => number === undefined || typeof number === 'number')
  )
}

function isTextOrNone(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}
