"""A peer in Python's own terms: each line of standard input is sent as a frame, each frame received is printed as a line."""

import socket
import struct
import sys
import threading

connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
stream = connection.makefile('rb')


def hear():
    while header := stream.read(4):
        (length,) = struct.unpack('>I', header)
        sys.stdout.buffer.write(stream.read(length) + b'\n')
        sys.stdout.buffer.flush()


hearing = threading.Thread(target=hear)
hearing.start()
for line in sys.stdin.buffer:
    payload = line.rstrip(b'\n')
    connection.sendall(struct.pack('>I', len(payload)) + payload)
hearing.join()
