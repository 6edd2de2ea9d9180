import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { ExitCode } from '../../src/base/errors.ts'
import { connect } from '../../src/commands/connect/index.ts'
import { ChatMember, type ChatServer, startChatServer } from '../support/chat-server.ts'
import { testContext } from '../support/command-context.ts'
import { turnUntil } from '../support/event-loop.ts'
import { FakeKeyboard } from '../support/fake-terminal.ts'
import { WatchedText } from '../support/watched-text.ts'
import { connectValues } from './connect-values.ts'

const passwordOf = (name: string): string => `correct horse ${name}`

describe('accounts, for a person at a terminal in the chat', () => {
  let chat: ChatServer
  beforeAll(async () => {
    chat = await startChatServer()
  })
  afterAll(async () => {
    await chat[Symbol.asyncDispose]()
  })

  /** Somebody registered, at a terminal in the chat. What is asked appears in `stderr`, all else in `shown`. */
  async function sitDown(name: string) {
    const token = await chat.register(name)
    const keyboard = new FakeKeyboard()
    const shown = new WatchedText()
    const stdout = new Writable({
      decodeStrings: false,
      write: (text, _, done) => {
        shown.append(String(text))
        done()
      },
    })
    Object.assign(stdout, { isTTY: true, columns: 200 })
    const io = testContext({ stdin: keyboard, stdout, stderrIsTTY: true })
    const login = { user: name, password: passwordOf(name), session: false, quiet: true }
    const context = { ...io.context, environment: { NO_COLOR: '1' } }
    const ended = connect.run({ ...connectValues, port: chat.port, ...login }, context)
    await shown.waitFor('you are in #lobby')
    const answer = async (question: string | RegExp, text: string): Promise<void> => {
      await io.stderr.waitFor(question)
      keyboard.write(`${text}\r`)
    }
    return { token, keyboard, shown, stderr: io.stderr, ended, answer }
  }

  test('/passwd asks unseen, until the server is content, and shows afterwards what was said meanwhile', async () => {
    const bob = await chat.come('Bob')
    const ada = await sitDown('Ada')
    ada.keyboard.write('/passwd\r')
    await ada.answer('Old password', 'wrong horse')
    await ada.answer(/New password(?! again)/, 'battery staple')
    bob.send({ type: 'say', text: 'are you there?' })
    await bob.hear('message')
    await ada.answer('New password again', 'battery stable')
    await ada.shown.waitFor('The two new passwords differ.')
    await ada.answer(/New password(?! again)/, 'battery staple')
    await ada.answer('New password again', 'battery staple')
    await ada.shown.waitFor('! That is not your password.')
    await ada.answer('Old password', passwordOf('Ada'))
    await ada.answer(/New password(?! again)/, 'battery staple')
    await ada.answer('New password again', 'battery staple')
    await ada.shown.waitFor('* The password is changed; one other session ended.')
    expect(ada.shown.text).toContain('Bob: are you there?')
    ada.keyboard.write('/passwd with more\r')
    await ada.answer('Old password', '')
    await ada.shown.waitFor('Nothing was changed.')
    ada.keyboard.write('/quit\r')
    expect(await ada.ended).toBe(ExitCode.ok)
    await bob.settled()
    expect(bob.of('message')).toHaveLength(1)
    expect(ada.shown.text + ada.stderr.text).not.toMatch(/horse|battery|stable/)
    bob.client.destroy()
  })

  test('bug: a session that was ended elsewhere was a good end in the chat, and a bad one at auth', async () => {
    const cy = await sitDown('Cy')
    const other = await ChatMember.come(chat.port, cy.token)
    other.send({ type: 'logout', which: 'others' })
    await expect(cy.ended).rejects.toMatchObject({ code: 'REVOKED', exit: ExitCode.negative })
    other.client.destroy()
  })

  test('a session that is ended elsewhere takes the question with it', async () => {
    const dan = await sitDown('Dan')
    const other = await ChatMember.come(chat.port, dan.token)
    dan.keyboard.write('/passwd\r')
    await dan.stderr.waitFor('Old password')
    other.send({ type: 'logout', which: 'others' })
    await expect(dan.ended).rejects.toMatchObject({ code: 'REVOKED' })
    // Nobody listens to the keyboard any more: the program can end.
    await turnUntil(() => dan.keyboard.listenerCount('keypress') === 0, 'the end of the keyboard')
    expect(dan.keyboard.isRaw).toBe(false)
    expect(dan.shown.text).not.toContain('Nothing was changed.')
    other.client.destroy()
  })

  test('/sessions shows them, /logout ends this one and leaves', async () => {
    const eve = await sitDown('Eve')
    eve.keyboard.write('/sessions\r')
    await eve.shown.waitFor(/\* \* session \d+ from 127\.0\.0\.1/)
    await eve.shown.waitFor(/\* {3}session \d+ from 127\.0\.0\.1/)
    eve.keyboard.write('/logout\r')
    await eve.shown.waitFor('* One session ended.')
    expect(await eve.ended).toBe(ExitCode.ok)
  })
})
