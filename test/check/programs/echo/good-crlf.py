# flawless: reads lines that end with CRLF
import socket
import threading

def serve(conn, addr):
    rest = b''
    try:
        with conn:
            while data := conn.recv(1024):
                print(addr, len(data), flush=True)
                rest += data
                while b'\r\n' in rest:
                    line, rest = rest.split(b'\r\n', 1)
                    if line.lower() == b'exit':
                        return
                    conn.sendall(line + b'\r\n')
            conn.sendall(rest)
    except OSError as error:
        print(addr, error, flush=True)
    finally:
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
