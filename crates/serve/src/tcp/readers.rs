//! The catalog readers that all connections share.
//!
//! A reader holds back memory while it looks at a generation, and each is a slot in the catalog; so there are as many as
//! there are cores, not one per connection. Answering takes microseconds and never waits, so that a plain lock is
//! enough. Each message gets the generation of its own moment.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;

use waymark_wire::Request;
use waymark_zone::answer::{Needs, NoSupplies, Transport, Way};
use waymark_zone::catalog::{Catalog, Reader};

use super::connection::{Answerer, Later, Reply, Session};
use crate::clock::Clock;
use crate::events::{Events, Recorder};
use crate::handler::{Asking, Books, Handled, Handler};
use crate::parked::{ReplyTo, Slab};
use crate::statistics::Block;

/// The largest answer over TCP, in octets (RFC 1035 section 4.2.2).
const RESPONSE_OCTETS_MAX: usize = u16::MAX as usize;
/// Readers at most: more do not help, since each is held for microseconds.
const READERS_MAX: usize = 16;

/// A fixed number of catalog readers.
pub(crate) struct Readers {
    slots: Box<[Slot]>,
    next: AtomicUsize,
    handler: Arc<Handler>,
    slab: Arc<Slab>,
    clock: Arc<dyn Clock>,
}

struct Slot {
    desk: Mutex<Desk>,
    /// Written only by who holds the lock, as [`Block`] demands.
    block: Block,
}

struct Desk {
    reader: Reader,
    recorder: Recorder,
    needs: Needs,
    out: Box<[u8]>,
}

impl Readers {
    pub(crate) fn new(
        catalog: &Arc<Catalog>,
        handler: Arc<Handler>,
        slab: Arc<Slab>,
        clock: Arc<dyn Clock>,
        events: &Events,
    ) -> Self {
        let count = thread::available_parallelism().map_or(1, NonZero::get).min(READERS_MAX);
        let slot = || Slot {
            desk: Mutex::new(Desk {
                reader: catalog.reader(),
                recorder: events.recorder(),
                needs: Needs::new(),
                out: vec![0; RESPONSE_OCTETS_MAX].into_boxed_slice(),
            }),
            block: Block::default(),
        };
        Self { slots: (0..count).map(|_| slot()).collect(), next: AtomicUsize::new(0), handler, slab, clock }
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

impl Answerer for Readers {
    fn answer(&self, request: &[u8], session: &Session, out: &mut Vec<u8>, later: Later<'_>) -> Reply {
        let (mut desk, block) = self.desk();
        let Desk { reader, recorder, needs, out: buffer } = &mut *desk;
        block.received(request.len());
        let view = reader.view();
        let now = self.clock.now();
        let parsed = Request::parse(request);
        let asking = Asking {
            octets: request,
            request: &parsed,
            client: session.client,
            asked: session.asked,
            transport: Transport::Tcp,
            keepalive: Some(session.keepalive()),
            received: now,
            parked: false,
        };
        let mut books = Books { block, recorder, needs };
        let mut handled = self.handler.handle(Way::from(&view), &asking, now, &NoSupplies, &mut books, buffer);
        if let Handled::Wait(zone) = handled {
            if self.slab.park(&asking, zone, || ReplyTo::Tcp(later.park())) {
                return Reply::Parked;
            }
            handled = self.handler.fail(&asking, now, &mut books, buffer);
        }
        let Handled::Send(length) = handled else {
            block.dropped();
            return Reply::Silent;
        };
        let length = length.min(RESPONSE_OCTETS_MAX);
        out.extend_from_slice(&(length as u16).to_be_bytes());
        out.extend_from_slice(&buffer[..length]);
        Reply::Answered
    }

    fn too_long(&self, octets: usize) {
        let (_desk, block) = self.desk();
        block.received(octets);
        block.dropped();
    }

    fn unsent(&self, answers: usize) {
        let (_desk, block) = self.desk();
        block.unsent(answers);
    }

    fn unanswered(&self, questions: usize) {
        let (_desk, block) = self.desk();
        for _ in 0..questions {
            block.dropped();
        }
    }
}
