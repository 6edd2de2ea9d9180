import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { isSilence, lostError } from '../../src/net/connect-error.ts'
import { netLimits } from '../../src/net/limits.ts'
import { Liveness, lookMs, type PeerSigns, PeerWatch, tcpSilenceMs } from '../../src/net/liveness.ts'
import { infoBytes, loadTcpState, type TcpState, tcpState } from '../../src/net/tcp-state.ts'
import { socketPair } from '../support/sockets.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const { looksPerPing, looksUntilGone, pingMs } = netLimits
const silenceMs = tcpSilenceMs(pingMs)
const answering: TcpState = { closed: false, asked: false, silentMs: 0 }
const silent: TcpState = { closed: false, asked: true, silentMs: silenceMs }

/** What so many looks in a row say. */
function looks(liveness: Liveness, count: number, signs: Partial<PeerSigns> & { tcpSays?: TcpState | undefined } = {}) {
  const { tcpSays = answering, ...more } = signs
  const all = { heardBytes: 0, sentBytes: 0, reading: true, tcp: () => tcpSays, ...more }
  return Array.from({ length: count }, () => liveness.look(all))
}

function promised(): Liveness {
  const liveness = new Liveness()
  liveness.promised = true
  return liveness
}

test('the times add up: a dead peer is noticed within 45 s, by words and by TCP, also when it is spoken to late', () => {
  const wordsMs = (looksUntilGone + 1) * lookMs(pingMs)
  expect(wordsMs).toBeLessThan(45_000)
  expect(silenceMs + 3 * lookMs(pingMs)).toBeLessThan(45_000)
  // Who is there answers keep-alive far more often than its silence would be noticed.
  expect(pingMs * netLimits.keepAliveDelay).toBeLessThan(silenceMs / 1.5)
})

describe('a peer that has promised to answer', () => {
  test('is asked twice, and is gone then', () => {
    const said = looks(promised(), looksUntilGone)
    const asked = said.flatMap((look, at) => (look === 'ask' ? [at + 1] : []))
    expect(asked).toEqual([looksPerPing, 2 * looksPerPing])
    expect(said.indexOf('gone')).toBe(looksUntilGone - 1)
  })

  test('has all the time again after each word', () => {
    const liveness = promised()
    for (let heardBytes = 1; heardBytes < 5; heardBytes++)
      expect(looks(liveness, looksUntilGone, { heardBytes })).not.toContain('gone')
    expect(looks(liveness, 1, { heardBytes: 4 })).toEqual(['gone'])
  })

  test('is not gone because we do not read: its TCP tells', () => {
    const liveness = promised()
    expect(looks(liveness, 5 * looksUntilGone, { reading: false })).not.toContain('gone')
    // What lay there is read before it is judged again.
    expect(looks(liveness, looksUntilGone - 1)).not.toContain('gone')
    expect(looks(liveness, 3, { reading: false, tcpSays: silent })).toContain('gone')
  })
})

describe('a peer that has promised nothing', () => {
  test('may be silent for ever where nothing was sent: TCP asks by itself', () => {
    expect(looks(new Liveness(), 1_000, { tcpSays: silent })).toEqual(Array(1_000).fill('there'))
  })

  test('is gone when its TCP owes an answer for too long, twice in a row', () => {
    const said = looks(new Liveness(), looksPerPing + 1, { sentBytes: 5, tcpSays: silent })
    expect(said).toEqual([...Array(looksPerPing).fill('there'), 'gone'])
  })

  test.each<[string, TcpState | undefined]>([
    ['answers', answering],
    ['takes nothing, but answers', { closed: false, asked: false, silentMs: 10 * silenceMs }],
    ['was only just asked', { closed: false, asked: true, silentMs: silenceMs - 1 }],
    ['can not be asked about here', undefined],
  ])('stays as long as its TCP %s', (_what, tcpSays) => {
    const liveness = new Liveness()
    expect(looks(liveness, 500, { sentBytes: 5, tcp: () => tcpSays })).not.toContain('gone')
  })

  test('stays when it answers between two looks, or says something', () => {
    const liveness = new Liveness()
    for (let round = 0; round < 10; round++) {
      looks(liveness, looksPerPing, { sentBytes: 5, tcpSays: answering })
      expect(looks(liveness, 1, { sentBytes: 5, tcpSays: silent })).toEqual(['there'])
      expect(looks(liveness, 1, { sentBytes: 5, tcpSays: answering })).toEqual(['there'])
    }
    looks(liveness, 1, { sentBytes: 5, tcpSays: silent })
    expect(looks(liveness, looksPerPing - 1, { heardBytes: 1, sentBytes: 9, tcpSays: silent })).not.toContain('gone')
  })

  test('is gone when the system has given it up, which nobody hears who does not read', () => {
    const closed = { closed: true, asked: false, silentMs: 0 }
    expect(looks(new Liveness(), looksPerPing + 1, { reading: false, tcpSays: closed }).at(-1)).toBe('gone')
  })
})

test.each<[string, (info: Buffer) => void, TcpState]>([
  ['idle', () => undefined, { closed: false, asked: false, silentMs: 700 }],
  ['data under way', (info) => info.writeUInt32LE(3, 24), { closed: false, asked: true, silentMs: 700 }],
  ['a probe under way', (info) => info.writeUInt8(2, 3), { closed: false, asked: true, silentMs: 700 }],
  ['heard data since', (info) => info.writeUInt32LE(90, 52), { closed: false, asked: false, silentMs: 90 }],
  ['over', (info) => info.writeUInt8(7, 0), { closed: true, asked: false, silentMs: 700 }],
])('struct tcp_info of a connection: %s', (_what, change, state) => {
  const info = Buffer.alloc(infoBytes)
  info.writeUInt8(1, 0)
  info.writeUInt32LE(5_000, 52)
  info.writeUInt32LE(700, 56)
  change(info)
  expect(tcpState(info)).toEqual(state)
})

// Only Linux tells.
const onLinux = process.platform === 'linux' ? test : test.skip

onLinux('a real connection is asked about, and a closed one is not', async () => {
  await using pair = await socketPair()
  const read = await loadTcpState()
  const state = read?.(pair.peer)
  expect(state).toMatchObject({ closed: false, asked: false })
  expect(state?.silentMs).toBeLessThan(60_000)
  pair.peer.destroy()
  await once(pair.peer, 'close')
  expect(read?.(pair.peer)).toBeUndefined()
})

describe('a client watches its server', () => {
  async function watched() {
    const pair = await socketPair()
    const clock = new VirtualClock()
    const watch = new PeerWatch(pair.peer, clock)
    const errors: string[] = []
    pair.peer.on('error', ({ code }: NodeJS.ErrnoException) => errors.push(String(code)))
    const look = async (count: number, everyMs = lookMs(pingMs)): Promise<void> => {
      for (let at = 0; at < count; at++) {
        clock.advance(everyMs)
        await turn()
        await turn()
      }
    }
    return { ...pair, clock, watch, errors, look, [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose]() }
  }

  test('one that promised words and says none has broken the connection, with ETIMEDOUT', async () => {
    await using one = await watched()
    one.peer.resume()
    one.watch.expectWords(pingMs, () => undefined)
    await one.look(looksUntilGone - 1)
    expect(one.errors).toEqual([])
    await one.look(1)
    expect(one.errors).toEqual(['ETIMEDOUT'])
    expect(one.clock.pending).toBe(0)
  })

  test('bug: after a long stop of this process (SIGSTOP) the server was given up before its words were read', async () => {
    await using one = await watched()
    one.peer.resume()
    one.watch.expectWords(pingMs, () => undefined)
    await one.look(looksUntilGone - 2)
    one.clock.advance(0)
    await one.look(1, 600_000)
    expect(one.errors).toEqual([])
  })

  test('while it does not read, it says that it is there, and judges nobody by silence', async () => {
    await using one = await watched()
    let said = 0
    one.peer.pause()
    one.watch.expectWords(pingMs, () => said++)
    await one.look(4 * looksPerPing)
    expect(said).toBe(4)
    expect(one.errors).toEqual([])
  })

  test('one that promised nothing may be silent', async () => {
    await using one = await watched()
    one.peer.resume()
    await one.look(10 * looksUntilGone)
    expect(one.errors).toEqual([])
    one.peer.destroy()
    await once(one.peer, 'close')
    expect(one.clock.pending).toBe(0)
  })
})

test.each(['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'])(
  '%s of a connection that stood is silence',
  (code) => {
    expect(isSilence(code)).toBe(true)
    expect(lostError({ code }, 'db', 9194)).toMatchObject({
      code: 'NO_ANSWER',
      message: 'no answer from db:9194 any more',
    })
  },
)

test.each(['ECONNRESET', 'EPIPE', 'ECONNABORTED'])('%s is not: somebody ended it', (code) => {
  expect(isSilence(code)).toBe(false)
  expect(lostError({ code }, 'db', 9194).code).toBe(code)
})
