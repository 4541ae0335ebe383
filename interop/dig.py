"""`dig`, as people use it, against Waymark: UDP and TCP, with and without EDNS, and what is not a plain question.

Zones and records are made through the API; then dig is run once per question.
"""
import re
import secrets
import shutil
import subprocess
import sys

from api_client import Api
from checks import Steps, node_from_arguments, same

steps = Steps()
node = node_from_arguments(__doc__)
api = Api(node)
zone_name = f"dig-{secrets.token_hex(4)}.example"
address, _, port = node.dns_address.rpartition(":")
if not shutil.which("dig"):
    print("dig is missing: bash tools/packages installs it")
    sys.exit(3)


class Dig:
    """One run of dig and what it printed."""

    def __init__(self, *arguments, server=address):
        command = ["dig", f"@{server}", "-p", port, "+tries=1", "+timeout=2", "+norecurse", *arguments]
        self.command = " ".join(command)
        ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        self.text = ended.stdout
        if ended.returncode:
            raise AssertionError(f"`{self.command}` exits with {ended.returncode}: {ended.stdout}{ended.stderr}")
        self.status = self.found(r"status: (\w+)")
        self.flags = self.found(r"flags: ([a-z ]*);").split()
        self.transport = self.found(r";; SERVER: .*\((UDP|TCP)\)")
        self.octets = int(self.found(r"MSG SIZE\s+rcvd: (\d+)"))
        self.warned = "WARNING" in re.sub(r";; WARNING: recursion requested.*", "", self.text)

    def found(self, pattern):
        match = re.search(pattern, self.text)
        if not match:
            raise AssertionError(f"`{self.command}` printed nothing like {pattern}:\n{self.text}")
        return match.group(1)

    def section(self, title):
        """The section's records as (name, TTL, type, data)."""
        block = re.search(rf";; {title} SECTION:\n(.*?)\n\n", self.text, re.DOTALL)
        lines = block.group(1).splitlines() if block else []
        return [(name, int(ttl), kind, data) for name, ttl, _, kind, data in (line.split(None, 4) for line in lines)]

    def data(self):
        return sorted(data for _, _, _, data in self.section("ANSWER"))


zone = api.call("POST", "/zones", {"name": zone_name, "account": {"id": node.account_id}, "type": "full"})
nameserver_address = node.addresses_of(zone["name_servers"])[0].rpartition(":")[0]
LONG = ["x" * 200 + str(number) for number in range(10)]
for record in [
    {"type": "A", "name": "www", "content": "192.0.2.1", "ttl": 300},
    {"type": "A", "name": "www", "content": "192.0.2.2", "ttl": 300},
    {"type": "CNAME", "name": "alias", "content": f"www.{zone_name}", "ttl": 300},
    {"type": "A", "name": "*.wild", "content": "192.0.2.3", "ttl": 300},
    {"type": "A", "name": "deep.empty", "content": "192.0.2.4", "ttl": 300},
    {"type": "MX", "name": "@", "content": f"www.{zone_name}", "priority": 10, "ttl": 300},
    {"type": "NS", "name": "cut", "content": f"ns.cut.{zone_name}", "ttl": 300},
    {"type": "A", "name": "ns.cut", "content": "192.0.2.5", "ttl": 300},
    *({"type": "TXT", "name": "long", "content": text, "ttl": 300} for text in LONG),
]:
    api.call("POST", f"/zones/{zone['id']}/dns_records", record)
www, both = f"www.{zone_name}", ["192.0.2.1", "192.0.2.2"]

for options in (["+notcp"], ["+tcp"], ["+notcp", "+noedns"], ["+tcp", "+noedns"], ["+notcp", "+dnssec"],
                ["+notcp", "+bufsize=4096"], ["+notcp", "+nocookie"], ["+notcp", "+nsid", "+subnet=192.0.2.0/24"]):
    with steps.step(f"dig {' '.join(options)}"):
        for server in (address, nameserver_address):
            seen = Dig(www, "A", *options, server=server)
            same((seen.status, seen.data(), seen.transport), ("NOERROR", both, "TCP" if "+tcp" in options else "UDP"),
                 "status, data and transport")
            same(seen.flags, ["qr", "aa"], "flags")
            same("OPT PSEUDOSECTION" in seen.text, "+noedns" not in options, "an OPT record in the answer")
            assert not seen.warned, f"dig warns:\n{seen.text}"
with steps.step("the case of the question comes back"):
    assert f";{www.upper()}." in Dig(www.upper(), "A").text, "the question's case was changed"
with steps.step("an alias is followed"):
    same([kind for _, _, kind, _ in Dig(f"alias.{zone_name}", "A").section("ANSWER")], ["CNAME", "A", "A"], "types")
with steps.step("a wildcard answers under the asked name"):
    same([found[0] for found in Dig(f"a.b.wild.{zone_name}", "A").section("ANSWER")], [f"a.b.wild.{zone_name}."], "owner")
with steps.step("SOA and NS of the zone"):
    same(Dig(zone_name, "NS").data(), sorted(f"{name}." for name in zone["name_servers"]), "nameservers")
    same(len(Dig(zone_name, "SOA").section("ANSWER")), 1, "SOA records")
with steps.step("MX"):
    same(Dig(zone_name, "MX").data(), [f"10 {www}."], "data")
for title, name, record_type, status in [
    ("no data", www, "AAAA", "NOERROR"),
    ("an empty non-terminal", f"empty.{zone_name}", "A", "NOERROR"),
    ("no such name", f"nothing.{zone_name}", "A", "NXDOMAIN"),
]:
    with steps.step(f"{title}: {status} with the SOA"):
        seen = Dig(name, record_type)
        same((seen.status, seen.data(), [kind for _, _, kind, _ in seen.section("AUTHORITY")]), (status, [], ["SOA"]),
             "status, answer and authority")
        assert "aa" in seen.flags, "without authority"
with steps.step("below a cut: a referral with glue"):
    seen = Dig(f"below.cut.{zone_name}", "A")
    same((seen.status, seen.data(), seen.flags), ("NOERROR", [], ["qr"]), "status, answer and flags")
    same([data for _, _, _, data in seen.section("AUTHORITY")], [f"ns.cut.{zone_name}."], "nameservers of the cut")
    same([data for _, _, _, data in seen.section("ADDITIONAL")], ["192.0.2.5"], "glue")
with steps.step("a name of nobody: REFUSED"):
    seen = Dig("www.nobody.example", "A")
    same((seen.status, seen.data()), ("REFUSED", []), "status and answer")
with steps.step("too large for UDP: truncated, then over TCP"):
    for size in ("+noedns", "+bufsize=512", "+bufsize=1232"):
        seen = Dig(f"long.{zone_name}", "TXT", size, "+ignore")
        assert "tc" in seen.flags, f"not truncated with {size}:\n{seen.text}"
        assert seen.octets <= (1232 if size.endswith("1232") else 512), f"{seen.octets} octets with {size}"
    seen = Dig(f"long.{zone_name}", "TXT")
    same((seen.transport, len(seen.data())), ("TCP", len(LONG)), "transport and strings of dig's second try")
with steps.step("two questions on one TCP connection"):
    ended = subprocess.run(["dig", f"@{address}", "-p", port, "+tcp", "+keepopen", "+short", www, "A", zone_name, "NS"],
                           capture_output=True, text=True, timeout=20, check=True)
    same(len(ended.stdout.split()), 4, "lines printed")
with steps.step("EDNS version 1: BADVERS"):
    same(Dig(www, "A", "+edns=1", "+noednsnegotiation").status, "BADVERS", "status")
with steps.step("another opcode: NOTIMP"):
    same(Dig(www, "A", "+opcode=status").status, "NOTIMP", "status")
with steps.step("a header without a question: FORMERR"):
    same(Dig("+header-only", "+nocookie").status, "FORMERR", "status")
with steps.step("a cookie without a question: a cookie (RFC 7873 section 5.4)"):
    same(Dig("+header-only", "+cookie").status, "NOERROR", "status")
api.call("DELETE", f"/zones/{zone['id']}")
with steps.step("the deleted zone: REFUSED"):
    same(Dig(www, "A").status, "REFUSED", "status")
steps.end()
