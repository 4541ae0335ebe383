//! Replacing everything by a snapshot, without ever holding all of it in memory.
//!
//! ```text
//!  begin: the state goes, the tables are emptied -> zone, rrsets, rrsets, zone, ... -> scopes -> finish: the state
//! ```
//!
//! Each piece of bounded size is a transaction of its own; only the last one writes the state. A crash, or a fill that
//! is dropped, leaves a file without state, which is filled from the beginning next time.

use std::sync::MutexGuard;

use redb::WriteTransaction;
use waymark_wire::Serial;
use waymark_zone::published::{Incarnation, Position, RRset, ScopeChange, Version, ZoneHeader, ZoneNumber};

use super::EdgeFileError;
use super::append::write_scopes;
use super::handle::{Handle, write_state};
use super::tables::{NAMES, SCOPES, ZONES, encode_zone, name_key};

/// How much is gathered before it is written: what a fill costs in memory, a few times over.
const PIECE_OCTETS: usize = 8 << 20;

/// A fill under way. Zones in any order, each followed by its RRsets; all RRsets of one owner name in one call.
///
/// It holds the file's only right to write and stays on one thread: fill from a blocking task.
pub struct Fill<'f> {
    handle: &'f Handle,
    state: (Incarnation, Position),
    gathered: Rows,
    piece_octets: usize,
    zone: Option<ZoneNumber>,
    _writer: MutexGuard<'f, ()>,
}

/// Rows that wait to be written.
#[derive(Default)]
struct Rows {
    zones: Vec<(u64, Vec<u8>)>,
    names: Vec<(Vec<u8>, Vec<u8>)>,
    scopes: Vec<ScopeChange>,
    octets: usize,
}

impl<'f> Fill<'f> {
    pub(super) fn begin(
        handle: &'f Handle,
        incarnation: Incarnation,
        position: Position,
    ) -> Result<Self, EdgeFileError> {
        let writer = handle.writer();
        handle.write(|transaction| {
            write_state(transaction, None)?;
            transaction.delete_table(ZONES)?;
            transaction.delete_table(NAMES)?;
            transaction.delete_table(SCOPES)?;
            transaction.open_table(ZONES)?;
            transaction.open_table(NAMES)?;
            transaction.open_table(SCOPES)?;
            Ok(())
        })?;
        handle.set_state(None);
        Ok(Self {
            handle,
            state: (incarnation, position),
            gathered: Rows::default(),
            piece_octets: PIECE_OCTETS,
            zone: None,
            _writer: writer,
        })
    }

    /// Begins a zone.
    pub fn zone(
        &mut self,
        zone: ZoneNumber,
        version: Version,
        serial: Serial,
        header: &ZoneHeader,
    ) -> Result<(), EdgeFileError> {
        self.zone = Some(zone);
        let row = encode_zone(version, serial, header);
        self.gathered.octets += row.len();
        self.gathered.zones.push((zone.0, row));
        self.write_piece()
    }

    /// Adds RRsets of one or more owner names to the zone that was begun last.
    pub fn rrsets(&mut self, zone: ZoneNumber, rrsets: &[RRset]) -> Result<(), EdgeFileError> {
        if self.zone != Some(zone) {
            return Err(EdgeFileError::NotBegun(zone));
        }
        for of_owner in rrsets.chunk_by(|one, next| one.owner == next.owner) {
            let mut of_owner = of_owner.to_vec();
            of_owner.sort_by_key(|rrset| rrset.record_type);
            let (key, row) = (name_key(zone, &of_owner[0].owner), RRset::encode_name(&of_owner));
            self.gathered.octets += key.len() + row.len();
            self.gathered.names.push((key, row));
        }
        self.write_piece()
    }

    /// Adds scopes.
    pub fn scopes(&mut self, scopes: &[ScopeChange]) -> Result<(), EdgeFileError> {
        self.gathered.scopes.extend_from_slice(scopes);
        Ok(())
    }

    /// Writes what is left, and the state. When this returns, the file is whole and on disk.
    pub fn finish(mut self) -> Result<(), EdgeFileError> {
        let rows = std::mem::take(&mut self.gathered);
        self.handle.write(|transaction| {
            rows.write(transaction)?;
            write_state(transaction, Some(self.state))
        })?;
        self.handle.set_state(Some(self.state));
        Ok(())
    }

    fn write_piece(&mut self) -> Result<(), EdgeFileError> {
        if self.gathered.octets < self.piece_octets {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.gathered);
        self.handle.write(|transaction| rows.write(transaction))
    }

    /// Makes pieces small, so that a test has many.
    #[cfg(test)]
    pub(super) fn in_pieces_of(mut self, octets: usize) -> Self {
        self.piece_octets = octets;
        self
    }
}

impl Rows {
    fn write(&self, transaction: &WriteTransaction) -> Result<(), EdgeFileError> {
        let mut zones = transaction.open_table(ZONES)?;
        for (zone, row) in &self.zones {
            zones.insert(*zone, row.as_slice())?;
        }
        let mut names = transaction.open_table(NAMES)?;
        for (key, row) in &self.names {
            names.insert(key.as_slice(), row.as_slice())?;
        }
        write_scopes(transaction, &self.scopes)
    }
}
