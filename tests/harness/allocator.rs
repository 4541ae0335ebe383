//! The allocator of this binary: the system's, counting.
//!
//! Every thread counts its own allocations, always; that costs a few instructions. While somebody watches, those of
//! threads whose names begin with a prefix are counted together, wherever they run.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Allocations of one thread since it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// How many.
    pub(crate) allocations: u64,
    /// Their octets.
    pub(crate) allocated: u64,
    /// Octets given back, whoever had allocated them.
    pub(crate) freed: u64,
}

impl Counts {
    /// What has happened since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            allocations: self.allocations - earlier.allocations,
            allocated: self.allocated - earlier.allocated,
            freed: self.freed - earlier.freed,
        }
    }

    /// Octets that are held, if everything was allocated and freed by this one thread.
    pub(crate) fn live(self) -> u64 {
        self.allocated - self.freed
    }
}

thread_local! {
    static COUNTS: Cell<Counts> = const { Cell::new(Counts { allocations: 0, allocated: 0, freed: 0 }) };
}

/// What the calling thread has allocated.
pub(crate) fn this_thread() -> Counts {
    COUNTS.get()
}

/// Threads have names of at most 15 octets (prctl(2)).
const THREAD_NAME_OCTETS: usize = 16;

static WATCHING: AtomicBool = AtomicBool::new(false);
static PREFIX: [AtomicU8; THREAD_NAME_OCTETS] = [const { AtomicU8::new(0) }; THREAD_NAME_OCTETS];
static WATCHED: AtomicU64 = AtomicU64::new(0);
static WATCHER: Mutex<()> = Mutex::new(());

/// A watch over the threads of this process whose names begin with a prefix. There is one at a time.
pub(crate) struct Watch {
    _only: MutexGuard<'static, ()>,
}

impl Watch {
    pub(crate) fn threads(prefix: &str) -> Self {
        assert!(prefix.len() < THREAD_NAME_OCTETS, "no thread has so long a name");
        let only = WATCHER.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, place) in PREFIX.iter().enumerate() {
            place.store(prefix.as_bytes().get(index).copied().unwrap_or(0), Ordering::Relaxed);
        }
        WATCHED.store(0, Ordering::Relaxed);
        WATCHING.store(true, Ordering::SeqCst);
        Self { _only: only }
    }

    /// Allocations so far.
    pub(crate) fn allocations(&self) -> u64 {
        WATCHED.load(Ordering::SeqCst)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        WATCHING.store(false, Ordering::SeqCst);
    }
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: all of it is the system's allocator; what is done beside it touches no memory that it gives out.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_allocation(layout.size());
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count_allocation(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count_allocation(new_size);
        count_freed(layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, new_size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count_freed(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

fn count_allocation(octets: usize) {
    let before = COUNTS.get();
    let (allocations, allocated) = (before.allocations + 1, before.allocated + octets as u64);
    COUNTS.set(Counts { allocations, allocated, ..before });
    if WATCHING.load(Ordering::Relaxed) && is_watched() {
        WATCHED.fetch_add(1, Ordering::SeqCst);
    }
}

fn count_freed(octets: usize) {
    let before = COUNTS.get();
    COUNTS.set(Counts { freed: before.freed + octets as u64, ..before });
}

/// Whether the calling thread's name begins with the prefix. Allocates nothing, so that it may be asked from here.
fn is_watched() -> bool {
    let mut name = [0u8; THREAD_NAME_OCTETS];
    // SAFETY: the kernel writes at most 16 octets, the last of them zero, and `name` has room for them.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    let prefix = PREFIX.iter().map(|place| place.load(Ordering::Relaxed)).take_while(|octet| *octet != 0);
    prefix.zip(name).all(|(wanted, octet)| wanted == octet)
}

#[test]
fn allocations_are_counted() {
    let before = this_thread();
    let octets = std::hint::black_box(vec![1u8; 1000]);
    let held = this_thread().since(before);
    drop(octets);
    let after = this_thread().since(before);
    assert_eq!((held.allocations, held.live(), after.live()), (1, 1000, 0));
}

#[test]
fn threads_are_watched_by_their_names() {
    let watch = Watch::threads("watched-");
    let allocate = || drop(std::hint::black_box(vec![1u8; 1000]));
    let run = |name: &str| std::thread::Builder::new().name(name.to_owned()).spawn(allocate).unwrap().join().unwrap();
    run("unwatched-1");
    // What the standard library allocates in a new thread before it has its name does not count, what comes after does.
    let before = watch.allocations();
    run("watched-1");
    let seen = watch.allocations();
    run("other");
    assert_eq!((before, seen > 0, watch.allocations()), (0, true, seen));
}
