//! What nobody will look for any more, until nobody can still be looking at it.
//!
//! Each piece waits for a generation: once every reader holds at least that one, it is dealt with. Pieces queue in the
//! order of their generations. The names of an image that was replaced or removed are found by sweeping the table a
//! few segments at a time, and the versions of a name that has changed often while a reader was slow are freed a few
//! at a time, so that no change pays for what went before it.
#![allow(unsafe_code)]

mod queue;

use std::collections::BTreeSet;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

use super::ZoneRecord;
use super::heap::{Heap, Size};
use super::table::{self, IMAGES, Part, Table};
use super::versions::{self, Version, VersionRef};
use queue::Queue;

/// Steps done per call (pieces dealt with, versions looked at or freed), beside twice what has been queued since the
/// last call: so the queue shrinks whatever the changes are, and a call costs no more than the change before it.
const STEPS_MIN: usize = 256;
/// Segments swept per call.
const SEGMENTS_MAX: usize = 4;

/// A piece of garbage.
pub(super) enum Piece {
    /// A version that supersedes others.
    Trim(NonNull<Version>),
    /// A version by which a key stands for nothing, unless it has come back since.
    Dead(NonNull<Version>),
    /// A version that is linked from nowhere: it was replaced before it was ever true, or its key was taken out.
    Version(NonNull<Version>),
    /// Versions that were cut off.
    Versions(*mut Version),
    /// A zone that no entry leads to.
    Zone(NonNull<ZoneRecord>),
    /// A part of the table that was copied.
    Replaced(*mut Part),
    /// The space of an image that no zone leads to: its names are to be swept up.
    Image(u64),
}

/// The queue, and the sweep that is under way.
pub(super) struct Garbage {
    queue: Queue<(u64, Piece)>,
    /// A piece that is partly dealt with; its generation has passed.
    rest: Option<Piece>,
    /// Pieces queued since the last collection.
    queued: usize,
    /// Images to be swept up from the next start of the table on.
    waiting: BTreeSet<u64>,
    sweep: Option<Sweep>,
}

struct Sweep {
    images: BTreeSet<u64>,
    next_hash: u64,
}

/// What one piece is dealt with by.
struct Turn<'t> {
    table: &'t Table,
    heap: &'t mut Heap,
    next: u64,
    /// How many steps are left of this call.
    steps: &'t mut usize,
}

/// What a collection has found gone, for the counters.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) names: u64,
    pub(super) rrsets: u64,
    pub(super) bytes: u64,
}

impl Garbage {
    pub(super) fn new() -> Self {
        Self { queue: Queue::new(), rest: None, queued: 0, waiting: BTreeSet::new(), sweep: None }
    }

    /// Adds a piece that may be dealt with once every reader holds `generation`.
    pub(super) fn push(&mut self, generation: u64, piece: Piece) {
        self.queue.push((generation, piece));
        self.queued += 1;
    }

    /// Pieces that wait.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether there is nothing left to do.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.len() == 0 && self.rest.is_none() && self.waiting.is_empty() && self.sweep.is_none()
    }

    /// Deals with a bounded number of pieces. `oldest_held` bounds what readers hold; `next` is the generation that
    /// the next change will publish.
    pub(super) fn collect(&mut self, table: &Table, heap: &mut Heap, oldest_held: u64, next: u64) -> Collected {
        let mut collected = Collected::default();
        let mut steps = STEPS_MIN + 2 * std::mem::take(&mut self.queued);
        while steps > 0 {
            let piece = match self.rest.take() {
                Some(piece) => Some(piece),
                None => self.queue.pop_if(|(generation, _)| *generation <= oldest_held).map(|(_, piece)| piece),
            };
            let Some(piece) = piece else { break };
            steps -= 1;
            let turn = Turn { table, heap, next, steps: &mut steps };
            // SAFETY: every reader holds at least `oldest_held`, and the piece's generation is not above it.
            unsafe { self.deal_with(piece, turn, &mut collected) };
        }
        self.sweep(table, heap, next, &mut collected);
        collected
    }

    /// # Safety
    /// Every reader holds at least the generation that the piece was queued for.
    unsafe fn deal_with(&mut self, piece: Piece, turn: Turn<'_>, collected: &mut Collected) {
        // SAFETY: pieces name what the writer has made in this heap, and unlinked by their generation. A version is freed
        // by a piece that is queued after all those that name it: it is superseded, or its key taken out, only then.
        unsafe {
            match piece {
                Piece::Trim(version) => {
                    let version = VersionRef::new(version);
                    // What a replaced version supersedes, the one in its place does too, which has a piece of its own.
                    if !version.is_replaced() {
                        let rest = versions::free_some(turn.heap, version.cut(), turn.steps);
                        self.rest = (!rest.is_null()).then_some(Piece::Versions(rest));
                    }
                }
                Piece::Versions(chain) => {
                    let rest = versions::free_some(turn.heap, chain, turn.steps);
                    self.rest = (!rest.is_null()).then_some(Piece::Versions(rest));
                }
                Piece::Version(version) => versions::free_one(turn.heap, version),
                Piece::Dead(version) => {
                    // A key that has come back has a newer version in its slot.
                    let version = VersionRef::new(version);
                    if self.take_out(version, turn.table, turn.heap, turn.next) {
                        collected.bytes += version.octets() as u64;
                    }
                }
                Piece::Zone(zone) => {
                    collected.bytes += zone.as_ref().newest_octets() as u64;
                    let newest = zone.as_ref().newest.load(Ordering::Acquire);
                    turn.heap.give_back(zone.cast(), Size::Words(ZoneRecord::WORDS));
                    let rest = versions::free_some(turn.heap, newest, turn.steps);
                    self.rest = (!rest.is_null()).then_some(Piece::Versions(rest));
                }
                Piece::Replaced(part) => table::free_replaced(turn.heap, part),
                Piece::Image(space) => {
                    self.waiting.insert(space);
                }
            }
        }
    }

    /// Takes a key out of the table, whose newest version this is, to be freed later; whether it was there.
    fn take_out(&mut self, version: VersionRef<'_>, table: &Table, heap: &mut Heap, next: u64) -> bool {
        let taken = table.remove(version, heap, &mut |part| self.push(next, Piece::Replaced(part)));
        if let Some(version) = NonNull::new(version.as_ptr()).filter(|_| taken) {
            self.push(next, Piece::Version(version));
        }
        taken
    }

    fn sweep(&mut self, table: &Table, heap: &mut Heap, next: u64, collected: &mut Collected) {
        if self.sweep.is_none() && !self.waiting.is_empty() {
            self.sweep = Some(Sweep { images: std::mem::take(&mut self.waiting), next_hash: 0 });
        }
        for _ in 0..SEGMENTS_MAX {
            let Some(sweep) = &mut self.sweep else { return };
            let (newest, after) = table.sweep(sweep.next_hash);
            let mut gone = Vec::new();
            for version in newest {
                // SAFETY: a version in the table is alive.
                let version = unsafe { VersionRef::new(version) };
                if version.space() < IMAGES || !sweep.images.contains(&version.space()) {
                    continue;
                }
                if version.exists() {
                    collected.names += 1;
                    collected.rrsets += super::RRsets::new(version.value()).iter().count() as u64;
                }
                collected.bytes += version.octets() as u64;
                gone.push(version);
            }
            match after {
                Some(hash) => sweep.next_hash = hash,
                None => self.sweep = None,
            }
            for version in gone {
                self.take_out(version, table, heap, next);
            }
        }
    }
}
