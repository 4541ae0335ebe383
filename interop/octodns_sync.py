"""`octodns` with `octodns-cloudflare` against Waymark: its own commands, configured as its manual says, with `api_url`.

A zone of many types is synced, planned again (nothing may be left to do), dumped, changed, given another plan, emptied.
After each sync DNS is asked. Page rules are on, as they are by default.
"""
import os
import secrets
import subprocess
import sys
import tempfile

import yaml

from api_client import Api
from checks import Steps, node_from_arguments, same, see, see_rcode

BIN = os.path.dirname(sys.executable)
SHA_256 = "8755cdaa8fe24ef16cc0f2c918063185e433faaf1415664911d9e30a924138c4"

steps = Steps()
node = node_from_arguments(__doc__)
api = Api(node)
run_id = secrets.token_hex(4)
name = f"octodns-{run_id}.example"
scratch = tempfile.TemporaryDirectory(prefix="waymark-interop-")


def record(kind, value, ttl=300, **options):
    values = {"values": value} if isinstance(value, list) else {"value": value}
    return {"type": kind, "ttl": ttl, **values, **({"octodns": {"cloudflare": options}} if options else {})}


# Owner -> records, as octodns writes a zone, and what DNS is to say: (type, owner, data).
ZONE = {
    "": [
        record("A", ["192.0.2.1", "192.0.2.2"]),
        record("CAA", [{"flags": 0, "tag": "issue", "value": "ca.example.net"},
                       {"flags": 0, "tag": "iodef", "value": "mailto:ca@example.net"}]),
        record("MX", [{"preference": 10, "exchange": "mx1.example.net."}, {"preference": 20, "exchange": "mx2.example.net."}]),
        record("SSHFP", {"algorithm": 4, "fingerprint_type": 2, "fingerprint": SHA_256}),
        record("TXT", ["v=spf1 mx -all", "with\\; a semicolon", "x" * 300]),
        record("HTTPS", {"svcpriority": 1, "targetname": ".", "svcparams": {"alpn": ["h2", "h3"], "port": "8443"}}),
    ],
    "www": [record("A", "192.0.2.3", 600, comment="the front end", tags=["team:web", "owner:ann"]),
            record("AAAA", ["2001:db8::1", "2001:db8::2"])],
    "proxied": [record("A", "192.0.2.4", proxied=True, **{"auto-ttl": True})],
    "automatic": [record("CNAME", "www.example.net.", **{"auto-ttl": True})],
    "*.wild": [record("CNAME", "target.example.net.")],
    "sub": [record("NS", ["ns1.example.net.", "ns2.example.net."], 3600),
            record("DS", {"key_tag": 2371, "algorithm": 13, "digest_type": 2, "digest": SHA_256}, 3600)],
    "loc": [record("LOC", {
        "lat_degrees": 31, "lat_minutes": 58, "lat_seconds": 52.1, "lat_direction": "S", "long_degrees": 115,
        "long_minutes": 49, "long_seconds": 11.7, "long_direction": "E", "altitude": 20, "size": 10,
        "precision_horz": 10, "precision_vert": 2})],
    "naptr": [record("NAPTR", [
        {"order": 10, "preference": 100, "flags": "S", "service": "SIP+D2U", "regexp": "!^.*$!sip:info@bar.example.net!",
         "replacement": "."},
        {"order": 100, "preference": 100, "flags": "U", "service": "SIP+D2U", "regexp": "", "replacement": "x.example.net."},
    ])],
    "ptr": [record("PTR", "host.example.net.")],
    "_srv._tcp": [record("SRV", [
        {"priority": 10, "weight": 20, "port": 30, "target": "foo-1.example.net."},
        {"priority": 12, "weight": 0, "port": 30, "target": "foo-2.example.net."}])],
    "_imap._tcp.below": [record("SRV", {"priority": 0, "weight": 0, "port": 0, "target": "."})],
    "_dns": [record("SVCB", {"svcpriority": 1, "targetname": "dns.example.net.", "svcparams": {"alpn": ["dot"]}})],
    "_443._tcp": [record("TLSA", {"certificate_usage": 3, "selector": 1, "matching_type": 1,
                                  "certificate_association_data": SHA_256})],
    "xn--mnchen-3ya": [record("TXT", "Unicode, as Punycode")],
}
SEEN = [
    ("A", "", ["192.0.2.1", "192.0.2.2"]),
    ("CAA", "", ['0 issue "ca.example.net"', '0 iodef "mailto:ca@example.net"']),
    ("MX", "", ["10 mx1.example.net", "20 mx2.example.net"]),
    ("SSHFP", "", [f"4 2 {SHA_256}"]),
    ("TXT", "", ['"v=spf1 mx -all"', '"with; a semicolon"', f'"{"x" * 255}" "{"x" * 45}"']),
    ("HTTPS", "", ["1 . alpn=h2,h3 port=8443"]),
    ("A", "www", ["192.0.2.3"]),
    ("AAAA", "www", ["2001:db8::1", "2001:db8::2"]),
    ("A", "proxied", ["192.0.2.4"]),
    ("CNAME", "automatic", ["www.example.net"]),
    ("CNAME", "any.wild", ["target.example.net"]),
    ("DS", "sub", [f"2371 13 2 {SHA_256}"]),
    ("LOC", "loc", ["31 58 52.100 S 115 49 11.700 E 20.00m 10m 10m 2m"]),
    ("NAPTR", "naptr", ['10 100 "S" "SIP+D2U" "!^.*$!sip:info@bar.example.net!" .',
                        '100 100 "U" "SIP+D2U" "" x.example.net.']),
    ("PTR", "ptr", ["host.example.net"]),
    ("SRV", "_srv._tcp", ["10 20 30 foo-1.example.net.", "12 0 30 foo-2.example.net."]),
    ("SRV", "_imap._tcp.below", ["0 0 0 ."]),
    ("SVCB", "_dns", ["1 dns.example.net. alpn=dot"]),
    ("TLSA", "_443._tcp", [f"3 1 1 {SHA_256}"]),
    ("TXT", "xn--mnchen-3ya", ['"Unicode, as Punycode"']),
]


def write(path, content):
    path = os.path.join(scratch.name, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        yaml.safe_dump(content, file)
    return path


def configuration(source, provider="CloudflareProvider", **options):
    """A configuration that syncs the zone file in directory `source` to Waymark."""
    waymark = {
        "class": f"octodns_cloudflare.{provider}", "token": node.token, "account_id": node.account_id,
        "api_url": node.api_base, "retry_count": 0, "min_ttl": 60, "records_per_page": 5, **options}
    return write("config.yaml", {
        "providers": {"config": {"class": "octodns.provider.yaml.YamlProvider", "directory": os.path.join(
            scratch.name, source), "enforce_order": False}, "waymark": waymark},
        "zones": {f"{name}.": {"sources": ["config"], "targets": ["waymark"]}},
    })


def octodns(command, *arguments):
    """Runs a command of octodns; gives what it said."""
    environment = {given: value for given, value in os.environ.items() if not given.startswith("CLOUDFLARE_")}
    ended = subprocess.run([os.path.join(BIN, f"octodns-{command}"), *arguments], capture_output=True, text=True,
                           timeout=60, env=environment, check=False)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, f"octodns-{command} ends with {ended.returncode}:\n{said}"
    return said


def nothing_to_do(config):
    said = octodns("sync", "--config-file", config)
    assert "No changes were planned" in said, f"octodns would change something:\n{said}"


def see_all(wanted):
    for kind, owner, data in wanted:
        see(servers, f"{owner}.{name}".lstrip("."), kind, data)


with steps.step("sync a zone that is not there: it is made, with all its records"):
    write(f"zone/{name}.yaml", ZONE)
    config = configuration("zone")
    octodns("sync", "--config-file", config, "--doit")
    zone, = api.call("GET", f"/zones?name={name}")
    servers = [node.dns_address, *node.addresses_of(zone["name_servers"])]
    see_all(SEEN)
with steps.step("comments, tags and automatic TTLs are there"):
    listed = api.call("GET", f"/zones/{zone['id']}/dns_records?per_page=1000")
    www, = [found for found in listed if (found["name"], found["type"]) == (f"www.{name}", "A")]
    same((www["comment"], sorted(www["tags"]), www["ttl"]), ("the front end", ["owner:ann", "team:web"], 600), "www")
    same(sorted(found["name"] for found in listed if found["ttl"] == 1), [f"automatic.{name}", f"proxied.{name}"],
         "automatic TTLs")
with steps.step("plan again: nothing to do"):
    nothing_to_do(config)
with steps.step("dump, and sync from the dump: nothing to do"):
    octodns("dump", "--config-file", config, "--output-dir", os.path.join(scratch.name, "dump"), f"{name}.", "waymark")
    nothing_to_do(configuration("dump"))

CHANGED = {**ZONE}
CHANGED[""] = [found for found in ZONE[""] if found["type"] not in ("MX", "TXT", "SSHFP")] + [
    record("MX", [{"preference": 0, "exchange": "mx2.example.net."}], 900),
    record("TXT", ["v=spf1 -all"]),
]
CHANGED["www"] = [record("CNAME", "elsewhere.example.net.")]
CHANGED["automatic"] = [record("A", ["192.0.2.5"])]
CHANGED["proxied"] = [record("A", "192.0.2.4", 120)]
CHANGED["_srv._tcp"] = [record("SRV", {"priority": 10, "weight": 20, "port": 31, "target": "foo-1.example.net."})]
CHANGED["new"] = [record("AAAA", "2001:db8::3")]
del CHANGED["ptr"]
with steps.step("change values and types, and sync"):
    write(f"zone/{name}.yaml", CHANGED)
    config = configuration("zone")
    octodns("sync", "--config-file", config, "--doit", "--force")
    see_all([("MX", "", ["0 mx2.example.net"]), ("TXT", "", ['"v=spf1 -all"']), ("SSHFP", "", []),
             ("CNAME", "www", ["elsewhere.example.net"]), ("A", "automatic", ["192.0.2.5"]),
             ("A", "proxied", ["192.0.2.4"]), ("SRV", "_srv._tcp", ["10 20 31 foo-1.example.net."]),
             ("AAAA", "new", ["2001:db8::3"])])
    see_rcode(servers, f"ptr.{name}", "PTR", "NXDOMAIN")
    nothing_to_do(config)
with steps.step("give the zone another plan"):
    config = configuration("zone", plan_type="business")
    octodns("sync", "--config-file", config, "--doit", "--force")
    same(api.call("GET", f"/zones/{zone['id']}")["plan"]["legacy_id"], "business", "plan")
    nothing_to_do(config)
    see_all([("MX", "", ["0 mx2.example.net"])])
with steps.step("with the email address and the key, and a page for every record"):
    nothing_to_do(configuration("zone", email=node.email, token=node.key, records_per_page=1))
with steps.step("the provider for internal zones finds none"):
    said = octodns("dump", "--config-file", configuration("zone", "CloudflareInternalProvider"), "--lenient",
                   "--output-dir", os.path.join(scratch.name, "internal"), f"{name}.", "waymark")
    dumped = os.path.join(scratch.name, "internal", f"{name}.yaml")
    assert not os.path.exists(dumped) or not yaml.safe_load(open(dumped, encoding="utf-8")), said
with steps.step("empty the zone"):
    write(f"zone/{name}.yaml", {"last": [record("A", "192.0.2.9")]})
    config = configuration("zone")
    octodns("sync", "--config-file", config, "--doit", "--force")
    see_all([("A", "last", ["192.0.2.9"]), ("A", "", []), ("NS", "", zone["name_servers"])])
    for gone in ("new", "_srv._tcp", "loc", "proxied"):
        see_rcode(servers, f"{gone}.{name}", "A", "NXDOMAIN")
    same(len(api.call("GET", f"/zones/{zone['id']}/dns_records")), 1, "records")
    nothing_to_do(config)
api.call("DELETE", f"/zones/{zone['id']}")
steps.end()
