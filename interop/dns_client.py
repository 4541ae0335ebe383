"""Asks a DNS server one question, once. Nothing is retried, no answer is remembered.

    reply = ask("127.0.0.1:1053", "www.example.com", "A")
    reply.rcode, reply.authoritative, reply.answer    # "NOERROR", True, [Record(...)]

Only the standard library: what a test says about DNS should not hang on a resolver's opinion of it.
"""
import secrets
import socket
import struct
from dataclasses import dataclass, field

TYPES = {
    "A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "LOC": 29, "SRV": 33, "NAPTR": 35,
    "CERT": 37, "OPT": 41, "DS": 43, "SSHFP": 44, "DNSKEY": 48, "TLSA": 52, "SMIMEA": 53, "OPENPGPKEY": 61, "SVCB": 64,
    "HTTPS": 65, "URI": 256, "CAA": 257,
}
# Their data is shown as a zone file has it; that of the others is the RDATA in hexadecimal digits.
SHOWN_AS_TEXT = ("A", "AAAA", "NS", "CNAME", "PTR", "MX", "TXT", "SOA")
MNEMONICS = {number: mnemonic for mnemonic, number in TYPES.items()}
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
# A server on the loopback that has not answered by then has not answered.
TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Record:
    """One record; `data` as a zone file shows it, names without the dot at the end (see SHOWN_AS_TEXT)."""
    name: str
    type: str
    ttl: int
    data: str


@dataclass
class Reply:
    rcode: str
    authoritative: bool
    truncated: bool
    octets: int
    answer: list = field(default_factory=list)
    authority: list = field(default_factory=list)
    additional: list = field(default_factory=list)

    def data(self, record_type):
        """The data of the answer's records of a type, sorted."""
        return sorted(record.data for record in self.answer if record.type == record_type)


def ask(server, name, record_type, tcp=False, udp_size=1232):
    """One question from a fresh port to `server` ("address:port"); `udp_size` 0 leaves EDNS out.

    Raises TimeoutError if there is no answer, ValueError if what came back is no answer to it.
    """
    address, _, port = server.rpartition(":")
    request = build(name, record_type, udp_size)
    kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as connection:
        connection.settimeout(TIMEOUT_S)
        connection.connect((address.strip("[]"), int(port)))
        if tcp:
            connection.sendall(struct.pack(">H", len(request)) + request)
            message = receive(connection, struct.unpack(">H", receive(connection, 2))[0])
        else:
            connection.send(request)
            message = connection.recv(65535)
    if message[:2] != request[:2]:
        raise ValueError(f"{server} answered another question")
    return parse(message)


def build(name, record_type, udp_size):
    flags = 0  # no recursion is asked for
    message = struct.pack(">HHHHHH", secrets.randbits(16), flags, 1, 0, 0, 1 if udp_size else 0)
    for label in filter(None, name.split(".")):
        message += bytes([len(label)]) + label.encode("ascii")
    message += b"\0" + struct.pack(">HH", TYPES[record_type], 1)
    return message + (struct.pack(">BHHIH", 0, TYPES["OPT"], udp_size, 0, 0) if udp_size else b"")


def parse(message):
    _, flags, questions, *counts = struct.unpack_from(">HHHHHH", message)
    reply = Reply(
        rcode=RCODES.get(flags & 15, str(flags & 15)),
        authoritative=bool(flags & 0x0400),
        truncated=bool(flags & 0x0200),
        octets=len(message),
    )
    if not flags & 0x8000:
        raise ValueError("not a response")
    at = 12
    for _ in range(questions):
        at = read_name(message, at)[1] + 4
    for section, count in zip((reply.answer, reply.authority, reply.additional), counts):
        for _ in range(count):
            record, at = read_record(message, at)
            section.append(record)
    if at != len(message):
        raise ValueError(f"{len(message) - at} octets are left over")
    return reply


def read_record(message, at):
    owner, at = read_name(message, at)
    number, _, ttl, length = struct.unpack_from(">HHIH", message, at)
    at, end = at + 10, at + 10 + length
    data = message[at:end]
    kind = MNEMONICS.get(number, f"TYPE{number}")
    if kind == "A":
        text = socket.inet_ntop(socket.AF_INET, data)
    elif kind == "AAAA":
        text = socket.inet_ntop(socket.AF_INET6, data)
    elif kind in ("NS", "CNAME", "PTR"):
        text = read_name(message, at)[0]
    elif kind == "MX":
        text = f"{struct.unpack_from('>H', data)[0]} {read_name(message, at + 2)[0]}"
    elif kind == "TXT":
        text = " ".join(f'"{string}"' for string in strings(data))
    elif kind == "SOA":
        mname, after = read_name(message, at)
        rname, after = read_name(message, after)
        text = " ".join([mname, rname, *map(str, struct.unpack_from(">IIIII", message, after))])
    else:
        text = data.hex()
    return Record(owner, kind, ttl, text), end


def read_name(message, at):
    """The name at `at`, with its pointers followed, and where it ends."""
    labels, end = [], None
    while message[at]:
        if message[at] >= 0xC0:
            end = end or at + 2
            target = struct.unpack_from(">H", message, at)[0] & 0x3FFF
            if target >= at:
                raise ValueError("a compression pointer does not point backwards")
            at = target
        else:
            labels.append(message[at + 1:at + 1 + message[at]].decode("ascii"))
            at += 1 + message[at]
    return ".".join(labels), end or at + 1


def strings(data):
    while data:
        yield data[1:1 + data[0]].decode("latin-1")
        data = data[1 + data[0]:]


def receive(connection, length):
    received = b""
    while len(received) < length:
        piece = connection.recv(length - len(received))
        if not piece:
            raise ValueError("the connection was closed in the middle of an answer")
        received += piece
    return received
