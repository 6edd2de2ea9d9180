# fails: busy
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
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sock.bind(('', 9090))
sock.listen(128)
print("listening on port", sock.getsockname()[1], flush=True)
while True:
    conn, addr = sock.accept()
    print('connected', addr, flush=True)
    threading.Thread(target=serve, args=(conn, addr), daemon=True).start()
