//! What the table is made of: directories that lead by the top bits of a hash, and segments that hold nodes.
//!
//! The writer alone calls what takes `&self` and stores. A directory or segment is changed in place by single atomic
//! stores, each of which leaves every node that a reader may look for where it can be found.
#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use super::Node;

/// Slots of a segment: 8 KiB, small enough to copy in microseconds.
const SLOTS: usize = 512;
/// A segment is copied when so many slots are used, tombstones included.
const USED_MAX: u32 = (SLOTS as u32) * 3 / 4;
/// A full segment with so many tombstones is copied without them instead of being split.
const TOMBSTONES_MIN: u32 = USED_MAX / 8;
/// Nodes of two segments that become one: few enough that it is not split again soon.
const MERGED_MAX: u32 = USED_MAX / 2;
/// A directory has at most 2 to this power places: 8 KiB too.
const DIRECTORY_DEPTH_MAX: u32 = 10;

/// A node of the tree that a hash is led through.
pub(in super::super) enum Part {
    Directory(Directory),
    Segment(Segment),
}

pub(in super::super) struct Directory {
    /// How many top bits of the hash lead to it.
    above: u32,
    /// How many of the bits that follow index it.
    depth: u32,
    parts: Box<[AtomicPtr<Part>]>,
}

pub(in super::super) struct Segment {
    /// How many top bits of the hash all of its nodes share.
    pub(super) depth: u32,
    /// Slots that are not empty.
    used: AtomicU32,
    /// Slots that hold a node.
    live: AtomicU32,
    slots: Box<[Slot]>,
}

struct Slot {
    hash: AtomicU64,
    node: AtomicPtr<Node>,
}

impl Directory {
    /// A directory with one place.
    pub(super) fn new(above: u32, part: *mut Part) -> Self {
        Self { above, depth: 0, parts: Box::new([AtomicPtr::new(part)]) }
    }

    pub(super) fn into_part(self) -> *mut Part {
        Box::into_raw(Box::new(Part::Directory(self)))
    }

    /// How many top bits of the hash lead to it.
    pub(super) fn depth_above(&self) -> u32 {
        self.above
    }

    /// How many top bits of the hash are settled behind it.
    pub(super) fn depth_below(&self) -> u32 {
        self.above + self.depth
    }

    /// The place of a hash.
    pub(super) fn cell(&self, hash: u64) -> &AtomicPtr<Part> {
        &self.parts[self.index(hash)]
    }

    /// Points every place that a segment of this depth covers to it; `hash` is one of its hashes.
    pub(super) fn point(&self, hash: u64, depth: u32, segment: *mut Part) {
        let span = 1usize << (self.depth_below() - depth);
        let first = self.index(hash) & !(span - 1);
        for place in &self.parts[first..first + span] {
            place.store(segment, Ordering::Release);
        }
    }

    /// One with each place twice; none if it is as large as a directory may be.
    pub(super) fn double(&self) -> Option<Self> {
        if self.depth == DIRECTORY_DEPTH_MAX {
            return None;
        }
        let twice = self.parts.iter().flat_map(|part| {
            let part = part.load(Ordering::Acquire);
            [AtomicPtr::new(part), AtomicPtr::new(part)]
        });
        Some(Self { above: self.above, depth: self.depth + 1, parts: twice.collect() })
    }

    fn index(&self, hash: u64) -> usize {
        // A shift by 64 is no shift at all, so depth 0 is apart.
        if self.depth == 0 { 0 } else { (hash << self.above >> (64 - self.depth)) as usize }
    }
}

impl Segment {
    pub(super) fn new(depth: u32) -> Self {
        let empty = || Slot { hash: AtomicU64::new(0), node: AtomicPtr::new(ptr::null_mut()) };
        let slots = std::iter::repeat_with(empty).take(SLOTS).collect();
        Self { depth, used: AtomicU32::new(0), live: AtomicU32::new(0), slots }
    }

    pub(super) fn into_part(self) -> *mut Part {
        Box::into_raw(Box::new(Part::Segment(self)))
    }

    /// The node with this hash that `is_it` says is the one.
    ///
    /// # Safety
    /// As for [`super::Table::find`].
    pub(super) unsafe fn find(&self, hash: u64, is_it: impl Fn(&Node) -> bool) -> Option<&Node> {
        let mut at = hash as usize % SLOTS;
        loop {
            let slot = &self.slots[at];
            let node = slot.node.load(Ordering::Acquire);
            if node.is_null() {
                return None;
            }
            // A slot is used again after a node was taken out of it, which is when no reader can see that node any
            // more: whoever finds the hash and the node of two owners there looks for neither.
            if slot.hash.load(Ordering::Relaxed) == hash && node != tombstone() {
                // SAFETY: the caller holds a generation, so a node that it can meet is not freed.
                let node = unsafe { &*node };
                if is_it(node) {
                    return Some(node);
                }
            }
            at = (at + 1) % SLOTS;
        }
    }

    /// Whether there is no room for a further node.
    pub(super) fn is_full(&self) -> bool {
        self.used.load(Ordering::Relaxed) >= USED_MAX
    }

    /// Whether a full segment is best copied as it is.
    pub(super) fn has_many_tombstones(&self) -> bool {
        self.used.load(Ordering::Relaxed) - self.live() >= TOMBSTONES_MIN
    }

    /// Whether it has few enough nodes for a merge.
    pub(super) fn is_sparse(&self) -> bool {
        self.live() <= MERGED_MAX
    }

    /// Stores a node in the first slot that is free. There is one: the caller sees to that.
    pub(super) fn put(&self, hash: u64, node: *mut Node) {
        let mut at = hash as usize % SLOTS;
        while is_node(self.slots[at].node.load(Ordering::Relaxed)) {
            at = (at + 1) % SLOTS;
        }
        if self.slots[at].node.load(Ordering::Relaxed).is_null() {
            self.used.fetch_add(1, Ordering::Relaxed);
        }
        self.slots[at].hash.store(hash, Ordering::Relaxed);
        self.slots[at].node.store(node, Ordering::Release);
        self.live.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a node out; whether it was there. Before an empty slot no tombstone is needed, as no search goes on there.
    pub(super) fn remove(&self, hash: u64, node: *mut Node) -> bool {
        let mut at = hash as usize % SLOTS;
        loop {
            match self.slots[at].node.load(Ordering::Relaxed) {
                found if found == node => break,
                found if found.is_null() => return false,
                _ => at = (at + 1) % SLOTS,
            }
        }
        self.live.fetch_sub(1, Ordering::Relaxed);
        self.slots[at].node.store(tombstone(), Ordering::Release);
        if self.slots[(at + 1) % SLOTS].node.load(Ordering::Relaxed).is_null() {
            while self.slots[at].node.load(Ordering::Relaxed) == tombstone() {
                self.slots[at].node.store(ptr::null_mut(), Ordering::Release);
                self.used.fetch_sub(1, Ordering::Relaxed);
                at = (at + SLOTS - 1) % SLOTS;
            }
        }
        true
    }

    /// All of its nodes.
    pub(super) fn nodes(&self) -> impl Iterator<Item = *mut Node> {
        self.slots.iter().map(|slot| slot.node.load(Ordering::Acquire)).filter(|node| is_node(*node))
    }

    /// The same without tombstones.
    pub(super) fn copy(&self) -> Self {
        let copy = Self::new(self.depth);
        copy.adopt(self);
        copy
    }

    /// Two segments, for hashes whose next bit is 0 and 1.
    pub(super) fn split(&self) -> [Self; 2] {
        let halves = [Self::new(self.depth + 1), Self::new(self.depth + 1)];
        for node in self.nodes() {
            // SAFETY: a node in a segment is alive, and the writer, who alone frees nodes, is the caller.
            let hash = unsafe { (*node).hash };
            halves[(hash >> (63 - self.depth) & 1) as usize].put(hash, node);
        }
        halves
    }

    /// One segment for two halves; none if they are not halves of one, or it would be too full.
    pub(super) fn merge(&self, other: &Self) -> Option<Self> {
        if self.depth != other.depth || self.live() + other.live() > MERGED_MAX {
            return None;
        }
        let whole = Self::new(self.depth - 1);
        whole.adopt(self);
        whole.adopt(other);
        Some(whole)
    }

    fn live(&self) -> u32 {
        self.live.load(Ordering::Relaxed)
    }

    fn adopt(&self, other: &Self) {
        for node in other.nodes() {
            // SAFETY: as in `split`.
            self.put(unsafe { (*node).hash }, node);
        }
    }
}

/// Frees a part with everything below it, nodes included.
///
/// # Safety
/// The caller owns all of it; nobody else will look at it again.
pub(super) unsafe fn free_all(part: *mut Part) {
    // SAFETY: made by `Box::into_raw` in `into_part`; nodes by `Box::leak` in the table's `insert`.
    unsafe {
        match &*part {
            Part::Segment(segment) => segment.nodes().for_each(|node| drop(Box::from_raw(node))),
            Part::Directory(directory) => {
                // Places that lead to one segment are side by side: it is freed at the first of them.
                let mut last: *mut Part = ptr::null_mut();
                for place in &directory.parts {
                    let part = place.load(Ordering::Acquire);
                    if part != last {
                        last = part;
                        free_all(part);
                    }
                }
            }
        }
        drop(Box::from_raw(part));
    }
}

/// Marks a slot whose node was taken out: searches go on behind it.
fn tombstone() -> *mut Node {
    ptr::without_provenance_mut(1)
}

fn is_node(node: *mut Node) -> bool {
    !node.is_null() && node != tombstone()
}
