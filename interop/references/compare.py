"""Answers compared by meaning.

    reply = read(world, question, octets)      # one server's response, section by section, normalised
    for section, sides in differences(question, replies): ...

A reply is a dictionary from section to a value that compares: `response` (answered, silence), `tc`, `rcode`, `aa`,
`flags` (the others), `question`, `edns`, `answer`, `order` (of the answer), `authority`, `additional`. Servers are
grouped by equal values, section by section; more than one group is a difference.

What an RFC leaves to the server is taken out before that, and nothing else:

- Names in records compare in any case (RFC 4343 section 3); the question must come back exactly as it was asked.
- An RRset has no order (RFC 2181 section 5). The RRsets of an answer do: a chain's links come in the order in which
  they were followed (RFC 1034 section 4.3.2). But for ANY, where any RRsets of the name will do if they are whole
  (RFC 8482 section 4.1). A DNAME and the CNAME made from it are one link: either may come first (RFC 6672 section 3.1
  asks for both and for no order).
- Additional data of an answer with authority may be there or not if it is true, whole, and of a name that the answer
  mentions (RFC 1034 section 4.3.2 step 6). Of a referral, addresses of nameservers within the delegated zone must be
  there (RFC 9471 section 3.1), others may be (section 3.2).
- The UDP size and the options in an OPT record are the server's own (RFC 6891 sections 6.1.2 and 6.2.3).
- An error says nothing of names: in a response that is neither NOERROR nor NXDOMAIN nor YXDOMAIN, AA may have any value
  (RFC 1035 section 4.1.1 defines it by the name that was found). With FORMERR and NOTIMP nothing but id, opcode and
  the code counts (RFC 1035 section 4.1.1: the query was not understood; RFC 6891 section 7 for OPT).
- SERVFAIL says that there is no answer (RFC 1035 section 4.1.1); what else such a response has is not compared.
- A request of which nothing can be read gets FORMERR or no response, and one that gets none over TCP may find the
  connection closed (RFC 1035 section 4.1.1; RFC 7766 section 6.2.4).
- NOTIFY, UPDATE and transfers of strangers are declined by REFUSED, NOTAUTH or NOTIMP, by what is looked at first (RFC
  1996 section 3.10, RFC 2136 sections 3.1 and 3.3, RFC 5936 section 2.2.1).
- A truncated response is one to be thrown away (RFC 2181 section 9): nothing else of it is compared. Where one
  server's whole response fills nearly all that it may, another may have to truncate: compression is a choice (RFC 1035
  section 4.1.4). But not where glue was left out.
"""
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
from dns.rdatatype import ANY, CNAME, DNAME, NS

from shapes import find, name_fields, names_in, rrset_of, zone_for

SECTIONS = ("response", "tc", "rcode", "aa", "flags", "question", "edns", "answer", "order", "authority", "additional")
# A whole response that takes more than this share of what it may is one that less compression would not fit.
EDGE_SHARE = 0.8
# Response codes that say what is there.
FOUND = (dns.rcode.NOERROR, dns.rcode.NXDOMAIN, dns.rcode.YXDOMAIN)
# Response codes with which NOTIFY, UPDATE and transfers are declined.
DECLINED = (dns.rcode.REFUSED, dns.rcode.NOTAUTH, dns.rcode.NOTIMP)
NOT_TAKEN = {"response": "FORMERR or none"}


def lowered(rdata):
    """Comparable data: every name in it in lower case."""
    names = {slot: name.canonicalize() for slot, name in name_fields(rdata)}
    return (rdata.replace(**names) if names else rdata).to_wire()


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
    """The message, or None if dnspython cannot read it."""
    try:
        return dns.message.from_wire(octets, one_rr_per_rrset=True)
    except (dns.exception.DNSException, ValueError):
        return None


def read(world, question, octets):
    """A server's response (octets, "silence" or "closed") as sections that compare."""
    if isinstance(octets, str):
        return NOT_TAKEN if question.group == "unreadable" else {"response": "silence"}
    if len(octets) < 12 or octets[:2] != question.wire[:2] or not octets[2] & 0x80:
        return {"response": f"no response to this: {octets[:12].hex()}"}
    if len(octets) > question.octets_max:
        return {"response": f"too long: {len(octets)} octets"}
    message = parsed(octets)
    if message is None:
        return {"response": f"cannot be read: {octets.hex()}"}
    rcode = message.rcode()
    if question.group == "unreadable" and rcode == dns.rcode.FORMERR:
        return NOT_TAKEN
    if question.group == "request of a stranger" and rcode in DECLINED:
        return {"response": "declined"}
    if message.flags & dns.flags.TC:
        return {"response": "answered", "tc": True}
    reply = {"response": "answered", "rcode": dns.rcode.to_text(rcode), "tc": False, "octets": len(octets)}
    if message.opcode() != dns.opcode.from_flags(int.from_bytes(question.wire[2:4], "big")):
        return {"response": f"opcode {dns.opcode.to_text(message.opcode())}"}
    if rcode not in (dns.rcode.FORMERR, dns.rcode.NOTIMP):
        if rcode in FOUND:
            reply["aa"] = bool(message.flags & dns.flags.AA)
        flags = [name for name in ("RD", "RA", "AD", "CD") if message.flags & dns.flags.Flag[name]]
        reply["flags"] = " ".join(flags + ["Z"] * bool(message.flags & 0x40))
        reply["question"] = " ".join(
            f"{one.name} {dns.rdataclass.to_text(one.rdclass)} {dns.rdatatype.to_text(one.rdtype)}"
            for one in message.question)
        opt = f"version {message.edns}, flags {message.ednsflags & 0xffff:04x}"
        reply["edns"] = opt if message.edns >= 0 else "none"
    if rcode == dns.rcode.SERVFAIL:
        return {"response": "answered", "tc": False, "octets": len(octets), "rcode": "SERVFAIL"}
    return reply | sections(world, question, message)


def sections(world, question, message):
    answer, authority, additional = (
        sets_of(section) for section in (message.answer, message.authority, message.additional))
    if question.malformed or question.rdclass != 1:
        return {name: tuple(map(plain, sets)) for name, sets in
                (("answer", answer), ("authority", authority), ("additional", additional))}
    of_any = answer_of_any(world, question, answer)
    cuts = [owner for owner, rdtype, *_ in authority if rdtype == NS]
    # The owners of answers too: of SVCB records whose target is "." (RFC 9460 section 2.5.2).
    mentioned = names_mentioned(answer + authority + additional) | {owner for owner, *_ in answer}
    additional = [rrset for rrset in additional if not (
        rrset[0] in mentioned and is_true(world, rrset) and may_be_left_out(rrset[0], answer, cuts))]
    return {
        "answer": of_any or tuple(sorted(map(plain, answer))),
        "order": of_any or tuple(plain(rrset)[:2] for rrset in dname_first(answer)),
        "authority": tuple(sorted(map(plain, authority))),
        "additional": tuple(sorted(map(plain, additional))),
    }


def dname_first(answer):
    """The answer with each DNAME before the CNAME that was made from it, if they stand next to each other."""
    answer = list(answer)
    for at, (first, second) in enumerate(zip(answer, answer[1:])):
        if first[1] == CNAME and second[1] == DNAME and first[0].is_subdomain(second[0]) and first[0] != second[0]:
            answer[at:at + 2] = second, first
    return answer


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


def names_mentioned(rrsets):
    """The names in the data of these RRsets."""
    return {name for *_, rdatas in rrsets for rdata in rdatas for name in names_in(rdata)}


def may_be_left_out(owner, answer, cuts):
    """Whether additional data of this owner is the server's choice; in a referral, in-domain glue is not."""
    return not any(owner.is_subdomain(cut) for cut in cuts) if cuts else bool(answer)


def differences(question, replies):
    """[(section, sides)] where servers differ; a side is a sorted tuple of names, the sides are sorted.

    Servers that differ in whether they answer, in the response code, or in the answer section, are not compared any
    further: all else follows.
    """
    found = []
    agreeing = [list(replies)]
    for section in SECTIONS:
        for servers in agreeing:
            if section == "tc" and at_the_edge(question, [replies[server] for server in servers]):
                continue
            groups = grouped(section, servers, replies)
            if len(groups) > 1:
                found.append((section, tuple(sorted(tuple(sorted(side)) for side in groups))))
        if section in ("response", "rcode", "answer"):
            agreeing = [group for servers in agreeing for group in grouped(section, servers, replies)]
    return found


def at_the_edge(question, replies):
    """Whether it depends on nothing but the choice of what to compress that some responses are truncated."""
    whole = [reply["octets"] for reply in replies if reply.get("tc") is False]
    glue_is_left_out = "cut: glue does not fit" in question.tags
    return bool(whole) and not glue_is_left_out and max(whole) > EDGE_SHARE * question.octets_max


def grouped(section, servers, replies):
    groups = {}
    for server in servers:
        if section in replies[server]:
            groups.setdefault(replies[server][section], []).append(server)
    return list(groups.values())
