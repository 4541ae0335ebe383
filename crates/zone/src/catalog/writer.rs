//! The one writer: commits become entries that nobody sees, then one generation that everybody does.
//!
//! [`Writer::apply`] first checks that all of its commits can be carried out, then writes every version with the next
//! generation's number, then publishes that number. [`Writer::stage_zone`] and [`Writer::stage_rrsets`] fill the image
//! of a zone in a space that no entry leads to, however long that takes; a commit that says `Replace`, or
//! [`Writer::publish_staged`], puts it in place.
#![allow(unsafe_code)]

mod names;

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, PoisonError};

use waymark_wire::name::is_at_or_below;
use waymark_wire::{Name, RecordType, Serial};

use super::garbage::{Garbage, Piece};
use super::heap::{Heap, Size};
use super::search_name::SearchName;
use super::table;
use super::versions::{self, Key, VersionRef};
use super::zone_state::{self, ZoneState};
use super::{Catalog, ZoneRecord};
use crate::published::{
    Change, Commit, Entry, Incarnation, Position, RRset, ScopeChange, ScopeId, Version, ZoneHeader, ZoneNumber,
};

/// Why commits cannot be applied. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The commits belong to another life of the journal: take a snapshot.
    #[error("the commit is of another incarnation of the journal")]
    Incarnation,
    /// A position is missing: read the journal, or take a snapshot.
    #[error("the catalog is at position {}, so position {} cannot follow", .at.0, .got.0)]
    Gap {
        /// The catalog's position.
        at: Position,
        /// The commit's.
        got: Position,
    },
    /// A commit replaces a zone whose image was not staged: fetch it.
    #[error("zone {} is to be replaced, and its image has not been staged", .0.0)]
    ImageMissing(ZoneNumber),
    /// An entry is about a zone that nobody has heard of, or a name outside its zone.
    #[error("the entry for zone {} does not fit the catalog", .0.0)]
    Unfit(ZoneNumber),
}

/// The right to change the catalog.
pub struct Writer {
    catalog: Arc<Catalog>,
    heap: Heap,
    garbage: Garbage,
    staged: BTreeMap<ZoneNumber, NonNull<ZoneRecord>>,
    scopes: BTreeMap<ScopeId, Vec<IpAddr>>,
    next_space: u64,
    incarnation: Incarnation,
    position: Position,
    torn: bool,
}

// SAFETY: the raw pointers lead to what only the writer frees; readers reach them through atomics. Nothing here is
// bound to a thread.
unsafe impl Send for Writer {}

/// From when on staged versions are true: always, because nobody can reach them before they are put in place.
const ALWAYS: u64 = 0;

impl Writer {
    pub(super) fn new(catalog: Arc<Catalog>, heap: Heap) -> Self {
        Self {
            catalog,
            heap,
            garbage: Garbage::new(),
            staged: BTreeMap::new(),
            scopes: BTreeMap::new(),
            next_space: table::IMAGES,
            incarnation: Incarnation::default(),
            position: Position::default(),
            torn: false,
        }
    }

    /// The position that the catalog shows.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The journal's life that the position belongs to.
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// The version of a zone that the catalog shows.
    pub fn version(&self, zone: ZoneNumber) -> Option<Version> {
        self.shown(zone).map(|record| self.state(record).version())
    }

    /// Makes every step of a commit visible by itself. This breaks the promise of this module on purpose: the test
    /// that proves the promise must fail with it.
    #[doc(hidden)]
    pub fn tear_commits(&mut self) {
        self.torn = true;
    }

    /// Begins an image of a zone that nobody sees. An image staged before for the same zone is given up.
    pub fn stage_zone(&mut self, zone: ZoneNumber, version: Version, serial: Serial, header: ZoneHeader) {
        let record = self.new_image(zone, version, serial, &header);
        if let Some(given_up) = self.staged.insert(zone, record) {
            self.discard(given_up);
        }
    }

    /// Gives up every image that was staged and not put in place.
    pub fn discard_staged(&mut self) {
        let given_up: Vec<_> = std::mem::take(&mut self.staged).into_values().collect();
        given_up.into_iter().for_each(|record| self.discard(record));
    }

    /// Adds RRsets to the image of a zone; those of one owner name in one call. RRsets of names outside the zone are
    /// left out, as they could never be asked for.
    pub fn stage_rrsets(&mut self, zone: ZoneNumber, rrsets: &[RRset]) {
        let Some(&record) = self.staged.get(&zone) else { return };
        for (owner, change) in by_owner(&[], rrsets) {
            self.change_owner(ALWAYS, record, owner, &change);
        }
    }

    /// Makes the staged zones and these scopes the whole truth, in one step.
    pub fn publish_staged(&mut self, incarnation: Incarnation, position: Position, scopes: &[ScopeChange]) {
        let from = self.next_generation();
        let staged: BTreeSet<ZoneNumber> = self.staged.keys().copied().collect();
        let shown = self.catalog.zones.numbers().into_iter();
        shown.filter(|zone| !staged.contains(zone)).for_each(|zone| self.remove_zone(from, zone));
        staged.into_iter().for_each(|zone| self.put_staged(from, zone));
        let kept: BTreeSet<ScopeId> = scopes.iter().map(|change| change.scope).collect();
        let left: Vec<ScopeId> = self.scopes.keys().filter(|scope| !kept.contains(scope)).copied().collect();
        for scope in left {
            self.change_scope(from, &ScopeChange { scope, addresses: Vec::new() });
        }
        scopes.iter().for_each(|change| self.change_scope(from, change));
        self.incarnation = incarnation;
        self.publish(position);
    }

    /// Makes commits true, all of them in one step. Entries for a version that the catalog already shows are passed
    /// over. An error changes nothing.
    pub fn apply<C: Borrow<Commit>>(&mut self, commits: &[C]) -> Result<(), ApplyError> {
        self.check(commits)?;
        let Some(last) = commits.last() else { return Ok(()) };
        for commit in commits.iter().map(C::borrow) {
            commit.scopes.iter().for_each(|change| self.change_scope(self.next_generation(), change));
            commit.entries.iter().for_each(|entry| self.carry_out(entry));
        }
        self.publish(last.borrow().position);
        Ok(())
    }

    /// Returns memory that readers have passed; a bounded amount per call. True: there is more to do.
    pub fn collect(&mut self) -> bool {
        let (oldest, next) = (self.catalog.readers.oldest_held(), self.next_generation());
        let collected = self.garbage.collect(&self.catalog.table, &mut self.heap, oldest, next);
        let counters = &self.catalog.counters;
        counters.names.fetch_sub(collected.names, Ordering::Relaxed);
        counters.rrsets.fetch_sub(collected.rrsets, Ordering::Relaxed);
        counters.bytes.fetch_sub(collected.bytes, Ordering::Relaxed);
        counters.garbage.store(self.garbage.len() as u64, Ordering::Relaxed);
        if self.garbage.is_empty() {
            return false;
        }
        // A generation without a change: what was queued for it is passed once readers come by again.
        self.catalog.readers.publish(next);
        true
    }

    fn check<C: Borrow<Commit>>(&self, commits: &[C]) -> Result<(), ApplyError> {
        let mut at = self.position;
        let mut apexes: BTreeMap<ZoneNumber, Option<Box<[u8]>>> = BTreeMap::new();
        for commit in commits.iter().map(C::borrow) {
            if commit.incarnation != self.incarnation {
                return Err(ApplyError::Incarnation);
            }
            if commit.position != at.next() {
                return Err(ApplyError::Gap { at, got: commit.position });
            }
            at = commit.position;
            commit.entries.iter().try_for_each(|entry| self.check_entry(entry, &mut apexes))?;
        }
        Ok(())
    }

    /// `apexes` has the zones that earlier entries of the same call made, changed or removed.
    fn check_entry(
        &self,
        entry: &Entry,
        apexes: &mut BTreeMap<ZoneNumber, Option<Box<[u8]>>>,
    ) -> Result<(), ApplyError> {
        let zone = entry.zone;
        match &entry.change {
            Change::Gone => {
                apexes.insert(zone, None);
            }
            Change::Replace => {
                let apex = match (self.version(zone), self.staged.get(&zone)) {
                    (Some(shown), _) if shown >= entry.version => return Ok(()),
                    (_, Some(staged)) => self.state(*staged).apex().into(),
                    (_, None) => return Err(ApplyError::ImageMissing(zone)),
                };
                apexes.insert(zone, Some(apex));
            }
            Change::Delta { header, removed, added } => {
                let known = match apexes.get(&zone) {
                    Some(apex) => apex.clone(),
                    None => self.shown(zone).map(|record| self.state(record).apex().into()),
                };
                let apex = header.as_ref().map(|header| header.apex.as_wire().into()).or(known);
                let apex: Box<[u8]> = apex.ok_or(ApplyError::Unfit(zone))?;
                if !removed.iter().chain(added).all(|rrset| is_at_or_below(rrset.owner.as_wire(), &apex)) {
                    return Err(ApplyError::Unfit(zone));
                }
                apexes.insert(zone, Some(apex));
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, entry: &Entry) {
        if self.version(entry.zone).is_some_and(|shown| shown >= entry.version) {
            return;
        }
        match &entry.change {
            Change::Gone => self.remove_zone(self.next_generation(), entry.zone),
            Change::Replace => {
                self.put_staged(self.next_generation(), entry.zone);
                self.step();
            }
            Change::Delta { header, removed, added } => {
                let Some(record) = self.zone_to_change(entry, header.as_ref()) else { return };
                for (owner, change) in by_owner(removed, added) {
                    self.change_owner(self.next_generation(), record, owner, &change);
                    self.step();
                }
                self.change_state(record, entry, header.as_ref());
                self.step();
            }
        }
    }

    /// The record of the entry's zone; a zone that is not there yet is made, unseen.
    fn zone_to_change(&mut self, entry: &Entry, header: Option<&ZoneHeader>) -> Option<NonNull<ZoneRecord>> {
        if let Some(record) = self.shown(entry.zone) {
            return Some(record);
        }
        let unseen = ZoneHeader { scopes: Vec::new(), ..header?.clone() };
        let record = self.new_image(entry.zone, Version(0), entry.serial, &unseen);
        self.show(entry.zone, record);
        Some(record)
    }

    /// An image of a zone in a space of its own, with nothing but its apex.
    fn new_image(
        &mut self,
        zone: ZoneNumber,
        version: Version,
        serial: Serial,
        header: &ZoneHeader,
    ) -> NonNull<ZoneRecord> {
        let space = self.next_space;
        self.next_space += 1;
        let apex = self.search_name(header.apex.as_wire());
        let packed = zone_state::pack(zone, version, serial, header);
        let key = state_key(header.apex.as_wire());
        let state = versions::make(&mut self.heap, key, ALWAYS, Some(&packed), 0, ptr::null_mut());
        let record = self.heap.take(Size::Words(ZoneRecord::WORDS)).cast();
        const { assert!(align_of::<ZoneRecord>() <= align_of::<u64>()) };
        // SAFETY: the block is new, and has room and alignment for a record.
        unsafe { record.write(ZoneRecord::new(space, state)) };
        let octets = self.record(record).newest_octets() as u64;
        self.catalog.counters.bytes.fetch_add(octets, Ordering::Relaxed);
        self.set_owner(ALWAYS, record, &apex, 0, Some(&[]));
        record
    }

    /// The zone that is shown under this number.
    fn shown(&self, zone: ZoneNumber) -> Option<NonNull<ZoneRecord>> {
        self.catalog.zones.get(zone)
    }

    /// Counts a zone as one that is there; gives the one whose place it takes.
    fn show(&mut self, zone: ZoneNumber, record: NonNull<ZoneRecord>) -> Option<NonNull<ZoneRecord>> {
        let before = self.catalog.zones.insert(zone, record);
        let octets = |record| self.record(record).octets.load(Ordering::Relaxed);
        let counters = &self.catalog.counters;
        counters.zone_octets.fetch_add(octets(record), Ordering::Relaxed);
        match before {
            Some(before) => counters.zone_octets.fetch_sub(octets(before), Ordering::Relaxed),
            None => counters.zones.fetch_add(1, Ordering::Relaxed),
        };
        before
    }

    /// The opposite of [`Self::show`].
    fn hide(&mut self, zone: ZoneNumber) -> Option<NonNull<ZoneRecord>> {
        let record = self.catalog.zones.remove(zone)?;
        let counters = &self.catalog.counters;
        counters.zones.fetch_sub(1, Ordering::Relaxed);
        counters.zone_octets.fetch_sub(self.record(record).octets.load(Ordering::Relaxed), Ordering::Relaxed);
        Some(record)
    }

    fn change_state(&mut self, record: NonNull<ZoneRecord>, entry: &Entry, header: Option<&ZoneHeader>) {
        let from = self.next_generation();
        let Some(header) = header else {
            let renewed = zone_state::renewed(self.state(record), entry.version, entry.serial);
            return self.set_state(from, record, None, &renewed);
        };
        let old = Mapped::of(self.state(record));
        let packed = zone_state::pack(entry.zone, entry.version, entry.serial, header);
        self.set_state(from, record, Some(header.apex.as_wire()), &packed);
        let new = Mapped::of_header(header);
        if old != new {
            self.map(from, record, &old, &new);
        }
    }

    fn remove_zone(&mut self, from: u64, zone: ZoneNumber) {
        let Some(record) = self.hide(zone) else { return };
        let old = Mapped::of(self.state(record));
        self.map(from, record, &old, &Mapped::nowhere(&old));
        self.discard(record);
    }

    fn put_staged(&mut self, from: u64, zone: ZoneNumber) {
        let Some(new) = self.staged.remove(&zone) else { return };
        let mapped = Mapped::of(self.state(new));
        if let Some(old) = self.show(zone, new) {
            let before = Mapped::of(self.state(old));
            let kept = before.apex == mapped.apex;
            // Where both are mapped, the new one takes the old one's place in one step.
            let scopes = before.scopes.iter().filter(|scope| !(kept && mapped.scopes.contains(scope))).copied();
            let leaves = Mapped { scopes: scopes.collect(), apex: before.apex.clone() };
            self.map(from, old, &leaves, &Mapped::nowhere(&leaves));
            self.discard(old);
        }
        self.map(from, new, &Mapped::nowhere(&mapped), &mapped);
    }

    /// Leads the apex and scopes of `new` to `record`, and takes those of `old` away that `new` lacks, unless another
    /// zone has taken them meanwhile.
    fn map(&mut self, from: u64, record: NonNull<ZoneRecord>, old: &Mapped, new: &Mapped) {
        if old.apex != new.apex {
            self.map(from, record, old, &Mapped::nowhere(old));
        }
        let apex = self.search_name(&new.apex);
        let mut claims = self.claims(&apex);
        if old.apex == new.apex {
            claims
                .retain(|scope, holder| new.scopes.contains(scope) || !old.scopes.contains(scope) || *holder != record);
        }
        claims.extend(new.scopes.iter().map(|scope| (*scope, record)));
        self.set_claims(from, &apex, claims);
    }

    fn change_scope(&mut self, from: u64, change: &ScopeChange) {
        let old = match change.addresses.is_empty() {
            true => self.scopes.remove(&change.scope),
            false => self.scopes.insert(change.scope, change.addresses.clone()),
        };
        for address in old.unwrap_or_default() {
            let held = self.latest_scope(address) == Some(change.scope);
            if held && !change.addresses.contains(&address) {
                self.set_address(from, address, None);
            }
        }
        for address in &change.addresses {
            self.set_address(from, *address, Some(change.scope));
        }
    }

    /// Frees a zone and its image once nobody can see them.
    fn discard(&mut self, record: NonNull<ZoneRecord>) {
        let space = self.record(record).space;
        let next = self.next_generation();
        self.garbage.push(next, Piece::Zone(record));
        self.garbage.push(next, Piece::Image(space));
    }

    /// Gives a zone new facts; `apex` none: its apex stays.
    fn set_state(&mut self, from: u64, record: NonNull<ZoneRecord>, apex: Option<&[u8]>, packed: &[u8]) {
        // SAFETY: the writer hands around records that are alive: see `record`.
        let record = unsafe { record.as_ref() };
        let Some(old) = NonNull::new(record.newest.load(Ordering::Acquire)) else { return };
        // SAFETY: the newest version is freed by the writer alone, after it was superseded.
        let old = unsafe { VersionRef::new(old) };
        let key = state_key(apex.unwrap_or(old.key()));
        let new = self.supersede(from, &record.newest, old, key, Some(packed));
        let bytes = &self.catalog.counters.bytes;
        bytes.fetch_add(new.octets() as u64, Ordering::Relaxed);
        bytes.fetch_sub(old.octets() as u64, Ordering::Relaxed);
    }

    /// Puts a new version in the place of the newest one, and sees to the memory of what it supersedes.
    fn supersede<'v>(
        &mut self,
        from: u64,
        newest: &AtomicPtr<versions::Version>,
        old: VersionRef<'_>,
        key: Key<'_>,
        value: Option<&[u8]>,
    ) -> VersionRef<'v> {
        let next = self.next_generation();
        // A version of the same generation was never true: it is replaced, though readers may be walking over it.
        let replaced = old.from() == from;
        let older = if replaced { old.older() } else { old.as_ptr() };
        let new = versions::make(&mut self.heap, key, from, value, old.children().load(Ordering::Relaxed), older);
        newest.store(new.as_ptr(), Ordering::Release);
        if !older.is_null() {
            self.garbage.push(next, Piece::Trim(new));
        }
        if let Some(old_at) = NonNull::new(old.as_ptr()).filter(|_| replaced) {
            old.set_replaced();
            self.garbage.push(next, Piece::Version(old_at));
        }
        // SAFETY: what was just linked is freed by the writer alone, in a later step.
        unsafe { VersionRef::new(new) }
    }

    fn record(&self, record: NonNull<ZoneRecord>) -> &ZoneRecord {
        // SAFETY: the writer hands around records that are shown or staged, or have just been taken out of these;
        // `garbage` alone frees records, and not before it is handed them and the writer has published.
        unsafe { record.as_ref() }
    }

    /// The newest facts of a zone.
    fn state(&self, record: NonNull<ZoneRecord>) -> ZoneState<'_> {
        match NonNull::new(self.record(record).newest.load(Ordering::Acquire)) {
            // SAFETY: the newest version is freed by the writer alone, which is borrowed meanwhile.
            Some(newest) => ZoneState::new(unsafe { VersionRef::new(newest) }),
            None => unreachable!("a zone record is made with its state and never loses it"),
        }
    }

    fn next_generation(&self) -> u64 {
        self.catalog.readers.generation() + 1
    }

    /// The end of a step inside a commit: nothing, unless commits are torn for the test of tests.
    fn step(&mut self) {
        if self.torn {
            self.catalog.readers.publish(self.next_generation());
        }
    }

    fn publish(&mut self, position: Position) {
        self.position = position;
        self.catalog.counters.position.store(position.0, Ordering::Relaxed);
        self.catalog.readers.publish(self.next_generation());
        self.collect();
    }

    /// The name of this wire form, which is that of a [`Name`].
    fn search_name(&self, wire: &[u8]) -> SearchName {
        let mut name = SearchName::empty();
        let is_name = name.read(wire, |before, label: &[u8]| self.catalog.table.hash_label(before, label));
        debug_assert!(is_name, "a Name is a whole uncompressed name");
        name
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let heap = std::mem::replace(&mut self.heap, Heap::new(super::Memory::Single));
        self.catalog.remains.lock().unwrap_or_else(PoisonError::into_inner).replace(heap);
    }
}

/// Where an apex leads to a zone.
#[derive(Clone, PartialEq, Eq)]
struct Mapped {
    /// In wire form.
    apex: Box<[u8]>,
    scopes: Vec<ScopeId>,
}

impl Mapped {
    fn of(state: ZoneState<'_>) -> Self {
        Self { apex: state.apex().into(), scopes: state.scopes().collect() }
    }

    fn of_header(header: &ZoneHeader) -> Self {
        Self { apex: header.apex.as_wire().into(), scopes: header.scopes.clone() }
    }

    fn nowhere(other: &Self) -> Self {
        Self { apex: other.apex.clone(), scopes: Vec::new() }
    }
}

/// The key of a zone's facts: found by the record, so neither space nor hash counts.
fn state_key(apex: &[u8]) -> Key<'_> {
    Key { space: 0, hash: 0, octets: apex }
}

/// What happens to one owner name.
#[derive(Default)]
struct OwnerChange<'c> {
    /// Types whose RRsets end, those that are added again included.
    without: Vec<RecordType>,
    added: Vec<&'c RRset>,
}

fn by_owner<'c>(removed: &'c [RRset], added: &'c [RRset]) -> BTreeMap<&'c Name, OwnerChange<'c>> {
    let mut owners: BTreeMap<&Name, OwnerChange<'_>> = BTreeMap::new();
    for rrset in removed {
        owners.entry(&rrset.owner).or_default().without.push(rrset.record_type);
    }
    for rrset in added {
        let change = owners.entry(&rrset.owner).or_default();
        change.without.push(rrset.record_type);
        change.added.push(rrset);
    }
    owners
}
