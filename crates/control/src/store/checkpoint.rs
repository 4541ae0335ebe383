//! Writing the log (SQLite's WAL) back into the store's file, beside the writer.
//!
//! ```text
//!  writer --commit--> log --PASSIVE, each 4 MiB--> file        a thread with a connection of its own
//!         --long, little left to write back--> PASSIVE         the writer: the next commit begins the log anew
//! ```
//!
//! SQLite would do it within a commit, and everybody who waits for that commit would wait for the file's sync as well.
//! The log begins anew only when all of it was written back and nobody reads its old state; beside a busy writer the
//! thread is always a few commits behind. So the writer does the rest once the log is long, when the thread has left it
//! little to do, and whatever there is to do once the log is very long. As ever, a reader that keeps an old state keeps
//! the log, too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::thread::JoinHandle;

use rusqlite::Connection;

/// Pages in the log that are not in the file, from which on the thread writes them back: 4 MiB.
const WRITTEN_BACK_FROM: u32 = 1_000;
/// Pages of a long log: 32 MiB.
const LONG: u32 = 8_192;
/// Pages of a log that must not become longer: 256 MiB.
const TOO_LONG: u32 = 65_536;
/// Pages that the writer may write back itself: 1 MiB.
const LITTLE: u32 = 256;

/// Pages, as far as known: in the log, and of them in the file.
#[derive(Default)]
struct Log {
    pages: AtomicU32,
    written_back: AtomicU32,
}

/// What the writer has of it.
pub(super) struct Checkpoints {
    log: Arc<Log>,
    wake: SyncSender<()>,
    thread: JoinHandle<()>,
    /// Pages of the log at which the writer tries itself.
    own_from: u32,
}

impl Checkpoints {
    /// Watches the commits of `writer`, whose automatic checkpoints end with that, and starts the thread.
    pub(super) fn start(writer: &mut Connection, own: Connection) -> Result<Self, String> {
        let log = Arc::new(Log::default());
        let seen = log.clone();
        let hook = move |_: &mut _, pages| {
            seen.committed(u32::try_from(pages).unwrap_or(0));
            Ok(())
        };
        writer.wal_hook(Some(hook)).map_err(|error| error.to_string())?;
        let (wake, woken) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::Builder::new().name("store-checkpoint".to_owned());
        let shared = log.clone();
        let thread = thread.spawn(move || run(&own, &shared, &woken)).map_err(|error| error.to_string())?;
        Ok(Self { log, wake, thread, own_from: LONG })
    }

    /// The writer has committed, and nobody waits for it.
    pub(super) fn after_commit(&mut self, writer: &Connection) {
        let pages = self.log.pages.load(Ordering::Relaxed);
        let left = self.log.left();
        if pages < LONG {
            self.own_from = LONG;
        } else if (pages >= self.own_from && left <= LITTLE) || (pages >= TOO_LONG && pages >= self.own_from) {
            let began = std::time::Instant::now();
            self.log.write_back(writer);
            trace(&format!("own pages={pages} left={left} after={} took={}", self.log.left(), began.elapsed().as_micros()));
            // Not at once again, if a reader keeps the log.
            self.own_from = pages + LONG / 8;
            return;
        }
        if left >= WRITTEN_BACK_FROM || (pages >= self.own_from && left > LITTLE) {
            // Full: the thread has been told. Disconnected: it has panicked, and what is very long is left to the writer.
            if let Err(TrySendError::Disconnected(())) = self.wake.try_send(()) {
                tracing::error!("the thread that writes the log back has ended");
            }
        }
    }

    /// Ends the thread.
    pub(super) fn end(self) {
        let Self { wake, thread, .. } = self;
        drop(wake);
        if thread.join().is_err() {
            tracing::error!("the thread that writes the log back ended with a panic");
        }
    }
}

pub(super) fn trace(s: &str) {
    use std::io::Write;
    if let Ok(mut f) = std::fs::File::options().append(true).create(true).open("/tmp/wt-trace.log") {
        let _ = f.write_all(format!("{s}\n").as_bytes());
    }
}

fn run(own: &Connection, log: &Log, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        let (pages, left, began) = (log.pages.load(Ordering::Relaxed), log.left(), std::time::Instant::now());
        log.write_back(own);
        trace(&format!("thread pages={pages} left={left} after={} took={}", log.left(), began.elapsed().as_micros()));
    }
}

impl Log {
    fn committed(&self, pages: u32) {
        if pages < self.pages.swap(pages, Ordering::Relaxed) {
            // It began anew.
            self.written_back.store(0, Ordering::Relaxed);
        }
    }

    fn left(&self) -> u32 {
        self.pages.load(Ordering::Relaxed).saturating_sub(self.written_back.load(Ordering::Relaxed))
    }

    /// Writes back what can be written back without waiting for anybody.
    fn write_back(&self, connection: &Connection) {
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(2)?));
        // (busy: another one is at it, pages in the log, pages written back)
        match connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], row) {
            Ok((0, pages)) => self.written_back.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed),
            Ok(_) => {}
            // The log keeps everything; it is tried again after the next commit.
            Err(error) => tracing::warn!(%error, "the store's log could not be written back into its file"),
        }
    }
}
