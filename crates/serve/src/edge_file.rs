//! The edge's file: what an edge serves, on disk, so that it starts and answers without asking anybody.
//!
//! ```text
//!  snapshot --EdgeFile::replace_all--> file      a first fill, in transactions of bounded size
//!  commits  --EdgeFile::append-------> file      position and data in one transaction
//!  file     --EdgeFile::load---------> catalog   cold start
//!  file     --EdgeFile::load_once----> catalog   the same, of an edge that has nothing to add to its file
//!  file     --EdgeFile::read---------> Snapshot  transfers, exports, dumps
//! ```
//!
//! The file is a [`redb`] database. Everything that a transaction writes becomes true at once and is on disk when the
//! call returns; readers see the state of one position, whatever is written meanwhile. The file may be behind the
//! catalog: the journal replays what is missing. It holds nothing that a snapshot does not give back, so that a damaged
//! file costs time and not data: see [`EdgeFileError::remedy`].
//!
//! Changes whose effect is already there are passed over, by position and, within a position, by the zone's version: an
//! image that was fetched for a [`Change::Replace`](waymark_zone::published::Change) may be newer than the commit that
//! asked for it.
//!
//! Not here: when to append (the program collects commits and appends them in batches), and where images come from.

mod append;
mod error;
mod fill;
mod handle;
mod overlay;
mod snapshot;
mod tables;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use waymark_zone::catalog::Writer;
use waymark_zone::published::{Commit, Incarnation, Position, ZoneImage, ZoneNumber};

pub use error::{EdgeFileError, Remedy};
pub use fill::Fill;
pub use snapshot::{Names, Snapshot, StoredZone};
pub use tables::FORMAT;

use handle::Handle;

/// Gives the image of a zone, of the version of the commit that asks for it or of a later one. None: there is none any
/// more.
pub type Images<'a> = dyn FnMut(ZoneNumber) -> Option<ZoneImage> + 'a;

/// What [`EdgeFile::load`] has put into the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The journal's life.
    pub incarnation: Incarnation,
    /// The place in it.
    pub position: Position,
    /// Zones.
    pub zones: u64,
    /// Owner names in all zones.
    pub names: u64,
}

/// The file. Shared by reference between the thread that appends and those that read; one process at a time has it.
pub struct EdgeFile {
    handle: Handle,
}

impl EdgeFile {
    /// Opens the file at `path`, or makes an empty one.
    ///
    /// Errors: in use by another process, unwritable, damaged, or of a format that this release does not know.
    pub fn open(path: &Path) -> Result<Self, EdgeFileError> {
        Ok(Self { handle: Handle::open(handle::file(path))? })
    }

    /// For a file that cannot be used ([`Remedy::Rebuild`]): moves it aside, to the same name with `.damaged` at its
    /// end, and makes an empty one. A file that was moved aside before is overwritten.
    pub fn rebuild(path: &Path) -> Result<Self, EdgeFileError> {
        let mut aside = PathBuf::from(path).into_os_string();
        aside.push(".damaged");
        std::fs::rename(path, aside)?;
        Self::open(path)
    }

    /// Whose journal the file follows and how far it has come. None: it is empty, or its last fill did not come to an
    /// end; only [`Self::replace_all`] helps.
    pub fn state(&self) -> Option<(Incarnation, Position)> {
        self.handle.state()
    }

    /// Puts everything into the catalog, in one generation. None, and the catalog untouched, if there is no state.
    ///
    /// After an error `writer` may hold zones that were staged and not published; take a new catalog.
    pub fn load(&self, writer: &mut Writer) -> Result<Option<Loaded>, EdgeFileError> {
        error::guarded(|| match self.read()? {
            Some(snapshot) => snapshot.load(writer).map(Some),
            None => Ok(None),
        })
    }

    /// [`Self::load`] from the file at `path`, which must be there, and which is closed afterwards and stays as it is,
    /// octet for octet. It takes little memory beside the catalog's.
    pub fn load_once(path: &Path, writer: &mut Writer) -> Result<Option<Loaded>, EdgeFileError> {
        Self { handle: Handle::open(handle::file_once(path))? }.load(writer)
    }

    /// Adds commits, in one transaction, and gives the position reached. Commits up to the file's own position are
    /// passed over. Returns when all of it is on disk. After an error nothing of it is in the file, or, if the disk
    /// failed at the very last, all of it: append it again, and what is there is passed over.
    ///
    /// Errors: [`EdgeFileError::Gap`] if a commit is not the next, [`EdgeFileError::Incarnation`] if it belongs to
    /// another journal, [`EdgeFileError::NoState`], [`EdgeFileError::NoImage`], and what the disk may say.
    pub fn append(&self, commits: &[Arc<Commit>], images: &mut Images<'_>) -> Result<Position, EdgeFileError> {
        append::append(&self.handle, commits, images)
    }

    /// Begins to replace everything by a snapshot of this position. Until [`Fill::finish`] returns, [`Self::state`] is
    /// none, also after a crash.
    pub fn replace_all(&self, incarnation: Incarnation, position: Position) -> Result<Fill<'_>, EdgeFileError> {
        Fill::begin(&self.handle, incarnation, position)
    }

    /// The file's contents at its present position, unchanged while the snapshot lives. None if there is no state.
    ///
    /// What the snapshot sees keeps its space in the file: let go of it when done. It ends with an error when the file
    /// is closed, or is opened again after a failed write; take a new one then.
    pub fn read(&self) -> Result<Option<Snapshot>, EdgeFileError> {
        Snapshot::of(&self.handle)
    }
}

#[cfg(test)]
mod tests;
