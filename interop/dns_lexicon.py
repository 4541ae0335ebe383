"""`dns-lexicon` against Waymark: unmodified but for the provider's attribute `api_endpoint`.

It creates, lists, updates and deletes by name and content; after each step DNS is asked. lexicon finds the zone among
all pages of zones, sends a JSON body with every request, and takes an existing record for success.
"""
import functools
import os
import secrets
import tempfile

import requests
import tldextract
from lexicon.client import Client
from lexicon.config import ConfigResolver
from lexicon._private.providers.cloudflare import Provider
from lexicon.exceptions import AuthenticationError

from api_client import Api
from checks import Steps, node_from_arguments, same, see, see_rcode

steps = Steps()
node = node_from_arguments(__doc__)
api = Api(node)
run_id = secrets.token_hex(4)
# Below a public suffix, as lexicon expects; `delegated` says that the zone begins below it.
name = f"lexicon-{run_id}.example.com"

# The list of public suffixes that tldextract brings along, so that nothing is asked of the world, or kept at home.
tldextract.TLDExtract = functools.partial(tldextract.TLDExtract, suffix_list_urls=())
cache = tempfile.TemporaryDirectory(prefix="waymark-interop-")
os.environ["TLDEXTRACT_CACHE_PATH"] = cache.name
provider_init = Provider.__init__


def init(self, config):
    provider_init(self, config)
    self.api_endpoint = node.api_base


Provider.__init__ = init


def operations(ttl=None, priority=None, **credentials):
    """A client for the zone; a context manager that authenticates first. A `ttl` of 0 is none, to lexicon."""
    given = {"provider_name": "cloudflare", "domain": name, "delegated": name, "ttl": ttl, "priority": priority}
    given["cloudflare"] = credentials or {"auth_token": node.token}
    return Client(ConfigResolver().with_dict(given))


def refused(call):
    try:
        call()
    except requests.exceptions.HTTPError as error:
        return [entry["code"] for entry in error.response.json()["errors"]]
    raise AssertionError("the call succeeded; it was to be refused")


with steps.step("create the zone, and enough others that it is not on the first page"):
    # lexicon asks for 100 zones at once and is given the 50 that a page may have.
    others = api.call_each("POST", "/zones", [
        {"name": f"a{number}-{run_id}.example.com", "account": {"id": node.account_id}} for number in range(50)])
    zone = api.call("POST", "/zones", {"name": name, "account": {"id": node.account_id}})
    servers = [node.dns_address, *node.addresses_of(zone["name_servers"])]
with steps.step("find the zone with the token, with the key, and by its id"):
    for credentials in ({"auth_token": node.token}, {"auth_username": node.email, "auth_token": node.key},
                        {"auth_token": node.token, "zone_id": zone["id"]}):
        with operations(**credentials) as client:
            same(client.provider.domain_id, zone["id"], "zone id")
with steps.step("a zone that is not there, and a token that is unknown"):
    for credentials, problem in [({"auth_token": node.token}, AuthenticationError),
                                 ({"auth_token": "x" * 40}, requests.exceptions.HTTPError)]:
        unknown = {"provider_name": "cloudflare", "domain": "unknown.example.com", "delegated": "unknown.example.com",
                   "cloudflare": credentials}
        try:
            with Client(ConfigResolver().with_dict(unknown)):
                pass
        except problem:
            continue
        raise AssertionError(f"no {problem.__name__}")

# What lexicon's own tests do with a provider, and each type as lexicon writes it: content, data in DNS.
TYPES = [
    ("A", "localhost", "127.0.0.1", "127.0.0.1"),
    ("AAAA", "localhost6", "2001:db8::1", "2001:db8::1"),
    ("CNAME", "docs", "docs.example.com", "docs.example.com"),
    ("TXT", "_acme-challenge.fqdn", "challengetoken", '"challengetoken"'),
    ("MX", "mail", "mx.example.net", "5 mx.example.net"),
    ("PTR", "ptr", "host.example.net", "host.example.net"),
    ("CAA", "caa", "0 issue ca.example.net", '0 issue "ca.example.net"'),
    ("CERT", "cert", "1 0 0 AQID", "1 0 0 AQID"),
    ("DNSKEY", "dnskey", "257 3 13 AQID", "257 3 13 AQID"),
    ("HTTPS", "https", '1 . alpn="h2"', "1 . alpn=h2"),
    ("LOC", "loc", "51 30 12.748 N 0 7 39.612 W 0.00m 0.00m 0.00m 0.00m", "51 30 12.748 N 0 7 39.612 W 0m 0m 0m 0m"),
    ("NAPTR", "naptr", "10 20 S SIP+D2U  _sip._udp.example.net", '10 20 "S" "SIP+D2U" "" _sip._udp.example.net.'),
    ("SMIMEA", "smimea", "3 0 0 AABBCC", "3 0 0 aabbcc"),
    ("SRV", "_sip._tcp", "0 5 5060 sip.example.net", "0 5 5060 sip.example.net."),
    ("SSHFP", "ssh", f"4 2 {'ab' * 32}", f"4 2 {'ab' * 32}"),
    ("SVCB", "_dns", "1 dns.example.net alpn=dot", "1 dns.example.net. alpn=dot"),
    ("TLSA", "_443._tcp", f"3 1 1 {'cd' * 32}", f"3 1 1 {'cd' * 32}"),
    ("URI", "_http._tcp", "1 https://www.example.net/", '5 1 "https://www.example.net/"'),
]
for kind, label, content, wanted in TYPES:
    with steps.step(f"create, list and delete {kind}"):
        # Its command line hands the priority on as text.
        with operations(ttl=3600, priority="5") as client:
            assert client.create_record(kind, label, content)
            see(servers, f"{label}.{name}", kind, [wanted])
            assert client.create_record(kind, label, content), "the same again is a success to lexicon"
            found, = client.list_records(kind, label)
            same((found["name"], found["ttl"]), (f"{label}.{name}", 3600), "name and TTL")
            assert client.delete_record(found["id"])
            see_rcode(servers, f"{label}.{name}", kind, "NXDOMAIN")
with operations(ttl=0) as client:
    txt = f"txt.{name}"
    with steps.step("names: relative, full, with a dot at the end"):
        for given in ("rel", f"full.{name}", f"dot.{name}."):
            client.create_record("A", given, "192.0.2.1")
        for label in ("rel", "full", "dot"):
            see(servers, f"{label}.{name}", "A", ["192.0.2.1"])
    with steps.step("list by content"):
        for value in ("one", "two"):
            client.create_record("TXT", "txt", value)
        see(servers, txt, "TXT", ['"one"', '"two"'])
        same([record["content"] for record in client.list_records("TXT", txt, "two")], ["two"], "content")
        same(client.list_records("TXT", txt, "three"), [], "a content that is not there")
        same(len(client.list_records()), 5, "all records")
    with steps.step("update by id; what lexicon leaves out is reset"):
        record, = client.list_records("TXT", txt, "two")
        client.update_record(record["id"], "TXT", txt, "changed")
        see(servers, txt, "TXT", ['"changed"', '"one"'])
        same(client.list_records("TXT", txt, "changed")[0]["ttl"], 1, "TTL")
    with steps.step("update by name"):
        client.update_record(None, "A", "rel", "192.0.2.2")
        see(servers, f"rel.{name}", "A", ["192.0.2.2"])
    with steps.step("delete one record of a set by its content, then the rest"):
        client.delete_record(None, "TXT", txt, "one")
        see(servers, txt, "TXT", ['"changed"'])
        client.delete_record(None, "TXT", txt)
        see_rcode(servers, txt, "TXT", "NXDOMAIN")
        assert client.delete_record(None, "TXT", txt), "nothing to delete is a success to lexicon"
    with steps.step("what is refused"):
        same(refused(lambda: client.create_record("A", "bad", "not an address")), [9005], "codes")
        same(refused(lambda: client.update_record("0" * 32, "A", "bad", "192.0.2.1")), [81044], "codes")
        see_rcode(servers, f"bad.{name}", "A", "NXDOMAIN")
    with steps.step("more records than a page"):
        made = api.call_each("POST", f"/zones/{zone['id']}/dns_records", [
            {"type": "A", "name": f"page{number}", "content": "192.0.2.3"} for number in range(101)])
        listed = [record["id"] for record in client.list_records("A", content="192.0.2.3")]
        same(sorted(listed), sorted(record["id"] for record in made), "records listed")
        see(servers, f"page100.{name}", "A", ["192.0.2.3"])
for gone in [zone, *others]:
    api.call("DELETE", f"/zones/{gone['id']}")
steps.end()
