import { UsageError } from '../../base/errors.ts'
import { datagramLimits } from '../../datagram-chat/limits.ts'
import type { Kind } from '../../options/kinds.ts'
import type { Ask } from '../../options/resolve.ts'
import type { CommandContext } from '../command.ts'
import { readFirstLine } from '../input.ts'
import type { ChatUdpValues } from './options.ts'

const phraseKind: Kind<string> = {
  placeholder: 'PHRASE',
  parse(value) {
    if ([...value].length >= datagramLimits.phraseLength) return value
    throw new UsageError(`a room key has at least ${datagramLimits.phraseLength} characters`, {
      hint: 'several words are best',
    })
  },
}

/**
 * The phrase of the room key: from a file, the environment, or a person. Undefined when no key was asked for.
 * @throws {UsageError} when it is too short, or there is nobody to ask; {StorageError} when the file can't be read.
 */
export async function roomPhrase(
  { roomKey, roomKeyFile }: ChatUdpValues,
  { environment }: Pick<CommandContext, 'environment'>,
  ask: Ask | undefined,
): Promise<string | undefined> {
  if (roomKeyFile !== undefined) return phraseKind.parse(readFirstLine(roomKeyFile, 'the room key'))
  if (roomKey === false) return undefined
  const given = typeof roomKey === 'string' ? roomKey : (environment.NETLAB_ROOM_KEY ?? '')
  if (given !== '') return phraseKind.parse(given)
  if (ask !== undefined) {
    return ask('Room key', { kind: phraseKind, summary: 'the phrase', default: '', secret: true })
  }
  throw new UsageError('--room-key asks for a phrase, and there is no terminal to ask on', {
    hint: 'put the phrase into NETLAB_ROOM_KEY, or give --room-key-file FILE',
  })
}

/** What everybody is told at the start: whether others can read what is said. */
export function secrecy(keyed: boolean): string {
  return keyed
    ? 'Messages are encrypted and authenticated with the room key; who talks, when and how much can still be seen.'
    : 'Plain UDP is not confidential: anybody on the way can read and change what is said here (--room-key encrypts).'
}
