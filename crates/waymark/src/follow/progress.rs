//! How far the catalog and the edge's file follow the journal: for health, metrics and the operator.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use waymark_zone::published::Position;

/// How far following has come. Written by the two threads, read by anybody.
#[derive(Debug, Default)]
pub struct Progress {
    applied: AtomicU64,
    edge_file: AtomicU64,
    pub(super) snapshots: AtomicU64,
    pub(super) commits_applied: AtomicU64,
    pub(super) steps: AtomicU64,
    pub(super) edge_file_commits: AtomicU64,
    pub(super) edge_file_fills: AtomicU64,
    pub(super) edge_file_errors: AtomicU64,
    stopped: Mutex<Option<String>>,
    edge_file_problem: Mutex<Option<String>>,
}

impl Progress {
    /// The position that DNS answers with.
    pub fn applied(&self) -> Position {
        Position(self.applied.load(Ordering::Acquire))
    }

    /// The position in the edge's file.
    pub fn edge_file(&self) -> Position {
        Position(self.edge_file.load(Ordering::Acquire))
    }

    /// Snapshots taken into the catalog because the journal could not be followed.
    pub fn snapshots(&self) -> u64 {
        self.snapshots.load(Ordering::Relaxed)
    }

    /// Commits applied since the start.
    pub fn commits_applied(&self) -> u64 {
        self.commits_applied.load(Ordering::Relaxed)
    }

    /// Steps in which they became visible; at most as many.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Commits written to the edge's file since the start.
    pub fn edge_file_commits(&self) -> u64 {
        self.edge_file_commits.load(Ordering::Relaxed)
    }

    /// Times that the edge's file was filled from a snapshot since the start.
    pub fn edge_file_fills(&self) -> u64 {
        self.edge_file_fills.load(Ordering::Relaxed)
    }

    /// Times that the edge's file could not be read or written since the start.
    pub fn edge_file_errors(&self) -> u64 {
        self.edge_file_errors.load(Ordering::Relaxed)
    }

    /// Why following has stopped for good, if it has. DNS goes on answering with what it has.
    pub fn stopped(&self) -> Option<String> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why the edge's file is behind, if writing it fails. DNS and API do not depend on it.
    pub fn edge_file_problem(&self) -> Option<String> {
        self.edge_file_problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_applied(&self, position: Position) {
        self.applied.store(position.0, Ordering::Release);
    }

    pub(super) fn set_edge_file(&self, position: Position) {
        self.edge_file.store(position.0, Ordering::Release);
    }

    pub(super) fn set_edge_file_problem(&self, problem: Option<String>) {
        *self.edge_file_problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    pub(super) fn stop(&self, why: String) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }
}
