//! Who reads which generation, so that memory returns when every reader has passed.
//!
//! Each reader owns a slot. To hold a generation it writes the number into its slot and then reads the generation
//! again; if it has moved, it tries again. The writer stores the new generation and then looks at all slots. Both
//! sides use sequentially consistent order, so either the writer sees the slot, or the reader sees the new generation.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Catalog, View};

/// A slot whose reader holds nothing.
const IDLE: u64 = u64::MAX;

pub(super) struct Readers {
    generation: AtomicU64,
    slots: Mutex<Vec<Arc<Slot>>>,
}

/// On a cache line of its own: it is written twice per batch.
#[repr(align(128))]
struct Slot {
    held: AtomicU64,
}

impl Readers {
    pub(super) fn new() -> Self {
        Self { generation: AtomicU64::new(0), slots: Mutex::new(Vec::new()) }
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Makes everything written for `generation` true.
    pub(super) fn publish(&self, generation: u64) {
        self.generation.store(generation, Ordering::SeqCst);
    }

    /// The oldest generation that anybody holds or can still come to hold.
    pub(super) fn oldest_held(&self) -> u64 {
        let generation = self.generation();
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        // A slot that only this list still knows belongs to a reader that is gone.
        slots.retain(|slot| Arc::strong_count(slot) > 1);
        slots.iter().map(|slot| slot.held.load(Ordering::SeqCst)).fold(generation, u64::min)
    }
}

/// The right to hold one generation at a time. One per worker thread: taking a view costs no lock.
pub struct Reader {
    catalog: Arc<Catalog>,
    slot: Arc<Slot>,
}

impl Reader {
    pub(super) fn new(catalog: Arc<Catalog>) -> Self {
        let slot = Arc::new(Slot { held: AtomicU64::new(IDLE) });
        catalog.readers.slots.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&slot));
        Self { catalog, slot }
    }

    /// Holds the present generation until the view is dropped. Take it after a batch has been received, never before:
    /// then nobody who has seen a change sees less in a later answer.
    pub fn view(&mut self) -> View<'_> {
        let readers = &self.catalog.readers;
        let mut generation = readers.generation();
        loop {
            self.slot.held.store(generation, Ordering::SeqCst);
            match readers.generation() {
                same if same == generation => return View { reader: self, generation },
                newer => generation = newer,
            }
        }
    }

    pub(super) fn catalog(&self) -> &Catalog {
        &self.catalog
    }
}

impl Drop for View<'_> {
    fn drop(&mut self) {
        self.reader.slot.held.store(IDLE, Ordering::Release);
    }
}
