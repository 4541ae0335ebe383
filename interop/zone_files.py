"""Zone files, read by dnspython: what a file says, what was exported and dumped of the zone, and what DNS answers are the
same.

    interop/run zone_files --bootstrap FILE DIR

DIR has three directories with a file for each zone: `originals` (named after the zone), `exports` (NAME.zone) and `dumps`
(named after the zone). SOA and NS of the apex are the platform's own and are left out of the comparison of records; their
form is checked.
"""
import argparse
import json
import os

import dns.message
import dns.name
import dns.query
import dns.rdataclass
import dns.rdatatype
import dns.zone

from checks import Node, Steps, same

# The TTL that stands for "automatic" in a file, and what is answered then.
AUTOMATIC, ANSWERED = 1, 300
# Questions for each zone at most: one zone has 20,000 names.
QUESTIONS_MAX = 200
TIMEOUT_S = 10


def read(path, apex):
    """The RRsets of a zone file: (name, type) -> (TTL, data as text), and those of the apex that are the platform's."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        text = file.read().replace("\r\n", "\n")
    zone = dns.zone.from_text(text, origin=apex, relativize=False, check_origin=False, allow_include=False)
    rrsets, own = {}, {}
    for name, node in zone.nodes.items():
        for rdataset in node.rdatasets:
            at_apex = name == zone.origin and rdataset.rdtype in (dns.rdatatype.SOA, dns.rdatatype.NS)
            ttl = ANSWERED if rdataset.ttl == AUTOMATIC else rdataset.ttl
            found = (ttl, sorted(rdata.to_digestable().hex() for rdata in rdataset))
            (own if at_apex else rrsets)[(name.to_text().lower(), dns.rdatatype.to_text(rdataset.rdtype))] = found
    return rrsets, own


def cuts(rrsets):
    """The names that are delegated: what is there and below is answered by a referral."""
    return [dns.name.from_text(name) for name, kind in rrsets if kind == "NS"]


def answered(node, name, kind):
    """The TTL and data of a question's answer, over TCP."""
    address, _, port = node.dns_address.rpartition(":")
    query = dns.message.make_query(name, kind)
    reply = dns.query.tcp(query, address, port=int(port), timeout=TIMEOUT_S)
    wanted = dns.rdatatype.from_text(kind)
    for rrset in reply.answer:
        if rrset.rdtype == wanted and rrset.name == dns.name.from_text(name):
            return rrset.ttl, sorted(rdata.to_digestable().hex() for rdata in rrset)
    raise AssertionError(f"{name} {kind} is not answered: {reply.to_text()}")


def differences(found, wanted):
    return {key: (found.get(key), wanted.get(key)) for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", required=True, metavar="FILE")
    parser.add_argument("directory", metavar="DIR")
    arguments = parser.parse_args()
    with open(arguments.bootstrap, encoding="utf-8") as file:
        node = Node(json.load(file))
    steps = Steps()
    for apex in sorted(os.listdir(os.path.join(arguments.directory, "originals"))):
        path = lambda kind, name: os.path.join(arguments.directory, kind, name)
        with steps.step(f"{apex}: the file, the export and the dump have the same records"):
            original, _ = read(path("originals", apex), apex)
            exported, exported_own = read(path("exports", apex + ".zone"), apex)
            dumped, dumped_own = read(path("dumps", apex), apex)
            assert original, "nothing was read"
            same(differences(exported, original), {}, "the export")
            same(differences(dumped, original), {}, "the dump")
            same(sorted(kind for _, kind in exported_own), ["NS", "SOA"], "the export's own records")
            same(exported_own[(apex + ".", "NS")], dumped_own[(apex + ".", "NS")], "nameservers")
        with steps.step(f"{apex}: DNS answers what the file says"):
            delegated = cuts(original)
            asked = 0
            for (name, kind), wanted in sorted(original.items()):
                owner = dns.name.from_text(name)
                # A DS record belongs to the parent's side of a delegation; everything else there is the child's.
                if any(owner.is_subdomain(cut) and not (owner == cut and kind == "DS") for cut in delegated):
                    continue
                same(answered(node, name, kind), wanted, f"{name} {kind}")
                asked += 1
                if asked == QUESTIONS_MAX:
                    break
            assert asked, "nothing was asked"
            same(answered(node, apex + ".", "SOA"), dumped_own[(apex + ".", "SOA")], "the SOA record")
    steps.end()


if __name__ == "__main__":
    main()
