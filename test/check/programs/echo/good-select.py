# flawless: one thread, selectors
import selectors
import socket

selector = selectors.DefaultSelector()
sock = socket.socket()
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
for port in range(9090, 9190):
    try:
        sock.bind(('', port))
        break
    except OSError:
        pass
sock.listen(128)
sock.setblocking(False)
print('listening on port', port, flush=True)
selector.register(sock, selectors.EVENT_READ, None)
waiting = {}


def leave(conn):
    print('left', flush=True)
    selector.unregister(conn)
    del waiting[conn]
    conn.close()


while True:
    for key, mask in selector.select():
        if key.data is None:
            conn, addr = sock.accept()
            print('connected', addr, flush=True)
            conn.setblocking(False)
            waiting[conn] = [b'', False]
            selector.register(conn, selectors.EVENT_READ, addr)
            continue
        conn = key.fileobj
        state = waiting[conn]
        try:
            if mask & selectors.EVENT_READ:
                data = conn.recv(65536)
                print(key.data, len(data), flush=True)
                if not data or data.strip().lower() == b'exit':
                    state[1] = True
                else:
                    state[0] += data
            if state[0]:
                state[0] = state[0][conn.send(state[0]):]
        except BlockingIOError:
            pass
        except OSError as error:
            print(error, flush=True)
            leave(conn)
            continue
        if state[1] and not state[0]:
            leave(conn)
            continue
        reading = 0 if state[1] or len(state[0]) > 1_000_000 else selectors.EVENT_READ
        selector.modify(conn, reading | (selectors.EVENT_WRITE if state[0] else 0) or selectors.EVENT_WRITE, key.data)
