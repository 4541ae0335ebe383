"""The official TypeScript SDK (npm package `cloudflare`) against Waymark, unmodified but for the base URL.

The SDK runs in Node; `typescript/bridge.cjs` carries each call to it and its answer back. After each step DNS is asked.
"""
import json
import os
import secrets
import shutil
import subprocess
import sys

from checks import Steps, node_from_arguments, same, see, see_rcode
from record_life import RECORDS, ZONE_FILE, Records, delegation, record_life, see_zone_file

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = os.environ["WAYMARK_INTEROP_NODE_MODULES"]

steps = Steps()
node = node_from_arguments(__doc__)
run_id = secrets.token_hex(4)
if not shutil.which("node"):
    print("node is missing: bash tools/packages installs it")
    sys.exit(3)


class SdkError(Exception):
    """A call that the SDK rejected."""

    def __init__(self, error):
        super().__init__(f"{error['name']}: {error['message']}")
        self.name, self.status, self.codes = error["name"], error["status"], error["codes"]


class Sdk:
    """The SDK in its own process."""

    def __init__(self):
        # Credentials of somebody's real account must not get in.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CLOUDFLARE_")}
        environment |= {
            "NODE_PATH": MODULES, "WAYMARK_API_BASE": node.api_base, "WAYMARK_TOKEN": node.token,
            "WAYMARK_EMAIL": node.email, "WAYMARK_KEY": node.key}
        self.process = subprocess.Popen(
            ["node", os.path.join(HERE, "typescript", "bridge.cjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=environment, text=True)

    def call(self, call, *arguments, client="token", every=False):
        request = {"client": client, "call": call, "arguments": arguments, "all": every}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise SdkError(answer["error"])
        return answer["result"]

    def end(self):
        self.process.stdin.close()
        self.process.wait(20)


class SdkRecords(Records):
    def __init__(self, client):
        self.client = client

    def call(self, method, *arguments, **options):
        return sdk.call(f"dns.records.{method}", *arguments, client=self.client, **options)

    def create(self, zone_id, **fields):
        return self.call("create", {"zone_id": zone_id, **fields})

    def get(self, zone_id, record_id):
        return self.call("get", record_id, {"zone_id": zone_id})

    def list(self, zone_id, record_type=None, name=None):
        filters = {"type": record_type} if record_type else {}
        filters |= {"name": {"exact": name}} if name else {}
        return self.call("list", {"zone_id": zone_id, **filters}, every=True)

    def update(self, zone_id, record_id, **fields):
        return self.call("update", record_id, {"zone_id": zone_id, **fields})

    def edit(self, zone_id, record_id, **fields):
        return self.call("edit", record_id, {"zone_id": zone_id, **fields})

    def delete(self, zone_id, record_id):
        return self.call("delete", record_id, {"zone_id": zone_id})["id"]

    def refusal(self, call):
        return refused(call)


def refused(call, name=None):
    """Runs the call; gives the error codes of its rejection."""
    try:
        call()
    except SdkError as error:
        if name:
            same(error.name, name, "the error's class")
        return error.codes
    raise AssertionError("the call succeeded; it was to be refused")


def identity():
    with steps.step("verify the token, read the user with the key"):
        same(sdk.call("user.tokens.verify")["status"], "active", "status")
        same(sdk.call("user.get", client="key")["email"], node.email, "email")
    with steps.step("list accounts and read one"):
        account, = [found for found in sdk.call("accounts.list", every=True) if found["id"] == node.account_id]
        same(sdk.call("accounts.get", {"account_id": node.account_id}, client="key"), account, "account")
    with steps.step("an unknown token is refused"):
        same(refused(lambda: sdk.call("zones.list", client="stranger", every=True), "PermissionDeniedError"), [9109],
             "codes")


def zone_life():
    name = f"ts-{run_id}.example"
    with steps.step("create a zone"):
        zone = sdk.call("zones.create", {"account": {"id": node.account_id}, "name": name, "type": "full"})
        servers = [node.dns_address, *node.addresses_of(zone["name_servers"])]
        see(servers, name, "NS", zone["name_servers"])
    with steps.step("the same zone again is refused"):
        again = {"account": {"id": node.account_id}, "name": name}
        same(refused(lambda: sdk.call("zones.create", again), "BadRequestError"), [1061], "codes")
    with steps.step("read the zone and find it by name"):
        same(sdk.call("zones.get", {"zone_id": zone["id"]}, client="key"), zone, "zone")
        same(sdk.call("zones.list", {"name": name}, every=True), [zone], "zones of that name")
    with steps.step("give it another plan"):
        plans = sdk.call("zones.plans.list", {"zone_id": zone["id"]}, every=True)
        free, = [plan for plan in plans if plan["legacy_id"] == "free"]
        sdk.call("zones.subscriptions.update", {"zone_id": zone["id"], "rate_plan": {"id": "free"}})
        same(sdk.call("zones.get", {"zone_id": zone["id"]})["plan"]["id"], free["id"], "plan")
        sdk.call("zones.subscriptions.update", {"zone_id": zone["id"], "rate_plan": {"id": "enterprise"}})
        see(servers, name, "NS", zone["name_servers"])
    with steps.step("edit it as it is already"):
        same(sdk.call("zones.edit", {"zone_id": zone["id"], "paused": False})["paused"], False, "paused")
    return zone, servers


def pages(zone, servers):
    records = SdkRecords("token")
    with steps.step("all pages of a zone's records"):
        made = {records.create(zone["id"], name=f"page{number}", type="A", content="192.0.2.12", ttl=300)["id"]
                for number in range(12)}
        options = {"zone_id": zone["id"], "per_page": 5}
        listed = [record["id"] for record in sdk.call("dns.records.list", options, every=True)]
        same(sorted(listed), sorted(made), "ids")
        see(servers, f"page11.{zone['name']}", "A", ["192.0.2.12"])


def zone_file(zone, servers):
    with steps.step("import a zone file, and export it"):
        file = ZONE_FILE.format(name=zone["name"])
        same(sdk.call("dns.records.import", {"zone_id": zone["id"], "file": file})["recs_added"], 5, "records added")
        see_zone_file(servers, zone["name"])
        exported = sdk.call("dns.records.export", {"zone_id": zone["id"]})
        assert "192.0.2.80" in exported and "; the front end" in exported, exported


sdk = Sdk()
try:
    identity()
    made, addresses = zone_life()
    for kind in RECORDS:
        record_life(steps, SdkRecords("key" if kind in ("AAAA", "MX") else "token"), made, addresses, kind)
    delegation(steps, SdkRecords("key"), made, addresses)
    pages(made, addresses)
    zone_file(made, addresses)
    with steps.step("delete the zone"):
        same(sdk.call("zones.delete", {"zone_id": made["id"]})["id"], made["id"], "id")
        see_rcode(addresses, made["name"], "SOA", "REFUSED")
        same(refused(lambda: sdk.call("zones.get", {"zone_id": made["id"]}), "NotFoundError"), [1001], "codes")
finally:
    sdk.end()
steps.end()
