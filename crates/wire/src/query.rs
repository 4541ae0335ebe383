//! Reading a request: checked, borrowed, without allocating.
//!
//! [`Request::parse`] takes a datagram (or a TCP message) and gives either what is asked, or how to reject it. What is
//! not looked at here cannot hurt: records of the answer and authority sections are stepped over.

use crate::edns::{Edns, OptionCode};
use crate::name::{NAME_OCTETS_MAX, wire_len};
use crate::record_type::{Class, Opcode, Rcode, RecordType};

/// The length of a message header (RFC 1035 section 4.1.1).
pub const HEADER_OCTETS: usize = 12;
/// Records that a request may carry; real ones carry an OPT, a TSIG or an IXFR's SOA.
const RECORDS_MAX: usize = 16;

/// What a response copies from the header of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The first two header octets.
    pub id: u16,
    /// What the message is for.
    pub opcode: Opcode,
    /// RD.
    pub recursion_desired: bool,
    /// CD (RFC 4035 section 3.1.6).
    pub checking_disabled: bool,
}

/// A request that can be answered.
#[derive(Clone, Copy, Debug)]
pub enum Request<'a> {
    /// A question.
    Query(Query<'a>),
    /// No question, and a cookie: only a new cookie is wanted (RFC 7873 section 5.4).
    Cookie(Head, Edns<'a>),
}

/// A request with one question.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// What the response copies from the header.
    pub head: Head,
    /// The question section as it came: name, type, class.
    pub question: &'a [u8],
    /// The asked name in wire form, in the case in which it was asked.
    pub name: &'a [u8],
    /// The asked type.
    pub record_type: RecordType,
    /// The asked class.
    pub class: Class,
    /// The OPT record, if there is one.
    pub edns: Option<Edns<'a>>,
}

/// Why a message is not answered as a query.
#[derive(Clone, Copy, Debug)]
pub enum Reject<'a> {
    /// Silence: too short for a header, or a response (RFC 8906 does not ask for an answer to these).
    Drop,
    /// A response without records.
    Respond {
        /// What the response copies from the header.
        head: Head,
        /// The question section as it came, if it could be read; else empty.
        question: &'a [u8],
        /// The OPT record, if one could be read.
        edns: Option<Edns<'a>>,
        /// What went wrong.
        rcode: Rcode,
    },
}

impl<'a> Request<'a> {
    /// Reads a request.
    pub fn parse(message: &'a [u8]) -> Result<Self, Reject<'a>> {
        let Some((header, _)) = message.split_first_chunk::<HEADER_OCTETS>() else { return Err(Reject::Drop) };
        if header[2] & 0x80 != 0 {
            return Err(Reject::Drop);
        }
        let head = Head {
            id: u16::from_be_bytes([header[0], header[1]]),
            opcode: Opcode(header[2] >> 3 & 0x0f),
            recursion_desired: header[2] & 1 != 0,
            checking_disabled: header[3] & 0x10 != 0,
        };
        if head.opcode != Opcode::QUERY {
            return Err(other_opcode(head, message, header));
        }
        let (question, edns, well_formed) = Cursor::read(message, header);
        let reject = |rcode| Err(Reject::Respond { head, question, edns, rcode });
        if !well_formed {
            return reject(Rcode::FORMERR);
        }
        let Some((name, &[a, b, c, d])) = question.split_last_chunk::<4>() else {
            // RFC 9619 section 4: a query has one question, or none if it has a cookie.
            return match edns.filter(|_| count(header, 4) == 0) {
                Some(edns) if edns.version != 0 => reject(Rcode::BADVERS),
                Some(edns) if edns.option(OptionCode::COOKIE).is_some() => Ok(Self::Cookie(head, edns)),
                _ => reject(Rcode::FORMERR),
            };
        };
        Ok(Self::Query(Query {
            head,
            question,
            name,
            record_type: RecordType(u16::from_be_bytes([a, b])),
            class: Class(u16::from_be_bytes([c, d])),
            edns,
        }))
    }

    /// The OPT record.
    pub fn edns(&self) -> Option<Edns<'a>> {
        match self {
            Self::Query(query) => query.edns,
            Self::Cookie(_, edns) => Some(*edns),
        }
    }
}

impl<'a> Query<'a> {
    /// Reads a request that must have a question; none otherwise.
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        match Request::parse(message) {
            Ok(Request::Query(query)) => Some(query),
            _ => None,
        }
    }
}

/// The reply to an opcode that is not served. Strangers' NOTIFY and UPDATE are refused, whatever they hold; the rest is
/// not known here (RFC 8906 section 3.1.4). The question is copied if there is one that can be read.
fn other_opcode<'a>(head: Head, message: &'a [u8], header: &[u8; HEADER_OCTETS]) -> Reject<'a> {
    let refused = matches!(head.opcode, Opcode::NOTIFY | Opcode::UPDATE);
    let rcode = if refused { Rcode::REFUSED } else { Rcode::NOTIMP };
    let (question, edns, _) = Cursor::read(message, header);
    Reject::Respond { head, question: if refused { question } else { &[] }, edns, rcode }
}

fn count(header: &[u8; HEADER_OCTETS], at: usize) -> usize {
    usize::from(u16::from_be_bytes([header[at], header[at + 1]]))
}

struct Cursor<'a> {
    message: &'a [u8],
    at: usize,
    /// The first OPT record, without its options if they are malformed.
    edns: Option<Edns<'a>>,
}

impl<'a> Cursor<'a> {
    /// The question if there is one and no more; what OPT record there is, since a request that has one is answered
    /// with one (RFC 6891 section 6.1.1), be it malformed; and whether all of it is well formed.
    fn read(message: &'a [u8], header: &[u8; HEADER_OCTETS]) -> (&'a [u8], Option<Edns<'a>>, bool) {
        let mut cursor = Self { message, at: HEADER_OCTETS, edns: None };
        let question = cursor.questions(count(header, 4));
        let well_formed = question.and_then(|_| cursor.records(header)).is_some();
        (question.unwrap_or_default(), cursor.edns, well_formed)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.message.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(taken)
    }

    /// Steps over the questions, and gives the only one.
    fn questions(&mut self, questions: usize) -> Option<&'a [u8]> {
        if questions == 1 {
            // The first name has nothing before it to point to, so a pointer here is an error.
            let length = wire_len(&self.message[self.at..]).ok()?;
            return self.take(length + 4);
        }
        if questions > RECORDS_MAX {
            return None;
        }
        for _ in 0..questions {
            self.skip_name()?;
            self.take(4)?;
        }
        Some(&[])
    }

    /// Steps over everything behind the question; none if it is malformed or does not end with the message.
    fn records(&mut self, header: &[u8; HEADER_OCTETS]) -> Option<()> {
        let records = [count(header, 6), count(header, 8), count(header, 10)];
        if records.iter().sum::<usize>() > RECORDS_MAX {
            return None;
        }
        for (section, records) in records.into_iter().enumerate() {
            for _ in 0..records {
                self.record(section == 2)?;
            }
        }
        (self.at == self.message.len()).then_some(())
    }

    /// Steps over a record; an OPT has the root for its owner, stands in the additional section, and is the only one
    /// (RFC 6891 section 6.1.1).
    fn record(&mut self, additional: bool) -> Option<()> {
        let root_owner = self.message.get(self.at) == Some(&0);
        self.skip_name()?;
        let &[t, u, c, d, ttl @ .., l, m] = self.take(10)?.first_chunk::<10>()?;
        let data = self.take(usize::from(u16::from_be_bytes([l, m])))?;
        if RecordType(u16::from_be_bytes([t, u])) != RecordType::OPT {
            return Some(());
        }
        let read = Edns::read([c, d], ttl, data);
        let in_place = root_owner && additional && self.edns.is_none();
        let well_formed = in_place && read.is_ok();
        let (Ok(edns) | Err(edns)) = read;
        self.edns.get_or_insert(edns);
        well_formed.then_some(())
    }

    fn skip_name(&mut self) -> Option<()> {
        let end = self.at + NAME_OCTETS_MAX;
        while self.at < end {
            match *self.message.get(self.at)? {
                0 => return self.take(1).map(drop),
                pointer if pointer >= 0xc0 => return self.take(2).map(drop),
                length if length < 64 => self.take(usize::from(length) + 1)?,
                _ => return None,
            };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request(question: &[u8], additional: &[u8], counts: [u8; 4]) -> Vec<u8> {
        let mut message = vec![0xab, 0xcd, 1, 0, 0, counts[0], 0, counts[1], 0, counts[2], 0, counts[3]];
        message.extend_from_slice(question);
        message.extend_from_slice(additional);
        message
    }

    const QUESTION: &[u8] = b"\x03WwW\x07example\0\0\x01\0\x01";
    const OPT: &[u8] = b"\0\0\x29\x04\xd0\0\0\x80\0\0\0";

    fn rcode_of(message: &[u8]) -> Rcode {
        match Request::parse(message) {
            Err(Reject::Respond { rcode, head: Head { id: 0xabcd, .. }, .. }) => rcode,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_question_keeps_its_case() {
        let message = request(QUESTION, OPT, [1, 0, 0, 1]);
        let query = Query::parse(&message).unwrap();
        assert_eq!(query.name, b"\x03WwW\x07example\0");
        assert_eq!((query.record_type, query.class, query.head.id), (RecordType::A, Class::IN, 0xabcd));
        assert!(query.head.recursion_desired && !query.head.checking_disabled);
        let edns = query.edns.unwrap();
        assert_eq!((edns.udp_size, edns.version, edns.dnssec_ok), (1232, 0, true));
    }

    #[test]
    fn a_small_udp_size_means_512() {
        let message = request(QUESTION, b"\0\0\x29\0\x10\0\0\0\0\0\0", [1, 0, 0, 1]);
        assert_eq!(Query::parse(&message).unwrap().edns.unwrap().udp_size, 512);
    }

    #[test]
    fn responses_and_runts_are_dropped() {
        let mut message = request(QUESTION, b"", [1, 0, 0, 0]);
        message[2] |= 0x80;
        assert!(matches!(Request::parse(&message), Err(Reject::Drop)));
        assert!(matches!(Request::parse(&message[..11]), Err(Reject::Drop)));
    }

    #[test]
    fn malformed_requests_are_format_errors() {
        assert_eq!(rcode_of(&request(QUESTION, b"", [0, 0, 0, 0])), Rcode::FORMERR);
        assert_eq!(rcode_of(&request(QUESTION, b"", [2, 0, 0, 0])), Rcode::FORMERR);
        assert_eq!(rcode_of(&request(QUESTION, OPT, [1, 0, 0, 2])), Rcode::FORMERR, "a record is missing");
        assert_eq!(rcode_of(&request(QUESTION, &[OPT, OPT].concat(), [1, 0, 0, 2])), Rcode::FORMERR, "two OPT");
        assert_eq!(rcode_of(&request(b"\xc0\x0c\0\x01\0\x01", b"", [1, 0, 0, 0])), Rcode::FORMERR);
        assert_eq!(rcode_of(&request(b"\x03www", b"", [1, 0, 0, 0])), Rcode::FORMERR);
    }

    #[test]
    fn octets_behind_the_message_are_a_format_error() {
        assert_eq!(rcode_of(&request(QUESTION, b"\0", [1, 0, 0, 0])), Rcode::FORMERR);
        assert_eq!(rcode_of(&request(QUESTION, &[OPT, b"x"].concat(), [1, 0, 0, 1])), Rcode::FORMERR);
    }

    #[test]
    fn rfc6891_6_1_1_opt_stands_in_the_additional_section() {
        assert_eq!(rcode_of(&request(QUESTION, OPT, [1, 1, 0, 0])), Rcode::FORMERR);
        assert_eq!(rcode_of(&request(QUESTION, OPT, [1, 0, 1, 0])), Rcode::FORMERR);
        let named = b"\x01a\0\0\x29\x04\xd0\0\0\0\0\0\0";
        assert_eq!(rcode_of(&request(QUESTION, named, [1, 0, 0, 1])), Rcode::FORMERR);
    }

    #[test]
    fn rfc7873_5_4_a_cookie_needs_no_question() {
        let cookie = b"\0\0\x29\x04\xd0\0\0\0\0\0\x0c\0\x0a\0\x08abcdefgh";
        let message = request(b"", cookie, [0, 0, 0, 1]);
        let Ok(Request::Cookie(_, edns)) = Request::parse(&message) else { panic!() };
        assert_eq!(edns.option(OptionCode::COOKIE), Some(&b"abcdefgh"[..]));
        assert_eq!(rcode_of(&request(b"", OPT, [0, 0, 0, 1])), Rcode::FORMERR, "RFC 9619: no cookie, no question");
    }

    fn edns_of(message: &[u8]) -> Option<Edns<'_>> {
        match Request::parse(message) {
            Err(Reject::Respond { edns, .. }) => edns,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rfc6891_7_what_is_malformed_and_has_an_opt_is_answered_with_one() {
        let bad_option = b"\0\0\x29\x04\xd0\0\0\x80\0\0\x04\0\x0a\0\x08";
        let bad_cookie = b"\0\0\x29\x04\xd0\0\0\x80\0\0\x05\0\x0a\0\x01x";
        for (what, message) in [
            ("options that are cut", request(QUESTION, bad_option, [1, 0, 0, 1])),
            ("a cookie of one octet", request(QUESTION, bad_cookie, [1, 0, 0, 1])),
            ("two OPT records", request(QUESTION, &[OPT, OPT].concat(), [1, 0, 0, 2])),
            ("an OPT in another section", request(QUESTION, OPT, [1, 1, 0, 0])),
            ("octets behind the end", request(QUESTION, &[OPT, b"x"].concat(), [1, 0, 0, 1])),
            ("two questions", request(&QUESTION.repeat(2), OPT, [2, 0, 0, 1])),
            ("no question", request(b"", OPT, [0, 0, 0, 1])),
        ] {
            assert_eq!(rcode_of(&message), Rcode::FORMERR, "{what}");
            let edns = edns_of(&message).expect(what);
            assert_eq!((edns.udp_size, edns.dnssec_ok, edns.options().count()), (1232, true, 0), "{what}");
        }
        assert!(edns_of(&request(&QUESTION.repeat(2), b"", [2, 0, 0, 0])).is_none());
    }

    #[test]
    fn rfc6891_6_1_3_the_version_comes_before_the_options() {
        let cut = b"\0\0\x29\x04\xd0\0\x01\0\0\0\x04\0\x0a\0\x08";
        let message = request(QUESTION, cut, [1, 0, 0, 1]);
        assert_eq!(Query::parse(&message).unwrap().edns.unwrap().version, 1);
        assert_eq!(rcode_of(&request(b"", cut, [0, 0, 0, 1])), Rcode::BADVERS);
    }

    #[test]
    fn rfc9619_4_a_query_has_one_question() {
        for questions in [2, 3, 16, 17, 255] {
            let message = request(&QUESTION.repeat(usize::from(questions)), b"", [questions, 0, 0, 0]);
            assert_eq!(rcode_of(&message), Rcode::FORMERR, "{questions}");
        }
        assert_eq!(rcode_of(&request(b"", b"", [0, 0, 0, 0])), Rcode::FORMERR);
    }

    #[test]
    fn other_opcodes_are_not_implemented_or_refused() {
        for (opcode, rcode) in [(1, Rcode::NOTIMP), (2, Rcode::NOTIMP), (15, Rcode::NOTIMP)]
            .into_iter()
            .chain([(Opcode::NOTIFY.0, Rcode::REFUSED), (Opcode::UPDATE.0, Rcode::REFUSED)])
        {
            let mut message = request(QUESTION, b"", [1, 0, 0, 0]);
            message[2] |= opcode << 3;
            assert_eq!(rcode_of(&message), rcode, "{opcode}");
            assert_eq!(rcode_of(&message[..12]), rcode, "{opcode}, a header alone");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_rejected(message in prop::collection::vec(any::<u8>(), 0..600)) {
            if let Some(query) = Query::parse(&message) {
                prop_assert_eq!(crate::name::wire_len(query.name), Ok(query.name.len()));
            }
        }
    }
}
