// flawless: Node
const net = require('node:net')

const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  console.log('connected', socket.remotePort)
  socket.on('data', (data) => {
    console.log(data.length)
    if (data.toString().trim().toLowerCase() === 'exit') return socket.end()
    if (!socket.write(data)) {
      socket.pause()
      socket.once('drain', () => socket.resume())
    }
  })
  socket.on('end', () => socket.end())
  socket.on('close', () => console.log('left'))
  socket.on('error', (error) => console.log(error.code))
})
let port = 9090
server.on('error', () => server.listen(++port))
server.on('listening', () => console.log('listening on port', port))
server.listen(port)
