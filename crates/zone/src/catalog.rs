//! The catalog: everything that is answered, in one table, under one generation.
//!
//! ```text
//!  one Writer --apply(commits)--> entries written unseen --one atomic store--> generation + 1
//!  many Readers --view()--> the generation is read once and held --> look-ups never see a later one
//! ```
//!
//! The table maps a *space* and a name to an entry. Three kinds of space share it: the addresses (address -> scope),
//! one per scope (apex -> zone), and one per zone image (owner name -> RRsets, empty non-terminals included). An entry
//! is a chain of versions, newest first; a version says from which generation on it is true. A change therefore writes
//! versions that no reader looks at, and then makes all of them true at once: names, empty non-terminals, zones and
//! scopes together. A reader that holds a generation keeps seeing it, across chains, cuts and zones.
//!
//! What a change costs depends on the change alone: the table grows by splitting one segment of fixed size at a time
//! (extendible hashing), the ancestors of a name are at most 127, and a whole new image of a zone is staged unseen in
//! a space of its own and put in place by changing the entries of its apex.
//!
//! Memory returns when every reader has passed ([`readers`]): whoever holds a view longer than milliseconds (transfers,
//! exports) must read the edge's file instead.
//!
//! The module and its children are the only ones in this crate that use `unsafe`; the rules are stated in
//! [`versions`] and [`table`].
#![allow(unsafe_code)]

mod garbage;
mod readers;
mod rrsets;
mod search_name;
mod table;
mod versions;
mod writer;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use garbage::Remains;
pub use readers::Reader;
pub use rrsets::{RRsetRef, RRsets};
pub use search_name::SearchName;
pub use writer::{ApplyError, Writer};

use crate::published::{AccountNumber, ScopeId, Version, ZoneHeader, ZoneNumber, ZoneStatus};
use readers::Readers;
use table::{Entry, Table};
use versions::Versions;
use waymark_wire::Serial;

/// Everything that is answered. Shared by its readers; changed through its one [`Writer`].
pub struct Catalog {
    table: Table,
    readers: Readers,
    counters: Counters,
    /// The octets of each zone that is shown. Locked when a zone comes or goes, and by whoever asks.
    octets: Mutex<BTreeMap<ZoneNumber, Arc<AtomicU64>>>,
    /// Set when the writer ends; readers may outlive it.
    remains: Mutex<Option<Remains>>,
}

#[derive(Default)]
struct Counters {
    position: AtomicU64,
    zones: AtomicU64,
    names: AtomicU64,
    rrsets: AtomicU64,
    zone_octets: AtomicU64,
    bytes: AtomicU64,
    garbage: AtomicU64,
}

/// What the catalog holds, for metrics; the numbers are read one by one and need not fit together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// The generation that new views hold.
    pub generation: u64,
    /// The journal position that it shows.
    pub position: u64,
    /// Zones.
    pub zones: u64,
    /// Owner names, empty non-terminals included.
    pub names: u64,
    /// RRsets, those that headers give not counted.
    pub rrsets: u64,
    /// Octets of all zones: the sum of what [`Zone::octets`] says of each.
    pub zone_octets: u64,
    /// Octets held for all of these, what waits for readers included, the space of the allocator aside.
    pub bytes: u64,
    /// Pieces of memory that wait for readers to pass.
    pub garbage: u64,
}

impl Catalog {
    /// An empty catalog and its writer. `seed` keys the hash of names: take it from a random source, so that nobody
    /// can choose names that collide.
    // The writer is the point of making a catalog, and there is one only.
    #[allow(clippy::new_ret_no_self)]
    pub fn new(seed: u64) -> (Writer, Arc<Self>) {
        let catalog = Arc::new(Self {
            table: Table::new(seed),
            readers: Readers::new(),
            counters: Counters::default(),
            octets: Mutex::default(),
            remains: Mutex::new(None),
        });
        (Writer::new(Arc::clone(&catalog)), catalog)
    }

    /// A reader of its own for the caller: one per worker thread.
    pub fn reader(self: &Arc<Self>) -> Reader {
        Reader::new(Arc::clone(self))
    }

    /// The octets of a zone, as [`Zone::octets`] has them; none if no such zone is shown.
    pub fn octets_of(&self, zone: ZoneNumber) -> Option<u64> {
        let octets = self.octets.lock().unwrap_or_else(PoisonError::into_inner);
        octets.get(&zone).map(|octets| octets.load(Ordering::Relaxed))
    }

    /// What the catalog holds.
    pub fn statistics(&self) -> Statistics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Statistics {
            generation: self.readers.generation(),
            position: read(&self.counters.position),
            zones: read(&self.counters.zones),
            names: read(&self.counters.names),
            rrsets: read(&self.counters.rrsets),
            zone_octets: read(&self.counters.zone_octets),
            bytes: read(&self.counters.bytes),
            garbage: read(&self.counters.garbage),
        }
    }
}

/// One generation of the catalog, held until dropped.
pub struct View<'r> {
    reader: &'r mut Reader,
    generation: u64,
}

/// A zone as one generation sees it.
#[derive(Clone, Copy)]
pub struct Zone<'v> {
    record: &'v ZoneRecord,
    state: &'v ZoneState,
}

/// The zone-wide facts of one version of a zone, with what answers need of them ready.
pub(crate) struct ZoneState {
    number: ZoneNumber,
    version: Version,
    serial: Serial,
    header: Arc<ZoneHeader>,
    soa: Box<[u8]>,
}

/// A zone's place in memory: its image's space and its versions.
pub(crate) struct ZoneRecord {
    space: u64,
    versions: Versions<ZoneState>,
    /// Octets of the names of its image; written by the writer alone.
    octets: Arc<AtomicU64>,
}

impl View<'_> {
    /// The generation that is held.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The scope of the address that was asked; none if no nameserver owns it.
    pub fn scope_of(&self, address: IpAddr) -> Option<ScopeId> {
        let mut octets = [0; 16];
        let key = table::address_key(address, &mut octets);
        let hash = self.reader.catalog().table.hash_bytes(key);
        match self.entry(table::ADDRESSES, hash, key)? {
            Entry::Scope(scope) => Some(*scope),
            Entry::Zone(_) | Entry::RRsets(_) => None,
        }
    }

    /// The zone that an apex stands for in a scope: the longest match of `name`, `skip` labels cut from its left
    /// first.
    pub fn zone_of(&self, scope: ScopeId, name: &SearchName, skip: usize) -> Option<Zone<'_>> {
        let space = table::scope_space(scope);
        (skip..=name.label_count()).find_map(|cut| {
            match self.entry(space, name.hash(cut), name.suffix(cut))? {
                Entry::Zone(record) => {
                    // SAFETY: the entry is true in the generation held, and a zone record is freed only when no view
                    // of a generation that shows it is left (`garbage`).
                    let record = unsafe { record.as_ref() };
                    // SAFETY: as above; the view outlives the reference.
                    let state = unsafe { record.versions.at(self.generation) }?;
                    Some(Zone { record, state })
                }
                Entry::Scope(_) | Entry::RRsets(_) => None,
            }
        })
    }

    /// The RRsets of an owner name of `zone`: `name` with `cut` labels taken from its left. None: the name does not
    /// exist. Empty: it exists for the names below it (RFC 4592 section 2.2.2).
    pub fn owner(&self, zone: Zone<'_>, name: &SearchName, cut: usize) -> Option<RRsets<'_>> {
        self.rrsets(zone, name.hash(cut), name.suffix(cut))
    }

    /// The RRsets of the wildcard below `name` with `cut` labels taken from its left (RFC 4592 section 3.3.1).
    pub fn wildcard(&self, zone: Zone<'_>, name: &SearchName, cut: usize) -> Option<RRsets<'_>> {
        let suffix = name.suffix(cut);
        let mut wire = [0; 2 + waymark_wire::name::NAME_OCTETS_MAX];
        wire[..2].copy_from_slice(&[1, b'*']);
        let wildcard = wire.get_mut(..suffix.len() + 2)?;
        wildcard[2..].copy_from_slice(suffix);
        let hash = self.reader.catalog().table.hash_label(name.hash(cut), b"*");
        self.rrsets(zone, hash, wildcard)
    }

    /// Makes a name ready for look-ups, folded to lower case; none if `wire` is no whole uncompressed name.
    pub fn search_name(&self, wire: &[u8]) -> Option<SearchName> {
        SearchName::new(wire, |before, label| self.reader.catalog().table.hash_label(before, label))
    }

    fn rrsets(&self, zone: Zone<'_>, hash: u64, owner: &[u8]) -> Option<RRsets<'_>> {
        match self.entry(zone.record.space, hash, owner)? {
            Entry::RRsets(packed) => Some(RRsets::new(packed)),
            Entry::Scope(_) | Entry::Zone(_) => None,
        }
    }

    fn entry(&self, space: u64, hash: u64, key: &[u8]) -> Option<&Entry> {
        // SAFETY: the reader holds `self.generation` for as long as `self` lives, and the reference lives no longer.
        unsafe { self.reader.catalog().table.find(space, hash, key)?.versions.at(self.generation) }
    }
}

impl<'v> Zone<'v> {
    /// Its number.
    pub fn number(self) -> ZoneNumber {
        self.state.number
    }

    /// Its zone-wide facts.
    pub fn header(self) -> &'v ZoneHeader {
        &self.state.header
    }

    /// Its version.
    pub fn version(self) -> Version {
        self.state.version
    }

    /// Its serial.
    pub fn serial(self) -> Serial {
        self.state.serial
    }

    /// The data of its SOA record.
    pub fn soa(self) -> &'v [u8] {
        &self.state.soa
    }

    /// Octets that the catalog holds for its names and RRsets, the space of the allocator aside. Of the newest state,
    /// whichever generation the view holds.
    pub fn octets(self) -> u64 {
        self.record.octets.load(Ordering::Relaxed)
    }

    /// Whose it is.
    pub fn account(self) -> AccountNumber {
        self.state.header.account
    }

    /// Whether an answer may go on into this zone from one of `account` (DESIGN: proven, or kin).
    pub fn may_be_crossed_into_from(self, account: AccountNumber) -> bool {
        let header = &self.state.header;
        header.account == account || (header.proven && header.status == ZoneStatus::Active)
    }
}

#[cfg(test)]
mod tests;
