//! What the table is made of: directories that lead by the top bits of a hash, and segments that hold nodes.
//!
//! The writer alone calls what takes `&self` and stores. A directory or segment is changed in place by single atomic
//! stores, each of which leaves every node that a reader may look for where it can be found.
#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use super::Node;

/// A segment has a multiple of so many slots, of which so many are used at most, tombstones included.
const GRAIN: usize = 64;
const GRAIN_USED_MAX: usize = GRAIN * 3 / 4;
/// Grains of the largest segment: 8 KiB, small enough to copy in microseconds.
const GRAINS_MAX: usize = 8;
/// Nodes for which a segment has room when it is made: it is not copied again soon.
const ROOM_MIN: usize = GRAIN_USED_MAX / 2;
/// A segment with room for more nodes than this is copied into a smaller one.
const ROOM_MAX: usize = GRAIN_USED_MAX * 2;
/// A full segment with more nodes is split.
const UNSPLIT_MAX: usize = GRAIN_USED_MAX * (GRAINS_MAX - 1);
/// Nodes of two segments that become one: few enough that it is not split again soon.
const MERGED_MAX: usize = GRAIN_USED_MAX * GRAINS_MAX / 2;
/// A directory has at most 2 to this power places: 32 KiB, likewise. One such directory leads to a million names; tests
/// make do with few, and have trees of directories all the same.
const DIRECTORY_DEPTH_MAX: u32 = if cfg!(test) { 3 } else { 12 };

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
    used: AtomicUsize,
    /// Slots that hold a node.
    live: AtomicUsize,
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
    /// An empty segment, with room for `nodes` and some more.
    pub(super) fn new(depth: u32, nodes: usize) -> Self {
        let grains = (nodes + ROOM_MIN).div_ceil(GRAIN_USED_MAX).min(GRAINS_MAX);
        let empty = || Slot { hash: AtomicU64::new(0), node: AtomicPtr::new(ptr::null_mut()) };
        let slots = std::iter::repeat_with(empty).take(grains * GRAIN).collect();
        Self { depth, used: AtomicUsize::new(0), live: AtomicUsize::new(0), slots }
    }

    pub(super) fn into_part(self) -> *mut Part {
        Box::into_raw(Box::new(Part::Segment(self)))
    }

    /// The node with this hash that `is_it` says is the one.
    ///
    /// # Safety
    /// As for [`super::Table::find`].
    pub(super) unsafe fn find(&self, hash: u64, is_it: impl Fn(&Node) -> bool) -> Option<&Node> {
        let mut at = self.first(hash);
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
            at = self.after(at);
        }
    }

    /// A look at the slots where a search begins, and at those on the next line of cache.
    pub(super) fn touch(&self, hash: u64) -> u64 {
        let at = self.first(hash);
        let look = |at: usize| self.slots[at].hash.load(Ordering::Relaxed);
        look(at).wrapping_add(look((at + 4).min(self.slots.len() - 1)))
    }

    /// Whether there is no room for a further node.
    pub(super) fn is_full(&self) -> bool {
        self.used.load(Ordering::Relaxed) >= self.used_max()
    }

    /// Whether it is better split than copied when it is full.
    pub(super) fn is_to_be_split(&self) -> bool {
        self.live() > UNSPLIT_MAX
    }

    /// Whether there is room for so many nodes that it is better copied into a smaller one.
    pub(super) fn is_too_large(&self) -> bool {
        self.used_max() - self.live() > ROOM_MAX
    }

    /// Stores a node in the first slot that is free. There is one: the caller sees to that.
    pub(super) fn put(&self, hash: u64, node: *mut Node) {
        let mut at = self.first(hash);
        while is_node(self.slots[at].node.load(Ordering::Relaxed)) {
            at = self.after(at);
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
        let mut at = self.first(hash);
        loop {
            match self.slots[at].node.load(Ordering::Relaxed) {
                found if found == node => break,
                found if found.is_null() => return false,
                _ => at = self.after(at),
            }
        }
        self.live.fetch_sub(1, Ordering::Relaxed);
        self.slots[at].node.store(tombstone(), Ordering::Release);
        if self.slots[self.after(at)].node.load(Ordering::Relaxed).is_null() {
            while self.slots[at].node.load(Ordering::Relaxed) == tombstone() {
                self.slots[at].node.store(ptr::null_mut(), Ordering::Release);
                self.used.fetch_sub(1, Ordering::Relaxed);
                at = at.checked_sub(1).unwrap_or(self.slots.len() - 1);
            }
        }
        true
    }

    /// All of its nodes, with their hashes. For the writer.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (u64, *mut Node)> {
        let all = self.slots.iter();
        let all = all.map(|slot| (slot.hash.load(Ordering::Relaxed), slot.node.load(Ordering::Acquire)));
        all.filter(|(_, node)| is_node(*node))
    }

    /// The same nodes in a segment of the right size, without tombstones.
    pub(super) fn copy(&self) -> Self {
        let copy = Self::new(self.depth, self.live());
        self.nodes().for_each(|(hash, node)| copy.put(hash, node));
        copy
    }

    /// Two segments, for hashes whose next bit is 0 and 1.
    pub(super) fn split(&self) -> [Self; 2] {
        let bit = |hash: u64| (hash >> (63 - self.depth) & 1) as usize;
        let ones = self.nodes().filter(|(hash, _)| bit(*hash) == 1).count();
        let halves = [Self::new(self.depth + 1, self.live() - ones), Self::new(self.depth + 1, ones)];
        self.nodes().for_each(|(hash, node)| halves[bit(hash)].put(hash, node));
        halves
    }

    /// One segment for two halves; none if they are not halves of one, or it would soon be split again.
    pub(super) fn merge(&self, other: &Self) -> Option<Self> {
        if self.depth != other.depth || self.live() + other.live() > MERGED_MAX {
            return None;
        }
        let whole = Self::new(self.depth - 1, self.live() + other.live());
        self.nodes().chain(other.nodes()).for_each(|(hash, node)| whole.put(hash, node));
        Some(whole)
    }

    fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    fn used_max(&self) -> usize {
        self.slots.len() / GRAIN * GRAIN_USED_MAX
    }

    /// Where the search for a hash begins: by its low bits, as the top ones have led to the segment.
    fn first(&self, hash: u64) -> usize {
        (((hash & u64::from(u32::MAX)) * self.slots.len() as u64) >> 32) as usize
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 < self.slots.len() { at + 1 } else { 0 }
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
            Part::Segment(segment) => segment.nodes().for_each(|(_, node)| drop(Box::from_raw(node))),
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

/// The parts below this one, itself included.
///
/// # Safety
/// The caller is the writer.
#[cfg(test)]
pub(super) unsafe fn count(part: *mut Part) -> usize {
    // SAFETY: parts are freed by the writer alone.
    match unsafe { &*part } {
        Part::Segment(_) => 1,
        Part::Directory(directory) => {
            let parts: std::collections::BTreeSet<_> =
                directory.parts.iter().map(|part| part.load(Ordering::Acquire)).collect();
            // SAFETY: as above.
            parts.into_iter().map(|part| unsafe { count(part) }).sum::<usize>() + 1
        }
    }
}

/// Marks a slot whose node was taken out: searches go on behind it.
fn tombstone() -> *mut Node {
    ptr::without_provenance_mut(1)
}

fn is_node(node: *mut Node) -> bool {
    !node.is_null() && node != tombstone()
}
