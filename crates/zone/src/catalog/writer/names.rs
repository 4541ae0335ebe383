//! Changing single entries: an owner name with the empty non-terminals above it, an apex in a scope, an address.
#![allow(unsafe_code)]

use std::net::IpAddr;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

use waymark_wire::Name;

use super::super::ZoneRecord;
use super::super::garbage::{Piece, node_octets};
use super::super::rrsets::{self, RRsets};
use super::super::search_name::SearchName;
use super::super::table::{self, Entry as Slot, Node};
use super::{ALWAYS, OwnerChange, Writer};

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
        let owner = self.search_name(owner);
        let apex_at = match owner.cut_to(self.state(zone).header.apex.as_wire()) {
            Some(cut) => cut,
            None => return,
        };
        self.catalog.table.touch(space, (0..=apex_at).map(|cut| owner.hash(cut)));
        let (existed, packed) = {
            let old = match self.latest(space, &owner, 0) {
                Some(Slot::RRsets(packed)) => Some(RRsets::new(packed)),
                _ => None,
            };
            (old.is_some(), rrsets::pack(old.unwrap_or(RRsets::new(&[])), &change.without, &change.added))
        };
        let stays = !packed.is_empty() || apex_at == 0 || self.children(space, &owner, 0) > 0;
        if stays {
            self.set_owner(from, zone, &owner, 0, Some(packed));
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
        let space = self.record(zone).space;
        for cut in 1..=apex_at {
            let existed = self.latest(space, name, cut).is_some();
            if !existed {
                self.set_owner(from, zone, name, cut, Some(Box::default()));
            }
            if let Some(node) = self.node(space, name, cut) {
                node.children.fetch_add(1, Ordering::Relaxed);
            }
            if existed {
                return;
            }
        }
    }

    /// A name has ceased to exist: so do ancestors that existed for it alone.
    fn unlink(&mut self, from: u64, zone: NonNull<ZoneRecord>, name: &SearchName, apex_at: usize) {
        let space = self.record(zone).space;
        for cut in 1..=apex_at {
            let Some(node) = self.node(space, name, cut) else { return };
            let children = node.children.fetch_sub(1, Ordering::Relaxed) - 1;
            let empty = matches!(node.versions.latest(), Some(Slot::RRsets(packed)) if packed.is_empty());
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
        packed: Option<Box<[u8]>>,
    ) {
        let grown = self.set(from, self.record(zone).space, name, cut, packed.map(Slot::RRsets));
        self.record(zone).octets.fetch_add(grown as u64, Ordering::Relaxed);
        if from != ALWAYS {
            self.catalog.counters.zone_octets.fetch_add(grown as u64, Ordering::Relaxed);
        }
    }

    /// Writes a version of an entry, and sees to the memory of what it supersedes. Gives by how many octets what exists
    /// has grown, if it is an owner name.
    pub(super) fn set(&mut self, from: u64, space: u64, name: &SearchName, cut: usize, value: Option<Slot>) -> i64 {
        self.set_entry(from, space, name.hash(cut), name.suffix(cut), value)
    }

    pub(super) fn set_address(&mut self, from: u64, address: IpAddr, value: Option<Slot>) {
        let mut octets = [0; 16];
        let key = table::address_key(address, &mut octets);
        self.set_entry(from, table::ADDRESSES, self.catalog.table.hash_bytes(key), key, value);
    }

    pub(super) fn latest(&self, space: u64, name: &SearchName, cut: usize) -> Option<&Slot> {
        self.node(space, name, cut)?.versions.latest()
    }

    pub(super) fn latest_address(&self, address: IpAddr) -> Option<&Slot> {
        let mut octets = [0; 16];
        let key = table::address_key(address, &mut octets);
        // SAFETY: this is the writer.
        unsafe { self.catalog.table.find(table::ADDRESSES, self.catalog.table.hash_bytes(key), key) }?.versions.latest()
    }

    fn children(&self, space: u64, name: &SearchName, cut: usize) -> u32 {
        self.node(space, name, cut).map_or(0, |node| node.children.load(Ordering::Relaxed))
    }

    fn node(&self, space: u64, name: &SearchName, cut: usize) -> Option<&Node> {
        // SAFETY: this is the writer.
        unsafe { self.catalog.table.find(space, name.hash(cut), name.suffix(cut)) }
    }

    fn set_entry(&mut self, from: u64, space: u64, hash: u64, key: &[u8], value: Option<Slot>) -> i64 {
        let (next, garbage) = (self.next_generation(), &mut self.garbage);
        let table = &self.catalog.table;
        let counters = &self.catalog.counters;
        // SAFETY: this is the writer.
        let node = match unsafe { table.find(space, hash, key) } {
            Some(node) => NonNull::from(node),
            None if value.is_none() => return 0,
            None => {
                let node = table.insert(space, hash, key, &mut |part| garbage.push(next, Piece::Replaced(part)));
                // SAFETY: just made.
                counters.bytes.fetch_add(node_octets(unsafe { node.as_ref() }), Ordering::Relaxed);
                node
            }
        };
        // SAFETY: a node in the table is alive, and only this writer frees it.
        let versions = unsafe { &node.as_ref().versions };
        let count = |value: Option<&Slot>| match value {
            Some(Slot::RRsets(packed)) => (1, RRsets::new(packed).iter().count() as u64, packed.len() as u64),
            _ => (0, 0, 0),
        };
        let (old, new) = (count(versions.latest()), count(value.as_ref()));
        for (counter, old, new) in
            [(&counters.names, old.0, new.0), (&counters.rrsets, old.1, new.1), (&counters.bytes, old.2, new.2)]
        {
            counter.fetch_add(new, Ordering::Relaxed);
            counter.fetch_sub(old, Ordering::Relaxed);
        }
        let (first, dead) = (versions.latest_from().is_none(), value.is_none());
        match versions.set(from, value) {
            Some(replaced) => garbage.push(next, Piece::EntryVersion(replaced)),
            None if first => {}
            None => garbage.push(next, Piece::TrimNode(node)),
        }
        if dead {
            garbage.push(next, Piece::DeadNode(node));
        }
        // SAFETY: a node in the table is alive, and only this writer frees it.
        let octets = |of: (u64, u64, u64)| (of.0 * node_octets(unsafe { node.as_ref() }) + of.2) as i64;
        octets(new) - octets(old)
    }
}
