//! The store: one SQLite file, one writer, a few readers.
//!
//! - [`Sql`] is how every query of this crate is written: cached statements, errors turned into refusals.
//! - [`Store::read`] runs a function on one of the reading connections, inside one read transaction.
//! - [`Store::write`] hands a function to the writer (`writer`), which runs it on a [`Tx`].
//!
//! The text of the queries serves SQLite and PostgreSQL alike, but for numbered `?` in the place of `$`. What is
//! SQLite's own (pragmas, opening, checks) is in `open`.

mod backup;
mod bulk;
mod finish;
mod migrations;
mod open;
mod rows;
mod tx;
mod writer;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SendError, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::{Connection, OptionalExtension, Params, Row};
use tokio::sync::{Semaphore, oneshot};
use waymark_wire::Name;
use waymark_zone::published::Position;

pub use backup::{BackupError, back_up};
pub(crate) use bulk::{Fresh, KeyedRow};
pub(crate) use finish::{INTENT_FORMAT, INTENT_FORMAT_FRESH};
pub use rows::ZoneRow;
pub(crate) use rows::{
    FullZone, RECORD_COLUMN_COUNT, RECORD_COLUMNS, RecordRow, SoaOverrides, ZONE_COLUMN_COUNT, ZONE_COLUMNS, json_at,
    name_at, word_at,
};
pub use tx::Tx;
use writer::{Job, Message, TypedJob};

use crate::error::{OpenError, Refusal, Unavailable};
use crate::identity::Actor;
use crate::journal::State as JournalState;
use crate::{Action, Brand, Clock, Limits, Options, Pools, Random};

/// Prepared statements that a connection keeps: more than this crate has.
const STATEMENTS_KEPT: usize = 256;

/// A connection, and how this crate asks it.
#[derive(Clone, Copy)]
pub(crate) struct Sql<'c>(pub(crate) &'c Connection);

impl<'c> Sql<'c> {
    /// The first row, if there is one.
    pub(crate) fn one<T>(
        self,
        text: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, Refusal> {
        Ok(self.0.prepare_cached(text)?.query_row(values, read).optional()?)
    }

    /// Every row.
    pub(crate) fn all<T>(
        self,
        text: &str,
        values: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Refusal> {
        Ok(self.0.prepare_cached(text)?.query_map(values, read)?.collect::<rusqlite::Result<_>>()?)
    }

    /// One number, such as a count; 0 if there is no row.
    pub(crate) fn number(self, text: &str, values: impl Params) -> Result<u64, Refusal> {
        let number: i64 = self.one(text, values, |row| row.get(0))?.unwrap_or(0);
        Ok(u64::try_from(number).unwrap_or(0))
    }

    /// Changes rows; gives how many.
    pub(crate) fn execute(self, text: &str, values: impl Params) -> Result<usize, Refusal> {
        Ok(self.0.prepare_cached(text)?.execute(values)?)
    }

    /// Inserts one row with a text that ends in `RETURNING id`; gives that key.
    pub(crate) fn insert(self, text: &str, values: impl Params) -> Result<i64, Refusal> {
        Ok(self.0.prepare_cached(text)?.query_row(values, |row| row.get(0))?)
    }
}

/// What writer, readers and journal share.
pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) brand: Brand,
    /// The mailbox of SOA records, made once.
    pub(crate) mailbox: Name,
    pub(crate) pools: Pools,
    pub(crate) limits: Limits,
    pub(crate) journal: JournalState,
    pub(crate) counters: Counters,
}

/// What is counted; see [`crate::Statistics`].
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) writes_committed: AtomicU64,
    pub(crate) writes_refused: AtomicU64,
    pub(crate) writes_unavailable: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) commits_failed: AtomicU64,
    /// The last group of writes could not be committed.
    pub(crate) failing: AtomicBool,
    pub(crate) replies_early: AtomicU64,
    pub(crate) writes_waiting: AtomicU64,
    /// How long the last group took that had a piece of something large, in microseconds.
    pub(crate) piece_micros: AtomicU64,
    pub(crate) zones_imported: AtomicU64,
    pub(crate) records_imported: AtomicU64,
}

/// What comes of a write that was handed over: its result and its position, if it has taken one.
pub(crate) type Written<T> = oneshot::Receiver<Result<(T, Option<Position>), Refusal>>;

/// The open store.
pub(crate) struct Store {
    pub(crate) shared: Arc<Shared>,
    file: PathBuf,
    queue: SyncSender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
    idle_readers: Mutex<VecDeque<Connection>>,
    reading: Semaphore,
    /// Held by the import that is at work: one at a time.
    pub(crate) importing: Mutex<()>,
    /// Exports being written; each has a reading connection of its own.
    pub(crate) exporting: Arc<Semaphore>,
    /// Exports being written or read; each has memory or room on the disk.
    pub(crate) exports: Arc<Semaphore>,
}

impl Store {
    /// Opens the store in `directory`, making or migrating it, and starts the writer.
    pub(crate) fn open(directory: &Path, options: Options) -> Result<Arc<Self>, OpenError> {
        let opened = open::open(directory, &options)?;
        let failed = |why: String| OpenError::Failed { file: opened.file.clone(), why };
        let mailbox = options.brand.mailbox().map_err(|error| failed(error.to_string()))?;
        let limits = options.limits;
        let shared = Arc::new(Shared {
            clock: options.clock,
            random: options.random,
            brand: options.brand,
            mailbox,
            pools: options.pools,
            journal: JournalState::new(opened.head, limits.commits_subscribed),
            limits,
            counters: Counters::default(),
        });
        let (queue, waiting) = std::sync::mpsc::sync_channel(shared.limits.writes_waiting.max(1));
        let writer = writer::Writer::new(opened.connection, shared.clone(), waiting);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| failed(error.to_string()))?;
        Ok(Arc::new(Self {
            reading: Semaphore::new(shared.limits.readers.max(1)),
            importing: Mutex::default(),
            exporting: Arc::new(Semaphore::new(shared.limits.readers.max(1))),
            exports: Arc::new(Semaphore::new(shared.limits.exports.max(1))),
            shared,
            file: opened.file,
            queue,
            thread: Mutex::new(Some(thread)),
            idle_readers: Mutex::default(),
        }))
    }

    /// The data directory.
    pub(crate) fn directory(&self) -> &Path {
        // The file was made of it and a name.
        self.file.parent().unwrap_or(&self.file)
    }

    /// Runs `work` on the blocking pool with a reading connection, inside one read transaction.
    pub(crate) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(Sql<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let _permit = self.reading.acquire().await.map_err(|_| Unavailable::Closed)?;
        let store = self.clone();
        let done = tokio::task::spawn_blocking(move || store.read_blocking(work)).await;
        done.unwrap_or(Err(Unavailable::Internal.into()))
    }

    /// The same on the calling thread, which must be one that may block.
    pub(crate) fn read_blocking<T>(&self, work: impl FnOnce(Sql<'_>) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let connection = self.reader()?;
        connection.execute_batch("BEGIN")?;
        let result = work(Sql(&connection));
        // A read transaction that cannot end is dropped with its connection.
        if connection.execute_batch("COMMIT").is_ok() {
            let mut idle = lock(&self.idle_readers);
            if idle.len() < self.shared.limits.readers.max(1) {
                idle.push_back(connection);
            }
        }
        result
    }

    /// A reading connection of one's own, to be dropped after use.
    pub(crate) fn reader(&self) -> Result<Connection, Refusal> {
        // Its guard must not live while a connection is opened.
        let idle = lock(&self.idle_readers).pop_front();
        match idle {
            Some(connection) => Ok(connection),
            None => Ok(open::reader(&self.file)?),
        }
    }

    /// Hands `work` to the writer and waits for its commit; gives its result and its position, if it has taken one.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        actor: Actor,
        action: Action,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<(T, Option<Position>), Refusal> {
        let (reply, verdict) = oneshot::channel();
        let job = TypedJob::new(actor, action, false, work, reply);
        self.send(Box::new(job), |message| self.queue.try_send(message))?;
        verdict.await.unwrap_or(Err(Unavailable::Closed.into()))
    }

    /// Hands a piece of something large to the writer: a write that no other piece shares a commit with. Waits for
    /// room in the queue, not for the write. Blocks.
    pub(crate) fn write_piece<T: Send + 'static>(
        &self,
        actor: Actor,
        action: Action,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<Written<T>, Refusal> {
        let (reply, verdict) = oneshot::channel();
        let job = TypedJob::new(actor, action, true, work, reply);
        let wait = |message| self.queue.send(message).map_err(|SendError(message)| TrySendError::Disconnected(message));
        self.send(Box::new(job), wait)?;
        Ok(verdict)
    }

    fn send(
        &self,
        job: Box<dyn Job>,
        send: impl FnOnce(Message) -> Result<(), TrySendError<Message>>,
    ) -> Result<(), Refusal> {
        let waiting = &self.shared.counters.writes_waiting;
        // Counted before it is sent: the writer counts it down when it takes it.
        waiting.fetch_add(1, Ordering::Relaxed);
        let Err(error) = send(Message::Write(job)) else { return Ok(()) };
        waiting.fetch_sub(1, Ordering::Relaxed);
        self.shared.counters.writes_unavailable.fetch_add(1, Ordering::Relaxed);
        Err(match error {
            TrySendError::Full(_) => Unavailable::Busy.into(),
            TrySendError::Disconnected(_) => Unavailable::Closed.into(),
        })
    }

    /// Ends the writer after what waits already, and writes the WAL back into the file.
    pub(crate) async fn close(self: &Arc<Self>) {
        let store = self.clone();
        let ended = tokio::task::spawn_blocking(move || {
            let Some(thread) = lock(&store.thread).take() else { return };
            // Readers would keep the WAL from being emptied.
            lock(&store.idle_readers).clear();
            if store.queue.send(Message::Close).is_ok() && thread.join().is_err() {
                tracing::error!("the store's writer ended with a panic");
            }
        });
        if ended.await.is_err() {
            tracing::error!("closing the store failed");
        }
    }
}

/// Locks; a panic elsewhere does not make what these guard invalid.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
