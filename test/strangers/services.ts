import { TestClient } from '../support/client.ts'
import { startNetlab } from '../support/run-netlab.ts'

export const host = '127.0.0.1'
export const password = 'correct horse'

/** The four services on loopback, plain and TLS on one port. */
export interface Services {
  readonly echo: string
  /** Knows this machine as Netcat. */
  readonly ident: string
  /** Knows Ada. */
  readonly auth: string
  /** Knows Ada. */
  readonly chat: string
  /** Of Ada's session in the chat. */
  readonly token: string
}

export type Service = 'echo' | 'ident' | 'auth' | 'chat'

export const services: readonly Service[] = ['echo', 'ident', 'auth', 'chat']

let begun: Promise<Services> | undefined

/** Started when the first test asks, and shared by all of its file. */
export function sharedServices(): Promise<Services> {
  begun ??= start()
  return begun
}

async function start(): Promise<Services> {
  const [echo, ident, auth, chat] = await Promise.all([serve('echo'), serve('ident'), serve('auth'), serve('chat')])
  const register = `Ada\n${password}\n${password}\n`
  const [, , entered] = await Promise.all([
    tell(ident, 'Netcat\n', 'Nice to meet you'),
    tell(auth, register, 'You are registered'),
    tell(chat, register, 'you are in #lobby'),
  ])
  return { echo, ident, auth, chat, token: /resume ([\w-]{43})/.exec(entered)?.[1] ?? '' }
}

async function serve(service: Service): Promise<string> {
  const place = ['--host', host, '--port', '0', '--log-to', 'none', '--no-console']
  const netlab = startNetlab(['serve', service, '--tls', ...place])
  return /:(\d+)$/.exec(await netlab.line(/listening on/))?.[1] ?? ''
}

async function tell(port: string, lines: string, answer: string): Promise<string> {
  const client = await TestClient.connect(Number(port))
  const text = await client.write(lines).until(answer)
  client.destroy()
  return text
}
