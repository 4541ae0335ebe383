//! Disks for tests: a directory that goes away, and a disk in memory that remembers what was synced and fills up.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use redb::StorageBackend;
use tempfile::TempDir;

/// A directory of its own, removed when dropped.
pub(super) struct Directory(TempDir);

impl Directory {
    pub(super) fn new() -> Self {
        Self(tempfile::Builder::new().prefix("waymark-edge-file-").tempdir().unwrap())
    }

    pub(super) fn file(&self) -> PathBuf {
        self.0.path().join("edge.redb")
    }
}

/// A disk that can lose what was not synced, and can be full.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    seen: Vec<u8>,
    /// What each sync has made safe, in order; kept only when recording.
    synced: Vec<Vec<u8>>,
    recording: bool,
    /// Sync is obeyed; a disk that lies proves that the cut test can fail.
    honest: bool,
    octets_max: Option<u64>,
    writes_left: Option<u64>,
}

impl Disk {
    /// A disk with this on it.
    pub(super) fn with(octets: &[u8]) -> Self {
        let disk = Self::default();
        disk.0.lock().unwrap().seen = octets.to_vec();
        disk
    }

    /// From now on remembers what each sync makes safe.
    pub(super) fn record(&self, honest: bool) {
        let mut state = self.0.lock().unwrap();
        (state.recording, state.honest) = (true, honest);
        let seen = state.seen.clone();
        state.synced = vec![seen];
    }

    /// What a power cut leaves before and after each sync of the recording.
    pub(super) fn cuts(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().synced.clone()
    }

    pub(super) fn octets(&self) -> Vec<u8> {
        self.0.lock().unwrap().seen.clone()
    }

    /// After this many further writes the disk is full; none: it has room.
    pub(super) fn full_after(&self, writes: Option<u64>) {
        let mut state = self.0.lock().unwrap();
        state.writes_left = writes;
        state.octets_max = writes.map(|_| state.seen.len() as u64);
    }
}

fn full() -> io::Error {
    io::Error::from(io::ErrorKind::StorageFull)
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.lock().unwrap();
        let at = offset as usize;
        let bytes = state.seen.get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if state.octets_max.is_some_and(|most| length > most) {
            return Err(full());
        }
        state.seen.resize(length as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if state.recording {
            let safe = match state.honest {
                true => state.seen.clone(),
                // Every second write of a block has not arrived.
                false => torn(&state.seen, state.synced.last().map_or(&[], Vec::as_slice)),
            };
            state.synced.push(safe);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if let Some(left) = &mut state.writes_left {
            *left = left.checked_sub(1).ok_or_else(full)?;
        }
        let at = offset as usize;
        state.seen[at..at + data.len()].copy_from_slice(data);
        Ok(())
    }
}

fn torn(seen: &[u8], before: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 4096;
    let mut torn = seen.to_vec();
    for (number, block) in torn.chunks_mut(BLOCK).enumerate().skip(1).step_by(2) {
        let old = before.get(number * BLOCK..number * BLOCK + block.len());
        block.copy_from_slice(old.unwrap_or(&vec![0; block.len()]));
    }
    torn
}
