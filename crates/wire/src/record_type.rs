//! The numbers of the protocol: record types, opcodes, response codes (IANA "DNS Parameters").

use std::fmt;

/// A record type. Any 16-bit value is one; those with a row in [`crate::records`] have a mnemonic.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordType(pub u16);

impl RecordType {
    /// IPv4 address.
    pub const A: Self = Self(1);
    /// Authoritative nameserver.
    pub const NS: Self = Self(2);
    /// Canonical name of an alias.
    pub const CNAME: Self = Self(5);
    /// Start of authority.
    pub const SOA: Self = Self(6);
    /// Mail exchange.
    pub const MX: Self = Self(15);
    /// Text strings.
    pub const TXT: Self = Self(16);
    /// IPv6 address.
    pub const AAAA: Self = Self(28);
    /// Location of a service (RFC 2782).
    pub const SRV: Self = Self(33);
    /// Redirection of everything below a name (RFC 6672).
    pub const DNAME: Self = Self(39);
    /// EDNS(0) pseudo record (RFC 6891).
    pub const OPT: Self = Self(41);
    /// Delegation signer, which belongs to the parent's side of a cut (RFC 4035 section 3.1.4.1).
    pub const DS: Self = Self(43);
    /// Signature of an RRset (RFC 4034).
    pub const RRSIG: Self = Self(46);
    /// Service binding (RFC 9460).
    pub const SVCB: Self = Self(64);
    /// Service binding for HTTP (RFC 9460).
    pub const HTTPS: Self = Self(65);
    /// Incremental transfer.
    pub const IXFR: Self = Self(251);
    /// Whole transfer.
    pub const AXFR: Self = Self(252);
    /// Any type the server cares to give (RFC 8482).
    pub const ANY: Self = Self(255);

    /// Whether a question may ask for this type: not OPT, not the meta types of RFC 6895 section 3.1 other than
    /// ANY and the transfers.
    pub fn is_question_type(self) -> bool {
        !matches!(self.0, 0 | 41 | 249 | 250 | 253 | 254)
    }
}

impl fmt::Display for RecordType {
    /// The mnemonic, or `TYPEnnn` (RFC 3597 section 5).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match crate::records::row(*self) {
            Some(row) => f.write_str(row.mnemonic),
            None => write!(f, "TYPE{}", self.0),
        }
    }
}

impl fmt::Debug for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A class.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Class(pub u16);

impl Class {
    /// The Internet.
    pub const IN: Self = Self(1);
    /// Chaosnet, by which servers are asked about themselves (RFC 4892).
    pub const CH: Self = Self(3);
}

/// What a message is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opcode(pub u8);

impl Opcode {
    /// A standard query.
    pub const QUERY: Self = Self(0);
    /// A primary says that a zone has changed (RFC 1996).
    pub const NOTIFY: Self = Self(4);
    /// A dynamic update (RFC 2136).
    pub const UPDATE: Self = Self(5);
}

/// A response code; above 15 it needs EDNS (RFC 6891 section 6.1.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rcode(pub u16);

impl Rcode {
    /// No error.
    pub const NOERROR: Self = Self(0);
    /// The request cannot be read.
    pub const FORMERR: Self = Self(1);
    /// The server could not answer.
    pub const SERVFAIL: Self = Self(2);
    /// The name does not exist.
    pub const NXDOMAIN: Self = Self(3);
    /// The server does not do this.
    pub const NOTIMP: Self = Self(4);
    /// The server will not answer this question here.
    pub const REFUSED: Self = Self(5);
    /// A name that should not exist does; for DNAME: the redirected name is too long (RFC 6672 section 2.2).
    pub const YXDOMAIN: Self = Self(6);
    /// An EDNS version this server does not know (RFC 6891).
    pub const BADVERS: Self = Self(16);
    /// A server cookie that is wrong or too old (RFC 7873 section 8).
    pub const BADCOOKIE: Self = Self(23);
}
