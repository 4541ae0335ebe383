//! The one writer: a thread that takes waiting writes in groups, and commits each group with one fsync.
//!
//! ```text
//!  queue --up to writes_per_commit--> BEGIN IMMEDIATE
//!                                       SAVEPOINT; the write; its finish; RELEASE     (kept if the commit succeeds)
//!                                       SAVEPOINT; the write refuses; ROLLBACK TO     (alone)
//!                                     COMMIT --> journal: position, subscribers --> replies
//! ```
//!
//! Pieces of something large have commits of their own; small writes that wait go before them.
//!
//! When the transaction itself is lost (a full disk can end it in the middle of a statement) or the commit fails,
//! nobody in the group has changed anything, and everybody is told so: the refusals too, for they may rest on
//! what another write of the group had done.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Instant;

use rusqlite::Connection;
use tokio::sync::oneshot;
use waymark_zone::published::{Commit, Position};

use super::{Shared, Sql, Tx};
use crate::Action;
use crate::error::{Refusal, Unavailable};
use crate::identity::Actor;

/// Positions whose entries are pruned in one go, in a transaction of their own.
const PRUNED_AT_ONCE: u64 = 512;
/// Octets of them, but for the last position.
const PRUNED_OCTETS: u64 = 2 << 20;

/// What the writer is told.
pub(super) enum Message {
    Write(Box<dyn Job>),
    Close,
}

/// A write that waits, whatever its result is.
pub(super) trait Job: Send {
    fn actor(&self) -> Actor;
    fn action(&self) -> Action;
    /// Whether it is a piece of something large: it has a commit of its own, and small writes that wait go before it.
    fn is_piece(&self) -> bool;
    /// Called once.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Refusal>;
    /// Tells the caller: the position if the write was committed and has one.
    fn reply(self: Box<Self>, verdict: Result<Option<Position>, Refusal>);
}

/// A write function, its result and who waits for it.
pub(super) struct TypedJob<T, F> {
    actor: Actor,
    action: Action,
    piece: bool,
    work: Option<F>,
    result: Option<T>,
    reply: oneshot::Sender<Result<(T, Option<Position>), Refusal>>,
}

impl<T, F> TypedJob<T, F> {
    pub(super) fn new(
        actor: Actor,
        action: Action,
        piece: bool,
        work: F,
        reply: oneshot::Sender<Result<(T, Option<Position>), Refusal>>,
    ) -> Self {
        Self { actor, action, piece, work: Some(work), result: None, reply }
    }
}

impl<T: Send, F: FnOnce(&mut Tx<'_>) -> Result<T, Refusal> + Send> Job for TypedJob<T, F> {
    fn actor(&self) -> Actor {
        self.actor
    }

    fn action(&self) -> Action {
        self.action
    }

    fn is_piece(&self) -> bool {
        self.piece
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Refusal> {
        let work = self.work.take().ok_or(Unavailable::Internal)?;
        self.result = Some(work(tx)?);
        Ok(())
    }

    fn reply(self: Box<Self>, verdict: Result<Option<Position>, Refusal>) {
        let Self { result, reply, .. } = *self;
        let verdict = verdict.and_then(|position| match result {
            Some(result) => Ok((result, position)),
            None => Err(Unavailable::Internal.into()),
        });
        // A caller who has gone away has no use for it.
        let _ = reply.send(verdict);
    }
}

/// What a write came to, before the commit.
struct Done {
    job: Box<dyn Job>,
    /// The commit, if it has one, and whether it changed anything at all.
    verdict: Result<(Option<Arc<Commit>>, bool), Refusal>,
}

/// The writer.
pub(super) struct Writer {
    connection: Connection,
    shared: Arc<Shared>,
    waiting: Receiver<Message>,
}

impl Writer {
    pub(super) fn new(connection: Connection, shared: Arc<Shared>, waiting: Receiver<Message>) -> Self {
        Self { connection, shared, waiting }
    }

    /// Works until it is told to close, or nobody is left who could tell it anything.
    pub(super) fn run(self) {
        let mut pieces = VecDeque::new();
        let mut open = true;
        while open || !pieces.is_empty() {
            let mut group = Vec::new();
            open = open && self.take(&mut group, &mut pieces);
            // Small writes go before pieces, and one piece after each group of them: neither waits for long.
            if !group.is_empty() {
                self.carry_out(group);
            }
            if let Some(piece) = pieces.pop_front() {
                let began = Instant::now();
                self.carry_out(vec![piece]);
                let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
                self.shared.counters.piece_micros.store(micros, Ordering::Relaxed);
            }
        }
        self.shared.journal.close();
        if let Err(error) = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "the WAL could not be written back; the next start does it");
        }
    }

    /// Takes what waits: small writes as many as share a commit, and pieces. Waits if there is nothing to do. False:
    /// nothing more will come.
    fn take(&self, group: &mut Vec<Box<dyn Job>>, pieces: &mut VecDeque<Box<dyn Job>>) -> bool {
        while group.len() < self.shared.limits.writes_per_commit.max(1) {
            let idle = group.is_empty() && pieces.is_empty();
            let message = match idle {
                true => self.waiting.recv().map_err(|_| TryRecvError::Disconnected),
                false => self.waiting.try_recv(),
            };
            match message {
                Ok(Message::Write(job)) if job.is_piece() => pieces.push_back(job),
                Ok(Message::Write(job)) => group.push(job),
                Err(TryRecvError::Empty) => break,
                Ok(Message::Close) | Err(TryRecvError::Disconnected) => return false,
            }
        }
        true
    }

    fn carry_out(&self, group: Vec<Box<dyn Job>>) {
        self.shared.counters.writes_waiting.fetch_sub(group.len() as u64, Ordering::Relaxed);
        self.write_group(group);
        self.prune();
    }

    fn write_group(&self, group: Vec<Box<dyn Job>>) {
        if let Err(error) = self.begin() {
            return self.fail(group, error.into());
        }
        let mut done = Vec::with_capacity(group.len());
        let mut position = self.shared.journal.position();
        let alone = group.len() == 1;
        let mut group = group.into_iter();
        for job in group.by_ref() {
            let written = self.write_one(job, position.next(), alone);
            if let Ok((Some(commit), _)) = &written.verdict {
                position = commit.position;
            }
            done.push(written);
            // Some errors end the transaction by themselves (sqlite.org/lang_transaction, "Response To Errors").
            if self.connection.is_autocommit() {
                break;
            }
        }
        let changed = done.iter().any(|done| matches!(done.verdict, Ok((_, true))));
        let committed = match (self.connection.is_autocommit(), changed) {
            (true, _) => Err(lost(&done)),
            (false, true) => self.connection.execute_batch("COMMIT").map_err(Unavailable::from),
            (false, false) => self.connection.execute_batch("ROLLBACK").map_err(Unavailable::from),
        };
        match committed {
            Ok(()) => self.acknowledge(done, changed),
            Err(error) => self.fail(done.into_iter().map(|done| done.job).chain(group).collect(), error),
        }
    }

    fn begin(&self) -> rusqlite::Result<()> {
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        self.connection.execute_batch("BEGIN IMMEDIATE")
    }

    /// Runs one write in its savepoint. A write that panics is one that is refused. One that is alone in its transaction
    /// needs no savepoint, for which SQLite would copy every page that it changes: what is refused is rolled back with
    /// the transaction.
    fn write_one(&self, mut job: Box<dyn Job>, position: Position, alone: bool) -> Done {
        let work = || {
            let mut tx = Tx::new(&self.shared, Sql(&self.connection), job.actor(), job.action(), position);
            job.run(&mut tx)?;
            let changed = tx.changed;
            let commit = tx.finish()?;
            Ok((changed || commit.is_some(), commit))
        };
        let verdict = if alone { caught(work) } else { self.in_savepoint(work) };
        Done { job, verdict: verdict.map(|(changed, commit)| (commit, changed)) }
    }

    fn in_savepoint<T>(&self, work: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
        self.statement("SAVEPOINT one_write")?;
        let result = caught(work);
        let ended = match &result {
            Ok(_) => self.statement("RELEASE one_write"),
            Err(_) if self.connection.is_autocommit() => Ok(()),
            Err(_) => self.statement("ROLLBACK TO one_write").and_then(|()| self.statement("RELEASE one_write")),
        };
        match ended {
            Ok(()) => result,
            Err(error) => {
                // A savepoint that cannot end leaves a transaction of which nobody knows what is in it: end that.
                if let Err(error) = self.connection.execute_batch("ROLLBACK") {
                    tracing::error!(%error, "a transaction could not be rolled back");
                }
                Err(error)
            }
        }
    }

    fn statement(&self, text: &str) -> Result<(), Refusal> {
        Sql(&self.connection).execute(text, []).map(|_| ())
    }

    /// The group is on disk: tells the followers, then the callers.
    fn acknowledge(&self, group: Vec<Done>, changed: bool) {
        let counters = &self.shared.counters;
        // A store that is full may fail one write and leave the transaction standing.
        let store_failed =
            |done: &Done| matches!(&done.verdict, Err(Refusal::Unavailable(error)) if error.is_of_store());
        if group.iter().any(store_failed) {
            counters.failing.store(true, Ordering::Relaxed);
        } else if changed {
            counters.failing.store(false, Ordering::Relaxed);
        }
        if changed {
            counters.commits.fetch_add(1, Ordering::Relaxed);
        }
        let commits = group.iter().filter_map(|done| done.verdict.as_ref().ok()?.0.clone());
        self.shared.journal.publish(commits);
        for Done { job, verdict } in group {
            let counter = match &verdict {
                Ok(_) => &counters.writes_committed,
                Err(Refusal::Unavailable(_)) => &counters.writes_unavailable,
                Err(_) => &counters.writes_refused,
            };
            counter.fetch_add(1, Ordering::Relaxed);
            job.reply(verdict.map(|(commit, _)| commit.map(|commit| commit.position)));
        }
    }

    /// Nothing of the group is kept.
    fn fail(&self, group: Vec<Box<dyn Job>>, error: Unavailable) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
        tracing::error!(%error, writes = group.len(), "changes could not be written");
        let counters = &self.shared.counters;
        counters.failing.store(true, Ordering::Relaxed);
        counters.commits_failed.fetch_add(1, Ordering::Relaxed);
        counters.writes_unavailable.fetch_add(group.len() as u64, Ordering::Relaxed);
        for job in group {
            job.reply(Err(error.clone().into()));
        }
    }

    /// Takes a piece of what the journal need not keep any more out of the table, if a piece has come together.
    fn prune(&self) {
        let (journal, limits) = (&self.shared.journal, &self.shared.limits);
        let position = journal.position().0;
        let due = |kept: u64, from: u64| {
            let overdue = (position + 1).saturating_sub(kept).saturating_sub(from);
            (kept > 0 && overdue >= PRUNED_AT_ONCE).then_some(from + PRUNED_AT_ONCE)
        };
        let published = due(limits.journal_entries_kept, journal.published_from());
        let intent = due(limits.undo_entries_kept, journal.intent_from());
        if published.is_none() && intent.is_none() {
            return;
        }
        if let Err(error) = self.prune_piece(published, intent) {
            // It is tried again after the next write.
            tracing::warn!(%error, "the journal could not be pruned");
            if !self.connection.is_autocommit()
                && let Err(error) = self.connection.execute_batch("ROLLBACK")
            {
                tracing::error!(%error, "a transaction could not be rolled back");
            }
        }
    }

    /// Where a piece from position `from` on ends: at `to`, or before it if what is said by then is much. Imports have
    /// large entries.
    fn end_of_piece(&self, from: u64, to: u64) -> Result<u64, Refusal> {
        let sql = Sql(&self.connection);
        let mut statement = sql.0.prepare_cached(
            "SELECT position, coalesce(length(intent), 0) + coalesce(length(published), 0) FROM entries \
             WHERE position >= ?1 AND position < ?2 ORDER BY position",
        )?;
        let mut rows = statement.query([from, to])?;
        let mut octets = 0;
        while let Some(row) = rows.next()? {
            octets += row.get::<_, u64>(1)?;
            if octets > PRUNED_OCTETS {
                return Ok(row.get::<_, u64>(0)? + 1);
            }
        }
        Ok(to)
    }

    fn prune_piece(&self, published: Option<u64>, intent: Option<u64>) -> Result<(), Refusal> {
        let (journal, sql) = (&self.shared.journal, Sql(&self.connection));
        let (published_from, intent_from) = (journal.published_from(), journal.intent_from());
        let piece_to = |from: u64, to: Option<u64>| to.map_or(Ok(from), |to| self.end_of_piece(from, to));
        let (published_to, intent_to) = (piece_to(published_from, published)?, piece_to(intent_from, intent)?);
        self.begin()?;
        sql.execute(
            "UPDATE entries SET published = NULL WHERE position >= ?1 AND position < ?2",
            [published_from, published_to],
        )?;
        sql.execute(
            "UPDATE entries SET intent = NULL WHERE position >= ?1 AND position < ?2",
            [intent_from, intent_to],
        )?;
        // What neither part needs goes whole. The rows before were deleted by earlier pieces.
        sql.execute(
            "DELETE FROM entries WHERE position >= ?1 AND position < ?2",
            [published_from.min(intent_from), published_to.min(intent_to)],
        )?;
        sql.execute(
            "UPDATE journal SET published_from = ?1, intent_from = ?2 WHERE id = 1",
            [published_to, intent_to],
        )?;
        self.connection.execute_batch("COMMIT")?;
        journal.pruned(published_to, intent_to);
        Ok(())
    }
}

/// The connection stays usable after a panic: savepoint or transaction take back whatever was half done.
fn caught<T>(work: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        tracing::error!("a write has panicked and was taken back");
        Err(Unavailable::Internal.into())
    })
}

/// Why the transaction ended by itself, as far as its writes say.
fn lost(group: &[Done]) -> Unavailable {
    match group.last().map(|done| &done.verdict) {
        Some(Err(Refusal::Unavailable(error))) => error.clone(),
        _ => Unavailable::Store("the transaction was lost".to_owned()),
    }
}
