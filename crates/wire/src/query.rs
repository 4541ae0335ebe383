//! Reading a request: checked, borrowed, without allocating.
//!
//! [`Query::parse`] takes a datagram (or a TCP message) and gives either a question that can be answered, or how to
//! reject it. What is not looked at here cannot hurt: records of the answer and authority sections are stepped over.

use crate::name::{NAME_OCTETS_MAX, wire_len};
use crate::record_type::{Opcode, Rcode, RecordType};

/// The length of a message header (RFC 1035 section 4.1.1).
pub const HEADER_OCTETS: usize = 12;
/// Records that a request may carry; real ones carry an OPT, a TSIG or an IXFR's SOA.
const RECORDS_MAX: usize = 16;

/// A request with one question.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The first two header octets.
    pub id: u16,
    /// RD, to be copied into the response.
    pub recursion_desired: bool,
    /// CD, likewise (RFC 4035 section 3.1.6).
    pub checking_disabled: bool,
    /// The question section as it came: name, type, class.
    pub question: &'a [u8],
    /// The asked name in wire form, in the case in which it was asked.
    pub name: &'a [u8],
    /// The asked type.
    pub record_type: RecordType,
    /// The asked class.
    pub class: u16,
    /// The OPT record, if there is one.
    pub edns: Option<Edns<'a>>,
}

/// What an OPT record says (RFC 6891 section 6.1).
#[derive(Clone, Copy, Debug)]
pub struct Edns<'a> {
    /// The largest response over UDP that the asker can take, in octets; at least 512.
    pub udp_size: u16,
    /// The EDNS version; 0 is the only one there is.
    pub version: u8,
    /// DO (RFC 3225).
    pub dnssec_ok: bool,
    /// The options, not looked into.
    pub options: &'a [u8],
}

/// Why a message is not answered as a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reject {
    /// Silence: too short for a header, or a response (RFC 8906 does not ask for an answer to these).
    Drop,
    /// An answer of header alone, with this code.
    Respond {
        /// The request's id.
        id: u16,
        /// The request's opcode, to be copied.
        opcode: Opcode,
        /// The request's RD, to be copied.
        recursion_desired: bool,
        /// What went wrong.
        rcode: Rcode,
    },
}

impl<'a> Query<'a> {
    /// Reads a request.
    pub fn parse(message: &'a [u8]) -> Result<Self, Reject> {
        let Some((header, _)) = message.split_first_chunk::<HEADER_OCTETS>() else { return Err(Reject::Drop) };
        if header[2] & 0x80 != 0 {
            return Err(Reject::Drop);
        }
        let id = u16::from_be_bytes([header[0], header[1]]);
        let opcode = Opcode(header[2] >> 3 & 0x0f);
        let recursion_desired = header[2] & 1 != 0;
        let reject = |rcode| Reject::Respond { id, opcode, recursion_desired, rcode };
        if opcode != Opcode::QUERY {
            return Err(reject(Rcode::NOTIMP));
        }
        let count = |at: usize| usize::from(u16::from_be_bytes([header[at], header[at + 1]]));
        // RFC 9619: a query has exactly one question.
        if count(4) != 1 {
            return Err(reject(Rcode::FORMERR));
        }
        let records = count(6) + count(8) + count(10);
        if records > RECORDS_MAX {
            return Err(reject(Rcode::FORMERR));
        }
        let mut cursor = Cursor { message, at: HEADER_OCTETS };
        let question = cursor.question().ok_or(reject(Rcode::FORMERR))?;
        let edns = cursor.records(records).ok_or(reject(Rcode::FORMERR))?;
        let (name, fixed) = question.split_at(question.len() - 4);
        Ok(Self {
            id,
            recursion_desired,
            checking_disabled: header[3] & 0x10 != 0,
            question,
            name,
            record_type: RecordType(u16::from_be_bytes([fixed[0], fixed[1]])),
            class: u16::from_be_bytes([fixed[2], fixed[3]]),
            edns,
        })
    }
}

struct Cursor<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.message.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(taken)
    }

    fn question(&mut self) -> Option<&'a [u8]> {
        // The first name has nothing before it to point to, so a pointer here is an error.
        let length = wire_len(&self.message[self.at..]).ok()?;
        self.take(length + 4)
    }

    /// Steps over `count` records; none if they are malformed or hold more than one OPT.
    fn records(&mut self, count: usize) -> Option<Option<Edns<'a>>> {
        let mut edns = None;
        for _ in 0..count {
            let root_owner = self.message.get(self.at) == Some(&0);
            self.skip_name()?;
            let fixed = self.take(10)?;
            let data = self.take(usize::from(u16::from_be_bytes([fixed[8], fixed[9]])))?;
            if RecordType(u16::from_be_bytes([fixed[0], fixed[1]])) == RecordType::OPT {
                if edns.is_some() || !root_owner {
                    return None;
                }
                edns = Some(Edns {
                    // RFC 6891 section 6.2.3: less than 512 means 512.
                    udp_size: u16::from_be_bytes([fixed[2], fixed[3]]).max(512),
                    version: fixed[5],
                    dnssec_ok: fixed[6] & 0x80 != 0,
                    options: data,
                });
            }
        }
        Some(edns)
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
        match Query::parse(message) {
            Err(Reject::Respond { rcode, id: 0xabcd, .. }) => rcode,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_question_keeps_its_case() {
        let message = request(QUESTION, OPT, [1, 0, 0, 1]);
        let query = Query::parse(&message).unwrap();
        assert_eq!(query.name, b"\x03WwW\x07example\0");
        assert_eq!((query.record_type, query.class, query.id), (RecordType::A, 1, 0xabcd));
        assert!(query.recursion_desired && !query.checking_disabled);
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
        assert_eq!(Query::parse(&message).unwrap_err(), Reject::Drop);
        assert_eq!(Query::parse(&message[..11]).unwrap_err(), Reject::Drop);
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
    fn other_opcodes_are_not_implemented() {
        let mut message = request(QUESTION, b"", [1, 0, 0, 0]);
        message[2] |= Opcode::UPDATE.0 << 3;
        assert_eq!(rcode_of(&message), Rcode::NOTIMP);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_rejected(message in prop::collection::vec(any::<u8>(), 0..600)) {
            if let Ok(query) = Query::parse(&message) {
                prop_assert_eq!(crate::name::wire_len(query.name), Ok(query.name.len()));
            }
        }
    }
}
