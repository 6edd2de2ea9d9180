import type { OptionSpecs, Values } from '../options/spec.ts'

/** Who may end the server by sending the line `stop`. */
export type AllowStop = 'loopback' | 'any' | 'never'

/** How a server reads: by the first bytes, or as it was told. */
export type Framing = 'auto' | 'frames' | 'text'

/** Everything a server was told, resolved; crosses thread boundaries by structured cloning. */
export interface ServeConfig {
  readonly protocol: string
  readonly host: string
  readonly port: number
  readonly strictPort: boolean
  readonly threads: number
  readonly threadPerClient: boolean
  /** Connections at a time. */
  readonly maxClients: number
  /** File descriptors left for clients and their threads; more connections than that are refused before the system does it silently. */
  readonly freeDescriptors: number
  /** 0: never. */
  readonly idleMs: number
  readonly framing: Framing
  readonly allowStop: AllowStop
  /** PEM texts; absent: no TLS. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** With TLS, who may still talk plainly. */
  readonly plaintext: 'loopback' | 'any'
  /** Passwords may travel in plain text between machines. */
  readonly insecure: boolean
  /** Paths of the users file and the database, for protocols that keep something. */
  readonly users: string
  readonly db: string
  /** The protocol's own options. */
  readonly options: Values<OptionSpecs>
}
