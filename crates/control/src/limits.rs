//! Every bound of the control plane, each configurable.

use waymark_zone::published::RRSET_OCTETS_MAX;

/// The bounds. Where 0 is said to lift a limit it does; the others are at least 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Records in one zone; 0: no limit.
    pub records_per_zone: u64,
    /// Octets of one RRset in an answer; 0: the most that a message can carry.
    pub rrset_octets: u64,
    /// Writes that wait for the writer; one more is refused as unavailable.
    pub writes_waiting: usize,
    /// Writes that share one commit and its fsync.
    pub writes_per_commit: usize,
    /// Positions of the journal whose published part is kept for followers and transfers; 0: all.
    pub journal_entries_kept: u64,
    /// Positions of the journal whose intent is kept for undo, versions and diff; 0: all.
    pub undo_entries_kept: u64,
    /// Connections that read at the same time.
    pub readers: usize,
    /// Exports that are written or wait for whoever reads them; one more is refused as unavailable. Each takes up to
    /// 1 MiB of memory or, if it is longer, its length on the disk of the data directory.
    pub exports: usize,
    /// Commits that a subscription may lie behind before it has to read the table.
    pub commits_subscribed: usize,
    /// How long a reply waits for the local catalog, in milliseconds.
    pub reply_wait_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            records_per_zone: 0,
            rrset_octets: 0,
            writes_waiting: 1024,
            writes_per_commit: 64,
            journal_entries_kept: 100_000,
            undo_entries_kept: 100_000,
            readers: 4,
            exports: 64,
            commits_subscribed: 1024,
            reply_wait_ms: 1000,
        }
    }
}

impl Limits {
    /// The most octets that an RRset may have: never more than a message can carry.
    pub(crate) fn rrset_octets_max(&self) -> u64 {
        match (self.rrset_octets, RRSET_OCTETS_MAX as u64) {
            (0, most) => most,
            (limit, most) => limit.min(most),
        }
    }
}
