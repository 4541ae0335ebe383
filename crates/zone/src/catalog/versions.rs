//! A version: what a key of the table stands for, from one generation on.
//!
//! One allocation holds all of it, so that whoever finds a version has the key to compare and the value to answer with
//! on the same few lines of cache:
//!
//! ```text
//!  older | from | hash | space | children | lengths and flags | key ... | value ...
//! ```
//!
//! A slot of the table, or a zone's record, leads to the newest version of its key, and each version to an older one.
//! Rules, on which every `unsafe` here rests:
//!
//! 1. Only the writer links. A version is complete before it is linked (release), and its key and value never change.
//! 2. A version is written with `from` above every generation that a reader holds, so a reader that meets it walks on
//!    to an older one.
//! 3. What a version supersedes is cut off and freed only when every reader holds at least its `from`: such readers
//!    stop at it or before it, and nobody walks past it any more.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::mem::offset_of;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

use super::heap::{Heap, Size};

/// See the module's description. Reached through pointers and [`VersionRef`] alone: key and value lie behind it.
#[repr(C)]
pub(super) struct Version {
    older: AtomicPtr<Version>,
    from: u64,
    hash: u64,
    space: u64,
    /// Names directly below this one that exist in the newest state. For the writer.
    children: AtomicU32,
    value_octets: u32,
    key_octets: u8,
    /// Whether the key stands for anything.
    exists: bool,
    /// It was superseded in the step that made it, and was never true. For the writer.
    replaced: AtomicBool,
    octets: [u8; 0],
}

/// Where the key begins.
const OCTETS_AT: usize = offset_of!(Version, octets);

/// What a key is found by.
#[derive(Clone, Copy)]
pub(super) struct Key<'k> {
    pub(super) space: u64,
    /// That of space and name together.
    pub(super) hash: u64,
    /// At most 255.
    pub(super) octets: &'k [u8],
}

/// A version that is not freed while `'v` lasts.
#[derive(Clone, Copy)]
pub(super) struct VersionRef<'v> {
    at: NonNull<Version>,
    lasts: PhantomData<&'v Version>,
}

/// How many octets a version with a key and a value of these lengths takes.
pub(super) fn octets(key: usize, value: usize) -> usize {
    words(key, value) * size_of::<u64>()
}

fn words(key: usize, value: usize) -> usize {
    (OCTETS_AT + key + value).max(size_of::<Version>()).div_ceil(size_of::<u64>())
}

/// Makes a version that is not linked yet. `value` none: the key stands for nothing from this generation on.
pub(super) fn make(
    heap: &mut Heap,
    key: Key<'_>,
    from: u64,
    value: Option<&[u8]>,
    children: u32,
    older: *mut Version,
) -> NonNull<Version> {
    debug_assert!(key.octets.len() <= usize::from(u8::MAX) && align_of::<Version>() <= align_of::<u64>());
    let octets = value.unwrap_or_default();
    let at = heap.take(Size::Words(words(key.octets.len(), octets.len()))).cast::<Version>();
    let head = Version {
        older: AtomicPtr::new(older),
        from,
        hash: key.hash,
        space: key.space,
        children: AtomicU32::new(children),
        value_octets: octets.len() as u32,
        key_octets: key.octets.len() as u8,
        exists: value.is_some(),
        replaced: AtomicBool::new(false),
        octets: [],
    };
    // SAFETY: the block is new, aligned for words, and `words` made room for the head and for both runs of octets
    // behind it; the head is written first, because its padding reaches over the first of them.
    unsafe {
        at.write(head);
        let key_at = at.cast::<u8>().add(OCTETS_AT);
        key_at.copy_from_nonoverlapping(NonNull::from(key.octets).cast(), key.octets.len());
        key_at.add(key.octets.len()).copy_from_nonoverlapping(NonNull::from(octets).cast(), octets.len());
    }
    at
}

/// The version that is true in a generation, of the chain that begins at `newest`; none if there is nothing then.
///
/// # Safety
/// `newest` is null or linked, and the caller holds `generation` (`readers`) while `'v` lasts, or is the writer.
pub(super) unsafe fn at<'v>(newest: *mut Version, generation: u64) -> Option<VersionRef<'v>> {
    let mut version = NonNull::new(newest)?;
    loop {
        // SAFETY: rule 3: what a holder of `generation` can reach has not been freed.
        let this: VersionRef<'v> = unsafe { VersionRef::new(version) };
        if this.from() <= generation {
            return this.exists().then_some(this);
        }
        version = NonNull::new(this.older())?;
    }
}

impl<'v> VersionRef<'v> {
    /// # Safety
    /// The version is not freed while `'v` lasts.
    pub(super) unsafe fn new(at: NonNull<Version>) -> Self {
        Self { at, lasts: PhantomData }
    }

    pub(super) fn as_ptr(self) -> *mut Version {
        self.at.as_ptr()
    }

    pub(super) fn from(self) -> u64 {
        self.head().from
    }

    /// That of space and name together.
    pub(super) fn hash(self) -> u64 {
        self.head().hash
    }

    pub(super) fn space(self) -> u64 {
        self.head().space
    }

    pub(super) fn exists(self) -> bool {
        self.head().exists
    }

    pub(super) fn key(self) -> &'v [u8] {
        self.run(0, usize::from(self.head().key_octets))
    }

    /// Empty if the key stands for nothing.
    pub(super) fn value(self) -> &'v [u8] {
        let head = self.head();
        self.run(usize::from(head.key_octets), head.value_octets as usize)
    }

    /// Names directly below this one. For the writer.
    pub(super) fn children(self) -> &'v AtomicU32 {
        &self.head().children
    }

    /// Says that it was never true. For the writer.
    pub(super) fn set_replaced(self) {
        self.head().replaced.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_replaced(self) -> bool {
        self.head().replaced.load(Ordering::Relaxed)
    }

    pub(super) fn older(self) -> *mut Version {
        self.head().older.load(Ordering::Acquire)
    }

    /// Cuts off what it supersedes, for [`free_some`]. For the writer, once every reader holds at least `from`.
    pub(super) fn cut(self) -> *mut Version {
        self.head().older.swap(ptr::null_mut(), Ordering::AcqRel)
    }

    /// How many octets it takes, the space of the allocator aside.
    pub(super) fn octets(self) -> usize {
        let head = self.head();
        octets(usize::from(head.key_octets), head.value_octets as usize)
    }

    fn head(self) -> &'v Version {
        // SAFETY: alive while `'v` lasts; everything in it that changes is atomic.
        unsafe { self.at.as_ref() }
    }

    fn run(self, start: usize, length: usize) -> &'v [u8] {
        // SAFETY: `make` wrote so many octets behind the head, in the same allocation, which the pointer may reach
        // because it was made from the whole of it; they never change (rule 1).
        unsafe { std::slice::from_raw_parts(self.at.as_ptr().cast::<u8>().add(OCTETS_AT + start), length) }
    }
}

/// Frees one version, and nothing that it leads to.
///
/// # Safety
/// It came from [`make`] with this heap, is linked from nowhere, and no reader can still be on it.
pub(super) unsafe fn free_one(heap: &mut Heap, version: NonNull<Version>) {
    // SAFETY: `make` took so many words for it; freed once. Nothing in it has to be dropped.
    unsafe {
        let head = version.as_ref();
        let words = words(usize::from(head.key_octets), head.value_octets as usize);
        heap.give_back(version.cast(), Size::Words(words));
    }
}

/// Frees up to `count` versions of a chain; gives the rest of it, and counts down.
///
/// # Safety
/// The chain came from [`VersionRef::cut`], and its versions from [`make`] with this heap.
pub(super) unsafe fn free_some(heap: &mut Heap, mut chain: *mut Version, count: &mut usize) -> *mut Version {
    while let Some(version) = NonNull::new(chain).filter(|_| *count > 0) {
        // SAFETY: linked from nowhere else, and no reader can be on it (rule 3).
        unsafe {
            chain = version.as_ref().older.load(Ordering::Acquire);
            free_one(heap, version);
        }
        *count -= 1;
    }
    chain
}
