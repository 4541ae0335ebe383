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
    /// Name for an address, or any pointer.
    pub const PTR: Self = Self(12);
    /// Machine and system of a host (RFC 1035).
    pub const HINFO: Self = Self(13);
    /// Mail exchange.
    pub const MX: Self = Self(15);
    /// Text strings.
    pub const TXT: Self = Self(16);
    /// Responsible person (RFC 1183).
    pub const RP: Self = Self(17);
    /// Server of an AFS cell (RFC 1183).
    pub const AFSDB: Self = Self(18);
    /// IPv6 address.
    pub const AAAA: Self = Self(28);
    /// Place on earth (RFC 1876).
    pub const LOC: Self = Self(29);
    /// Hosts and ports of a service (RFC 2782).
    pub const SRV: Self = Self(33);
    /// Rule that rewrites a name (RFC 3403).
    pub const NAPTR: Self = Self(35);
    /// Certificate (RFC 4398).
    pub const CERT: Self = Self(37);
    /// Canonical name of what is below an alias (RFC 6672).
    pub const DNAME: Self = Self(39);
    /// EDNS(0) pseudo record (RFC 6891).
    pub const OPT: Self = Self(41);
    /// Delegation signer, which belongs to the parent's side of a cut (RFC 4035 section 3.1.4.1).
    pub const DS: Self = Self(43);
    /// Fingerprint of an SSH key (RFC 4255).
    pub const SSHFP: Self = Self(44);
    /// Signature of an RRset (RFC 4034).
    pub const RRSIG: Self = Self(46);
    /// Next name, and the types of this one (RFC 4034).
    pub const NSEC: Self = Self(47);
    /// Key of a zone (RFC 4034).
    pub const DNSKEY: Self = Self(48);
    /// Next hashed name, and the types of this one (RFC 5155).
    pub const NSEC3: Self = Self(50);
    /// How a zone's names are hashed (RFC 5155).
    pub const NSEC3PARAM: Self = Self(51);
    /// Certificate of a TLS service (RFC 6698).
    pub const TLSA: Self = Self(52);
    /// Certificate of a mail user (RFC 8162).
    pub const SMIMEA: Self = Self(53);
    /// DS that a child wants (RFC 7344).
    pub const CDS: Self = Self(59);
    /// DNSKEY whose DS a child wants (RFC 7344).
    pub const CDNSKEY: Self = Self(60);
    /// Key of a mail user (RFC 7929).
    pub const OPENPGPKEY: Self = Self(61);
    /// Endpoints of a service (RFC 9460).
    pub const SVCB: Self = Self(64);
    /// Endpoints of an HTTP origin (RFC 9460).
    pub const HTTPS: Self = Self(65);
    /// Sender policy, in the type that TXT has taken the place of (RFC 7208 section 3.1).
    pub const SPF: Self = Self(99);
    /// Incremental transfer.
    pub const IXFR: Self = Self(251);
    /// Whole transfer.
    pub const AXFR: Self = Self(252);
    /// Any type the server cares to give (RFC 8482).
    pub const ANY: Self = Self(255);
    /// URI of a service (RFC 7553).
    pub const URI: Self = Self(256);
    /// Authorities that may issue certificates (RFC 8659).
    pub const CAA: Self = Self(257);

    /// Whether a question may ask for this type: not OPT, TKEY and TSIG, which are parts of messages (RFC 6891 section
    /// 6.1.1, RFC 8945 section 4.2). The mailbox types of RFC 1035 section 3.2.3 may be asked for, and have no records.
    pub fn is_question_type(self) -> bool {
        !matches!(self.0, 41 | 249 | 250)
    }

    /// Whether a zone may hold records of this type: not OPT, and no meta type (RFC 6895 section 3.1).
    pub fn is_data_type(self) -> bool {
        !matches!(self.0, 0 | 41 | 128..=255)
    }

    /// The type of a mnemonic in any case, or of `TYPEnnn` (RFC 3597 section 5). Knows the types of the table, the
    /// meta types that can be asked for, and the other mnemonics that lists of types may hold.
    pub fn from_mnemonic(text: &str) -> Option<Self> {
        if let Some(row) = crate::records::row_by_mnemonic(text) {
            return Some(row.record_type);
        }
        if let Some((number, _)) = META.iter().chain(OTHERS).find(|(_, name)| name.eq_ignore_ascii_case(text)) {
            return Some(Self(*number));
        }
        let (prefix, digits) = text.split_at_checked(4)?;
        let is_number = prefix.eq_ignore_ascii_case("TYPE") && digits.bytes().all(|octet| octet.is_ascii_digit());
        is_number.then(|| digits.parse().ok()).flatten().map(Self)
    }
}

/// Meta types that can be asked for.
const META: &[(u16, &str)] = &[(251, "IXFR"), (252, "AXFR"), (255, "ANY")];

/// Mnemonics of types that are opaque data here (IANA "Resource Record TYPEs"): read, and printed as `TYPEnnn`.
const OTHERS: &[(u16, &str)] = &[
    (3, "MD"),
    (4, "MF"),
    (7, "MB"),
    (8, "MG"),
    (9, "MR"),
    (10, "NULL"),
    (11, "WKS"),
    (14, "MINFO"),
    (19, "X25"),
    (20, "ISDN"),
    (21, "RT"),
    (22, "NSAP"),
    (23, "NSAP-PTR"),
    (24, "SIG"),
    (25, "KEY"),
    (26, "PX"),
    (27, "GPOS"),
    (30, "NXT"),
    (31, "EID"),
    (32, "NIMLOC"),
    (34, "ATMA"),
    (36, "KX"),
    (38, "A6"),
    (40, "SINK"),
    (42, "APL"),
    (45, "IPSECKEY"),
    (49, "DHCID"),
    (55, "HIP"),
    (56, "NINFO"),
    (57, "RKEY"),
    (58, "TALINK"),
    (62, "CSYNC"),
    (63, "ZONEMD"),
    (66, "DSYNC"),
    (67, "HHIT"),
    (68, "BRID"),
    (104, "NID"),
    (105, "L32"),
    (106, "L64"),
    (107, "LP"),
    (108, "EUI48"),
    (109, "EUI64"),
    (128, "NXNAME"),
    (258, "AVC"),
    (259, "DOA"),
    (260, "AMTRELAY"),
    (261, "RESINFO"),
    (262, "WALLET"),
    (263, "CLA"),
    (264, "IPN"),
    (32768, "TA"),
    (32769, "DLV"),
];

impl fmt::Display for RecordType {
    /// The mnemonic, or `TYPEnnn` (RFC 3597 section 5).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match crate::records::row(*self) {
            Some(row) => f.write_str(row.mnemonic),
            None => match META.iter().find(|(number, _)| *number == self.0) {
                Some((_, mnemonic)) => f.write_str(mnemonic),
                None => write!(f, "TYPE{}", self.0),
            },
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
