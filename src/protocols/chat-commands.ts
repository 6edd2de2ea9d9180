import { commandSpecs } from '../chat/commands.ts'
import type { ServiceCommand } from '../terminal/operator-console.ts'
import { accountCommands } from './account-commands.ts'

/** What the operator of a chat can type: what is done to accounts, and in rooms what an operator among the members does. */
export function chatCommands(): Readonly<Record<string, ServiceCommand>> {
  // The table of all commands has a help of its own.
  const inRooms = commandSpecs.flatMap(([name, { usage, summary, console }]) =>
    console === true && name !== 'help' ? [[name, { usage: usage.slice(1), summary, text: true }] as const] : [],
  )
  const { ban, ...onAccounts } = accountCommands('users')
  return {
    ...Object.fromEntries(inRooms),
    ...onAccounts,
    kick: {
      usage: 'kick #ID|[#ROOM] NAME [REASON]',
      summary: 'end one connection, or put out of all rooms or one',
      text: true,
    },
    ban: {
      usage: 'ban NAME|address CIDR [for 2h]',
      summary: 'from the server; ban #ROOM NAME [off] from a room',
      ...ban,
      text: true,
    },
  }
}

const commandsOfRooms: ReadonlySet<string> = new Set(
  commandSpecs.flatMap(([name, { console }]) => (console === true ? [name] : [])),
)

/** Whether the command is carried out in the rooms; a ban without a room is one from the server. */
export function isForRoom([name = '', rest = '']: readonly string[]): boolean {
  return commandsOfRooms.has(name) && (name !== 'ban' || rest.startsWith('#'))
}
