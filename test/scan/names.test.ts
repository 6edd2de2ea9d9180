import { describe, expect, test } from '@jest/globals'
import { type DnsChannel, DnsQuestions } from '../../src/scan/names/dns-questions.ts'
import { parseHosts } from '../../src/scan/names/hosts-file.ts'
import { type Ipv6Reach, Names } from '../../src/scan/names/lookup.ts'
import { fullNames, mayKnowMore, parseNameSwitch, parseResolvConf } from '../../src/scan/names/resolver-config.ts'
import { turnUntil } from '../support/event-loop.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

function failure(code: string): Error {
  return Object.assign(new Error(code), { code })
}

describe('the hosts file', () => {
  test('a name that stands there twice has both addresses, each once', () => {
    const hosts = parseHosts(
      '\uFEFF127.0.0.1\tlocalhost Twice # first\r\n#10.0.0.9 twice\n::1 localhost\n127.0.0.2 twice\n127.0.0.1 twice\n\nnonsense twice\n1.2.3 x\nfe80::1%eth0 link\n',
    )
    expect(Object.fromEntries(hosts)).toEqual({
      localhost: ['127.0.0.1', '::1'],
      twice: ['127.0.0.1', '127.0.0.2'],
      link: ['fe80::1%eth0'],
    })
  })
})

describe('how names are completed', () => {
  test.each([
    ['', { search: [], ndots: 1 }],
    ['nameserver 10.0.0.1\nsearch a.example. B.example\n', { search: ['a.example', 'b.example'], ndots: 1 }],
    ['search a.example\ndomain b.example # the last counts\n', { search: ['b.example'], ndots: 1 }],
    ['options edns0 ndots:3\noptions timeout:1\n', { search: [], ndots: 3 }],
    ['; search x\nsearch .\noptions ndots:99', { search: [], ndots: 15 }],
  ])('%j', (text, rule) => expect(parseResolvConf(text)).toEqual(rule))

  test.each([
    ['db', 1, ['db.a.example', 'db.b.example', 'db']],
    ['db.eu', 1, ['db.eu', 'db.eu.a.example', 'db.eu.b.example']],
    ['db.eu', 2, ['db.eu.a.example', 'db.eu.b.example', 'db.eu']],
    ['db.', 1, ['db.']],
  ])('%s with ndots:%i', (name, ndots, names) => {
    expect(fullNames(name, { search: ['a.example', 'b.example'], ndots })).toEqual(names)
  })

  test.each([
    ['passwd: files\nhosts:  files mdns4_minimal [NOTFOUND=return] dns # x\n', ['files', 'mdns4_minimal', 'dns']],
    ['passwd: files\n', ['dns', 'files']],
  ])('where this system looks: %j', (text, sources) => expect(parseNameSwitch(text)).toEqual(sources))

  test.each([
    ['db.example', ['files', 'dns'], false],
    ['db', ['files', 'dns'], false],
    ['db', ['files', 'dns', 'myhostname'], true],
    ['db.example', ['files', 'resolve', 'dns', 'myhostname'], false],
    ['printer.local', ['files', 'mdns4_minimal', 'dns'], true],
    ['db.example', ['files', 'ldap', 'dns'], true],
  ])('%s may be known elsewhere than in %j: %s', (name, sources, expected) => {
    expect(mayKnowMore(name, sources)).toBe(expected)
  })
})

/** Servers that answer, by attempt, after some time; what they were asked. */
function channels(
  clock: VirtualClock,
  ...servers: readonly (readonly [server: string, afterMs: number, answer: string])[]
) {
  const asked: string[] = []
  const all = servers.map(([server, afterMs, answer]): DnsChannel => {
    const reply = (kind: string) => (name: string) => {
      asked.push(`${server} ${kind} ${name} at ${clock.monotonic()}`)
      return new Promise<readonly string[]>((resolve, reject) => {
        const settle = (): void => {
          if (kind === 'A' && answer.includes('.')) resolve([answer])
          else if (kind === 'AAAA' && answer.includes(':')) resolve([answer])
          else reject(failure(/^E/.test(answer) ? answer : 'ENODATA'))
        }
        if (afterMs === 0) settle()
        else clock.after(afterMs, settle)
      })
    }
    return { server, resolve4: reply('A'), resolve6: reply('AAAA'), cancel: () => {} }
  })
  return { all, asked }
}

/** Lets the promises run between two steps of the clock. */
async function pass(clock: VirtualClock, ms: number): Promise<void> {
  await new Promise(setImmediate)
  for (let passed = 0; passed < ms; passed += 100) {
    clock.advance(100)
    await new Promise(setImmediate)
  }
}

describe('questions to DNS', () => {
  const never = 1_000_000

  async function ask(...servers: Parameters<typeof channels>[1][]) {
    const clock = new VirtualClock()
    const { all, asked } = channels(clock, ...servers)
    const dns = new DnsQuestions(all, clock)
    let outcome: unknown
    let atMs = 0
    const settle = (value: unknown): void => {
      outcome = value
      atMs = clock.monotonic()
    }
    dns.addresses('db.example').then(settle, (error: Error & { code: string }) => settle(error.code))
    await pass(clock, 12_000)
    return { outcome, atMs, asked: asked.filter((line) => line.includes(' A ')) }
  }

  test('an answer after nine seconds counts, though it was asked again meanwhile', async () => {
    const slow = ['a', 9_000, '10.0.0.1'] as const
    const { outcome, asked, atMs } = await ask(slow, slow, slow)
    expect(outcome).toEqual(['10.0.0.1'])
    expect(atMs).toBe(9_000)
    expect(asked.map((line) => line.replace(/.*at /, ''))).toEqual(['0', '1500', '4000'])
  })

  test('silence costs ten seconds from when it was asked', async () => {
    const silent = ['a', never, ''] as const
    expect(await ask(silent, silent, silent)).toMatchObject({ outcome: 'ETIMEOUT', atMs: 10_000 })
  })

  test('a name that does not exist is no reason to ask again', async () => {
    const { outcome, asked, atMs } = await ask(['a', 0, 'ENOTFOUND'], ['b', 0, '10.0.0.1'], ['a', 0, '10.0.0.1'])
    expect({ outcome, atMs, count: asked.length }).toEqual({ outcome: 'ENOTFOUND', atMs: 0, count: 1 })
  })

  test('a server that fails or is not there is passed over at once', async () => {
    expect(await ask(['a', 0, 'ESERVFAIL'], ['b', 0, '10.0.0.1'])).toMatchObject({ outcome: ['10.0.0.1'], atMs: 0 })
    const gone = ['a', 0, 'ECONNREFUSED'] as const
    expect(await ask(gone, gone, gone)).toMatchObject({ outcome: 'ECONNREFUSED', atMs: 0 })
  })

  test('the only server, overloaded, is asked again later', async () => {
    const found = await ask(['a', 0, 'EREFUSED'], ['a', 0, '10.0.0.1'])
    expect(found).toMatchObject({ outcome: ['10.0.0.1'], atMs: 1_500 })
  })

  test('a family whose question is lost is waited for a moment only', async () => {
    const clock = new VirtualClock()
    const half: DnsChannel = {
      server: 'a',
      resolve4: async () => ['10.0.0.1'],
      resolve6: () => new Promise(() => {}),
      cancel: () => {},
    }
    let found: readonly string[] | undefined
    void new DnsQuestions([half], clock).addresses('db').then((addresses) => {
      found = addresses
    })
    await pass(clock, 1_100)
    expect(found).toEqual(['10.0.0.1'])
    await pass(clock, 10_000)
    expect(clock.pending).toBe(0)
  })
})

describe('where names are looked up', () => {
  function names(more: {
    readonly dns?: Readonly<Record<string, readonly string[] | string>>
    readonly system?: (name: string) => Promise<readonly string[]>
    readonly ipv6?: Ipv6Reach
    readonly clock?: VirtualClock
  }) {
    const asked: string[] = []
    const found = new Names(
      {
        hosts: parseHosts('10.0.0.7 db db.example\n::1 both\n10.0.0.8 both'),
        rule: { search: ['a.example'], ndots: 1 },
        sources: ['files', 'dns', 'myhostname'],
        dns: {
          async addresses(name) {
            asked.push(name)
            const answer = more.dns?.[name] ?? 'ENOTFOUND'
            if (typeof answer === 'string') throw failure(answer)
            return answer
          },
          close: () => {},
        },
        ask: more.system ?? (async () => Promise.reject(failure('ENOTFOUND'))),
        ipv6: more.ipv6 ?? 'others',
      },
      more.clock ?? new VirtualClock(),
    )
    return { found, asked }
  }

  test('the hosts file goes before DNS, and localhost is nobody else’s', async () => {
    const { found, asked } = names({})
    expect(await found.lookup('DB.example.')).toEqual(['10.0.0.7'])
    expect(await found.lookup('web.localhost')).toEqual(['::1', '127.0.0.1'])
    expect(asked).toEqual([])
  })

  test('a name is completed as resolv.conf says, and asked in its ASCII form', async () => {
    const { found, asked } = names({ dns: { web: ['10.0.0.1'], 'xn--bcher-kva.example': ['10.0.0.2'] } })
    expect(await found.lookup('web')).toEqual(['10.0.0.1'])
    expect(await found.lookup('BÜCHER.example')).toEqual(['10.0.0.2'])
    expect(asked).toEqual(['web.a.example', 'web', 'xn--bcher-kva.example'])
  })

  test('a server that fails for one full name is asked for the next, one that is silent is not', async () => {
    const failing = names({ dns: { 'web.a.example': 'ESERVFAIL', web: ['10.0.0.1'] } })
    expect(await failing.found.lookup('web')).toEqual(['10.0.0.1'])
    const silent = names({ dns: { 'web.a.example': 'ETIMEOUT', web: ['10.0.0.1'] } })
    await expect(silent.found.lookup('web')).rejects.toMatchObject({ code: 'ETIMEOUT' })
  })

  test('an answer that leads nowhere, as a loop of names does, is no address', async () => {
    await expect(names({ dns: { 'x.example': [] } }).found.lookup('x.example')).rejects.toMatchObject({
      code: 'ENODATA',
    })
  })

  test('what only the system may know is asked of it', async () => {
    const { found } = names({ system: async () => ['10.0.0.9'] })
    expect(await found.lookup('this-machine')).toEqual(['10.0.0.9'])
    await expect(found.lookup('gone.example')).rejects.toMatchObject({ code: 'ENOTFOUND' })
  })

  test.each<[Ipv6Reach, readonly string[]]>([
    ['others', ['2001:db8::1', '10.0.0.1', 'fd00::1']],
    ['loopback', ['10.0.0.1', 'fd00::1', '2001:db8::1']],
  ])('addresses that can be reached come first: %s', async (ipv6, order) => {
    const { found } = names({ ipv6, dns: { 'x.example': ['fd00::1', '2001:db8::1', '10.0.0.1'] } })
    expect(await found.lookup('x.example')).toEqual(order)
    expect(await found.lookup('both')).toEqual(['::1', '10.0.0.8'])
  })

  test('the time of a name began when the system’s own function had no thread for it yet', async () => {
    const clock = new VirtualClock()
    const begun: string[] = []
    const free: (() => void)[] = []
    const { found } = names({
      clock,
      system(name) {
        begun.push(name)
        return new Promise((resolve) => free.push(() => resolve(['10.0.0.1'])))
      },
    })
    const outcome = (name: string) => found.lookup(name).catch((error: Error) => error.message)
    const all = ['one', 'two', 'three'].map(outcome)
    await turnUntil(() => begun.length === 2)
    await pass(clock, 30_000)
    free[0]?.()
    await turnUntil(() => begun.length === 3)
    free[2]?.()
    expect(await Promise.all(all)).toEqual(['no answer in 10 s', 'no answer in 10 s', ['10.0.0.1']])
  })
})
