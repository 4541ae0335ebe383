"""What every client with a full set of calls does with a record: made, read, refused a second time, replaced, changed,
deleted. DNS is asked after each step. A client is handed in as `Records`; the record types are data.
"""
from abc import ABC, abstractmethod

from checks import same, see, see_rcode
from dns_client import ask


class Records(ABC):
    """The record calls of one client. Records are dicts, as the API's JSON has them."""

    @abstractmethod
    def create(self, zone_id, **fields): ...

    @abstractmethod
    def get(self, zone_id, record_id): ...

    @abstractmethod
    def list(self, zone_id, record_type=None, name=None):
        """All pages."""

    @abstractmethod
    def update(self, zone_id, record_id, **fields):
        """PUT."""

    @abstractmethod
    def edit(self, zone_id, record_id, **fields):
        """PATCH."""

    @abstractmethod
    def delete(self, zone_id, record_id):
        """Gives the id that the answer has."""

    @abstractmethod
    def refusal(self, call):
        """Runs the call, which must be refused; gives the codes of the errors."""


def data(**members):
    return {"data": members}


SHA_256 = "8755cdaa8fe24ef16cc0f2c918063185e433faaf1415664911d9e30a924138c4"
KEY = "mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ=="

# Per type: the owner's labels, then what it is at first, after PUT and after PATCH, each as (API fields, data in DNS as
# a zone file has it). What is sent shows what clients send: letters in any case, a dot at the end, numbers as text.
RECORDS = {
    "A": ("a", [({"content": "192.0.2.1"}, "192.0.2.1"), ({"content": "192.0.2.2"}, "192.0.2.2"),
                ({"content": "192.0.2.3"}, "192.0.2.3")]),
    "AAAA": ("aaaa", [({"content": "2001:db8::1"}, "2001:db8::1"), ({"content": "2001:DB8:0:0::2"}, "2001:db8::2"),
                      ({"content": "2001:db8::3"}, "2001:db8::3")]),
    "CNAME": ("cname", [({"content": "one.example.net"}, "one.example.net"),
                        ({"content": "Two.Example.Net."}, "two.example.net"),
                        ({"content": "three.example.net"}, "three.example.net")]),
    "MX": ("mx", [({"content": "mail.example.net", "priority": 10}, "10 mail.example.net"),
                  ({"content": "mail.example.net", "priority": 0}, "0 mail.example.net"),
                  ({"priority": 20}, "20 mail.example.net")]),
    "TXT": ("txt", [({"content": '"v=spf1 -all"'}, '"v=spf1 -all"'),
                    ({"content": "unquoted text"}, '"unquoted text"'),
                    ({"content": '"two" "strings"'}, '"two" "strings"')]),
    "PTR": ("ptr", [({"content": "one.example.net"}, "one.example.net"),
                    ({"content": "Two.Example.Net."}, "two.example.net"),
                    ({"content": "three.example.net"}, "three.example.net")]),
    "OPENPGPKEY": ("c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._openpgpkey",
                   [({"content": "AQID"}, "AQID"), ({"content": "AQIDBAUG"}, "AQIDBAUG"), ({"content": "BwgJ"}, "BwgJ")]),
    "CAA": ("caa", [(data(flags=0, tag="issue", value="ca.example.net"), '0 issue "ca.example.net"'),
                    (data(flags=128, tag="issuewild", value=";"), '128 issuewild ";"'),
                    (data(flags="0", tag="iodef", value="mailto:ca@example.net"), '0 iodef "mailto:ca@example.net"')]),
    "CERT": ("cert", [(data(type=1, key_tag=0, algorithm=0, certificate="AQID"), "1 0 0 AQID"),
                      (data(type=9, key_tag=1, algorithm=5, certificate="AQIDBA=="), "9 1 5 AQIDBA=="),
                      (data(type=1, key_tag=2, algorithm=8, certificate="BQYH"), "1 2 8 BQYH")]),
    "DNSKEY": ("dnskey", [(data(flags=257, protocol=3, algorithm=13, public_key=KEY), f"257 3 13 {KEY}"),
                          (data(flags=256, protocol=3, algorithm=13, public_key=KEY), f"256 3 13 {KEY}"),
                          (data(flags=0, protocol=3, algorithm=13, public_key=KEY), f"0 3 13 {KEY}")]),
    "HTTPS": ("https", [(data(priority=1, target=".", value='alpn="h2,h3"'), "1 . alpn=h2,h3"),
                        (data(priority=2, target="Pool.Example.Net.", value=' port="8443"'),
                         "2 pool.example.net. port=8443"),
                        (data(priority=0, target="alias.example.net", value=""), "0 alias.example.net.")]),
    "LOC": ("loc", [(data(lat_degrees=52, lat_minutes=22, lat_seconds=23, lat_direction="N", long_degrees=4,
                          long_minutes=53, long_seconds=32, long_direction="E", altitude=-2, size=1,
                          precision_horz=10000, precision_vert=10),
                     "52 22 23.000 N 4 53 32.000 E -2.00m 1m 10000m 10m"),
                    (data(lat_degrees=0, lat_minutes=0, lat_seconds=0, lat_direction="S", long_degrees=0,
                          long_minutes=0, long_seconds=0, long_direction="W", altitude=0, size=0, precision_horz=0,
                          precision_vert=0), "0 0 0.000 S 0 0 0.000 W 0.00m 0m 0m 0m"),
                    (data(lat_degrees=31, lat_minutes=58, lat_seconds=52.1, lat_direction="S", long_degrees=115,
                          long_minutes=49, long_seconds=11.7, long_direction="E", altitude=20, size=10,
                          precision_horz=10, precision_vert=2),
                     "31 58 52.100 S 115 49 11.700 E 20.00m 10m 10m 2m")]),
    "NAPTR": ("naptr", [(data(order=100, preference=10, flags="S", service="SIP+D2U", regex="",
                              replacement="_sip._udp.example.net."), '100 10 "S" "SIP+D2U" "" _sip._udp.example.net.'),
                        (data(order=0, preference=0, flags="U", service="E2U+sip", regex="!^.*$!sip:a@example.net!",
                              replacement="."), '0 0 "U" "E2U+sip" "!^.*$!sip:a@example.net!" .'),
                        (data(order=1, preference=2, flags="", service="", regex="", replacement="x.example.net"),
                         '1 2 "" "" "" x.example.net.')]),
    "SMIMEA": ("c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._smimecert",
               [(data(usage=3, selector=1, matching_type=1, certificate=SHA_256), f"3 1 1 {SHA_256}"),
                (data(usage=0, selector=0, matching_type=0, certificate="0102"), "0 0 0 0102"),
                (data(usage=1, selector=1, matching_type=1, certificate=SHA_256.upper()), f"1 1 1 {SHA_256}")]),
    "SRV": ("_sip._udp", [(data(priority=10, weight=60, port=5060, target="sip.example.net"),
                           "10 60 5060 sip.example.net."),
                          (data(priority=0, weight=0, port=5061, target="SIP.example.net."), "0 0 5061 sip.example.net."),
                          (data(priority=1, weight=2, port=3, target="."), "1 2 3 .")]),
    "SSHFP": ("sshfp", [(data(algorithm=4, type=2, fingerprint=SHA_256), f"4 2 {SHA_256}"),
                        (data(algorithm=1, type=1, fingerprint="aa" * 20), f"1 1 {'aa' * 20}"),
                        (data(algorithm=4, type=2, fingerprint=SHA_256.upper()), f"4 2 {SHA_256}")]),
    "SVCB": ("_dns", [(data(priority=1, target="dot.example.net", value='alpn="dot"'), "1 dot.example.net. alpn=dot"),
                      (data(priority=1, target="doh.example.net", value='alpn="h2" port="443"'),
                       "1 doh.example.net. alpn=h2 port=443"),
                      (data(priority=0, target="dns.example.net", value=""), "0 dns.example.net.")]),
    "TLSA": ("_443._tcp", [(data(usage=3, selector=1, matching_type=1, certificate=SHA_256), f"3 1 1 {SHA_256}"),
                           (data(usage=0, selector=0, matching_type=0, certificate="0102"), "0 0 0 0102"),
                           (data(usage=2, selector=0, matching_type=2, certificate="ab" * 64), f"2 0 2 {'ab' * 64}")]),
    "URI": ("_http._tcp", [({"priority": 10, **data(weight=1, target="https://www.example.net/a")},
                            '10 1 "https://www.example.net/a"'),
                           ({"priority": 0, **data(weight=0, target="ftp://ftp.example.net/")},
                            '0 0 "ftp://ftp.example.net/"'),
                           ({"priority": 5, **data(weight=2, target="https://www.example.net/b")},
                            '5 2 "https://www.example.net/b"')]),
}


def record_life(steps, records, zone, servers, record_type):
    """One record of a type, from its making to its end. `zone` has `id` and `name`."""
    labels, ((first, seen_first), (second, seen_second), (third, seen_third)) = RECORDS[record_type]
    zone_id, name = zone["id"], f"{labels}.{zone['name']}"
    named = {"name": name, "type": record_type}
    record_id = None
    with steps.step(f"create {record_type}"):
        record = records.create(zone_id, **named, ttl=300, comment="first", **first)
        see(servers, name, record_type, [seen_first])
        same([record[member] for member in ("name", "type", "ttl", "comment")], [name, record_type, 300, "first"],
             "name, type, TTL and comment in the reply")
        record_id = record["id"]
    if not record_id:
        return
    with steps.step(f"read {record_type}"):
        same(records.get(zone_id, record_id), record, "the record")
        same(records.list(zone_id, record_type=record_type), [record], "list by type")
        same(records.list(zone_id, name=name), [record], "list by name")
    with steps.step(f"the same {record_type} again is refused"):
        same(records.refusal(lambda: records.create(zone_id, **named, ttl=300, comment="first", **first)), [81058],
             "codes")
        same(records.refusal(lambda: records.create(zone_id, **named, ttl=600, **first)), [81057], "codes")
    with steps.step(f"replace {record_type} (PUT)"):
        put = records.update(zone_id, record_id, **named, ttl=1, **second)
        see(servers, name, record_type, [seen_second])
        same((put["id"], put["ttl"], put["comment"]), (record_id, 1, None), "id, ttl, the absent comment, which is reset")
        same({answer.ttl for answer in ask(servers[0], name, record_type).answer}, {300}, "automatic TTL in DNS")
    with steps.step(f"change {record_type} (PATCH)"):
        patched = records.edit(zone_id, record_id, **named, ttl=600, **third)
        see(servers, name, record_type, [seen_third])
        same({answer.ttl for answer in ask(servers[0], name, record_type).answer}, {600}, "TTL in DNS")
        same(patched["ttl"], 600, "ttl in the reply")
        records.edit(zone_id, record_id, **named, ttl=600, comment="kept")
        patched = records.edit(zone_id, record_id, **named, ttl=900)
        same((patched["ttl"], patched["comment"]), (900, "kept"), "absent fields are kept")
        see(servers, name, record_type, [seen_third])
    with steps.step(f"what was read is written back without a change ({record_type})"):
        read = records.get(zone_id, record_id)
        writable = ("name", "type", "content", "data", "priority", "ttl", "proxied", "comment", "tags", "settings")
        back = records.update(zone_id, record_id, **{member: read[member] for member in writable if member in read})
        same(back, read, "the record")
        see(servers, name, record_type, [seen_third])
    with steps.step(f"delete {record_type}"):
        same(records.delete(zone_id, record_id), record_id, "id")
        see_rcode(servers, name, record_type, "NXDOMAIN")
    with steps.step(f"the deleted {record_type} is not found"):
        same(records.refusal(lambda: records.get(zone_id, record_id)), [81044], "codes")


def delegation(steps, records, zone, servers):
    """An NS record below the apex, and a DS beside it: what is below is referred, not answered."""
    zone_id, cut = zone["id"], f"cut.{zone['name']}"
    nameserver = f"ns.{cut}"

    def see_referral(targets, glue):
        for server in servers:
            reply = ask(server, f"below.{cut}", "A")
            same((reply.rcode, reply.authoritative, reply.answer), ("NOERROR", False, []), f"referral at {server}")
            same(sorted(found.data for found in reply.authority if found.type == "NS"), targets, "NS of the cut")
            same([found.data for found in reply.additional if found.type == "A"], glue, "glue")

    def fields(content):
        return {"name": cut, "type": "NS", "content": content, "ttl": 300}

    with steps.step("create NS: a referral"):
        record = records.create(zone_id, **fields("ns1.example.net"))
        see_referral(["ns1.example.net"], [])
    with steps.step("replace NS (PUT), with glue"):
        glue = records.create(zone_id, name=nameserver, type="A", content="192.0.2.53", ttl=300)
        records.update(zone_id, record["id"], **fields(nameserver))
        see_referral([nameserver], ["192.0.2.53"])
    with steps.step("change NS (PATCH)"):
        records.edit(zone_id, record["id"], **fields("Ns2.Example.Net."))
        see_referral(["ns2.example.net"], [])
    with steps.step("create, change and delete DS: the parent answers for it"):
        digest = data(key_tag=0, algorithm=13, digest_type=2, digest=SHA_256)
        signer = records.create(zone_id, name=cut, type="DS", ttl=300, **digest)
        see(servers, cut, "DS", [f"0 13 2 {SHA_256}"])
        digest["data"]["key_tag"] = "2371"
        records.update(zone_id, signer["id"], name=cut, type="DS", ttl=300, **digest)
        see(servers, cut, "DS", [f"2371 13 2 {SHA_256}"])
        same(records.list(zone_id, record_type="DS")[0]["content"].lower(), f"2371 13 2 {SHA_256}", "content")
        records.delete(zone_id, signer["id"])
        see(servers, cut, "DS", [])
    with steps.step("delete NS: what was below is seen"):
        records.delete(zone_id, record["id"])
        see(servers, nameserver, "A", ["192.0.2.53"])
        records.delete(zone_id, glue["id"])
        see_rcode(servers, nameserver, "A", "NXDOMAIN")


# A zone's own SOA and NS records are the platform's: they are left out of what is imported.
ZONE_FILE = """\
$ORIGIN {name}.
$TTL 3600
@       IN SOA ns1.example.net. hostmaster.example.net. 7 10800 3600 604800 3600
@       IN NS  ns1.example.net.
www     600 IN A     192.0.2.80     ; the front end
        600 IN A     192.0.2.81
mail        IN MX    10 mx.example.net.
            IN TXT   "v=spf1 mx -all"
_sip._tcp   IN SRV   0 5 5060 sip.example.net.
"""


def see_zone_file(servers, name):
    """What DNS says when ZONE_FILE has been imported into the zone of this name."""
    see(servers, f"www.{name}", "A", ["192.0.2.80", "192.0.2.81"])
    see(servers, f"mail.{name}", "MX", ["10 mx.example.net"])
    see(servers, f"mail.{name}", "TXT", ['"v=spf1 mx -all"'])
    see(servers, f"_sip._tcp.{name}", "SRV", ["0 5 5060 sip.example.net."])
