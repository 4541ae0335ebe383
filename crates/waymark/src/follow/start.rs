//! The one start path: the edge's file, if it belongs to this journal and the journal reaches back to it; else a
//! snapshot, into the file; then the catalog out of the file.
//!
//! The file is not what answers depend on. One that is damaged is moved aside and made anew; one that cannot be used
//! at all is done without, and the catalog is filled from the snapshot itself.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use waymark_control::journal::{Journal, JournalError};
use waymark_serve::edge_file::{EdgeFile, EdgeFileError, Remedy};
use waymark_serve::huge_pages;
use waymark_zone::catalog::{Catalog, Writer};
use waymark_zone::published::Position;

use super::images::{self, FillError};
use super::{FollowError, Options, Progress};

/// A catalog that is filled, if not yet up to date.
pub(super) struct Started {
    pub(super) catalog: Arc<Catalog>,
    pub(super) writer: Writer,
    /// None: it cannot be used now.
    pub(super) edge_file: Option<EdgeFile>,
}

pub(super) fn start(journal: &Journal, options: &Options, progress: &Progress) -> Result<Started, JournalError> {
    let mut edge_file = open(&options.edge_file, progress);
    for attempt in 1.. {
        let Some(file) = &edge_file else { break };
        match from_file(journal, file, options.seed, progress) {
            Ok((writer, catalog)) => return Ok(Started { catalog, writer, edge_file }),
            Err(FillError::Journal(error)) => return Err(error),
            Err(FillError::File(error)) => {
                report(progress, &error);
                if error.remedy() != Remedy::Rebuild || attempt > 1 {
                    break;
                }
                // Closed first: one handle at a time has the file.
                drop(edge_file.take());
                edge_file = rebuild(&options.edge_file, progress);
            }
        }
    }
    // A writer that has failed to load may hold pieces of zones: this one is new.
    let (mut writer, catalog) = Catalog::with_memory(options.seed, huge_pages::MEMORY);
    images::load(journal, &mut writer)?;
    Ok(Started { catalog, writer, edge_file })
}

/// Loads the file, filled from a snapshot first if the journal cannot bring it up to date.
fn from_file(
    journal: &Journal,
    file: &EdgeFile,
    seed: u64,
    progress: &Progress,
) -> Result<(Writer, Arc<Catalog>), FillError> {
    if !reaches_back(journal, file)? {
        let position = images::fill(journal, file)?;
        progress.edge_file_fills.fetch_add(1, Ordering::Relaxed);
        tracing::info!(position = position.0, "the edge file was filled from a snapshot");
    }
    let (mut writer, catalog) = Catalog::with_memory(seed, huge_pages::MEMORY);
    let loaded = file.load(&mut writer)?.ok_or(EdgeFileError::NoState)?;
    tracing::info!(position = loaded.position.0, zones = loaded.zones, names = loaded.names, "edge file loaded");
    progress.set_edge_file(loaded.position);
    progress.set_edge_file_problem(None);
    Ok((writer, catalog))
}

/// Compares the store with what this machine has answered with: the edge file is written after the store, so it is never
/// ahead of a store that is whole.
pub(super) fn check_store(journal: &Journal, edge_file: &Path) -> Result<(), FollowError> {
    // A file that cannot be read proves nothing; the start deals with it.
    let Some((incarnation, position)) = EdgeFile::open(edge_file).ok().and_then(|file| file.state()) else {
        return Ok(());
    };
    let (edge_file, store) = (edge_file.to_owned(), journal.position());
    if incarnation == journal.incarnation() && position > store {
        return Err(FollowError::StoreCut { edge_file, shown: position.0, store: store.0 });
    }
    if incarnation != journal.incarnation() && store == Position::default() {
        return Err(FollowError::StoreLost { edge_file });
    }
    Ok(())
}

fn reaches_back(journal: &Journal, file: &EdgeFile) -> Result<bool, JournalError> {
    let Some((incarnation, position)) = file.state() else { return Ok(false) };
    if incarnation != journal.incarnation() || position > journal.position() {
        return Ok(false);
    }
    match journal.read_from(position, 1) {
        Ok(_) => Ok(true),
        Err(JournalError::TooOld { .. } | JournalError::Unknown) => Ok(false),
        Err(error) => Err(error),
    }
}

fn open(path: &Path, progress: &Progress) -> Option<EdgeFile> {
    match EdgeFile::open(path) {
        Ok(file) => Some(file),
        Err(error) => {
            report(progress, &error);
            (error.remedy() == Remedy::Rebuild).then(|| rebuild(path, progress)).flatten()
        }
    }
}

pub(super) fn rebuild(path: &Path, progress: &Progress) -> Option<EdgeFile> {
    tracing::warn!(file = %path.display(), "the edge file is moved aside and made anew");
    EdgeFile::rebuild(path).inspect_err(|error| report(progress, error)).ok()
}

pub(super) fn report(progress: &Progress, error: &EdgeFileError) {
    progress.edge_file_errors.fetch_add(1, Ordering::Relaxed);
    tracing::warn!(%error, "the edge file cannot be used as it is; DNS does not depend on it");
    progress.set_edge_file_problem(Some(error.to_string()));
}
