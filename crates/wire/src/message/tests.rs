use super::*;
use crate::name::Name;
use crate::query::Query;
use domain::base::Message;
use domain::base::iana::Rtype;
use domain::rdata::AllRecordData;
use proptest::prelude::*;

fn wire(text: &str) -> Vec<u8> {
    text.parse::<Name>().unwrap().as_wire().to_vec()
}

fn request(name: &str, edns: bool) -> Vec<u8> {
    let mut message = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(edns)];
    message.extend(wire(name));
    message.extend([0, 1, 0, 1]);
    if edns {
        message.extend(b"\0\0\x29\x04\xd0\0\0\0\0\0\0");
    }
    message
}

fn respond<'b>(buffer: &'b mut [u8], limit: usize, query: &Query<'_>) -> MessageWriter<'b> {
    let opt = query.edns.map(|_| ResponseOpt { udp_size: 1232, ..ResponseOpt::default() });
    MessageWriter::respond(buffer, limit, &query.head, query.question, opt).unwrap()
}

fn printed(message: &[u8]) -> Vec<String> {
    let message = Message::from_octets(message).unwrap();
    let mut lines = Vec::new();
    for record in message.iter() {
        let (record, _) = record.unwrap();
        if record.rtype() == Rtype::OPT {
            continue;
        }
        let owner = record.owner().to_string();
        let record = record.to_record::<AllRecordData<_, _>>().unwrap().unwrap();
        lines.push(format!("{owner} {} {} {}", record.ttl().as_secs(), record.rtype(), record.data()));
    }
    lines
}

#[test]
fn the_reference_reads_what_we_write_and_names_are_compressed() {
    let request = request("www.Example.com", true);
    let query = Query::parse(&request).unwrap();
    let mut buffer = [0; 512];
    let mut writer = respond(&mut buffer, 512, &query);
    writer.set_authoritative();
    let mx = [&[0, 10][..], &wire("mail.example.com")].concat();
    writer.put(Section::Answer, &wire("www.example.com"), RecordType::CNAME, 300, &wire("a.b.example.com")).unwrap();
    writer.put(Section::Answer, &wire("a.b.example.com"), RecordType::MX, 60, &mx).unwrap();
    writer.put(Section::Additional, &wire("mail.example.com"), RecordType::A, 60, &[192, 0, 2, 1]).unwrap();
    let length = writer.finish(Rcode::NOERROR, None);
    assert_eq!(
        printed(&buffer[..length]),
        [
            "www.example.com 300 CNAME a.b.example.com.",
            "a.b.example.com 60 MX 10 mail.example.com.",
            "mail.example.com 60 A 192.0.2.1",
        ]
    );
    // Header, question, then: pointer owners (2) and names that share their suffix with the question.
    let uncompressed = 12 + 21 + 3 * 10 + 17 + 17 + 17 + 2 + 18 + 18 + 4 + 11;
    assert!(length < uncompressed - 60, "{length} of {uncompressed}");
}

#[test]
fn a_record_that_does_not_fit_leaves_no_trace() {
    let request = request("www.example.com", true);
    let query = Query::parse(&request).unwrap();
    let mut buffer = [0; 512];
    let limit = 12 + 21 + 11 + 16;
    let mut writer = respond(&mut buffer, limit, &query);
    writer.put(Section::Answer, &wire("www.example.com"), RecordType::A, 60, &[192, 0, 2, 1]).unwrap();
    assert_eq!(writer.put(Section::Answer, &wire("www.example.com"), RecordType::A, 60, &[192, 0, 2, 2]), Err(Full));
    let length = writer.finish(Rcode::NOERROR, None);
    assert_eq!(length, limit);
    assert_eq!(printed(&buffer[..length]), ["www.example.com 60 A 192.0.2.1"]);
}

#[test]
fn an_extended_rcode_is_split_over_header_and_opt() {
    let request = request("example", true);
    let query = Query::parse(&request).unwrap();
    let mut buffer = [0; 512];
    let length = respond(&mut buffer, 512, &query).finish(Rcode::BADVERS, None);
    let message = Message::from_octets(&buffer[..length]).unwrap();
    assert_eq!(message.opt().unwrap().rcode(message.header()).to_int(), 16);
}

#[test]
fn an_extended_error_is_added_if_there_is_room() {
    let request = request("example", true);
    let query = Query::parse(&request).unwrap();
    let mut buffer = [0; 512];
    let bare = 12 + 13 + 11;
    for (limit, length) in [(512, bare + 6 + 4), (bare + 9, bare + 6), (bare + 6, bare + 6), (bare + 5, bare)] {
        let error = Some((ExtendedError::PROHIBITED, "text"));
        assert_eq!(respond(&mut buffer, limit, &query).finish(Rcode::REFUSED, error), length, "{limit}");
        Message::from_octets(&buffer[..length]).unwrap().opt().unwrap();
    }
    assert_eq!(buffer[bare - 2..bare], [0, 0]);
}

#[test]
fn options_are_written_and_their_room_is_kept() {
    let request = request("example", true);
    let query = Query::parse(&request).unwrap();
    let mut buffer = [0; 512];
    let opt =
        ResponseOpt { udp_size: 1232, cookie: Some([7; 24]), nsid: Some(b"ns1"), keepalive: Some(9), dnssec_ok: true };
    let limit = 12 + 13 + 11 + 28 + 7 + 6;
    let mut writer = MessageWriter::respond(&mut buffer, limit, &query.head, query.question, Some(opt)).unwrap();
    assert_eq!(writer.put(Section::Answer, &wire("example"), RecordType::A, 60, &[192, 0, 2, 1]), Err(Full));
    let length = writer.finish(Rcode::NOERROR, None);
    assert_eq!(length, limit);
    let read = Message::from_octets(&buffer[..length]).unwrap().opt().unwrap();
    assert!(read.dnssec_ok());
    assert_eq!(
        buffer[12 + 13 + 11..length],
        [&b"\0\x0a\0\x18"[..], &[7; 24], b"\0\x03\0\x03ns1\0\x0b\0\x02\0\x09"].concat()
    );
}

/// The question, then a record up to `length` octets that later names cannot be compressed against.
fn filled_to<'b>(buffer: &'b mut [u8], query: &Query<'_>, length: usize) -> MessageWriter<'b> {
    let mut writer = respond(buffer, usize::from(u16::MAX), query);
    // A record of the root has 11 octets beside its data.
    let data = vec![7; length - writer.mark().length - 11];
    writer.put(Section::Answer, &[0], RecordType(65_280), 1, &data).unwrap();
    assert_eq!(writer.mark().length, length);
    writer
}

#[test]
fn rfc1035_4_1_4_no_pointer_leads_beyond_its_reach() {
    let request = request("question", false);
    let query = Query::parse(&request).unwrap();
    // The label `zone` of the first name comes to stand on either side of the last offset that a pointer can say.
    for start in 0x4000 - 12..0x4000 + 2 {
        let mut buffer = vec![0; 65_535];
        let mut writer = filled_to(&mut buffer, &query, start);
        for owner in ["host.zone", "other.zone", "host.zone", "zone"] {
            writer.put(Section::Answer, &wire(owner), RecordType::NS, 1, &wire(owner)).unwrap();
        }
        let length = writer.finish(Rcode::NOERROR, None);
        let named = &printed(&buffer[..length])[1..];
        let expected = [
            "host.zone 1 NS host.zone.",
            "other.zone 1 NS other.zone.",
            "host.zone 1 NS host.zone.",
            "zone 1 NS zone.",
        ];
        assert_eq!(named, expected, "{start:#x}");
    }
}

#[test]
fn rfc3597_4_names_in_later_types_are_neither_compressed_nor_pointed_to() {
    let request = request("www.example.com", false);
    let query = Query::parse(&request).unwrap();
    let owner = wire("www.example.com");
    let target = wire("target.www.example.com");
    let types = [
        (RecordType::SRV, 6),
        (RecordType::DNAME, 0),
        (RecordType::NAPTR, 7),
        (RecordType::SVCB, 2),
        (RecordType::HTTPS, 2),
        (RecordType::RRSIG, 18),
        (RecordType::NSEC, 0),
        (RecordType(65_280), 0),
    ];
    for (record_type, before) in types {
        let data = [&vec![0; before][..], &target].concat();
        let mut buffer = [0; 512];
        let mut writer = respond(&mut buffer, 512, &query);
        writer.put(Section::Answer, &owner, record_type, 1, &data).unwrap();
        let end = writer.mark().length;
        assert_eq!(writer.buffer[end - data.len()..end], data, "{record_type} is written as it is");
        writer.put(Section::Answer, &target, RecordType::A, 1, &[0; 4]).unwrap();
        let owner_octets = writer.mark().length - end - 14;
        assert_eq!(owner_octets, 7 + 2, "{record_type}: the next owner points to the question, not into the data");
    }
}

#[test]
fn rfc6672_2_5_the_target_of_a_dname_is_not_compressed() {
    let request = request("a.example", false);
    let query = Query::parse(&request).unwrap();
    let mut buffer = [0; 512];
    let mut writer = respond(&mut buffer, 512, &query);
    writer.put(Section::Answer, &wire("a.example"), RecordType::DNAME, 1, &wire("b.example")).unwrap();
    writer.put(Section::Answer, &wire("a.example"), RecordType::CNAME, 1, &wire("b.example")).unwrap();
    let length = writer.finish(Rcode::NOERROR, None);
    // Owner, type, class, TTL and length are 12 octets; the target of the CNAME is a label and a pointer.
    assert_eq!(length, request.len() + 12 + 11 + 12 + 4);
}

/// A name of 126 labels that ends in `last`.
fn long(last: &str) -> Vec<u8> {
    wire(&format!("{}{last}", "a.".repeat(125)))
}

#[test]
fn names_of_many_equal_labels_share_all_they_can() {
    let request = request("b.test", false);
    let query = Query::parse(&request).unwrap();
    let mut buffer = vec![0; 65_535];
    let mut writer = respond(&mut buffer, 65_535, &query);
    for _ in 0..4 {
        for last in ["b", "c", "d", "e", "f"] {
            writer.put(Section::Answer, &long(last), RecordType::NS, 1, &long(last)).unwrap();
        }
    }
    let length = writer.finish(Rcode::NOERROR, None);
    // Each of the five names is written once, and pointed to from then on.
    assert_eq!(length, 12 + 8 + 4 + 5 * 253 + 20 * 10 + 35 * 2);
    assert_eq!(printed(&buffer[..length]).len(), 20);
}

#[test]
fn compression_reads_so_many_labels_and_no_more() {
    let request = request("b.test", false);
    let query = Query::parse(&request).unwrap();
    let mut buffer = vec![0; 65_535];
    let mut writer = respond(&mut buffer, 65_535, &query);
    let pairs = (b'a'..=b'z').flat_map(|one| (b'a'..=b'z').map(move |other| [one, other]));
    let hosts: Vec<Vec<u8>> = pairs.take(240).map(|pair| long(str::from_utf8(&pair).unwrap())).collect();
    let before = writer.labels_left;
    writer.put(Section::Answer, &long("own"), RecordType::NS, 1, &hosts[0]).unwrap();
    assert!(before - writer.labels_left <= 2 * (NAMES_MAX + 1) * LABELS_MAX, "one pass a name over what is remembered");
    writer.put_all(Section::Answer, &long("own"), RecordType::NS, 1, hosts[1..].iter().map(Vec::as_slice)).unwrap();
    assert_eq!(writer.labels_left, 0);
    let length = writer.finish(Rcode::NOERROR, None);
    // The owner is pointed to all the same: 2 octets, 10 of the record, and the name.
    assert_eq!(printed(&buffer[..length]).len(), hosts.len());
    assert!(length < 20 + 4 + 258 + hosts.len() * (2 + 10 + 254), "{length}");
}

#[test]
fn an_ordinary_answer_is_compressed_to_its_end() {
    let request = request("example.com", true);
    let query = Query::parse(&request).unwrap();
    let mut buffer = [0; 1232];
    let mut writer = respond(&mut buffer, 1232, &query);
    let host = |number: usize| wire(&format!("host-{number}.of.the.example.com"));
    let mut number = 0;
    while writer.put(Section::Answer, &host(number), RecordType::NS, 1, &host(number + 1)).is_ok() {
        number += 1;
    }
    assert!(number > 30 && writer.labels_left > LABELS_READ_MAX / 4, "{number} {}", writer.labels_left);
}

#[test]
fn no_name_has_more_pointers_than_readers_follow() {
    let request = request("x.y", false);
    let query = Query::parse(&request).unwrap();
    let mut buffer = vec![0; 4096];
    let mut writer = respond(&mut buffer, 4096, &query);
    let mut name = "y".to_owned();
    for _ in 0..20 {
        name = format!("a.{name}");
        writer.put(Section::Answer, &wire(&name), RecordType::A, 1, &[192, 0, 2, 1]).unwrap();
    }
    let mut labels = LabelsAt::<LABELS_MAX>::none();
    for &start in &writer.names[..writer.names_length] {
        assert!(labels.read(writer.buffer, usize::from(start)).is_ok_and(|pointers| pointers <= POINTERS_MAX));
    }
    let length = writer.finish(Rcode::NOERROR, None);
    assert_eq!(printed(&buffer[..length]).len(), 20);
}

#[test]
fn an_owner_that_was_taken_back_is_not_pointed_to() {
    let request = request("x.y", false);
    let query = Query::parse(&request).unwrap();
    let mut buffer = vec![0; 4096];
    let mut writer = respond(&mut buffer, 4096, &query);
    let start = writer.mark();
    writer.put(Section::Answer, &wire("owner.test"), RecordType::A, 1, &[192, 0, 2, 1]).unwrap();
    writer.rewind(start);
    for owner in ["other.example", "owner.test", "owner.test"] {
        writer.put(Section::Answer, &wire(owner), RecordType::A, 1, &[192, 0, 2, 1]).unwrap();
    }
    let length = writer.finish(Rcode::NOERROR, None);
    let owners: Vec<String> =
        printed(&buffer[..length]).iter().map(|l| l.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(owners, ["other.example", "owner.test", "owner.test"]);
}

proptest! {
    #[test]
    fn names_survive_compression(names in prop::collection::vec("([ab]\\.){0,4}(Ab|bA)\\.(c|d)", 1..40)) {
        let request = request("b.ab.c", false);
        let query = Query::parse(&request).unwrap();
        let mut buffer = [0; 4096];
        let mut writer = respond(&mut buffer, 4096, &query);
        for name in &names {
            writer.put(Section::Answer, &wire(name), RecordType::NS, 1, &wire(name)).unwrap();
        }
        let length = writer.finish(Rcode::NOERROR, None);
        let expected: Vec<String> = names.iter().map(|n| n.to_lowercase()).map(|n| format!("{n} 1 NS {n}.")).collect();
        prop_assert_eq!(printed(&buffer[..length]), expected);
    }
}
