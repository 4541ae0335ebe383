//! The data directory: made once, owned by one process.
//!
//! [`Directory::open`] makes the directory (mode 0700) and takes an exclusive lock on `DIR/lock`. The lock is the
//! kernel's (`flock`): it goes with the process, however that ends, so there is never a stale one to clear away. A
//! command without a server has it for a moment, which is worth waiting for.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// How long a process waits for another that has the directory.
pub const LOCK_WAIT: Duration = Duration::from_secs(5);
/// How often it looks.
pub const LOCK_POLL: Duration = Duration::from_millis(20);

const LOCK: &str = "lock";
const CONTROL_SOCKET: &str = "control.sock";
const EDGE_FILE: &str = "edge.redb";
const STORE: &str = "waymark.sqlite";

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Another process has it.
    #[error("the data directory {} is in use by another waymark process: stop that one, or choose another directory with --data-dir", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// It cannot be made or written.
    #[error("cannot use the data directory {}: {why}: make it writable for this user, or choose another with --data-dir", path.display())]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
}

/// A data directory that this process owns, as long as the value lives.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Makes the directory if it is not there, and takes it, waiting so long for who has it.
    pub fn open(path: &Path, wait: Duration) -> Result<Self, DirectoryError> {
        let unusable = |why| DirectoryError::Unusable { path: path.to_owned(), why };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unusable)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(path.join(LOCK)).map_err(unusable)?;
        let began = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { path: path.to_owned(), _lock: lock }),
                Err(TryLockError::Error(why)) => return Err(unusable(why)),
                Err(TryLockError::WouldBlock) if began.elapsed() < wait => thread::sleep(LOCK_POLL),
                Err(TryLockError::WouldBlock) => return Err(DirectoryError::InUse { path: path.to_owned() }),
            }
        }
    }

    /// Whether a server has been started with this directory before.
    pub fn holds_an_installation(path: &Path) -> bool {
        path.join(STORE).exists()
    }

    /// Whether there is a file that an edge answers from.
    pub fn holds_an_edge(path: &Path) -> bool {
        Self::edge_file_of(path).exists()
    }

    /// Where the edge of this directory keeps what it answers.
    pub fn edge_file_of(path: &Path) -> PathBuf {
        path.join(EDGE_FILE)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the edge keeps what it answers.
    pub fn edge_file(&self) -> PathBuf {
        Self::edge_file_of(&self.path)
    }

    /// Where the owner of the directory takes commands.
    pub fn control_socket(&self) -> PathBuf {
        control_socket(&self.path)
    }
}

/// Where the owner of this directory takes commands, if there is one.
pub fn control_socket(directory: &Path) -> PathBuf {
    directory.join(CONTROL_SOCKET)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_directory_is_made_for_its_owner_alone() {
        let scratch = Scratch::new();
        let directory = Directory::open(&scratch.path().join("a/b"), Duration::ZERO).unwrap();
        let mode = std::fs::metadata(directory.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_directory_has_one_owner_at_a_time() {
        let scratch = Scratch::new();
        let first = Directory::open(scratch.path(), Duration::ZERO).unwrap();
        let second = Directory::open(scratch.path(), Duration::ZERO).unwrap_err();
        assert!(matches!(&second, DirectoryError::InUse { path } if path == scratch.path()));
        assert!(second.to_string().contains(&*scratch.path().to_string_lossy()));
        drop(first);
        Directory::open(scratch.path(), Duration::ZERO).unwrap();
    }

    #[test]
    fn who_waits_gets_the_directory_when_it_is_let_go() {
        let scratch = Scratch::new();
        let first = Directory::open(scratch.path(), Duration::ZERO).unwrap();
        let path = scratch.path().to_owned();
        let second = thread::spawn(move || Directory::open(&path, Duration::from_secs(600)).map(drop));
        drop(first);
        second.join().unwrap().unwrap();
    }

    #[test]
    fn a_file_in_the_way_is_one_sentence() {
        let scratch = Scratch::new();
        let file = scratch.path().join("file");
        std::fs::write(&file, "").unwrap();
        let refused = Directory::open(&file.join("dir"), Duration::ZERO).unwrap_err();
        assert!(matches!(refused, DirectoryError::Unusable { .. }));
        assert_eq!(refused.to_string().lines().count(), 1);
    }
}
