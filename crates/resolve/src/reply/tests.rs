use proptest::prelude::*;
use waymark_wire::edns::ResponseOpt;
use waymark_wire::message::Section;
use waymark_wire::{MessageWriter, Query};

use super::*;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn rdata(record_type: RecordType, text: &str) -> Rdata {
    Rdata::from_text(record_type, text, &Name::root()).unwrap()
}

fn record(owner: &str, record_type: RecordType, text: &str) -> Record {
    Record { owner: name(owner), record_type, ttl: 300, rdata: rdata(record_type, text) }
}

/// A response written by `waymark-wire`, names compressed.
fn written(question: &Question, sections: &[(Section, Vec<Record>)], rcode: Rcode) -> Vec<u8> {
    let request = question.to_wire(7, true, Some(1232));
    let query = Query::parse(&request).unwrap();
    let opt = query.edns.map(|_| ResponseOpt { udp_size: 1232, ..ResponseOpt::default() });
    let mut buffer = vec![0; 65535];
    let mut writer = MessageWriter::respond(&mut buffer, 65535, &query.head, query.question, opt).unwrap();
    writer.set_authoritative();
    for (section, records) in sections {
        for record in records {
            writer.put(*section, record.owner.as_wire(), record.record_type, record.ttl, record.rdata.wire()).unwrap();
        }
    }
    let length = writer.finish(rcode, None);
    buffer.truncate(length);
    buffer
}

#[test]
fn what_wire_writes_is_read() {
    let question = Question { name: name("www.example.com"), record_type: RecordType::MX };
    let sections = [
        (
            Section::Answer,
            vec![
                record("www.example.com", RecordType::CNAME, "mail.example.com."),
                record("mail.example.com", RecordType::MX, "10 mx.mail.example.com."),
                record("mail.example.com", RecordType::TXT, "\"a\" \"b c\""),
            ],
        ),
        (
            Section::Authority,
            vec![record("example.com", RecordType::SOA, "ns.example.com. dns.example.com. 1 2 3 4 5")],
        ),
        (Section::Additional, vec![record("mx.mail.example.com", RecordType::AAAA, "2001:db8::1")]),
    ];
    let message = written(&question, &sections, Rcode::NXDOMAIN);
    let reply = Reply::parse(&message).unwrap();
    assert_eq!((reply.id, reply.rcode, reply.octets), (7, Rcode::NXDOMAIN, message.len()));
    assert!(reply.authoritative && !reply.truncated && !reply.recursion_available);
    assert_eq!(reply.question, Some(question));
    assert_eq!(reply.answers, sections[0].1);
    assert_eq!(reply.authority, sections[1].1);
    assert_eq!(reply.additional, sections[2].1);
    assert_eq!(reply.udp_octets, Some(1232));
    assert_eq!(reply.answers_of(&name("mail.example.com"), RecordType::MX).count(), 1);
    assert_eq!(reply.answers_of(&name("www.example.com"), RecordType::MX).count(), 0);
}

#[test]
fn an_extended_rcode_comes_from_the_opt_record() {
    let question = Question { name: name("example.com"), record_type: RecordType::A };
    assert_eq!(Reply::parse(&written(&question, &[], Rcode::BADVERS)).unwrap().rcode, Rcode::BADVERS);
}

#[test]
fn a_header_alone_is_a_reply_without_a_question() {
    let reply = Reply::parse(&[0, 9, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    assert_eq!((reply.id, reply.rcode, reply.question), (9, Rcode::FORMERR, None));
}

#[test]
fn queries_runts_and_odd_question_counts_are_refused() {
    let question = Question { name: name("example.com"), record_type: RecordType::A };
    assert_eq!(Reply::parse(&question.to_wire(1, false, None)), Err(ReplyError::NotAResponse));
    let mut message = written(&question, &[], Rcode::NOERROR);
    assert_eq!(Reply::parse(&message[..11]), Err(ReplyError::Cut));
    assert_eq!(Reply::parse(&message[..message.len() - 1]), Err(ReplyError::Cut));
    message[5] = 2;
    assert_eq!(Reply::parse(&message), Err(ReplyError::Questions));
}

/// A response to `. A` whose one answer has this owner name, type A and address 192.0.2.1.
fn with_owner(owner: &[u8]) -> Vec<u8> {
    let mut message = vec![0, 1, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1];
    message.extend_from_slice(owner);
    message.extend_from_slice(&[0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
    message
}

#[test]
fn pointers_go_backwards_only() {
    assert_eq!(Reply::parse(&with_owner(b"\xc0\x0c")).unwrap().answers[0].owner, Name::root());
    assert_eq!(Reply::parse(&with_owner(b"\xc0\x11")), Err(ReplyError::Pointer), "at itself");
    assert_eq!(Reply::parse(&with_owner(b"\xc0\x13")), Err(ReplyError::Pointer), "forwards");
    assert_eq!(Reply::parse(&with_owner(b"\x01a\xc0\x11")), Err(ReplyError::Name(NameError::NameLength)), "a loop");
    assert_eq!(Reply::parse(&with_owner(b"\x41a")), Err(ReplyError::Name(NameError::LabelLength)));
}

#[test]
fn chains_of_pointers_have_an_end() {
    let chain = |pointers: usize| {
        // Each owner is a pointer to the owner before it; the first is the root of the question.
        let mut message = vec![0, 1, 0x84, 0, 0, 1, 0, pointers as u8, 0, 0, 0, 0, 0, 0, 1, 0, 1];
        let mut previous = 12u16;
        for _ in 0..pointers {
            let here = message.len() as u16;
            message.extend_from_slice(&(0xc000 | previous).to_be_bytes());
            message.extend_from_slice(&[0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
            previous = here;
        }
        Reply::parse(&message)
    };
    assert_eq!(chain(POINTERS_MAX).unwrap().answers.len(), POINTERS_MAX);
    assert_eq!(chain(POINTERS_MAX + 1), Err(ReplyError::Pointer));
}

#[test]
fn data_must_fill_its_length_exactly() {
    let mut message = with_owner(b"\0");
    let length = message.len();
    message[length - 5] = 3;
    assert_eq!(Reply::parse(&message), Err(ReplyError::Data(RecordError::Wire)));
    let mut message = with_owner(b"\0");
    message[length - 5] = 5;
    message.push(0);
    assert_eq!(Reply::parse(&message), Err(ReplyError::Data(RecordError::Wire)));
}

#[test]
fn a_name_in_data_cannot_leave_the_data() {
    // CNAME whose data ends in the middle of a label.
    let mut message = vec![0, 1, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1];
    message.extend_from_slice(b"\0\0\x05\0\x01\0\0\0\x3c\0\x02\x03ab\0");
    assert_eq!(Reply::parse(&message), Err(ReplyError::Cut));
}

#[test]
fn data_of_an_unknown_type_stays_as_it_came() {
    let mut message = vec![0, 1, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1];
    message.extend_from_slice(b"\0\xff\x01\0\x01\0\0\0\x3c\0\x02\xc0\x0c");
    let reply = Reply::parse(&message).unwrap();
    assert_eq!(reply.answers[0].rdata.wire(), b"\xc0\x0c");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(message in prop::collection::vec(any::<u8>(), 0..700)) {
        let _ = Reply::parse(&message);
    }

    #[test]
    fn a_damaged_reply_is_read_or_refused(at in 0usize..200, octet in any::<u8>(), cut in 0usize..200) {
        let question = Question { name: name("www.example.com"), record_type: RecordType::MX };
        let sections = [(Section::Answer, vec![
            record("www.example.com", RecordType::MX, "10 mx.example.com."),
            record("www.example.com", RecordType::SOA, "ns.example.com. dns.example.com. 1 2 3 4 5"),
            record("www.example.com", RecordType::TXT, "\"a\" \"b c\""),
        ])];
        let mut message = written(&question, &sections, Rcode::NOERROR);
        if let Some(place) = message.get_mut(at) {
            *place = octet;
        }
        message.truncate(message.len().saturating_sub(cut));
        let _ = Reply::parse(&message);
    }

    #[test]
    fn records_survive_writing_and_reading(
        owners in prop::collection::vec("[a-z]{1,20}(\\.[a-z]{1,20}){0,4}", 1..12),
        ttl in any::<u32>(),
    ) {
        let records: Vec<Record> = owners
            .iter()
            .map(|owner| Record { ttl, ..record(owner, RecordType::NS, &format!("ns.{owner}.")) })
            .collect();
        let question = Question { name: name(&owners[0]), record_type: RecordType::NS };
        let message = written(&question, &[(Section::Answer, records.clone())], Rcode::NOERROR);
        prop_assert_eq!(Reply::parse(&message).unwrap().answers, records);
    }
}
