import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { errorCode } from '../../src/base/errors.ts'
import { RunningNetlab, startNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { installed } from './dialogue.ts'

const haproxy = installed('haproxy')
const where = ['--host', '127.0.0.1', '--port', '0', '--proxy-protocol', '127.0.0.1']
/** How haproxy says for whom it speaks. It also looks whether the server is alive, and says so in version 2 (LOCAL). */
const ways = [
  'send-proxy',
  'send-proxy-v2',
  'send-proxy-v2 proxy-v2-options crc32c,unique-id check check-send-proxy inter 100ms',
]

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return address !== null && typeof address === 'object' ? address.port : 0
}

/** Connects from an address of this machine, as soon as somebody listens. */
async function connectFrom(localAddress: string, port: number): Promise<Socket> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const socket = connect({ host: '127.0.0.1', port, localAddress, allowHalfOpen: true })
    try {
      await once(socket, 'connect')
      return socket
    } catch (error) {
      if (errorCode(error) !== 'ECONNREFUSED') throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  throw new Error('haproxy did not begin to listen')
}

async function ask(localAddress: string, port: number, words: string): Promise<string> {
  const socket = await connectFrom(localAddress, port)
  socket.end(words)
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

if (haproxy === undefined) test.skip('haproxy in front of a server (not installed here)', () => undefined)
else {
  const program = haproxy
  test.each(ways)('haproxy tells for whom it speaks: %s', async (way) => {
    const cwd = temporaryFolder()
    await using ident = startNetlab(['serve', 'ident', ...where], { cwd })
    await using echo = startNetlab(['serve', 'echo', ...where, '--log-to', 'none'])
    const ports: number[] = []
    const sections: string[] = []
    for (const [name, server] of Object.entries({ ident, echo })) {
      const behind = /:(\d+)$/.exec(await server.line(/listening on/))?.[1]
      const port = await freePort()
      ports.push(port)
      sections.push(`listen ${name}\n  bind 127.0.0.1:${port}\n  server netlab 127.0.0.1:${behind} ${way}\n`)
    }
    const timeouts = 'timeout connect 5s\n  timeout client 60s\n  timeout server 60s'
    const file = join(cwd, 'haproxy.cfg')
    writeFileSync(file, `defaults\n  mode tcp\n  unique-id-format %[rand]\n  ${timeouts}\n${sections.join('')}`)
    await using proxy = new RunningNetlab(['-db', '-f', file], { program, cwd })
    const [identPort = 0, echoPort = 0] = ports

    expect(await ask('127.0.0.5', identPort, 'Ada\nexit\n')).toContain('Nice to meet you, Ada.')
    expect(await ask('127.0.0.6', identPort, 'Bob\nexit\n')).toContain('Nice to meet you, Bob.')
    expect(await ask('127.0.0.5', identPort, 'exit\n')).toContain('Hello, Ada.')
    expect(await ask('127.0.0.5', echoPort, 'stop\n')).toMatch(/^stop\nstop refused: .*proxy\n$/)
    expect(await ask('127.0.0.5', echoPort, 'hello\n')).toBe('hello\n')

    proxy.process.kill('SIGTERM')
    await ident.stop()
    const log = readFileSync(join(cwd, 'logs', 'netlab.log'), 'utf8')
    for (const address of ['127.0.0.5', '127.0.0.6']) expect(log).toContain(`"address":"${address}"`)
  })
}
