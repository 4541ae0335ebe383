//! The start of an edge that nobody feeds: the catalog out of its own file, and nothing else.
//!
//! Where control is, a file that cannot be used is made anew; here there is nothing to make it from, so the start ends
//! with a sentence. The file stays as it is.
//!
//! The file does not say of what time its position is. The file system does, near enough: nobody writes to it after the
//! last change or, where the writer came to an end, after that end.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use waymark_serve::edge_file::{EdgeFile, EdgeFileError};
use waymark_serve::huge_pages;
use waymark_zone::catalog::Catalog;

use super::Progress;

/// Why an edge cannot start from its own file. Each is one sentence, with what to do.
#[derive(Debug, thiserror::Error)]
pub enum AloneError {
    /// There is none.
    #[error("there is no edge's file {}: {}", path.display(), REMEDY)]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// It has no state.
    #[error("the edge's file {} has no zones yet, or was not filled to its end: {}", path.display(), REMEDY)]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Another process has it.
    #[error("another process uses the edge's file {}: stop that one, or give this one a copy", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A later release has written it.
    #[error("{} was written by a later release ({why}): start that release, or put back an older file", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: EdgeFileError,
    },
    /// The system refuses to read it.
    #[error("cannot read the edge's file {}: {why}: make it a file that this user may read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// It cannot be used.
    #[error("cannot answer from {} ({why}): {}", path.display(), REMEDY)]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: EdgeFileError,
    },
}

/// What helps whoever has no file that can be used.
const REMEDY: &str = "copy edge.redb from the data directory of a server with both roles that has ended, or start with \
                      the role control as well";

/// A catalog that nothing follows.
pub struct Alone {
    /// What DNS answers from.
    pub catalog: Arc<Catalog>,
    /// How far it is; nothing changes it any more.
    pub progress: Arc<Progress>,
}

impl Alone {
    /// Fills a new catalog from the file at `path`. `seed` keys its hash.
    pub fn start(path: &Path, seed: u64) -> Result<Self, AloneError> {
        let (mut writer, catalog) = Catalog::with_memory(seed, huge_pages::MEMORY);
        let loaded = EdgeFile::load_once(path, &mut writer).map_err(|why| AloneError::of(path, why))?;
        let loaded = loaded.ok_or_else(|| AloneError::Empty { path: path.to_owned() })?;
        tracing::info!(position = loaded.position.0, zones = loaded.zones, names = loaded.names, "edge file loaded");
        // Nobody will look for it later.
        while writer.collect() {}
        let progress = Arc::new(Progress::default());
        progress.set_applied(loaded.position);
        progress.set_edge_file(loaded.position);
        Ok(Self { catalog, progress })
    }
}

impl AloneError {
    fn of(path: &Path, why: EdgeFileError) -> Self {
        let path = path.to_owned();
        match why {
            EdgeFileError::Io(why) if why.kind() == io::ErrorKind::NotFound => Self::Missing { path },
            EdgeFileError::Io(why) => Self::Unreadable { path, why },
            EdgeFileError::InUse => Self::InUse { path },
            EdgeFileError::NewerFormat(_) => Self::Newer { path, why },
            why => Self::Unusable { path, why },
        }
    }
}

#[cfg(test)]
mod tests {
    use waymark_zone::published::Position;

    use super::*;
    use crate::scratch::{Scratch, zone};

    #[test]
    fn the_catalog_is_what_the_file_has_and_its_growth_leaves_nothing() {
        let scratch = Scratch::new();
        let node = scratch.start();
        for number in 0..40 {
            zone(&node, &format!("z{number}.example"));
        }
        let (zones, position) = (node.catalog().statistics().zones, node.progress().applied());
        node.stop();
        let path = scratch.config().data.dir.join("edge.redb");
        let Alone { catalog, progress } = Alone::start(&path, 1).unwrap();
        let statistics = catalog.statistics();
        assert_eq!((statistics.zones, statistics.garbage), (zones, 0));
        assert_eq!((progress.applied(), progress.edge_file()), (position, position));
        assert!(position > Position::default());
    }

    #[test]
    fn every_reason_is_a_sentence_that_says_what_to_do() {
        let of = |why: EdgeFileError| AloneError::of(Path::new("d/edge.redb"), why).to_string();
        let not_found = io::Error::from(io::ErrorKind::NotFound);
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        for (sentence, what_to_do) in [
            (of(not_found.into()), "copy edge.redb from"),
            (of(denied.into()), "make it a file that this user may read"),
            (of(EdgeFileError::Damaged("x".to_owned())), "or start with the role control"),
            (of(EdgeFileError::NewerFormat(9)), "start that release"),
            (of(EdgeFileError::InUse), "stop that one"),
            (AloneError::Empty { path: "d/edge.redb".into() }.to_string(), "copy edge.redb from"),
        ] {
            assert!(sentence.contains("d/edge.redb") && sentence.contains(what_to_do), "{sentence}");
            assert!(!sentence.contains('\n') && !sentence.contains("  "), "{sentence}");
        }
    }
}
