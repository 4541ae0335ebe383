//! The table: (space, name) -> versions of an entry, by extendible hashing.
//!
//! A directory of segments is indexed by the top bits of the hash; a segment is an open-addressing table of fixed
//! size, searched from the low bits. A full segment is copied into two (or into one, without its tombstones), and the
//! directory is pointed to the copies: the work of an insertion is bounded by the size of a segment, and by copying
//! the directory's pointers when it doubles. Readers that are inside a replaced segment go on in it: it lacks only
//! what is newer than the generation they hold.
//!
//! Rules for `unsafe`: only the writer stores; nodes, segments and directories are complete before they are linked
//! (release) and freed by `garbage` when no reader can still be on them.
#![allow(unsafe_code)]

use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use super::ZoneRecord;
use super::search_name::ROOT_HASH;
use super::versions::Versions;
use crate::published::ScopeId;

/// Slots of a segment: 8 KiB, small enough to copy in microseconds.
const SLOTS: usize = 512;
/// A segment is copied when so many slots are used, tombstones included.
const SLOTS_USED_MAX: u32 = (SLOTS as u32) * 3 / 4;

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

struct Slot {
    hash: AtomicU64,
    node: AtomicPtr<Node>,
}

pub(crate) struct Segment {
    /// How many top bits of the hash all of its nodes share.
    depth: u32,
    used: AtomicU32,
    slots: Box<[Slot]>,
}

pub(crate) struct Directory {
    /// How many top bits of the hash index it.
    depth: u32,
    segments: Box<[AtomicPtr<Segment>]>,
}

/// What an insertion has replaced, to be freed when no reader can be on it.
pub(super) enum Replaced {
    Segment(*mut Segment),
    Directory(*mut Directory),
}

pub(super) struct Table {
    hasher: foldhash::fast::FixedState,
    directory: AtomicPtr<Directory>,
}

impl Table {
    pub(super) fn new(seed: u64) -> Self {
        let segment = Box::into_raw(Box::new(Segment::new(0)));
        let directory = Directory { depth: 0, segments: Box::new([AtomicPtr::new(segment)]) };
        Self {
            hasher: foldhash::fast::FixedState::with_seed(seed),
            directory: AtomicPtr::new(Box::into_raw(Box::new(directory))),
        }
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
        // SAFETY: directory and segment are freed only when nobody who could have loaded them holds a generation.
        let segment = unsafe { self.segment(hash) };
        let mut at = hash as usize % SLOTS;
        loop {
            let slot = &segment.slots[at];
            let node = slot.node.load(Ordering::Acquire);
            if node.is_null() {
                return None;
            }
            if slot.hash.load(Ordering::Relaxed) == hash && node != tombstone() {
                // SAFETY: as for the segment.
                let node = unsafe { &*node };
                if node.space == space && *node.key == *key {
                    return Some(node);
                }
            }
            at = (at + 1) % SLOTS;
        }
    }

    /// Puts in a node for a key that has none; for the writer. `replaced` is told what readers may still be on.
    pub(super) fn insert(
        &self,
        space: u64,
        hash: u64,
        key: &[u8],
        replaced: &mut impl FnMut(Replaced),
    ) -> NonNull<Node> {
        let node = Box::new(Node {
            hash: self.slot_hash(space, hash),
            space,
            key: key.into(),
            versions: Versions::new(),
            children: AtomicU32::new(0),
        });
        let hash = node.hash;
        let node = NonNull::from(Box::leak(node));
        loop {
            // SAFETY: the writer alone frees segments.
            let segment = unsafe { self.segment(hash) };
            if segment.used.load(Ordering::Relaxed) < SLOTS_USED_MAX {
                segment.put(hash, node.as_ptr());
                return node;
            }
            self.replace_segment(hash, replaced);
        }
    }

    /// Takes a node out of the table, if it is in it; for the writer. Readers may still be on it.
    pub(super) fn remove(&self, node: NonNull<Node>) -> bool {
        // SAFETY: the writer alone frees nodes and segments.
        let (hash, segment) = unsafe { (node.as_ref().hash, self.segment(node.as_ref().hash)) };
        let mut at = hash as usize % SLOTS;
        loop {
            let slot = &segment.slots[at];
            match slot.node.load(Ordering::Acquire) {
                found if found == node.as_ptr() => {
                    slot.node.store(tombstone(), Ordering::Release);
                    return true;
                }
                found if found.is_null() => return false,
                _ => at = (at + 1) % SLOTS,
            }
        }
    }

    /// The nodes of the segment that holds `hash`, and the first hash of the segment after it (none: it is the last).
    /// For the writer's sweeps.
    pub(super) fn sweep(&self, hash: u64) -> (Vec<NonNull<Node>>, Option<u64>) {
        // SAFETY: the writer alone frees segments.
        let segment = unsafe { self.segment(hash) };
        let nodes = segment.nodes().filter_map(NonNull::new).collect();
        let next = match segment.depth {
            0 => None,
            depth => ((hash >> (64 - depth)) + 1).checked_shl(64 - depth).filter(|next| *next != 0),
        };
        (nodes, next)
    }

    /// The hash that a slot is found by: the name's, mixed with the space.
    fn slot_hash(&self, space: u64, hash: u64) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u64(hash);
        hasher.write_u64(space);
        hasher.finish()
    }

    /// # Safety
    /// As for [`Self::find`].
    unsafe fn segment(&self, hash: u64) -> &Segment {
        // SAFETY: the pointers are never null; see `find`.
        unsafe {
            let directory = &*self.directory.load(Ordering::Acquire);
            &*directory.segments[directory.index(hash)].load(Ordering::Acquire)
        }
    }

    fn replace_segment(&self, hash: u64, replaced: &mut impl FnMut(Replaced)) {
        let directory_at = self.directory.load(Ordering::Acquire);
        // SAFETY: the writer alone frees directories and segments.
        let directory = unsafe { &*directory_at };
        let segment_at = directory.segments[directory.index(hash)].load(Ordering::Acquire);
        // SAFETY: as above.
        let segment = unsafe { &*segment_at };
        let live = segment.nodes().count() as u32;
        if live < SLOTS_USED_MAX / 2 {
            let copy = Segment::new(segment.depth);
            segment.nodes().for_each(|node| copy.adopt(node));
            directory.point(hash, Box::into_raw(Box::new(copy)));
        } else if segment.depth < directory.depth {
            let next_bit = 1 << (63 - segment.depth);
            let [zeros, ones] = segment.split();
            directory.point(hash & !next_bit, Box::into_raw(Box::new(zeros)));
            directory.point(hash | next_bit, Box::into_raw(Box::new(ones)));
        } else {
            let twice = directory.double();
            self.directory.store(Box::into_raw(Box::new(twice)), Ordering::Release);
            replaced(Replaced::Directory(directory_at));
            return;
        }
        replaced(Replaced::Segment(segment_at));
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // SAFETY: whoever drops the table owns it and all that it points to; every pointer was made by
        // `Box::into_raw` or `Box::leak`, and a segment is freed at the first of the entries that point to it.
        unsafe {
            let directory = Box::from_raw(*self.directory.get_mut());
            let mut last: *mut Segment = ptr::null_mut();
            for segment in &directory.segments {
                let segment = segment.load(Ordering::Acquire);
                if segment != last {
                    last = segment;
                    let nodes: Vec<*mut Node> = (*segment).nodes().collect();
                    nodes.into_iter().for_each(|node| drop(Box::from_raw(node)));
                }
            }
            let mut last: *mut Segment = ptr::null_mut();
            for segment in &directory.segments {
                let segment = segment.load(Ordering::Acquire);
                if segment != last {
                    last = segment;
                    drop(Box::from_raw(segment));
                }
            }
        }
    }
}

impl Directory {
    fn index(&self, hash: u64) -> usize {
        // A shift by 64 is no shift at all, so depth 0 is apart.
        if self.depth == 0 { 0 } else { (hash >> (64 - self.depth)) as usize }
    }

    /// Points every entry that `segment` covers to it; `hash` is one of its hashes.
    fn point(&self, hash: u64, segment: *mut Segment) {
        // SAFETY: just made by the caller, and not freed before it is replaced.
        let depth = unsafe { (*segment).depth };
        let span = 1usize << (self.depth - depth);
        let first = self.index(hash) & !(span - 1);
        for entry in &self.segments[first..first + span] {
            entry.store(segment, Ordering::Release);
        }
    }

    fn double(&self) -> Self {
        let twice = self.segments.iter().flat_map(|segment| {
            let segment = segment.load(Ordering::Acquire);
            [AtomicPtr::new(segment), AtomicPtr::new(segment)]
        });
        Self { depth: self.depth + 1, segments: twice.collect() }
    }
}

impl Segment {
    fn new(depth: u32) -> Self {
        let empty = || Slot { hash: AtomicU64::new(0), node: AtomicPtr::new(ptr::null_mut()) };
        Self { depth, used: AtomicU32::new(0), slots: std::iter::repeat_with(empty).take(SLOTS).collect() }
    }

    /// Stores a node in the first free slot. Never full: the writer replaces the segment before.
    fn put(&self, hash: u64, node: *mut Node) {
        let mut at = hash as usize % SLOTS;
        while !self.slots[at].node.load(Ordering::Relaxed).is_null() {
            at = (at + 1) % SLOTS;
        }
        self.slots[at].hash.store(hash, Ordering::Relaxed);
        self.slots[at].node.store(node, Ordering::Release);
        self.used.fetch_add(1, Ordering::Relaxed);
    }

    fn adopt(&self, node: *mut Node) {
        // SAFETY: a node in a segment is alive, and the writer, who alone frees nodes, is the caller.
        self.put(unsafe { (*node).hash }, node);
    }

    fn nodes(&self) -> impl Iterator<Item = *mut Node> {
        self.slots
            .iter()
            .map(|slot| slot.node.load(Ordering::Acquire))
            .filter(|node| !node.is_null() && *node != tombstone())
    }

    /// Two segments, for hashes whose next bit is 0 and 1.
    fn split(&self) -> [Self; 2] {
        let halves = [Self::new(self.depth + 1), Self::new(self.depth + 1)];
        for node in self.nodes() {
            // SAFETY: as in `adopt`.
            let bit = unsafe { (*node).hash } >> (63 - self.depth) & 1;
            halves[bit as usize].adopt(node);
        }
        halves
    }
}

/// Marks a slot whose node was taken out: searches go on behind it.
fn tombstone() -> *mut Node {
    ptr::without_provenance_mut(1)
}

/// # Safety
/// `node` was taken out of the table, and no reader can still be on it.
pub(super) unsafe fn free_node(node: NonNull<Node>) {
    // SAFETY: made by `Box::leak` in `insert`, freed once.
    drop(unsafe { Box::from_raw(node.as_ptr()) });
}

/// # Safety
/// No reader can still be on it.
pub(super) unsafe fn free_replaced(replaced: Replaced) {
    // SAFETY: made by `Box::into_raw`, replaced once. Neither owns the nodes it points to.
    unsafe {
        match replaced {
            Replaced::Segment(segment) => drop(Box::from_raw(segment)),
            Replaced::Directory(directory) => drop(Box::from_raw(directory)),
        }
    }
}
