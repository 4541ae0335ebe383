//! What can go wrong with the edge's file, by what helps.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::{CommitError, DatabaseError, StorageError, TableError, TransactionError};
use waymark_zone::published::{DecodeError, Incarnation, Position, ZoneNumber};

use super::tables::FORMAT;

/// Why the edge's file did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EdgeFileError {
    /// Its contents make no sense.
    #[error("the edge's file is damaged: {0}")]
    Damaged(String),
    /// A later release has written it.
    #[error("the edge's file has format {0}; this release reads format {FORMAT}")]
    NewerFormat(u32),
    /// Another process has it open.
    #[error("another process uses the edge's file")]
    InUse,
    /// The system refused to read or write it.
    #[error("the edge's file cannot be read or written: {0}")]
    Io(#[from] io::Error),
    /// It is empty or half filled, and commits need something to be added to.
    #[error("the edge's file has no state to add commits to")]
    NoState,
    /// A commit is not the next one.
    #[error("position {} does not follow position {}", found.0, at.0)]
    Gap {
        /// Where the file, or the commit before, is.
        at: Position,
        /// The position of the commit.
        found: Position,
    },
    /// A commit belongs to another journal.
    #[error("a commit belongs to another life of the journal")]
    Incarnation {
        /// The journal that the file follows.
        expected: Incarnation,
        /// The commit's.
        found: Incarnation,
    },
    /// A zone is to be replaced and has no image any more.
    #[error("there is no image of zone {}", .0.0)]
    NoImage(ZoneNumber),
    /// A commit changes a zone that is not there.
    #[error("zone {} is changed and was never made", .0.0)]
    NoZone(ZoneNumber),
    /// A snapshot gives RRsets of a zone without having begun it.
    #[error("zone {} is filled and was not begun", .0.0)]
    NotBegun(ZoneNumber),
}

/// What helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// [`super::EdgeFile::rebuild`], then a snapshot: the file itself cannot be used.
    Rebuild,
    /// [`super::EdgeFile::replace_all`] from a snapshot: the file is whole and does not fit the journal.
    Snapshot,
    /// An operator, or time: the disk, its permissions, another process. The file is as it was.
    Outside,
}

impl EdgeFileError {
    /// What helps. None of these is a reason not to serve: an edge without its file starts from a snapshot.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Damaged(_) | Self::NewerFormat(_) => Remedy::Rebuild,
            Self::NoState | Self::Gap { .. } | Self::Incarnation { .. } => Remedy::Snapshot,
            Self::NoImage(_) | Self::NoZone(_) | Self::NotBegun(_) => Remedy::Snapshot,
            Self::InUse | Self::Io(_) => Remedy::Outside,
        }
    }
}

/// Runs work on the file. A panic inside the database is damage that it did not recognise as such, and costs no more
/// than damage that it did.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, EdgeFileError>) -> Result<T, EdgeFileError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(EdgeFileError::Damaged("the database stopped while it was read".to_owned())))
}

impl From<DecodeError> for EdgeFileError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Format(format) => Self::NewerFormat(u32::from(format)),
            DecodeError::Damaged => Self::Damaged(error.to_string()),
        }
    }
}

impl From<StorageError> for EdgeFileError {
    fn from(error: StorageError) -> Self {
        match error {
            // The database says so of files that are not its own, or that end too early.
            StorageError::Io(error)
                if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
            {
                Self::Damaged(error.to_string())
            }
            StorageError::Io(error) => Self::Io(error),
            StorageError::Corrupted(why) => Self::Damaged(why),
            other => Self::Io(io::Error::other(other.to_string())),
        }
    }
}

impl From<DatabaseError> for EdgeFileError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::DatabaseAlreadyOpen => Self::InUse,
            DatabaseError::Storage(error) => error.into(),
            // A form of the database that this release neither writes nor repairs.
            other => Self::Damaged(other.to_string()),
        }
    }
}

impl From<TableError> for EdgeFileError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Storage(error) => error.into(),
            other => Self::Damaged(other.to_string()),
        }
    }
}

impl From<TransactionError> for EdgeFileError {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::Storage(error) => error.into(),
            other => Self::Io(io::Error::other(other.to_string())),
        }
    }
}

impl From<CommitError> for EdgeFileError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Storage(error) => error.into(),
            other => Self::Io(io::Error::other(other.to_string())),
        }
    }
}
