"""What kind of question it is: the path that an answer takes through the zones, in words.

    shape(world, name, rdtype)  ->  {"asked: wildcard", "by: wildcard CNAME", "into: another zone", "end: no data", ...}

Listed differences name questions by these words, so they are found from the zones' data alone, never from an answer
and never from what the generator had in mind. It is the search of RFC 1034 section 4.3.2 as later documents clarify
it, done in the slowest and plainest way; `find` is its step for one name, which the comparison uses too, to see
whether additional data is true.
"""
from dataclasses import dataclass

import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
from dns.rdatatype import AAAA, ANY, CNAME, DNAME, DS, NS, A

# Servers give up after numbers of links of their own.
LONG_CHAINS = (5, 10, 11, 16)
# A target longer than this makes a response that may fit or not.
LONG_TARGET_OCTETS = 100
# What a response has beside records, with some room for how names are compressed.
QUESTION_AND_OPT_OCTETS = 60
OCTETS_MAX = 255


@dataclass
class Found:
    """Where the search for one name in one zone ends.

    `kind`: apex, name, wildcard, empty non-terminal, missing name, at a cut, below a cut, below a DNAME.
    `node`: the owner whose records are of use: the name itself, the wildcard, the cut, or the DNAME's owner.
    """
    kind: str
    node: dns.name.Name = None


def find(zone, name, rdtype):
    """RFC 1034 section 4.3.2 step 3, walking down from the apex, for a name at or below it."""
    depth = len(name) - len(zone.apex)
    encloser = zone.apex
    for below in range(depth, -1, -1):
        node = dns.name.Name(name.labels[below:])
        if node not in zone.existing:
            break
        encloser = node
        if node != zone.apex and zone.has(node, "NS") and not (node == name and rdtype == DS):
            return Found("at a cut" if node == name else "below a cut", node)
        if node == name:
            if node == zone.apex:
                return Found("apex", node)
            return Found("name" if node in zone.nodes else "empty non-terminal", node)
        if zone.has(node, "DNAME"):
            return Found("below a DNAME", node)
    star = dns.name.Name((b"*",) + encloser.labels)
    if star in zone.existing:
        return Found("wildcard" if star in zone.nodes else "empty wildcard", star)
    return Found("missing name", encloser)


def zone_for(world, name, rdtype):
    """The zone that a question belongs to: for DS the parent's, if it is there (RFC 4035 section 3.1.4.1)."""
    zone = world.zone_of(name)
    if zone and rdtype == DS and zone.apex == name:
        return world.zone_of(name, skip_apex=True) or zone
    return zone


def shape(world, name, rdtype, octets_max=None):
    """The words for a question of class IN whose response may have `octets_max` octets; None: any number."""
    zone = zone_for(world, name, rdtype)
    if zone is None:
        return {"asked: outside all zones"}
    words = set()
    if b"*" in name.labels[:-1]:
        words.add("asked: a name with a star")
    if rdtype == DS and name in world.zones:
        words.add("asked: DS at an apex")
    seen, links = {name}, 0
    found = find(zone, name, rdtype)
    words.add(f"asked: {found.kind}")
    while True:
        target, kind = step(zone, found, name, rdtype)
        if target is None:
            words |= {f"end: {kind}"} | words_of_end(zone, found, rdtype, octets_max)
            break
        words.add(f"by: {kind}")
        if len(target.to_wire()) > LONG_TARGET_OCTETS:
            words.add("by: a long target")
        links += 1
        if target in seen:
            words.add("end: loop")
            break
        if links > 30:
            words.add("end: endless growth")
            break
        seen.add(target)
        name, after = target, world.zone_of(target)
        if after is not zone:
            words.add(f"into: {relation(zone, after)}")
        if after is None:
            words.add("end: outside all zones")
            break
        zone, found = after, find(after, name, rdtype)
    if links > 1:
        words.add("chain")
    return words | {f"chain of more than {length} links" for length in LONG_CHAINS if links > length}


def words_of_end(zone, found, rdtype, octets_max):
    """What else is worth a word where a search ends."""
    if found.kind in ("at a cut", "below a cut"):
        return words_of_cut(zone, found.node, octets_max)
    rrset = zone.nodes.get(found.node, {}).get(rdtype)
    if not rrset or found.kind == "missing name":
        return set()
    words, targets = set(), [name for rdata in rrset[1] for name in names_in(rdata)]
    if len(set(targets)) < len(targets):
        words.add("data: two records with one target")
    inside = (target for target in targets if target.is_subdomain(zone.apex))
    if any(find(zone, target, A).kind == "wildcard" for target in inside):
        words.add("data: target below a wildcard")
    fits = targets and octets_max and octets(zone, found.node, rdtype, ()) <= octets_max
    if fits and octets(zone, found.node, rdtype, set(targets)) > octets_max:
        words.add("data: additional data does not fit")
    return words


def words_of_cut(zone, cut, octets_max):
    words = set()
    if any(node != cut and node.is_subdomain(cut) and zone.has(node, "NS") for node in zone.nodes):
        words.add("cut: another below it")
    glue = [server.target for server in zone.nodes[cut][NS][1] if server.target.is_subdomain(cut)]
    if octets_max and octets(zone, cut, NS, glue) > octets_max:
        words.add("cut: glue does not fit")
    return words


def octets(zone, owner, rdtype, hosts):
    """How long a response with an RRset and the addresses of hosts is, about."""
    response = dns.message.Message(id=0)
    response.answer.append(dns.rrset.from_rdata_list(owner, *zone.nodes[owner][rdtype]))
    for host in hosts:
        response.additional += [dns.rrset.from_rdata_list(host, *zone.nodes[host][kind])
                                for kind in (A, AAAA) if kind in zone.nodes.get(host, {})]
    return len(response.to_wire(max_size=65535)) + QUESTION_AND_OPT_OCTETS


def name_fields(rdata):
    """The fields of a record's data that are names: [(field, name)]."""
    fields = ((field, getattr(rdata, field, None)) for field in rdata.__slots__)
    return [(field, value) for field, value in fields if isinstance(value, dns.name.Name)]


def names_in(rdata):
    """The names in a record's data."""
    return [name for _, name in name_fields(rdata)]


def step(zone, found, name, rdtype):
    """(the name that follows, by what), or (None, how it ends)."""
    node = found.node
    if found.kind in ("at a cut", "below a cut"):
        return None, "referral"
    if found.kind == "below a DNAME":
        _, (dname,) = zone.nodes[node][DNAME]
        prefix = name.labels[:len(name) - len(node)]
        if sum(len(label) + 1 for label in prefix + dname.target.labels) > OCTETS_MAX:
            return None, "synthesis too long"
        return dns.name.Name(prefix + dname.target.labels), "DNAME"
    if found.kind == "missing name":
        return None, "no such name"
    rrsets = zone.nodes.get(node, {})
    if CNAME in rrsets and rdtype not in (CNAME, ANY):
        return rrsets[CNAME][1][0].target, "wildcard CNAME" if found.kind == "wildcard" else "CNAME"
    has = bool(rrsets) if rdtype == ANY else rdtype in rrsets
    return None, "data" if has else "no data"


def relation(zone, other):
    if other is None:
        return "no zone"
    if other.apex.is_subdomain(zone.apex):
        return "a child zone"
    if zone.apex.is_subdomain(other.apex):
        return "a parent zone"
    return "another zone"


def rrset_of(world, owner, rdtype):
    """The true RRset of a name, wildcards and cuts included: glue counts. None if there is none; else (TTL, data)."""
    zone = world.zone_of(owner)
    while zone:
        if owner in zone.existing:
            found = Found("name", owner)
        else:
            found = find(zone, owner, rdtype)
        rrset = zone.nodes.get(found.node, {}).get(rdtype)
        if rrset and found.kind in ("name", "wildcard"):
            return rrset
        zone = world.zone_of(zone.apex, skip_apex=True)
    return None
