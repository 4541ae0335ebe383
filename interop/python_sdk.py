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
from record_life import RECORDS, ZONE_FILE, Records, delegation, record_life, see_zone_file

steps = Steps()
node = node_from_arguments(__doc__)
run_id = secrets.token_hex(4)

# Credentials of somebody's real account must not get in.
for variable in [name for name in os.environ if name.startswith("CLOUDFLARE_")]:
    del os.environ[variable]
by_token = Cloudflare(base_url=node.api_base, api_token=node.token, max_retries=0)
by_key = Cloudflare(base_url=node.api_base, api_email=node.email, api_key=node.key, max_retries=0)


class SdkRecords(Records):
    """The record calls, with one of the two clients."""

    def __init__(self, client):
        self.calls = client.dns.records

    def create(self, zone_id, **fields):
        return self.calls.create(zone_id=zone_id, **fields).to_dict()

    def get(self, zone_id, record_id):
        return self.calls.get(record_id, zone_id=zone_id).to_dict()

    def list(self, zone_id, record_type=None, name=None):
        filters = {"type": record_type} if record_type else {}
        filters |= {"name": {"exact": name}} if name else {}
        return [record.to_dict() for record in self.calls.list(zone_id=zone_id, **filters)]

    def update(self, zone_id, record_id, **fields):
        return self.calls.update(record_id, zone_id=zone_id, **fields).to_dict()

    def edit(self, zone_id, record_id, **fields):
        return self.calls.edit(record_id, zone_id=zone_id, **fields).to_dict()

    def delete(self, zone_id, record_id):
        return self.calls.delete(record_id, zone_id=zone_id).id

    def refusal(self, call):
        return refused(cloudflare.APIStatusError, call)


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


def records_of_a_zone():
    name = f"records-{run_id}.example"
    with steps.step("create the zone for records"):
        zone = by_token.zones.create(account={"id": node.account_id}, name=name, type="full")
    servers = [node.dns_address, *node.addresses_of(zone.name_servers)]
    for record_type in RECORDS:
        # Both schemes see the same world, so they take turns.
        client = by_key if record_type in ("AAAA", "MX") else by_token
        record_life(steps, SdkRecords(client), zone.to_dict(), servers, record_type)
    delegation(steps, SdkRecords(by_key), zone.to_dict(), servers)
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


def zone_files():
    name = f"file-{run_id}.example"
    with steps.step("import a zone file"):
        zone = by_token.zones.create(account={"id": node.account_id}, name=name)
        servers = [node.dns_address, *node.addresses_of(zone.name_servers)]
        imported = by_token.dns.records.import_(zone_id=zone.id, file=ZONE_FILE.format(name=name))
        same(imported.recs_added, 5, "records added")
        see_zone_file(servers, name)
        same([record.comment for record in by_token.dns.records.list(zone_id=zone.id, content={"exact": "192.0.2.80"})],
             ["the front end"], "comments")
    with steps.step("export it; the same import elsewhere gives the same records"):
        exported = by_token.dns.records.export(zone_id=zone.id)
        other_name = f"copy-{run_id}.example"
        other = by_key.zones.create(account={"id": node.account_id}, name=other_name)
        by_key.dns.records.import_(zone_id=other.id, file=exported.replace(name, other_name), proxied="false")
        see_zone_file([node.dns_address], other_name)
        same(by_key.dns.records.export(zone_id=other.id).replace(other_name, name), exported, "the second export")
    with steps.step("a file that is none is refused; nothing of it is kept"):
        refused(cloudflare.BadRequestError, lambda: by_token.dns.records.import_(
            zone_id=zone.id, file="new 300 IN A 192.0.2.82\nbad 300 IN A 192.0.2.256\n"))
        see_rcode(servers, f"new.{name}", "A", "NXDOMAIN")
    for made in (zone, other):
        by_token.zones.delete(zone_id=made.id)


def plans():
    with steps.step("create the zone for plans"):
        zone = by_token.zones.create(account={"id": node.account_id}, name=f"plans-{run_id}.example")
    servers = [node.dns_address, *node.addresses_of(zone.name_servers)]
    with steps.step("list the plans and read one"):
        available = list(by_token.zones.plans.list(zone_id=zone.id))
        same([plan.legacy_id for plan in available], ["free", "pro", "business", "enterprise"], "plans")
        own, = [plan for plan in available if plan.is_subscribed]
        same(own.id, zone.plan.id, "the plan that the zone has")
        same(by_token.zones.plans.get(own.id, zone_id=zone.id).name, own.name, "name")
        same(by_token.zones.subscriptions.get(zone_id=zone.id).rate_plan.id, own.legacy_id, "rate plan")
        same([rate.id for rate in by_key.zones.rate_plans.get(zone_id=zone.id)], [plan.legacy_id for plan in available],
             "rate plans")
    with steps.step("another plan, by the subscription"):
        changed = by_token.zones.subscriptions.update(zone_id=zone.id, rate_plan={"id": "free"}, frequency="monthly")
        same(changed.rate_plan.id, "free", "rate plan")
        same(by_token.zones.get(zone_id=zone.id).plan.legacy_id, "free", "plan of the zone")
        same(refused(cloudflare.BadRequestError, lambda: by_token.dns.records.create(
            zone_id=zone.id, name="tagged", type="A", content="192.0.2.1", ttl=60, tags=["a:b"])), [9300], "codes")
        see_rcode(servers, f"tagged.{zone.name}", "A", "NXDOMAIN")
        by_token.zones.subscriptions.create(zone_id=zone.id, rate_plan={"id": "pro"})
        same(by_token.zones.get(zone_id=zone.id).plan.legacy_id, "pro", "plan of the zone")
        by_token.dns.records.create(zone_id=zone.id, name="tagged", type="A", content="192.0.2.1", ttl=60, tags=["a:b"])
        see(servers, f"tagged.{zone.name}", "A", ["192.0.2.1"])
    with steps.step("edit the zone as it is already; what it cannot have is refused"):
        same(by_token.zones.edit(zone_id=zone.id, paused=False).paused, False, "paused")
        same(by_token.zones.edit(zone_id=zone.id, type="full", vanity_name_servers=[]).type, "full", "type")
        for fields in ({"paused": True}, {"type": "partial"}, {"vanity_name_servers": ["ns1.example.net"]}):
            same(refused(cloudflare.BadRequestError, lambda: by_token.zones.edit(zone_id=zone.id, **fields)), [9207],
                 f"codes for {fields}")
        see(servers, zone.name, "NS", zone.name_servers)
    with steps.step("there are no page rules and no views"):
        same(by_token.page_rules.list(zone_id=zone.id, status="active"), [], "page rules")
        same(list(by_token.dns.settings.account.views.list(account_id=node.account_id)), [], "views")
    with steps.step("delete the zone for plans"):
        by_token.zones.delete(zone_id=zone.id)
        see_rcode(servers, zone.name, "SOA", "REFUSED")


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
zone_files()
plans()
pages_of_zones()
steps.end()
