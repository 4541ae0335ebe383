//! The journal: committed changes in order, for whoever has to follow them.
//!
//! The table is the truth. A subscription carries the same commits as they happen, and says so when its reader lies
//! too far behind; what was missed is then read from the table. A follower that has nothing yet, or is too old, takes
//! a [`Snapshot`].
//!
//! ```text
//!  let mut subscription = journal.subscribe();        before the snapshot, so that nothing is missed in between
//!  let snapshot = journal.snapshot()?;                all zones at one position
//!  subscription.recv()                                commits up to that position are skipped by the reader
//! ```
//!
//! `intent` says what an entry's other part holds.

mod intent;
mod snapshot;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use waymark_zone::published::{Commit, DecodeError, Entry, Incarnation, Position, ZoneImage, ZoneNumber};

pub use intent::IntentEntry;
pub use snapshot::{Snapshot, ZoneHead};

use crate::error::{Refusal, Unavailable};
use crate::store::{Sql, Store, lock};
use crate::{Action, Actor, Control};

/// Octets of published data that are read from the table in one go, but for the last position of them.
const READ_OCTETS_MAX: usize = 16 << 20;

/// The head of the journal as the table has it.
pub(crate) struct Head {
    pub(crate) incarnation: Incarnation,
    pub(crate) position: u64,
    pub(crate) published_from: u64,
    pub(crate) intent_from: u64,
}

/// What the writer and the readers of the journal share in memory.
pub(crate) struct State {
    incarnation: Incarnation,
    position: AtomicU64,
    published_from: AtomicU64,
    intent_from: AtomicU64,
    /// None: closed.
    subscribers: Mutex<Option<broadcast::Sender<Arc<Commit>>>>,
    applied: watch::Sender<Applied>,
}

/// How far the local catalog is.
#[derive(Clone, Copy, Debug, Default)]
struct Applied {
    /// Local followers that replies wait for.
    followers: usize,
    position: Position,
}

impl State {
    pub(crate) fn new(head: Head, commits_subscribed: usize) -> Self {
        Self {
            incarnation: head.incarnation,
            position: AtomicU64::new(head.position),
            published_from: AtomicU64::new(head.published_from),
            intent_from: AtomicU64::new(head.intent_from),
            subscribers: Mutex::new(Some(broadcast::Sender::new(commits_subscribed.max(1)))),
            applied: watch::Sender::default(),
        }
    }

    pub(crate) fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// The last committed position.
    pub(crate) fn position(&self) -> Position {
        Position(self.position.load(Ordering::Acquire))
    }

    pub(crate) fn published_from(&self) -> u64 {
        self.published_from.load(Ordering::Acquire)
    }

    pub(crate) fn intent_from(&self) -> u64 {
        self.intent_from.load(Ordering::Acquire)
    }

    /// Called by the writer after a commit, with its commits in order.
    pub(crate) fn publish(&self, commits: impl Iterator<Item = Arc<Commit>>) {
        let subscribers = lock(&self.subscribers);
        for commit in commits {
            self.position.store(commit.position.0, Ordering::Release);
            if let Some(subscribers) = &*subscribers {
                // No subscriber is no error: the table has it.
                let _ = subscribers.send(commit);
            }
        }
    }

    /// Called by the writer after it has pruned the table.
    pub(crate) fn pruned(&self, published_from: u64, intent_from: u64) {
        self.published_from.store(published_from, Ordering::Release);
        self.intent_from.store(intent_from, Ordering::Release);
    }

    /// No commit will come any more.
    pub(crate) fn close(&self) {
        lock(&self.subscribers).take();
    }

    /// Waits until the local catalog has `position`; false if it took longer than `limit`. Without a local catalog
    /// there is nothing to wait for.
    pub(crate) async fn wait_applied(&self, position: Position, limit: Duration) -> bool {
        let mut applied = self.applied.subscribe();
        let there = |applied: &Applied| applied.followers == 0 || applied.position >= position;
        if there(&applied.borrow_and_update()) {
            return true;
        }
        tokio::time::timeout(limit, applied.wait_for(there)).await.is_ok()
    }
}

/// Why the journal cannot give what was asked for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum JournalError {
    /// Retention has passed it: take a snapshot.
    #[error("the journal no longer has what comes after position {asked}; it begins at {oldest}")]
    TooOld {
        /// The position after which entries were asked for.
        asked: u64,
        /// The first position that is kept.
        oldest: u64,
    },
    /// A position that has not been taken yet, or a zone that does not exist: of another incarnation, perhaps.
    #[error("there is no such position or zone here")]
    Unknown,
    /// The store reports an error.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// Written by another release, or damaged.
    #[error(transparent)]
    Format(#[from] DecodeError),
}

impl From<Refusal> for JournalError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unavailable(error) => Self::Unavailable(error),
            other => Self::Unavailable(Unavailable::Store(other.to_string())),
        }
    }
}

/// Why a subscription has no commit to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missed {
    /// The reader lies too far behind. Read the table, then go on; commits that both give are to be skipped.
    #[error("the subscriber lies too far behind")]
    Lagged,
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

/// Commits as they happen, in order.
pub struct Subscription(broadcast::Receiver<Arc<Commit>>);

impl Subscription {
    /// The next commit.
    pub async fn recv(&mut self) -> Result<Arc<Commit>, Missed> {
        self.0.recv().await.map_err(missed)
    }

    /// The next commit, if it is there already.
    pub fn try_recv(&mut self) -> Result<Option<Arc<Commit>>, Missed> {
        match self.0.try_recv() {
            Ok(commit) => Ok(Some(commit)),
            Err(broadcast::error::TryRecvError::Empty) => Ok(None),
            Err(broadcast::error::TryRecvError::Lagged(_)) => Err(Missed::Lagged),
            Err(broadcast::error::TryRecvError::Closed) => Err(Missed::Closed),
        }
    }

    /// The next commit, for a thread outside of the asynchronous runtime.
    pub fn blocking_recv(&mut self) -> Result<Arc<Commit>, Missed> {
        self.0.blocking_recv().map_err(missed)
    }
}

fn missed(error: broadcast::error::RecvError) -> Missed {
    match error {
        broadcast::error::RecvError::Lagged(_) => Missed::Lagged,
        broadcast::error::RecvError::Closed => Missed::Closed,
    }
}

/// The local catalog's end: while it lives, replies wait until it has said that their position is applied.
pub struct Follower(Arc<Store>);

impl Follower {
    /// Says that everything up to `position` is answered from now on.
    pub fn set_applied(&self, position: Position) {
        self.0.shared.journal.applied.send_modify(|applied| applied.position = position);
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.shared.journal.applied.send_modify(|applied| applied.followers -= 1);
    }
}

/// The handle on the journal; a clone is the same one. What is not `async` blocks, and belongs on a thread that may.
#[derive(Clone)]
pub struct Journal(pub(crate) Arc<Store>);

impl Control {
    /// Begins a new life of the journal, because what followers have of the present one may not be what the store has:
    /// an older copy was put back, or the end of the store was lost (DESIGN, "The journal": incarnation). Followers
    /// take snapshots then. Takes effect when the store is opened the next time.
    pub async fn journal_renew(&self, actor: Actor) -> Result<(), Refusal> {
        self.write(actor, Action::JournalRenew, |tx| {
            let mut incarnation = [0; 16];
            tx.random().fill(&mut incarnation);
            tx.execute("UPDATE journal SET incarnation = ?1 WHERE id = 1", [incarnation])?;
            Ok(())
        })
        .await
    }
}

impl Journal {
    /// The life of this journal.
    pub fn incarnation(&self) -> Incarnation {
        self.0.shared.journal.incarnation()
    }

    /// The last committed position; 0 if nothing has been committed.
    pub fn position(&self) -> Position {
        self.0.shared.journal.position()
    }

    /// The first position whose published part is kept.
    pub fn oldest(&self) -> Position {
        Position(self.0.shared.journal.published_from())
    }

    /// Every commit from now on.
    pub fn subscribe(&self) -> Subscription {
        match &*lock(&self.0.shared.journal.subscribers) {
            Some(subscribers) => Subscription(subscribers.subscribe()),
            // A channel whose sender is gone: closed from the start.
            None => Subscription(broadcast::channel(1).1),
        }
    }

    /// The commits of up to `max` positions after `after`, from the table: fewer if they are large, at least one; none if
    /// there is none yet. Blocks.
    pub fn read_from(&self, after: Position, max: usize) -> Result<Vec<Commit>, JournalError> {
        let end = after.0.saturating_add(max as u64);
        let rows = self.0.read_blocking(|sql| {
            let head = sql.one("SELECT position, published_from FROM journal WHERE id = 1", [], |row| {
                Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?))
            })?;
            Ok((head.ok_or(Unavailable::Internal)?, read_entries(sql, after.0, end)?))
        })?;
        let ((position, published_from), rows) = rows;
        if after.0 > position {
            return Err(JournalError::Unknown);
        }
        if after.0 + 1 < published_from {
            return Err(JournalError::TooOld { asked: after.0, oldest: published_from });
        }
        self.group(rows)
    }

    fn group(&self, rows: Vec<(u64, u64, Vec<u8>)>) -> Result<Vec<Commit>, JournalError> {
        let mut commits: Vec<Commit> = Vec::new();
        for (position, zone, published) in rows {
            let (incarnation, position) = (self.incarnation(), Position(position));
            if commits.last().is_none_or(|commit| commit.position != position) {
                commits.push(Commit { incarnation, position, entries: Vec::new(), scopes: Vec::new() });
            }
            let Some(commit) = commits.last_mut() else { continue };
            match zone {
                // Zone 0 stands for what belongs to no zone.
                0 => commit.scopes = Commit::decode_body(incarnation, position, &published)?.scopes,
                _ => commit.entries.push(Entry::decode(&published)?),
            }
        }
        Ok(commits)
    }

    /// Everything at one position, to be read in pieces. Blocks, as its reading does.
    pub fn snapshot(&self) -> Result<Snapshot, JournalError> {
        Snapshot::begin(&self.0)
    }

    /// A zone as it is now, whole, and the position at which it was read; for [`waymark_zone::published::Change::Replace`].
    /// Blocks.
    pub fn zone_image(&self, zone: ZoneNumber) -> Result<(Position, ZoneImage), JournalError> {
        snapshot::zone_image(&self.0, zone)
    }

    /// What the entries of a zone say of its owners' changes, newest first: up to `max` entries with a version below
    /// `before`. Blocks.
    pub fn intent(&self, zone: ZoneNumber, before: Option<u64>, max: usize) -> Result<Vec<IntentEntry>, JournalError> {
        intent::read(&self.0, zone, before, max)
    }

    /// Makes replies wait for the local catalog.
    pub fn attach_follower(&self) -> Follower {
        self.0.shared.journal.applied.send_modify(|applied| applied.followers += 1);
        Follower(self.0.clone())
    }
}

/// Rows of whole positions: all up to `end`, or fewer if they are large.
fn read_entries(sql: Sql<'_>, after: u64, end: u64) -> Result<Vec<(u64, u64, Vec<u8>)>, Refusal> {
    let mut statement = sql.0.prepare_cached(
        "SELECT position, zone_id, published FROM entries \
         WHERE position > ?1 AND position <= ?2 AND published IS NOT NULL ORDER BY position, zone_id",
    )?;
    let mut rows = statement.query(rusqlite::params![after, i64::try_from(end).unwrap_or(i64::MAX)])?;
    let (mut read, mut octets, mut last) = (Vec::new(), 0, None);
    while let Some(row) = rows.next()? {
        let position: u64 = row.get(0)?;
        if octets > READ_OCTETS_MAX && last != Some(position) {
            break;
        }
        let published: Vec<u8> = row.get(2)?;
        octets += published.len();
        last = Some(position);
        read.push((position, row.get(1)?, published));
    }
    Ok(read)
}

#[cfg(test)]
mod tests;
