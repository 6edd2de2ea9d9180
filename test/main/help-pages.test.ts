import { expect, test } from '@jest/globals'
import type { CommandNode } from '../../src/commands/command.ts'
import { commands } from '../../src/commands/index.ts'
import { findServeCommand } from '../../src/commands/serve.ts'
import { commandHelp, groupHelp } from '../../src/main/help.ts'

/** Of the terminal that everybody has. */
const columns = 80

const tooLong = (page: string): string[] => page.split('\n').filter((line) => line.length > columns)

/** Every group of commands, from the top. */
async function groups(
  nodes: readonly CommandNode[],
  path: readonly string[] = [],
): Promise<[string[], readonly CommandNode[]][]> {
  const below = nodes.map(async (node) => ('load' in node ? [] : groups(await node.children(), [...path, node.name])))
  return [[[...path], nodes], ...(await Promise.all(below)).flat()]
}

test('every page of help fits a terminal of 80 columns, its last notes too', async () => {
  for (const [path, nodes] of await groups(commands)) {
    expect(tooLong(groupHelp(path, nodes, columns))).toEqual([])
    for (const node of nodes) {
      if ('load' in node) expect(tooLong(commandHelp(await node.load(), `netlab ${node.name}`, columns))).toEqual([])
    }
  }
})

test('a server offers an option only where it does something', async () => {
  const offered = async (name: string): Promise<readonly string[]> => {
    const command = await (await findServeCommand(name))?.load()
    return ['users', 'db', 'insecure'].filter((option) => command?.options[option] !== undefined)
  }
  expect(await offered('echo')).toEqual([])
  expect(await offered('ident')).toEqual(['users'])
  expect(await offered('auth')).toEqual(['users', 'db', 'insecure'])
  expect(await offered('chat')).toEqual(['users', 'db', 'insecure'])
})

test('every choice of the menu is one row', async () => {
  for (const [, nodes] of await groups(commands)) {
    const width = Math.max(...nodes.map(({ name }) => name.length))
    for (const { summary } of nodes) expect(`> ${' '.repeat(width)}  ${summary}`.length).toBeLessThan(columns)
  }
})
