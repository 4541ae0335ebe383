//! The table: (space, key) -> the newest version, by extendible hashing.
//!
//! A tree of directories is indexed by the top bits of the hash and leads to a segment: an open-addressing table of at
//! most 512 slots, searched by the low bits ([`parts`]). A segment that is full or has become too large for its keys
//! is copied into one of the right size, one that has too many keys into two, two that have few into one, and the
//! directory is pointed to the copies. A directory has at most 4,096 places; what does not fit is led on to a directory
//! of its own. So the work of a change is bounded by the size of a segment, whatever the size of the table. Readers
//! that are inside a replaced segment go on in it: it lacks only what is newer than the generation they hold.
//!
//! Rules for `unsafe`: only the writer stores; versions and parts are complete before they are linked (release) and freed
//! by `garbage` when no reader can still be on them.
#![allow(unsafe_code)]

mod parts;
pub(super) mod prefetch;

use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::heap::Heap;
use super::search_name::ROOT_HASH;
use super::versions::{Key, Version, VersionRef};
pub(super) use parts::Part;
use parts::{Directory, Led, Segment};

/// The space of addresses: a key is 4 or 16 octets, and stands for its scope.
pub(super) const ADDRESSES: u64 = 0;
/// The space of apexes: a key is a whole name, and stands for the zones that claim it (`claims`).
pub(super) const APEXES: u64 = 1;
/// The first space of a zone image: a key is what stands before the apex in an owner name, its labels without the root,
/// and stands for RRsets, packed; none for an empty non-terminal.
pub(super) const IMAGES: u64 = 2;

/// An address as a key: 4 or 16 octets.
pub(super) fn address_key(address: IpAddr, octets: &mut [u8; 16]) -> &[u8] {
    match address {
        IpAddr::V4(address) => {
            octets[..4].copy_from_slice(&address.octets());
            &octets[..4]
        }
        IpAddr::V6(address) => {
            *octets = address.octets();
            &octets[..]
        }
    }
}

/// Lines of cache that an ordinary version begins in: head, key and a small RRset.
const VERSION_LINES: usize = 2;

pub(super) struct Table {
    hasher: foldhash::fast::FixedState,
    /// The first directory.
    root: AtomicPtr<Part>,
}

impl Table {
    pub(super) fn new(heap: &mut Heap, seed: u64) -> Self {
        let first = Segment::new(heap, 0, 0).into_part();
        let root = Directory::new(heap, 0, first).into_part();
        Self { hasher: foldhash::fast::FixedState::with_seed(seed), root: AtomicPtr::new(root) }
    }

    /// The hash of a name made of `label` before a name with hash `before`.
    pub(super) fn hash_label(&self, before: u64, label: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u64(before);
        hasher.write(label);
        hasher.finish()
    }

    pub(super) fn hash_bytes(&self, bytes: &[u8]) -> u64 {
        self.hash_label(ROOT_HASH, bytes)
    }

    /// A key of the table: `hash` is that of its name alone.
    pub(super) fn key<'k>(&self, space: u64, hash: u64, octets: &'k [u8]) -> Key<'k> {
        Key { space, hash: self.slot_hash(space, hash), octets }
    }

    /// The newest version of a key, whatever it says, and the slot that leads to it.
    ///
    /// # Safety
    /// The caller holds a generation for as long as it uses the reference, or is the writer.
    pub(super) unsafe fn find<'v>(&'v self, key: Key<'_>) -> Option<(&'v AtomicPtr<Version>, VersionRef<'v>)> {
        // SAFETY: directories and segments are freed only when nobody who could have loaded them holds a generation.
        let segment = unsafe { self.place(key.hash).1 };
        // SAFETY: versions likewise.
        unsafe { segment.find(key.hash, |version| version.space() == key.space && version.key() == key.octets) }
    }

    /// Has the memory fetched in which a search for a key begins. A hint: it may be called for any key.
    ///
    /// # Safety
    /// The caller holds a generation, or is the writer.
    pub(super) unsafe fn prefetch_slot(&self, space: u64, hash: u64) {
        let hash = self.slot_hash(space, hash);
        // SAFETY: as in `find`.
        prefetch::line(unsafe { self.place(hash).1 }.first_slot(hash));
    }

    /// Has the memory of the newest version of a key fetched; whether there is something with its hash.
    ///
    /// # Safety
    /// As for [`Self::prefetch_slot`].
    pub(super) unsafe fn prefetch_version(&self, space: u64, hash: u64) -> bool {
        let hash = self.slot_hash(space, hash);
        // SAFETY: as in `find`.
        match unsafe { self.place(hash).1 }.expect(hash) {
            Some(version) => {
                prefetch::lines(version, VERSION_LINES);
                true
            }
            None => false,
        }
    }

    /// Puts in the first version of a key that has none; for the writer. `replaced` is told what readers may still be
    /// on.
    pub(super) fn insert(&self, version: VersionRef<'_>, heap: &mut Heap, replaced: &mut impl FnMut(*mut Part)) {
        let hash = version.hash();
        // SAFETY: the writer alone frees segments.
        while unsafe { self.place(hash).1 }.is_full() {
            self.replace(hash, heap, replaced);
        }
        // SAFETY: as above.
        unsafe { self.place(hash).1 }.put(hash, version.as_ptr());
    }

    /// Takes a key out of the table, if this is its newest version; for the writer. Readers may still be on it, and on
    /// what `replaced` is told.
    pub(super) fn remove(
        &self,
        version: VersionRef<'_>,
        heap: &mut Heap,
        replaced: &mut impl FnMut(*mut Part),
    ) -> bool {
        let hash = version.hash();
        // SAFETY: the writer alone frees segments.
        let segment = unsafe { self.place(hash).1 };
        let removed = segment.remove(hash, version.as_ptr());
        if removed && !self.merge(hash, heap, replaced) && segment.is_too_large() {
            self.replace(hash, heap, replaced);
        }
        removed
    }

    /// The newest versions in the segment that holds `hash`, and the first hash of the segment after it (none: it is the
    /// last). For the writer's sweeps.
    pub(super) fn sweep(&self, hash: u64) -> (Vec<NonNull<Version>>, Option<u64>) {
        // SAFETY: the writer alone frees segments.
        let segment = unsafe { self.place(hash).1 };
        let newest = segment.keys().filter_map(|(_, newest)| NonNull::new(newest)).collect();
        let next = match segment.depth() {
            0 => None,
            depth => ((hash >> (64 - depth)) + 1).checked_shl(64 - depth).filter(|next| *next != 0),
        };
        (newest, next)
    }

    /// Directories and segments. For tests, and for the writer alone.
    #[cfg(test)]
    pub(super) fn part_count(&self) -> usize {
        // SAFETY: the writer alone frees parts.
        unsafe { parts::count(self.root.load(Ordering::Acquire)) }
    }

    /// The hash that a slot is found by: the name's, mixed with the space.
    fn slot_hash(&self, space: u64, hash: u64) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u64(hash);
        hasher.write_u64(space);
        hasher.finish()
    }

    /// Where a hash is led to: what points to the last directory, and the segment.
    ///
    /// # Safety
    /// As for [`Self::find`].
    unsafe fn place(&self, hash: u64) -> (&AtomicPtr<Part>, Segment<'_>) {
        let mut link = &self.root;
        let mut cell = &self.root;
        loop {
            // SAFETY: the pointers are never null, and what they lead to is not freed yet: see `find`.
            match unsafe { parts::led(cell.load(Ordering::Acquire)) } {
                Led::Directory(directory) => (link, cell) = (cell, directory.cell(hash)),
                Led::Segment(segment) => return (link, segment),
            }
        }
    }

    /// Puts a segment of the right size in the place of the one that a hash leads to, or two. A directory that has to
    /// grow before that can be done grows, and nothing else is done.
    fn replace(&self, hash: u64, heap: &mut Heap, replaced: &mut impl FnMut(*mut Part)) {
        // SAFETY: the writer alone frees parts.
        let (link, segment) = unsafe { self.place(hash) };
        let directory_at = link.load(Ordering::Acquire);
        // SAFETY: as above; a link leads to a directory.
        let Led::Directory(directory) = (unsafe { parts::led(directory_at) }) else { return };
        let segment_at = directory.cell(hash).load(Ordering::Acquire);
        if !segment.is_to_be_split() {
            directory.point(hash, segment.depth(), segment.copy(heap).into_part());
        } else if segment.depth() < directory.depth_below() {
            let next_bit = 1 << (63 - segment.depth());
            let [zeros, ones] = segment.split(heap);
            directory.point(hash & !next_bit, segment.depth() + 1, zeros.into_part());
            directory.point(hash | next_bit, segment.depth() + 1, ones.into_part());
        } else if let Some(twice) = directory.double(heap) {
            link.store(twice.into_part(), Ordering::Release);
            return replaced(directory_at);
        } else {
            let below = Directory::new(heap, segment.depth(), segment_at);
            return directory.cell(hash).store(below.into_part(), Ordering::Release);
        }
        replaced(segment_at);
    }

    /// Makes one segment of the one that a hash leads to and its other half, if both have few nodes.
    fn merge(&self, hash: u64, heap: &mut Heap, replaced: &mut impl FnMut(*mut Part)) -> bool {
        // SAFETY: the writer alone frees parts.
        let (link, segment) = unsafe { self.place(hash) };
        let directory_at = link.load(Ordering::Acquire);
        // SAFETY: as above; a link leads to a directory.
        let Led::Directory(directory) = (unsafe { parts::led(directory_at) }) else { return false };
        if segment.depth() == directory.depth_above() {
            return false;
        }
        let other_at = directory.cell(hash ^ 1 << (64 - segment.depth())).load(Ordering::Acquire);
        // SAFETY: as above.
        let Led::Segment(other) = (unsafe { parts::led(other_at) }) else { return false };
        let Some(whole) = segment.merge(heap, other) else { return false };
        let segment_at = directory.cell(hash).load(Ordering::Acquire);
        let (depth, whole) = (whole.depth(), whole.into_part());
        directory.point(hash, depth, whole);
        replaced(segment_at);
        replaced(other_at);
        if depth == directory.depth_above() && depth > 0 {
            // A directory below another that leads to one segment only.
            link.store(whole, Ordering::Release);
            replaced(directory_at);
        }
        true
    }
}

/// Frees a part, and nothing that it points to.
///
/// # Safety
/// It was replaced, once, and no reader can still be on it.
pub(super) unsafe fn free_replaced(heap: &mut Heap, part: *mut Part) {
    // SAFETY: as stated.
    unsafe { parts::free_one(heap, part) };
}
