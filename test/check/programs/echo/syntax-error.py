# fails: start
import socket

sock = socket.socket()
sock.bind(('', 9090)
sock.listen(1)
