//! A text kept aside until its reader has taken it: a short one in memory, a longer one in a file without a name, which
//! goes away with its last handle, also when the process is killed. Everything here blocks.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, Write};
use std::path::Path;

use tempfile::{SpooledTempFile, spooled_tempfile_in};
use tokio::sync::OwnedSemaphorePermit;

use crate::error::Unavailable;

/// Octets of a piece; it is longer by what its last line needs.
pub(super) const PIECE_OCTETS: usize = 64 << 10;
/// Octets of a text that is kept in memory.
const MEMORY_OCTETS: usize = 1 << 20;

/// A text that is being written.
pub(super) struct Spool {
    file: SpooledTempFile,
    place: OwnedSemaphorePermit,
}

/// A text that is written, as far as it has not been read.
pub(super) struct Spooled {
    /// Before `place`: fields are dropped in this order, and the place is free when the file is gone.
    text: BufReader<SpooledTempFile>,
    left: u64,
    place: OwnedSemaphorePermit,
}

impl Spool {
    /// An empty text; its file will be in `directory`. Keeps `place` for as long as the text is kept.
    pub(super) fn new(directory: &Path, place: OwnedSemaphorePermit) -> Self {
        Self { file: spooled_tempfile_in(MEMORY_OCTETS, directory), place }
    }

    /// Appends whole lines.
    pub(super) fn push(&mut self, lines: &str) -> Result<(), Unavailable> {
        self.file.write_all(lines.as_bytes()).map_err(fault)
    }

    /// The text, to be read.
    pub(super) fn finish(self) -> Result<Spooled, Unavailable> {
        let Self { mut file, place } = self;
        let left = file.stream_position().map_err(fault)?;
        file.rewind().map_err(fault)?;
        Ok(Spooled { text: BufReader::new(file), left, place })
    }
}

impl Spooled {
    /// The next piece of whole lines, and what is left behind it, if anything is.
    pub(super) fn piece(self) -> Result<(String, Option<Self>), Unavailable> {
        let Self { mut text, left, place } = self;
        let mut piece = Vec::with_capacity(PIECE_OCTETS.min(usize::try_from(left).unwrap_or(PIECE_OCTETS)));
        text.by_ref().take(PIECE_OCTETS as u64).read_to_end(&mut piece).map_err(fault)?;
        if piece.last() != Some(&b'\n') {
            text.read_until(b'\n', &mut piece).map_err(fault)?;
        }
        if piece.is_empty() && left > 0 {
            return Err(fault(ErrorKind::UnexpectedEof.into()));
        }
        let left = left.saturating_sub(piece.len() as u64);
        let piece = String::from_utf8(piece).map_err(|_| Unavailable::Internal)?;
        Ok((piece, (left > 0).then_some(Self { text, left, place })))
    }
}

fn fault(error: io::Error) -> Unavailable {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Unavailable::DiskFull,
        _ => Unavailable::Store(format!("a temporary file: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;
    use crate::testing::Directory;

    fn place() -> OwnedSemaphorePermit {
        Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap()
    }

    #[test]
    fn a_text_comes_back_in_pieces_of_whole_lines_and_its_file_has_no_name() {
        let directory = Directory::new();
        let long = |line: &str, octets: usize| format!("{}\n", line.repeat(octets / line.len()));
        for (text, rolled) in [
            ("one line\n".to_owned(), false),
            (long("ä", 3 * PIECE_OCTETS + 1), false),
            (long("a line of äöü\n", MEMORY_OCTETS / 2), false),
            (format!("{}{}", long("a line of äöü\n", 2 * MEMORY_OCTETS), long("ß", 2 * MEMORY_OCTETS)), true),
        ] {
            let mut spool = Spool::new(directory.path(), place());
            for lines in text.split_inclusive('\n') {
                spool.push(lines).unwrap();
            }
            assert_eq!(spool.file.is_rolled(), rolled);
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
            let (mut rest, mut read) = (Some(spool.finish().unwrap()), String::new());
            while let Some(spooled) = rest {
                let piece;
                (piece, rest) = spooled.piece().unwrap();
                assert!(piece.ends_with('\n') && (rest.is_none() || piece.len() >= PIECE_OCTETS));
                read.push_str(&piece);
            }
            assert!(read == text, "{} octets of {}", read.len(), text.len());
        }
    }

    #[test]
    fn a_disk_that_takes_no_file_is_told_of() {
        let directory = Directory::new();
        let mut spool = Spool::new(&directory.path().join("missing"), place());
        spool.push("short\n").unwrap();
        let refused = spool.push(&"a line\n".repeat(MEMORY_OCTETS / 7 + 1));
        assert!(matches!(refused, Err(Unavailable::Store(_))), "{refused:?}");
        assert_eq!(fault(ErrorKind::StorageFull.into()), Unavailable::DiskFull);
    }
}
