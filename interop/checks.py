"""What the interop scripts share: the bootstrap file, the addresses to ask, and how a step is reported.

A script is a list of steps. Each prints one line; the last line counts them; the exit code is 0 only if all passed.
"""
import argparse
import contextlib
import json
import sys
import traceback

import dns.rdata

from dns_client import SHOWN_AS_TEXT, ask


class Node:
    """A running Waymark, as its bootstrap file describes it; the API over TLS, and a token that may do little, if
    they were named."""

    def __init__(self, bootstrap, tls_base=None, authority=None, poor_token=None):
        self.tls_base, self.authority, self.poor_token = tls_base, authority, poor_token
        self.api_base = bootstrap["api_base"].rstrip("/")
        self.token = bootstrap["token"]
        self.email = bootstrap["email"]
        self.key = bootstrap["key"]
        self.account_id = bootstrap["account_id"]
        address, _, self.dns_port = bootstrap["dns_address"].rpartition(":")
        # The wildcard is where it listens, not where it can be asked.
        address = {"0.0.0.0": "127.0.0.1", "[::]": "127.0.0.1"}.get(address, address)
        self.dns_address = f"{address}:{self.dns_port}"

    def addresses_of(self, nameservers):
        """Where the zone's own nameservers answer: their addresses, as DNS gives them."""
        addresses = []
        for nameserver in nameservers:
            found = ask(self.dns_address, nameserver, "A").data("A")
            assert found, f"nameserver {nameserver} has no address"
            addresses += [f"{address}:{self.dns_port}" for address in found]
        return addresses


class Steps:
    def __init__(self):
        self.passed = self.failed = 0

    @contextlib.contextmanager
    def step(self, title):
        """Runs the block; an exception in it fails this step and is shown, and the next step goes on."""
        try:
            yield
        except Exception as problem:  # Whatever a client raises is a failed step.
            self.failed += 1
            print(f"FAILED  {title}: {type(problem).__name__}: {problem}", flush=True)
            traceback.print_exc(file=sys.stdout)
        else:
            self.passed += 1
            print(f"ok      {title}", flush=True)

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed or not self.passed else 0)


def node_from_arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--bootstrap", required=True, metavar="FILE", help="what `waymark serve --bootstrap-file` wrote")
    parser.add_argument("--tls-base", metavar="URL", help="the API over TLS, for clients that speak nothing else")
    parser.add_argument("--authority", metavar="FILE", help="the certificate to trust for --tls-base (PEM)")
    parser.add_argument("--poor-token", metavar="TOKEN", help="a token that may not list zones")
    given = parser.parse_args()
    with open(given.bootstrap, encoding="utf-8") as file:
        return Node(json.load(file), given.tls_base, given.authority, given.poor_token)


def same(found, wanted, what):
    assert found == wanted, f"{what}: wanted {wanted!r}, got {found!r}"


def as_seen(record_type, text):
    """Data in zone-file form, as `ask` gives it."""
    if record_type in SHOWN_AS_TEXT:
        return text
    return dns.rdata.from_text("IN", record_type, text).to_wire().hex()


def see(servers, name, record_type, wanted, tcp=False):
    """Asks every server once: the answer must be exactly `wanted` (data of that type in zone-file form, names whole but
    without the dot at the end for the types of SHOWN_AS_TEXT), with authority."""
    wanted = sorted(as_seen(record_type, text) for text in wanted)
    for server in servers:
        reply = ask(server, name, record_type, tcp=tcp)
        where = f"{name} {record_type} at {server}"
        same(reply.rcode, "NOERROR", f"response code of {where}")
        same(reply.data(record_type), wanted, where)
        assert reply.authoritative, f"{where} is answered without authority"


def see_rcode(servers, name, record_type, rcode):
    """Asks every server once: no answer, and this response code."""
    for server in servers:
        reply = ask(server, name, record_type)
        same((reply.rcode, reply.answer), (rcode, []), f"{name} {record_type} at {server}")
