//! Changing single entries: an owner name with the empty non-terminals above it, an apex in a scope, an address.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering};

use waymark_wire::{Name, RecordType};

use super::super::claims::{self, Claims};
use super::super::garbage::Piece;
use super::super::rrsets::{self, RRsets};
use super::super::search_name::SearchName;
use super::super::table::{self, IMAGES};
use super::super::versions::{self, Key, Version, VersionRef};
use super::super::{Content, ZoneRecord};
use super::{ALWAYS, OwnerChange, Writer};
use crate::published::ScopeId;

impl Writer {
    /// Gives an owner name its new RRsets; keeps the empty non-terminals between it and the apex right.
    pub(super) fn change_owner(
        &mut self,
        from: u64,
        zone: NonNull<ZoneRecord>,
        owner: &Name,
        change: &OwnerChange<'_>,
    ) {
        let space = self.record(zone).space;
        let owner = self.search_name(owner.as_wire());
        let Some(apex_at) = owner.cut_to(self.state(zone).apex()) else { return };
        // All of these are looked at, one by one.
        for cut in 0..=apex_at {
            // SAFETY: this is the writer.
            unsafe { self.catalog.table.prefetch_slot(space, owner.hash(cut)) };
        }
        let (existed, packed) = {
            let old = self.latest_owner(zone, &owner, 0).map(|version| RRsets::new(version.value()));
            (old.is_some(), rrsets::pack(old.unwrap_or(RRsets::new(&[])), &change.without, &change.added))
        };
        let stays = !packed.is_empty() || apex_at == 0 || self.children(zone, &owner, 0) > 0;
        if stays {
            self.set_owner(from, zone, &owner, 0, Some(&packed));
        } else if existed {
            self.set_owner(from, zone, &owner, 0, None);
        }
        match (existed, stays) {
            (false, true) => self.link(from, zone, &owner, apex_at),
            (true, false) => self.unlink(from, zone, &owner, apex_at),
            _ => {}
        }
    }

    /// A name has come to exist: its ancestors do too (RFC 4592 section 2.2.2).
    fn link(&mut self, from: u64, zone: NonNull<ZoneRecord>, name: &SearchName, apex_at: usize) {
        for cut in 1..=apex_at {
            let existed = self.latest_owner(zone, name, cut).is_some();
            if !existed {
                self.set_owner(from, zone, name, cut, Some(&[]));
            }
            if let Some(ancestor) = self.newest_owner(zone, name, cut) {
                ancestor.children().fetch_add(1, Ordering::Relaxed);
            }
            if existed {
                return;
            }
        }
    }

    /// A name has ceased to exist: so do ancestors that existed for it alone.
    fn unlink(&mut self, from: u64, zone: NonNull<ZoneRecord>, name: &SearchName, apex_at: usize) {
        for cut in 1..=apex_at {
            let Some(ancestor) = self.newest_owner(zone, name, cut) else { return };
            let children = ancestor.children().fetch_sub(1, Ordering::Relaxed) - 1;
            let empty = ancestor.exists() && ancestor.value().is_empty();
            if children > 0 || !empty || cut == apex_at {
                return;
            }
            self.set_owner(from, zone, name, cut, None);
        }
    }

    /// Writes a version of an owner name, and counts it for its zone.
    pub(super) fn set_owner(
        &mut self,
        from: u64,
        zone: NonNull<ZoneRecord>,
        name: &SearchName,
        cut: usize,
        packed: Option<&[u8]>,
    ) {
        self.note_contents(zone, name, cut, packed.unwrap_or_default());
        let key = self.owner_key(zone, name, cut);
        let grown = self.set_entry(from, key, packed);
        self.record(zone).octets.fetch_add(grown as u64, Ordering::Relaxed);
        if from != ALWAYS {
            self.catalog.counters.zone_octets.fetch_add(grown as u64, Ordering::Relaxed);
        }
    }

    /// Says what a search in this zone has to look for from now on.
    fn note_contents(&self, zone: NonNull<ZoneRecord>, name: &SearchName, cut: usize, packed: &[u8]) {
        let rrsets = RRsets::new(packed);
        let below_apex = name.suffix(cut).len() > self.state(zone).apex().len();
        let contents = [
            (Content::Wildcards, name.suffix(cut).starts_with(&[1, b'*'])),
            (Content::Cuts, below_apex && rrsets.get(RecordType::NS).is_some()),
            (Content::Redirections, rrsets.get(RecordType::DNAME).is_some()),
        ];
        let bits = contents.iter().filter(|(_, is)| *is).fold(0, |bits, (content, _)| bits | *content as u8);
        self.record(zone).contents.fetch_or(bits, Ordering::Relaxed);
    }

    /// The claims on an apex in the newest state.
    pub(super) fn claims(&self, apex: &SearchName) -> BTreeMap<ScopeId, NonNull<ZoneRecord>> {
        let newest = self.newest(self.apex_key(apex)).filter(|newest| newest.exists());
        newest.map(|newest| Claims::new(newest.value()).iter().collect()).unwrap_or_default()
    }

    /// Writes the claims on an apex, if they are not what they were.
    pub(super) fn set_claims(&mut self, from: u64, apex: &SearchName, claims: BTreeMap<ScopeId, NonNull<ZoneRecord>>) {
        self.catalog.apex_depths.add(apex.label_count());
        let packed = claims::pack(&claims.into_iter().collect::<Vec<_>>());
        let key = self.apex_key(apex);
        let is_there = self.newest(key).is_some_and(|newest| newest.value() == packed);
        if !is_there {
            self.set_entry(from, key, (!packed.is_empty()).then_some(&packed[..]));
        }
    }

    pub(super) fn set_address(&mut self, from: u64, address: IpAddr, scope: Option<ScopeId>) {
        let mut octets = [0; 16];
        let key = table::address_key(address, &mut octets);
        let key = self.catalog.table.key(table::ADDRESSES, self.catalog.table.hash_bytes(key), key);
        let scope = scope.map(|scope| scope.0.to_le_bytes());
        self.set_entry(from, key, scope.as_ref().map(<[u8; 4]>::as_slice));
    }

    /// The scope of an address in the newest state.
    pub(super) fn latest_scope(&self, address: IpAddr) -> Option<ScopeId> {
        let mut octets = [0; 16];
        let key = table::address_key(address, &mut octets);
        let newest = self.newest(self.catalog.table.key(table::ADDRESSES, self.catalog.table.hash_bytes(key), key))?;
        newest.value().first_chunk().map(|scope| ScopeId(u32::from_le_bytes(*scope)))
    }

    /// What an owner name stands for in the newest state.
    fn latest_owner(&self, zone: NonNull<ZoneRecord>, name: &SearchName, cut: usize) -> Option<VersionRef<'_>> {
        self.newest_owner(zone, name, cut).filter(|newest| newest.exists())
    }

    fn children(&self, zone: NonNull<ZoneRecord>, name: &SearchName, cut: usize) -> u32 {
        self.newest_owner(zone, name, cut).map_or(0, |newest| newest.children().load(Ordering::Relaxed))
    }

    /// The newest version of an owner name, be it that it does not exist.
    fn newest_owner(&self, zone: NonNull<ZoneRecord>, name: &SearchName, cut: usize) -> Option<VersionRef<'_>> {
        self.newest(self.owner_key(zone, name, cut))
    }

    fn newest(&self, key: Key<'_>) -> Option<VersionRef<'_>> {
        // SAFETY: this is the writer, which alone frees versions, and is borrowed meanwhile.
        unsafe { self.catalog.table.find(key) }.map(|(_, newest)| newest)
    }

    fn owner_key<'k>(&self, zone: NonNull<ZoneRecord>, name: &'k SearchName, cut: usize) -> Key<'k> {
        let apex_octets = self.state(zone).apex().len();
        self.catalog.table.key(self.record(zone).space, name.hash(cut), name.relative(cut, apex_octets))
    }

    fn apex_key<'k>(&self, apex: &'k SearchName) -> Key<'k> {
        self.catalog.table.key(table::APEXES, apex.hash(0), apex.wire())
    }

    /// Writes a version of a key. Gives by how many octets what exists has grown, if it is an owner name.
    fn set_entry(&mut self, from: u64, key: Key<'_>, value: Option<&[u8]>) -> i64 {
        let found = self.slot(key);
        if found.is_none() && value.is_none() {
            return 0;
        }
        let old = found.map(|(_, newest)| Counted::of(newest));
        let new = match found {
            Some((slot, newest)) => self.supersede(from, slot, newest, key, value),
            None => self.insert(from, key, value),
        };
        if let (None, Some(dead)) = (value, NonNull::new(new.as_ptr())) {
            self.garbage.push(self.next_generation(), Piece::Dead(dead));
        }
        let (old, new) = (old.unwrap_or_default(), Counted::of(new));
        let counters = &self.catalog.counters;
        for (counter, old, new) in [
            (&counters.names, old.names, new.names),
            (&counters.rrsets, old.rrsets, new.rrsets),
            (&counters.bytes, old.bytes, new.bytes),
        ] {
            counter.fetch_add(new, Ordering::Relaxed);
            counter.fetch_sub(old, Ordering::Relaxed);
        }
        (new.names * new.bytes) as i64 - (old.names * old.bytes) as i64
    }

    fn insert<'v>(&mut self, from: u64, key: Key<'_>, value: Option<&[u8]>) -> VersionRef<'v> {
        let (next, garbage) = (self.next_generation(), &mut self.garbage);
        let new = versions::make(&mut self.heap, key, from, value, 0, ptr::null_mut());
        // SAFETY: what is linked is freed by the writer alone, in a later step.
        let new = unsafe { VersionRef::new(new) };
        self.catalog.table.insert(new, &mut self.heap, &mut |part| garbage.push(next, Piece::Replaced(part)));
        new
    }

    /// The slot of a key, and what it leads to. They last until the table is changed otherwise than in that slot.
    fn slot<'v>(&self, key: Key<'_>) -> Option<(&'v AtomicPtr<Version>, VersionRef<'v>)> {
        // SAFETY: this is the writer, which alone replaces segments and frees versions; the caller does neither while
        // it uses them.
        unsafe {
            let catalog: *const super::Catalog = &raw const *self.catalog;
            (*catalog).table.find(key)
        }
    }
}

/// What a version counts for.
#[derive(Clone, Copy, Default)]
struct Counted {
    /// Owner names: 1 or 0.
    names: u64,
    rrsets: u64,
    bytes: u64,
}

impl Counted {
    fn of(version: VersionRef<'_>) -> Self {
        let is_name = version.space() >= IMAGES && version.exists();
        let rrsets = if is_name { RRsets::new(version.value()).iter().count() } else { 0 };
        Self { names: u64::from(is_name), rrsets: rrsets as u64, bytes: version.octets() as u64 }
    }
}
