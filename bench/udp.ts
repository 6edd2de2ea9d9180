import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../src/base/clock.ts'
import { datagramLimits } from '../src/datagram-chat/limits.ts'
import { connectMember, keysFromPhrase, type MemberConnection } from '../src/datagram-chat/member-socket.ts'
import { startRelay } from '../src/datagram-chat/relay-socket.ts'

/**
 * Deliveries a second of the UDP relay on one core: 100 members in one room, ten of which say 100 bytes as fast as they are acknowledged.
 * The relay is a process of its own; what it delivers is divided by the processor time that it used, so the members beside it do not count.
 * Only messages that a member could show count, each once a member. `node bench/udp.ts [--json]`
 */
const wanted = 100_000
const memberCount = 100
const speakerCount = 10
const rounds = 5
const roundMs = 1_500
const text = 'x'.repeat(100)

interface Usage {
  readonly cpuMs: number
}

if (process.argv[2] === 'relay') await relayProcess()
else await measure()

/** The child: a relay that tells its port, and its processor time whenever it is asked. */
async function relayProcess(): Promise<void> {
  const { port } = await startRelay(
    {
      ...{ host: '127.0.0.1', port: 0, strictPort: true, room: 'bench', maxMembers: memberCount },
      maxMembersPerAddress: memberCount,
      ...{ fragmentsPerSecond: 1_000_000, datagramsPerSecond: 1_000_000 },
      ...{ phrase: process.argv[3], network: undefined, discoverable: false },
    },
    systemClock,
    () => undefined,
  )
  process.on('message', () => process.send?.({ cpuMs: cpuMs() }))
  process.on('disconnect', () => process.exit())
  process.send?.(port)
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

async function measure(): Promise<void> {
  const plain = await room(undefined)
  const keyed = await room('a phrase for a measurement')
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify({ workload: 'udp', wanted, plain, keyed }))
    return
  }
  console.log(`UDP relay, ${memberCount} members, 100-byte text: deliveries a second on one core (wanted: ${wanted})`)
  for (const [name, { perCore, perSecond }] of Object.entries({ plain, 'room key': keyed })) {
    console.log(`  ${name.padEnd(9)} ${String(perCore).padStart(9)}  (with the members on this machine: ${perSecond})`)
  }
}

async function room(phrase: string | undefined) {
  const relay = fork(fileURLToPath(import.meta.url), ['relay', ...(phrase === undefined ? [] : [phrase])])
  const [port] = await once(relay, 'message')
  const deriveKeys = phrase === undefined ? undefined : keysFromPhrase(phrase)
  let delivered = 0
  const members: MemberConnection[] = []
  for (let index = 0; index < memberCount; index += 1) {
    const entered = Promise.withResolvers<void>()
    const options = {
      host: '127.0.0.1',
      port: Number(port),
      name: `m${index}`,
      room: '',
      deriveKeys,
      network: undefined,
    }
    const connection = await connectMember(
      options,
      systemClock,
      (event) => {
        if (event.type === 'said') delivered += 1
        else if (event.type === 'entered') entered.resolve()
      },
      entered.reject,
    )
    members.push(connection)
    await entered.promise
  }
  const speakers = members.slice(0, speakerCount)
  const talk = setInterval(() => {
    for (const { member } of speakers) {
      for (let more = datagramLimits.windowFragments * 2 - member.unsettled; more > 0; more -= 1) member.say(text)
    }
  }, 1)
  const results: { perCore: number; perSecond: number }[] = []
  for (let round = 0; round < rounds; round += 1) {
    const before = { delivered, at: performance.now(), ...(await usage(relay)) }
    await new Promise((done) => setTimeout(done, roundMs))
    const used = (await usage(relay)).cpuMs - before.cpuMs
    const count = delivered - before.delivered
    const perSecond = Math.round((count * 1000) / (performance.now() - before.at))
    results.push({ perCore: Math.round((count * 1000) / used), perSecond })
  }
  clearInterval(talk)
  for (const connection of members) connection.close()
  relay.disconnect()
  await once(relay, 'exit')
  return results.sort((a, b) => a.perCore - b.perCore)[Math.floor(rounds / 2)] ?? { perCore: 0, perSecond: 0 }
}

async function usage(relay: ChildProcess): Promise<Usage> {
  const answer = once(relay, 'message')
  relay.send('usage')
  const [used] = (await answer) as [Usage]
  return used
}
