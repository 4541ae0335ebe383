//! Requests that are no questions, or not ours to answer.

use waymark_wire::Opcode;

use super::*;

/// Response code and octets, or silence.
fn reply(message: &[u8]) -> Option<(u8, usize)> {
    let response = Server::with(&["www.example A 192.0.2.1"]).exchange(message, Transport::Udp)?;
    assert_eq!((&response[..2], response[2] & 0x80), (&message[..2], 0x80));
    Some((response[3] & 15, response.len()))
}

fn of_class(class: u8) -> Vec<u8> {
    let mut message = request("www.example A", b"");
    *message.last_mut().unwrap() = class;
    message
}

#[test]
fn rfc1035_4_1_1_a_runt_or_a_response_gets_silence() {
    let request = request("www.example A", OPT);
    for octets in 0..12 {
        assert_eq!(reply(&request[..octets]), None);
    }
    for opcode in 0..16 {
        let mut response = request.clone();
        response[2] = 0x80 | opcode << 3;
        assert_eq!(reply(&response), None, "opcode {opcode}");
    }
}

#[test]
fn rfc1035_4_1_1_what_cannot_be_read_is_formerr() {
    let request = request("www.example A", OPT);
    for octets in 12..request.len() {
        assert_eq!(reply(&request[..octets]).unwrap().0, 1, "{octets} octets");
    }
    assert_eq!(reply(&[&request[..], b"\0"].concat()).unwrap().0, 1, "one octet too many");
}

#[test]
fn rfc1035_4_1_2_the_question_comes_back_as_it_was() {
    let server = Server::with(&[]);
    for question in ["WwW.eXample A", "WwW.oTher TYPE65280", "a.example AXFR", "X.example TYPE41"] {
        let request = request(question, b"");
        let response = server.exchange(&request, Transport::Udp).unwrap();
        assert_eq!(&response[4..6], b"\0\x01", "{question}");
        assert_eq!(response[12..request.len()], request[12..], "{question}");
    }
}

#[test]
fn rfc8906_3_1_4_opcodes_that_are_not_served() {
    for opcode in (1..16).filter(|opcode| ![4, 5].contains(opcode)) {
        let mut message = request("www.example A", OPT);
        message[2] = opcode << 3;
        assert_eq!(reply(&message), Some((4, 12 + OPT.len())), "opcode {opcode}");
        assert_eq!(reply(&message[..12]), Some((4, 12)), "opcode {opcode}, a header alone");
        assert_eq!(reply(&message[..17]), Some((4, 12)), "opcode {opcode}, a form that is not known here");
    }
}

#[test]
fn rfc2136_3_3_strangers_update_and_notify_are_refused() {
    for opcode in [Opcode::NOTIFY, Opcode::UPDATE] {
        let mut message = request("example SOA", b"");
        message[2] = opcode.0 << 3 | 4;
        let (rcode, octets) = reply(&message).unwrap();
        assert_eq!((rcode, octets), (5, message.len()), "with its question");
        // An update with a prerequisite, an addition and a deletion; owners point to the zone section.
        message[7..10].copy_from_slice(&[1, 0, 2]);
        message.extend(b"\xc0\x0c\0\xff\0\xff\0\0\0\0\0\0");
        message.extend(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01\xc0\x0c\0\x01\0\xff\0\0\0\0\0\0");
        assert_eq!(reply(&message).unwrap().0, 5);
        assert_eq!(reply(&message[..12]), Some((5, 12)));
    }
}

#[test]
fn rfc5936_2_2_1_transfers_are_refused() {
    for transport in [Transport::Udp, Transport::Tcp] {
        for question in ["example AXFR", "example IXFR", "other AXFR"] {
            let response = Server::with(&[]).exchange(&request(question, b""), transport).unwrap();
            assert_eq!(Reply::read(&response), Reply { rcode: 5, authoritative: false, ..positive(&[]) });
        }
    }
}

#[test]
fn rfc6895_3_1_types_that_cannot_be_asked_for_are_formerr() {
    for (numbers, rcode) in [([41, 249, 250], 1), ([0, 253, 254], 0)] {
        for number in numbers {
            let message = request(&format!("www.example TYPE{number}"), b"");
            assert_eq!(reply(&message).unwrap().0, rcode, "{number}");
        }
    }
}

#[test]
fn rfc1035_3_2_4_classes_that_are_not_served_are_refused() {
    for class in [0, 2, 3, 4, 254, 255] {
        let message = of_class(class);
        assert_eq!(reply(&message), Some((5, message.len())), "{class}");
    }
    assert_eq!(reply(&of_class(1)).unwrap().0, 0);
}

#[test]
fn rfc9619_4_a_query_has_one_question() {
    let one = request("www.example A", b"");
    for questions in [0, 2, 3] {
        let mut message = [&one[..12], &one[12..].repeat(usize::from(questions))].concat();
        message[5] = questions;
        assert_eq!(reply(&message), Some((1, 12)), "{questions}");
    }
}

#[test]
fn rfc6891_5_labels_of_other_kinds_are_formerr() {
    for first in [0x40, 0x41, 0x80, 0xc0] {
        let mut message = request("www.example A", b"");
        message[12] = first;
        assert_eq!(reply(&message).unwrap().0, 1, "{first:#x}");
    }
}

#[test]
fn rfc1035_2_3_4_a_name_of_more_than_255_octets_is_formerr() {
    let of = |last: usize| {
        let label = |length: usize| [vec![length as u8], vec![b'x'; length]].concat();
        let name = [label(63), label(63), label(63), label(last), vec![0]].concat();
        request_in_octets(&name, RecordType::A, b"")
    };
    assert_eq!(reply(&of(61)).unwrap().0, 5, "255 octets are a name");
    assert_eq!(reply(&of(62)), Some((1, 12)));
}

#[test]
fn rfc1035_4_1_records_that_nobody_asked_for_are_stepped_over() {
    let mut message = request("www.example A", b"");
    message[7] = 1;
    message[9] = 1;
    let record = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";
    message.extend(record.repeat(2));
    message.extend(OPT);
    message[11] = 1;
    assert_eq!(reply(&message).unwrap().0, 0);
    message[7] = 17;
    message.extend(record.repeat(16));
    assert_eq!(reply(&message).unwrap().0, 1, "more than anybody needs");
}
