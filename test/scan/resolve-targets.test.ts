import { networkInterfaces } from 'node:os'
import { expect, test } from '@jest/globals'
import { type Lookup, resolveTargets } from '../../src/scan/resolve-targets.ts'
import type { PlainTarget } from '../../src/scan/target-lists.ts'
import { parseTargets } from '../../src/scan/targets.ts'
import { linkLocalZones, type Zones } from '../../src/scan/zones.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const hosts: Record<string, readonly string[]> = {
  one: ['10.0.0.1'],
  two: ['10.0.0.2', 'fd00::2'],
  same: ['10.0.0.1'],
}
const zones: Zones = new Map([
  ['eth0', 'eth0'],
  ['2', 'eth0'],
  ['eth1', 'eth1'],
])
const lookup: Lookup = async (name) => {
  const found = hosts[name]
  if (found === undefined) throw Object.assign(new Error('no'), { code: 'ENOTFOUND' })
  return found
}

async function resolve(text: string, options: { all?: boolean; lookup?: Lookup } = {}) {
  return resolveTargets(parseTargets(text) as readonly PlainTarget[], options.all ?? false, {
    lookup: options.lookup ?? lookup,
    zones: () => zones,
    clock: new VirtualClock(),
    signal: new AbortController().signal,
  })
}

test('a name becomes its first address, and says that it has more', async () => {
  const { addresses, notes } = await resolve('two')
  expect([...addresses.hosts()]).toEqual([{ address: '10.0.0.2', family: 4, name: 'two' }])
  expect(notes).toEqual(['two has 2 addresses; scanning 10.0.0.2 only (--all-addresses for all)'])
})

test('all addresses when asked', async () => {
  const { addresses, notes } = await resolve('two', { all: true })
  expect([...addresses.hosts()].map((host) => host.address)).toEqual(['10.0.0.2', 'fd00::2'])
  expect(notes).toEqual(['two has 2 addresses; scanning all of them'])
})

test('each name is looked up once, and one address is scanned once under the first of its names', async () => {
  const asked: string[] = []
  const { addresses, notes } = await resolve('one,one,same,10.0.0.1', {
    lookup(name) {
      asked.push(name)
      return lookup(name)
    },
  })
  expect(asked).toEqual(['one', 'same'])
  expect([...addresses.hosts()]).toEqual([{ address: '10.0.0.1', family: 4, name: 'one' }])
  expect(notes).toEqual(['2 of the addresses were given twice; each is scanned once'])
})

test('a name without an address is a failure of its own', async () => {
  const { addresses, failures } = await resolve('nobody,one')
  expect(addresses.size).toBe(1)
  expect(failures).toEqual(['nobody could not be resolved (ENOTFOUND)'])
})

test('a zone stays with its address; two zones for one address are refused', async () => {
  const { addresses } = await resolve('fe80::1%eth0')
  expect([...addresses.hosts()]).toEqual([{ address: 'fe80::1%eth0', family: 6 }])
  await expect(resolve('fe80::1%eth0,fe80::1%eth1')).rejects.toThrow('two different zones')
})

test('a zone given by its number is the link of that name', async () => {
  const { addresses } = await resolve('fe80::1%eth0,fe80::1%2')
  expect([...addresses.hosts()]).toEqual([{ address: 'fe80::1%eth0', family: 6 }])
})

test('a zone that does not exist ended as EINVAL with one engine, as silence with the other', async () => {
  await expect(resolve('fe80::1%nope')).rejects.toMatchObject({
    exit: 69,
    message: '"fe80::1%nope": this system has no link "nope" in use',
    hint: 'there is fe80::1%eth0, fe80::1%eth1',
  })
})

test('elsewhere than on a link a zone means nothing', async () => {
  expect([...(await resolve('fd00::1%nope')).addresses.hosts()]).toEqual([{ address: 'fd00::1', family: 6 }])
})

test('a name with nothing but a link-local address names no link', async () => {
  const { failures } = await resolve('printer', { lookup: async () => ['fe80::7'] })
  expect(failures).toEqual(['printer could not be resolved (a link-local address without its interface)'])
})

test('the links of this system are known by name and by number', () => {
  for (const [name, entries = []] of Object.entries(networkInterfaces())) {
    for (const entry of entries) {
      if (entry.family !== 'IPv6' || entry.scopeid === 0) continue
      expect(linkLocalZones().get(String(entry.scopeid))).toBe(linkLocalZones().get(name))
    }
  }
  expect(linkLocalZones().get('nope')).toBeUndefined()
})

test('notes of the targets come along', async () => {
  expect((await resolve('10.0.0.9/30')).notes).toEqual([
    '10.0.0.9/30 has bits set behind its prefix; scanning the network 10.0.0.8/30',
  ])
})

test('a resolver that never answers costs a bounded time', async () => {
  const clock = new VirtualClock()
  const resolving = resolveTargets([{ kind: 'name', name: 'slow' }], false, {
    lookup: () => new Promise(() => {}),
    zones: () => zones,
    clock,
    signal: new AbortController().signal,
  })
  clock.advance(10_000)
  expect((await resolving).failures).toEqual(['slow could not be resolved (no answer in 10 s)'])
})

test('an interrupt ends the looking up', async () => {
  const controller = new AbortController()
  const clock = new VirtualClock()
  const names = Array.from({ length: 20 }, (_, n): PlainTarget => ({ kind: 'name', name: `slow${n}` }))
  const resolving = resolveTargets(names, false, {
    lookup: () => new Promise(() => {}),
    zones: () => zones,
    clock,
    signal: controller.signal,
  })
  controller.abort('SIGINT')
  expect((await resolving).failures).toHaveLength(20)
  expect(clock.pending).toBe(0)
})
