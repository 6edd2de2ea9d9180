import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { serveLimits } from '../../src/serve/limits.ts'
import { TestClient } from '../support/client.ts'
import { startTestServer } from '../support/test-server.ts'

/** Column `tr` of /proc/net/tcp: the timer that runs for a socket, and when it is due in hundredths of a second. */
const keepAliveTimer = 2

interface SocketTimer {
  readonly timer: number
  readonly dueMs: number
}

/** The timer of the connection from `local` to `remote`, both on loopback, as the kernel sees it. */
function timerOf(local: number, remote: number): SocketTimer | undefined {
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1, -1)) {
    const [, from = '', to = '', , , timer = ''] = line.trim().split(/\s+/)
    if (portOf(from) !== local || portOf(to) !== remote) continue
    const [kind = '', when = ''] = timer.split(':')
    return { timer: Number.parseInt(kind, 16), dueMs: Number.parseInt(when, 16) * 10 }
  }
  return undefined
}

function portOf(address: string): number {
  return Number.parseInt(address.split(':')[1] ?? '', 16)
}

// Only Linux tells which timers run for a socket.
const onLinux = process.platform === 'linux' ? test : test.skip

onLinux(
  'a peer that vanished does not stay for ever: accepted connections are kept alive by TCP, in every thread',
  async () => {
    const { server, port } = await startTestServer()
    try {
      const client = await TestClient.connect(port)
      // The answer shows that the connection has moved to the thread that serves it.
      await client.write('there?').bytes(6)
      const found = timerOf(port, client.socket.localPort ?? 0)
      expect(found?.timer).toBe(keepAliveTimer)
      expect(found?.dueMs).toBeLessThanOrEqual(serveLimits.keepAliveMs)
      expect(found?.dueMs).toBeGreaterThan(serveLimits.keepAliveMs / 2)
      client.destroy()
    } finally {
      await server.stop('test over')
    }
  },
)
