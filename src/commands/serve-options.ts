import { limits } from '../base/limits.ts'
import { spareProcessors } from '../base/processors.ts'
import { choice, duration, flag, host, integer, optional, path, port } from '../options/kinds.ts'
import { option } from '../options/spec.ts'

/** The options that every server has. */
export function serveOptions(defaultPort: number) {
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
      kind: integer(1, limits.threads),
      summary: 'threads that serve clients',
      default: spareProcessors(),
      defaultText: 'one less than there are processors',
    }),
    threadPerClient: option({
      kind: flag,
      summary: `a thread of its own for every client (at most ${limits.clientThreads})`,
      default: false,
    }),
    maxClients: option({
      kind: integer(1, 1_000_000),
      summary: 'connections at a time',
      default: limits.maxClients,
    }),
    idleTimeout: option({
      kind: duration,
      summary: 'end conversations that are silent for so long; 0 means never',
      default: 0,
    }),
    framing: option({
      kind: choice('auto', 'frames', 'text'),
      summary: 'how clients talk: by their first bytes, length-prefixed frames, or lines',
      default: 'auto',
    }),
    tls: option({ kind: flag, summary: 'take TLS; plain clients then only from this machine', default: false }),
    tlsCert: option({
      kind: optional(path),
      summary: 'certificate chain (PEM); implies --tls',
      default: undefined,
      defaultText: 'one made at the first start and kept in netlab-tls.pem',
    }),
    tlsKey: option({
      kind: optional(path),
      summary: 'private key (PEM) of --tls-cert',
      default: undefined,
      defaultText: 'in the file of --tls-cert',
    }),
    plaintext: option({
      kind: choice('loopback', 'any'),
      summary: 'with --tls, who may still connect without it',
      default: 'loopback',
    }),
    insecure: option({
      kind: flag,
      summary: 'let passwords and tokens travel between machines without TLS',
      default: false,
    }),
    users: option({ kind: path, summary: 'who is known: names, hosts, password hashes', default: 'users.json' }),
    db: option({ kind: path, summary: 'login sessions and chat history (SQLite)', default: 'netlab.db' }),
    allowStop: option({
      kind: choice('loopback', 'any', 'never'),
      summary: 'who may stop the server by sending "stop"',
      default: 'loopback',
    }),
    logFile: option({ kind: path, summary: 'the event log (JSON Lines)', default: 'logs/netlab.log' }),
    logTo: option({
      kind: choice('file', 'console', 'both', 'none'),
      summary: 'where events go',
      default: 'file',
    }),
    console: option({ kind: flag, summary: 'leave standard input alone: no operator console', default: true }),
  } as const
}
