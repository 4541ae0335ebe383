//! The table: (space, name) -> versions of an entry, by extendible hashing.
//!
//! A tree of directories is indexed by the top bits of the hash and leads to a segment: an open-addressing table of at
//! most 512 slots, searched by the low bits ([`parts`]). A segment that is full or has become too large for its nodes
//! is copied into one of the right size, one that has too many nodes into two, two that have few into one, and the
//! directory is pointed to the copies. A directory has at most 4,096 places; what does not fit is led on to a directory
//! of its own. So the work of a change is bounded by the size of a segment, whatever the size of the table. Readers
//! that are inside a replaced segment go on in it: it lacks only what is newer than the generation they hold.
//!
//! Rules for `unsafe`: only the writer stores; nodes and parts are complete before they are linked (release) and freed
//! by `garbage` when no reader can still be on them.
#![allow(unsafe_code)]

mod parts;

use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use super::ZoneRecord;
use super::search_name::ROOT_HASH;
use super::versions::Versions;
use crate::published::ScopeId;
pub(super) use parts::Part;
use parts::{Directory, Segment};

/// The space of addresses.
pub(super) const ADDRESSES: u64 = 0;
/// Spaces of scopes have this bit; spaces of zone images count from 1 below it.
const SCOPES: u64 = 1 << 63;

/// The space of a scope.
pub(super) fn scope_space(scope: ScopeId) -> u64 {
    SCOPES | u64::from(scope.0)
}

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

/// What a space and a name stand for.
pub(crate) enum Entry {
    /// In the space of addresses: the scope of the address.
    Scope(ScopeId),
    /// In the space of a scope: the zone of the apex.
    Zone(NonNull<ZoneRecord>),
    /// In the space of a zone image: the owner's RRsets, packed; none for an empty non-terminal.
    RRsets(Box<[u8]>),
}

/// A place in the table. Lives as long as its key exists in any generation that somebody holds.
pub(crate) struct Node {
    pub(super) hash: u64,
    pub(super) space: u64,
    pub(super) key: Box<[u8]>,
    pub(super) versions: Versions<Entry>,
    /// Names directly below this one that exist in the newest state. For the writer.
    pub(super) children: AtomicU32,
}

pub(super) struct Table {
    hasher: foldhash::fast::FixedState,
    /// The first directory.
    root: AtomicPtr<Part>,
}

impl Table {
    pub(super) fn new(seed: u64) -> Self {
        let root = Directory::new(0, Segment::new(0, 0).into_part()).into_part();
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

    /// The node of a key, whatever its versions say.
    ///
    /// # Safety
    /// The caller holds a generation for as long as it uses the reference, or is the writer.
    pub(super) unsafe fn find(&self, space: u64, hash: u64, key: &[u8]) -> Option<&Node> {
        let hash = self.slot_hash(space, hash);
        // SAFETY: directories and segments are freed only when nobody who could have loaded them holds a generation.
        let segment = unsafe { self.place(hash).1 };
        // SAFETY: nodes likewise.
        unsafe { segment.find(hash, |node| node.space == space && *node.key == *key) }
    }

    /// Looks at the places of several hashes at once, before they are gone through one by one: in a large table each is
    /// far from the others, and the memory of all of them is on its way at the same time. For the writer.
    pub(super) fn touch(&self, space: u64, hashes: impl Iterator<Item = u64> + Clone) {
        let hashes = hashes.map(|hash| self.slot_hash(space, hash));
        // SAFETY: the writer alone frees segments.
        let segment = |hash| unsafe { self.place(hash).1 };
        let depths = hashes.clone().map(|hash| segment(hash).depth).fold(0, u32::wrapping_add);
        let slots = hashes.map(|hash| segment(hash).touch(hash)).fold(0, u64::wrapping_add);
        std::hint::black_box((depths, slots));
    }

    /// Puts in a node for a key that has none; for the writer. `replaced` is told what readers may still be on.
    pub(super) fn insert(
        &self,
        space: u64,
        hash: u64,
        key: &[u8],
        replaced: &mut impl FnMut(*mut Part),
    ) -> NonNull<Node> {
        let hash = self.slot_hash(space, hash);
        let node =
            Box::new(Node { hash, space, key: key.into(), versions: Versions::new(), children: AtomicU32::new(0) });
        let node = NonNull::from(Box::leak(node));
        // SAFETY: the writer alone frees segments.
        while unsafe { self.place(hash).1 }.is_full() {
            self.replace(hash, replaced);
        }
        // SAFETY: as above.
        unsafe { self.place(hash).1 }.put(hash, node.as_ptr());
        node
    }

    /// Takes a node out of the table, if it is in it; for the writer. Readers may still be on it, and on what
    /// `replaced` is told.
    pub(super) fn remove(&self, node: NonNull<Node>, replaced: &mut impl FnMut(*mut Part)) -> bool {
        // SAFETY: the writer alone frees nodes and segments.
        let (hash, segment) = unsafe { (node.as_ref().hash, self.place(node.as_ref().hash).1) };
        let removed = segment.remove(hash, node.as_ptr());
        if removed && !self.merge(hash, replaced) && segment.is_too_large() {
            self.replace(hash, replaced);
        }
        removed
    }

    /// The nodes of the segment that holds `hash`, and the first hash of the segment after it (none: it is the last).
    /// For the writer's sweeps.
    pub(super) fn sweep(&self, hash: u64) -> (Vec<NonNull<Node>>, Option<u64>) {
        // SAFETY: the writer alone frees segments.
        let segment = unsafe { self.place(hash).1 };
        let nodes = segment.nodes().filter_map(|(_, node)| NonNull::new(node)).collect();
        let next = match segment.depth {
            0 => None,
            depth => ((hash >> (64 - depth)) + 1).checked_shl(64 - depth).filter(|next| *next != 0),
        };
        (nodes, next)
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
    unsafe fn place(&self, hash: u64) -> (&AtomicPtr<Part>, &Segment) {
        let mut link = &self.root;
        let mut cell = &self.root;
        loop {
            // SAFETY: the pointers are never null, and what they lead to is not freed yet: see `find`.
            match unsafe { &*cell.load(Ordering::Acquire) } {
                Part::Directory(directory) => (link, cell) = (cell, directory.cell(hash)),
                Part::Segment(segment) => return (link, segment),
            }
        }
    }

    /// Puts a segment of the right size in the place of the one that a hash leads to, or two. A directory that has to
    /// grow before that can be done grows, and nothing else is done.
    fn replace(&self, hash: u64, replaced: &mut impl FnMut(*mut Part)) {
        // SAFETY: the writer alone frees parts.
        let (link, segment) = unsafe { self.place(hash) };
        let directory_at = link.load(Ordering::Acquire);
        // SAFETY: as above; a link leads to a directory.
        let Part::Directory(directory) = (unsafe { &*directory_at }) else { return };
        let segment_at = directory.cell(hash).load(Ordering::Acquire);
        if !segment.is_to_be_split() {
            directory.point(hash, segment.depth, segment.copy().into_part());
        } else if segment.depth < directory.depth_below() {
            let next_bit = 1 << (63 - segment.depth);
            let [zeros, ones] = segment.split();
            directory.point(hash & !next_bit, segment.depth + 1, zeros.into_part());
            directory.point(hash | next_bit, segment.depth + 1, ones.into_part());
        } else if let Some(twice) = directory.double() {
            link.store(twice.into_part(), Ordering::Release);
            return replaced(directory_at);
        } else {
            let below = Directory::new(segment.depth, segment_at);
            return directory.cell(hash).store(below.into_part(), Ordering::Release);
        }
        replaced(segment_at);
    }

    /// Makes one segment of the one that a hash leads to and its other half, if both have few nodes.
    fn merge(&self, hash: u64, replaced: &mut impl FnMut(*mut Part)) -> bool {
        // SAFETY: the writer alone frees parts.
        let (link, segment) = unsafe { self.place(hash) };
        let directory_at = link.load(Ordering::Acquire);
        // SAFETY: as above; a link leads to a directory.
        let Part::Directory(directory) = (unsafe { &*directory_at }) else { return false };
        if segment.depth == directory.depth_above() {
            return false;
        }
        let other_at = directory.cell(hash ^ 1 << (64 - segment.depth)).load(Ordering::Acquire);
        // SAFETY: as above.
        let Part::Segment(other) = (unsafe { &*other_at }) else { return false };
        let Some(whole) = segment.merge(other) else { return false };
        let segment_at = directory.cell(hash).load(Ordering::Acquire);
        let (depth, whole) = (whole.depth, whole.into_part());
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

impl Drop for Table {
    fn drop(&mut self) {
        // SAFETY: whoever drops the table owns it and all that it points to.
        unsafe { parts::free_all(*self.root.get_mut()) };
    }
}

/// # Safety
/// `node` was taken out of the table, and no reader can still be on it.
pub(super) unsafe fn free_node(node: NonNull<Node>) {
    // SAFETY: made by `Box::leak` in `insert`, freed once.
    drop(unsafe { Box::from_raw(node.as_ptr()) });
}

/// Frees a part, and nothing that it points to.
///
/// # Safety
/// It was replaced, once, and no reader can still be on it.
pub(super) unsafe fn free_replaced(part: *mut Part) {
    // SAFETY: made by `Box::into_raw` in `into_part`.
    drop(unsafe { Box::from_raw(part) });
}
