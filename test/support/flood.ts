import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { DatagramType, header } from '../../src/datagram-chat/packet.ts'

/*
 * HOST PORT PER_SECOND ADDRESS…: says hello to a relay from each of the addresses in turn, until it is killed. Prints a line
 * once a second's worth is out.
 */
const [host = '', port = '', perSecond = '', ...addresses] = process.argv.slice(2)
const sockets = await Promise.all(
  addresses.map(async (address) => {
    const socket = createSocket('udp4')
    socket.bind(0, address)
    await once(socket, 'listening')
    return socket
  }),
)
let sent = 0
setInterval(() => {
  for (const end = sent + Number(perSecond) / 50; sent < end; sent += 1) {
    const hello = Buffer.alloc(128)
    header(DatagramType.hello).copy(hello)
    hello.writeUInt32BE(sent, 4)
    sockets[sent % sockets.length]?.send(hello, Number(port), host)
  }
  if (sent === Number(perSecond)) process.stdout.write('flooding\n')
}, 20)
