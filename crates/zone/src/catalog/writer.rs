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
use std::ptr::NonNull;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use waymark_wire::{Name, RecordType, Serial};

use super::garbage::{Garbage, Piece, Remains};
use super::search_name::SearchName;
use super::table::{self, Entry as Slot};
use super::versions::Versions;
use super::{Catalog, ZoneRecord, ZoneState};
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
    garbage: Garbage,
    zones: BTreeMap<ZoneNumber, NonNull<ZoneRecord>>,
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
    pub(super) fn new(catalog: Arc<Catalog>) -> Self {
        Self {
            catalog,
            garbage: Garbage::new(),
            zones: BTreeMap::new(),
            staged: BTreeMap::new(),
            scopes: BTreeMap::new(),
            next_space: 1,
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
        self.zones.get(&zone).map(|record| self.state(*record).version)
    }

    /// Makes every step of a commit visible by itself. This breaks the promise of this module on purpose: the test
    /// that proves the promise must fail with it.
    #[doc(hidden)]
    pub fn tear_commits(&mut self) {
        self.torn = true;
    }

    /// Begins an image of a zone that nobody sees. An image staged before for the same zone is given up.
    pub fn stage_zone(&mut self, zone: ZoneNumber, version: Version, serial: Serial, header: ZoneHeader) {
        let record = self.new_image(zone, version, serial, header);
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
        let gone: Vec<ZoneNumber> = self.zones.keys().filter(|zone| !staged.contains(zone)).copied().collect();
        gone.into_iter().for_each(|zone| self.remove_zone(from, zone));
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
        let collected = self.garbage.collect(&self.catalog.table, oldest, next);
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
        let mut apexes: BTreeMap<ZoneNumber, Option<Name>> = BTreeMap::new();
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
    fn check_entry(&self, entry: &Entry, apexes: &mut BTreeMap<ZoneNumber, Option<Name>>) -> Result<(), ApplyError> {
        let zone = entry.zone;
        match &entry.change {
            Change::Gone => {
                apexes.insert(zone, None);
            }
            Change::Replace => {
                let apex = match (self.version(zone), self.staged.get(&zone)) {
                    (Some(shown), _) if shown >= entry.version => return Ok(()),
                    (_, Some(staged)) => self.state(*staged).header.apex.clone(),
                    (_, None) => return Err(ApplyError::ImageMissing(zone)),
                };
                apexes.insert(zone, Some(apex));
            }
            Change::Delta { header, removed, added } => {
                let known = match apexes.get(&zone) {
                    Some(apex) => apex.clone(),
                    None => self.zones.get(&zone).map(|record| self.state(*record).header.apex.clone()),
                };
                let apex = header.as_ref().map(|header| header.apex.clone()).or(known);
                let apex = apex.ok_or(ApplyError::Unfit(zone))?;
                if !removed.iter().chain(added).all(|rrset| rrset.owner.is_at_or_below(&apex)) {
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
        if let Some(record) = self.zones.get(&entry.zone) {
            return Some(*record);
        }
        let unseen = ZoneHeader { scopes: Vec::new(), ..header?.clone() };
        let record = self.new_image(entry.zone, Version(0), entry.serial, unseen);
        self.show(entry.zone, record);
        Some(record)
    }

    /// An image of a zone in a space of its own, with nothing but its apex.
    fn new_image(
        &mut self,
        zone: ZoneNumber,
        version: Version,
        serial: Serial,
        header: ZoneHeader,
    ) -> NonNull<ZoneRecord> {
        let space = self.next_space;
        self.next_space += 1;
        let record = ZoneRecord { space, versions: Versions::new(), octets: Arc::default() };
        let apex = self.search_name(&header.apex);
        record.versions.set(ALWAYS, Some(ZoneState::new(zone, version, serial, Arc::new(header))));
        let record = NonNull::from(Box::leak(Box::new(record)));
        self.set_owner(ALWAYS, record, &apex, 0, Some(Box::default()));
        record
    }

    /// Counts a zone as one that is there; gives the one whose place it takes.
    fn show(&mut self, zone: ZoneNumber, record: NonNull<ZoneRecord>) -> Option<NonNull<ZoneRecord>> {
        let before = self.zones.insert(zone, record);
        let (octets, counters) = (Arc::clone(&self.record(record).octets), &self.catalog.counters);
        counters.zone_octets.fetch_add(octets.load(Ordering::Relaxed), Ordering::Relaxed);
        match before {
            Some(before) => {
                counters.zone_octets.fetch_sub(self.record(before).octets.load(Ordering::Relaxed), Ordering::Relaxed)
            }
            None => counters.zones.fetch_add(1, Ordering::Relaxed),
        };
        self.catalog.octets.lock().unwrap_or_else(PoisonError::into_inner).insert(zone, octets);
        before
    }

    /// The opposite of [`Self::show`].
    fn hide(&mut self, zone: ZoneNumber) -> Option<NonNull<ZoneRecord>> {
        let record = self.zones.remove(&zone)?;
        let counters = &self.catalog.counters;
        counters.zones.fetch_sub(1, Ordering::Relaxed);
        counters.zone_octets.fetch_sub(self.record(record).octets.load(Ordering::Relaxed), Ordering::Relaxed);
        self.catalog.octets.lock().unwrap_or_else(PoisonError::into_inner).remove(&zone);
        Some(record)
    }

    fn change_state(&mut self, record: NonNull<ZoneRecord>, entry: &Entry, header: Option<&ZoneHeader>) {
        let from = self.next_generation();
        let old = Arc::clone(&self.state(record).header);
        let new = header.map_or_else(|| Arc::clone(&old), |header| Arc::new(header.clone()));
        self.set_state(from, record, ZoneState::new(entry.zone, entry.version, entry.serial, Arc::clone(&new)));
        if old.scopes != new.scopes || old.apex != new.apex {
            self.unmap(from, record, &old, &new);
            self.map(from, record, &new);
        }
    }

    fn remove_zone(&mut self, from: u64, zone: ZoneNumber) {
        let Some(record) = self.hide(zone) else { return };
        let header = Arc::clone(&self.state(record).header);
        let nowhere = ZoneHeader { scopes: Vec::new(), ..(*header).clone() };
        self.unmap(from, record, &header, &nowhere);
        self.discard(record);
    }

    fn put_staged(&mut self, from: u64, zone: ZoneNumber) {
        let Some(new) = self.staged.remove(&zone) else { return };
        let header = Arc::clone(&self.state(new).header);
        if let Some(old) = self.show(zone, new) {
            let old_header = Arc::clone(&self.state(old).header);
            self.unmap(from, old, &old_header, &header);
            self.discard(old);
        }
        self.map(from, new, &header);
    }

    /// Leads the scopes of `header` to `record`.
    fn map(&mut self, from: u64, record: NonNull<ZoneRecord>, header: &ZoneHeader) {
        let apex = self.search_name(&header.apex);
        for scope in &header.scopes {
            self.set(from, table::scope_space(*scope), &apex, 0, Some(Slot::Zone(record)));
        }
    }

    /// Takes away the scopes of `old` that `new` lacks, unless another zone has taken them meanwhile.
    fn unmap(&mut self, from: u64, record: NonNull<ZoneRecord>, old: &ZoneHeader, new: &ZoneHeader) {
        let apex = self.search_name(&old.apex);
        for scope in old.scopes.iter().filter(|scope| new.apex != old.apex || !new.scopes.contains(scope)) {
            let space = table::scope_space(*scope);
            if matches!(self.latest(space, &apex, 0), Some(Slot::Zone(holder)) if *holder == record) {
                self.set(from, space, &apex, 0, None);
            }
        }
    }

    fn change_scope(&mut self, from: u64, change: &ScopeChange) {
        let old = match change.addresses.is_empty() {
            true => self.scopes.remove(&change.scope),
            false => self.scopes.insert(change.scope, change.addresses.clone()),
        };
        for address in old.unwrap_or_default() {
            let held = matches!(self.latest_address(address), Some(Slot::Scope(holder)) if *holder == change.scope);
            if held && !change.addresses.contains(&address) {
                self.set_address(from, address, None);
            }
        }
        for address in &change.addresses {
            self.set_address(from, *address, Some(Slot::Scope(change.scope)));
        }
    }

    /// Frees a zone and its image once nobody can see them.
    fn discard(&mut self, record: NonNull<ZoneRecord>) {
        let space = self.record(record).space;
        let next = self.next_generation();
        self.garbage.push(next, Piece::Zone(record));
        self.garbage.push(next, Piece::Image(space));
    }

    fn set_state(&mut self, from: u64, record: NonNull<ZoneRecord>, state: ZoneState) {
        let replaced = self.record(record).versions.set(from, Some(state));
        let piece = replaced.map_or(Piece::TrimZone(record), Piece::StateVersion);
        self.garbage.push(self.next_generation(), piece);
    }

    fn record(&self, record: NonNull<ZoneRecord>) -> &ZoneRecord {
        // SAFETY: the writer hands around records that are in `zones` or `staged`, or have just been taken out of them;
        // `garbage` alone frees records, and not before it is handed them and the writer has published.
        unsafe { record.as_ref() }
    }

    fn state(&self, record: NonNull<ZoneRecord>) -> &ZoneState {
        match self.record(record).versions.latest() {
            Some(state) => state,
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

    fn search_name(&self, name: &Name) -> SearchName {
        let hash = |before, label: &[u8]| self.catalog.table.hash_label(before, label);
        match SearchName::new(name.as_wire(), hash) {
            Some(name) => name,
            None => unreachable!("a Name is a whole uncompressed name"),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let (zones, staged) = (std::mem::take(&mut self.zones), std::mem::take(&mut self.staged));
        let zones = zones.into_values().chain(staged.into_values()).collect();
        let garbage = std::mem::replace(&mut self.garbage, Garbage::new());
        let remains = Remains::new(garbage, zones);
        self.catalog.remains.lock().unwrap_or_else(PoisonError::into_inner).replace(remains);
    }
}

impl ZoneState {
    fn new(number: ZoneNumber, version: Version, serial: Serial, header: Arc<ZoneHeader>) -> Self {
        let soa = header.soa.rdata(serial).into_boxed_slice();
        Self { number, version, serial, header, soa }
    }
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
