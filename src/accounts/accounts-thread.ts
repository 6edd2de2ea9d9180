import { setImmediate as immediate } from 'node:timers/promises'
import type { MessagePort } from 'node:worker_threads'
import { errorMessage, restoreError, type SerializedError, serializeError } from '../base/errors.ts'
import type { EventSink, NetlabEvent } from '../base/events.ts'
import { openRpc, type Rpc } from '../base/rpc.ts'
import type { StartThread, Thread } from '../base/threads.ts'
import { type AccountCalls, type Accounts, type NamedAccount, type SessionEnd, SessionNotifier } from './accounts.ts'
import type { AdministrationCalls, Ban } from './administration.ts'
import type { AccountsConfig, AccountsServices, LocalAccounts } from './local-accounts.ts'

/** What a server's listener thread calls at the thread that owns the accounts. */
type OwnerCalls = AdministrationCalls & {
  /** @throws {StorageError} when a store can't be used. */
  open(config: AccountsConfig): Promise<void>
  attach(port: MessagePort): void
  accountsOf(names: readonly string[]): Promise<readonly NamedAccount[]>
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
  readonly #thread: Thread
  readonly #owner: Rpc<OwnerCalls>
  readonly #ended: Promise<void>
  /** What the operator asks of the accounts. */
  readonly administer: Rpc<AdministrationCalls>['request']

  private constructor(thread: Thread, owner: Rpc<OwnerCalls>, ended: Promise<void>) {
    this.#thread = thread
    this.#owner = owner
    this.administer = owner.request
    this.#ended = ended
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
  ): Promise<AccountsThread> {
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
    return new AccountsThread(thread, owner, ended.promise)
  }

  /** Whoever has the other end of `port` can make a `RemoteAccounts` of it, in any thread. */
  attach(port: MessagePort): void {
    this.#owner.notify('attach', port, [port])
  }

  /** The ids of the accounts that have these names. */
  accountsOf(names: readonly string[]): Promise<readonly NamedAccount[]> {
    return this.#owner.request('accountsOf', names)
  }

  /** Everything acknowledged is on disk when this resolves, and the thread has ended. */
  async close(): Promise<void> {
    // It answers that it could, and records why if it could not; it doesn't answer when it has ended already.
    await this.#owner.request('close', undefined).catch(() => undefined)
    void this.#thread.terminate()
    await this.#ended
  }
}

/** The program of that thread. */
export function runAccountsThread(port: MessagePort, services: Omit<AccountsServices, 'record'>): void {
  const opened = Promise.withResolvers<LocalAccounts>()
  const record: EventSink = (event) => listener.notify('record', event)
  let loaded: Promise<void> = Promise.resolve()
  const administration = async () => (await opened.promise).administration
  const tellBans = async (): Promise<void> => listener.notify('bansChanged', (await administration()).bans())
  const listener = openRpc<OwnerNotices, OwnerCalls>(port, {
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
