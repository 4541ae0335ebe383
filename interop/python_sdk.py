"""The official Python SDK (package `cloudflare`) against Waymark, unmodified but for the base URL.

After each step DNS is asked, not the API: once, right after the reply, at the DNS address and at every address of the
zone's nameservers. The SDK's own retries are off, so one call is one request.
"""
import os
import secrets

import cloudflare
from cloudflare import Cloudflare

from checks import Steps, node_from_arguments, same, see, see_rcode
from dns_client import ask

steps = Steps()
node = node_from_arguments(__doc__)
run_id = secrets.token_hex(4)

# Credentials of somebody's real account must not get in.
for variable in [name for name in os.environ if name.startswith("CLOUDFLARE_")]:
    del os.environ[variable]
by_token = Cloudflare(base_url=node.api_base, api_token=node.token, max_retries=0)
by_key = Cloudflare(base_url=node.api_base, api_email=node.email, api_key=node.key, max_retries=0)


def codes(error):
    return [entry["code"] for entry in error.body["errors"]]


def refused(kind, call):
    """Runs the call; gives the error codes of the exception that it must raise."""
    try:
        call()
    except kind as error:
        same(error.body["success"], False, "`success` of an error")
        same(error.body["result"], None, "`result` of an error")
        return codes(error)
    raise AssertionError(f"the call succeeded; {kind.__name__} was wanted")


def identity():
    with steps.step("verify the token"):
        same(by_token.user.tokens.verify().status, "active", "status")
    with steps.step("read the user, with the token and with the key"):
        same(by_key.user.get().id, by_token.user.get().id, "user id")
    with steps.step("list accounts and read one"):
        account, = [account for account in by_token.accounts.list() if account.id == node.account_id]
        same(by_key.accounts.get(account_id=node.account_id).name, account.name, "name")
    with steps.step("an unknown token is refused"):
        stranger = Cloudflare(base_url=node.api_base, api_token="x" * 40, max_retries=0)
        try:
            stranger.zones.list()
        except (cloudflare.PermissionDeniedError, cloudflare.AuthenticationError) as error:
            same(codes(error), [9109], "codes")
        else:
            raise AssertionError("an unknown token could list zones")
    with steps.step("a wrong key is refused"):
        stranger = Cloudflare(base_url=node.api_base, api_email=node.email, api_key="0" * 37, max_retries=0)
        same(refused(cloudflare.PermissionDeniedError, stranger.user.get), [9103], "codes")


def zone_life(client, scheme):
    name = f"life-{scheme}-{run_id}.example"
    with steps.step(f"create a zone with the {scheme}"):
        zone = client.zones.create(account={"id": node.account_id}, name=name, type="full")
        same((zone.name, zone.account.id, zone.type), (name, node.account_id, "full"), "name, account, type")
        same(len(zone.name_servers), 2, "number of nameservers")
        servers = [node.dns_address, *node.addresses_of(zone.name_servers)]
        see(servers, name, "NS", zone.name_servers)
        soa, = ask(node.dns_address, name, "SOA").data("SOA")
        assert soa.split()[0] in zone.name_servers, f"SOA {soa} names a primary that is none of the zone's"
    with steps.step("the same zone again is refused"):
        same(refused(cloudflare.BadRequestError, lambda: client.zones.create(
            account={"id": node.account_id}, name=name, type="full")), [1061], "codes")
    with steps.step("read the zone and find it by name"):
        same(client.zones.get(zone_id=zone.id).name_servers, zone.name_servers, "nameservers")
        same([found.id for found in client.zones.list(name=name)], [zone.id], "zones of that name")
    with steps.step(f"delete the zone with the {scheme}"):
        same(client.zones.delete(zone_id=zone.id).id, zone.id, "id")
        see_rcode(servers, name, "SOA", "REFUSED")
        assert client.zones.list(name=name).result == [], "a deleted zone is listed"
    with steps.step("a deleted zone and an unknown one are not found"):
        for gone in (zone.id, secrets.token_hex(16)):
            same(refused(cloudflare.NotFoundError, lambda: client.zones.get(zone_id=gone)), [1001], "codes")


# Per type: the content to begin with, after PUT and after PATCH, each as (API fields, data in DNS).
CONTENTS = {
    "A": [({"content": "192.0.2.1"}, "192.0.2.1"), ({"content": "192.0.2.2"}, "192.0.2.2"),
          ({"content": "192.0.2.3"}, "192.0.2.3")],
    "AAAA": [({"content": "2001:db8::1"}, "2001:db8::1"), ({"content": "2001:DB8:0:0::2"}, "2001:db8::2"),
             ({"content": "2001:db8::3"}, "2001:db8::3")],
    "CNAME": [({"content": "one.example.net"}, "one.example.net"), ({"content": "Two.Example.Net."}, "two.example.net"),
              ({"content": "three.example.net"}, "three.example.net")],
    "MX": [({"content": "mail.example.net", "priority": 10}, "10 mail.example.net"),
           ({"content": "mail.example.net", "priority": 0}, "0 mail.example.net"),
           ({"priority": 20}, "20 mail.example.net")],
    "TXT": [({"content": '"v=spf1 -all"'}, '"v=spf1 -all"'), ({"content": "unquoted text"}, '"unquoted text"'),
            ({"content": '"two" "strings"'}, '"two" "strings"')],
}


def record_life(client, zone, servers, record_type):
    name = f"{record_type.lower()}.{zone.name}"
    (first, seen_first), (second, seen_second), (third, seen_third) = CONTENTS[record_type]
    records = client.dns.records
    with steps.step(f"create {record_type}"):
        record = records.create(zone_id=zone.id, name=name, type=record_type, ttl=300, comment="first", **first)
        see(servers, name, record_type, [seen_first])
        same((record.name, record.type, record.ttl, record.comment), (name, record_type, 300, "first"), "the reply")
    with steps.step(f"read {record_type}"):
        same(records.get(record.id, zone_id=zone.id).content, record.content, "content")
        same([found.id for found in records.list(zone_id=zone.id, type=record_type)], [record.id], "list by type")
        same([found.id for found in records.list(zone_id=zone.id, name={"exact": name})], [record.id], "list by name")
    with steps.step(f"the same {record_type} again is refused"):
        same(refused(cloudflare.BadRequestError, lambda: records.create(
            zone_id=zone.id, name=name, type=record_type, ttl=300, comment="first", **first)), [81058], "codes")
    with steps.step(f"replace {record_type} (PUT)"):
        put = records.update(record.id, zone_id=zone.id, name=name, type=record_type, ttl=1, **second)
        see(servers, name, record_type, [seen_second])
        same((put.id, put.ttl, put.comment), (record.id, 1, None), "id, ttl, and the absent comment, which is reset")
        same({answer.ttl for answer in ask(node.dns_address, name, record_type).answer}, {300}, "automatic TTL in DNS")
    with steps.step(f"change {record_type} (PATCH)"):
        patched = records.edit(record.id, zone_id=zone.id, name=name, type=record_type, ttl=600, **third)
        see(servers, name, record_type, [seen_third])
        same({answer.ttl for answer in ask(node.dns_address, name, record_type).answer}, {600}, "TTL in DNS")
        same(patched.ttl, 600, "ttl in the reply")
        records.edit(record.id, zone_id=zone.id, name=name, type=record_type, ttl=600, comment="kept")
        patched = records.edit(record.id, zone_id=zone.id, name=name, type=record_type, ttl=900)
        same((patched.ttl, patched.comment), (900, "kept"), "absent fields are kept")
        see(servers, name, record_type, [seen_third])
    with steps.step(f"delete {record_type}"):
        same(records.delete(record.id, zone_id=zone.id).id, record.id, "id")
        see_rcode(servers, name, record_type, "NXDOMAIN")
    with steps.step(f"the deleted {record_type} is not found"):
        same(refused(cloudflare.NotFoundError, lambda: records.get(record.id, zone_id=zone.id)), [81044], "codes")


def delegation(client, zone, servers):
    cut, nameserver = f"cut.{zone.name}", f"ns.cut.{zone.name}"

    def see_referral(targets, glue):
        for server in servers:
            reply = ask(server, f"below.{cut}", "A")
            same((reply.rcode, reply.authoritative, reply.answer), ("NOERROR", False, []), f"referral at {server}")
            same(sorted(found.data for found in reply.authority if found.type == "NS"), targets, "NS of the cut")
            same([found.data for found in reply.additional if found.type == "A"], glue, "glue")

    with steps.step("create NS: a referral"):
        record = client.dns.records.create(zone_id=zone.id, name=cut, type="NS", content="ns1.example.net", ttl=300)
        see_referral(["ns1.example.net"], [])
    with steps.step("replace NS (PUT), with glue"):
        glue = client.dns.records.create(zone_id=zone.id, name=nameserver, type="A", content="192.0.2.53", ttl=300)
        client.dns.records.update(record.id, zone_id=zone.id, name=cut, type="NS", content=nameserver, ttl=300)
        see_referral([nameserver], ["192.0.2.53"])
    with steps.step("change NS (PATCH)"):
        client.dns.records.edit(record.id, zone_id=zone.id, name=cut, type="NS", content="ns2.example.net", ttl=300)
        see_referral(["ns2.example.net"], [])
    with steps.step("delete NS: what was below is seen"):
        client.dns.records.delete(record.id, zone_id=zone.id)
        see(servers, nameserver, "A", ["192.0.2.53"])
        client.dns.records.delete(glue.id, zone_id=zone.id)
        see_rcode(servers, nameserver, "A", "NXDOMAIN")


def records_of_a_zone():
    name = f"records-{run_id}.example"
    with steps.step("create the zone for records"):
        zone = by_token.zones.create(account={"id": node.account_id}, name=name, type="full")
    servers = [node.dns_address, *node.addresses_of(zone.name_servers)]
    for record_type in CONTENTS:
        # Both schemes see the same world, so they take turns.
        record_life(by_key if record_type in ("AAAA", "MX") else by_token, zone, servers, record_type)
    delegation(by_key, zone, servers)
    with steps.step("names: @, relative, full; a wildcard"):
        for given, full in [("@", name), ("www", f"www.{name}"), (f"Full.{name}", f"full.{name}")]:
            record = by_token.dns.records.create(zone_id=zone.id, name=given, type="A", content="192.0.2.9", ttl=1)
            see(servers, full, "A", ["192.0.2.9"])
            same(record.name, full, "name")
        by_token.dns.records.create(zone_id=zone.id, name=f"*.{name}", type="A", content="192.0.2.10", ttl=1)
        see(servers, f"any.thing.{name}", "A", ["192.0.2.10"])
    with steps.step("two records of one name and type, over UDP and TCP"):
        by_token.dns.records.create(zone_id=zone.id, name=f"www.{name}", type="A", content="192.0.2.11", ttl=1)
        for tcp in (False, True):
            see(servers, f"www.{name}", "A", ["192.0.2.9", "192.0.2.11"], tcp=tcp)
    with steps.step("a CNAME beside an address is refused"):
        same(refused(cloudflare.BadRequestError, lambda: by_token.dns.records.create(
            zone_id=zone.id, name=f"www.{name}", type="CNAME", content="x.example.net", ttl=1)), [81053], "codes")
        see(servers, f"www.{name}", "A", ["192.0.2.9", "192.0.2.11"])
    with steps.step("an address that is none is refused"):
        same(refused(cloudflare.BadRequestError, lambda: by_token.dns.records.create(
            zone_id=zone.id, name=f"bad.{name}", type="A", content="192.0.2.256", ttl=1)), [9005], "codes")
        # The wildcard still answers: nothing of the refused record is there.
        see(servers, f"bad.{name}", "A", ["192.0.2.10"])
    with steps.step("all pages of a zone's records"):
        made = {by_token.dns.records.create(
            zone_id=zone.id, name=f"page{number}.{name}", type="A", content="192.0.2.12", ttl=300).id
            for number in range(12)}
        listed = [record.id for record in by_token.dns.records.list(zone_id=zone.id, per_page=5)]
        same(len(listed), len(set(listed)), "each record is listed once")
        assert made <= set(listed), "a record is missing from the pages"
        past = by_token.dns.records.list(zone_id=zone.id, per_page=5, page=99)
        same((past.result, past.result_info.per_page), ([], 5), "a page past the end")
    with steps.step("delete the zone and its records"):
        by_token.zones.delete(zone_id=zone.id)
        see_rcode(servers, f"www.{name}", "A", "REFUSED")


def pages_of_zones():
    with steps.step("all pages of the account's zones"):
        names = {f"page{number}-{run_id}.example" for number in range(12)}
        made = [by_token.zones.create(account={"id": node.account_id}, name=name) for name in sorted(names)]
        listed = [zone.name for zone in by_token.zones.list(account={"id": node.account_id}, per_page=5)]
        same(len(listed), len(set(listed)), "each zone is listed once")
        assert names <= set(listed), f"zones are missing: {sorted(names - set(listed))}"
        same(by_token.zones.list(per_page=50, page=99).result, [], "a page past the end")
        for zone in made:
            by_token.zones.delete(zone_id=zone.id)
            see_rcode([node.dns_address], zone.name, "SOA", "REFUSED")


identity()
zone_life(by_token, "token")
zone_life(by_key, "key")
records_of_a_zone()
pages_of_zones()
steps.end()
