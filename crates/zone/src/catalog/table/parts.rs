//! What the table is made of: directories that lead by the top bits of a hash, and segments that hold the newest versions of keys.
//!
//! The writer alone calls what takes `&self` and stores. A directory or segment is changed in place by single atomic
//! stores, each of which leaves every key that a reader may look for where it can be found.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use super::super::heap::{Heap, Size};
use super::super::versions::{Version, VersionRef};

/// A segment has a multiple of so many slots, of which so many are used at most, tombstones included.
const GRAIN: usize = 64;
const GRAIN_USED_MAX: usize = GRAIN * 3 / 4;
/// Grains of the largest segment: 8 KiB, small enough to copy in microseconds.
const GRAINS_MAX: usize = 8;
/// Keys for which a segment has room when it is made: it is not copied again soon.
const ROOM_MIN: usize = GRAIN_USED_MAX / 2;
/// A segment with room for more keys than this is copied into a smaller one.
const ROOM_MAX: usize = GRAIN_USED_MAX * 2;
/// A full segment with more keys is split.
const UNSPLIT_MAX: usize = GRAIN_USED_MAX * (GRAINS_MAX - 1);
/// Keys of two segments that become one: few enough that it is not split again soon.
const MERGED_MAX: usize = GRAIN_USED_MAX * GRAINS_MAX / 2;
/// A directory has at most 2 to this power places: 32 KiB, likewise. One such directory leads to a million names; tests
/// make do with few, and have trees of directories all the same.
const DIRECTORY_DEPTH_MAX: u32 = if cfg!(test) { 3 } else { 12 };

/// What a place of a directory leads to: a directory, or a segment. Only ever pointed to, and the pointer says which: a
/// segment's has its number of grains in the low bits, so that a search needs nothing of a segment but the slots.
pub(in super::super) struct Part {
    _opaque: u8,
}

/// The bits of a pointer that say what it leads to: 0 for a directory, else the grains of a segment.
const KIND_BITS: usize = 15;

/// A directory, which is not freed while `'t` lasts: a line with its head, and then its places.
#[derive(Clone, Copy)]
pub(in super::super) struct Directory<'t> {
    first: NonNull<Line>,
    lasts: PhantomData<&'t Line>,
}

/// The first line of a directory.
#[repr(C)]
struct DirectoryHead {
    /// How many top bits of the hash lead to it.
    above: u32,
    /// How many of the bits that follow index it.
    depth: u32,
}

/// A line of cache, of which parts are made.
#[repr(C, align(64))]
struct Line([u64; 8]);

/// The first line of a segment.
#[repr(C)]
struct Head {
    /// How many top bits of the hash all of its keys share.
    depth: u32,
    /// Slots that are not empty.
    used: AtomicUsize,
    /// Slots that hold a key.
    live: AtomicUsize,
}

struct Slot {
    hash: AtomicU64,
    newest: AtomicPtr<Version>,
}

/// A segment, which is not freed while `'t` lasts: a line with its head, and then its slots.
#[derive(Clone, Copy)]
pub(in super::super) struct Segment<'t> {
    first: NonNull<Line>,
    grains: usize,
    lasts: PhantomData<&'t Line>,
}

/// What a pointer leads to.
pub(super) enum Led<'t> {
    Directory(Directory<'t>),
    Segment(Segment<'t>),
}

/// Follows a pointer out of a place.
///
/// # Safety
/// It was made by `into_part`, and the part is not freed while `'t` lasts.
pub(super) unsafe fn led<'t>(part: *mut Part) -> Led<'t> {
    let grains = part.addr() & KIND_BITS;
    let first = part.map_addr(|at| at & !KIND_BITS).cast();
    // SAFETY: a part's pointer is never null.
    let (first, lasts) = (unsafe { NonNull::new_unchecked(first) }, PhantomData);
    match grains {
        0 => Led::Directory(Directory { first, lasts }),
        grains => Led::Segment(Segment { first, grains, lasts }),
    }
}

impl<'t> Directory<'t> {
    /// A directory with one place.
    pub(super) fn new(heap: &mut Heap, above: u32, part: *mut Part) -> Self {
        Self::with_places(heap, above, 0, std::iter::once(part))
    }

    fn with_places(heap: &mut Heap, above: u32, depth: u32, parts: impl Iterator<Item = *mut Part>) -> Self {
        let first = heap.take(Size::Lines(Self::lines(depth))).cast::<Line>();
        // SAFETY: the block is new, and has room for a head and 2^depth places, all of which are written.
        unsafe {
            first.cast().write(DirectoryHead { above, depth });
            let places = first.add(1).cast::<AtomicPtr<Part>>();
            let mut written = 0;
            for part in parts.take(1 << depth) {
                places.add(written).write(AtomicPtr::new(part));
                written += 1;
            }
            assert_eq!(written, 1 << depth, "a directory has all its places");
        }
        Self { first, lasts: PhantomData }
    }

    fn lines(depth: u32) -> usize {
        1 + (size_of::<AtomicPtr<Part>>() << depth).div_ceil(size_of::<Line>())
    }

    pub(super) fn into_part(self) -> *mut Part {
        self.first.as_ptr().cast()
    }

    /// How many top bits of the hash lead to it.
    pub(super) fn depth_above(self) -> u32 {
        self.head().above
    }

    /// How many top bits of the hash are settled behind it.
    pub(super) fn depth_below(self) -> u32 {
        self.head().above + self.head().depth
    }

    /// The place of a hash.
    pub(super) fn cell(self, hash: u64) -> &'t AtomicPtr<Part> {
        &self.places()[self.index(hash)]
    }

    /// Points every place that a segment of this depth covers to it; `hash` is one of its hashes.
    pub(super) fn point(self, hash: u64, depth: u32, segment: *mut Part) {
        let span = 1usize << (self.depth_below() - depth);
        let first = self.index(hash) & !(span - 1);
        for place in &self.places()[first..first + span] {
            place.store(segment, Ordering::Release);
        }
    }

    /// One with each place twice; none if it is as large as a directory may be.
    pub(super) fn double(self, heap: &mut Heap) -> Option<Directory<'static>> {
        let DirectoryHead { above, depth } = *self.head();
        if depth == DIRECTORY_DEPTH_MAX {
            return None;
        }
        let twice = self.places().iter().flat_map(|part| [part.load(Ordering::Acquire); 2]);
        Some(Directory::with_places(heap, above, depth + 1, twice))
    }

    fn index(self, hash: u64) -> usize {
        let DirectoryHead { above, depth } = *self.head();
        // A shift by 64 is no shift at all, so depth 0 is apart.
        if depth == 0 { 0 } else { (hash << above >> (64 - depth)) as usize }
    }

    fn head(self) -> &'t DirectoryHead {
        // SAFETY: written when it was made, and never changed.
        unsafe { self.first.cast().as_ref() }
    }

    fn places(self) -> &'t [AtomicPtr<Part>] {
        // SAFETY: so many were written behind the first line when it was made.
        unsafe { std::slice::from_raw_parts(self.first.add(1).cast().as_ptr(), 1 << self.head().depth) }
    }
}

impl<'t> Segment<'t> {
    /// An empty segment, with room for `keys` and some more; owned by whoever has it until it is led to.
    pub(super) fn new(heap: &mut Heap, depth: u32, keys: usize) -> Self {
        let grains = (keys + ROOM_MIN).div_ceil(GRAIN_USED_MAX).min(GRAINS_MAX);
        let first = heap.take(Size::Lines(lines(grains))).cast::<Line>();
        // SAFETY: the block is new and has so many lines. All octets zero is a value of each slot, that leads nowhere, and
        // of a head whose counters are 0; a line has room and alignment for a head.
        unsafe {
            first.write_bytes(0, lines(grains));
            (*first.cast::<Head>().as_ptr()).depth = depth;
        }
        Self { first, grains, lasts: PhantomData }
    }

    pub(super) fn into_part(self) -> *mut Part {
        self.first.as_ptr().map_addr(|at| at | self.grains).cast()
    }

    /// How many top bits of the hash all of its keys share.
    pub(super) fn depth(self) -> u32 {
        self.head().depth
    }

    fn head(self) -> &'t Head {
        // SAFETY: the first line is a head since `new`; what changes in it is atomic.
        unsafe { self.first.cast().as_ref() }
    }

    fn slots(self) -> &'t [Slot] {
        // SAFETY: behind the first line the allocation has so many slots, zero or what was stored since: always a value.
        unsafe { std::slice::from_raw_parts(self.first.add(1).cast().as_ptr(), self.grains * GRAIN) }
    }

    /// The slot with this hash whose key `is_it` says is the one, and the newest version there.
    ///
    /// # Safety
    /// As for [`super::Table::find`].
    pub(super) unsafe fn find<'v>(
        self,
        hash: u64,
        is_it: impl Fn(VersionRef<'v>) -> bool,
    ) -> Option<(&'t AtomicPtr<Version>, VersionRef<'v>)> {
        let mut at = self.first_at(hash);
        loop {
            let slot = &self.slots()[at];
            let newest = NonNull::new(slot.newest.load(Ordering::Acquire))?;
            // A slot is used again after a key was taken out of it, which is when no reader can see that key any more:
            // whoever finds the hash and the versions of two keys there looks for neither.
            if slot.hash.load(Ordering::Relaxed) == hash && newest.as_ptr() != tombstone() {
                // SAFETY: the caller holds a generation, so a version that it can meet is not freed.
                let newest = unsafe { VersionRef::new(newest) };
                if is_it(newest) {
                    return Some((&slot.newest, newest));
                }
            }
            at = self.after(at);
        }
    }

    /// The first slot of a search.
    pub(super) fn first_slot(self, hash: u64) -> *const u8 {
        (&raw const self.slots()[self.first_at(hash)]).cast()
    }

    /// What the first slot with this hash leads to, not looked at.
    pub(super) fn expect(self, hash: u64) -> Option<*const u8> {
        let mut at = self.first_at(hash);
        loop {
            let slot = &self.slots()[at];
            let newest = slot.newest.load(Ordering::Acquire);
            if newest.is_null() {
                return None;
            }
            if slot.hash.load(Ordering::Relaxed) == hash && is_version(newest) {
                return Some(newest.cast_const().cast());
            }
            at = self.after(at);
        }
    }

    /// Whether there is no room for a further key.
    pub(super) fn is_full(self) -> bool {
        self.head().used.load(Ordering::Relaxed) >= self.used_max()
    }

    /// Whether it is better split than copied when it is full.
    pub(super) fn is_to_be_split(self) -> bool {
        self.live() > UNSPLIT_MAX
    }

    /// Whether there is room for so many keys that it is better copied into a smaller one.
    pub(super) fn is_too_large(self) -> bool {
        self.used_max() - self.live() > ROOM_MAX
    }

    /// Stores the newest version of a key in the first slot that is free. There is one: the caller sees to that.
    pub(super) fn put(self, hash: u64, newest: *mut Version) {
        let mut at = self.first_at(hash);
        while is_version(self.slots()[at].newest.load(Ordering::Relaxed)) {
            at = self.after(at);
        }
        if self.slots()[at].newest.load(Ordering::Relaxed).is_null() {
            self.head().used.fetch_add(1, Ordering::Relaxed);
        }
        self.slots()[at].hash.store(hash, Ordering::Relaxed);
        self.slots()[at].newest.store(newest, Ordering::Release);
        self.head().live.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a key out, whose newest version this is; whether it was there. Before an empty slot no tombstone is needed, as no search goes on there.
    pub(super) fn remove(self, hash: u64, newest: *mut Version) -> bool {
        let mut at = self.first_at(hash);
        loop {
            match self.slots()[at].newest.load(Ordering::Relaxed) {
                found if found == newest => break,
                found if found.is_null() => return false,
                _ => at = self.after(at),
            }
        }
        self.head().live.fetch_sub(1, Ordering::Relaxed);
        self.slots()[at].newest.store(tombstone(), Ordering::Release);
        if self.slots()[self.after(at)].newest.load(Ordering::Relaxed).is_null() {
            while self.slots()[at].newest.load(Ordering::Relaxed) == tombstone() {
                self.slots()[at].newest.store(ptr::null_mut(), Ordering::Release);
                self.head().used.fetch_sub(1, Ordering::Relaxed);
                at = at.checked_sub(1).unwrap_or(self.slots().len() - 1);
            }
        }
        true
    }

    /// The newest versions of all of its keys, with their hashes. For the writer.
    pub(super) fn keys(self) -> impl Iterator<Item = (u64, *mut Version)> + use<'t> {
        let all = self.slots().iter();
        let all = all.map(|slot| (slot.hash.load(Ordering::Relaxed), slot.newest.load(Ordering::Acquire)));
        all.filter(|(_, newest)| is_version(*newest))
    }

    /// The same keys in a segment of the right size, without tombstones.
    pub(super) fn copy(self, heap: &mut Heap) -> Segment<'static> {
        let copy = Segment::new(heap, self.depth(), self.live());
        self.keys().for_each(|(hash, newest)| copy.put(hash, newest));
        copy
    }

    /// Two segments, for hashes whose next bit is 0 and 1.
    pub(super) fn split(self, heap: &mut Heap) -> [Segment<'static>; 2] {
        let bit = |hash: u64| (hash >> (63 - self.depth()) & 1) as usize;
        let ones = self.keys().filter(|(hash, _)| bit(*hash) == 1).count();
        let halves = [self.live() - ones, ones].map(|keys| Segment::new(heap, self.depth() + 1, keys));
        self.keys().for_each(|(hash, newest)| halves[bit(hash)].put(hash, newest));
        halves
    }

    /// One segment for two halves; none if they are not halves of one, or it would soon be split again.
    pub(super) fn merge(self, heap: &mut Heap, other: Segment<'_>) -> Option<Segment<'static>> {
        if self.depth() != other.depth() || self.live() + other.live() > MERGED_MAX {
            return None;
        }
        let whole = Segment::new(heap, self.depth() - 1, self.live() + other.live());
        self.keys().chain(other.keys()).for_each(|(hash, newest)| whole.put(hash, newest));
        Some(whole)
    }

    fn live(self) -> usize {
        self.head().live.load(Ordering::Relaxed)
    }

    fn used_max(self) -> usize {
        self.slots().len() / GRAIN * GRAIN_USED_MAX
    }

    /// Where the search for a hash begins: by its low bits, as the top ones have led to the segment.
    fn first_at(self, hash: u64) -> usize {
        (((hash & u64::from(u32::MAX)) * self.slots().len() as u64) >> 32) as usize
    }

    fn after(self, at: usize) -> usize {
        if at + 1 < self.slots().len() { at + 1 } else { 0 }
    }
}

fn lines(grains: usize) -> usize {
    1 + grains * GRAIN * size_of::<Slot>() / size_of::<Line>()
}

/// Frees a part, and nothing that it leads to.
///
/// # Safety
/// It was made with this heap, is led to by nothing, and no reader can still be on it.
pub(super) unsafe fn free_one(heap: &mut Heap, part: *mut Part) {
    // SAFETY: as stated; it was taken with so many lines.
    unsafe {
        let (first, lines) = match led(part) {
            Led::Directory(directory) => (directory.first, Directory::lines(directory.head().depth)),
            Led::Segment(segment) => (segment.first, lines(segment.grains)),
        };
        heap.give_back(first.cast(), Size::Lines(lines));
    }
}

/// The parts below this one, itself included.
///
/// # Safety
/// The caller is the writer.
#[cfg(test)]
pub(super) unsafe fn count(part: *mut Part) -> usize {
    // SAFETY: parts are freed by the writer alone.
    match unsafe { led(part) } {
        Led::Segment(_) => 1,
        Led::Directory(directory) => {
            let parts: std::collections::BTreeSet<_> =
                directory.places().iter().map(|part| part.load(Ordering::Acquire)).collect();
            // SAFETY: as above.
            parts.into_iter().map(|part| unsafe { count(part) }).sum::<usize>() + 1
        }
    }
}

/// Marks a slot whose key was taken out: searches go on behind it.
fn tombstone() -> *mut Version {
    ptr::without_provenance_mut(1)
}

fn is_version(newest: *mut Version) -> bool {
    !newest.is_null() && newest != tombstone()
}
