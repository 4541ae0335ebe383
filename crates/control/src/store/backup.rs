//! A copy of the store as it is at one moment, made while others write it.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::open::{FILE, reader};

/// Why no copy is made. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The new directory cannot be made.
    #[error("cannot make the directory {}: {why}: name one that does not exist yet, in a directory that can be written", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// The store cannot be read, or the copy cannot be written.
    #[error("cannot copy the store to {}: {why}", path.display())]
    Failed {
        /// The copy.
        path: PathBuf,
        /// What SQLite or the system said.
        why: String,
    },
}

/// Makes the directory `to` (mode 0700) with a copy of the store in `directory`: all of one moment, compact, and on the
/// disk when this returns. A server may be writing meanwhile. Blocks for as long as reading and writing it takes.
pub fn back_up(directory: &Path, to: &Path) -> Result<(), BackupError> {
    let made = DirBuilder::new().mode(0o700).create(to);
    made.map_err(|why| BackupError::Directory { path: to.to_owned(), why })?;
    let copy = to.join(FILE);
    copy_to(&directory.join(FILE), &copy, to).map_err(|why| {
        let _ = std::fs::remove_file(&copy);
        let _ = std::fs::remove_dir(to);
        BackupError::Failed { path: copy, why }
    })
}

fn copy_to(file: &Path, copy: &Path, directory: &Path) -> Result<(), String> {
    let text = copy.to_str().ok_or("its path is no Unicode")?;
    // Reads in one transaction, so the copy is of one moment (sqlite.org/lang_vacuum, "VACUUM with an INTO clause").
    reader(file).and_then(|store| store.execute("VACUUM INTO ?1", [text])).map_err(|why| why.to_string())?;
    let synced = || -> io::Result<()> {
        std::fs::set_permissions(copy, std::fs::Permissions::from_mode(0o600))?;
        File::open(copy)?.sync_all()?;
        File::open(directory)?.sync_all()
    };
    synced().map_err(|why| why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Node;
    use crate::{Control, Limits, ZoneFilter};

    #[tokio::test]
    async fn a_copy_is_a_store_of_one_moment() {
        let node = Node::start().await;
        node.zone("before.example").await;
        let to = node.directory.path().join("copy");
        back_up(node.directory.path(), &to).unwrap();
        node.zone("after.example").await;
        assert!(
            matches!(back_up(node.directory.path(), &to), Err(BackupError::Directory { .. })),
            "nothing is replaced"
        );
        let (options, _) = crate::testing::options(Limits::default());
        let control = Control::open(&to, options).unwrap();
        let page = crate::Page { page: 1, per_page: 10 };
        let found = control.zone_list(&crate::Grant::operator(), ZoneFilter::default(), page).await.unwrap();
        let names: Vec<String> = found.items.iter().map(|zone| zone.name.to_string()).collect();
        assert!(
            names.contains(&"before.example".to_owned()) && !names.contains(&"after.example".to_owned()),
            "{names:?}"
        );
        control.close().await;
    }

    #[test]
    fn without_a_store_nothing_is_left_behind() {
        let directory = tempfile::tempdir().unwrap();
        let to = directory.path().join("copy");
        assert!(matches!(back_up(directory.path(), &to), Err(BackupError::Failed { .. })));
        assert!(!to.exists());
    }
}
