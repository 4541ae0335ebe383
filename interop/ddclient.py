"""`ddclient` against Waymark: Debian's, unmodified. It speaks TLS only, and checks the certificate.

It changes addresses of records that are there already, with PATCH; after each run DNS is asked. The address of the API
over TLS and the certificate to trust are given with --tls-base and --authority.
"""
import os
import secrets
import shutil
import subprocess
import sys
import tempfile

from api_client import Api
from checks import Steps, node_from_arguments, same, see

steps = Steps()
node = node_from_arguments(__doc__)
api = Api(node)
run_id = secrets.token_hex(4)
name = f"ddclient-{run_id}.example"
scratch = tempfile.TemporaryDirectory(prefix="waymark-interop-")
program = shutil.which("ddclient", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
if not program:
    print("ddclient is missing: bash tools/packages installs it")
    sys.exit(3)
if not (node.tls_base and node.authority):
    print("ddclient speaks TLS only: say --tls-base URL and --authority FILE")
    sys.exit(2)


def ddclient(hosts, ipv4=None, ipv6=None, login="token", password=node.token, authority=node.authority, again=False):
    """One run, as its configuration's examples have it; gives what it said. It remembers the run before if `again`."""
    path = os.path.join(scratch.name, "ddclient.conf")
    cache = os.path.join(scratch.name, "cache")
    if not again and os.path.exists(cache):
        os.remove(cache)
    lines = ["ssl=yes", f"ssl_ca_file={authority}", f"cache={cache}", "use=no"]
    lines += [f"usev4=ipv4, ipv4={ipv4}"] if ipv4 else ["usev4=disabled"]
    lines += [f"usev6=ipv6, ipv6={ipv6}"] if ipv6 else ["usev6=disabled"]
    server = node.tls_base.removeprefix("https://").rstrip("/")
    lines += [f"protocol=cloudflare, server={server}, zone={name}, ttl=300, login={login}, password={password} "
              + ",".join(f"{host}.{name}" for host in hosts)]
    with open(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    ended = subprocess.run([program, "-daemon=0", "-file", path, "-noquiet", "-verbose"], capture_output=True, text=True, timeout=60,
                           cwd=scratch.name, check=False)
    return ended.stdout + ended.stderr


def succeeded(said, *hosts):
    for host in hosts:
        assert f"SUCCESS:  updating {host}.{name}" in said, said


with steps.step("create the zone and the records that are to be kept up to date"):
    zone = api.call("POST", "/zones", {"name": name, "account": {"id": node.account_id}})
    servers = [node.dns_address, *node.addresses_of(zone["name_servers"])]
    records = [("A", "home", "192.0.2.1"), ("AAAA", "home", "2001:db8::1"), ("A", "other", "192.0.2.2")]
    for kind, host, content in records:
        api.call("POST", f"/zones/{zone['id']}/dns_records", {
            "type": kind, "name": host, "content": content, "ttl": 120, "comment": "kept", "tags": ["by:ddclient"]})
with steps.step("a new IPv4 address for two names, with the token"):
    succeeded(ddclient(["home", "other"], ipv4="192.0.2.77"), "home", "other")
    see(servers, f"home.{name}", "A", ["192.0.2.77"])
    see(servers, f"other.{name}", "A", ["192.0.2.77"])
    see(servers, f"home.{name}", "AAAA", ["2001:db8::1"])
with steps.step("the same address again: it asks for nothing"):
    said = ddclient(["home", "other"], ipv4="192.0.2.77", again=True)
    assert "skipped" in said and "CONNECT" not in said, said
with steps.step("both addresses at once, with the email address and the key"):
    succeeded(ddclient(["home"], ipv4="192.0.2.78", ipv6="2001:db8::78", login=node.email, password=node.key), "home")
    see(servers, f"home.{name}", "A", ["192.0.2.78"])
    see(servers, f"home.{name}", "AAAA", ["2001:db8::78"])
with steps.step("what it did not change is kept"):
    for record in api.call("GET", f"/zones/{zone['id']}/dns_records?name=home.{name}"):
        same((record["ttl"], record["comment"], record["tags"]), (120, "kept", ["by:ddclient"]), "TTL, comment, tags")
with steps.step("a name without a record, and an unknown token: failures that say so"):
    said = ddclient(["absent"], ipv4="192.0.2.79")
    assert "No 'A' record" in said, said
    said = ddclient(["other"], ipv4="192.0.2.79", password="x" * 40)
    assert "FAILED" in said and "403 Forbidden" in said, said
    see(servers, f"other.{name}", "A", ["192.0.2.77"])
with steps.step("a server whose certificate it does not trust is not spoken to"):
    said = ddclient(["other"], ipv4="192.0.2.80", authority="/etc/ssl/certs/ca-certificates.crt")
    assert "certificate verify failed" in said, said
    see(servers, f"other.{name}", "A", ["192.0.2.77"])
api.call("DELETE", f"/zones/{zone['id']}")
steps.end()
