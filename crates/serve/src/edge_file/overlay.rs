//! A file that is read and stays as it is, octet for octet: what the database writes is kept in memory.
//!
//! ```text
//!  read:  file, then what was written over it      write: memory alone
//! ```
//!
//! The database writes also for who only reads: it mends a file whose last writer was killed, and says in it that its
//! own end was in order. Its way of opening a file to read refuses the first, and that is just when an edge needs its
//! file most. What it writes here is a few pages; who appends uses the file itself.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::{DatabaseError, StorageBackend, StorageError};

/// What is kept in memory comes in pieces of this size: the database's page.
const BLOCK_OCTETS: u64 = 4096;

#[derive(Debug)]
pub(super) struct Overlay {
    file: File,
    over: Mutex<Over>,
}

/// What lies over the file.
#[derive(Debug)]
struct Over {
    length: u64,
    /// So much of the file is still to be seen: the least length there has been.
    of_file: u64,
    /// Whole blocks, by the number of the block.
    blocks: BTreeMap<u64, Box<[u8]>>,
}

impl Overlay {
    /// Opens a file that must be there. As long as the value lives, nobody else can open it to write.
    pub(super) fn open(path: &Path) -> Result<Self, DatabaseError> {
        let failed = |error: io::Error| DatabaseError::Storage(StorageError::Io(error));
        let file = File::open(path).map_err(failed)?;
        match file.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DatabaseError::DatabaseAlreadyOpen),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let length = file.metadata().map_err(failed)?.len();
        Ok(Self { file, over: Mutex::new(Over { length, of_file: length, blocks: BTreeMap::new() }) })
    }

    fn over(&self) -> MutexGuard<'_, Over> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the file has from `offset` on, and zeros behind its end.
    fn read_file(&self, over: &Over, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let there = over.of_file.saturating_sub(offset).min(out.len() as u64);
        let (there, behind) = out.split_at_mut(there as usize);
        self.file.read_exact_at(there, offset)?;
        behind.fill(0);
        Ok(())
    }
}

/// The parts of `offset .. offset + length`, one per block that they lie in: the block, where in it, how much.
fn parts(offset: u64, length: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    let end = offset + length as u64;
    let mut at = offset;
    std::iter::from_fn(move || {
        let (block, within) = (at / BLOCK_OCTETS, at % BLOCK_OCTETS);
        let octets = (end - at).min(BLOCK_OCTETS - within);
        at += octets;
        (octets > 0).then_some((block, within as usize, octets as usize))
    })
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.over().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let over = self.over();
        if offset.saturating_add(out.len() as u64) > over.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read_file(&over, offset, out)?;
        if over.blocks.is_empty() {
            return Ok(());
        }
        let mut done = 0;
        for (block, within, octets) in parts(offset, out.len()) {
            if let Some(written) = over.blocks.get(&block) {
                out[done..done + octets].copy_from_slice(&written[within..within + octets]);
            }
            done += octets;
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut over = self.over();
        over.of_file = over.of_file.min(length);
        over.length = length;
        over.blocks.retain(|block, _| block * BLOCK_OCTETS < length);
        if let Some(last) = over.blocks.get_mut(&(length / BLOCK_OCTETS)) {
            last[(length % BLOCK_OCTETS) as usize..].fill(0);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut over = self.over();
        over.length = over.length.max(offset.saturating_add(data.len() as u64));
        let mut done = 0;
        for (block, within, octets) in parts(offset, data.len()) {
            if !over.blocks.contains_key(&block) {
                let mut whole = vec![0; BLOCK_OCTETS as usize];
                self.read_file(&over, block * BLOCK_OCTETS, &mut whole)?;
                over.blocks.insert(block, whole.into_boxed_slice());
            }
            if let Some(written) = over.blocks.get_mut(&block) {
                written[within..within + octets].copy_from_slice(&data[done..done + octets]);
            }
            done += octets;
        }
        Ok(())
    }
}
