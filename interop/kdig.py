"""Knot's `kdig` against Waymark: every record type over UDP and TCP, TXT of several strings, NSID, cookies, padding.

Zones and records are made through the API; then kdig is run once per question. What it prints is compared with what
dnspython makes of the same data.
"""
import re
import secrets
import shutil
import subprocess
import sys

from api_client import Api
from checks import Steps, as_seen, node_from_arguments, same
from record_life import RECORDS

steps = Steps()
node = node_from_arguments(__doc__)
api = Api(node)
name = f"kdig-{secrets.token_hex(4)}.example"
address, _, port = node.dns_address.rpartition(":")
if not shutil.which("kdig"):
    print("kdig is missing: bash tools/packages installs it")
    sys.exit(3)


class Kdig:
    """One run of kdig and what it printed. `generic` shows data in the form of RFC 3597."""

    def __init__(self, *arguments, server=address, generic=True):
        command = ["kdig", f"@{server}", "-p", port, "+retry=0", "+timeout=10", "+norecurse",
                   *(["+generic"] if generic else []), *arguments]
        self.command = " ".join(command)
        ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        self.text = ended.stdout
        assert ended.returncode == 0 and "WARNING" not in self.text, \
            f"`{self.command}` exits with {ended.returncode}: {ended.stdout}{ended.stderr}"
        self.status = self.found(r"status: (\w+)")
        self.flags = self.found(r"Flags: ([a-z ]*);").split()
        self.transport = self.found(r";; From .*\((UDP|TCP)\)")

    def found(self, pattern):
        match = re.search(pattern, self.text)
        assert match, f"`{self.command}` printed nothing like {pattern}:\n{self.text}"
        return match.group(1)

    def data(self, section="ANSWER"):
        block = re.search(rf";; {section} SECTION:\n(.*?)\n\n", self.text + "\n\n", re.DOTALL)
        return sorted(line.split(None, 4)[4] for line in block.group(1).splitlines()) if block else []


def octets(data):
    r"""What `\# n hex` says, as `ask` shows data of types that it does not know."""
    return data.split(None, 2)[2].replace(" ", "").lower()


with steps.step("create the zone"):
    zone = api.call("POST", "/zones", {"name": name, "account": {"id": node.account_id}})
    nameserver = node.addresses_of(zone["name_servers"])[0].rpartition(":")[0]
    servers = [address, nameserver]
for kind, (labels, states) in RECORDS.items():
    owner = f"{labels}.{name}"
    with steps.step(f"{kind} over UDP and TCP"):
        body = {"type": kind, "name": owner, "ttl": 300, **states[0][0]}
        api.call("POST", f"/zones/{zone['id']}/dns_records", body)
        for server in servers:
            for transport in ("UDP", "TCP"):
                seen = Kdig(owner, kind, "+tcp" if transport == "TCP" else "+notcp", server=server)
                same((seen.status, seen.flags, seen.transport), ("NOERROR", ["qr", "aa"], transport),
                     "status, flags and transport")
                data, = seen.data()
                wanted = states[0][1]
                if kind in ("A", "AAAA", "TXT"):
                    data, = Kdig(owner, kind, server=server, generic=False).data()
                    same(data, wanted, "data")
                elif kind in ("CNAME", "PTR", "MX"):
                    data, = Kdig(owner, kind, server=server, generic=False).data()
                    same(data, f"{wanted}.", "data")
                else:
                    same(octets(data), as_seen(kind, wanted), "octets")
with steps.step("TXT of several strings, quotation marks and octets outside ASCII"):
    for number, (content, shown) in enumerate([
            ('"one" "two"', '"one" "two"'),
            (f'"{"x" * 255}" "{"y" * 10}"', f'"{"x" * 255}" "{"y" * 10}"'),
            ("z" * 300, f'"{"z" * 255}" "{"z" * 45}"'),
            ('"a \\"quoted\\" word\\; and more"', '"a \\"quoted\\" word; and more"'),
            ("ü", '"\\195\\188"')]):
        owner = f"txt{number}.{name}"
        api.call("POST", f"/zones/{zone['id']}/dns_records", {"type": "TXT", "name": owner, "content": content})
        for option in ("+notcp", "+tcp"):
            same(Kdig(owner, "TXT", option, generic=False).data(), [shown], "strings")
with steps.step("NSID, cookies and padding are no trouble"):
    for option in ("+nsid", "+cookie", "+padding", "+alignment", "+subnet=192.0.2.0/24", "+bufsize=512", "+noedns"):
        for transport in ("+notcp", "+tcp"):
            same(Kdig(f"a.{name}", "A", option, transport, generic=False).data(), ["192.0.2.1"], f"data with {option}")
with steps.step("a cookie of the server comes back"):
    seen = Kdig(f"a.{name}", "A", "+cookie", generic=False)
    cookie = re.search(r"COOKIE: ([0-9A-F]{16,})", seen.text.upper())
    assert cookie, f"no cookie:\n{seen.text}"
with steps.step("two questions on one TCP connection"):
    ended = subprocess.run(["kdig", f"@{address}", "-p", port, "+tcp", "+keepopen", "+short", f"a.{name}", "A",
                            name, "NS"], capture_output=True, text=True, timeout=20, check=True)
    same(len(ended.stdout.split()), 3, "lines printed")
with steps.step("delete the zone"):
    api.call("DELETE", f"/zones/{zone['id']}")
    for server in servers:
        same(Kdig(name, "SOA", server=server).status, "REFUSED", "status")
steps.end()
