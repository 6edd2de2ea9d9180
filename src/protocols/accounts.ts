import type { NamedAccount } from '../accounts/accounts.ts'
import { AccountsThread } from '../accounts/accounts-thread.ts'
import type { Ban, NameSpace } from '../accounts/administration.ts'
import { affordableHashes } from '../accounts/hash-queue.ts'
import { accountLimits } from '../accounts/limits.ts'
import type { AccountsConfig } from '../accounts/local-accounts.ts'
import { codeFault, type RegistrationMode } from '../accounts/registration.ts'
import { UsageError } from '../base/errors.ts'
import { spareProcessors } from '../base/threads.ts'
import { NetworkMap, networkList, parseNetwork } from '../net/networks.ts'
import { choice, lifetime, optional, path, text } from '../options/kinds.ts'
import { option, type Values } from '../options/spec.ts'
import type {
  CommonState,
  OptionServices,
  Preflight,
  PreflightServices,
  SharedState,
  SharedStateServices,
} from '../serve/protocol.ts'
import type { AccountOperator } from './account-commands.ts'

// What the protocols over the accounts have in common: options, preflight, shared state.

/** Of every server that knows its clients. */
export const usersOption = {
  users: option({ kind: path, summary: 'who is known: names, hosts, password hashes', default: 'users.json' }),
} as const

/** Of every server that people log in to. */
export const accountOptions = {
  ...usersOption,
  db: option({ kind: path, summary: 'login sessions and chat history (SQLite)', default: 'netlab.db' }),
  sessionIdle: option({
    kind: lifetime,
    summary: 'a session ends when not used for so long',
    default: accountLimits.sessionIdleMs,
    defaultText: '24h',
  }),
  sessionMax: option({
    kind: lifetime,
    summary: 'a session ends so long after its login in any case',
    default: accountLimits.sessionMaxMs,
    defaultText: '30d',
  }),
  registration: option<RegistrationMode>({
    kind: choice('open', 'code', 'closed'),
    summary: 'who may register: everybody, who knows a code, or nobody',
    default: 'open',
  }),
  registrationCodeFile: option({
    kind: optional(path),
    summary: 'take the code of --registration code from the first line of this file',
    default: undefined,
    defaultText: 'NETLAB_REGISTRATION_CODE, or asked for',
  }),
  registrationCode: option({
    kind: optional(text),
    secret: true,
    summary: 'the code of --registration code',
    default: undefined,
  }),
  throttleExempt: option({
    kind: networkList,
    summary: 'networks whose failed logins and registrations are not slowed down',
    default: [],
    defaultText: 'none',
    repeatable: true,
  }),
} as const

/** Finds the registration code out, where one is needed. @throws {UsageError, StorageError} */
export async function withRegistrationCode<V extends Values<typeof accountOptions>>(
  values: V,
  { ask, readFirstLine }: OptionServices,
): Promise<V> {
  const { registration, registrationCodeFile: file, registrationCode: given } = values
  if (registration !== 'code') {
    if (file === undefined) return values
    throw new UsageError('a registration code is only asked for with --registration code', {
      hint: 'say --registration code too, or leave --registration-code-file out',
    })
  }
  const spec = { ...accountOptions.registrationCode, kind: text, default: '' }
  const code =
    file === undefined ? (given ?? (await ask?.('Registration code', spec))) : readFirstLine(file, 'the code')
  if (code === undefined) {
    throw new UsageError('--registration code needs a code', {
      hint: 'give it with --registration-code-file or NETLAB_REGISTRATION_CODE',
    })
  }
  const fault = codeFault(code)
  if (fault !== undefined) throw new UsageError(`that registration code can't be used: ${fault}`)
  return { ...values, registrationCode: code }
}

/** What an accounts thread is told. Without a database sessions end with the server. */
export function accountsConfig({
  users,
  db,
  sessionIdle = accountLimits.sessionIdleMs,
  sessionMax = accountLimits.sessionMaxMs,
  registration = 'open',
  registrationCode: code = '',
  throttleExempt = [],
}: Values<typeof usersOption> & Partial<Values<typeof accountOptions>>): AccountsConfig {
  return {
    usersPath: users,
    ...(db !== undefined && { databasePath: db }),
    sessionTimes: { idleMs: sessionIdle, maxMs: sessionMax },
    hashWidth: spareProcessors(),
    registration: registration === 'code' ? { mode: registration, code } : { mode: registration },
    throttleExempt,
  }
}

/** Checks the files of the accounts. @throws {StorageError} */
export async function preflightAccounts(config: AccountsConfig, services: PreflightServices): Promise<Preflight> {
  if (services.isCommonOpen === true) return { complete: true, release: () => undefined }
  const { preflightStores } = await import('../accounts/preflight.ts')
  return preflightStores(config, services)
}

/** The accounts of several services of one process. */
export const commonAccounts: CommonState = {
  name: 'accounts',
  async open(options, { startThread, record, fail, memoryBytes }) {
    // The services that share them all have these options, of which only the protocols know the types.
    const config = accountsConfig(options as Values<typeof usersOption> & Partial<Values<typeof accountOptions>>)
    const hashWidth = affordableHashes(config.hashWidth, memoryBytes)
    const thread = await AccountsThread.open({ ...config, hashWidth }, startThread, record, fail)
    return { connect: () => thread.share(), close: () => thread.close() }
  },
}

/** The accounts of a server. */
export interface AccountsState extends SharedState<'accounts'> {
  refuses(address: string): boolean
  command(words: readonly string[]): Promise<string>
  accountsOf(names: readonly string[]): Promise<readonly NamedAccount[]>
}

/**
 * Starts the storage thread that owns the accounts, unless other services share it. Clients reach it through the channel `accounts`.
 * @param space whom names mean that the operator types
 * @param renamed hears of accounts that have another name
 */
export async function openAccountsState(
  config: AccountsConfig,
  space: NameSpace,
  services: SharedStateServices,
  renamed?: AccountOperator['renamed'],
): Promise<AccountsState> {
  const { startThread, record, fail, clock, endConnections } = services
  let banned = new NetworkMap<number>()
  const refuses = (address: string): boolean => banned.of(address).some((untilMs) => clock.now() < untilMs)
  const onBans = (bans: readonly Ban[]): void => {
    banned = new NetworkMap()
    for (const { address = '', until } of bans) {
      const network = parseNetwork(address)
      if (network !== undefined) banned.set(network, until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until))
    }
    if (bans.some(({ address }) => address !== undefined)) endConnections(refuses)
  }
  const hashWidth = affordableHashes(config.hashWidth, services.memoryBytes)
  const thread =
    services.common === undefined
      ? await AccountsThread.open({ ...config, hashWidth }, startThread, record, fail, onBans)
      : AccountsThread.join(services.common, onBans)
  const operator: AccountOperator = { accounts: thread, space, ...(renamed !== undefined && { renamed }) }
  return {
    accountsOf: (names) => thread.accountsOf(names),
    attach: ({ accounts }) => thread.attach(accounts),
    refuses,
    command: async (words) => (await import('./account-commands.ts')).carryOutOnAccounts(words, operator),
    close: () => thread.close(),
  }
}
