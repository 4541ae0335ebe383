//! The catalog readers that all connections share.
//!
//! A reader holds back memory while it looks at a generation, and each is a slot in the catalog; so there are as many as
//! there are cores, not one per connection. Answering takes microseconds and never waits, so that a plain lock is
//! enough. Each message gets the generation of its own moment.

use std::net::IpAddr;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;

use waymark_zone::answer::{Needs, Transport};
use waymark_zone::catalog::{Catalog, Reader};

use crate::handler::Handler;
use crate::statistics::Block;

/// The largest answer over TCP, in octets (RFC 1035 section 4.2.2).
const RESPONSE_OCTETS_MAX: usize = u16::MAX as usize;
/// Readers at most: more do not help, since each is held for microseconds.
const READERS_MAX: usize = 16;

/// A fixed number of catalog readers.
pub(super) struct Readers {
    slots: Box<[Slot]>,
    next: AtomicUsize,
    handler: Arc<Handler>,
}

struct Slot {
    desk: Mutex<Desk>,
    /// Written only by who holds the lock, as [`Block`] demands.
    block: Block,
}

struct Desk {
    reader: Reader,
    out: Box<[u8]>,
}

impl Readers {
    pub(super) fn new(catalog: &Arc<Catalog>, handler: Arc<Handler>) -> Self {
        let count = thread::available_parallelism().map_or(1, NonZero::get).min(READERS_MAX);
        let slot = || Slot {
            desk: Mutex::new(Desk { reader: catalog.reader(), out: vec![0; RESPONSE_OCTETS_MAX].into_boxed_slice() }),
            block: Block::default(),
        };
        Self { slots: (0..count).map(|_| slot()).collect(), next: AtomicUsize::new(0), handler }
    }

    /// Appends the answer to `request`, its length in front, to `out`. False if there is none to give.
    pub(super) fn answer(&self, request: &[u8], asked: IpAddr, out: &mut Vec<u8>) -> bool {
        let (mut desk, block) = self.desk();
        let Desk { reader, out: buffer } = &mut *desk;
        block.received(request.len());
        let outcome = self.handler.answer(&reader.view(), request, asked, Transport::Tcp, &mut Needs::new(), buffer);
        let Some(answered) = outcome.answered() else {
            block.dropped();
            return false;
        };
        block.answered(&answered);
        let length = answered.length.min(RESPONSE_OCTETS_MAX);
        out.extend_from_slice(&(length as u16).to_be_bytes());
        out.extend_from_slice(&buffer[..length]);
        true
    }

    /// Counts a request that is not read because of its length, and so gets no answer.
    pub(super) fn refuse(&self, octets: usize) {
        let (_desk, block) = self.desk();
        block.received(octets);
        block.dropped();
    }

    /// Counts answers that a connection did not take.
    pub(super) fn unsent(&self, answers: usize) {
        let (_desk, block) = self.desk();
        block.unsent(answers);
    }

    /// The counters of all readers.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.slots.iter().map(|slot| &slot.block)
    }

    /// A free reader, or else the next in turn.
    fn desk(&self) -> (MutexGuard<'_, Desk>, &Block) {
        let first = self.next.fetch_add(1, Relaxed);
        let in_turn = |step: usize| &self.slots[first.wrapping_add(step) % self.slots.len()];
        for step in 0..self.slots.len() {
            let slot = in_turn(step);
            match slot.desk.try_lock() {
                Ok(desk) => return (desk, &slot.block),
                // A fault while answering leaves nothing half-done in a desk.
                Err(TryLockError::Poisoned(poisoned)) => return (poisoned.into_inner(), &slot.block),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        let slot = in_turn(0);
        (slot.desk.lock().unwrap_or_else(PoisonError::into_inner), &slot.block)
    }
}
