//! The catalog's memory: blocks of a few sizes, cut from regions that the kernel can hold in huge pages.
//!
//! ```text
//!  Region, 2 MiB: [its head | span | span | ... ]     Span, 64 KiB: [block | block | ...], all of one size
//! ```
//!
//! A catalog is read in no order at all, so that with ordinary pages nearly every look-up would begin with the
//! processor's search for a page. And it is made of millions of small blocks, each of which a general allocator would
//! give a head and round up. Here a block has no head, its size is a multiple of 8 octets, and a page is 2 MiB, but for
//! the first region, so that a small catalog stays small: whoever makes the catalog is told of each region, and asks the
//! system for a huge page. (`docs/decisions/0003-hot-path.md` has what this is worth.)
//!
//! The writer alone takes blocks and gives them back. What is larger than a span is good for is allocated by itself.
//! Whoever drops the heap frees everything in it.
//!
//! A catalog for tests has every block allocated by itself, so that valgrind sees what is used after it was freed.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::collections::VecDeque;
use std::ptr::{self, NonNull};

const REGION_OCTETS: usize = 2 << 20;
const SPAN_OCTETS: usize = 64 << 10;
const SPANS: usize = REGION_OCTETS / SPAN_OCTETS;
/// What sizes are multiples of.
const WORD_OCTETS: usize = 8;
/// What lines are aligned to, and their sizes multiples of.
const LINE_OCTETS: usize = 64;
/// Larger blocks of words are allocated by themselves.
const WORDS_MAX: usize = 64;
/// Larger blocks of lines are allocated by themselves.
const LINES_MAX: usize = 160;
const CLASSES: usize = WORDS_MAX + LINES_MAX + 1;

/// What a block is for: its size, and what it is aligned to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Size {
    /// So many words of 8 octets, at least one.
    Words(usize),
    /// So many lines of 64 octets, at least one.
    Lines(usize),
}

/// See the module's description.
pub(super) struct Heap {
    /// Spans of each class that have room; the first of a list.
    with_room: [*mut Span; CLASSES],
    /// Regions with spans that no class has taken.
    open: VecDeque<NonNull<Region>>,
    regions: Vec<NonNull<Region>>,
    /// Blocks that are allocated by themselves; the first of a list.
    alone: *mut Alone,
    memory: Memory,
}

/// Where blocks come from.
#[derive(Clone, Copy)]
pub enum Memory {
    /// Each is allocated by itself.
    Single,
    /// They are cut from regions. Each region but the first is told of when it is new: its first octet, and how many it
    /// has.
    Regions(fn(NonNull<u8>, usize)),
}

// SAFETY: all that the pointers lead to is the heap's own, and nothing is bound to a thread.
unsafe impl Send for Heap {}

/// The head of a region, at its first octet.
struct Region {
    spans: [Span; SPANS],
    /// Bit n: no class has span n.
    free: u64,
    is_open: bool,
}

/// What is known of a span. In a list of its class as long as it has room.
struct Span {
    class: usize,
    block_octets: usize,
    /// The first free block; each begins with the address of the next.
    free: *mut u8,
    /// Where what was never cut begins, and where the span ends.
    uncut: *mut u8,
    end: *mut u8,
    live: usize,
    next: *mut Span,
    previous: *mut Span,
}

/// What stands before a block that is allocated by itself.
struct Alone {
    next: *mut Alone,
    previous: *mut Alone,
    /// Of the block.
    layout: Layout,
}

impl Size {
    fn layout(self) -> Layout {
        let (octets, align) = match self {
            Self::Words(words) => (words.max(1) * WORD_OCTETS, WORD_OCTETS),
            Self::Lines(lines) => (lines.max(1) * LINE_OCTETS, LINE_OCTETS),
        };
        // SAFETY: the alignment is a power of two, and no block comes near half the address space.
        unsafe { Layout::from_size_align_unchecked(octets, align) }
    }

    /// None: it is allocated by itself.
    fn class(self) -> Option<usize> {
        match self {
            Self::Words(words) if words <= WORDS_MAX => Some(words.max(1) - 1),
            Self::Lines(lines) if lines <= LINES_MAX => Some(WORDS_MAX + lines.max(1)),
            _ => None,
        }
    }
}

impl Heap {
    /// A heap with nothing in it.
    pub(super) fn new(memory: Memory) -> Self {
        Self {
            with_room: [ptr::null_mut(); CLASSES],
            open: VecDeque::new(),
            regions: Vec::new(),
            alone: ptr::null_mut(),
            memory,
        }
    }

    /// A block that nobody else has. What is in it is not defined.
    pub(super) fn take(&mut self, size: Size) -> NonNull<u8> {
        let layout = size.layout();
        match self.class(size) {
            Some(class) => self.cut(class, layout.size()),
            None => self.take_alone(layout),
        }
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// It was taken with this size, and nobody uses it any more.
    pub(super) unsafe fn give_back(&mut self, block: NonNull<u8>, size: Size) {
        if self.class(size).is_none() {
            // SAFETY: as stated; such blocks are made by `take_alone`.
            unsafe { self.free_alone(block.cast::<Alone>().sub(1).as_ptr()) };
            return;
        }
        // SAFETY: a block that was cut lies in a region, which is aligned to its size and begins with its head. The head
        // and the spans' descriptions are reached through pointers to the whole region.
        unsafe {
            let region = block.as_ptr().map_addr(|at| at & !(REGION_OCTETS - 1)).cast::<Region>();
            let number = (block.as_ptr().addr() - region.addr()) / SPAN_OCTETS;
            let span = &raw mut (*region).spans[number];
            let was_full = (*span).is_full();
            block.as_ptr().cast::<*mut u8>().write((*span).free);
            (*span).free = block.as_ptr();
            (*span).live -= 1;
            if (*span).live == 0 {
                if !was_full {
                    self.unlink(span);
                }
                self.free_span(region, number);
            } else if was_full {
                self.link(span);
            }
        }
    }

    /// The octets of the regions.
    #[cfg(test)]
    fn region_octets(&self) -> usize {
        self.regions.len() * REGION_OCTETS
    }

    fn take_alone(&mut self, layout: Layout) -> NonNull<u8> {
        let (whole, head) = with_head(layout);
        // SAFETY: the head ends where the block begins, within what was allocated, and is as aligned as the block. The
        // first of the list is alive.
        unsafe {
            let block = allocate(whole).add(head);
            let alone = block.cast::<Alone>().sub(1).as_ptr();
            alone.write(Alone { next: self.alone, previous: ptr::null_mut(), layout });
            if !self.alone.is_null() {
                (*self.alone).previous = alone;
            }
            self.alone = alone;
            block
        }
    }

    /// # Safety
    /// It is in the list, and nobody uses its block any more.
    unsafe fn free_alone(&mut self, alone: *mut Alone) {
        // SAFETY: as stated; what is next to it in the list is alive. It was allocated as `take_alone` says.
        unsafe {
            let Alone { next, previous, layout } = alone.read();
            match previous.is_null() {
                true => self.alone = next,
                false => (*previous).next = next,
            }
            if !next.is_null() {
                (*next).previous = previous;
            }
            let (whole, head) = with_head(layout);
            dealloc(alone.add(1).cast::<u8>().sub(head), whole);
        }
    }

    /// None: a block of this size is allocated by itself.
    fn class(&self, size: Size) -> Option<usize> {
        size.class().filter(|_| matches!(self.memory, Memory::Regions(_)))
    }

    fn cut(&mut self, class: usize, octets: usize) -> NonNull<u8> {
        if self.with_room[class].is_null() {
            let span = self.new_span(class, octets);
            // SAFETY: a span that no class had is in no list.
            unsafe { self.link(span) };
        }
        let span = self.with_room[class];
        // SAFETY: spans in a list are in regions of this heap, and have room: a free block, or octets never cut.
        unsafe {
            let block = match (*span).free.is_null() {
                false => {
                    let block = (*span).free;
                    (*span).free = block.cast::<*mut u8>().read();
                    block
                }
                true => {
                    let block = (*span).uncut;
                    (*span).uncut = block.add((*span).block_octets);
                    block
                }
            };
            (*span).live += 1;
            if (*span).is_full() {
                self.unlink(span);
            }
            NonNull::new_unchecked(block)
        }
    }

    /// A span for blocks of one size.
    fn new_span(&mut self, class: usize, block_octets: usize) -> *mut Span {
        let region = match self.open.back() {
            Some(region) => region.as_ptr(),
            None => self.new_region(),
        };
        // SAFETY: the region is this heap's own, and open: a span of it is free. Its first span begins with the head.
        unsafe {
            let number = (*region).free.trailing_zeros() as usize;
            (*region).free &= !(1 << number);
            if (*region).free == 0 {
                (*region).is_open = false;
                self.open.pop_back();
            }
            let head = if number == 0 { size_of::<Region>().next_multiple_of(LINE_OCTETS) } else { 0 };
            let start = region.cast::<u8>().add(number * SPAN_OCTETS);
            let span = &raw mut (*region).spans[number];
            span.write(Span {
                class,
                block_octets,
                free: ptr::null_mut(),
                uncut: start.add(head),
                end: start.add(SPAN_OCTETS),
                live: 0,
                next: ptr::null_mut(),
                previous: ptr::null_mut(),
            });
            span
        }
    }

    fn new_region(&mut self) -> *mut Region {
        let octets = allocate(REGION_LAYOUT);
        if let Memory::Regions(told) = self.memory
            && !self.regions.is_empty()
        {
            told(octets, REGION_OCTETS);
        }
        let region = octets.cast::<Region>();
        // SAFETY: the memory is new, and large and aligned enough for the head. Spans are described when they are taken,
        // before anybody looks at them.
        unsafe {
            (&raw mut (*region.as_ptr()).free).write(u64::MAX >> (64 - SPANS));
            (&raw mut (*region.as_ptr()).is_open).write(true);
        }
        self.regions.push(region);
        self.open.push_back(region);
        region.as_ptr()
    }

    /// Gives a span back to its region, and the region to the system if nothing else is in it and there is another open
    /// one.
    ///
    /// # Safety
    /// The span has no live block and is in no list.
    unsafe fn free_span(&mut self, region: *mut Region, number: usize) {
        // SAFETY: regions are this heap's own.
        unsafe {
            (*region).free |= 1 << number;
            let at = NonNull::new_unchecked(region);
            if !(*region).is_open {
                (*region).is_open = true;
                self.open.push_front(at);
            }
            if (*region).free == u64::MAX >> (64 - SPANS) && self.open.len() > 1 {
                self.open.retain(|other| *other != at);
                self.regions.retain(|other| *other != at);
                dealloc(region.cast(), REGION_LAYOUT);
            }
        }
    }

    /// # Safety
    /// The span is this heap's own, and in no list.
    unsafe fn link(&mut self, span: *mut Span) {
        // SAFETY: all spans of a list are this heap's own.
        unsafe {
            let first = &mut self.with_room[(*span).class];
            ((*span).next, (*span).previous) = (*first, ptr::null_mut());
            if !first.is_null() {
                (**first).previous = span;
            }
            *first = span;
        }
    }

    /// # Safety
    /// The span is in the list of its class.
    unsafe fn unlink(&mut self, span: *mut Span) {
        // SAFETY: all spans of a list are this heap's own.
        unsafe {
            let Span { class, next, previous, .. } = *span;
            match previous.is_null() {
                true => self.with_room[class] = next,
                false => (*previous).next = next,
            }
            if !next.is_null() {
                (*next).previous = previous;
            }
        }
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        // SAFETY: all of these were allocated with these layouts and not freed since.
        unsafe {
            while !self.alone.is_null() {
                self.free_alone(self.alone);
            }
            self.regions.drain(..).for_each(|region| dealloc(region.as_ptr().cast(), REGION_LAYOUT));
        }
    }
}

impl Span {
    fn is_full(&self) -> bool {
        self.free.is_null() && self.end.addr() - self.uncut.addr() < self.block_octets
    }
}

const REGION_LAYOUT: Layout = match Layout::from_size_align(REGION_OCTETS, REGION_OCTETS) {
    Ok(layout) => layout,
    Err(_) => panic!("a region is a power of two"),
};

/// A block with its head before it: both together, and where the block begins.
fn with_head(block: Layout) -> (Layout, usize) {
    let head = size_of::<Alone>().next_multiple_of(block.align());
    // SAFETY: the alignment is a power of two, and no block comes near half the address space.
    (unsafe { Layout::from_size_align_unchecked(head + block.size(), block.align()) }, head)
}

fn allocate(layout: Layout) -> NonNull<u8> {
    // SAFETY: no layout here is empty.
    NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REGIONS: Memory = Memory::Regions(|_, _| {});

    fn any_size() -> impl Strategy<Value = Size> {
        prop_oneof![
            8 => (1usize..=80).prop_map(Size::Words),
            1 => (1usize..=200).prop_map(Size::Lines),
            1 => Just(Size::Lines(129)),
        ]
    }

    /// A block that is filled with a number of its own.
    struct Filled(NonNull<u8>, Size, u8);

    impl Filled {
        fn new(heap: &mut Heap, size: Size, number: u8) -> Self {
            let block = heap.take(size);
            assert_eq!(block.as_ptr().addr() % size.layout().align(), 0);
            // SAFETY: the block has so many octets.
            unsafe { block.write_bytes(number, size.layout().size()) };
            Self(block, size, number)
        }

        /// Nobody else has written into it.
        fn give_back(self, heap: &mut Heap) {
            let Self(block, size, number) = self;
            // SAFETY: the block has so many octets, all written, and is not used after.
            unsafe {
                let octets = std::slice::from_raw_parts(block.as_ptr(), size.layout().size());
                assert!(octets.iter().all(|octet| *octet == number));
                heap.give_back(block, size);
            }
        }
    }

    proptest! {
        #[test]
        fn blocks_do_not_overlap_and_come_again(
            is_cut: bool,
            steps in prop::collection::vec((any_size(), any::<u16>(), prop::bool::weighted(0.6)), 1..3000),
        ) {
            let mut heap = Heap::new(if is_cut { REGIONS } else { Memory::Single });
            let mut held: Vec<Filled> = Vec::new();
            for (index, (size, pick, takes)) in steps.into_iter().enumerate() {
                if takes || held.is_empty() {
                    held.push(Filled::new(&mut heap, size, index as u8));
                } else {
                    held.swap_remove(usize::from(pick) % held.len()).give_back(&mut heap);
                }
            }
            held.drain(..).for_each(|block| block.give_back(&mut heap));
            prop_assert!(heap.region_octets() <= REGION_OCTETS && heap.alone.is_null());
        }
    }

    #[test]
    fn regions_come_and_go() {
        let mut heap = Heap::new(REGIONS);
        for _ in 0..3 {
            let mut blocks: Vec<Filled> =
                (0..60_000).map(|n| Filled::new(&mut heap, Size::Words(9 + n % 5), n as u8)).collect();
            let octets: usize = blocks.iter().map(|block| block.1.layout().size()).sum();
            assert!(
                heap.region_octets() < octets + octets / 50 + REGION_OCTETS,
                "{} for {octets}",
                heap.region_octets()
            );
            // In an order that leaves regions half full for long.
            blocks.sort_by_key(|block| block.0.as_ptr().addr().wrapping_mul(0x9e37_79b9_7f4a_7c15));
            blocks.drain(..).for_each(|block| block.give_back(&mut heap));
            assert_eq!(heap.region_octets(), REGION_OCTETS);
        }
    }

    #[test]
    fn what_is_left_is_freed_with_the_heap() {
        let mut heap = Heap::new(REGIONS);
        // What is left over is valgrind's to find (`tools/memcheck`).
        for words in [1, 64, 65, 100_000] {
            Filled::new(&mut heap, Size::Words(words), 7);
        }
        assert!(!heap.alone.is_null() && heap.region_octets() == REGION_OCTETS);
    }
}
