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

use super::table::{self, Entry, Node, Part, Table};
use super::versions::{self, Version};
use super::{ZoneRecord, ZoneState};
use queue::Queue;

/// Steps done per call (pieces dealt with, versions looked at or freed), beside twice what has been queued since the
/// last call: so the queue shrinks whatever the changes are, and a call costs no more than the change before it.
const STEPS_MIN: usize = 256;
/// Segments swept per call.
const SEGMENTS_MAX: usize = 4;

/// A piece of garbage.
pub(super) enum Piece {
    /// A node whose newest version supersedes others.
    TrimNode(NonNull<Node>),
    /// Likewise a zone.
    TrimZone(NonNull<ZoneRecord>),
    /// A version that was replaced before it was ever true.
    EntryVersion(*mut Version<Entry>),
    /// Likewise of a zone.
    StateVersion(*mut Version<ZoneState>),
    /// A node whose key no longer exists, unless it has come back since.
    DeadNode(NonNull<Node>),
    /// A node that was taken out of the table.
    Node(NonNull<Node>),
    /// A zone that no entry leads to.
    Zone(NonNull<ZoneRecord>),
    /// Versions of an entry that were cut off.
    EntryVersions(*mut Version<Entry>),
    /// Likewise of a zone.
    StateVersions(*mut Version<ZoneState>),
    /// A part of the table that was copied.
    Replaced(*mut Part),
    /// The space of an image that no zone leads to: its nodes are to be swept up.
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
    /// The piece's own.
    generation: u64,
    oldest_held: u64,
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
    pub(super) fn collect(&mut self, table: &Table, oldest_held: u64, next: u64) -> Collected {
        let mut collected = Collected::default();
        let mut steps = STEPS_MIN + 2 * std::mem::take(&mut self.queued);
        while steps > 0 {
            let piece = match self.rest.take() {
                Some(piece) => Some((oldest_held, piece)),
                None => self.queue.pop_if(|(generation, _)| *generation <= oldest_held),
            };
            let Some((generation, piece)) = piece else { break };
            steps -= 1;
            let turn = Turn { table, generation, oldest_held, next, steps: &mut steps };
            // SAFETY: every reader holds at least `oldest_held`, and `generation` is not above it.
            unsafe { self.deal_with(piece, turn, &mut collected) };
        }
        self.sweep(table, next, &mut collected);
        collected
    }

    /// # Safety
    /// Every reader holds at least `turn.oldest_held`, which is at least `turn.generation`.
    unsafe fn deal_with(&mut self, piece: Piece, turn: Turn<'_>, collected: &mut Collected) {
        // SAFETY: pieces name what the writer has unlinked at their generation; nodes are freed after the pieces that
        // name them, because a piece for a node is queued only while the node is in the table.
        unsafe {
            match piece {
                Piece::TrimNode(node) => {
                    let (cut, seen) = node.as_ref().versions.trim(turn.oldest_held);
                    *turn.steps = turn.steps.saturating_sub(seen - 1);
                    self.free_entries(cut, turn.steps);
                }
                Piece::TrimZone(zone) => {
                    let (cut, seen) = zone.as_ref().versions.trim(turn.oldest_held);
                    *turn.steps = turn.steps.saturating_sub(seen - 1);
                    self.free_states(cut, turn.steps);
                }
                Piece::EntryVersions(versions) => self.free_entries(versions, turn.steps),
                Piece::StateVersions(versions) => self.free_states(versions, turn.steps),
                Piece::EntryVersion(version) => versions::free_one(version),
                Piece::StateVersion(version) => versions::free_one(version),
                Piece::DeadNode(node) => {
                    let versions = &node.as_ref().versions;
                    let is_dead = versions.latest().is_none() && versions.latest_from() == Some(turn.generation);
                    // A key that dies more than once in one generation is queued each time, and taken out once.
                    if is_dead && self.take_out(node, turn.table, turn.next) {
                        collected.bytes += node_octets(node.as_ref());
                    }
                }
                Piece::Node(node) => table::free_node(node),
                Piece::Zone(zone) => drop(Box::from_raw(zone.as_ptr())),
                Piece::Replaced(part) => table::free_replaced(part),
                Piece::Image(space) => {
                    self.waiting.insert(space);
                }
            }
        }
    }

    /// # Safety
    /// As `versions::free_some`.
    unsafe fn free_entries(&mut self, chain: *mut Version<Entry>, steps: &mut usize) {
        // SAFETY: as stated.
        let rest = unsafe { versions::free_some(chain, steps) };
        self.rest = (!rest.is_null()).then_some(Piece::EntryVersions(rest));
    }

    /// # Safety
    /// As `versions::free_some`.
    unsafe fn free_states(&mut self, chain: *mut Version<ZoneState>, steps: &mut usize) {
        // SAFETY: as stated.
        let rest = unsafe { versions::free_some(chain, steps) };
        self.rest = (!rest.is_null()).then_some(Piece::StateVersions(rest));
    }

    /// Takes a node out of the table, to be freed later; whether it was there.
    fn take_out(&mut self, node: NonNull<Node>, table: &Table, next: u64) -> bool {
        let taken = table.remove(node, &mut |part| self.push(next, Piece::Replaced(part)));
        if taken {
            self.push(next, Piece::Node(node));
        }
        taken
    }

    fn sweep(&mut self, table: &Table, next: u64, collected: &mut Collected) {
        if self.sweep.is_none() && !self.waiting.is_empty() {
            self.sweep = Some(Sweep { images: std::mem::take(&mut self.waiting), next_hash: 0 });
        }
        for _ in 0..SEGMENTS_MAX {
            let Some(sweep) = &mut self.sweep else { return };
            let (nodes, after) = table.sweep(sweep.next_hash);
            let mut gone = Vec::new();
            for node in nodes {
                // SAFETY: a node in the table is alive.
                let this = unsafe { node.as_ref() };
                if !sweep.images.contains(&this.space) {
                    continue;
                }
                if let Some(Entry::RRsets(packed)) = this.versions.latest() {
                    collected.names += 1;
                    collected.rrsets += super::RRsets::new(packed).iter().count() as u64;
                    collected.bytes += packed.len() as u64;
                }
                collected.bytes += node_octets(this);
                gone.push(node);
            }
            match after {
                Some(hash) => sweep.next_hash = hash,
                None => self.sweep = None,
            }
            for node in gone {
                self.take_out(node, table, next);
            }
        }
    }
}

impl Drop for Garbage {
    /// Frees what is linked from nowhere. The garbage is dropped with its catalog (`Remains`), when no reader is left;
    /// what is linked is freed by the table and the zones.
    fn drop(&mut self) {
        let mut all = usize::MAX;
        while let Some(piece) = self.rest.take().or_else(|| self.queue.pop_if(|_| true).map(|(_, piece)| piece)) {
            // SAFETY: no reader is left, and each of these was unlinked when it was queued.
            unsafe {
                match piece {
                    Piece::EntryVersions(chain) => _ = versions::free_some(chain, &mut all),
                    Piece::StateVersions(chain) => _ = versions::free_some(chain, &mut all),
                    Piece::EntryVersion(version) => versions::free_one(version),
                    Piece::StateVersion(version) => versions::free_one(version),
                    Piece::Node(node) => table::free_node(node),
                    Piece::Zone(zone) => drop(Box::from_raw(zone.as_ptr())),
                    Piece::Replaced(part) => table::free_replaced(part),
                    Piece::TrimNode(_) | Piece::TrimZone(_) | Piece::DeadNode(_) | Piece::Image(_) => {}
                }
            }
        }
    }
}

/// What a writer leaves behind: kept by the catalog until its last reader is gone.
pub(super) struct Remains {
    /// Dropped for its effect.
    _garbage: Garbage,
    zones: Vec<NonNull<ZoneRecord>>,
}

// SAFETY: the pointers lead to what only this value frees, and nothing is bound to a thread.
unsafe impl Send for Remains {}

impl Remains {
    pub(super) fn new(garbage: Garbage, zones: Vec<NonNull<ZoneRecord>>) -> Self {
        Self { _garbage: garbage, zones }
    }
}

impl Drop for Remains {
    fn drop(&mut self) {
        for zone in self.zones.drain(..) {
            // SAFETY: made by `Box::leak` in the writer, in its maps until it ended, and no reader is left.
            drop(unsafe { Box::from_raw(zone.as_ptr()) });
        }
    }
}

/// The octets of a node and its newest version, packed data aside.
pub(super) fn node_octets(node: &Node) -> u64 {
    (size_of::<Node>() + node.key.len() + size_of::<Version<Entry>>()) as u64
}
