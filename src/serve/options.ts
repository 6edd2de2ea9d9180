import { UsageError } from '../base/errors.ts'
import { spareProcessors } from '../base/threads.ts'
import type { KeyPair } from '../net/certificate.ts'
import { netLimits } from '../net/limits.ts'
import { networkList } from '../net/networks.ts'
import { bytes, choice, duration, flag, host, integer, type Kind, optional, port } from '../options/kinds.ts'
import { type OptionSpecs, option, type Values } from '../options/spec.ts'
import { serveLimits } from './limits.ts'

const pingInterval: Kind<number> = {
  ...duration,
  parse(value) {
    const ms = duration.parse(value)
    if (ms >= netLimits.pingMinMs && ms <= netLimits.pingMaxMs) return ms
    throw new UsageError(`${value.trim()} is not between 1s and 1h`)
  },
}

/** The options of every server that the listener core reads. */
export function listenerOptions(defaultPort: number) {
  return {
    host: option({
      kind: host,
      summary: 'address to listen on',
      default: '::',
      defaultText: ':: (all addresses)',
      ask: 'Address to listen on',
    }),
    port: option({
      kind: port,
      alias: 'p',
      summary: 'port to listen on; 0 takes any free one',
      default: defaultPort,
      ask: 'Port',
    }),
    strictPort: option({
      kind: flag,
      summary: 'fail when the port is taken instead of trying the next',
      default: false,
    }),
    threads: option({
      kind: integer(1, serveLimits.threads),
      summary: 'threads that serve clients',
      default: spareProcessors(),
      defaultText: 'one less than there are processors',
    }),
    threadPerClient: option({
      kind: flag,
      summary: `a thread of its own for every client (at most ${serveLimits.clientThreads})`,
      default: false,
    }),
    maxClients: option({
      kind: integer(1, 1_000_000),
      summary: 'connections at a time',
      default: serveLimits.maxClients,
    }),
    idleTimeout: option({
      kind: duration,
      summary: 'end conversations that are silent for so long; 0 means never',
      default: 0,
    }),
    pingInterval: option({
      kind: pingInterval,
      summary:
        'ask who has been silent for so long whether it is still there; who answers nothing is put out after 2.3 times that',
      default: netLimits.pingMs,
      defaultText: '15s',
    }),
    bufferMemory: option({
      kind: optional(bytes(serveLimits.bufferMinBytes, serveLimits.bufferMaxBytes)),
      summary: 'what all clients together may make the server hold: unfinished messages, unread answers',
      default: undefined,
      defaultText: '64 MiB, or a quarter of the memory that the system gives it',
    }),
    framing: option({
      kind: choice('auto', 'frames', 'text'),
      summary: 'how clients talk: by their first bytes, length-prefixed frames, or lines',
      default: 'auto',
    }),
    allowStop: option({
      kind: choice('loopback', 'any', 'never'),
      summary: 'who may stop the server by sending "stop"',
      default: 'loopback',
    }),
    plaintext: option({
      kind: choice('loopback', 'any'),
      summary: 'with --tls, who may still connect without it',
      default: 'loopback',
    }),
    proxyProtocol: option({
      kind: networkList,
      summary: 'proxies that tell for whom they speak (haproxy send-proxy, send-proxy-v2), and must; nobody else may',
      default: [],
      defaultText: 'none',
      repeatable: true,
    }),
  } as const
}

/** Of protocols whose clients send secrets. */
export const insecureOption = {
  insecure: option({
    kind: flag,
    summary: 'let passwords and tokens travel between machines without TLS',
    default: false,
  }),
} as const

/** Everything a server was told, resolved; crosses thread boundaries by structured cloning. */
export type ServeConfig = Values<ReturnType<typeof listenerOptions>> &
  Partial<Values<typeof insecureOption>> & {
    readonly protocol: string
    /** File descriptors left for clients and their threads; more connections than that are refused before the system does it silently. */
    readonly freeDescriptors: number
    /** Memory that the system gives this process; infinite where nothing bounds it. */
    readonly memoryBytes: number
    /** With TLS. */
    readonly certificate?: KeyPair
    /** The protocol's own options. */
    readonly options: Values<OptionSpecs>
  }
