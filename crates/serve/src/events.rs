//! Events: one compact record per answer, on its way from the workers to whoever counts or keeps them.
//!
//! ```text
//!  worker --Recorder::record--> its own ring of octets ---+
//!  worker --Recorder::record--> its own ring of octets ---+--Drain, woken by time--> Events::drain --> counted
//! ```
//!
//! A worker writes one of every so many answers into a ring that nobody else writes: no lock, no allocation, no waking
//! of anybody. A full ring loses the newest event and counts the loss; an answer never waits for its event. One thread
//! empties all rings a few times a second. For now it only counts; analytics and logs will read there.
//!
//! What holds: of each worker's events, those that were recorded are drained whole, in order and once, and
//! `recorded + dropped` is how many were to be recorded. Nothing is promised about the order between workers.
//!
//! - [`drain`]: the thread.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rtrb::{Consumer, Producer, RingBuffer};
use waymark_wire::event::{EVENT_OCTETS_MAX, Event};

use crate::statistics::Counter;

pub mod drain;

pub use drain::Drain;

/// What is recorded, and how much of it can wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// One of so many answers is recorded: 1 is every one, 0 none.
    pub sample_interval: u32,
    /// The size of each recorder's ring, in octets; at least the longest event. An ordinary event takes about 50.
    pub ring_octets: usize,
}

impl Default for Options {
    fn default() -> Self {
        // At 400,000 answers a second a ring of this size lasts for the pause between two rounds of the drain.
        Self { sample_interval: 1, ring_octets: 1 << 20 }
    }
}

/// What became of the events so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Written into a ring.
    pub recorded: u64,
    /// Lost because the ring was full.
    pub dropped: u64,
    /// Read from the rings. An event counts as recorded a moment after it can be read, so that this may be ahead.
    pub drained: u64,
    /// The octets of those.
    pub drained_octets: u64,
}

/// All rings, and what was counted about them.
pub struct Events {
    options: Options,
    rings: Mutex<Rings>,
    /// Apart from the rings, which are locked while they are emptied.
    recorders: Mutex<Vec<Arc<Counters>>>,
    drained: Counter,
    drained_octets: Counter,
}

struct Rings {
    consumers: Vec<Consumer<u8>>,
    /// Where the octets of one ring lie in one piece.
    buffer: Box<[u8]>,
}

/// Aligned to two cache lines, because processors fetch them in pairs.
#[derive(Default)]
#[repr(align(128))]
struct Counters {
    recorded: Counter,
    dropped: Counter,
}

/// A worker's end of its ring.
pub struct Recorder {
    /// None where nothing is recorded.
    ring: Option<Producer<u8>>,
    sample_interval: u32,
    /// How many answers are passed over before the next one that is recorded.
    passed_over: u32,
    /// Where an event is written before it goes into the ring.
    octets: Box<[u8; EVENT_OCTETS_MAX]>,
    counters: Arc<Counters>,
}

impl Events {
    /// No rings yet; each recorder brings its own.
    pub fn new(options: Options) -> Arc<Self> {
        let options = Options { ring_octets: options.ring_octets.max(EVENT_OCTETS_MAX), ..options };
        let buffer = if options.sample_interval > 0 { options.ring_octets } else { 0 };
        Arc::new(Self {
            options,
            rings: Mutex::new(Rings { consumers: Vec::new(), buffer: vec![0; buffer].into() }),
            recorders: Mutex::default(),
            drained: Counter::default(),
            drained_octets: Counter::default(),
        })
    }

    /// A recorder with a ring of its own, which stays until all of this is gone: one per worker, made at the start.
    pub fn recorder(&self) -> Recorder {
        let counters = Arc::new(Counters::default());
        let sample_interval = self.options.sample_interval;
        let ring = (sample_interval > 0).then(|| {
            let (producer, consumer) = RingBuffer::new(self.options.ring_octets);
            self.rings().consumers.push(consumer);
            producer
        });
        self.recorders.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&counters));
        Recorder { ring, sample_interval, passed_over: 0, octets: Box::new([0; EVENT_OCTETS_MAX]), counters }
    }

    /// Empties every ring once and shows each event to `each`, worker by worker, in the order of its answers. Who else
    /// drains meanwhile waits.
    pub fn drain(&self, mut each: impl FnMut(&Event<'_>)) {
        let mut rings = self.rings();
        let Rings { consumers, buffer } = &mut *rings;
        for consumer in consumers {
            // Events are written in one piece, so that what is there ends with a whole one.
            let waiting = consumer.slots().min(buffer.len());
            let octets = &mut buffer[..waiting];
            if consumer.pop_entire_slice(octets).is_err() {
                continue;
            }
            self.read(octets, &mut each);
        }
    }

    /// What has been counted so far.
    pub fn counts(&self) -> Counts {
        let (drained, drained_octets) = (self.drained.get(), self.drained_octets.get());
        let mut counts = Counts { drained, drained_octets, ..Counts::default() };
        for counters in self.recorders.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            counts.recorded += counters.recorded.get();
            counts.dropped += counters.dropped.get();
        }
        counts
    }

    fn read(&self, mut octets: &[u8], each: &mut impl FnMut(&Event<'_>)) {
        while !octets.is_empty() {
            match Event::decode(octets) {
                Ok((event, length)) => {
                    self.drained.add(1);
                    self.drained_octets.add(length as u64);
                    each(&event);
                    octets = &octets[length..];
                }
                // Only a mistake of ours can write one that cannot be read, and where the next begins is not known.
                Err(error) => {
                    tracing::error!(%error, octets = octets.len(), "recorded events cannot be read and are lost");
                    return;
                }
            }
        }
    }

    /// The rings, which are whole whatever became of who held them: `each` is all that can fail.
    fn rings(&self) -> MutexGuard<'_, Rings> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorder {
    /// Records one of every so many answers; the others do not even make their event. The event's sampling interval is
    /// set here.
    pub fn record<'e>(&mut self, event: impl FnOnce() -> Event<'e>) {
        let Some(ring) = &mut self.ring else { return };
        if self.passed_over > 0 {
            self.passed_over -= 1;
            return;
        }
        self.passed_over = self.sample_interval - 1;
        let event = Event { sample_interval: self.sample_interval, ..event() };
        let octets = &mut *self.octets;
        let written = event.encode(octets).map(|length| ring.push_entire_slice(&octets[..length]).is_ok());
        match written {
            Some(true) => self.counters.recorded.add(1),
            Some(false) | None => self.counters.dropped.add(1),
        }
    }
}

#[cfg(test)]
mod tests;
