"""Generated questions: what is asked about a world, each with the words that listed differences name it by.

    for question in generate(world, seed, count):
        question.wire, question.transport, question.tags

Names: every owner and every empty non-terminal, names below and beside them, wildcards asked as such, targets of
aliases, names in other case, random names, names above and outside the zones. Types: those at the name, and any other.
Manners: with and without EDNS, DO, RD, CD, AD, options and flags nobody knows, UDP and TCP. And requests that are
malformed or of a kind an authoritative server does not take (`MALFORMED_GROUPS`: one function each, from a
well-formed request to octets).
"""
import itertools
import random
from dataclasses import dataclass, field

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rdataclass
import dns.rdatatype

from shapes import shape
from zones import DATA_TYPES, absolute

TYPES = [dns.rdatatype.from_text(kind) for kind in DATA_TYPES]
OTHER_TYPES = [dns.rdatatype.from_text(kind) for kind in (
    "ANY SOA NS CNAME DNAME DS RRSIG NSEC NSEC3 NSEC3PARAM HINFO TYPE65401".split())]
# Ends of a search whose responses may be of any length: how much fits into a datagram is asked of names that are
# there for that (`zones.large_sets`), everything about these over TCP.
LENGTHY = {"end: loop", "end: endless growth", "end: synthesis too long", "by: a long target",
           "chain of more than 11 links"}
LONG_NAME_OCTETS = 100
IN = dns.rdataclass.IN
QR, AA, TC, RA, Z = 0x8000, 0x0400, 0x0200, 0x0080, 0x0040
OPT = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"


@dataclass
class Question:
    name: dns.name.Name
    rdtype: int
    rdclass: int = IN
    # "udp" or "tcp".
    transport: str = "udp"
    rd: bool = False
    cd: bool = False
    ad: bool = False
    # The size that the OPT record says; None: no OPT record.
    edns: int = None
    do: bool = False
    version: int = 0
    option: bool = False
    flag: bool = False
    # A key of MALFORMED; None: well-formed.
    malformed: str = None
    tags: frozenset = frozenset()
    wire: bytes = field(default=b"", repr=False)

    def __str__(self):
        words = [f"{self.name} {dns.rdataclass.to_text(self.rdclass)} {dns.rdatatype.to_text(self.rdtype)}",
                 self.transport]
        words += [word for word in ("rd", "cd", "ad") if getattr(self, word)]
        if self.edns is not None:
            words.append(f"edns={self.edns}")
        words += [word for word in ("do", "option", "flag") if getattr(self, word)]
        words += [f"version={self.version}"] * bool(self.version) + [self.malformed] * bool(self.malformed)
        return " ".join(words)

    @property
    def group(self):
        """The group of MALFORMED_GROUPS, or None."""
        return self.malformed and MALFORMED[self.malformed][0]

    @property
    def octets_max(self):
        """The longest response that may come."""
        return 65535 if self.transport == "tcp" else min(max(self.edns or 512, 512), 1232)


def message(question, number):
    request = dns.message.make_query(question.name, question.rdtype, question.rdclass, id=number, flags=0)
    for flag in ("RD", "CD", "AD"):
        request.flags |= getattr(dns.flags, flag) if getattr(question, flag.lower()) else 0
    if question.edns is not None:
        options = [dns.edns.GenericOption(65001, b"waymark")] if question.option else []
        flags = (dns.flags.DO if question.do else 0) | (0x0040 if question.flag else 0)
        request.use_edns(question.version, flags, question.edns, options=options)
    return request.to_wire()


# From here on: requests that are not ordinary queries. Each function takes a well-formed request with one question and
# no other record.

def header(wire, flags=0, counts=(None,) * 4):
    """The request with flags set, and with other section counts where one is given."""
    numbers = [int.from_bytes(wire[at:at + 2], "big") for at in range(0, 12, 2)]
    numbers[1] |= flags
    numbers[2:] = [old if new is None else new for old, new in zip(numbers[2:], counts)]
    return b"".join(number.to_bytes(2, "big") for number in numbers) + wire[12:]


def record(wire, rdtype, data=b"", rdclass=1):
    """A record of the asked name, by a pointer."""
    return b"\xc0\x0c" + bytes([rdtype >> 8, rdtype & 255, 0, rdclass, 0, 0, 0, 0, 0, len(data)]) + data


def with_type(wire, rdtype):
    return wire[:-4] + rdtype.to_bytes(2, "big") + wire[-2:]


def counted(wire, octets, *counts):
    """The request with records behind its question, and their counts: answer, authority, additional."""
    return header(wire + octets, counts=(None, *counts))


SOA_DATA = b"\0\0" + bytes(20)
# By what an RFC says of them, so that one listed difference can name a group.
MALFORMED_GROUPS = {
    # Nothing tells what is asked (RFC 1035 section 4.1.1: "unable to interpret the query").
    "unreadable": {
        "label type 64": lambda wire: wire[:12] + b"\x41" + wire[13:],
        "label type 128": lambda wire: wire[:12] + b"\x81" + wire[13:],
        "pointer to itself": lambda wire: wire[:12] + b"\xc0\x0c" + wire[-4:],
        "pointer into the header": lambda wire: wire[:12] + b"\xc0\x04" + wire[-4:],
        "pointer past the end": lambda wire: wire[:12] + b"\xff\xff" + wire[-4:],
        "name of 256 octets": lambda wire: (
            wire[:12] + (b"\x3f" + b"l" * 63) * 3 + b"\x3e" + b"l" * 62 + b"\0" + wire[-4:]),
        "name without end": lambda wire: wire[:-5],
        "type cut": lambda wire: wire[:-3],
        "class missing": lambda wire: wire[:-2],
        "header alone": lambda wire: wire[:12],
        "header cut": lambda wire: wire[:11],
        "two octets": lambda wire: wire[:2],
    },
    # RFC 9619: a query has one question.
    "number of questions": {
        "no question": lambda wire: header(wire[:12], counts=(0, 0, 0, 0)),
        "two questions": lambda wire: header(wire + wire[12:], counts=(2, None, None, None)),
    },
    "records in the request": {
        "an answer record": lambda wire: counted(wire, record(wire, 1, b"\1\2\3\4"), 1, 0, 0),
        "an authority record": lambda wire: counted(wire, record(wire, 6, SOA_DATA), 0, 1, 0),
        "an additional record": lambda wire: counted(wire, record(wire, 1, b"\1\2\3\4"), 0, 0, 1),
        "a record is missing": lambda wire: counted(wire, b"", 0, 0, 1),
        "trailing octets": lambda wire: wire + b"\0\1\2",
    },
    "header bits": {
        "TC set": lambda wire: header(wire, flags=TC),
        "AA set": lambda wire: header(wire, flags=AA),
        "RA set": lambda wire: header(wire, flags=RA),
        "Z set": lambda wire: header(wire, flags=Z),
        "rcode set": lambda wire: header(wire, flags=3),
    },
    "a response": {
        "response bit": lambda wire: header(wire, flags=QR),
        "response bit, opcode NOTIFY": lambda wire: header(wire, flags=QR | 4 << 11),
    },
    "opcode that is not served": {
        "opcode IQUERY": lambda wire: header(wire, flags=1 << 11),
        "opcode STATUS": lambda wire: header(wire, flags=2 << 11),
        "opcode 3": lambda wire: header(wire, flags=3 << 11),
        "opcode DSO": lambda wire: header(wire, flags=6 << 11),
        "opcode 15": lambda wire: header(wire, flags=15 << 11),
    },
    "request of a stranger": {
        "opcode NOTIFY": lambda wire: header(with_type(wire, 6), flags=4 << 11 | AA),
        "opcode UPDATE": lambda wire: header(with_type(wire, 6), flags=5 << 11),
        "AXFR": lambda wire: with_type(wire, 252),
        "IXFR": lambda wire: counted(with_type(wire, 251), record(wire, 6, SOA_DATA), 0, 1, 0),
        "IXFR without SOA": lambda wire: with_type(wire, 251),
    },
    # RFC 6895 section 3.1: types that are not of data.
    "type that is no data": {
        "asked type OPT": lambda wire: with_type(wire, 41),
        "asked type TSIG": lambda wire: with_type(wire, 250),
        "asked type MAILB": lambda wire: with_type(wire, 253),
        "asked type 0": lambda wire: with_type(wire, 0),
    },
    # RFC 6891 section 6.1.1.
    "OPT that is malformed": {
        "two OPT": lambda wire: counted(wire, OPT + OPT, 0, 0, 2),
        "OPT of another owner": lambda wire: counted(wire, b"\1x" + OPT, 0, 0, 1),
        "OPT in the answer section": lambda wire: counted(wire, OPT, 1, 0, 0),
        "OPT whose option is cut": lambda wire: counted(wire, OPT[:-1] + b"\5\xfd\xe9\0\4\0", 0, 0, 1),
    },
    # RFC 6891 section 6.1.3.
    "EDNS version that is not served": {
        "EDNS version 1": lambda wire: counted(wire, OPT[:6] + b"\1" + OPT[7:], 0, 0, 1),
        "EDNS version 255, unknown type": lambda wire: counted(
            with_type(wire, 65401), OPT[:6] + b"\xff" + OPT[7:], 0, 0, 1),
    },
}
MALFORMED = {kind: (group, change) for group, kinds in MALFORMED_GROUPS.items() for kind, change in kinds.items()}
CLASSES = {"class CH": 3, "class HS": 4, "class NONE": 254, "class ANY": 255, "class 0": 0, "class 65280": 65280}


# Names.

def other_case(rng, name):
    return dns.name.Name(bytes(octet ^ 32 if chr(octet).isalpha() and octet < 128 and rng.random() < 0.5 else octet
                               for octet in label) for label in name.labels)


def below(name, *labels):
    """`name` with labels before it, or None if that is too long."""
    try:
        return dns.name.Name(tuple(labels) + name.labels)
    except dns.name.NameTooLong:
        return None


def names_of(zone, rng):
    """Every name of a zone that is of interest, each with the types that are there."""
    for name in sorted(zone.existing):
        rrsets = zone.nodes.get(name, {})
        types = list(rrsets)
        if dns.rdatatype.CNAME in rrsets:
            # What aliases are followed for.
            types += [dns.rdatatype.A, dns.rdatatype.AAAA, dns.rdatatype.TXT]
        yield name, types
        yield below(name, rng.choice((b"www", b"Nope", b"*", b"\0", b"host"))), list(rrsets)
        if rng.random() < 0.3:
            yield below(name, b"ns", b"deep"), []
        if name.labels[0] == b"*":
            for label in (b"x", b"a\x2eb", b"*", b"l" * 63):
                yield below(name.parent(), label), types
            yield below(name.parent(), b"one", b"two"), types
        if dns.rdatatype.DNAME in rrsets:
            for label in (b"host", b"x" * 63, b"no-such"):
                yield below(name, label), [dns.rdatatype.A]
            if name.labels[0] != b"grow":
                yield below(name, *[b"x" * 50] * 3), [dns.rdatatype.A, dns.rdatatype.TXT]
            yield below(name, b"x", b"wild"), [dns.rdatatype.A, dns.rdatatype.TXT]
        if dns.rdatatype.NS in rrsets:
            yield below(name, b"www"), [dns.rdatatype.DS]


def outside(world, rng):
    yield absolute("."), [dns.rdatatype.NS]
    yield absolute("@"), [dns.rdatatype.SOA]
    for text in ("nobody.invalid.", "www.nobody.invalid.", "www.gone", "plaintest."):
        yield absolute(text), []
    for zone in world.zones.values():
        yield zone.apex.parent(), []
        yield below(zone.apex.parent(), b"beside"), []


def ordinary(rng, name, rdtype):
    """A well-formed question in a random manner."""
    question = Question(name if rng.random() < 0.6 else other_case(rng, name), rdtype)
    long = len(name.to_wire()) > LONG_NAME_OCTETS
    question.transport = "tcp" if long or rng.random() < 0.15 else "udp"
    question.rd, question.cd, question.ad = (rng.random() < chance for chance in (0.2, 0.05, 0.05))
    question.edns = rng.choice((None, None, 512, 1232, 1232, 4096, 0))
    if question.edns is not None:
        question.do, question.option, question.flag = (rng.random() < chance for chance in (0.5, 0.1, 0.1))
    return question


def odd(rng):
    """Malformed requests and other classes, each kind about every sort of name."""
    names = [absolute("plain"), absolute("host.plain"), absolute("no.such.plain"), absolute("www.nobody.invalid.")]
    for kind in MALFORMED:
        for name in names:
            for transport in ("udp", "tcp"):
                yield Question(name, dns.rdatatype.A, transport=transport, malformed=kind, rd=rng.random() < 0.5)
    for kind, number in CLASSES.items():
        for name in names:
            for rdtype in (dns.rdatatype.A, dns.rdatatype.TXT):
                # BIND limits the rate of what it says over UDP in this class, and there is no option against it.
                transport = "tcp" if number == dns.rdataclass.CH else "udp"
                yield Question(name, rdtype, number, transport, edns=rng.choice((None, 1232)))


def all_questions(world, rng):
    """Every name with every type that is there, then any name with any type, without end."""
    asked = [(name, types) for zone in world.zones.values() for name, types in names_of(zone, rng)]
    asked += outside(world, rng)
    asked = [(name, types) for name, types in asked if name is not None]
    for name, types in asked:
        for rdtype in types:
            yield ordinary(rng, name, rdtype)
    while True:
        for name, types in rng.sample(asked, len(asked)):
            yield ordinary(rng, name, rng.choice(TYPES + OTHER_TYPES * 2 + types * 20))


def generate(world, seed, count):
    """`count` questions, the same for the same world and seed."""
    rng = random.Random(f"questions {seed}")
    asked = list(odd(rng))
    asked += itertools.islice(all_questions(world, rng), max(0, count - len(asked)))
    rng.shuffle(asked)
    for number, question in enumerate(asked):
        if not question.malformed and LENGTHY & shape(world, question.name, question.rdtype):
            question.transport = "tcp"
        question.wire = message(question, number & 0x7fff)
        if question.malformed:
            question.wire = MALFORMED[question.malformed][1](question.wire)
        question.tags = frozenset(tags_of(world, question))
        yield question


def tags_of(world, question):
    over = f"over {question.transport}"
    if question.malformed:
        return {question.malformed, question.group, over, "about: " + where(world, question.name)}
    tags = {f"type: {dns.rdatatype.to_text(question.rdtype)}", over}
    if question.rdclass != IN:
        (kind,) = [kind for kind, number in CLASSES.items() if number == question.rdclass]
        return tags | {kind, "class that is not served", "about: " + where(world, question.name)}
    if question.edns is not None:
        tags |= {"EDNS", "DO"} if question.do else {"EDNS"}
    if question.cd:
        tags.add("CD set")
    octets_max = question.octets_max if question.transport == "udp" else None
    return tags | shape(world, question.name, question.rdtype, octets_max)


def where(world, name):
    return "a name of a zone" if world.zone_of(name) else "a name of no zone"
