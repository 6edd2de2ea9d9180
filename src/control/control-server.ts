import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { setImmediate as immediate } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import { UsageError } from '../base/errors.ts'
import { FramedSocket } from '../net/framed-socket.ts'
import { type Answer, nothingDone, type Operator } from '../terminal/operator-console.ts'
import { reaches } from './control-client.ts'
import { controlLimits } from './limits.ts'
import { type ControlNews, type ControlRequest, type Greeting, parseObject } from './messages.ts'
import { findSockets, makeSocketPlace, removeSocket } from './socket-files.ts'

/** What can be controlled. */
export interface Controlled {
  greeting(): Greeting
  /** Never rejects: what goes wrong is an answer, too. */
  carryOut(line: string, operator: Operator): Promise<Answer>
}

/** A control socket that takes commands. */
export interface ControlServer {
  /** Takes the socket away at once, and ends what is still open when the answers that are ready have gone. */
  close(): Promise<void>
}

/** Opens a control socket in a folder, and removes those of servers that were killed. @throws the system's error. */
export async function openControl(controlled: Controlled, clock: Clock, folder = '.'): Promise<ControlServer> {
  const place = makeSocketPlace(folder)
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    if (sockets.size >= controlLimits.connectionCount) {
      socket.destroy()
      return
    }
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    void serve(FramedSocket.attach(socket, controlLimits.messageBytes), controlled, clock)
  })
  try {
    await listening(server, place.path)
    place.publish()
  } catch (error) {
    server.close()
    place.remove()
    throw error
  }
  // A file that goes away by itself is no reason for anything.
  void removeStale(folder).catch(() => undefined)
  return {
    async close() {
      place.remove()
      server.close()
      await immediate()
      for (const socket of sockets) socket.destroy()
    },
  }
}

async function listening(server: Server, path: string): Promise<void> {
  // Exclusive: what looks like a cluster's parent in the environment (NODE_UNIQUE_ID) is asked for nothing.
  server.listen({ path, exclusive: true })
  // Rejects on 'error'.
  await once(server, 'listening')
}

async function removeStale(folder: string): Promise<void> {
  for (const { path, trusted } of findSockets(folder)) if (trusted && !(await reaches(path))) removeSocket(path)
}

/** Carries out what one client wants. The client closes the connection, or the end of the server does. */
async function serve(socket: FramedSocket, controlled: Controlled, clock: Clock): Promise<void> {
  const gone = new AbortController()
  socket.once('close', () => gone.abort())
  const send = (message: Greeting | ControlNews): boolean => socket.send(JSON.stringify(message))
  try {
    send(controlled.greeting())
    const impatience = clock.after(controlLimits.requestMs, () => socket.destroy())
    const frame = await socket.receive().finally(() => impatience.cancel())
    if (frame === undefined) return void socket.destroy()
    const { line, confirm } = parseObject<ControlRequest>(frame)
    const operator = operatorBehind(socket, confirm, send, gone.signal)
    const { text, exit } = await controlled.carryOut(String(line), operator)
    const { stopping } = controlled.greeting()
    send({ type: 'answer', text, exit, stopping })
    // Whoever stopped the server waits for its end, which closes this.
    if (!stopping) socket.end()
  } catch {
    // It left, or is no client of ours; nobody else has to know.
    socket.destroy()
  }
}

function operatorBehind(
  socket: FramedSocket,
  confirm: ControlRequest['confirm'],
  send: (news: ControlNews) => boolean,
  gone: AbortSignal,
): Operator {
  return {
    async confirm(question) {
      if (confirm === 'no') throw new UsageError(question, { hint: 'say --yes if you mean it' })
      if (confirm === 'yes') return
      send({ type: 'question', text: question })
      const answer = await socket.receive()
      const yes = answer !== undefined && parseObject<{ readonly yes?: unknown }>(answer).yes === true
      if (!yes) throw nothingDone('nothing was done')
    },
    async follow(work) {
      send({ type: 'following' })
      const show = async (text: string): Promise<void> => {
        if (send({ type: 'show', text }) || socket.destroyed) return
        // Also goes on when the client has gone.
        await once(socket, 'drain', { signal: gone }).catch(() => undefined)
      }
      await work(show, gone)
    },
  }
}
