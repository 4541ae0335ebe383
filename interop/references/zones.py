"""Generated zones: the same for every server, and the same again for the same seed.

    world = generate(seed)
    world.write(directory)        # one flat master file per zone: one record per line, absolute names
    world.zone_of(name)           # the zone with the longest apex

A world is a handful of zones that hold every construct an answer depends on: wildcards, empty non-terminals, chains of
CNAME and DNAME inside a zone, between zones and to nowhere, cuts with glue of every kind, data hidden by cuts and
DNAMEs, every record type, RRsets of every size, names of every length and octet. Each function below that takes a
`Builder` adds one construct under labels of its own, with details drawn at random; each zone gets a random share of
them, and every construct is in some zone of each world.
"""
import base64
import os
import random
from dataclasses import dataclass, field

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

IN = dns.rdataclass.IN
# Zones are made below this name, which nobody serves.
TOP = dns.name.from_text("test.")
# Every type of which zones hold records; NS, CNAME, DNAME and SOA are where the constructs put them.
DATA_TYPES = (
    "A AAAA CAA CERT CDNSKEY CDS DNSKEY HTTPS LOC MX NAPTR OPENPGPKEY PTR SMIMEA SRV SSHFP SVCB TLSA TXT URI TYPE65400"
).split()


def absolute(text, origin=TOP):
    """A name; `origin` is appended unless the text ends with a dot."""
    return dns.name.from_text(text, origin)


@dataclass
class Zone:
    """Records of one zone: owner -> type -> (TTL, data in the order in which they came). Owners compare in any case."""
    apex: dns.name.Name
    nodes: dict = field(default_factory=dict)
    existing: set = field(default_factory=set)

    def add(self, owner, ttl, rdata):
        rrset = self.nodes.setdefault(owner, {}).setdefault(rdata.rdtype, (ttl, []))
        if rdata not in rrset[1]:
            rrset[1].append(rdata)
        while owner not in self.existing:
            self.existing.add(owner)
            if owner == self.apex:
                break
            owner = owner.parent()

    def has(self, owner, *types):
        return any(dns.rdatatype.from_text(kind) in self.nodes.get(owner, {}) for kind in types)

    def data(self, owner, kind):
        return self.nodes.get(owner, {}).get(dns.rdatatype.from_text(kind), (0, []))[1]

    def lines(self):
        apex = self.nodes[self.apex]
        ordered = {dns.rdatatype.SOA: apex[dns.rdatatype.SOA], **apex}
        for owner, rrsets in ({self.apex: ordered} | self.nodes).items():
            for kind, (ttl, rdatas) in rrsets.items():
                for rdata in rdatas:
                    text = rdata.to_text()
                    if kind in (dns.rdatatype.SVCB, dns.rdatatype.HTTPS):
                        # PowerDNS 4.7 reads the numbers among these parameters only without quotes.
                        text = text.replace('"', "")
                    if kind == dns.rdatatype.CERT:
                        # Likewise the certificate's type and algorithm only as numbers.
                        numbers = f"{int(rdata.certificate_type)} {rdata.key_tag} {int(rdata.algorithm)}"
                        text = f"{numbers} {base64.b64encode(rdata.certificate).decode()}"
                    yield f"{owner} {ttl} IN {dns.rdatatype.to_text(kind)} {text}\n"


@dataclass
class World:
    seed: object
    zones: dict = field(default_factory=dict)
    # Zones that some servers do not load: apex -> their names.
    not_loaded_by: dict = field(default_factory=dict)

    def zone_of(self, name, skip_apex=False):
        """The zone with the longest apex at or above `name`; `skip_apex`: strictly above."""
        if skip_apex:
            if name == dns.name.root:
                return None
            name = name.parent()
        while name not in self.zones:
            if name == dns.name.root:
                return None
            name = name.parent()
        return self.zones[name]

    def write(self, directory):
        """Writes every zone and returns the files: [(apex, path)]."""
        files = []
        for number, zone in enumerate(self.zones.values()):
            path = os.path.join(directory, f"zone-{number}")
            with open(path, "w", encoding="ascii") as file:
                file.writelines(zone.lines())
            files.append((zone.apex, path))
        return files

    def __str__(self):
        names = sum(len(zone.nodes) for zone in self.zones.values())
        return f"seed {self.seed}, {len(self.zones)} zones, {names} names"


class Builder:
    """Puts records into one zone. Relative owners are below `at`, a random name in the zone, or the apex."""

    def __init__(self, world, zone, rng):
        self.world, self.zone, self.rng = world, zone, rng
        self.at = zone.apex
        self.used = 0

    def name(self, text):
        """A name below `at`; with a dot at the end, a name as it stands."""
        return absolute(text, self.at)

    def put(self, owner, kind, *texts, ttl=None):
        """Adds one record for each text."""
        owner = self.name(owner) if isinstance(owner, str) else owner
        ttl = ttl or self.rng.choice((60, 300, 3600, 86400))
        for text in texts:
            self.zone.add(owner, ttl, dns.rdata.from_text(IN, kind, str(text), origin=self.at, relativize=False))
        return owner

    def put_data(self, owner, kind, target=None, count=1):
        """Adds random data of a type; `target` is the name for types that have one."""
        return self.put(owner, kind, *{data_of(kind, self.rng, target or self.name("host")) for _ in range(count)})

    def addresses(self, owner, kinds=("A", "AAAA")):
        for kind in kinds:
            self.put_data(owner, kind, count=self.rng.randint(1, 3))
        return self.name(owner) if isinstance(owner, str) else owner

    def below_fresh_label(self):
        """From now on, names are below a label that has not been used: constructs do not touch each other."""
        self.used += 1
        self.at = absolute(f"{self.rng.choice('abcdefgh')}{self.used}", self.zone.apex)
        if self.rng.random() < 0.2:
            self.at = absolute("Deep.er", self.at)

    def elsewhere(self):
        """The apex of another zone that is served, neither above nor below this one."""
        others = [apex for apex in self.world.zones if not apex.is_subdomain(self.zone.apex)
                  and not self.zone.apex.is_subdomain(apex) and str(apex).startswith("kin")]
        return self.rng.choice(others or [absolute("nobody.invalid.")])


def base64_of(rng, octets):
    return base64.b64encode(rng.randbytes(octets)).decode()


def data_of(kind, rng, target):
    """Presentation form of random data."""
    number = rng.randint(0, 65535)
    form = {
        "A": lambda: f"192.0.2.{rng.randint(1, 254)}",
        "AAAA": lambda: f"2001:db8::{rng.randint(1, 65535):x}",
        "CAA": lambda: f'{rng.choice((0, 128))} {rng.choice(("issue", "iodef"))} "ca{number}.test; policy=ev"',
        "CERT": lambda: f"{rng.choice(('PKIX', 'PGP', '5'))} {number} 13 {base64_of(rng, 30)}",
        "DNSKEY": lambda: f"{rng.choice((256, 257))} 3 13 {base64_of(rng, 64)}",
        "DS": lambda: f"{number} 13 2 {rng.randbytes(32).hex()}",
        "HTTPS": lambda: rng.choice((f"1 {target} alpn=h2,h3 port=8443", f"{rng.randint(1, 9)} . ipv4hint=192.0.2.7",
                                     f"0 {target}", f"2 {target} key65400=raw mandatory=alpn alpn=h2")),
        "LOC": lambda: f"52 22 23.{rng.randint(100, 999)} N 4 53 32.000 E -2.00m 1.00m 10000.00m 10.00m",
        "MX": lambda: f"{number} {target}",
        "NAPTR": lambda: f'100 {number} "s" "z3950+I2L+I2C" "" {target}',
        "NS": lambda: f"{target}",
        "OPENPGPKEY": lambda: base64_of(rng, 90),
        "PTR": lambda: f"{target}",
        "SMIMEA": lambda: f"3 1 1 {rng.randbytes(32).hex()}",
        "SRV": lambda: f"{rng.randint(0, 9)} {number} 443 {target}",
        "SSHFP": lambda: f"4 2 {rng.randbytes(32).hex()}",
        "TLSA": lambda: f"3 1 1 {rng.randbytes(32).hex()}",
        "TXT": lambda: f'"v={number}" "" "{chr(rng.randint(97, 122)) * rng.randint(0, 30)}\\"\\\\\\255;"',
        "TYPE65400": lambda: f"\\# {4} {rng.randbytes(4).hex()}",
        "URI": lambda: f'{number} 1 "https://uri.test/{number}"',
    }
    form["SVCB"], form["CDS"], form["CDNSKEY"] = form["HTTPS"], form["DS"], form["DNSKEY"]
    return form[kind]()


# Constructs. Each takes a builder that is below a label of its own.

def hosts(b):
    """Ordinary names, of mixed case, with all sorts of types beside each other."""
    b.addresses("host")
    b.addresses("Host.MiXed.CaSe")
    for number in range(3):
        for kind in b.rng.sample(DATA_TYPES, 4):
            b.put_data(f"n{number}", kind, count=b.rng.randint(1, 3))


def every_type(b):
    """Each type at a name of its own and all together at one."""
    b.addresses("host")
    for kind in DATA_TYPES:
        b.put_data(kind.lower(), kind, count=2)
        b.put_data("all", kind)
    b.put_data("ds-without-cut", "DS")


def empty_non_terminals(b):
    b.addresses("a.b.c.ent")
    b.put_data("x.y.ent", "TXT")
    b.put_data("_443._tcp.service", "TLSA")


def wildcards(b):
    """Wildcards that hold addresses, and what blocks them."""
    b.addresses("*.w")
    b.put_data("*.w", "TXT")
    b.put_data("blocked.w", "TXT")
    b.put_data("under.blocked2.w", "TXT")
    b.put_data("*.w2.deep.ent", "MX", b.name("mail.w"), count=2)
    b.put_data("*.sub.w", "TXT")
    b.put_data("a.*.w3", "A")
    b.put_data("star.*.middle.w4", "A")
    b.put_data("*.*.w5", "A")


def wildcard_aliases(b):
    b.addresses("target")
    b.put("*.in", "CNAME", b.name("target"))
    b.put("*.wild", "CNAME", b.name("any.addresses"))
    b.addresses("*.addresses")
    b.put("*.out", "CNAME", absolute("host.out", b.elsewhere()))
    b.put("*.gone", "CNAME", b.name("no.such.name"))
    b.put("*.loop", "CNAME", b.name("again.loop"))
    b.put("*.nobody", "CNAME", "www.nobody.invalid.")
    b.put_data("exists.in", "TXT")


def cname_chains(b):
    """Aliases inside the zone: to data, to nothing, long ones."""
    b.addresses("end")
    b.put_data("end", "TXT")
    b.put("one", "CNAME", b.name("end"))
    b.put("two", "CNAME", b.name("one"))
    b.put("Upper.Case", "CNAME", b.name("ENd"))
    b.put("gone", "CNAME", b.name("no.such.name"))
    b.put("gone2", "CNAME", b.name("gone"))
    b.put_data("deep.ent", "TXT")
    b.put("to-ent", "CNAME", b.name("ent"))
    b.put("to-apex", "CNAME", b.zone.apex)
    b.addresses("*.wild")
    b.put("to-wild", "CNAME", b.name("x.wild"))
    b.put("to-star", "CNAME", b.name("*.wild"))
    length = b.rng.randint(5, 7)
    for number in range(length):
        b.put(f"chain{number}", "CNAME", b.name(f"chain{number + 1}"))
    b.addresses(f"chain{length}")


def long_chains(b):
    """Chains so long that servers give up, each in its own place."""
    length = 20
    for number in range(length):
        b.put(f"long{number}", "CNAME", b.name(f"long{number + 1}"))
    b.addresses(f"long{length}")


def cname_loops(b):
    for length in (1, 2, 3):
        for number in range(length):
            b.put(f"loop{length}-{number}", "CNAME", b.name(f"loop{length}-{(number + 1) % length}"))
    b.put("to-loop", "CNAME", b.name("loop2-0"))


def aliases_out(b):
    """Aliases that leave the zone: into zones that are served here and into one that is not."""
    other = b.elsewhere()
    b.put("out", "CNAME", absolute("host.out", other))
    b.put("out-ent", "CNAME", absolute("out", other))
    b.put("out-apex", "CNAME", other)
    b.put("out-gone", "CNAME", absolute("no.such.name", other))
    b.put("out-alias", "CNAME", absolute("alias.out", other))
    b.put("out-wild", "CNAME", absolute("x.wild.out", other))
    b.put("out-cut", "CNAME", absolute("www.cut.out", other))
    b.put("out-dname", "CNAME", absolute("host.dname.out", other))
    b.put("nobody", "CNAME", "www.nobody.invalid.")
    b.put("in-out", "CNAME", b.name("out"))
    b.put("dname-out", "DNAME", absolute("out", other))
    b.put("dname-nobody", "DNAME", "nobody.invalid.")


def aliases_to_cuts(b):
    """Aliases to names at and below cuts of the same zone."""
    b.put("cut", "NS", b.name("ns.cut"))
    b.addresses("ns.cut")
    b.put("to-cut", "CNAME", b.name("cut"))
    b.put("to-below", "CNAME", b.name("www.cut"))
    b.put("to-glue", "CNAME", b.name("ns.cut"))
    b.put("*.wild", "CNAME", b.name("ns.cut"))
    b.put("dname", "DNAME", b.name("cut"))
    b.put("cut2", "NS", "ns.nobody.invalid.")
    b.put_data("cut2", "DS")
    b.put("to-cut2", "CNAME", b.name("cut2"))


def dnames(b):
    b.addresses("host.target")
    b.put_data("deep.ent.target", "TXT")
    b.addresses("*.wild.target")
    b.put("alias.target", "CNAME", b.name("host.target"))
    b.put("alias-back.target", "CNAME", b.name("host.dname"))
    b.put("dname", "DNAME", b.name("target"))
    b.put("first", "DNAME", b.name("second"))
    b.put("second", "DNAME", b.name("dname"))
    b.put("MixeD", "DNAME", b.name("Target"))
    b.put("with-data", "DNAME", b.name("target"))
    b.addresses("with-data")
    b.put_data("with-data", "TXT")
    b.put("to-nothing", "DNAME", b.name("no.such.name"))
    b.put("to-ent", "DNAME", b.name("ent.target"))
    b.put("alias-into", "CNAME", b.name("host.dname"))


def dname_loops(b):
    b.put("self", "DNAME", b.name("self"))
    b.put("grow", "DNAME", b.name("more.grow"))
    b.put("fast", "DNAME", b.name(f"{'x' * 60}.{'y' * 40}.fast"))
    b.put("ping", "DNAME", b.name("pong"))
    b.put("pong", "DNAME", b.name("ping"))
    b.put("up.ring", "DNAME", b.name("ring"))
    b.put("to-grow", "CNAME", b.name("x.grow"))


def dname_overflows(b):
    """Synthesis that comes out longer than 255 octets (YXDOMAIN), and one that just fits."""
    room = 255 - len(b.at.to_wire())
    long = ".".join(["l" * 40] * ((room - 30) // 41))
    b.put("long", "DNAME", b.name(long))
    b.put("to-long", "CNAME", b.name(f"{'x' * 60}.long"))


def occluded_by_dname(b):
    """Data below a DNAME is hidden (RFC 6672 section 2.4)."""
    b.addresses("host.target")
    b.put("dname", "DNAME", b.name("target"))
    b.addresses("host.dname")
    b.put_data("deep.er.dname", "TXT")
    b.put("*.dname", "TXT", '"hidden"')


def occluded_zone(b):
    """Data below DNAMEs, in a zone of its own."""
    outset(b)
    for _ in range(2):
        b.below_fresh_label()
        occluded_by_dname(b)
    # RFC 6672 section 2.4: there MUST NOT be any; a server may refuse the zone.
    b.world.not_loaded_by[b.zone.apex] = {"nsd"}


def delegations(b):
    """Cuts with glue of every kind."""
    b.addresses("host")
    b.put("in", "NS", b.name("ns1.in"), b.name("ns2.deep.in"))
    b.addresses("ns1.in")
    b.addresses("ns2.deep.in")
    b.put_data("in", "DS", count=2)
    b.put("only4", "NS", b.name("ns.only4"))
    b.addresses("ns.only4", ["A"])
    b.put("only6", "NS", b.name("ns.only6"))
    b.addresses("ns.only6", ["AAAA"])
    b.put("sibling", "NS", b.name("ns1.in"))
    b.put("both", "NS", b.name("ns.both"), b.name("ns1.in"), "ns.nobody.invalid.", b.name("host"))
    b.addresses("ns.both")
    b.put_data("both", "DS")
    b.put("authoritative", "NS", b.name("host"))
    b.put("outside", "NS", "ns1.nobody.invalid.", absolute("host.out", b.elsewhere()))
    b.put_data("outside", "DS")
    b.put("missing", "NS", b.name("ns.missing"))
    b.put("self", "NS", b.name("self"))
    b.addresses("self")
    b.put("UPPER", "NS", b.name("NS.upper"))
    b.addresses("ns.Upper")
    b.put("cut.ent", "NS", b.name("ns.cut.ent"))
    b.addresses("ns.cut.ent")


def occluded_by_cuts(b):
    """What lies below a cut is no data of this zone, whatever it is."""
    b.put("cut", "NS", b.name("ns.cut"))
    b.addresses("ns.cut")
    b.put_data("cut", "TXT")
    b.put_data("host.cut", "TXT")
    b.put_data("mail.cut", "MX", b.name("ns.cut"))
    b.put("alias.cut", "CNAME", b.name("host.cut"))
    b.put("dname.cut", "DNAME", b.name("host"))
    b.put("*.wild.cut", "TXT", '"hidden"')
    b.put("deeper.cut", "NS", b.name("ns.deeper.cut"))
    b.put_data("deeper.cut", "DS")
    b.addresses("ns.deeper.cut")
    b.put("by-deeper", "NS", b.name("ns.deeper.cut"))
    b.put_data("mail", "MX", b.name("ns.cut"))


def services(b):
    """Types that bring additional data, to targets of every kind."""
    b.addresses("host")
    b.put("cut", "NS", b.name("ns.cut"))
    b.addresses("ns.cut")
    b.addresses("*.wild")
    b.put("alias", "CNAME", b.name("host"))
    b.put("dname", "DNAME", b.name("host"))
    targets = {"host": b.name("host"), "cut": b.name("cut"), "glue": b.name("ns.cut"), "wild": b.name("x.wild"),
               "alias": b.name("alias"), "dname": b.name("x.dname"), "gone": b.name("no.such"),
               "out": absolute("host.out", b.elsewhere()), "root": dns.name.root}
    for label, target in targets.items():
        for kind in b.rng.sample(("MX", "SRV", "SVCB", "HTTPS"), 2):
            b.put_data(f"{label}.{kind.lower()}", kind, target, count=2)
    b.put("chain.svcb", "SVCB", f"0 {b.name('next.svcb')}")
    b.put("next.svcb", "SVCB", f"1 {b.name('host')} alpn=h2")
    b.put("chain.https", "HTTPS", f"0 {b.name('alias')}")


def large_sets(b):
    """RRsets that fit into 512 octets, into 1232, into neither."""
    for octets in (300, 480, 700, 1150, 1300, 3000, 9000):
        count = octets // 72
        b.put(f"txt{octets}", "TXT", *(f'"{number:04} {"t" * 52}"' for number in range(count)), ttl=300)
    for count in (20, 40, 72, 100, 300):
        b.put(f"a{count}", "A", *(f"10.{number // 250}.0.{number % 250}" for number in range(count)), ttl=300)
    b.put("alias", "CNAME", b.name("txt3000"))
    for number in range(4):
        b.put_data(f"mail{number}", "MX", b.name("a100"))
    for label, count in (("few", 3), ("many", 13), ("huge", 30)):
        for number in range(count):
            server = b.put(label, "NS", b.name(f"nameserver-{number}.{label}"), ttl=300)
            b.put(f"nameserver-{number}.{label}", "A", f"10.1.0.{number + 1}", ttl=300)
            b.put(f"nameserver-{number}.{label}", "AAAA", f"2001:db8::1:{number + 1:x}", ttl=300)
        b.put_data(server, "DS")


def odd_labels(b):
    """Octets that need escapes, labels and names at their longest."""
    for label in (r"\000", r"\255\254", r"dot\.ted", r"sp\032ace", r"quo\"te", r"back\\slash", r"at\@", r"semi\;",
                  r"\(x\)", r"\*", r"under_score", "x" * 63, r"\065\066"):
        b.put_data(label, "A")
    b.put(r"al\.ias", "CNAME", b.name(r"dot\.ted"))
    room = 255 - len(b.at.to_wire()) - 1
    labels = []
    while room > 1:
        labels.append("m" * min(63, room - 1 if room - 1 <= 63 else 63))
        room -= len(labels[-1]) + 1
    longest = b.name(".".join(labels))
    b.put_data(longest, "TXT")
    b.put("to-longest", "CNAME", longest)
    b.put(r"*.\*", "TXT", '"below an escaped star"')


def child_zones(b):
    """A cut to a zone that the same servers have, and names of it that the parent holds as glue."""
    for label in ("child", "Child2"):
        apex = b.name(label)
        b.put(apex, "NS", absolute("ns", apex), b.name("ns.child"))
        b.addresses(absolute("ns", apex))
        if label == "child":
            b.put_data(apex, "DS")
        b.world.zones[apex] = child = Zone(apex)
        inner = Builder(b.world, child, b.rng)
        serial, minimum = b.rng.randint(1, 4294967295), b.rng.choice((60, 7200))
        inner.put("@", "SOA", f"ns hostmaster {serial} 7200 900 604800 {minimum}")
        inner.put("@", "NS", "ns", b.name("ns.child"))
        inner.addresses("ns")
        inner.addresses("host")
        inner.put("up", "CNAME", absolute("host", b.zone.apex))
        inner.addresses("*.wild")
        inner.put("cut", "NS", "ns.cut")
        inner.addresses("ns.cut")
    b.put("to-child", "CNAME", b.name("host.child"))
    b.put("to-child-gone", "CNAME", b.name("no.such.child"))
    b.put("to-child-wild", "CNAME", b.name("x.wild.child"))
    b.put("dname", "DNAME", b.name("child"))
    b.put_data("mail", "MX", b.name("host.child"))
    b.put("by-child", "NS", b.name("ns.child"))


CONSTRUCTS = (hosts, every_type, empty_non_terminals, wildcards, wildcard_aliases, cname_chains, long_chains,
              cname_loops, aliases_out, aliases_to_cuts, dnames, dname_loops, dname_overflows, delegations,
              occluded_by_cuts, services, large_sets, odd_labels, child_zones)


def outset(b, apex_types=("TXT", "MX", "CAA", "LOC", "HTTPS", "A")):
    """SOA, NS and some data at the apex."""
    rng = b.rng
    b.put("@", "SOA", f"ns1 host\\.master.{b.zone.apex} {rng.randint(1, 4294967295)} 10000 2400 604800 "
          f"{rng.choice((5, 1800, 86400))}", ttl=rng.choice((30, 3600)))
    b.put("@", "NS", "ns1", "ns2.nobody.invalid.")
    b.addresses("ns1")
    b.addresses("host")
    for kind in rng.sample(apex_types, 4):
        b.put_data("@", kind)


def landing(b):
    """What aliases of other zones lead to, below the label `out`."""
    b.addresses("host.out")
    b.put("alias.out", "CNAME", b.name("host.out"))
    b.addresses("*.wild.out")
    b.put("cut.out", "NS", b.name("ns.cut.out"))
    b.addresses("ns.cut.out")
    b.put("dname.out", "DNAME", b.name("out"))


def dname_zone(b):
    """A zone that is a DNAME at its apex: what a registry's variants are."""
    b.put("@", "SOA", f"ns.nobody.invalid. hostmaster.nobody.invalid. {b.rng.randint(1, 4294967295)} 1 2 3 600")
    b.put("@", "NS", "ns1.nobody.invalid.", "ns2.nobody.invalid.")
    b.put("@", "DNAME", b.elsewhere())
    b.put_data("@", "MX", absolute("host.out", b.elsewhere()))


def wildcard_zone(b):
    """A wildcard right below the apex, which answers for everything that is not there."""
    outset(b)
    b.put("*", "TXT", '"wildcard of the apex"')
    b.addresses("*")
    b.put("cut", "NS", b.name("ns.cut"))
    b.addresses("ns.cut")
    b.put_data("a.ent", "TXT")


def wildcard_alias_zone(b):
    outset(b)
    b.put("*", "CNAME", b.name("host"))
    b.put_data("a.ent", "TXT")


def generate(seed):
    """The world of a seed."""
    rng = random.Random(f"zones {seed}")
    world = World(seed)
    builders = []

    def zone(text):
        apex = absolute(text)
        world.zones[apex] = Zone(apex)
        return Builder(world, world.zones[apex], rng)

    # Kin first, so that aliases can lead into them.
    for number in range(2):
        b = zone(f"kin{number}")
        outset(b)
        landing(b)
        builders.append(b)
    for text in ("plain", "Mixed", "long-name-of-a-zone.with.several.labels"):
        builders.append(zone(text))
        outset(builders[-1])
    dname_zone(zone("variant"))
    wildcard_zone(zone("starry"))
    wildcard_alias_zone(zone("alias-star"))
    occluded_zone(zone("occluded"))
    for construct in CONSTRUCTS:
        for b in rng.sample(builders, 1 if construct in (every_type, large_sets) else 2):
            b.below_fresh_label()
            construct(b)
    return world
