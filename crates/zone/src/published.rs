//! What control tells the edges: the published part of the journal.
//!
//! A [`Commit`] is everything that one transaction publishes, at one [`Position`]; it is applied whole or not at all.
//! It holds one [`Entry`] per zone touched, and the scopes whose addresses changed. Zone-wide facts are fields of the
//! [`ZoneHeader`] and carried out at answer time, so that changing one is a small entry whatever the zone's size.
//!
//! Everything here has a byte form behind a format octet (`codec`), which is what journals and edge files keep.

mod codec;

use std::net::IpAddr;

pub use codec::{DecodeError, FORMAT};
use waymark_wire::{Name, Rdata, RecordType, Serial};

/// A zone's number inside this installation; never shown, never used again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ZoneNumber(pub u64);

/// An account, as an opaque number: edges only compare it (zones of one account are kin).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct AccountNumber(pub u64);

/// How often a zone has changed: one per committed change, without holes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Version(pub u64);

/// A transaction's place in the journal of one incarnation: gapless, in commit order. The first is 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Position(pub u64);

impl Position {
    /// The position that follows.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The life of a journal: made new by every restore or promotion. Positions of two incarnations do not compare.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Incarnation(pub [u8; 16]);

/// Where a question is asked: a set of addresses in which a zone name stands for at most one zone (DESIGN, "Who
/// answers what").
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ScopeId(pub u32);

impl ScopeId {
    /// Every active zone: where a question goes that its own scope does not answer.
    pub const ACTIVE: Self = Self(0);
    /// Every zone, the active one of a name before its oldest claim: the scope of addresses that no nameserver owns.
    pub const ALL: Self = Self(1);
    /// The first number for the scope of a nameserver.
    pub const FIRST_OF_NAMESERVERS: Self = Self(2);
}

/// Where a zone stands in its life, as far as answers depend on it (docs: dns/zone-setups/reference/domain-status).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ZoneStatus {
    /// Claimed: answers in its own scopes only.
    Pending,
    /// In force: answers everywhere.
    Active,
    /// Removed, not yet purged. Has no scopes until the zone-life rules give it some back.
    Deleted,
}

/// What holds for a zone as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ZoneHeader {
    /// The zone apex.
    pub apex: Name,
    /// Whose it is.
    pub account: AccountNumber,
    /// Where it stands in its life.
    pub status: ZoneStatus,
    /// Active because our own check saw its delegation or token, not because somebody said so.
    pub proven: bool,
    /// The scopes in which its apex stands for this zone and no other; sorted.
    pub scopes: Vec<ScopeId>,
    /// Its SOA record, the serial aside.
    pub soa: Soa,
    /// Its nameservers: the NS RRset of the apex.
    pub nameservers: Vec<Name>,
    /// The TTL of that RRset, in seconds.
    pub ns_ttl: u32,
    /// Answers to those who want DNSSEC carry signatures.
    pub signed: bool,
}

/// A zone's SOA record without its serial (RFC 1035 section 3.3.13), times in seconds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Soa {
    /// The primary nameserver.
    pub mname: Name,
    /// The mailbox of whoever is responsible.
    pub rname: Name,
    /// How often a secondary asks for the serial.
    pub refresh: u32,
    /// How soon it asks again.
    pub retry: u32,
    /// How long it goes on answering without its primary.
    pub expire: u32,
    /// How long a negative answer may be kept (RFC 2308 section 4).
    pub minimum: u32,
    /// The TTL of the SOA record itself.
    pub ttl: u32,
}

/// Records of one owner name and type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RRset {
    /// The owner name.
    pub owner: Name,
    /// The type.
    pub record_type: RecordType,
    /// Seconds it may be kept; one for the set (RFC 2181 section 5.2).
    pub ttl: u32,
    /// The data, each once (RFC 2181 section 5), sorted; at least one.
    pub data: Vec<Rdata>,
}

/// What happened to one zone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The zone.
    pub zone: ZoneNumber,
    /// Its version after the change.
    pub version: Version,
    /// Its serial after the change.
    pub serial: Serial,
    /// The change.
    pub change: Change,
}

/// A change of a zone's published data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// What was taken away and what was put in its place.
    Delta {
        /// The whole new header, if any of its fields changed.
        header: Option<ZoneHeader>,
        /// RRsets that are no longer true, as they were.
        removed: Vec<RRset>,
        /// RRsets that are true from now on. An RRset that changes stands in both lists.
        added: Vec<RRset>,
    },
    /// Too much to say here (more than [`INLINE_OCTETS_MAX`]): fetch the zone's image of this version or a later one.
    Replace,
    /// The zone is gone; nothing of it will be answered again.
    Gone,
}

/// Published data above this is not carried inline (DESIGN, "The journal").
pub const INLINE_OCTETS_MAX: usize = 256 * 1024;

/// The largest RRset that is published: [`RECORD_OCTETS`] and its data for each record. A message of 65,535 octets
/// carries it whole beside a header (12), the longest question (259) and 1,024 octets for an OPT record with its
/// options and for the signature of the RRset.
pub const RRSET_OCTETS_MAX: usize = 65_535 - 12 - 259 - 1_024;
/// What a record of an answer takes beside its data: a pointer to the name in the question, type, class, TTL and
/// length.
pub const RECORD_OCTETS: usize = 12;

/// The addresses of a scope.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScopeChange {
    /// The scope.
    pub scope: ScopeId,
    /// Its addresses from now on; none: the scope is gone.
    pub addresses: Vec<IpAddr>,
}

/// Everything that one transaction publishes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Commit {
    /// The journal's life.
    pub incarnation: Incarnation,
    /// The transaction's place in it.
    pub position: Position,
    /// One entry per zone touched.
    pub entries: Vec<Entry>,
    /// Scopes that came, changed or went.
    pub scopes: Vec<ScopeChange>,
}

/// A whole zone, as snapshots and replacements carry it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ZoneImage {
    /// The zone.
    pub zone: ZoneNumber,
    /// The version that this is.
    pub version: Version,
    /// The serial of that version.
    pub serial: Serial,
    /// The header.
    pub header: ZoneHeader,
    /// Every RRset but the SOA and NS of the apex, which the header gives.
    pub rrsets: Vec<RRset>,
}

impl Soa {
    /// The data of the SOA record with this serial.
    pub fn rdata(&self, serial: Serial) -> Vec<u8> {
        let mut wire = Vec::with_capacity(self.mname.as_wire().len() + self.rname.as_wire().len() + 20);
        wire.extend_from_slice(self.mname.as_wire());
        wire.extend_from_slice(self.rname.as_wire());
        for number in [serial.get(), self.refresh, self.retry, self.expire, self.minimum] {
            wire.extend_from_slice(&number.to_be_bytes());
        }
        wire
    }

    /// The TTL of negative answers: the smaller of the SOA's TTL and its minimum (RFC 2308 section 3).
    pub fn negative_ttl(&self) -> u32 {
        self.ttl.min(self.minimum)
    }
}
