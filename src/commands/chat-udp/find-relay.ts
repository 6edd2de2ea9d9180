import type { Clock } from '../../base/clock.ts'
import { NetworkError, UsageError } from '../../base/errors.ts'
import { type FoundRelay, findRelays } from '../../datagram-chat/discovery.ts'
import { type Endpoint, formatEndpoint } from '../../net/address.ts'
import { type AskStreams, untilClosed } from '../../options/ask.ts'
import type { Kind } from '../../options/kinds.ts'
import type { Ask } from '../../options/resolve.ts'
import { endpointKind } from '../input.ts'
import { relayPort } from './options.ts'
import type { ChatUdpValues } from './values.ts'

export interface Place {
  readonly host: string
  readonly port: number
}

interface Surroundings {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly ask: Ask | undefined
  readonly streams: AskStreams | undefined
  readonly talk: (line: string) => void
}

const endpointOrNothing: Kind<Endpoint | undefined> = {
  placeholder: 'HOST',
  parse: (value) => (value.trim() === '' ? undefined : endpointKind.parse(value)),
}

/** Which relay to join: the one that was given, the one a person names, or the one that answers on the local network. */
export async function findRelay(values: ChatUdpValues, around: Surroundings): Promise<Place> {
  const { ask, talk } = around
  const question = { kind: endpointOrNothing, summary: 'the relay', default: undefined }
  const host = values.host ?? (await ask?.('Relay (nothing: look for one on the local network)', question))
  if (host !== undefined) return { host: host.host, port: relayPort({ host, port: values.port }) }
  talk('Looking for a relay on the local network …')
  const all = await findRelays(around.clock, around.signal)
  around.signal.throwIfAborted()
  const { room } = values
  const place = await choose(room === undefined ? all : all.filter((relay) => relay.room === room), around)
  talk(`Found one at ${formatEndpoint(place.host, place.port)}`)
  return place
}

async function choose(relays: readonly FoundRelay[], { streams }: Surroundings): Promise<Place> {
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
  const { select } = await import('@inquirer/prompts')
  const choices = relays.map((relay) => ({ value: relay, name: describe(relay) }))
  return untilClosed(streams, (context) => select({ message: 'Which relay?', choices }, context))
}

function describe({ host, port, room, memberCount, keyed }: FoundRelay): string {
  return `#${room} at ${formatEndpoint(host, port)}, ${memberCount} here${keyed ? ', with a room key' : ''}`
}
