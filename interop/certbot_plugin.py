"""certbot's plugin `certbot-dns-cloudflare` against Waymark: its authenticator as certbot drives it, without a CA.

It puts the answer to a dns-01 challenge into DNS and takes it away again; after each step DNS is asked. What it tells
its user of a bad credential hangs on the codes and texts of the API's errors, so each is provoked.
"""
import io
import os
import secrets
import tempfile
import types

import josepy
from acme import challenges, messages
from certbot import achallenges, errors
from certbot._internal.display import obj as display
from certbot_dns_cloudflare._internal.dns_cloudflare import Authenticator
from cryptography.hazmat.primitives.asymmetric import ec

from api_client import Api
from checks import Steps, node_from_arguments, same, see, see_rcode

steps = Steps()
node = node_from_arguments(__doc__)
api = Api(node)
name = f"certbot-{secrets.token_hex(4)}.example"

# Credentials of somebody's real account must not get in. What certbot tells its user is not of interest here.
for variable in [given for given in os.environ if given.startswith("CLOUDFLARE_")]:
    del os.environ[variable]
os.environ["CLOUDFLARE_BASE_URL"] = node.api_base
display.set_display(display.NoninteractiveDisplay(io.StringIO()))
account_key = josepy.JWKEC(key=ec.generate_private_key(ec.SECP256R1()))
scratch = tempfile.TemporaryDirectory(prefix="waymark-interop-")


def authenticator(**credentials):
    """The plugin with a credentials file of its own, as `certbot --dns-cloudflare-credentials FILE` makes it."""
    path = os.path.join(scratch.name, f"{secrets.token_hex(4)}.ini")
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.writelines(f"dns_cloudflare_{key} = {value}\n" for key, value in credentials.items())
    config = types.SimpleNamespace(dns_cloudflare_credentials=path, dns_cloudflare_propagation_seconds=0)
    plugin = Authenticator(config, "dns-cloudflare")
    plugin.prepare()
    return plugin


def challenge(domain):
    body = messages.ChallengeBody(
        chall=challenges.DNS01(token=secrets.token_bytes(32)), uri="https://ca.example/1",
        status=messages.STATUS_PENDING)
    identifier = messages.Identifier(typ=messages.IDENTIFIER_FQDN, value=domain)
    return achallenges.KeyAuthorizationAnnotatedChallenge(challb=body, identifier=identifier, account_key=account_key)


def answer_of(asked):
    """What the CA looks for in DNS."""
    return f'"{asked.validation(account_key)}"'


def told(plugin, domain, *words):
    """The plugin must fail with a text that has all these words."""
    try:
        plugin.perform([challenge(domain)])
    except errors.PluginError as error:
        missing = [word for word in words if word not in str(error)]
        assert not missing, f"{missing} not in: {error}"
        return
    raise AssertionError("the plugin succeeded; it was to fail")


with steps.step("create the zone"):
    zone = api.call("POST", "/zones", {"name": name, "account": {"id": node.account_id}})
    servers = [node.dns_address, *node.addresses_of(zone["name_servers"])]
for scheme, given in [("token", {"api_token": node.token}), ("key", {"email": node.email, "api_key": node.key})]:
    plugin = authenticator(**given)
    for domain in (name, f"www.{name}", f"deep.below.{name}"):
        wanted, owner = challenge(domain), f"_acme-challenge.{domain}"
        with steps.step(f"perform for {domain}, with the {scheme}"):
            plugin.perform([wanted])
            see(servers, owner, "TXT", [answer_of(wanted)])
        with steps.step("perform once more: what is there already is a success to certbot"):
            plugin.perform([wanted])
            see(servers, owner, "TXT", [answer_of(wanted)])
        with steps.step("cleanup"):
            plugin.cleanup([wanted])
            see_rcode(servers, owner, "TXT", "NXDOMAIN")
plugin = authenticator(api_token=node.token)
with steps.step("a name and its wildcard: two answers at one name, each taken away by itself"):
    first, second = challenge(name), challenge(name)
    plugin.perform([first, second])
    see(servers, f"_acme-challenge.{name}", "TXT", [answer_of(first), answer_of(second)])
    plugin.cleanup([first])
    see(servers, f"_acme-challenge.{name}", "TXT", [answer_of(second)])
    plugin.cleanup([second])
    see_rcode(servers, f"_acme-challenge.{name}", "TXT", "NXDOMAIN")
    plugin.cleanup([second])
with steps.step("what the user is told: a token of other characters (6003)"):
    told(authenticator(api_token="not@a@token"), name, "6003", "6111", "Did you copy your entire API token/key?")
with steps.step("what the user is told: an unknown key (9103)"):
    told(authenticator(email=node.email, api_key="0" * 37), name, "9103", "correct email address and Global key")
with steps.step("what the user is told: an unknown token (9109)"):
    told(authenticator(api_token="x" * 40), name, "9109", "valid Cloudflare Token")
if node.poor_token:
    with steps.step("what the user is told: a token that may not list zones (the permission's name)"):
        told(authenticator(api_token=node.poor_token), name, "entered correctly and your Cloudflare Token has access")
with steps.step("what the user is told: a domain that is not there"):
    told(plugin, "nowhere.example", "Unable to determine zone_id", "entered correctly and is already associated")
with steps.step("delete the zone"):
    api.call("DELETE", f"/zones/{zone['id']}")
    see_rcode(servers, name, "SOA", "REFUSED")
steps.end()
