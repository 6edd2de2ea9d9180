import { UsageError } from '../../base/errors.ts'
import { datagramLimits } from '../../datagram-chat/limits.ts'
import type { NetworkEmulatorOptions } from '../../datagram-chat/network-emulator.ts'
import { duration, flag, integer, type Kind, optional, path, port } from '../../options/kinds.ts'
import { option, type Values } from '../../options/spec.ts'
import { checkName, nameFaults, roomName, roomNameRule } from '../../text/names.ts'
import { endpointKind, givenPort, operationOptions } from '../input.ts'

/** A probability from 0 to 1, written as `10%` or `10`. */
export const share: Kind<number> = {
  placeholder: 'PERCENT',
  parse(value) {
    const match = /^(\d+(?:\.\d+)?)\s*%?$/.exec(value.trim())
    const percent = Number(match?.[1] ?? Number.NaN)
    if (Number.isNaN(percent)) throw new UsageError(`"${value}" is not a share such as 10%`)
    if (percent > 100) throw new UsageError(`${value.trim()} is more than 100%`)
    return percent / 100
  },
}

/** Capital letters and a leading # are forgiven. */
export const room: Kind<string> = {
  placeholder: 'ROOM',
  parse(value) {
    const name = roomName(value.trim())
    if (name !== undefined) return name
    throw new UsageError(`"${value}" cannot be a room's name`, {
      hint: `a room's name has ${roomNameRule}; it begins with a letter or digit`,
    })
  },
}

export const nick: Kind<string> = {
  placeholder: 'NAME',
  parse(value) {
    const check = checkName(value.trim())
    if (check.kind === 'good') return check.name
    throw new UsageError(`"${value}" cannot be a member's name`, { hint: nameFaults[check.why] })
  },
}

/**
 * `--room-key` takes no value, since everybody on a machine can read command lines. Its variable NETLAB_ROOM_KEY holds the phrase itself,
 * so whatever is in there is right, and never repeated in an error.
 */
const roomKey: Kind<boolean | string> = { placeholder: '', parse: (value) => value }

/** Where a relay listens; docs/chat-udp.md promises it. */
const defaultPort = 9195

export const chatUdpOptions = {
  host: option({
    kind: optional(endpointKind),
    summary: 'the relay, also HOST:PORT and [IPV6]:PORT; with --serve, the address to listen on',
    default: undefined,
    defaultText: 'look on the local network; with --serve all addresses',
  }),
  port: option({
    kind: optional(port),
    alias: 'p',
    summary: 'UDP port of the relay',
    default: undefined,
    defaultText: String(defaultPort),
  }),
  serve: option({ kind: flag, summary: 'be the relay that others join', default: false }),
  name: option({ kind: optional(nick), alias: 'n', summary: 'your name in the room', default: undefined }),
  room: option({ kind: optional(room), summary: "the room's name; joining, refuse any other", default: undefined }),
  roomKey: option({
    kind: roomKey,
    summary: 'encrypt with a phrase that all members know; asks for it, or takes it from NETLAB_ROOM_KEY',
    default: false,
  }),
  roomKeyFile: option({ kind: optional(path), summary: 'encrypt with the phrase in this file', default: undefined }),
  strictPort: option({
    kind: flag,
    summary: 'with --serve, fail when the port is taken instead of trying the next',
    default: false,
  }),
  discovery: option({
    kind: flag,
    summary: 'with --serve, stay silent when members look for a relay on the local network',
    default: true,
  }),
  maxMembers: option({
    kind: integer(1, datagramLimits.maxMembers),
    summary: 'with --serve, members at a time',
    default: datagramLimits.members,
  }),
  maxMembersPerAddress: option({
    kind: integer(1, datagramLimits.maxMembers),
    summary: 'with --serve, members from one other machine, or from all that share its address or IPv6 /64',
    default: datagramLimits.membersPerAddress,
  }),
  maxRate: option({
    kind: integer(1, 1_000_000),
    summary: `with --serve, messages a second of one member (of up to ${datagramLimits.fragmentBytes} bytes); more wait`,
    default: datagramLimits.fragmentsPerSecond,
  }),
  drop: option({ kind: share, summary: 'emulate a bad network: lose this share of the datagrams', default: 0 }),
  duplicate: option({ kind: share, summary: 'emulate a bad network: deliver this share twice', default: 0 }),
  reorder: option({ kind: share, summary: 'emulate a bad network: let others overtake this share', default: 0 }),
  delay: option({ kind: duration, summary: 'emulate a bad network: hold everything back so long', default: 0 }),
  seed: option({
    kind: integer(0, 0xffff_ffff),
    summary: 'the emulated network does the same for the same seed',
    default: 1,
  }),
  ...operationOptions('with --serve, '),
} as const

/** The relay's port, wherever it was given. @throws {UsageError} */
export function relayPort({ host, port }: Pick<ChatUdpValues, 'host' | 'port'>): number {
  return givenPort(host, port) ?? defaultPort
}

export type ChatUdpValues = Values<typeof chatUdpOptions>

/** The bad network that was asked for; undefined for none. */
export function emulatorOptions({
  drop,
  duplicate,
  reorder,
  delay,
  seed,
}: ChatUdpValues): NetworkEmulatorOptions | undefined {
  const wanted = drop > 0 || duplicate > 0 || reorder > 0 || delay > 0
  return wanted ? { drop, duplicate, reorder, delayMs: delay, seed } : undefined
}
