//! The thread that brings the edge's file behind the catalog.
//!
//! Commits are handed over in order and written in batches, each durable. The queue is bounded: when the disk is
//! slower than the changes, what waits is let go of, and the journal is read again from the position in the file. A
//! Who wants to read the file asks here too, and gets it with everything that was handed over before. A
//! file that does not fit the journal is filled anew; one that is damaged is made anew; one that cannot be written is
//! tried again later. Nothing waits for this thread but its own end.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use waymark_control::journal::{Journal, JournalError};
use waymark_serve::edge_file::{EdgeFile, EdgeFileError, Remedy, Snapshot};
use waymark_zone::published::{Change, Commit, Entry, Position};

use super::images::{self, FillError};
use super::{COMMITS_PER_READ, Options, Progress, start};

/// How long commits are gathered before they are written: a sync of the disk per batch, not per commit.
const GATHER: Duration = Duration::from_millis(200);
/// Commits in a batch at most.
const BATCH_MAX: usize = 512;
/// RRsets of the commits that wait at most, whatever their number: some tens of MiB.
const RRSETS_WAITING_MAX: usize = 200_000;
/// RRsets in a batch, but for the last commit.
const BATCH_RRSETS: usize = 50_000;
/// How long to wait before a file is tried again that could not be written.
const RETRY_AFTER: Duration = Duration::from_secs(2);

fn rrsets(commit: &Commit) -> usize {
    let of_entry = |entry: &Entry| match &entry.change {
        Change::Delta { removed, added, .. } => removed.len() + added.len(),
        Change::Replace | Change::Gone => 0,
    };
    commit.entries.iter().map(of_entry).sum()
}

/// The near end of the thread.
pub(super) struct EdgeWriter {
    shared: Arc<Shared>,
    waiting_max: usize,
    thread: Option<JoinHandle<()>>,
}

/// Where the file can be read while it is written; a clone is the same.
#[derive(Clone)]
pub struct EdgeReader(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    commits: VecDeque<Arc<Commit>>,
    /// RRsets of these commits.
    rrsets: usize,
    /// Commits were let go of: the journal has to be read.
    behind: bool,
    /// The file has to be filled from a snapshot.
    refill: bool,
    /// Who waits to read the file.
    readers: Vec<oneshot::Sender<Result<Option<Snapshot>, EdgeFileError>>>,
    stop: bool,
}

impl Queue {
    fn has_work(&self) -> bool {
        !self.commits.is_empty() || self.behind || self.refill
    }

    fn let_go(&mut self) {
        self.commits.clear();
        self.rrsets = 0;
    }

    fn is_batch(&self) -> bool {
        self.commits.len() >= BATCH_MAX || self.rrsets >= BATCH_RRSETS
    }

    /// Somebody waits for it: there is no time to gather more.
    fn is_urgent(&self) -> bool {
        self.stop || !self.readers.is_empty()
    }
}

impl EdgeWriter {
    pub(super) fn start(
        journal: Journal,
        file: Option<EdgeFile>,
        options: &Options,
        progress: Arc<Progress>,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { queue: Mutex::default(), changed: Condvar::new() });
        let behind = file.as_ref().is_none_or(|file| file.state().is_none());
        shared.queue().refill = behind;
        let path = options.edge_file.clone();
        let mut writing = Writing { journal, file, path, progress, shared: Arc::clone(&shared), retry_at: None };
        let thread = std::thread::Builder::new().name("edge-file".to_owned()).spawn(move || writing.run())?;
        Ok(Self { shared, waiting_max: options.edge_commits_waiting.max(1), thread: Some(thread) })
    }

    /// Where the file can be read.
    pub(super) fn reader(&self) -> EdgeReader {
        EdgeReader(Arc::clone(&self.shared))
    }

    /// Hands over commits that the catalog shows.
    pub(super) fn push(&self, commits: Vec<Arc<Commit>>) {
        let mut queue = self.shared.queue();
        let rrsets: usize = commits.iter().map(|commit| rrsets(commit)).sum();
        if queue.commits.len() + commits.len() > self.waiting_max || queue.rrsets + rrsets > RRSETS_WAITING_MAX {
            queue.let_go();
            queue.behind = true;
        } else {
            queue.commits.extend(commits);
            queue.rrsets += rrsets;
        }
        self.shared.changed.notify_one();
    }

    /// The catalog was filled from a snapshot: so must the file be.
    pub(super) fn resynchronise(&self) {
        let mut queue = self.shared.queue();
        queue.let_go();
        queue.refill = true;
        self.shared.changed.notify_one();
    }

    /// Writes what waits and ends the thread.
    pub(super) fn stop(mut self) {
        self.shared.queue().stop = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for EdgeWriter {
    fn drop(&mut self) {
        self.shared.queue().stop = true;
        self.shared.changed.notify_one();
    }
}

impl EdgeReader {
    /// The file as it is, with everything that the catalog has shown before this call if it can be written now. None
    /// if there is nothing in it yet. Errors: it cannot be used, or following has ended.
    pub async fn read(&self) -> Result<Option<Snapshot>, EdgeFileError> {
        let (reader, snapshot) = oneshot::channel();
        {
            let mut queue = self.0.queue();
            if !queue.stop {
                queue.readers.push(reader);
            }
            self.0.changed.notify_one();
        }
        let ended = || std::io::Error::other("the server is ending");
        snapshot.await.unwrap_or_else(|_| Err(ended().into()))
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's own.
struct Writing {
    journal: Journal,
    file: Option<EdgeFile>,
    path: std::path::PathBuf,
    progress: Arc<Progress>,
    shared: Arc<Shared>,
    /// The file could not be written, and is left alone until then.
    retry_at: Option<Instant>,
}

impl Writing {
    fn run(&mut self) {
        loop {
            let mut work = self.gather();
            let (stop, readers) = (work.stop, std::mem::take(&mut work.readers));
            if let Err(error) = self.write(work) {
                self.get_over(error);
            }
            for reader in readers {
                // Who has gone away wants nothing any more.
                let _ = reader.send(self.read());
            }
            if stop {
                return;
            }
        }
    }

    /// Waits for work, then a little longer for more of it, unless the end has come.
    fn gather(&self) -> Queue {
        let shared = Arc::clone(&self.shared);
        let mut queue = shared.queue();
        while !queue.is_urgent() && (!queue.has_work() || self.waits()) {
            queue = match self.retry_at.filter(|_| queue.has_work()) {
                Some(at) => self.wait(queue, at.saturating_duration_since(Instant::now())),
                None => self.shared.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
        let until = Instant::now() + GATHER;
        while !queue.is_urgent() && !queue.is_batch() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            queue = self.wait(queue, left);
        }
        let stop = queue.stop;
        let work = std::mem::take(&mut *queue);
        queue.stop = stop;
        work
    }

    fn read(&self) -> Result<Option<Snapshot>, EdgeFileError> {
        self.file.as_ref().map_or(Ok(None), EdgeFile::read)
    }

    fn waits(&self) -> bool {
        self.retry_at.is_some_and(|at| Instant::now() < at)
    }

    fn wait<'q>(&self, queue: MutexGuard<'q, Queue>, time: Duration) -> MutexGuard<'q, Queue> {
        self.shared.changed.wait_timeout(queue, time).unwrap_or_else(PoisonError::into_inner).0
    }

    fn write(&mut self, work: Queue) -> Result<(), FillError> {
        if !work.has_work() {
            return Ok(());
        }
        if self.file.is_none() {
            self.file = Some(EdgeFile::open(&self.path)?);
        }
        let Some(file) = &self.file else { return Ok(()) };
        if work.refill || file.state().is_none() {
            self.progress.set_edge_file(images::fill(&self.journal, file)?);
            self.progress.edge_file_fills.fetch_add(1, Ordering::Relaxed);
        } else if !work.behind {
            let commits: Vec<Arc<Commit>> = work.commits.into();
            self.append(file, &commits)?;
            return self.well();
        }
        // Behind, or filled from a snapshot that was taken at any later time: the journal knows what is lacking.
        loop {
            let at = file.state().map_or(Position::default(), |(_, position)| position);
            let commits: Vec<_> = self.journal.read_from(at, COMMITS_PER_READ)?.into_iter().map(Arc::new).collect();
            if commits.is_empty() {
                return self.well();
            }
            self.append(file, &commits)?;
        }
    }

    fn append(&self, file: &EdgeFile, commits: &[Arc<Commit>]) -> Result<(), FillError> {
        let before = file.state().map_or(Position::default(), |(_, position)| position);
        let mut unread = None;
        let mut images = |zone| match self.journal.zone_image(zone) {
            Ok((_, image)) => Some(image),
            Err(error) => {
                unread = Some(error);
                None
            }
        };
        let appended = file.append(commits, &mut images);
        // Why there was no image says more than that there was none.
        let position = match (appended, unread) {
            (Err(_), Some(error)) => return Err(error.into()),
            (appended, _) => appended?,
        };
        self.progress.set_edge_file(position);
        self.progress.edge_file_commits.fetch_add(position.0.saturating_sub(before.0), Ordering::Relaxed);
        Ok(())
    }

    fn well(&self) -> Result<(), FillError> {
        self.progress.set_edge_file_problem(None);
        Ok(())
    }

    /// Arranges that the next attempt can succeed.
    fn get_over(&mut self, error: FillError) {
        let mut queue = self.shared.queue();
        match error {
            FillError::Journal(JournalError::TooOld { .. } | JournalError::Unknown) => queue.refill = true,
            FillError::Journal(why) => {
                drop(queue);
                tracing::warn!(%why, "the journal cannot be read for the edge file");
                self.leave_alone(false);
            }
            FillError::File(why) => {
                drop(queue);
                start::report(&self.progress, &why);
                self.mend(&why);
            }
        }
    }

    fn mend(&mut self, why: &EdgeFileError) {
        match why.remedy() {
            Remedy::Snapshot => self.shared.queue().refill = true,
            Remedy::Rebuild => {
                // Closed first: one handle at a time has the file.
                drop(self.file.take());
                self.file = start::rebuild(&self.path, &self.progress);
                self.shared.queue().refill = true;
                if self.file.is_none() {
                    self.leave_alone(true);
                }
            }
            Remedy::Outside => self.leave_alone(false),
        }
    }

    fn leave_alone(&mut self, refill: bool) {
        self.retry_at = Some(Instant::now() + RETRY_AFTER);
        let mut queue = self.shared.queue();
        queue.behind = true;
        queue.refill |= refill;
    }
}
