import { MessageChannel, type MessagePort } from 'node:worker_threads'

/**
 * A second channel beside the one that a client thread and the room's owner share, for what else the thread needs there.
 * Call it before anything else is sent on `port`; the other side calls `acceptSideChannel`.
 */
export function openSideChannel(port: MessagePort): MessagePort {
  const { port1, port2 } = new MessageChannel()
  port.postMessage(port2, [port2])
  return port1
}

/** Waits for the other side's channel, which is the first message on `port`. Runs before the next message is delivered. */
export function acceptSideChannel(port: MessagePort, accepted: (side: MessagePort) => void): void {
  port.once('message', accepted)
}
