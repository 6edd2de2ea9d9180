# fails: start
import socket
import time

sock = socket.socket()
sock.bind(('', 9090))
print('ready', flush=True)
time.sleep(1000)
