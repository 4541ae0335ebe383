//! Intent: what the owners of zones want, the store that keeps it, and the journal that tells the edges.
//!
//! Everything starts at [`Control`]. Reading goes to a pool of connections; changing goes through the one writer:
//!
//! ```text
//!  api --> Control::record_create --> store::writer: a function on a Tx, in a savepoint of a shared transaction
//!                                       records: the rules          (touch_name keeps what was there before)
//!                                       publish: rows -> RRsets     (pure; before and after, the difference)
//!                                       audit, journal entry, position
//!                                     one COMMIT, one fsync for all who waited
//!                                 --> journal: subscribers get the Commits in order
//!                                 --> the reply, when the local catalog has the position
//! ```
//!
//! SQL is written in this crate and nowhere else. What is not here: HTTP and its numeric codes (`api`), and carrying
//! the journal to the catalog (`waymark`).
mod accounts;
mod audit;
mod bootstrap;
mod error;
mod export;
mod identity;
mod ids;
mod import;
mod limits;
mod nameservers;
mod publish;
mod random;

mod store;
#[cfg(test)]
mod testing;
mod time;
mod tokens;

pub mod journal;
pub mod plans;
pub mod records;
pub mod scopes;
pub mod zones;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use accounts::{Account, AccountFilter, NewAccount};
pub use audit::Action;
pub use bootstrap::Bootstrap;
pub use error::{Conflict, Credential, Invalid, Noun, OpenError, Quota, Refusal, Unavailable};
pub use export::Export;
pub use identity::{Actor, Grant, Owner, Permission, Policy, Resource, User};
pub use ids::PublicId;
pub use import::{
    ImportEnded, ImportEvent, ImportEvents, ImportFiles, ImportOptions, ImportProblem, ImportProblemKind, ImportedZone,
    RECORDS_PER_WRITE_MAX, RecordsImported, ZoneFile,
};
pub use journal::{Follower, IntentEntry, Journal, JournalError, Missed, Snapshot, Subscription, ZoneHead};
pub use limits::Limits;
pub use nameservers::{Brand, Nameserver, Pools};
pub use plans::{PLANS, Plan, PlanTerms};
pub use random::{Random, SystemRandom};
pub use records::{NewRecord, Record, RecordEdit, RecordFilter, RecordOrder, TagFilter, TextFilter};
use store::Store;
pub use store::{BackupError, Tx, ZoneRow, back_up};
pub use time::{Clock, SystemClock, Time};
pub use tokens::{CreatedToken, NewToken, Token, TokenState, TokenStatus};
pub use zones::{Kind, NewZone, Status, Zone, ZoneEdit, ZoneFilter, ZoneOrder};

/// The handle on the control plane; a clone is the same one.
#[derive(Clone)]
pub struct Control {
    pub(crate) store: Arc<Store>,
    journal: Journal,
}

/// What is handed in.
#[derive(Clone)]
pub struct Options {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The platform's own names.
    pub brand: Brand,
    /// The addresses for its nameservers.
    pub pools: Pools,
    /// Every bound.
    pub limits: Limits,
    /// Whether commits reach the disk.
    pub durability: Durability,
}

/// Whether commits reach the disk before they are acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Durability {
    /// They do.
    #[default]
    Full,
    /// They may be lost in a power cut. Only to show that the power-cut test can fail.
    Off,
}

/// A piece of a listing: the `page`th (from 1) of `per_page` items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    pub page: u64,
    /// At least 1.
    pub per_page: u64,
}

/// A piece of a listing, and how many there are in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// The items; none past the end.
    pub items: Vec<T>,
    /// Items of all pages.
    pub total: u64,
}

/// Numbers for the metrics; those that are counts count from the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Writes that were carried out.
    pub writes_committed: u64,
    /// Writes that were refused.
    pub writes_refused: u64,
    /// Writes that could not be carried out: the queue or the disk was full, the store closed or at fault.
    pub writes_unavailable: u64,
    /// Commits, each with one fsync for a group of writes.
    pub commits: u64,
    /// Groups of writes that could not be committed.
    pub commits_failed: u64,
    /// Whether the last group of writes could not be committed, and none has been since.
    pub failing: bool,
    /// Replies that were sent before the local catalog had their position.
    pub replies_early: u64,
    /// Writes that wait now.
    pub writes_waiting: u64,
    /// Zones that imports have made or added records to.
    pub zones_imported: u64,
    /// Records that imports have added.
    pub records_imported: u64,
    /// The last committed position.
    pub position: u64,
    /// Positions whose published part is kept.
    pub entries_kept: u64,
}

impl Control {
    /// Opens the store in `directory`, making it if there is none, and starts its writer. One process at a time may
    /// do so; who holds the directory is the caller's business. Blocks.
    pub fn open(directory: &Path, options: Options) -> Result<Self, OpenError> {
        let store = Store::open(directory, options)?;
        Ok(Self { journal: Journal(store.clone()), store })
    }

    /// Ends the writer after what waits already, and writes the WAL back into the file. Later writes are refused.
    pub async fn close(&self) {
        self.store.close().await;
    }

    /// The journal.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The bounds.
    pub fn limits(&self) -> &Limits {
        &self.store.shared.limits
    }

    /// The platform's own names.
    pub fn brand(&self) -> &Brand {
        &self.store.shared.brand
    }

    /// Carries out a write: whatever `work` does is kept together or not at all. The reply comes when it is on disk,
    /// and the local catalog, where there is one, answers with it; or, if the catalog takes longer than
    /// `limits.reply_wait_ms`, without that, which is counted.
    ///
    /// A caller who stops waiting does not stop the write.
    pub async fn write<T: Send + 'static>(
        &self,
        actor: Actor,
        action: Action,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let (result, position) = self.store.write(actor, action, work).await?;
        let shared = &self.store.shared;
        if let Some(position) = position {
            let limit = Duration::from_millis(shared.limits.reply_wait_ms);
            if !shared.journal.wait_applied(position, limit).await {
                shared.counters.replies_early.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(result)
    }

    /// What has been counted since the start, and how things stand now.
    pub fn statistics(&self) -> Statistics {
        let (counters, journal) = (&self.store.shared.counters, &self.store.shared.journal);
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Statistics {
            writes_committed: count(&counters.writes_committed),
            writes_refused: count(&counters.writes_refused),
            writes_unavailable: count(&counters.writes_unavailable),
            commits: count(&counters.commits),
            commits_failed: count(&counters.commits_failed),
            failing: counters.failing.load(Ordering::Relaxed),
            replies_early: count(&counters.replies_early),
            writes_waiting: count(&counters.writes_waiting),
            zones_imported: count(&counters.zones_imported),
            records_imported: count(&counters.records_imported),
            position: journal.position().0,
            entries_kept: (journal.position().0 + 1).saturating_sub(journal.published_from()),
        }
    }
}

impl Page {
    /// The items before the page, and where it ends.
    fn range(self) -> (u64, u64) {
        let first = self.page.saturating_sub(1).saturating_mul(self.per_page);
        (first, first.saturating_add(self.per_page))
    }

    /// The values of `LIMIT ? OFFSET ?`.
    fn limit_and_offset(self) -> [rusqlite::types::Value; 2] {
        let value = |number: u64| i64::try_from(number).unwrap_or(i64::MAX).into();
        [value(self.per_page), value(self.range().0)]
    }
}

#[cfg(test)]
mod tests;
