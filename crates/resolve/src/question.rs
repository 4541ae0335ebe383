//! A question, and the message that asks it.
//!
//! The message is a plain query of one question (RFC 9619), class IN, with an OPT record if the asker wants one.

use std::fmt;

use waymark_wire::{Class, Name, RecordType};

/// The class that everything here is about (RFC 1035 section 3.2.4).
pub const CLASS_IN: u16 = Class::IN.0;

/// A name and a type, of class IN.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Question {
    /// The asked name.
    pub name: Name,
    /// The asked type.
    pub record_type: RecordType,
}

impl Question {
    /// The query with this id. `udp_octets` is the largest response over UDP that the asker takes (RFC 6891
    /// section 6.2.3); without it the query has no OPT record, and 512 octets are the most.
    pub fn to_wire(&self, id: u16, recursion_desired: bool, udp_octets: Option<u16>) -> Vec<u8> {
        let mut message = Vec::with_capacity(12 + self.name.as_wire().len() + 15);
        message.extend_from_slice(&id.to_be_bytes());
        message.extend_from_slice(&[u8::from(recursion_desired), 0, 0, 1, 0, 0, 0, 0]);
        message.extend_from_slice(&u16::from(udp_octets.is_some()).to_be_bytes());
        message.extend_from_slice(self.name.as_wire());
        message.extend_from_slice(&self.record_type.0.to_be_bytes());
        message.extend_from_slice(&CLASS_IN.to_be_bytes());
        if let Some(octets) = udp_octets {
            let [high, low] = octets.to_be_bytes();
            message.extend_from_slice(&[0, 0, 41, high, low, 0, 0, 0, 0, 0, 0]);
        }
        message
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.record_type)
    }
}

#[cfg(test)]
mod tests {
    use waymark_wire::Query;

    use super::*;

    fn question() -> Question {
        Question { name: "www.example.com".parse().unwrap(), record_type: RecordType::MX }
    }

    #[test]
    fn the_query_reads_back() {
        let message = question().to_wire(0xabcd, true, Some(1232));
        let query = Query::parse(&message).unwrap();
        assert_eq!((query.head.id, query.record_type, query.class.0), (0xabcd, RecordType::MX, CLASS_IN));
        assert_eq!(query.name, question().name.as_wire());
        assert!(query.head.recursion_desired);
        assert_eq!(query.edns.unwrap().udp_size, 1232);
    }

    #[test]
    fn without_a_size_there_is_no_opt_record() {
        let message = question().to_wire(1, false, None);
        let query = Query::parse(&message).unwrap();
        assert!(query.edns.is_none() && !query.head.recursion_desired);
    }
}
