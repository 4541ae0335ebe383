"""Asks all servers the same octets at once, and waits for what each says to it.

    asker = Asker({"knot": port, ...})
    asker.ask(question)    # {"knot": octets, "silence" or "closed"}

Silence is seen without waiting for it: behind each request that may get none goes one that always gets a response,
and a server that has answered the second and not the first is silent.
"""
import collections
import itertools
import select
import socket
import struct
import time

import dns.message
import dns.rdataclass
import dns.rdatatype

# A server that has not answered by then is asked again, this often, before the run fails.
WAIT_S = 5
ATTEMPTS = 3
# Ids of requests that are sent behind others; questions have lower ones.
AFTER_IDS = range(0x8000, 0x10000)
SILENCE, CLOSED = "silence", "closed"


# NSD answers at most 100 requests a second with an error, and there is no option against it.
MALFORMED_PER_S = 80


class NoAnswer(Exception):
    """A server does not even answer the question behind the question."""


class Asker:
    def __init__(self, ports, apex):
        self.ports = ports
        self.after_body = dns.message.make_query(apex, dns.rdatatype.SOA, flags=0).to_wire()[2:]
        self.after_ids = itertools.cycle(AFTER_IDS)
        self.sockets = {}
        self.malformed = collections.deque(maxlen=MALFORMED_PER_S)
        for server, port in ports.items():
            self.sockets[server] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.sockets[server].connect(("127.0.0.1", port))

    def after(self):
        """A request that always gets a response, with an id that has not been used for long."""
        return next(self.after_ids).to_bytes(2, "big") + self.after_body

    def close(self):
        for one in self.sockets.values():
            one.close()

    def ask(self, question, servers):
        if question.malformed or question.rdclass != dns.rdataclass.IN:
            self.keep_pace()
        if question.transport == "tcp":
            return {server: self.ask_tcp(server, question) for server in servers}
        for _ in range(ATTEMPTS):
            replies = self.ask_udp(question, servers)
            if None not in replies.values():
                return replies
        raise NoAnswer(f"{[server for server, reply in replies.items() if reply is None]} did not answer: {question}")

    def keep_pace(self):
        """Waits until a second has passed since the request that was malformed MALFORMED_PER_S such requests ago."""
        if len(self.malformed) == MALFORMED_PER_S:
            time.sleep(max(0, self.malformed[0] + 1 - time.monotonic()))
        self.malformed.append(time.monotonic())

    def ask_udp(self, question, servers):
        """Every reply is octets or silence, or None from a server that did not answer the second request either."""
        replies, doubtful, after = dict.fromkeys(servers), question.malformed is not None, self.after()
        sockets = {self.sockets[server]: server for server in servers}
        for one in sockets:
            one.send(question.wire)
            if doubtful:
                one.send(after)
        deadline = time.monotonic() + WAIT_S
        while sockets:
            ready, _, _ = select.select(list(sockets), [], [], max(0, deadline - time.monotonic()))
            if not ready:
                break
            for one in ready:
                octets = one.recv(65535)
                if octets[:2] == after[:2]:
                    replies[sockets[one]] = replies[sockets[one]] or SILENCE
                    del sockets[one]
                elif octets[:2] == question.wire[:2]:
                    replies[sockets[one]] = octets
                    if not doubtful:
                        del sockets[one]
        return replies

    def ask_tcp(self, server, question):
        """A fresh connection."""
        with socket.create_connection(("127.0.0.1", self.ports[server]), WAIT_S) as connection:
            after = self.after()
            requests = [question.wire] + [after] * bool(question.malformed)
            connection.sendall(b"".join(struct.pack(">H", len(request)) + request for request in requests))
            reply = SILENCE
            while (octets := receive_message(connection)) is not None:
                if octets[:2] == after[:2]:
                    return reply
                reply = octets
                if not question.malformed:
                    return reply
            return CLOSED if reply == SILENCE else reply


def receive_message(connection):
    """A message, or None if the connection was closed before it was whole."""
    try:
        length = receive(connection, 2)
        return length and receive(connection, struct.unpack(">H", length)[0])
    except TimeoutError:
        raise
    except OSError:
        return None


def receive(connection, length):
    received = b""
    while len(received) < length:
        piece = connection.recv(length - len(received))
        if not piece:
            return None
        received += piece
    return received
