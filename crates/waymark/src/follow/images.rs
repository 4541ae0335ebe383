//! Images of zones: snapshots of everything, and the single zones that a commit says to fetch.

use std::collections::HashMap;
use std::sync::Arc;

use waymark_control::journal::{Journal, JournalError, Snapshot, ZoneHead};
use waymark_serve::EdgeFileError;
use waymark_serve::edge_file::Fill;
use waymark_zone::catalog::Writer;
use waymark_zone::published::{Change, Commit, Position, RRset, Version, ZoneNumber};

use super::{COMMITS_PER_READ, Trouble};

/// RRsets carried from a snapshot at a time.
const RRSETS_PER_PIECE: usize = 1024;

/// What a snapshot goes into.
trait Sink {
    type Error: From<JournalError>;

    fn zone(&mut self, head: ZoneHead) -> Result<(), Self::Error>;
    fn rrsets(&mut self, zone: ZoneNumber, rrsets: &[RRset]) -> Result<(), Self::Error>;
}

/// Why the edge's file could not be filled.
#[derive(Debug, thiserror::Error)]
pub(super) enum FillError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    File(#[from] EdgeFileError),
}

impl Sink for Writer {
    type Error = JournalError;

    fn zone(&mut self, head: ZoneHead) -> Result<(), JournalError> {
        self.stage_zone(head.zone, head.version, head.serial, head.header);
        Ok(())
    }

    fn rrsets(&mut self, zone: ZoneNumber, rrsets: &[RRset]) -> Result<(), JournalError> {
        self.stage_rrsets(zone, rrsets);
        Ok(())
    }
}

impl Sink for Fill<'_> {
    type Error = FillError;

    fn zone(&mut self, head: ZoneHead) -> Result<(), FillError> {
        Ok(Fill::zone(self, head.zone, head.version, head.serial, &head.header)?)
    }

    fn rrsets(&mut self, zone: ZoneNumber, rrsets: &[RRset]) -> Result<(), FillError> {
        Ok(Fill::rrsets(self, zone, rrsets)?)
    }
}

fn copy<V: Sink>(snapshot: &mut Snapshot, into: &mut V) -> Result<(), V::Error> {
    while let Some(head) = snapshot.next_zone()? {
        let zone = head.zone;
        into.zone(head)?;
        loop {
            let rrsets = snapshot.next_rrsets(RRSETS_PER_PIECE)?;
            if rrsets.is_empty() {
                break;
            }
            into.rrsets(zone, &rrsets)?;
        }
    }
    Ok(())
}

/// Makes the present state of the store the catalog's, in one step.
pub(super) fn load(journal: &Journal, writer: &mut Writer) -> Result<Position, JournalError> {
    // What an attempt before this one has left.
    writer.discard_staged();
    let mut snapshot = journal.snapshot()?;
    copy(&mut snapshot, writer)?;
    writer.publish_staged(snapshot.incarnation(), snapshot.position(), snapshot.scopes());
    Ok(snapshot.position())
}

/// Makes the present state of the store the edge file's.
pub(super) fn fill(journal: &Journal, file: &waymark_serve::EdgeFile) -> Result<Position, FillError> {
    let mut snapshot = journal.snapshot()?;
    let mut fill = file.replace_all(snapshot.incarnation(), snapshot.position())?;
    copy(&mut snapshot, &mut fill)?;
    fill.scopes(snapshot.scopes())?;
    fill.finish()?;
    Ok(snapshot.position())
}

/// Stages the image of every zone that `commits` replace. An image is of the position at which it was read, so all
/// commits up to that position become visible with it; they are added, and searched as well.
pub(super) fn complete(
    journal: &Journal,
    writer: &mut Writer,
    mut commits: Vec<Arc<Commit>>,
) -> Result<Vec<Arc<Commit>>, Trouble> {
    let mut staged: HashMap<ZoneNumber, Version> = HashMap::new();
    let mut up_to = Position::default();
    let mut searched = 0;
    while searched < commits.len() {
        let commit = Arc::clone(&commits[searched]);
        for entry in commit.entries.iter().filter(|entry| entry.change == Change::Replace) {
            let shown = writer.version(entry.zone).max(staged.get(&entry.zone).copied());
            if shown.is_some_and(|version| version >= entry.version) {
                continue;
            }
            let (position, image) = journal.zone_image(entry.zone)?;
            up_to = up_to.max(position);
            staged.insert(image.zone, image.version);
            writer.stage_zone(image.zone, image.version, image.serial, image.header);
            writer.stage_rrsets(image.zone, &image.rrsets);
        }
        searched += 1;
        let last = commits[commits.len() - 1].position;
        if searched == commits.len() && last < up_to {
            let more = journal.read_from(last, COMMITS_PER_READ)?;
            commits.extend(more.into_iter().take_while(|commit| commit.position <= up_to).map(Arc::new));
        }
    }
    Ok(commits)
}
