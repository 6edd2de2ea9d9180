import { ChatClient } from './chat-client.ts'

/** What was found after the last kill. */
export interface KillReport {
  readonly acknowledged: number
  /** Acknowledged, and not in the history, or there under another id. */
  readonly lost: readonly string[]
  /** In the history more than once. */
  readonly twice: readonly string[]
  readonly idsRise: boolean
  /** Clients that were told another sequence than the history's. */
  readonly disagreeing: readonly string[]
}

/** A server that was started over the same files as those before it. */
export interface Victim {
  readonly port: number
  /** Kills it with SIGKILL, and resolves when it is gone. */
  kill(): Promise<void>
}

const outstanding = 64

/**
 * Kills the server (SIGKILL) so many times while three clients talk as fast as it lets them, and looks at what remains.
 * @param between how many messages are acknowledged before each kill
 */
export async function killChat(
  kills: number,
  between: (kill: number) => number,
  start: () => Promise<Victim>,
): Promise<KillReport> {
  const clients = ['ann', 'bob', 'eve'].map((name) => new ChatClient(name))
  const [first] = clients
  if (first === undefined) throw new Error('there are three clients')
  for (let kill = 0; kill < kills; kill++) {
    const { port, kill: end } = await start()
    for (const client of clients) await client.come(port)
    const enough = first.acknowledged.size + between(kill)
    const talking = clients.map(async (client) => {
      const more = (): boolean => first.acknowledged.size >= enough || client.unacknowledged <= outstanding / 2
      while (first.acknowledged.size < enough) {
        client.say(outstanding - client.unacknowledged)
        await client.until(more)
        if (client.isGone && first.acknowledged.size < enough)
          throw new Error(`${client.name} lost the server before its end`)
      }
    })
    await Promise.race(talking)
    await end()
    for (const client of clients) client.leave()
    await Promise.all(talking)
  }
  const { port, kill } = await start()
  for (const client of clients) await client.come(port)
  for (const client of clients) await client.until(() => client.unacknowledged === 0)
  const last = Math.max(...clients.map(({ lastId }) => lastId))
  const reader = new ChatClient('reader')
  await reader.come(port)
  for (const client of [...clients, reader]) await client.until(() => client.lastId >= last)
  for (const client of [...clients, reader]) client.leave()
  await kill()
  return report(clients, reader)
}

function report(clients: readonly ChatClient[], reader: ChatClient): KillReport {
  const ids = reader.heard.map(({ id }) => id)
  const places = new Map<string, number[]>()
  for (const { id, cid } of reader.heard) if (cid !== undefined) places.set(cid, [...(places.get(cid) ?? []), id])
  const acknowledged = clients.flatMap((client) => [...client.acknowledged])
  return {
    acknowledged: acknowledged.length,
    lost: acknowledged.filter(([cid, id]) => places.get(cid)?.includes(id) !== true).map(([cid]) => cid),
    twice: [...places].filter(([, found]) => found.length > 1).map(([cid]) => cid),
    idsRise: ids.every((id, index) => index === 0 || id > (ids[index - 1] ?? 0)),
    disagreeing: clients
      .filter(({ heard, repeated }) => repeated.length > 0 || heard.map(({ id }) => id).join() !== ids.join())
      .map(({ name }) => name),
  }
}
