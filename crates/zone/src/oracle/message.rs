//! A response read back, by the text of RFC 1035 section 4.1.

use std::collections::BTreeSet;

use waymark_wire::{Name, RecordType};

/// A record; names in its data are whole and in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Record {
    pub(super) owner: Name,
    pub(super) record_type: RecordType,
    pub(super) ttl: u32,
    pub(super) data: Vec<u8>,
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { owner, record_type, ttl, data } = self;
        write!(f, "{owner} {ttl} {record_type} {}", data.escape_ascii())
    }
}

/// What is compared of a response.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) rcode: u8,
    pub(super) authoritative: bool,
    pub(super) truncated: bool,
    pub(super) sections: [Vec<Record>; 3],
}

impl Message {
    /// Reads a response to one question.
    pub(super) fn read(octets: &[u8]) -> Self {
        let count = |at: usize| u16::from_be_bytes([octets[at], octets[at + 1]]);
        assert_eq!(count(4), 1, "one question");
        let mut reader = Reader { octets, at: 12 };
        reader.name();
        reader.at += 4;
        let sections = [6, 8, 10].map(|at| (0..count(at)).map(|_| reader.record()).collect());
        assert_eq!(reader.at, octets.len(), "nothing follows the last record");
        Self { rcode: octets[3] & 15, authoritative: octets[2] & 4 != 0, truncated: octets[2] & 2 != 0, sections }
    }
}

struct Reader<'o> {
    octets: &'o [u8],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Vec<u8> {
        self.at += count;
        self.octets[self.at - count..self.at].to_vec()
    }

    fn number(&mut self, octets: usize) -> u32 {
        self.take(octets).into_iter().fold(0, |number, octet| number << 8 | u32::from(octet))
    }

    /// A name with its pointers followed (RFC 1035 section 4.1.4), in lower case.
    fn name(&mut self) -> Vec<u8> {
        let (mut wire, mut at, mut end) = (Vec::new(), self.at, None);
        let mut seen = BTreeSet::new();
        loop {
            assert!(seen.insert(at), "pointers go in a circle");
            let length = usize::from(self.octets[at]);
            if length >= 0xc0 {
                end = end.or(Some(at + 2));
                at = (length & 0x3f) << 8 | usize::from(self.octets[at + 1]);
                continue;
            }
            wire.extend(self.octets[at..=at + length].iter().map(u8::to_ascii_lowercase));
            at += length + 1;
            if length == 0 {
                self.at = end.unwrap_or(at);
                return wire;
            }
        }
    }

    fn record(&mut self) -> Record {
        let owner = Name::from_wire(&self.name()).unwrap();
        let record_type = RecordType(self.number(2) as u16);
        assert_eq!(self.number(2), 1, "class IN");
        let ttl = self.number(4);
        let length = self.number(2) as usize;
        let end = self.at + length;
        let data = match record_type {
            RecordType::NS | RecordType::CNAME | RecordType::DNAME => self.name(),
            RecordType::MX => [self.take(2), self.name()].concat(),
            RecordType::SOA => [self.name(), self.name(), self.take(20)].concat(),
            _ => self.take(length),
        };
        assert_eq!(self.at, end, "the data of {record_type} has another length than it says");
        Record { owner, record_type, ttl, data }
    }
}
