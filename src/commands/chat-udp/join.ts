import type { Clock } from '../../base/clock.ts'
import { type ExitCode, NetworkError, UsageError } from '../../base/errors.ts'
import { type FoundRelay, findRelays, followRelay } from '../../datagram-chat/discovery.ts'
import { keysFromPhrase, type MemberConnectionOptions } from '../../datagram-chat/member-socket.ts'
import { type Endpoint, formatEndpoint } from '../../net/address.ts'
import { type AskStreams, choose } from '../../options/ask.ts'
import type { Kind } from '../../options/kinds.ts'
import type { Ask } from '../../options/resolve.ts'
import { option } from '../../options/spec.ts'
import { checkName } from '../../text/names.ts'
import { askOnTerminal, askStreams, type CommandContext } from '../command.ts'
import { endpointKind } from '../input.ts'
import { UdpChatClient } from './client.ts'
import { type ChatUdpValues, emulatorOptions, nick, relayPort } from './options.ts'
import { roomPhrase, secrecy } from './room-key.ts'

/** `netlab chat-udp [host]`: a member, until it leaves. */
export async function run(values: ChatUdpValues, context: CommandContext): Promise<ExitCode> {
  const { clock, signal, stderr } = context
  const ask = askOnTerminal(context)
  const report = (line: string) => void stderr.write(`${line}\n`)
  const place = await findRelay(values, { clock, signal, ask, streams: askStreams(context), report })
  const askName = ask && (() => ask('Your name in the room', nameQuestion(context)))
  const name = values.name ?? (await askName?.()) ?? usualName(context)
  const phrase = await roomPhrase(values, context, ask)
  report(secrecy(phrase !== undefined))
  const options = {
    ...place,
    room: values.room ?? '',
    deriveKeys: phrase === undefined ? undefined : keysFromPhrase(phrase),
    network: emulatorOptions(values),
  }
  return new UdpChatClient(context, options, askName).run(name)
}

function nameQuestion(context: CommandContext) {
  return option<string>({ kind: nick, summary: 'your name', default: usualName(context) })
}

/** Who is logged in, when that can be a name. */
function usualName({ environment }: CommandContext): string {
  const check = checkName(environment.USER ?? environment.USERNAME ?? '')
  return check.kind === 'good' ? check.name : 'guest'
}

type RelayPlace = Pick<MemberConnectionOptions, 'host' | 'port' | 'lookUp'>

/** What the search needs besides the options. */
interface FindDeps {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly ask: Ask | undefined
  readonly streams: AskStreams | undefined
  readonly report: (line: string) => void
}

const endpointOrNothing: Kind<Endpoint | undefined> = {
  placeholder: 'HOST',
  parse: (value) => (value.trim() === '' ? undefined : endpointKind.parse(value)),
}

/** Which relay to join: the one that was given, the one a person names, or the one that answers on the local network. */
async function findRelay(values: ChatUdpValues, deps: FindDeps): Promise<RelayPlace> {
  const { ask, report } = deps
  const question = { kind: endpointOrNothing, summary: 'the relay', default: undefined }
  const host = values.host ?? (await ask?.('Relay (nothing: look for one on the local network)', question))
  if (host !== undefined) return { host: host.host, port: relayPort({ host, port: values.port }) }
  report('Looking for a relay on the local network …')
  const all = await findRelays(deps.clock, deps.signal)
  deps.signal.throwIfAborted()
  const { room } = values
  const place = await chooseRelay(room === undefined ? all : all.filter((relay) => relay.room === room), deps)
  report(`Found one at ${formatEndpoint(place.host, place.port)}`)
  return { host: place.host, port: place.port, lookUp: followRelay(place, deps.clock) }
}

async function chooseRelay(relays: readonly FoundRelay[], { streams }: FindDeps): Promise<FoundRelay> {
  const [first] = relays
  if (first === undefined) {
    throw new NetworkError('ENOENT', 'no relay answered on the local network', {
      hint: 'start one with netlab chat-udp --serve, or give the host of one that is further away',
    })
  }
  if (relays.length === 1) return first
  if (streams === undefined) {
    const list = relays.map(({ host, port, room }) => `${formatEndpoint(host, port)} (#${room})`).join(', ')
    throw new UsageError(`several relays answered: ${list}`, { hint: 'give the host, and --port, of one' })
  }
  const choices = relays.map((relay) => ({ value: relay, name: describe(relay) }))
  return choose(streams, 'Which relay?', choices)
}

function describe({ host, port, room, memberCount, keyed }: FoundRelay): string {
  return `#${room} at ${formatEndpoint(host, port)}, ${memberCount} here${keyed ? ', with a room key' : ''}`
}
