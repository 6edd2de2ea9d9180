import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { chatUdpOptions, emulatorOptions, nick, room, share } from '../../../src/commands/chat-udp/options.ts'
import { roomPhrase } from '../../../src/commands/chat-udp/room-key.ts'
import type { CommandContext } from '../../../src/commands/command.ts'
import { type Ask, resolve } from '../../../src/options/resolve.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const phrase = 'correct horse battery'

function values(flags: Record<string, string | boolean>, environment: Record<string, string> = {}) {
  return resolve(chatUdpOptions, { flags, environment })
}

/** The phrase that these flags and variables, and a person if there is one, come to. */
async function phraseOf(flags: Record<string, string | boolean>, environment: Record<string, string> = {}, ask?: Ask) {
  const context: Pick<CommandContext, 'environment'> = { environment }
  return roomPhrase(await values(flags, environment), context, ask)
}

describe('what can be written', () => {
  test.each([
    ['10%', 0.1],
    ['0', 0],
    ['2.5 %', 0.025],
    ['100', 1],
  ])('a share: %s', (text, value) => {
    expect(share.parse(text)).toBeCloseTo(value, 10)
  })

  test.each(['110%', '-1%', 'x', ''])('no share: %j', (text) => {
    expect(() => share.parse(text)).toThrow()
  })

  test.each([
    ['#Lobby', 'lobby'],
    [' den ', 'den'],
  ])('a room: %j', (text, name) => {
    expect(room.parse(text)).toBe(name)
  })

  test.each(['a/b', 'a b', '', '\x1b[2J'])('no room: %j', (text) => {
    expect(() => room.parse(text)).toThrow(/cannot be a room's name/)
  })

  test.each(['a  b', '', 'x'.repeat(33)])('no name: %j', (text) => {
    expect(() => nick.parse(text)).toThrow(/cannot be a member's name/)
  })

  test('a bad network is emulated only when one is asked for', async () => {
    expect(emulatorOptions(await values({}))).toBeUndefined()
    const flags = { drop: '10%', duplicate: '5%', reorder: '1', delay: '50ms', seed: '7' }
    expect(emulatorOptions(await values(flags))).toEqual({
      drop: 0.1,
      duplicate: 0.05,
      reorder: 0.01,
      delayMs: 50,
      seed: 7,
    })
  })
})

describe('the room key', () => {
  test('comes from a file, the environment or a person, and only if asked for', async () => {
    const file = join(temporaryFolder(), 'key')
    writeFileSync(file, `${phrase}\r\nanother line\n`)
    const ask: Ask = async (_question, { kind, secret }) => {
      expect(secret).toBe(true)
      return kind.parse('typed by hand')
    }
    expect(await phraseOf({}, {}, ask)).toBeUndefined()
    expect(await phraseOf({ roomKeyFile: file })).toBe(phrase)
    expect(await phraseOf({}, { NETLAB_ROOM_KEY: phrase })).toBe(phrase)
    expect(await phraseOf({ roomKey: true }, { NETLAB_ROOM_KEY: phrase }, ask)).toBe(phrase)
    expect(await phraseOf({ roomKey: true }, {}, ask)).toBe('typed by hand')
    expect(await phraseOf({ roomKey: false }, { NETLAB_ROOM_KEY: phrase }, ask)).toBeUndefined()
  })

  test('with nobody to ask, too short, or unreadable: an error that does not repeat it', async () => {
    await expect(phraseOf({ roomKey: true })).rejects.toMatchObject({ code: 'USAGE', exit: 64 })
    await expect(phraseOf({}, { NETLAB_ROOM_KEY: 'short' })).rejects.toMatchObject({
      message: 'a room key has at least 8 characters',
    })
    await expect(phraseOf({ roomKeyFile: 'does/not/exist' })).rejects.toMatchObject({ code: 'ENOENT', exit: 74 })
  })
})
