import type { SessionInfo } from '../accounts/accounts.ts'
import type { AccountsThread } from '../accounts/accounts-thread.ts'
import type { Ban, HostEntry, NameSpace, UserEntry } from '../accounts/administration.ts'
import { accountLimits } from '../accounts/limits.ts'
import { UsageError } from '../base/errors.ts'
import { parseNetwork } from '../net/networks.ts'
import { lifetime } from '../options/kinds.ts'
import { formatMoment, formatTable } from '../terminal/format.ts'
import { type ServiceCommand, unquoted } from '../terminal/operator-console.ts'

// What the operator of a server that knows its clients can do to them.

const onPeople = {
  users: { usage: 'users', summary: 'who is known: since when, last login, sessions' },
  forget: { usage: 'forget NAME|ADDRESS', summary: 'forget an account, or a host, for good', text: true },
  rename: { usage: 'rename OLD NEW', summary: 'give somebody another name (in quotes if it has spaces)' },
  ban: { usage: 'ban NAME|address CIDR [for 2h]', summary: 'keep somebody away from the server', text: true },
  unban: { usage: 'unban NAME|CIDR', summary: 'take a ban back', text: true },
  bans: { usage: 'bans', summary: 'who is banned, until when' },
  clear: {
    usage: 'clear logs|users [all]',
    summary: 'empty the log, or forget all users and hosts',
    question: 'This forgets every account, every host and every session.',
  },
} as const satisfies Readonly<Record<string, ServiceCommand>>

const onAccounts = {
  sessions: { usage: 'sessions NAME', summary: 'where somebody is logged in', text: true },
  logout: { usage: 'logout NAME', summary: 'end all sessions of somebody', text: true },
  reset: { usage: 'reset NAME', summary: 'give somebody a password for one login', text: true },
} as const satisfies Readonly<Record<string, ServiceCommand>>

type AccountCommandName = keyof typeof onPeople | keyof typeof onAccounts

/** What the operator can type, where names are those of hosts, or of users. */
export function accountCommands(space: NameSpace): Readonly<Record<string, ServiceCommand>> {
  return space === 'hosts' ? onPeople : { ...onPeople, ...onAccounts }
}

/** What the commands work on. */
export interface AccountOperator {
  readonly accounts: Pick<AccountsThread, 'administer'>
  readonly space: NameSpace
  /** An account is called so now. */
  renamed?(account: string, name: string): void
}

type Answers = {
  readonly [K in AccountCommandName]: (words: readonly string[], operator: AccountOperator) => Promise<string>
}

/** Carries out one of `accountCommands`. Rejects with a NetlabError for what the operator can mend. */
export function carryOutOnAccounts(
  [name = '', ...words]: readonly string[],
  operator: AccountOperator,
): Promise<string> {
  const answer = Object.hasOwn(answers, name) ? answers[name as AccountCommandName] : undefined
  if (answer === undefined) throw new Error(`${name} is no command on accounts`)
  return answer(words, operator)
}

const answers: Answers = {
  async users(_words, { accounts, space }) {
    const { users, hosts } = await accounts.administer('people', undefined)
    const tables = [users.length === 0 ? [] : [usersTable(users)], hosts.length === 0 ? [] : [hostsTable(hosts)]]
    if (space === 'hosts') tables.reverse()
    const shown = tables.flat()
    return shown.length === 0 ? 'nobody is known' : shown.join('\n\n')
  },
  async forget(words, { accounts, space }) {
    const done = await accounts.administer('forget', { name: nameIn(words, 'forget'), space })
    return `${done.name}${done.address === undefined ? '' : `, ${done.address},`} is forgotten${ended(done.sessions)}`
  },
  async rename([old, name], { accounts, space, renamed }) {
    if (old === undefined || name === undefined)
      throw new UsageError('rename whom, and to what?', { hint: 'type: rename OLD NEW; a name with spaces in quotes' })
    const done = await accounts.administer('rename', { old: unquoted(old), name: unquoted(name), space })
    if (done.account !== undefined) renamed?.(done.account, done.name)
    return `${unquoted(old)} is called ${done.name} now`
  },
  async reset(words, { accounts }) {
    const { name, password, sessions } = await accounts.administer('reset', { name: nameIn(words, 'reset') })
    return `the next login of ${name} takes the password ${password} and asks for a new one; it is shown this once${ended(sessions)}`
  },
  async sessions(words, { accounts }) {
    const name = nameIn(words, 'sessions')
    const sessions = await accounts.administer('sessionsOf', { name })
    return sessions.length === 0 ? `${name} is logged in nowhere` : sessionsTable(sessions)
  },
  async logout(words, { accounts }) {
    const { name, sessions } = await accounts.administer('logOut', { name: nameIn(words, 'logout') })
    return sessions === 0 ? `${name} is logged in nowhere` : `${name} is logged out${ended(sessions)}`
  },
  async ban(words, { accounts, space }) {
    const request = { ...banIn(words[0] ?? ''), space }
    const { name, sessions, until } = await accounts.administer('ban', request)
    return `${name} is banned${until === undefined ? '' : ` until ${moment(until)}`}${ended(sessions)}`
  },
  async unban(words, { accounts }) {
    const whom = nameIn(words, 'unban').replace(/^address\s+(?=\S)/i, '')
    const { name, address } = await accounts.administer('unban', { whom })
    return `${name ?? address ?? whom} is no longer banned`
  },
  async bans(_words, { accounts }) {
    const bans = await accounts.administer('bans', undefined)
    return bans.length === 0 ? 'nobody is banned' : bansTable(bans)
  },
  async clear(_words, { accounts }) {
    const count = await accounts.administer('clear', undefined)
    const kept = count === 0 ? '' : '; what there was is in the users file with .bak behind its name'
    return `${count === 1 ? 'one user is forgotten' : `${count} users are forgotten`}${kept}`
  },
}

/** @throws {UsageError} when nobody is named */
function nameIn([name]: readonly string[], command: string): string {
  if (name !== undefined && unquoted(name) !== '') return unquoted(name)
  throw new UsageError(`${command} whom?`, { hint: '"users" lists who is known' })
}

/** `NAME`, `NAME for 2h`, `"wait for me" for 2h`, `address 192.0.2.0/24 for 1d`. @throws {UsageError} */
function banIn(text: string): { readonly whom: string; readonly what: 'name' | 'address'; readonly forMs?: number } {
  const [, quoted, plain = '', time] = /^(?:"([^"]+)"|(.*?))(?:\s+for\s+(\S+))?$/.exec(text) ?? []
  const address = quoted === undefined ? /^address(?:\s+(.*))?$/i.exec(plain) : null
  const whom = quoted ?? (address === null ? plain : (address[1] ?? ''))
  if (whom === '')
    throw new UsageError('ban whom?', { hint: 'ban NAME, or ban address CIDR, with "for 2h" behind it for a time' })
  if (address === null && parseNetwork(whom) !== undefined)
    throw new UsageError(`${whom} is an address, and no name`, { hint: `type: ban address ${whom}` })
  const forMs = time === undefined ? undefined : lifetime.parse(time)
  return { whom, what: address === null ? 'name' : 'address', ...(forMs !== undefined && { forMs }) }
}

function ended(sessions: number): string {
  return sessions === 0 ? '' : `; ${sessions === 1 ? 'one session' : `${sessions} sessions`} ended`
}

function moment(time: string): string {
  return formatMoment(Date.parse(time))
}

function usersTable(users: readonly UserEntry[]): string {
  const rows = users
    .slice(0, accountLimits.usersShown)
    .map(({ name, since, lastLoginMs, sessions, address, ...marks }) => {
      const notes = [...(marks.banned ? ['banned'] : []), ...(marks.oneTime ? ['one-time password'] : [])]
      const last = lastLoginMs === undefined ? '-' : formatMoment(lastLoginMs)
      return [name, moment(since), last, String(sessions), address ?? '-', notes.join(', ')]
    })
  return table(['NAME', 'SINCE', 'LAST LOGIN', 'SESSIONS', 'ADDRESS', ''], rows, users.length)
}

function hostsTable(hosts: readonly HostEntry[]): string {
  const rows = hosts
    .slice(0, accountLimits.usersShown)
    .map(({ name, since, address }) => [name, moment(since), address])
  return table(['HOST', 'SINCE', 'ADDRESS'], rows, hosts.length)
}

function sessionsTable(sessions: readonly SessionInfo[]): string {
  const rows = sessions.map(({ id, address, createdMs, usedMs, expiresMs }) => [
    String(id),
    address,
    ...[createdMs, usedMs, expiresMs].map(formatMoment),
  ])
  return table(['SESSION', 'ADDRESS', 'SINCE', 'LAST USED', 'UNTIL'], rows, rows.length)
}

function bansTable(bans: readonly Ban[]): string {
  const rows = bans.map(({ name, address, since, until }) => {
    return [name ?? `address ${address}`, moment(since), until === undefined ? 'for good' : moment(until)]
  })
  return table(['BANNED', 'SINCE', 'UNTIL'], rows, rows.length)
}

function table(head: readonly string[], rows: readonly (readonly string[])[], count: number): string {
  const more = count > rows.length ? `\nand ${count - rows.length} more` : ''
  return `${formatTable([head, ...rows])}${more}`
}
