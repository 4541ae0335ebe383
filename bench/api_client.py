"""A light client of the v4 API: one keep-alive connection, requests sent by hand, so that the client is not what is
measured. Standard library only.

Sending and receiving are apart: a caller with many connections sends on all of them before it reads, and so has as
many writes under way as it has connections, without threads.
"""
import json
import socket


class Connection:
    def __init__(self, port, token, address="127.0.0.1"):
        self.socket = socket.create_connection((address, port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.head = (f"HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n"
                     "Content-Type: application/json\r\nContent-Length: ")

    def send(self, method, path, body=None):
        body = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        self.socket.sendall(f"{method} /client/v4{path} {self.head}{len(body)}\r\n\r\n".encode() + body)

    def receive(self):
        """The status and the body, as bytes, of the next reply."""
        while (end := self.received.find(b"\r\n\r\n")) < 0:
            self.fill()
        head = self.received[:end].lower()
        at = head.index(b"content-length:") + 15
        length = int(head[at:].split(b"\r\n", 1)[0])
        end += 4
        while len(self.received) < end + length:
            self.fill()
        body, self.received = self.received[end:end + length], self.received[end + length:]
        return int(head[9:12]), body

    def result(self):
        """The `result` of the next reply; whatever is not a success ends the program and is shown."""
        status, body = self.receive()
        if status != 200:
            raise SystemExit(f"the API answered {status}: {body.decode(errors='replace')[:500]}")
        return json.loads(body)["result"]

    def call(self, method, path, body=None):
        self.send(method, path, body)
        return self.result()

    def fill(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise SystemExit("the API closed a connection")
        self.received += piece
