"""The Python SDK of before 3.0 (package `cloudflare` 2.20.0) against Waymark, unmodified but for the base URL.

After each step DNS is asked. It shares its package name with the current SDK and runs in an environment of its own.
"""
import os
import secrets
import warnings

import CloudFlare
from CloudFlare.exceptions import CloudFlareAPIError

from checks import Steps, node_from_arguments, same, see, see_rcode
from record_life import RECORDS, ZONE_FILE, Records, delegation, record_life, see_zone_file

steps = Steps()
node = node_from_arguments(__doc__)
run_id = secrets.token_hex(4)

# Credentials of somebody's real account must not get in.
for variable in [name for name in os.environ if name.startswith(("CLOUDFLARE_", "CF_"))]:
    del os.environ[variable]
# It warns of its own age.
warnings.simplefilter("ignore")
options = {"base_url": node.api_base, "max_request_retries": 0, "warnings": False}
by_token = CloudFlare.CloudFlare(token=node.token, **options)
by_key = CloudFlare.CloudFlare(email=node.email, key=node.key, **options)


def refused(call):
    """Runs the call; gives the error codes of the exception that it must raise."""
    try:
        call()
    except CloudFlareAPIError as error:
        return [int(error)]
    raise AssertionError("the call succeeded; it was to be refused")


class SdkRecords(Records):
    def __init__(self, client):
        self.calls = client.zones.dns_records

    def create(self, zone_id, **fields):
        return self.calls.post(zone_id, data=fields)

    def get(self, zone_id, record_id):
        return self.calls.get(zone_id, record_id)

    def list(self, zone_id, record_type=None, name=None):
        # This SDK leaves the pages to its caller; one page has room for all that is asked here.
        filters = {"type": record_type} if record_type else {}
        filters |= {"name": name} if name else {}
        return self.calls.get(zone_id, params=filters)

    def update(self, zone_id, record_id, **fields):
        return self.calls.put(zone_id, record_id, data=fields)

    def edit(self, zone_id, record_id, **fields):
        return self.calls.patch(zone_id, record_id, data=fields)

    def delete(self, zone_id, record_id):
        return self.calls.delete(zone_id, record_id)["id"]

    def refusal(self, call):
        return refused(call)


def life():
    name = f"legacy-{run_id}.example"
    with steps.step("verify the token, read the user with the key"):
        same(by_token.user.tokens.verify.get()["status"], "active", "status")
        same(by_key.user.get()["email"], node.email, "email")
    with steps.step("an unknown token is refused"):
        same(refused(lambda: CloudFlare.CloudFlare(token="x" * 40, **options).zones.get()), [9109], "codes")
    with steps.step("create a zone"):
        zone = by_token.zones.post(data={"account": {"id": node.account_id}, "name": name, "jump_start": False})
        servers = [node.dns_address, *node.addresses_of(zone["name_servers"])]
        see(servers, name, "NS", zone["name_servers"])
    with steps.step("read the zone and find it by name"):
        same(by_key.zones.get(zone["id"]), zone, "zone")
        same(by_token.zones.get(params={"name": name, "per_page": 1}), [zone], "zones of that name")
        same(refused(lambda: by_token.zones.post(data={"account": {"id": node.account_id}, "name": name})), [1061],
             "codes")
    with steps.step("give it another plan"):
        free, = [plan for plan in by_token.zones.available_plans.get(zone["id"]) if plan["legacy_id"] == "free"]
        same(by_token.zones.patch(zone["id"], data={"plan": {"id": free["id"]}})["plan"]["id"], free["id"], "plan")
        own, = [plan for plan in by_token.zones.available_plans.get(zone["id"]) if plan["is_subscribed"]]
        same(own["id"], free["id"], "plan")
        by_token.zones.patch(zone["id"], data={"plan": {"id": zone["plan"]["id"]}})
        see(servers, name, "NS", zone["name_servers"])
    for kind in RECORDS:
        record_life(steps, SdkRecords(by_key if kind in ("AAAA", "MX") else by_token), zone, servers, kind)
    delegation(steps, SdkRecords(by_key), zone, servers)
    with steps.step("import a zone file as a file, and export it"):
        file = ("zone.txt", ZONE_FILE.format(name=name), "text/plain")
        imported = by_token.zones.dns_records.import_.post(zone["id"], data={"proxied": "false"}, files={("file", file)})
        same(imported["recs_added"], 5, "records added")
        see_zone_file(servers, name)
        exported = by_key.zones.dns_records.export.get(zone["id"])
        assert "192.0.2.80" in exported and "; the front end" in exported, exported
    for record in SdkRecords(by_token).list(zone["id"]):
        by_token.zones.dns_records.delete(zone["id"], record["id"])
    with steps.step("page by page, as its examples do"):
        records = SdkRecords(by_token)
        made = {records.create(zone["id"], name=f"page{number}", type="A", content="192.0.2.12", ttl=300)["id"]
                for number in range(12)}
        raw = CloudFlare.CloudFlare(token=node.token, raw=True, **options)
        listed, page = [], 1
        while True:
            answer = raw.zones.dns_records.get(zone["id"], params={"page": page, "per_page": 5})
            listed += [record["id"] for record in answer["result"]]
            if page >= answer["result_info"]["total_pages"]:
                break
            page += 1
        same((sorted(listed), page), (sorted(made), 3), "ids and pages")
        see(servers, f"page11.{name}", "A", ["192.0.2.12"])
    with steps.step("delete the zone"):
        same(by_token.zones.delete(zone["id"])["id"], zone["id"], "id")
        see_rcode(servers, name, "SOA", "REFUSED")
        same(refused(lambda: by_token.zones.get(zone["id"])), [1001], "codes")


life()
steps.end()
