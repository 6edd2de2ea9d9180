import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { serveAccounts } from '../../src/accounts/accounts-thread.ts'
import { argon2Hasher } from '../../src/accounts/argon2.ts'
import { openAccounts } from '../../src/accounts/local-accounts.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { NetlabEvent } from '../../src/base/events.ts'
import { serveBackplane } from '../../src/chat/backplane.ts'
import { Chat } from '../../src/chat/chat.ts'
import { RemoteHistory } from '../../src/chat/history.ts'
import { runHistory } from '../../src/chat/history-thread.ts'
import type { ChatServerMessage } from '../../src/chat/message.ts'
import { encodeFrames, FrameDecoder } from '../../src/net/frame-codec.ts'
import { networkList } from '../../src/net/networks.ts'
import { chat } from '../../src/protocols/chat.ts'
import { TestClient } from './client.ts'
import { LocalServer } from './local-server.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** What the accounts say, with the fields that differ by type. */
interface AccountAnswer {
  readonly type: 'hello' | 'welcome' | 'whoami' | 'sessions' | 'logged-out' | 'changed' | 'denied'
  readonly token?: string
  readonly reason?: string
}

type Heard = ChatServerMessage | AccountAnswer

/** `serve chat` in this very thread: sockets, sessions, history and ports for real, cheap hashes, no other threads. */
export interface ChatServer extends AsyncDisposable {
  readonly server: LocalServer
  readonly port: number
  /** What the owner of the chat's state recorded. */
  readonly events: readonly NetlabEvent[]
  /** Registers somebody, unless that is done, and answers with the token of a session. */
  register(name: string): Promise<string>
  /** Somebody new who speaks frames, and is in the lobby. */
  come(name: string): Promise<ChatMember>
  /** Ends everybody's sessions. */
  clear(): Promise<unknown>
}

export interface ChatServerOptions {
  /** The disk is full when the history has so many pages of 4 KiB. */
  readonly maxPages?: number
  /** They are registered before the chat starts. */
  readonly operators?: readonly string[]
  readonly pingInterval?: number
}

export async function startChatServer({
  maxPages,
  operators = [],
  ...config
}: ChatServerOptions = {}): Promise<ChatServer> {
  const folder = temporaryFolder()
  const events: NetlabEvent[] = []
  const record = (event: NetlabEvent): void => void events.push(event)
  const accounts = await openAccounts(
    {
      usersPath: join(folder, 'users.json'),
      sessionTimes: { idleMs: 60_000, maxMs: 60_000 },
      hashWidth: 1,
      // A test registers a thousand at once.
      throttleExempt: networkList.parse('127.0.0.1'),
    },
    { clock: systemClock, record, hasher: argon2Hasher({ memoryKib: 64, passes: 1, lanes: 1 }) },
  )
  const tokens = new Map<string, string>()
  const register = async (name: string): Promise<string> => {
    const known = tokens.get(name)
    if (known !== undefined) return known
    const password = `correct horse ${name}`
    const outcome = await accounts.register({ name, password, address: '127.0.0.1' }, new AbortController().signal)
    if (outcome.kind !== 'welcome' || outcome.token === undefined) throw new Error(`${name} is ${outcome.kind}`)
    tokens.set(name, outcome.token)
    return outcome.token
  }
  for (const name of operators) await register(name)
  const store = new MessageChannel()
  const file = join(folder, 'netlab.db')
  const limit = { count: 0, ageMs: 0 }
  const options = { file, limit, durability: 'process', ...(maxPages !== undefined && { maxPages }) } as const
  runHistory({ port: store.port2, options }, systemClock)
  const history = new RemoteHistory(store.port1)
  const remembered = await history.open()
  const defer = (callback: () => void): void => void setImmediate(callback)
  const room = new Chat({
    clock: systemClock,
    defer,
    record,
    history,
    remembered,
    operators: accounts.accountsOf(operators),
  })
  const [toRoom, toAccounts] = [new MessageChannel(), new MessageChannel()]
  serveAccounts(toAccounts.port2, accounts)
  serveBackplane(room.backplane(), toRoom.port2)
  const server = await LocalServer.start(
    chat,
    { options: { operators, floodRate: 0, sessionIdle: 60_000 }, ...config },
    { channels: { chat: toRoom.port1, accounts: toAccounts.port1 } },
  )
  return {
    server,
    port: server.port,
    events,
    register,
    come: async (name) => ChatMember.come(server.port, await register(name)),
    clear: () => accounts.clear(),
    async [Symbol.asyncDispose]() {
      await server.close()
      await history.close(room.nextId)
      await accounts.close()
    },
  }
}

/** A program in the chat that keeps what it hears. */
export class ChatMember {
  readonly client: TestClient
  readonly heard: Heard[] = []
  readonly #decoder = new FrameDecoder()

  private constructor(client: TestClient) {
    this.client = client
    client.socket.on('data', (chunk: Buffer) => {
      for (const frame of this.#decoder.push(chunk)) this.heard.push(JSON.parse(frame.toString()))
    })
  }

  /** Connects and sends. */
  static async connect(port: number, ...messages: readonly object[]): Promise<ChatMember> {
    const member = new ChatMember(await TestClient.connect(port))
    member.send(...messages)
    return member
  }

  /** Connects, goes on with the session, and is in the lobby. */
  static async come(port: number, token: string): Promise<ChatMember> {
    const member = await ChatMember.connect(port, { type: 'resume', token }, { type: 'enter' })
    await member.hear('joined')
    return member
  }

  send(...messages: readonly object[]): void {
    this.client.write(encodeFrames(messages.map((message) => JSON.stringify(message))))
  }

  /** Everything heard of one type. */
  of<T extends Heard['type']>(type: T): Extract<Heard, { type: T }>[] {
    return this.heard.filter((message): message is Extract<Heard, { type: T }> => message.type === type)
  }

  /** Waits until so many of a type have come, and answers with the last of them. */
  async hear<T extends Heard['type']>(type: T, count = 1): Promise<Extract<Heard, { type: T }>> {
    await this.client.until(() => this.of(type).length >= count)
    const found = this.of(type)[count - 1]
    if (found === undefined) throw new Error(`the connection ended before ${count} × ${type} came`)
    return found
  }

  /** Waits until everything that was sent has been carried out. */
  async settled(): Promise<void> {
    const pongs = this.of('pong').length
    this.send({ type: 'ping' })
    await this.hear('pong', pongs + 1)
  }
}
