//! Writing the log (SQLite's WAL) back into the store's file, beside the writer.
//!
//! ```text
//!  writer --commit--> log --PASSIVE, 4 MiB or more--> file     a thread with a connection of its own
//!         --the log is long, the rest is little--> PASSIVE     the writer: the next commit begins the log anew
//! ```
//!
//! SQLite would do it within a commit, and everybody who waits for that commit would wait for the file's sync as well.
//! The log begins anew only when all of it was written back and nobody reads its old state; beside a busy writer the
//! thread is always a few commits behind. So the writer does the rest once the log is long, when the thread has left it
//! little to do, and whatever there is to do once the log is too long. A reader that keeps an old state keeps the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::thread::JoinHandle;

use rusqlite::{Connection, Row};

/// Numbers of pages, of 4 KiB each.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// So many that are in the log and not in the file wake the thread.
    pub(super) due: u32,
    /// A log that should begin anew.
    pub(super) long: u32,
    /// What the writer may write back of it.
    pub(super) little: u32,
    /// A log that must begin anew.
    pub(super) too_long: u32,
}

impl Default for Bounds {
    /// 4, 32, 1 and 256 MiB.
    fn default() -> Self {
        Self { due: 1_000, long: 8_192, little: 256, too_long: 65_536 }
    }
}

/// What is known of the log.
#[derive(Default)]
struct Log {
    pages: AtomicU32,
    /// How many of them are in the file.
    written_back: AtomicU32,
    failing: AtomicBool,
}

/// What the writer has of it.
pub(super) struct Checkpoints {
    bounds: Bounds,
    log: Arc<Log>,
    wake: SyncSender<()>,
    thread: JoinHandle<()>,
    /// Pages of the log from which on the writer tries by itself.
    own_from: u32,
}

impl Checkpoints {
    /// Watches the commits of `writer`, whose automatic checkpoints end with that (sqlite.org/c3ref/wal_hook), and
    /// starts the thread.
    pub(super) fn start(writer: &mut Connection, own: Connection, bounds: Bounds) -> Result<Self, String> {
        let log = Arc::new(Log::default());
        let seen = log.clone();
        let hook = move |_: &mut _, pages| {
            seen.committed(u32::try_from(pages).unwrap_or(0));
            Ok(())
        };
        writer.wal_hook(Some(hook)).map_err(|error| error.to_string())?;
        let (wake, woken) = std::sync::mpsc::sync_channel(1);
        let shared = log.clone();
        let thread = std::thread::Builder::new()
            .name("store-log".to_owned())
            .spawn(move || work(&own, &shared, &woken))
            .map_err(|error| error.to_string())?;
        Ok(Self { bounds, log, wake, thread, own_from: bounds.long })
    }

    /// What is to be done after a commit, when those who waited for it have their replies.
    pub(super) fn after_commit(&mut self, writer: &Connection) {
        let Bounds { due, long, little, too_long } = self.bounds;
        let (pages, left) = (self.log.pages.load(Ordering::Relaxed), self.log.left());
        if pages < long {
            self.own_from = long;
        }
        let is_long = pages >= self.own_from;
        if is_long && (left <= little || pages >= too_long) {
            self.log.write_back(writer);
            // Not again at once, should a reader keep the log, or the thread be at it.
            self.own_from = pages + long / 8;
        } else if left >= due || is_long {
            // Full: the thread has been told already.
            if let Err(TrySendError::Disconnected(())) = self.wake.try_send(()) {
                tracing::error!("the thread that writes the store's log back has ended");
            }
        }
    }

    /// Ends the thread, after what it is at.
    pub(super) fn end(self) {
        let Self { wake, thread, .. } = self;
        drop(wake);
        if thread.join().is_err() {
            tracing::error!("the thread that writes the store's log back ended with a panic");
        }
    }
}

fn work(own: &Connection, log: &Log, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        log.write_back(own);
    }
}

impl Log {
    fn committed(&self, pages: u32) {
        if pages < self.pages.swap(pages, Ordering::Relaxed) {
            // It has begun anew. What the thread says of the old log after this makes its next work come late, no more.
            self.written_back.store(0, Ordering::Relaxed);
        }
    }

    fn left(&self) -> u32 {
        self.pages.load(Ordering::Relaxed).saturating_sub(self.written_back.load(Ordering::Relaxed))
    }

    /// Writes back what needs no waiting for anybody. What fails is tried again after the next commit: the log has it.
    fn write_back(&self, connection: &Connection) {
        // Whether somebody else is at it, pages of the log, pages written back: -1 for what is not known.
        let row = |row: &Row<'_>| Ok((row.get::<_, bool>(0)?, row.get::<_, i64>(2)?));
        match connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], row) {
            Ok((true, _)) => {}
            Ok((false, pages)) => {
                self.written_back.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
                self.failing.store(false, Ordering::Relaxed);
            }
            Err(error) => {
                if !self.failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "the store's log cannot be written back into its file, and grows");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    const BOUNDS: Bounds = Bounds { due: 20, long: 100, little: 20, too_long: 400 };

    fn open(directory: &tempfile::TempDir) -> Connection {
        let connection = Connection::open(directory.path().join("store")).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS t (octets BLOB)").unwrap();
        connection
    }

    /// Commits some ten pages; gives how long the log is then.
    fn commit(writer: &Connection, checkpoints: &mut Checkpoints) -> u32 {
        writer.execute("INSERT INTO t VALUES (zeroblob(32768))", []).unwrap();
        let pages = checkpoints.log.pages.load(Ordering::Relaxed);
        checkpoints.after_commit(writer);
        pages
    }

    #[test]
    fn the_thread_writes_the_log_back_and_the_writer_lets_it_begin_anew() {
        let directory = tempfile::tempdir().unwrap();
        let (mut writer, own) = (open(&directory), open(&directory));
        let mut checkpoints = Checkpoints::start(&mut writer, own, BOUNDS).unwrap();
        let end = Instant::now() + Duration::from_secs(60);
        let (mut last, mut anew) = (0, 0);
        while anew < 3 {
            let pages = commit(&writer, &mut checkpoints);
            anew += u32::from(pages < last);
            last = pages;
            assert!(Instant::now() < end, "the log has {pages} pages, of which {} are left", checkpoints.log.left());
        }
        while commit(&writer, &mut checkpoints) < BOUNDS.due {}
        while checkpoints.log.left() >= BOUNDS.due {
            assert!(Instant::now() < end, "nothing is written back");
            std::thread::sleep(Duration::from_millis(1));
        }
        checkpoints.end();
    }

    #[test]
    fn a_log_that_nobody_writes_back_is_bounded_by_the_writer() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = open(&directory);
        // A thread that has nothing to do with this log.
        let own = Connection::open_in_memory().unwrap();
        let mut checkpoints = Checkpoints::start(&mut writer, own, BOUNDS).unwrap();
        let longest = (0..200).map(|_| commit(&writer, &mut checkpoints)).max().unwrap();
        assert!((BOUNDS.too_long..BOUNDS.too_long + 20).contains(&longest), "{longest} pages");
        checkpoints.end();
    }

    #[test]
    fn a_log_that_a_reader_keeps_is_tried_now_and_then() {
        let directory = tempfile::tempdir().unwrap();
        let (mut writer, own, reader) = (open(&directory), open(&directory), open(&directory));
        let mut checkpoints = Checkpoints::start(&mut writer, own, BOUNDS).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM t").unwrap();
        let kept = (0..100).map(|_| commit(&writer, &mut checkpoints)).max().unwrap();
        assert!(kept > 2 * BOUNDS.too_long, "{kept} pages");
        reader.execute_batch("COMMIT").unwrap();
        let end = Instant::now() + Duration::from_secs(60);
        while commit(&writer, &mut checkpoints) > BOUNDS.long {
            assert!(Instant::now() < end, "the log does not begin anew");
        }
        checkpoints.end();
    }
}
