//! The loop that carries the journal to the catalog.
//!
//! ```text
//!  start:  edge file (or a snapshot, into it) --load--> catalog --replay the journal--> up to date
//!  then:   journal --commits, in order--> apply: one generation --> replies may go out
//!                                              `--> edge file, in batches, on a thread of its own
//!  alone:  edge file --load once--> catalog, and nothing is followed
//! ```
//!
//! The catalog has one writer, and this thread has it. It takes whatever commits are there, makes them visible in one
//! step, and says how far it has come; then the replies to those writes are sent. Whoever falls behind reads the
//! journal's table; where that does not reach back, or belongs to another life, a snapshot is taken. An edge that
//! meets a format it does not know stops following, goes on serving, and says so.
//!
//! Not here: how commits become visible (`zone::catalog`), what the file looks like (`serve::edge_file`), and
//! following over a network, which comes with more than one machine.

mod alone;
mod edge_writer;
mod images;
mod progress;
mod start;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::watch;
use waymark_control::journal::{Follower, Journal, JournalError, Missed, Subscription};
use waymark_zone::catalog::{ApplyError, Catalog, Writer};
use waymark_zone::published::{Commit, DecodeError};

pub use alone::{Alone, AloneError};
pub use edge_writer::EdgeReader;
pub use progress::Progress;

use edge_writer::EdgeWriter;

/// Commits made visible in one step at most: bounds how long one step takes when much is waiting.
const COMMITS_PER_STEP_MAX: usize = 256;
/// Commits read from the journal's table at a time.
const COMMITS_PER_READ: usize = 256;
/// How often memory is looked for that readers have passed, while there is some.
const COLLECT_EVERY: Duration = Duration::from_millis(20);
/// How long to wait before the store is asked again that would not answer.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// Whether a commit becomes visible in one step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Visibility {
    /// It does.
    #[default]
    Whole,
    /// Name by name. Only to show that the test of the promise can fail.
    NameByName,
}

/// How to follow.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the edge's file is.
    pub edge_file: std::path::PathBuf,
    /// Commits that wait for it before they are read from the journal again.
    pub edge_commits_waiting: usize,
    /// Whether a commit becomes visible in one step.
    pub visibility: Visibility,
    /// Keys the catalog's hash.
    pub seed: u64,
}

/// Why following cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The journal cannot be read.
    #[error("cannot read the journal of the store: {0}")]
    Journal(#[from] JournalError),
    /// There is no store any more, or another one.
    #[error(
        "the store is empty, but {} has the zones of an earlier one: put back waymark.sqlite with its -wal file, or \
         start with an empty data directory",
        edge_file.display()
    )]
    StoreLost {
        /// The edge file.
        edge_file: std::path::PathBuf,
    },
    /// The store lacks the end of what was committed.
    #[error(
        "the store has lost changes that were acknowledged (it ends at position {store}, and {} has {shown}): put back \
         waymark.sqlite with its -wal file, or accept the loss with `waymark recover`",
        edge_file.display()
    )]
    StoreCut {
        /// The edge file.
        edge_file: std::path::PathBuf,
        /// The position that it has.
        shown: u64,
        /// The position that the store has.
        store: u64,
    },
    /// The system gives no thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// A catalog that follows a journal.
pub struct Follow {
    catalog: Arc<Catalog>,
    progress: Arc<Progress>,
    edge: EdgeReader,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// Refuses a store that has lost what this machine has acknowledged. To be asked before anything is made in it.
pub fn check_store(journal: &Journal, edge_file: &std::path::Path) -> Result<(), FollowError> {
    start::check_store(journal, edge_file)
}

impl Follow {
    /// Fills a new catalog and starts to follow. When this returns the catalog has everything that was committed
    /// before the call. Blocks; must not be called from async code.
    pub fn start(journal: &Journal, options: &Options) -> Result<Self, FollowError> {
        let progress = Arc::new(Progress::default());
        // First of all, so that nothing is missed between what is loaded and what is then received.
        let subscription = journal.subscribe();
        let started = start::start(journal, options, &progress)?;
        let catalog = started.catalog;
        let edge = EdgeWriter::start(journal.clone(), started.edge_file, options, Arc::clone(&progress))?;
        let reader = edge.reader();
        let (stop, stopped) = watch::channel(false);
        // Its own: it must go on while the node's runtime is busy, and end in its own time.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let mut writer = started.writer;
        if options.visibility == Visibility::NameByName {
            writer.tear_commits();
        }
        let mut following = Following {
            journal: journal.clone(),
            follower: journal.attach_follower(),
            writer,
            edge,
            progress: Arc::clone(&progress),
        };
        let begun = following.begin()?;
        let thread = std::thread::Builder::new()
            .name("follow".to_owned())
            .spawn(move || following.run(begun, subscription, stopped, &runtime))?;
        Ok(Self { catalog, progress, edge: reader, stop, thread: Some(thread) })
    }

    /// The catalog.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// How far it has come.
    pub fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// Where the edge's file can be read.
    pub fn edge_reader(&self) -> EdgeReader {
        self.edge.clone()
    }

    /// Ends both threads; what has been applied is in the edge's file when this returns. Blocks.
    pub fn stop(mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so, and there is nothing left of it to stop.
            let _ = thread.join();
        }
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// What makes the journal impossible to follow as it is.
enum Trouble {
    /// A snapshot is needed.
    Snapshot(String),
    /// The store does not answer now.
    Later(JournalError),
    /// This release cannot go on.
    Stop(String),
}

impl From<JournalError> for Trouble {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Format(DecodeError::Format(_)) => Self::Stop(error.to_string()),
            JournalError::Unavailable(_) => Self::Later(error),
            _ => Self::Snapshot(error.to_string()),
        }
    }
}

impl From<ApplyError> for Trouble {
    fn from(error: ApplyError) -> Self {
        Self::Snapshot(error.to_string())
    }
}

enum Wake {
    Commit(Result<Arc<Commit>, Missed>),
    Collect,
    Stop,
}

/// The thread's own.
struct Following {
    journal: Journal,
    follower: Follower,
    writer: Writer,
    edge: EdgeWriter,
    progress: Arc<Progress>,
}

impl Following {
    fn run(
        mut self,
        begun: Result<(), Trouble>,
        mut subscription: Subscription,
        mut stopped: watch::Receiver<bool>,
        runtime: &Runtime,
    ) {
        let mut collecting = true;
        let mut going = self.settle(begun, &mut stopped, runtime);
        while going {
            let wake = runtime.block_on(async {
                tokio::select! {
                    biased;
                    commit = subscription.recv() => Wake::Commit(commit),
                    _ = stopped.wait_for(|stopped| *stopped) => Wake::Stop,
                    () = tokio::time::sleep(COLLECT_EVERY), if collecting => Wake::Collect,
                }
            });
            let done = match wake {
                Wake::Commit(Ok(commit)) => {
                    let mut commits = vec![commit];
                    while commits.len() < COMMITS_PER_STEP_MAX
                        && let Ok(Some(commit)) = subscription.try_recv()
                    {
                        commits.push(commit);
                    }
                    self.take(commits)
                }
                Wake::Commit(Err(Missed::Lagged)) => self.catch_up(),
                Wake::Commit(Err(Missed::Closed)) | Wake::Stop => break,
                Wake::Collect => Ok(()),
            };
            going = self.settle(done, &mut stopped, runtime);
            collecting = self.writer.collect();
        }
        // Replies no longer wait for this catalog; then the file gets what it lacks.
        drop(self.follower);
        self.edge.stop();
    }

    /// Gets over trouble: false if there is no going on.
    fn settle(
        &mut self,
        mut done: Result<(), Trouble>,
        stopped: &mut watch::Receiver<bool>,
        runtime: &Runtime,
    ) -> bool {
        loop {
            done = match done {
                Ok(()) => return true,
                Err(Trouble::Snapshot(why)) => {
                    tracing::warn!(why, "the journal cannot be followed from here: taking a snapshot");
                    self.resynchronise()
                }
                Err(Trouble::Later(why)) => {
                    tracing::warn!(%why, "the journal cannot be read now");
                    let wait = stopped.wait_for(|stopped| *stopped);
                    if runtime.block_on(async { tokio::time::timeout(RETRY_AFTER, wait).await.is_ok() }) {
                        return false;
                    }
                    self.catch_up()
                }
                Err(Trouble::Stop(why)) => {
                    tracing::error!(why, "following the journal has stopped; DNS goes on answering with what it has");
                    self.progress.stop(why);
                    let _ = runtime.block_on(stopped.wait_for(|stopped| *stopped));
                    return false;
                }
            }
        }
    }

    /// Commits as they were received.
    fn take(&mut self, mut commits: Vec<Arc<Commit>>) -> Result<(), Trouble> {
        let at = self.writer.position();
        commits.retain(|commit| commit.position > at);
        match commits.first() {
            None => Ok(()),
            Some(first) if first.incarnation == self.writer.incarnation() && first.position != at.next() => {
                self.catch_up()
            }
            Some(_) => self.apply(commits),
        }
    }

    /// Reads the journal's table until there is no more.
    fn catch_up(&mut self) -> Result<(), Trouble> {
        loop {
            let commits = self.journal.read_from(self.writer.position(), COMMITS_PER_READ)?;
            if commits.is_empty() {
                return Ok(());
            }
            self.apply(commits.into_iter().map(Arc::new).collect())?;
        }
    }

    /// Brings the catalog up to date before anything is answered. What cannot be got over is given back.
    fn begin(&mut self) -> Result<Result<(), Trouble>, FollowError> {
        let begun = match self.catch_up() {
            Err(Trouble::Snapshot(why)) => {
                tracing::warn!(why, "the journal cannot be replayed: taking a snapshot");
                self.resynchronise()
            }
            other => other,
        };
        self.announce();
        match begun {
            Err(Trouble::Later(error)) => Err(error.into()),
            other => Ok(other),
        }
    }

    /// Makes commits visible in one step, and whatever else an image needs that they ask for.
    fn apply(&mut self, commits: Vec<Arc<Commit>>) -> Result<(), Trouble> {
        let commits = images::complete(&self.journal, &mut self.writer, commits)?;
        self.writer.apply(&commits)?;
        self.announce();
        self.progress.commits_applied.fetch_add(commits.len() as u64, Ordering::Relaxed);
        self.progress.steps.fetch_add(1, Ordering::Relaxed);
        self.edge.push(commits);
        Ok(())
    }

    fn resynchronise(&mut self) -> Result<(), Trouble> {
        images::load(&self.journal, &mut self.writer).map_err(|error| match Trouble::from(error.clone()) {
            // There is nothing beyond a snapshot but another one, later.
            Trouble::Snapshot(_) => Trouble::Later(error),
            other => other,
        })?;
        self.progress.snapshots.fetch_add(1, Ordering::Relaxed);
        self.announce();
        self.edge.resynchronise();
        Ok(())
    }

    fn announce(&self) {
        let position = self.writer.position();
        self.progress.set_applied(position);
        self.follower.set_applied(position);
    }
}

#[cfg(test)]
mod tests;
