"""Answers compared by meaning.

    reply = read(world, question, octets)      # one server's response, section by section, normalised
    for section, sides in differences(replies): ...

A reply is a dictionary from section to a value that compares: `response` (answered, silence, closed), `rcode`,
`flags`, `tc`, `question`, `edns`, `answer`, `authority`, `additional`. Servers are grouped by equal values, section by
section; more than one group is a difference.

What an RFC leaves to the server is taken out before that, and nothing else:

- Names in records compare in any case (RFC 4343 section 3); the question must come back exactly as it was asked.
- An RRset has no order (RFC 2181 section 5). The RRsets of an answer do: a chain's links come in the order in which
  they were followed (RFC 1034 section 4.3.2). But for ANY, where any RRsets of the name will do if they are whole
  (RFC 8482 section 4.1).
- The NS RRset of the zone in the authority section of a positive answer may be there or not (RFC 1034 section 4.3.2
  names it nowhere; RFC 2181 section 6.1).
- Additional data of an answer with authority may be there or not if it is true, whole, and of a name that the answer
  mentions (RFC 1034 section 4.3.2 step 6). Of a referral, addresses of nameservers within the delegated zone must be
  there (RFC 9471 section 3.1), others may be (section 3.2).
- The UDP size and the options in an OPT record are the server's own (RFC 6891 sections 6.1.2 and 6.2.3).
- A truncated response is only as good as its header: sections are not compared (RFC 2181 section 9), and whether a
  response is truncated is the server's choice when its own whole response would not fit.
"""
from functools import lru_cache

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
from dns.rdatatype import AAAA, ANY, CNAME, DNAME, NS, A

from shapes import find, rrset_of, zone_for

SECTIONS = ("response", "rcode", "flags", "tc", "question", "edns", "answer", "authority", "additional")
HEADER_FLAGS = (dns.flags.AA, dns.flags.RD, dns.flags.RA, dns.flags.AD, dns.flags.CD, 0x0040)


@lru_cache(maxsize=65536)
def lowered(rdata):
    """Comparable data: every name in it in lower case."""
    names = {slot: value.canonicalize() for slot in rdata._get_all_slots()
             if isinstance(value := getattr(rdata, slot, None), dns.name.Name)}
    return (rdata.replace(**names) if names else rdata).to_wire()


def comparable(owner, ttl, rdatas):
    return str(owner.canonicalize()), ttl, frozenset(lowered(rdata) for rdata in rdatas)


def sets_of(section):
    """[(owner, type, {TTL}, [data])] in the order in which the RRsets begin; a repeated record stays repeated."""
    sets = {}
    for rrset in section:
        owner, _, ttls, rdatas = sets.setdefault((rrset.name, rrset.rdtype), (rrset.name, rrset.rdtype, set(), []))
        ttls.add(rrset.ttl)
        rdatas.extend(rrset)
    return list(sets.values())


def plain(rrset):
    """An RRset as it compares: sets of one TTL and of records that are there once are what all others look like."""
    owner, rdtype, ttls, rdatas = rrset
    data = sorted(lowered(rdata) for rdata in rdatas)
    return str(owner.canonicalize()), rdtype, tuple(sorted(ttls)), tuple(data)


def is_true(world, rrset):
    """Whether it is the whole RRset that the zones have there."""
    owner, rdtype, ttls, rdatas = rrset
    true = rrset_of(world, owner, rdtype)
    return true is not None and ttls == {true[0]} and sorted(map(lowered, rdatas)) == sorted(map(lowered, true[1]))


def parsed(octets):
    """The message, and the octets as a last resort: what dnspython cannot read is compared by its header."""
    try:
        return dns.message.from_wire(octets, one_rr_per_rrset=True)
    except (dns.exception.DNSException, ValueError):
        return None


def read(world, question, octets):
    """A server's response (octets, "silence" or "closed") as sections that compare."""
    if isinstance(octets, str):
        return {"response": octets}
    if len(octets) < 12 or octets[:2] != question.wire[:2] or not octets[2] & 0x80:
        return {"response": f"no response to this: {octets[:12].hex()}"}
    flags = int.from_bytes(octets[2:4], "big")
    reply = {"response": "answered", "tc": bool(flags & dns.flags.TC)}
    reply["flags"] = " ".join([dns.opcode.to_text(dns.opcode.from_flags(flags))] + [
        dns.flags.to_text(flag) or "Z" for flag in HEADER_FLAGS if flags & flag])
    if len(octets) > question.octets_max:
        return {"response": f"too long: {len(octets)} octets"}
    message = parsed(octets)
    if message is None:
        counts = octets[4:12].hex()
        return reply | {"rcode": dns.rcode.to_text(flags & 15), "question": f"cannot be read: {counts}"}
    reply["rcode"] = dns.rcode.to_text(message.rcode())
    reply["question"] = " ".join(
        f"{one.name} {dns.rdataclass.to_text(one.rdclass)} {dns.rdatatype.to_text(one.rdtype)}"
        for one in message.question)
    reply["edns"] = None
    if message.edns >= 0:
        reply["edns"] = f"version {message.edns}, flags {message.ednsflags & 0xffff:04x}"
    if not reply["tc"]:
        reply |= sections(world, question, message)
    return reply


def sections(world, question, message):
    answer, authority, additional = (
        sets_of(section) for section in (message.answer, message.authority, message.additional))
    if question.malformed or question.rdclass != 1:
        return {name: tuple(map(plain, sets)) for name, sets in
                (("answer", answer), ("authority", authority), ("additional", additional))}
    positive = bool(message.flags & dns.flags.AA and answer)
    if positive:
        authority = [rrset for rrset in authority if not (
            rrset[1] == NS and rrset[0] in world.zones and is_true(world, rrset))]
    referral = [rrset for rrset in authority if rrset[1] == NS]
    additional = [rrset for rrset in additional if not optional(world, rrset, answer, referral)]
    return {
        "answer": answer_of_any(world, question, answer) or tuple(map(plain, answer)),
        "authority": tuple(sorted(map(plain, authority))),
        "additional": tuple(sorted(map(plain, additional))),
    }


def answer_of_any(world, question, answer):
    """RFC 8482 section 4.1: one RRset of the name or more, each whole, is an answer to ANY."""
    if question.rdtype != ANY or not answer:
        return None
    zone = zone_for(world, question.name, ANY)
    found = zone and find(zone, question.name, ANY)
    if not found or found.kind not in ("apex", "name", "wildcard"):
        return None
    there = zone.nodes[found.node]
    for owner, rdtype, ttls, rdatas in answer:
        ttl, true = there.get(rdtype, (None, ()))
        if owner != question.name or ttls != {ttl} or sorted(map(lowered, rdatas)) != sorted(map(lowered, true)):
            return None
    return "RRsets of the name"


def optional(world, rrset, answer, referral):
    """Whether an RRset of the additional section is one that the server may leave out."""
    owner, rdtype = rrset[:2]
    if not is_true(world, rrset):
        return False
    if referral:
        return not any(owner.is_subdomain(cut) for cut, *_ in referral)
    return bool(answer)


def differences(replies):
    """[(section, sides)] where servers differ; a side is a sorted tuple of names, the sides are sorted."""
    found = []
    for section in SECTIONS:
        groups = {}
        for server, reply in replies.items():
            if section in reply:
                groups.setdefault(reply[section], []).append(server)
        if len(groups) > 1:
            found.append((section, tuple(sorted(tuple(sorted(side)) for side in groups.values()))))
    return found
