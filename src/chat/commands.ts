import type { HistoryRange, Ref } from './message.ts'

/** What an argument is, and the value that a request carries for it. */
export interface ArgumentTypes {
  /** A room before other arguments, the current one when it is not named; a person must write `#`, so that it is not taken for text. */
  leadingRoom: string | undefined
  /** The same where nothing else follows: `#` may be left out. */
  optionalRoom: string | undefined
  room: string
  name: string
  text: string
  note: string | undefined
  /** The word `off`: takes the command back. */
  off: boolean
  range: HistoryRange
  /** Programs only: the last id they have seen of the room. */
  after: number | undefined
  /** Programs only: a person is asked for it, and never types it where it could be said to the room. */
  secret: string | undefined
  /** One word. */
  word: string
  /** Which of somebody's own sessions; this one when nothing is said. */
  sessions: string | number | undefined
}

export type Right = 'everybody' | 'operators'

export interface CommandSpec {
  /** In the order in which a person types them; the key is the field's name in a JSON message. */
  readonly args: Readonly<Record<string, keyof ArgumentTypes>>
  /** As the help shows it. */
  readonly usage: string
  readonly summary: string
  readonly right: Right
  /** May be typed at the server's console. */
  readonly console?: true
  /** Asked of the accounts, and answered by them to nobody else: it never reaches the owner of the chat's state. */
  readonly accounts?: true
}

/** Every request there is. How a line or a JSON message is read, what the help says and who may do it all follow from it. */
export const commandTable = {
  say: {
    args: { room: 'leadingRoom', text: 'text' },
    usage: '/say [#ROOM] TEXT',
    summary: 'say it, as a line without a "/" does',
    right: 'everybody',
    console: true,
  },
  me: {
    args: { room: 'leadingRoom', text: 'text' },
    usage: '/me [#ROOM] TEXT',
    summary: 'say what you are doing: "/me waves"',
    right: 'everybody',
  },
  msg: {
    args: { name: 'name', text: 'text' },
    usage: '/msg NAME TEXT',
    summary: 'say it to one person; not kept in the history',
    right: 'everybody',
  },
  join: {
    args: { room: 'room', after: 'after' },
    usage: '/join ROOM',
    summary: 'enter a room, or turn to one you are in',
    right: 'everybody',
  },
  leave: { args: { room: 'optionalRoom' }, usage: '/leave [ROOM]', summary: 'leave a room', right: 'everybody' },
  rooms: { args: {}, usage: '/rooms', summary: 'list the rooms', right: 'everybody', console: true },
  who: {
    args: { room: 'optionalRoom' },
    usage: '/who [ROOM]',
    summary: 'list who is in a room',
    right: 'everybody',
    console: true,
  },
  history: {
    args: { room: 'leadingRoom', range: 'range' },
    usage: '/history [#ROOM] [N | before ID | after ID]',
    summary: 'show what was said',
    right: 'everybody',
  },
  away: {
    args: { text: 'note' },
    usage: '/away [TEXT]',
    summary: 'be away; without a text, be back',
    right: 'everybody',
  },
  topic: {
    args: { room: 'leadingRoom', text: 'note' },
    usage: '/topic [#ROOM] [TEXT]',
    summary: 'set what the room is about, or nothing',
    right: 'operators',
    console: true,
  },
  kick: {
    args: { room: 'leadingRoom', name: 'name', text: 'note' },
    usage: '/kick [#ROOM] NAME [REASON]',
    summary: 'put somebody out of the room',
    right: 'operators',
    console: true,
  },
  ban: {
    args: { room: 'leadingRoom', name: 'name', off: 'off' },
    usage: '/ban [#ROOM] NAME [off]',
    summary: 'put somebody out of the room for good',
    right: 'operators',
    console: true,
  },
  mute: {
    args: { room: 'leadingRoom', name: 'name', off: 'off' },
    usage: '/mute [#ROOM] NAME [off]',
    summary: 'let somebody only read in the room',
    right: 'operators',
    console: true,
  },
  op: {
    args: { name: 'name', off: 'off' },
    usage: '/op NAME [off]',
    summary: 'make somebody an operator',
    right: 'operators',
    console: true,
  },
  claim: {
    args: { code: 'word' },
    usage: '/claim CODE',
    summary: 'become an operator by a code of the server',
    right: 'everybody',
  },
  whoami: {
    args: {},
    usage: '/whoami',
    summary: 'show who you are, and since when',
    right: 'everybody',
    accounts: true,
  },
  sessions: {
    args: {},
    usage: '/sessions',
    summary: 'list where you are logged in',
    right: 'everybody',
    accounts: true,
  },
  logout: {
    args: { which: 'sessions' },
    usage: '/logout [ID | others | all]',
    summary: 'end this session and leave, or end others',
    right: 'everybody',
    accounts: true,
  },
  passwd: {
    args: { old: 'secret', new: 'secret' },
    usage: '/passwd',
    summary: 'change your password; ends other sessions',
    right: 'everybody',
    accounts: true,
  },
  help: { args: {}, usage: '/help', summary: 'show this list', right: 'everybody', console: true },
  quit: { args: {}, usage: '/quit', summary: 'leave the chat', right: 'everybody' },
  ping: { args: {}, usage: '/ping', summary: 'ask whether the server is there', right: 'everybody' },
} as const satisfies Readonly<Record<string, CommandSpec>>

type Table = typeof commandTable

export type CommandName = keyof Table

/** What a member asks for, checked: a union over the table, with `cid` as the client's own id of what is said, and `ref` as its mark for answers. */
export type ChatRequest = {
  [K in CommandName]: { readonly type: K; readonly cid?: string | undefined; readonly ref?: Ref | undefined } & {
    readonly [A in keyof Table[K]['args']]: Table[K]['args'][A] extends keyof ArgumentTypes
      ? ArgumentTypes[Table[K]['args'][A]]
      : never
  }
}[CommandName]

/** What goes to the accounts, by the table. */
export type AccountRequest = Extract<
  ChatRequest,
  { type: { [K in CommandName]: Table[K] extends { accounts: true } ? K : never }[CommandName] }
>

/** What goes to the owner of the chat's state. */
export type RoomRequest = Exclude<ChatRequest, AccountRequest>

export function isForAccounts(request: ChatRequest): request is AccountRequest {
  return 'accounts' in commandTable[request.type]
}

export function isCommand(name: string): name is CommandName {
  return Object.hasOwn(commandTable, name)
}

/** The table's entries, typed as what they have in common. */
export const commandSpecs: readonly (readonly [CommandName, CommandSpec])[] = Object.entries(commandTable).flatMap(
  ([name, spec]) => (isCommand(name) ? [[name, spec] as const] : []),
)
