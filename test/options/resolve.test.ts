import { describe, expect, jest, test } from '@jest/globals'
import { UsageError } from '../../src/base/errors.ts'
import { flag, integer, type Kind, port, text } from '../../src/options/kinds.ts'
import { type Ask, resolve } from '../../src/options/resolve.ts'
import { environmentName, flagName, option } from '../../src/options/spec.ts'

const specs = {
  port: option({ kind: port, summary: '', default: 9007, ask: 'Port?' }),
  maxClients: option({ kind: integer(1, 100), summary: '', default: 10 }),
  tls: option({ kind: flag, summary: '', default: false }),
  console: option({ kind: flag, summary: '', default: true }),
}
const answer =
  (value: unknown): Ask =>
  async () =>
    value as never

describe('resolve', () => {
  test('gives every option its default when nothing else is there', async () => {
    expect(await resolve(specs, { flags: {}, environment: {} })).toEqual({
      port: 9007,
      maxClients: 10,
      tls: false,
      console: true,
    })
  })

  test.each([
    ['flag before all', { port: '1' }, { NETLAB_PORT: '2' }, answer(3), 1],
    ['environment before the prompt', {}, { NETLAB_PORT: '2' }, answer(3), 2],
    ['prompt before the default', {}, {}, answer(3), 3],
    ['an empty variable is none', {}, { NETLAB_PORT: '' }, answer(3), 3],
    ['the default off a terminal', {}, {}, undefined, 9007],
  ])('%s', async (_, flags, environment, ask, expected) => {
    expect((await resolve(specs, { flags, environment, ask })).port).toBe(expected)
  })

  test('switches come as booleans from the command line and as words from the environment', async () => {
    const flags = { console: false }
    const environment = { NETLAB_TLS: 'yes', NETLAB_CONSOLE: 'yes' }
    expect(await resolve(specs, { flags, environment })).toMatchObject({ tls: true, console: false })
  })

  test.each([
    [{ port: 'x' }, {}, '--port: "x" is not a whole number'],
    [{ maxClients: '0' }, {}, '--max-clients: 0 is not between 1 and 100'],
    [{}, { NETLAB_MAX_CLIENTS: 'x' }, 'NETLAB_MAX_CLIENTS: "x" is not a whole number'],
    [{}, { NETLAB_TLS: 'maybe' }, 'NETLAB_TLS: "maybe" is neither yes nor no'],
  ])('names where a wrong value came from: %j %j', async (flags, environment, message) => {
    await expect(resolve(specs, { flags, environment })).rejects.toEqual(new UsageError(message))
  })

  test('asks nothing before everything given is known to be right', async () => {
    const ask = jest.fn(answer(1))
    await expect(resolve(specs, { flags: { maxClients: 'x' }, environment: {}, ask: ask as Ask })).rejects.toThrow()
    expect(ask).not.toHaveBeenCalled()
  })

  test('asks only for options that have a question, in order', async () => {
    const asked: string[] = []
    const more = { ...specs, name: option({ kind: text, summary: '', default: '', ask: 'Name?' }) }
    const ask: Ask = async (question, spec) => {
      asked.push(question)
      return spec.default
    }
    await resolve(more, { flags: {}, environment: {}, ask })
    expect(asked).toEqual(['Port?', 'Name?'])
  })

  test('never quotes a secret', async () => {
    const strict: Kind<string> = {
      placeholder: 'SECRET',
      parse(value) {
        throw new UsageError(`"${value}" is too short`)
      },
    }
    const secrets = { password: option({ kind: strict, summary: '', default: '', secret: true }) }
    await expect(resolve(secrets, { flags: {}, environment: { NETLAB_PASSWORD: 'hunter2' } })).rejects.toEqual(
      new UsageError('NETLAB_PASSWORD: not a value that can be used'),
    )
  })

  test('a fault of a kind is not taken for a wrong value', async () => {
    const broken: Kind<string> = {
      placeholder: 'X',
      parse() {
        throw new TypeError('oops')
      },
    }
    const spec = { x: option({ kind: broken, summary: '', default: '' }) }
    await expect(resolve(spec, { flags: { x: 'y' }, environment: {} })).rejects.toBeInstanceOf(TypeError)
  })
})

test.each([
  ['port', 'port', 'NETLAB_PORT'],
  ['maxClients', 'max-clients', 'NETLAB_MAX_CLIENTS'],
  ['threadPerClient', 'thread-per-client', 'NETLAB_THREAD_PER_CLIENT'],
])('%s is --%s and %s', (name, flagged, variable) => {
  expect(flagName(name)).toBe(flagged)
  expect(environmentName(name)).toBe(variable)
})
