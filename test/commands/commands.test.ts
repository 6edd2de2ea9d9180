import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { Command, CommandContext, CommandNode } from '../../src/commands/command.ts'
import { commands } from '../../src/commands/index.ts'
import { announceListening } from '../../src/commands/server-start.ts'
import { commandHelp } from '../../src/main/help.ts'
import { environmentName, flagName } from '../../src/options/spec.ts'
import { projectRoot } from '../support/executable.ts'

const leaves: [string, CommandNode, Command][] = []
async function collect(nodes: readonly CommandNode[], path: string): Promise<void> {
  for (const node of nodes) {
    const title = `${path} ${node.name}`
    if ('load' in node) leaves.push([title, node, await node.load()])
    else await collect(await node.children(), title)
  }
}
await collect(commands, 'netlab')

describe.each(leaves)('%s', (title, node, command) => {
  const options = Object.entries(command.options)

  test('is listed as it calls itself', () => {
    expect({ name: node.name, summary: node.summary }).toEqual({ name: command.name, summary: command.summary })
    expect(command.name).toMatch(/^[a-z][a-z-]*$/)
    expect(command.summary).toMatch(/^[^\n]{5,90}[^.\n]$/)
  })

  test('has options that can be told apart from each other and from --help and --version', () => {
    const names = options.map(([name]) => flagName(name))
    const aliases = options.flatMap(([, { alias }]) => (alias === undefined ? [] : [alias]))
    const all = [...names, ...aliases, 'help', 'version', 'h', 'V']
    expect(all.filter((name, index) => all.indexOf(name) !== index)).toEqual([])
    expect(aliases.filter((alias) => !/^[A-Za-z]$/.test(alias))).toEqual([])
    // `--no-x` turns the switch `x` off, so no option may bear such a name.
    expect(names.filter((name) => !/^[a-z][a-z0-9-]*$/.test(name) || name.startsWith('no-'))).toEqual([])
    expect(options.map(([name]) => environmentName(name))).not.toContain('NETLAB_DEBUG')
  })

  test('has a summary, and a default that its kind accepts, for every option', () => {
    for (const [name, { summary, kind, default: value, secret, defaultText }] of options) {
      expect(`${name}: ${summary}`).toMatch(/: [^\n]*[^.\n]$/)
      if (secret === true || value === undefined || defaultText !== undefined || typeof value === 'object') continue
      if (value !== '' && typeof value !== 'boolean') expect(kind.parse(String(value))).toEqual(value)
    }
  })

  test('takes by position only what is an option, the last one alone taking several', () => {
    const places = command.positionals ?? []
    expect(places.filter(({ name }) => command.options[name] === undefined)).toEqual([])
    expect(places.slice(0, -1).filter(({ variadic }) => variadic)).toEqual([])
  })

  test('has a page that names every option, and is never wider than 80 but for a word', () => {
    const page = commandHelp(command, title)
    for (const [name, { secret }] of options) {
      expect(page).toContain(secret === true ? environmentName(name) : flagName(name))
    }
    const prose = page.split('\n').filter((line) => /^\s{20,}/.test(line))
    expect(prose.filter((line) => line.length > 80 && line.trim().includes(' '))).toEqual([])
  })
})

test('no sentence advises to do with less safety: such options are for who looks for them in the help', () => {
  const src = join(projectRoot, 'src')
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const unsafe =
    /--insecure|--plaintext|--allow-stop|--no-tls|(leave|without|drop|omit|remove) --(tls|room-key)\b|chmod [0-7]*7\b/
  const advice = files.flatMap((file) => {
    // Texts of the code, without its comments.
    const code = readFileSync(join(src, file), 'utf8').replace(/^\s*(\/\/|\/?\*).*$/gm, '')
    return (code.match(/'[^'\n]*'|`[^`]*`/g) ?? [])
      .filter((text) => unsafe.test(text))
      .map((text) => `${file}: ${text}`)
  })
  expect(advice).toEqual([])
})

test.each([
  ['0.0.0.0', ['192.0.2.1:9007']],
  ['::', ['192.0.2.1:9007', '[2001:db8::1]:9007']],
  ['192.0.2.1', []],
])('a server on %s told addresses on which it did not listen', (host, told) => {
  const addresses = () => ['192.0.2.1', '2001:db8::1']
  const context = { stdout: { isTTY: true, write: () => true }, machine: { addresses } } as unknown as CommandContext
  expect(announceListening('echo', { host, port: 9007 }, 9007, context)).toEqual(told)
})
