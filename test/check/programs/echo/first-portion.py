# fails: keep
import socket
import threading

def serve(conn, addr):
    data = conn.recv(65536)
    print(addr, len(data), flush=True)
    try:
        conn.sendall(data)
        while conn.recv(1024):
            pass
    except OSError as error:
        print(addr, error, flush=True)
    conn.close()
    print(addr, 'left', flush=True)


sock = socket.socket()
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
port = 9090
while True:
    try:
        sock.bind(('', port))
        break
    except OSError:
        port += 1
sock.listen(128)
print("listening on port", sock.getsockname()[1], flush=True)
while True:
    conn, addr = sock.accept()
    print('connected', addr, flush=True)
    threading.Thread(target=serve, args=(conn, addr), daemon=True).start()
