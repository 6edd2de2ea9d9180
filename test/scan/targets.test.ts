import { networkInterfaces } from 'node:os'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { formatIp, parseIp } from '../../src/net/ip.ts'
import { AddressSet, isPrivate } from '../../src/scan/address-set.ts'
import { scanLimits } from '../../src/scan/limits.ts'
import { type Lookup, type ResolveOptions, resolveTargets } from '../../src/scan/resolve-targets.ts'
import { excludedList, type PlainTarget, parseTargets, readLists, targetList } from '../../src/scan/targets.ts'
import { linkLocalZones, type Zones } from '../../src/scan/zones.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

function addresses(text: string): AddressSet {
  return new AddressSet(parseTargets(text).flatMap((target) => (target.kind === 'range' ? [target.range] : [])))
}

describe('addresses', () => {
  test.each([
    ['::1', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['::', '::'],
    ['1::', '1::'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['192.0.2.1', '192.0.2.1'],
  ])('%s is written %s', (text, canonical) => {
    const ip = parseIp(text)
    expect(ip && formatIp(ip.family, ip.value)).toBe(canonical)
  })

  test.each(['', '1.2.3', '1.2.3.256', 'a.b.c.d', ':::', '1::2::3', 'host'])('%j is none', (text) => {
    expect(parseIp(text)).toBeUndefined()
  })

  test('property: written and read again an address is the same', () => {
    fc.assert(
      fc.property(fc.constantFrom(4 as const, 6 as const), fc.bigInt(0n, (1n << 128n) - 1n), (family, number) => {
        const value = family === 4 ? number >> 96n : number
        fc.pre(family === 4 || value >> 32n !== 0xffffn)
        expect(parseIp(formatIp(family, value))).toEqual({ family, value })
      }),
    )
  })

  test.each([
    ['127.0.0.1', true],
    ['10.1.2.3', true],
    ['172.32.0.1', false],
    ['8.8.8.8', false],
    ['::1', true],
    ['fd00::1', true],
    ['2606:4700::1', false],
  ])('%s is private: %s', (text, expected) => {
    const ip = parseIp(text)
    expect(ip && isPrivate(ip.family, ip.value, ip.value)).toBe(expected)
  })
})

describe('targets', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1', 1],
    ['[::1]', '::1', 1],
    ['10.0.0.0/30', '10.0.0.0-10.0.0.3', 4],
    ['10.0.0.1-3', '10.0.0.1-10.0.0.3', 3],
    ['10.0.0.250-10.0.1.5', '10.0.0.250-10.0.1.5', 12],
    ['fd00::/126', 'fd00::-fd00::3', 4],
    ['fd00::1-fd00::3', 'fd00::1-fd00::3', 3],
    ['10.0.0.1,10.0.0.2 10.0.0.3', '10.0.0.1-10.0.0.3', 3],
    ['10.0.0.9,10.0.0.1,::1,10.0.0.1', '10.0.0.1,10.0.0.9,::1', 3],
    ['0.0.0.0/8', '0.0.0.0-0.255.255.255', 16_777_216],
  ])('%s', (text, set, size) => {
    expect(addresses(text).toString()).toBe(set)
    expect(addresses(text).size).toBe(size)
  })

  test('a network with host bits is the network, and says so', () => {
    const [target] = parseTargets('10.0.0.77/24')
    expect(target).toMatchObject({
      note: '10.0.0.77/24 has bits set behind its prefix; scanning the network 10.0.0.0/24',
    })
    expect(addresses('10.0.0.77/24').toString()).toBe('10.0.0.0-10.0.0.255')
  })

  test('names, files, standard input and zones', () => {
    expect(parseTargets('db.example,@hosts,./more.txt -')).toEqual([
      { kind: 'name', name: 'db.example' },
      { kind: 'file', path: 'hosts' },
      { kind: 'file', path: './more.txt' },
      { kind: 'stdin' },
    ])
    expect(parseTargets('fe80::1%eth0')).toMatchObject([{ kind: 'range', zone: 'eth0' }])
  })

  test('a link-local address without an interface was asked in vain (EINVAL)', () => {
    expect(() => parseTargets('fe80::1')).toThrow('"fe80::1" is on every link')
    expect(() => parseTargets('fe80::1-fe80::9')).toThrow('is on every link')
    expect(parseTargets('fe80::/10', false)).toHaveLength(1)
  })

  test.each([
    ['10.0.0.0/33', 'has at most 32 bits'],
    ['::/129', 'has at most 128 bits'],
    ['lists/24', '"lists" is not a numeric address'],
    ['10.0.0.9-3', '"10.0.0.9-3" runs backwards'],
    ['10.0.1.1-10.0.0.1', 'runs backwards'],
    ['10.0.0.1-300', '300 is more than 255'],
    ['10.0.0.1-x', 'is not a range of addresses'],
    ['10.0.0.1-', 'is not a range of addresses'],
    ['10.0.0.1-::1', 'is not a range of addresses'],
    ['fd00::1-9', 'is not a range of addresses'],
    ['fd00::/64', '18,446,744,073,709,551,616 addresses'],
    ['0.0.0.0/0', '4,294,967,296 addresses'],
    ['10.0.0.300', 'neither a host name nor an IP address'],
    ['1:2:3', 'neither a host name nor an IP address'],
    ['bad_name!', 'neither a host name nor an IP address'],
    ['10.0.0.0/24:80', 'names a port of a network'],
    ['localhost:', 'has no port behind its colon'],
    ['db:nonsense', 'neither a port'],
    ['db:70000', 'port 70000'],
    ['[db]:80', '"[db]" in brackets is not an IPv6 address'],
    ['http://localhost/', 'is a URL'],
    ['@', 'needs the name of a file'],
  ])('refuses %s in a sentence', (text, message) => {
    expect(() => parseTargets(text)).toThrow(message)
  })

  test('what is only excluded may be any size', () => {
    expect(excludedList.parse('fd00::/8,0.0.0.0/0')).toHaveLength(2)
  })

  test('nothing is no list of targets', () => {
    expect(() => targetList.parse(' , ')).toThrow('a host name, an address or a network is needed')
  })
})

describe('sets of addresses', () => {
  test('a /12 is counted without being expanded, and expanded only as far as it is asked', () => {
    const set = addresses('172.16.0.0/12')
    expect(set.size).toBe(1_048_576)
    expect(set.ranges).toHaveLength(1)
    const [first] = set.hosts()
    expect(first).toEqual({ address: '172.16.0.0', family: 4 })
    expect([...set.hosts(1_048_574)].map((host) => host.address)).toEqual(['172.31.255.254', '172.31.255.255'])
  })

  test('excluding takes away exactly what is excluded', () => {
    expect(addresses('10.0.0.0/24').without(addresses('10.0.0.0-9,10.0.0.20,10.0.0.250-10.0.1.9')).toString()).toBe(
      '10.0.0.10-10.0.0.19,10.0.0.21-10.0.0.249',
    )
    expect(addresses('10.0.0.1').without(addresses('10.0.0.0/8')).size).toBe(0)
    expect(addresses('10.0.0.1,::1').without(addresses('::/120')).toString()).toBe('10.0.0.1')
  })

  test('property: a set agrees with a plain list of numbers', () => {
    const octets = fc.array(fc.tuple(fc.nat(255), fc.nat(255)), { maxLength: 8 })
    const text = (pairs: readonly (readonly [number, number])[]): string =>
      pairs.map(([a, b]) => `10.0.0.${Math.min(a, b)}-${Math.max(a, b)}`).join(',')
    fc.assert(
      fc.property(octets, octets, (wanted, excluded) => {
        const covers = (pairs: readonly (readonly [number, number])[], n: number): boolean =>
          pairs.some(([a, b]) => n >= Math.min(a, b) && n <= Math.max(a, b))
        const plain = Array.from({ length: 256 }, (_, n) => n).filter((n) => covers(wanted, n) && !covers(excluded, n))
        const set = addresses(text(wanted)).without(addresses(text(excluded)))
        expect([...set.hosts()].map((host) => host.address)).toEqual(plain.map((n) => `10.0.0.${n}`))
        expect(set.size).toBe(plain.length)
        expect(plain.map((n) => set.indexOf(4, 0x0a00_0000n + BigInt(n)))).toEqual(plain.map((_, index) => index))
        expect([...set.hosts(3, 7)]).toEqual([...set.hosts()].slice(3, 7))
      }),
    )
  })

  test('an address outside has no place', () => {
    expect(addresses('10.0.0.1,10.0.0.5').indexOf(4, 0x0a00_0003n)).toBe(-1)
    expect(addresses('10.0.0.1').indexOf(6, 1n)).toBe(-1)
  })

  test('public addresses are noticed', () => {
    expect(addresses('192.168.0.0/16,10.0.0.1').hasPublic).toBe(false)
    expect(addresses('10.255.255.0-11.0.0.3').hasPublic).toBe(true)
  })
})

describe('lists of targets', () => {
  const read = (text: string) =>
    readLists(parseTargets('@hosts.txt'), { file: async () => text, stdin: async () => 'unused' })

  test('comments, blank lines, Windows line ends and several targets a line', async () => {
    const targets = await read('\uFEFF# ours\r\n\r\n10.0.0.1 # first\r\n  10.0.0.2, db.example  \n\n')
    expect(targets).toMatchObject([{ kind: 'range' }, { kind: 'range' }, { kind: 'name', name: 'db.example' }])
    expect(targets).toHaveLength(3)
  })

  test('nonsense is named with its file and line', async () => {
    await expect(read('10.0.0.1\n# fine\n!!!\n')).rejects.toThrow(
      'hosts.txt, line 3: "!!!" is neither a host name nor an IP address',
    )
    await expect(read('10.0.0.9-1')).rejects.toThrow('hosts.txt, line 1: "10.0.0.9-1" runs backwards')
  })

  test('a list names no further lists', async () => {
    await expect(read('a\n@other')).rejects.toThrow('hosts.txt, line 2: "other" is neither')
    await expect(read('-')).rejects.toThrow('hosts.txt, line 1: "-" is neither')
  })

  test('standard input is a list too', async () => {
    const targets = await readLists(parseTargets('10.0.0.1,-'), {
      file: async () => 'unused',
      stdin: async () => 'a.example\nb.example',
    })
    expect(targets.slice(1)).toEqual([
      { kind: 'name', name: 'a.example' },
      { kind: 'name', name: 'b.example' },
    ])
  })

  test('a large list is read whole', async () => {
    const lines = Array.from({ length: 100_000 }, (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`)
    expect(await read(lines.join('\n'))).toHaveLength(100_000)
    expect(lines.join('\n').length).toBeLessThan(scanLimits.targetsBytes)
  })
})

describe('resolving', () => {
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

  async function resolve(
    text: string,
    options: { choose?: ResolveOptions['choose']; ports?: readonly number[]; lookup?: Lookup } = {},
  ) {
    return resolveTargets(
      parseTargets(text) as readonly PlainTarget[],
      { choose: options.choose ?? 'first', ports: options.ports ?? [80], portsNamed: options.ports !== undefined },
      {
        lookup: options.lookup ?? lookup,
        zones: () => zones,
        clock: new VirtualClock(),
        signal: new AbortController().signal,
      },
    )
  }

  test('a name becomes its first address, and says that it has more', async () => {
    const { addresses, notes } = await resolve('two')
    expect([...addresses.hosts()]).toEqual([{ address: '10.0.0.2', family: 4, name: 'two', names: ['two'] }])
    expect(notes).toEqual(['two has 2 addresses; scanning 10.0.0.2 only (--all-addresses for all)'])
  })

  test('all addresses when asked', async () => {
    const { addresses, notes } = await resolve('two', { choose: 'all' })
    expect([...addresses.hosts()].map((host) => host.address)).toEqual(['10.0.0.2', 'fd00::2'])
    expect(notes).toEqual(['two has 2 addresses; scanning all of them'])
  })

  test('each name is looked up once, and one address is scanned once, under all of its names', async () => {
    const asked: string[] = []
    const { addresses, notes } = await resolve('one,one,same,10.0.0.1', {
      lookup(name) {
        asked.push(name)
        return lookup(name)
      },
    })
    expect(asked).toEqual(['one', 'same'])
    expect([...addresses.hosts()]).toEqual([{ address: '10.0.0.1', family: 4, name: 'one', names: ['one', 'same'] }])
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

  test('names whose DNS is silent made others "not resolvable": they are asked meanwhile', async () => {
    const clock = new VirtualClock()
    const asked: string[] = []
    const silent = Array.from({ length: 100 }, (_, n): PlainTarget => ({ kind: 'name', name: `silent${n}` }))
    const resolving = resolveTargets(
      [...silent, { kind: 'name', name: 'one' }],
      { choose: 'first', ports: [80], portsNamed: false },
      {
        lookup(name) {
          asked.push(name)
          if (!name.startsWith('silent')) return lookup(name)
          return new Promise((_, reject) => clock.after(10_000, () => reject(new Error('no answer in 10 s'))))
        },
        zones: () => zones,
        clock,
        signal: new AbortController().signal,
      },
    )
    for (let turn = 0; turn < 4; turn++) {
      clock.advance(scanLimits.lookupPatienceMs)
      await new Promise(setImmediate)
    }
    expect(asked).toHaveLength(101)
    clock.advance(10_000)
    const { addresses, failures } = await resolving
    expect(addresses.toString()).toBe('10.0.0.1')
    expect(failures).toHaveLength(100)
    expect(failures[0]).toBe('silent0 could not be resolved (no answer in 10 s)')
    expect(clock.pending).toBe(0)
  })

  test('two spellings of one name are one, and it is shown as people read it', async () => {
    const asked: string[] = []
    const { addresses } = await resolve('BÜCHER.example xn--bcher-kva.example bücher.example', {
      lookup: async (name) => {
        asked.push(name)
        return ['10.0.0.1']
      },
    })
    expect(asked).toEqual(['bücher.example'])
    expect([...addresses.hosts()]).toMatchObject([{ names: ['bücher.example'] }])
  })

  test('an interrupt ends the looking up', async () => {
    const controller = new AbortController()
    const clock = new VirtualClock()
    const names = Array.from({ length: 20 }, (_, n): PlainTarget => ({ kind: 'name', name: `slow${n}` }))
    const resolving = resolveTargets(
      names,
      { choose: 'first', ports: [80], portsNamed: false },
      {
        lookup: () => new Promise(() => {}),
        zones: () => zones,
        clock,
        signal: controller.signal,
      },
    )
    controller.abort('SIGINT')
    expect((await resolving).failures).toHaveLength(20)
    expect(clock.pending).toBe(0)
  })
})
