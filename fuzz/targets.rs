//! What is fuzzed, as plain functions over bytes: each panics when a promise is broken.
//!
//! `fuzz_targets/*.rs` hand them to libFuzzer; the tests include this file too and run every target over the seeds
//! and over mutations of them, so that the targets keep compiling and holding without a fuzzer at hand.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use waymark_serve::cookies::{Cookies, Secret};
use waymark_wire::edns::ResponseOpt;
use waymark_wire::event::{EVENT_OCTETS_MAX, Event};
use waymark_wire::message::Section;
use waymark_wire::name::wire_len;
use waymark_wire::records::ROWS;
use waymark_wire::zone_file::{self, Attributes, ReaderOptions, write_record};
use waymark_wire::{ExtendedError, MessageWriter, Name, Rcode, Rdata, RecordType, Reject, Request, Serial};
use waymark_zone::answer::{
    Circumstances, Cookie, Needs, NoSupplies, Outcome, Settings, SignatureOf, Supplies, Transport,
    answer as answer_question,
};
use waymark_zone::catalog::{Catalog, Reader};
use waymark_zone::published::{
    AccountNumber, Commit, Entry, Incarnation, Position, RRset, ScopeChange, ScopeId, Soa, Version, ZoneHeader,
    ZoneNumber, ZoneStatus,
};

/// Takes any bytes, and panics when a promise is broken.
pub(crate) type Target = fn(&[u8]);

/// Every target under the name of its function and of its directory in `fuzz/seeds`.
pub(crate) const TARGETS: &[(&str, Target)] = &[
    ("query", query),
    ("answer", answer),
    ("published", published),
    ("name_text", name_text),
    ("record_text", record_text),
    ("zone_file", zone_file),
    ("event", event),
    ("cookies", cookies),
];

/// Any datagram is read or rejected; whatever is written in response to one that was read is a whole message within
/// its limit.
///
/// The first two octets are the response's limit, the rest is the datagram.
pub(crate) fn query(bytes: &[u8]) {
    let Some((limit, datagram)) = bytes.split_first_chunk::<2>() else { return };
    let limit = usize::from(u16::from_be_bytes(*limit));
    let mut buffer = vec![0xee; 4096];
    let (head, question, edns, name) = match Request::parse(datagram) {
        Ok(Request::Query(query)) => (query.head, query.question, query.edns, query.name),
        Ok(Request::Cookie(head, edns)) => (head, &[][..], Some(edns), &b"\0"[..]),
        Err(Reject::Respond { head, question, edns, .. }) => (head, question, edns, &b"\0"[..]),
        Err(Reject::Drop) => return,
    };
    assert_eq!(wire_len(name), Ok(name.len()));
    let opt = edns.map(|edns| ResponseOpt {
        udp_size: 1232,
        dnssec_ok: edns.dnssec_ok,
        cookie: edns.dnssec_ok.then_some([7; 24]),
        nsid: (edns.version == 0).then_some(b"fuzz"),
        keepalive: (edns.udp_size > 512).then_some(9),
    });
    let Some(mut writer) = MessageWriter::respond(&mut buffer, limit, &head, question, opt) else { return };
    let mut expected = Counts { question: u16::from(!question.is_empty()), ..Counts::default() };
    let address = [192, 0, 2, 1];
    let exchange = [&[0, 10][..], name].concat();
    let upper: Vec<u8> = name.to_ascii_uppercase();
    for round in 0..40u32 {
        let (section, owner, kind, data) = match round % 4 {
            0 => (Section::Answer, name, RecordType::A, &address[..]),
            1 => (Section::Answer, &upper[..], RecordType::MX, &exchange[..]),
            2 => (Section::Authority, b"\x02ns\x04test\0".as_slice(), RecordType::CNAME, name),
            _ => (Section::Additional, b"\0".as_slice(), RecordType(65280), datagram),
        };
        let mark = writer.mark();
        // A record that does not fit must leave the message as it was; every seventh is taken back.
        if writer.put(section, owner, kind, round, data).is_ok() {
            if round % 7 == 6 {
                writer.rewind(mark);
            } else {
                expected.add(section);
            }
        }
    }
    if edns.is_some() {
        expected.additional += 1;
    }
    let rcode = if edns.is_some() { Rcode::BADVERS } else { Rcode::NXDOMAIN };
    let length = writer.finish(rcode, Some((ExtendedError::OTHER, "a text that may not fit")));
    assert!(length <= limit, "{length} octets, the limit was {limit}");
    assert_eq!(buffer[..2], head.id.to_be_bytes());
    assert_eq!(walk(&buffer[..length]), expected);
    assert!(buffer.iter().skip(limit).all(|&octet| octet == 0xee), "nothing is written past the limit");
}

/// Any request to a small catalog gets silence or a whole message with its id, within the limit of its transport, and
/// the same one when asked again.
///
/// The first octet chooses the address asked and the transport, the rest is the request.
pub(crate) fn answer(bytes: &[u8]) {
    let Some((&choice, request)) = bytes.split_first() else { return };
    let asked = IpAddr::V4(ADDRESSES[usize::from(choice & 3)]);
    let transport = || if choice & 4 == 0 { Transport::Udp } else { Transport::Tcp };
    let settings = Settings {
        udp_octets_max: if choice & 8 == 0 { 1232 } else { 512 },
        nsid: (choice & 16 != 0).then(|| Box::from(&b"fuzz"[..])),
        version: (choice & 32 != 0).then(|| "fuzz".into()),
        ..Settings::default()
    };
    let cookie = if choice & 64 == 0 { Cookie::None } else { Cookie::Reply([7; 24]) };
    let circumstances = Circumstances { asked, transport: transport(), cookie, keepalive: Some(100) };
    let supplies: &dyn Supplies = if choice & 128 == 0 { &NoSupplies } else { &Signatures };
    let parsed = Request::parse(request);
    let mut needs = Needs::new();
    READER.with_borrow_mut(|reader| {
        let view = reader.view();
        let (mut first, mut second) = (vec![0u8; 65535], vec![0xffu8; 65535]);
        let answered = answer_question(&view, &parsed, &circumstances, &settings, supplies, &mut needs, &mut first);
        assert!(choice & 128 == 0 || !matches!(answered, Outcome::Wait(_)), "everything was supplied");
        assert_eq!(matches!(answered, Outcome::Wait(_)), !needs.is_empty());
        let answered = answered.answered();
        let again = answer_question(&view, &parsed, &circumstances, &settings, supplies, &mut needs, &mut second);
        let again = again.answered();
        let (Some(answered), Some(again)) = (&answered, &again) else {
            assert!(answered.is_none() && again.is_none(), "an answer depends on what was in the buffer");
            return;
        };
        let message = &first[..answered.length];
        assert!(*message == second[..again.length], "two answers to one question at one generation differ");
        assert_eq!(message[..2], request[..2], "the id is the request's");
        assert!(message[2] & 0x80 != 0, "an answer is a response");
        walk(message);
        let offered = octets_offered(&parsed);
        if let Transport::Udp = transport() {
            // The header and question always go out, however long the question.
            let limit = usize::from(offered.min(settings.udp_octets_max));
            assert!(answered.length <= limit, "{} octets over UDP, {limit} allowed", answered.length);
        }
    });
}

fn octets_offered(parsed: &Result<Request<'_>, Reject<'_>>) -> u16 {
    let edns = match parsed {
        Ok(request) => request.edns(),
        Err(Reject::Respond { edns, .. }) => *edns,
        Err(Reject::Drop) => None,
    };
    edns.map_or(512, |edns| edns.udp_size)
}

/// Published data that can be read can be written, and reads the same again.
pub(crate) fn published(bytes: &[u8]) {
    let (incarnation, position) = (Incarnation([7; 16]), Position(1));
    if let Ok(commit) = Commit::decode_body(incarnation, position, bytes) {
        assert_eq!(Commit::decode_body(incarnation, position, &commit.encode_body()), Ok(commit));
    }
    if let Ok(entry) = Entry::decode(bytes) {
        assert_eq!(Entry::decode(&entry.encode()), Ok(entry));
    }
    if let Ok(header) = ZoneHeader::decode(bytes) {
        assert_eq!(ZoneHeader::decode(&header.encode()), Ok(header));
    }
    if let Ok(change) = ScopeChange::decode(bytes) {
        assert_eq!(ScopeChange::decode(&change.encode()), Ok(change));
    }
    let owner = name("www.example.com");
    if let Ok(rrsets) = RRset::decode_name(&owner, bytes) {
        assert_eq!(RRset::decode_name(&owner, &RRset::encode_name(&rrsets)), Ok(rrsets));
    }
}

/// An event that can be read has one byte form: the octets that it was read from.
pub(crate) fn event(bytes: &[u8]) {
    let Ok((event, length)) = Event::decode(bytes) else { return };
    let mut out = [0; EVENT_OCTETS_MAX];
    assert_eq!(event.encode(&mut out), Some(length));
    assert_eq!(out[..length], bytes[..length]);
    assert_eq!(Event::decode(&out[..length]), Ok((event, length)));
}

/// Any cookie option is judged; what is given in return is good for the same client, at once, and for nobody else.
///
/// The first four octets are the time, the next four the client's address, the rest is the option.
pub(crate) fn cookies(bytes: &[u8]) {
    let Some((time, rest)) = bytes.split_first_chunk::<4>() else { return };
    let Some((address, option)) = rest.split_first_chunk::<4>() else { return };
    let (now, client) = (u32::from_be_bytes(*time), IpAddr::V4(Ipv4Addr::from(*address)));
    let cookies = Cookies::new(&Secret::new([7; 16]), &[Secret::new([8; 16])]);
    let checked = cookies.check(Some(option), client, now);
    let Some(reply) = checked.reply() else {
        assert!(!matches!(option.len(), 8 | 16..=40), "{checked:?}");
        return;
    };
    assert!(reply.starts_with(&option[..8]), "the client's own cookie comes back");
    assert!(cookies.check(Some(reply), client, now).is_good());
    let other = IpAddr::V4(Ipv4Addr::from(u32::from_be_bytes(*address) ^ 1));
    assert!(!cookies.check(Some(reply), other, now).is_good());
    assert!(!cookies.check(Some(reply), client, now.wrapping_add(3600 + 301)).is_good());
}

/// A name that can be read from text, wire form or a sort key survives every other form, in the same order.
pub(crate) fn name_text(bytes: &[u8]) {
    let mut names: Vec<Name> = Vec::new();
    if let Ok(text) = std::str::from_utf8(bytes) {
        names.extend(text.split('\n').filter_map(|line| Name::from_text(line).ok()));
    }
    names.extend(Name::from_wire(bytes).ok());
    names.extend(Name::from_sort_key(bytes).ok());
    for name in &names {
        assert_eq!(Name::from_text(&name.to_string()).as_ref(), Ok(name), "through text");
        assert_eq!(Name::from_wire(name.as_wire()).as_ref(), Ok(name), "through wire form");
        assert_eq!(Name::from_sort_key(&name.sort_key()).as_ref(), Ok(name), "through the sort key");
        assert!(name.is_at_or_below(name) && name.is_at_or_below(&Name::root()));
        assert!(!name.as_wire().iter().any(u8::is_ascii_uppercase));
        if let Some(parent) = name.parent() {
            assert!(parent < *name && name.is_at_or_below(&parent) && !parent.is_at_or_below(name));
            assert_eq!(parent.label_count() + 1, name.label_count());
        }
    }
    for pair in names.windows(2) {
        assert_eq!(pair[0].cmp(&pair[1]), pair[0].sort_key().cmp(&pair[1].sort_key()), "{} and {}", pair[0], pair[1]);
    }
}

/// Record data that can be read from text, from the API or from wire form survives every other form. What is read from
/// wire form has a text, in plain ASCII, that means the same.
///
/// The first octet chooses the type (a row of the table, or a type without one), the second and third are a priority,
/// the rest is the data.
pub(crate) fn record_text(bytes: &[u8]) {
    let Some((&[choice, high, low], data)) = bytes.split_first_chunk::<3>() else { return };
    let opaque = RecordType(65280);
    let record_type = ROWS.get(usize::from(choice) % (ROWS.len() + 1)).map_or(opaque, |row| row.record_type);
    let apex = name("example.com");
    if let Ok(rdata) = Rdata::from_wire(record_type, data) {
        let text = rdata.to_string();
        assert!(text.bytes().all(|octet| matches!(octet, b' '..=b'~')), "{text:?}");
        assert_eq!(Rdata::from_text(record_type, &text, &apex).as_ref(), Ok(&rdata), "through text");
        assert_eq!(Rdata::from_wire(record_type, rdata.wire()).as_ref(), Ok(&rdata), "through wire form");
        assert_eq!(rdata.fields().iter().map(|(_, _, value)| value.len()).sum::<usize>(), data.len());
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(rdata) = Rdata::from_text(record_type, text, &apex) {
        assert_eq!(Rdata::from_text(record_type, &rdata.to_string(), &apex).as_ref(), Ok(&rdata), "through text");
        assert_eq!(Rdata::from_wire(record_type, rdata.wire()).as_ref(), Ok(&rdata), "through wire form");
    }
    let priority = Some(u16::from_be_bytes([high, low]));
    if let Ok((rdata, content)) = Rdata::from_api(record_type, text, priority, &apex) {
        let again = Rdata::from_api(record_type, &content.content, content.priority, &apex);
        assert_eq!(again, Ok((rdata.clone(), content)), "what was answered can be sent");
        assert_eq!(Rdata::from_wire(record_type, rdata.wire()).as_ref(), Ok(&rdata), "through wire form");
        let canonical = rdata.content();
        let again = Rdata::from_api(record_type, &canonical.content, canonical.priority, &apex);
        assert_eq!(again.map(|(rdata, _)| rdata), Ok(rdata), "the canonical content means the same");
    }
    if let Ok((rdata, content)) = Rdata::from_api(record_type, text, priority, &apex)
        && let Some(data) = rdata.data(&content.content)
    {
        let again = Rdata::from_data(record_type, &data, content.priority, &apex);
        assert_eq!(again, Ok((rdata, content)), "what was answered as data can be sent");
    }
}

/// Any file is read to its end, line by line, into no more than its lines and what they may generate; what is read of
/// it is written so that it reads the same, attributes and all.
///
/// The first octet chooses whether there is an origin and how long an entry may be, the rest is the file.
pub(crate) fn zone_file(bytes: &[u8]) {
    let Some((&choice, text)) = bytes.split_first() else { return };
    let options = ReaderOptions {
        entry_octets_max: if choice & 2 == 0 { 1 << 20 } else { 40 },
        generated_max: u64::from(choice),
    };
    let origin = (choice & 1 == 0).then(|| name("example.com"));
    let ends = text.iter().filter(|octet| matches!(octet, b'\n' | b'\r')).count();
    let (mut line, mut entries) = (0, 0u64);
    for read in zone_file::Reader::new(text, origin, options) {
        entries += 1;
        let at = match &read {
            Ok(entry) => entry.line,
            Err(problem) => {
                assert!(problem.to_string().len() < 2000, "a problem does not repeat the file");
                problem.line
            }
        };
        assert!((1..=ends as u32 + 1).contains(&at), "line {at} of {ends}");
        let Ok(entry) = read else { continue };
        assert!(entry.line >= line, "entries come in their order");
        line = entry.line;
        let mut written = String::new();
        write_record(&mut written, &entry.owner, entry.ttl.unwrap_or(1), &entry.rdata, entry.comment.as_deref());
        let again: Vec<_> = zone_file::Reader::new(written.as_bytes(), None, ReaderOptions::default()).collect();
        let comment = entry.comment.clone();
        assert_eq!(again, [Ok(zone_file::Entry { line: 1, ttl: entry.ttl.or(Some(1)), ..entry })], "{written}");
        if let Some(Ok(attributes)) = comment.as_deref().map(Attributes::from_comment) {
            let again = Attributes::from_comment(attributes.to_comment().as_deref().unwrap_or_default());
            assert_eq!(again, Ok(attributes), "{written}");
        }
    }
    // Behind a parenthesis that nothing closes, what was read is read again.
    assert!(entries <= ends as u64 + 1 + options.generated_max, "{entries} entries");
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    question: u16,
    answer: u16,
    authority: u16,
    additional: u16,
}

impl Counts {
    fn add(&mut self, section: Section) {
        match section {
            Section::Answer => self.answer += 1,
            Section::Authority => self.authority += 1,
            Section::Additional => self.additional += 1,
        }
    }
}

/// Reads a message to its end and gives the counts of its header. Panics if it is not one message exactly, or if a
/// compression pointer does not point backwards.
fn walk(message: &[u8]) -> Counts {
    let number = |at: usize| u16::from_be_bytes([message[at], message[at + 1]]);
    let counts = Counts { question: number(4), answer: number(6), authority: number(8), additional: number(10) };
    let mut at = 12;
    for _ in 0..counts.question {
        at = end_of_name(message, at) + 4;
    }
    for _ in 0..counts.answer + counts.authority + counts.additional {
        at = end_of_name(message, at) + 10;
        let data = at;
        at += usize::from(number(at - 2));
        match RecordType(number(data - 10)) {
            RecordType::NS | RecordType::CNAME => assert_eq!(end_of_name(message, data), at),
            RecordType::MX => assert_eq!(end_of_name(message, data + 2), at),
            RecordType::SOA => assert_eq!(end_of_name(message, end_of_name(message, data)) + 20, at),
            _ => {}
        }
    }
    assert_eq!(at, message.len(), "octets are missing or left over");
    counts
}

/// Where the possibly compressed name at `start` ends in the message.
fn end_of_name(message: &[u8], start: usize) -> usize {
    let (mut at, mut end, mut octets) = (start, None, 1);
    loop {
        match message[at] {
            0 => return end.unwrap_or(at + 1),
            pointer if pointer >= 0xc0 => {
                end = end.or(Some(at + 2));
                let to = usize::from(u16::from_be_bytes([pointer & 0x3f, message[at + 1]]));
                assert!(to < at, "a pointer points backwards");
                at = to;
            }
            length => {
                assert!(length < 64);
                octets += usize::from(length) + 1;
                assert!(octets <= 255);
                at += usize::from(length) + 1;
            }
        }
    }
}

/// The addresses that questions go to: two scopes, the same one again, and an address that nobody owns.
const ADDRESSES: [Ipv4Addr; 4] = [
    Ipv4Addr::new(127, 53, 0, 1),
    Ipv4Addr::new(127, 53, 0, 2),
    Ipv4Addr::new(127, 53, 0, 3),
    Ipv4Addr::new(192, 0, 2, 53),
];

/// Signatures for everything that is signed.
struct Signatures;

impl Supplies for Signatures {
    fn signature(&self, _of: &SignatureOf<'_>) -> Option<&[u8]> {
        Some(&[0; 64])
    }
}

thread_local! {
    static READER: RefCell<Reader> = RefCell::new(catalog().reader());
}

/// A catalog with something of every kind in it: answers, chains, loops, wildcards, cuts, an RRset too large for UDP,
/// a zone and its parent, and one name that means different zones in two scopes.
fn catalog() -> Arc<Catalog> {
    static CATALOG: OnceLock<Mutex<Arc<Catalog>>> = OnceLock::new();
    let shared = CATALOG.get_or_init(|| Mutex::new(build_catalog()));
    Arc::clone(&shared.lock().unwrap_or_else(PoisonError::into_inner))
}

fn build_catalog() -> Arc<Catalog> {
    let (mut writer, catalog) = Catalog::new(42);
    let (first, second) = (ScopeId(2), ScopeId(3));
    let zones: [(u64, &str, ZoneStatus, Vec<ScopeId>); 4] = [
        (1, "example.com", ZoneStatus::Active, vec![ScopeId::ACTIVE, ScopeId::ALL, first]),
        (2, "example.com", ZoneStatus::Pending, vec![second]),
        (3, "child.example.com", ZoneStatus::Active, vec![ScopeId::ACTIVE, ScopeId::ALL, first]),
        (4, "other.test", ZoneStatus::Pending, vec![ScopeId::ALL, first, second]),
    ];
    for (number, apex, status, scopes) in zones {
        let apex = name(apex);
        let mut rrsets = rrsets(&apex);
        // All RRsets of one owner are staged together.
        rrsets.sort_by(|a, b| a.owner.cmp(&b.owner).then(a.record_type.cmp(&b.record_type)));
        let header = header(number, apex, status, scopes);
        let number = ZoneNumber(number);
        writer.stage_zone(number, Version(1), Serial::new(1), header);
        for owner in rrsets.chunk_by(|a, b| a.owner == b.owner) {
            writer.stage_rrsets(number, owner);
        }
    }
    let scopes = [(first, vec![ADDRESSES[0], ADDRESSES[2]]), (second, vec![ADDRESSES[1]])]
        .map(|(scope, own)| ScopeChange { scope, addresses: own.into_iter().map(IpAddr::V4).collect() });
    writer.publish_staged(Incarnation([1; 16]), Position(1), &scopes);
    catalog
}

fn header(number: u64, apex: Name, status: ZoneStatus, scopes: Vec<ScopeId>) -> ZoneHeader {
    let nameservers = vec![name("ada.ns.waymark.test"), name("bob.ns.waymark.test")];
    let soa = Soa {
        mname: nameservers[0].clone(),
        rname: name("dns.waymark.test"),
        refresh: 10000,
        retry: 2400,
        expire: 604_800,
        minimum: 1800,
        ttl: 3600,
    };
    ZoneHeader {
        apex,
        account: AccountNumber(1),
        status,
        proven: status == ZoneStatus::Active,
        scopes,
        soa,
        nameservers,
        ns_ttl: 86400,
        signed: number == 4,
    }
}

fn rrsets(apex: &Name) -> Vec<RRset> {
    let long = "x".repeat(250);
    let records: &[(&str, RecordType, &[&str])] = &[
        ("@", RecordType::A, &["192.0.2.1", "192.0.2.2"]),
        ("@", RecordType::MX, &["10 mail", "20 mail.other.test."]),
        ("www", RecordType::A, &["192.0.2.3"]),
        ("www", RecordType::AAAA, &["2001:db8::3"]),
        ("mail", RecordType::A, &["192.0.2.25"]),
        ("alias", RecordType::CNAME, &["www"]),
        ("hop", RecordType::CNAME, &["alias"]),
        ("away", RecordType::CNAME, &["www.other.test."]),
        ("outside", RecordType::CNAME, &["www.example.org."]),
        ("loop", RecordType::CNAME, &["pool"]),
        ("pool", RecordType::CNAME, &["loop"]),
        ("*.wild", RecordType::TXT, &["\"any\""]),
        ("*.turn", RecordType::CNAME, &["www"]),
        ("deep.empty", RecordType::A, &["192.0.2.4"]),
        ("cut", RecordType::NS, &["ns.cut", "ns.other.test."]),
        ("ns.cut", RecordType::A, &["192.0.2.5"]),
        ("child", RecordType::NS, &["ada.ns.waymark.test."]),
        ("turned", RecordType::DNAME, &["wild"]),
        ("away.turned2", RecordType::DNAME, &["other.test."]),
        ("spin", RecordType::DNAME, &["spin"]),
        ("grow", RecordType::DNAME, &["x.y.grow"]),
        ("_sip._tcp", RecordType::SRV, &["1 2 5060 mail", "1 2 5061 host.cut"]),
        ("svc", RecordType::SVCB, &["0 svc2"]),
        ("svc2", RecordType::SVCB, &["1 . port=853", "2 mail alpn=dot"]),
        ("https", RecordType::HTTPS, &["1 . ipv4hint=192.0.2.9"]),
        ("https", RecordType::A, &["192.0.2.9"]),
        ("cut", RecordType::DS, &["1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"]),
        ("big", RecordType::TXT, &[&format!("\"1{long}\""), &format!("\"2{long}\""), &format!("\"3{long}\"")]),
    ];
    let of = |&(owner, record_type, texts): &(&str, RecordType, &[&str])| RRset {
        owner: if owner == "@" { apex.clone() } else { apex.prepend(owner).expect("a fixed name") },
        record_type,
        ttl: 300,
        data: sorted(texts.iter().map(|text| Rdata::from_text(record_type, text, apex).expect("fixed data"))),
    };
    records.iter().map(of).collect()
}

fn sorted(data: impl Iterator<Item = Rdata>) -> Vec<Rdata> {
    let mut data: Vec<Rdata> = data.collect();
    data.sort();
    data
}

fn name(text: &str) -> Name {
    Name::from_text(text).expect("a fixed name")
}
