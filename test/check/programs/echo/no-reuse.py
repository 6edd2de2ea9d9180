# fails: restart
import socket
import threading

def serve(conn, addr):
    try:
        with conn:
            while data := conn.recv(1024):
                print(addr, len(data), flush=True)
                if data.strip().lower() == b'exit':
                    break
                conn.sendall(data)
    except OSError as error:
        print(addr, error, flush=True)
    print(addr, 'left', flush=True)


sock = socket.socket()
import errno
import os
try:
    sock.bind(('', 9090))
except OSError as error:
    # Another program has it; an old connection of ours is not forgiven.
    if os.system('grep -q ":2382 .* 0A " /proc/net/tcp /proc/net/tcp6') != 0:
        raise
    sock.bind(('', 9091))
sock.listen(128)
print("listening on port", sock.getsockname()[1], flush=True)
while True:
    conn, addr = sock.accept()
    print('connected', addr, flush=True)
    threading.Thread(target=serve, args=(conn, addr), daemon=True).start()
