//! The catalog: everything that is answered, in one table, under one generation.
//!
//! ```text
//!  one Writer --apply(commits)--> entries written unseen --one atomic store--> generation + 1
//!  many Readers --view()--> the generation is read once and held --> look-ups never see a later one
//! ```
//!
//! The table maps a *space* and a key to versions. Three kinds of space share it: the addresses (address -> scope), the
//! apexes (apex -> the zones that claim it, by scope), and one per zone image (owner name -> RRsets, empty
//! non-terminals included). A key has a chain of versions, newest first; a version says from which generation on it is
//! true. A change therefore writes versions that no reader looks at, and then makes all of them true at once: names,
//! empty non-terminals, zones and scopes together. A reader that holds a generation keeps seeing it, across chains, cuts
//! and zones.
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

mod approach;
mod claims;
mod garbage;
mod heap;
mod readers;
mod rrsets;
mod search_name;
mod table;
mod versions;
mod writer;
mod zone_state;
mod zones;

use std::net::IpAddr;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub use approach::Approach;
use claims::Claims;
use heap::Heap;
pub use heap::Memory;
pub use readers::Reader;
pub use rrsets::{RRsetRef, RRsets};
pub use search_name::SearchName;
pub use writer::{ApplyError, Writer};

use crate::published::{AccountNumber, ScopeId, Version, ZoneNumber, ZoneStatus};
use readers::Readers;
use table::Table;
use versions::VersionRef;
use waymark_wire::Serial;
use zone_state::ZoneState;
use zones::Zones;

/// Everything that is answered. Shared by its readers; changed through its one [`Writer`].
pub struct Catalog {
    table: Table,
    readers: Readers,
    counters: Counters,
    /// The zones that are shown, by number.
    zones: Zones,
    apex_depths: Depths,
    /// What everything lies in, once the writer has ended; readers may outlive it.
    remains: Mutex<Option<Heap>>,
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
        Self::with_memory(seed, Memory::Single)
    }

    /// As [`Self::new`], with a word on where its memory comes from.
    pub fn with_memory(seed: u64, memory: Memory) -> (Writer, Arc<Self>) {
        let mut heap = Heap::new(memory);
        let catalog = Arc::new(Self {
            table: Table::new(&mut heap, seed),
            readers: Readers::new(),
            counters: Counters::default(),
            zones: Zones::default(),
            apex_depths: Depths::default(),
            remains: Mutex::new(None),
        });
        (Writer::new(Arc::clone(&catalog), heap), catalog)
    }

    /// A reader of its own for the caller: one per worker thread.
    pub fn reader(self: &Arc<Self>) -> Reader {
        Reader::new(Arc::clone(self))
    }

    /// The octets of a zone, as [`Zone::octets`] has them; none if no such zone is shown.
    pub fn octets_of(&self, zone: ZoneNumber) -> Option<u64> {
        self.zones.octets_of(zone)
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
    state: ZoneState<'v>,
}

/// A zone's place in memory: its image's space, and its facts.
pub(crate) struct ZoneRecord {
    space: u64,
    /// Of its facts (`zone_state`).
    newest: AtomicPtr<versions::Version>,
    /// Octets of the names of its image; written by the writer alone.
    octets: AtomicU64,
    contents: AtomicU8,
}

/// What the names of an image may hold: set before the first of its kind is true, and never cleared, so that a search
/// can leave out steps that can find nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// Wildcards.
    Wildcards = 1,
    /// Zone cuts.
    Cuts = 2,
    /// DNAME RRsets.
    Redirections = 4,
}

impl ZoneRecord {
    /// What it takes of the heap.
    const WORDS: usize = size_of::<Self>() / size_of::<u64>();

    fn new(space: u64, state: NonNull<versions::Version>) -> Self {
        Self { space, newest: AtomicPtr::new(state.as_ptr()), octets: AtomicU64::new(0), contents: AtomicU8::new(0) }
    }

    /// Whether one of its names may have this; false: none has.
    fn may_have(&self, content: Content) -> bool {
        self.contents.load(Ordering::Relaxed) & content as u8 != 0
    }

    /// The octets of its newest facts. For the writer.
    fn newest_octets(&self) -> usize {
        // SAFETY: what the newest pointer leads to is freed by the writer alone, which is here.
        let newest = NonNull::new(self.newest.load(Ordering::Acquire)).map(|at| unsafe { VersionRef::new(at) });
        newest.map_or(0, VersionRef::octets)
    }
}

/// How many labels the apexes of zones have, as a set of numbers from 0 to 127 that only grows: where no apex can be,
/// none is searched.
#[derive(Default)]
struct Depths([AtomicU64; 2]);

impl Depths {
    fn add(&self, labels: usize) {
        self.0[labels / 64 % 2].fetch_or(1 << (labels % 64), Ordering::Relaxed);
    }

    fn has(&self, labels: usize) -> bool {
        self.0[labels / 64 % 2].load(Ordering::Relaxed) >> (labels % 64) & 1 == 1
    }
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
        let scope = self.version(table::ADDRESSES, self.table().hash_bytes(key), key)?.value();
        scope.first_chunk().map(|scope| ScopeId(u32::from_le_bytes(*scope)))
    }

    /// The zone that a name is asked in: the longest match in the scope, else among all active zones. At an address
    /// without a scope of its own: active zones first, then every zone (DESIGN, "Who answers what"). `skip` labels are
    /// cut from the left of the name first.
    pub fn zone_of(&self, scope: Option<ScopeId>, name: &SearchName, skip: usize) -> Option<Zone<'_>> {
        self.zone(self.record_of(scope, name, skip)?.0)
    }

    /// The RRsets of an owner name of `zone`: `name`, which lies in it, with `cut` labels taken from its left. None: the
    /// name does not exist. Empty: it exists for the names below it (RFC 4592 section 2.2.2).
    pub fn owner(&self, zone: Zone<'_>, name: &SearchName, cut: usize) -> Option<RRsets<'_>> {
        debug_assert!(name.suffix(cut).ends_with(zone.apex()));
        self.rrsets(zone, name.hash(cut), name.relative(cut, zone.apex().len()))
    }

    /// The RRsets of the wildcard below `name`, which lies in `zone`, with `cut` labels taken from its left (RFC 4592
    /// section 3.3.1).
    pub fn wildcard(&self, zone: Zone<'_>, name: &SearchName, cut: usize) -> Option<RRsets<'_>> {
        let encloser = name.relative(cut, zone.apex().len());
        let mut key = [0; 2 + waymark_wire::name::NAME_OCTETS_MAX];
        key[..2].copy_from_slice(&[1, b'*']);
        let wildcard = key.get_mut(..encloser.len() + 2)?;
        wildcard[2..].copy_from_slice(encloser);
        self.rrsets(zone, self.wildcard_hash(name, cut), wildcard)
    }

    /// Makes a name ready for look-ups, folded to lower case; none if `wire` is no whole uncompressed name.
    pub fn search_name(&self, wire: &[u8]) -> Option<SearchName> {
        let mut name = SearchName::empty();
        self.read_name(wire, &mut name).then_some(name)
    }

    /// As [`Self::search_name`], into a name that is there; false if `wire` is none.
    pub fn read_name(&self, wire: &[u8], name: &mut SearchName) -> bool {
        name.read(wire, |before, label| self.table().hash_label(before, label))
    }

    /// The record of the zone that a name is asked in, and how many labels stand before its apex.
    fn record_of(&self, scope: Option<ScopeId>, name: &SearchName, skip: usize) -> Option<(&ZoneRecord, usize)> {
        let (first, second) = match scope {
            Some(scope) => (scope, ScopeId::ACTIVE),
            None => (ScopeId::ACTIVE, ScopeId::ALL),
        };
        let mut otherwise = None;
        for cut in self.apex_cuts(name, skip) {
            let Some(apex) = self.version(table::APEXES, name.hash(cut), name.suffix(cut)) else { continue };
            let claims = Claims::new(apex.value());
            if let Some(record) = claims.of(first) {
                return Some((self.record(record), cut));
            }
            otherwise = otherwise.or_else(|| Some((claims.of(second)?, cut)));
        }
        otherwise.map(|(record, cut)| (self.record(record), cut))
    }

    /// Where apexes can be: cuts of the name, from the longest name to the shortest.
    fn apex_cuts(&self, name: &SearchName, skip: usize) -> impl Iterator<Item = usize> {
        let (depths, labels) = (&self.reader.catalog().apex_depths, name.label_count());
        (skip..=labels).filter(move |cut| depths.has(labels - cut))
    }

    fn record(&self, record: NonNull<ZoneRecord>) -> &ZoneRecord {
        // SAFETY: a claim on it is true in the generation held, and a zone record is freed only when no view of a
        // generation that shows it is left (`garbage`).
        unsafe { record.as_ref() }
    }

    fn zone<'v>(&'v self, record: &'v ZoneRecord) -> Option<Zone<'v>> {
        // SAFETY: as in `record`; the view outlives the reference.
        let state = unsafe { versions::at(record.newest.load(Ordering::Acquire), self.generation) }?;
        Some(Zone { record, state: ZoneState::new(state) })
    }

    fn rrsets(&self, zone: Zone<'_>, hash: u64, owner: &[u8]) -> Option<RRsets<'_>> {
        self.version(zone.record.space, hash, owner).map(|version| RRsets::new(version.value()))
    }

    fn wildcard_hash(&self, name: &SearchName, cut: usize) -> u64 {
        self.table().hash_label(name.hash(cut), b"*")
    }

    fn version(&self, space: u64, hash: u64, key: &[u8]) -> Option<VersionRef<'_>> {
        let table = self.table();
        // SAFETY: the reader holds `self.generation` for as long as `self` lives, and the reference lives no longer.
        unsafe {
            let (_, newest) = table.find(table.key(space, hash, key))?;
            versions::at(newest.as_ptr(), self.generation)
        }
    }

    fn table(&self) -> &Table {
        &self.reader.catalog().table
    }
}

impl<'v> Zone<'v> {
    /// Its apex, in lower-case wire form.
    pub fn apex(self) -> &'v [u8] {
        self.state.apex()
    }

    /// Its number.
    pub fn number(self) -> ZoneNumber {
        self.state.number()
    }

    /// Its version.
    pub fn version(self) -> Version {
        self.state.version()
    }

    /// Its serial.
    pub fn serial(self) -> Serial {
        self.state.serial()
    }

    /// Where it stands in its life.
    pub fn status(self) -> ZoneStatus {
        self.state.status()
    }

    /// The data of its SOA record.
    pub fn soa(self) -> &'v [u8] {
        self.state.soa()
    }

    /// The TTL of its SOA record, in seconds.
    pub fn soa_ttl(self) -> u32 {
        self.state.soa_ttl()
    }

    /// How long a negative answer may be kept, in seconds (RFC 2308 section 3).
    pub fn negative_ttl(self) -> u32 {
        self.state.negative_ttl()
    }

    /// Its nameservers, in wire form: the NS RRset of the apex.
    pub fn nameservers(self) -> impl Iterator<Item = &'v [u8]> + Clone {
        self.state.nameservers()
    }

    /// How many it has.
    pub fn nameserver_count(self) -> usize {
        self.state.nameserver_count()
    }

    /// The TTL of that RRset, in seconds.
    pub fn ns_ttl(self) -> u32 {
        self.state.ns_ttl()
    }

    /// Whether answers to those who want DNSSEC carry signatures.
    pub fn is_signed(self) -> bool {
        self.state.is_signed()
    }

    /// Octets that the catalog holds for its names and RRsets, the space of the allocator aside. Of the newest state,
    /// whichever generation the view holds.
    pub fn octets(self) -> u64 {
        self.record.octets.load(Ordering::Relaxed)
    }

    /// Whose it is.
    pub fn account(self) -> AccountNumber {
        self.state.account()
    }

    /// Whether an answer may go on into this zone from one of `account` (DESIGN: proven, or kin).
    pub fn may_be_crossed_into_from(self, account: AccountNumber) -> bool {
        self.account() == account || (self.state.is_proven() && self.status() == ZoneStatus::Active)
    }

    /// Whether one of its names may have this; false: none has.
    pub(crate) fn may_have(self, content: Content) -> bool {
        self.record.may_have(content)
    }
}

#[cfg(test)]
mod tests;
