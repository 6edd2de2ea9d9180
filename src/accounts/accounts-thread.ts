import { setImmediate as immediate } from 'node:timers/promises'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { errorMessage, restoreError, type SerializedError, serializeError } from '../base/errors.ts'
import type { EventSink, NetlabEvent } from '../base/events.ts'
import { openRpc, type Rpc } from '../base/rpc.ts'
import type { StartThread } from '../base/threads.ts'
import { type AccountCalls, type Accounts, type NamedAccount, type SessionEnd, SessionNotifier } from './accounts.ts'
import type { AdministrationCalls, Ban } from './administration.ts'
import type { AccountsConfig, AccountsServices, LocalAccounts } from './local-accounts.ts'

/** What a server's listener thread calls at the thread that owns the accounts. */
type UserCalls = AdministrationCalls & {
  attach(port: MessagePort): void
  accountsOf(names: readonly string[]): Promise<readonly NamedAccount[]>
}

/** What the thread calls besides that has started it. */
type OwnerCalls = UserCalls & {
  /** @throws {StorageError} when a store can't be used. */
  open(config: AccountsConfig): Promise<void>
  /** Another service of the process uses the same accounts. */
  share(port: MessagePort): void
  close(argument: undefined): Promise<void>
}

/** What the owner tells it unasked. */
type OwnerNotices = {
  record(event: NetlabEvent): void
  /** After `open`: passwords can't be checked. */
  failed(error: SerializedError): void
  /** After `open`, and whenever they change: the bans that hold. */
  bansChanged(bans: readonly Ban[]): void
}

/** What the owner tells the threads of clients unasked. */
type SessionNotices = {
  sessionRenamed(change: { readonly session: number; readonly name: string }): void
  sessionEnded(end: { readonly session: number; readonly why: SessionEnd }): void
}

/** The owner of all accounts, in a thread of its own: its files and its database hold up nobody else. */
export class AccountsThread {
  readonly #owner: Rpc<UserCalls>
  readonly #end: () => Promise<void>
  /** What the operator asks of the accounts. */
  readonly administer: Rpc<AdministrationCalls>['request']

  private constructor(owner: Rpc<UserCalls>, end: () => Promise<void>) {
    this.#owner = owner
    this.administer = owner.request
    this.#end = end
  }

  /**
   * Resolves once the stores are open; `fail` is told what turns up later, after which there are no accounts any more, and
   * `onBans` the bans that hold, whenever they have changed.
   * @throws {StorageError} when a store can't be used; the thread has ended then.
   */
  static async open(
    config: AccountsConfig,
    startThread: StartThread,
    record: EventSink,
    fail: (error: Error) => void,
    onBans: (bans: readonly Ban[]) => void = () => {},
  ): Promise<SharedAccountsThread> {
    const thread = startThread('store', { name: 'accounts', data: { role: 'accounts' } })
    const owner = openRpc<OwnerCalls, OwnerNotices>(thread, {
      record,
      failed: (error) => fail(restoreError(error)),
      bansChanged: onBans,
    })
    const ended = Promise.withResolvers<void>()
    let running = false
    thread.on('error', (error) => {
      record({ type: 'fault', where: 'accounts thread', error: errorMessage(error) })
      owner.close(error)
      if (running) fail(error)
    })
    thread.on('exit', () => {
      owner.close(new Error('the accounts thread has ended'))
      ended.resolve()
    })
    try {
      await owner.request('open', config)
    } catch (error) {
      await thread.terminate()
      throw error
    }
    running = true
    const close = async (): Promise<void> => {
      // It answers that it could, and records why if it could not; it doesn't answer when it has ended already.
      await owner.request('close', undefined).catch(() => undefined)
      void thread.terminate()
      await ended.promise
    }
    const share = (): MessagePort => {
      const { port1, port2 } = new MessageChannel()
      owner.notify('share', port2, [port2])
      return port1
    }
    return Object.assign(new AccountsThread(owner, close), { share })
  }

  /** The accounts that another service of this process has opened, who gave this `port`; it alone hears of their failure. */
  static join(port: MessagePort, onBans: (bans: readonly Ban[]) => void): AccountsThread {
    const owner = openRpc<UserCalls, OwnerNotices>(port, {
      record: () => undefined,
      failed: () => undefined,
      bansChanged: onBans,
    })
    return new AccountsThread(owner, async () => port.close())
  }

  /** Whoever has the other end of `port` can make a `RemoteAccounts` of it, in any thread. */
  attach(port: MessagePort): void {
    this.#owner.notify('attach', port, [port])
  }

  /** The ids of the accounts that have these names. */
  accountsOf(names: readonly string[]): Promise<readonly NamedAccount[]> {
    return this.#owner.request('accountsOf', names)
  }

  /** Of who opened the accounts: everything acknowledged is on disk when this resolves, and the thread has ended. */
  close(): Promise<void> {
    return this.#end()
  }
}

/** The accounts, for who opened them. */
export interface SharedAccountsThread extends AccountsThread {
  /** A way to them for one more service of this process, which makes an `AccountsThread` of it by `join`. */
  share(): MessagePort
}

/** The program of that thread. */
export function runAccountsThread(port: MessagePort, services: Omit<AccountsServices, 'record'>): void {
  const opened = Promise.withResolvers<LocalAccounts>()
  const record: EventSink = (event) => listener.notify('record', event)
  let loaded: Promise<void> = Promise.resolve()
  const administration = async () => (await opened.promise).administration
  const users = new Set<Rpc<OwnerNotices>>()
  const tellBans = async (): Promise<void> => {
    const bans = (await administration()).bans()
    for (const user of users) user.notify('bansChanged', bans)
  }
  const calls: { readonly [K in keyof UserCalls]: UserCalls[K] } = {
    async attach(client) {
      serveAccounts(client, await opened.promise)
    },
    people: async () => (await administration()).people(),
    forget: async (request) => (await administration()).forget(request).finally(tellBans),
    rename: async (request) => (await administration()).rename(request),
    reset: async (request) => (await administration()).reset(request),
    sessionsOf: async (request) => (await administration()).sessionsOf(request),
    logOut: async (request) => (await administration()).logOut(request),
    ban: async (request) => (await administration()).ban(request).finally(tellBans),
    unban: async (request) => (await administration()).unban(request).finally(tellBans),
    bans: async () => (await administration()).bans(),
    clear: async () => (await administration()).clear(),
    accountsOf: async (names) => (await opened.promise).accountsOf(names),
  }
  const listener = openRpc<OwnerNotices, OwnerCalls>(port, {
    ...calls,
    async open(config) {
      // Here, because every thread of a server knows this file, and only this one needs argon2 and SQLite.
      const { openAccounts } = await import('./local-accounts.ts')
      const accounts = await openAccounts(config, { ...services, record })
      opened.resolve(accounts)
      void tellBans()
      // Loading argon2 keeps the thread busy; the answer goes first.
      loaded = immediate()
        .then(() => accounts.load())
        .catch((error) => listener.notify('failed', serializeError(error)))
    },
    share(far) {
      const user = openRpc<OwnerNotices, UserCalls>(far, calls)
      users.add(user)
      far.once('close', () => users.delete(user))
      void tellBans()
    },
    async close() {
      try {
        await (await opened.promise).close()
        // An addon that is being loaded while its thread is terminated aborts the process.
        await loaded
      } catch (error) {
        record({ type: 'fault', where: 'accounts', error: errorMessage(error) })
      }
    },
  })
  users.add(listener)
}

/** The accounts of another thread. `port` leads to a `serveAccounts`; when that thread ends, calls are rejected. */
export class RemoteAccounts implements Accounts {
  readonly #owner: Rpc<AccountCalls>
  readonly #sessionEnds = new SessionNotifier<SessionEnd>()
  readonly #sessionNames = new SessionNotifier<string>()

  constructor(port: MessagePort) {
    this.#owner = openRpc<AccountCalls, SessionNotices>(port, {
      sessionEnded: ({ session, why }) => this.#sessionEnds.announce(session, why),
      sessionRenamed: ({ session, name }) => this.#sessionNames.announce(session, name),
    })
  }

  readonly nameOf: AccountCalls['nameOf'] = (request) => this.#owner.request('nameOf', request)
  readonly identify: AccountCalls['identify'] = (request) => this.#owner.request('identify', request)
  readonly login: AccountCalls['login'] = (request, signal) => this.#owner.request('login', request, { signal })
  readonly register: AccountCalls['register'] = (request, signal) =>
    this.#owner.request('register', request, { signal })
  readonly resume: AccountCalls['resume'] = (request) => this.#owner.request('resume', request)
  readonly sessions: AccountCalls['sessions'] = (request) => this.#owner.request('sessions', request)
  readonly logout: AccountCalls['logout'] = (request) => this.#owner.request('logout', request)
  readonly changePassword: AccountCalls['changePassword'] = (request, signal) =>
    this.#owner.request('changePassword', request, { signal })

  onEnd(session: number, callback: (why: SessionEnd) => void): () => void {
    return this.#sessionEnds.watch(session, callback)
  }

  onRename(session: number, callback: (name: string) => void): () => void {
    return this.#sessionNames.watch(session, callback)
  }
}

/** The owner's accounts, which know of everyone's sessions. */
export interface OwnedAccounts extends Accounts {
  readonly sessionEnds: SessionNotifier<SessionEnd>
  readonly sessionNames: SessionNotifier<string>
}

/** Answers the calls that come through `port`, whose other end a `RemoteAccounts` has, until it closes. */
export function serveAccounts(port: MessagePort, accounts: OwnedAccounts): void {
  const client = openRpc<SessionNotices, AccountCalls>(port, {
    nameOf: (request) => accounts.nameOf(request),
    identify: (request) => accounts.identify(request),
    login: (request, signal) => accounts.login(request, signal),
    register: (request, signal) => accounts.register(request, signal),
    resume: (request) => accounts.resume(request),
    sessions: (request) => accounts.sessions(request),
    logout: (request) => accounts.logout(request),
    changePassword: (request, signal) => accounts.changePassword(request, signal),
  })
  const unwatchEnds = accounts.sessionEnds.watchAll((session, why) => client.notify('sessionEnded', { session, why }))
  const unwatchNames = accounts.sessionNames.watchAll((session, name) =>
    client.notify('sessionRenamed', { session, name }),
  )
  port.once('close', () => {
    unwatchEnds()
    unwatchNames()
  })
}
