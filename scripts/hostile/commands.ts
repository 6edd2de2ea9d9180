/** What is healthy on this machine and stands ready to be talked to. */
export interface Peers {
  readonly echo: number
  /** It knows Ada. */
  readonly auth: number
  readonly relay: number
}

export interface Trial {
  readonly name: string
  /** `port` is free and for a server. */
  readonly args: (peers: Peers, port: number) => readonly string[]
  /** A server: what to say to it in lines, and what the answers must contain where all is well. */
  readonly server?: { readonly say: readonly string[]; readonly expect: RegExp }
  /** A relay: its members talk to it by themselves. */
  readonly relay?: true
  /** Anything else: lines on stdin, and what stdout must contain. */
  readonly stdin?: readonly string[]
  readonly expect?: RegExp
  readonly env?: Readonly<Record<string, string>>
  /** Where this is the right answer. */
  readonly exitCode?: number
}

const listen = (port: number) => ['--host', '127.0.0.1', '--port', String(port), '--strict-port']
export const password = 'correct horse battery'
const credentials = ['Ada', password, password, 'whoami', 'exit']

function serve(name: string, say: readonly string[], expect: RegExp, ...more: string[]): Trial {
  const args = (_: Peers, port: number) => ['serve', name, ...listen(port), ...more]
  return { name: ['serve', name, ...more].join(' '), args, server: { say, expect } }
}

export const trials: readonly Trial[] = [
  { name: '--version', args: () => ['--version'], expect: /^netlab \d/ },
  { name: '--help', args: () => ['--help'], expect: /Usage/ },
  { name: 'serve echo --help', args: () => ['serve', 'echo', '--help'], expect: /Usage/ },
  { name: 'menu', args: () => [], exitCode: 64 },
  { name: 'completion', args: () => ['completion', 'bash'], expect: /complete/ },
  serve('echo', ['hello', 'exit'], /hello/),
  serve('echo', ['hello', 'exit'], /hello/, '--tls'),
  serve('echo', ['hello', 'exit'], /hello/, '--log-to', 'both', '--no-console'),
  serve('ident', ['Ada', 'whoami', 'exit'], /Ada/),
  serve('auth', credentials, /Welcome|goes? on|You are/),
  serve('chat', [...credentials.slice(0, 3), 'hello to all', '/quit'], /hello to all/),
  {
    name: 'chat-udp --serve',
    args: (_, port) => ['chat-udp', '--serve', ...listen(port), '--no-discovery'],
    relay: true,
    expect: /a word/,
  },
  {
    name: 'chat-udp',
    args: ({ relay }) => ['chat-udp', '127.0.0.1', String(relay), '--name', 'Ada'],
    stdin: ['hello', 'to all'],
    expect: /hello/,
  },
  {
    name: 'connect',
    args: ({ echo }) => ['connect', '127.0.0.1', String(echo)],
    stdin: ['hello', 'again'],
    expect: /hello\nagain\n/,
  },
  {
    name: 'connect --user',
    args: ({ auth }) => ['connect', '127.0.0.1', String(auth), '--user', 'Ada'],
    env: { NETLAB_PASSWORD: password },
    stdin: ['whoami', 'exit'],
    expect: /Ada/,
  },
  { name: 'scan', args: ({ echo }) => ['scan', '127.0.0.1', '-p', `1-512,${echo}`], expect: /open/ },
  {
    name: 'scan --threads 8 --engine net --json',
    args: ({ echo }) => ['scan', '127.0.0.1', '-p', `1-512,${echo}`, '--threads', '8', '--engine', 'net', '--json'],
    expect: /"open"/,
  },
  {
    name: 'scan --output --resume',
    args: ({ echo }) => ['scan', '127.0.0.1', '-p', `1-64,${echo}`, '-o', 'out.json', '--resume', 'state'],
    expect: /^/,
  },
]
