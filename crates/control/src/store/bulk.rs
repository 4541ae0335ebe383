//! Many records at once, which are known to be new: what the rules and the difference of rows need one by one is made
//! outside of the write, and the write has little left to do but insert.
//!
//! ```text
//!  elsewhere: rows --publish--> RRsets, rows --> intent          (Fresh)
//!  in the write: header, version, serial; INSERT; entry
//! ```
//!
//! What is touched in the ordinary way (`tx`) and what comes through here are different zones of one write.

use waymark_wire::{Name, records};
use waymark_zone::published::{Change, Entry, RRset, Version, ZoneNumber};

use super::finish::{FreshIntent, RowRest, ZoneChange};
use super::{FullZone, RecordRow, Tx, ZoneRow};
use crate::error::Refusal;
use crate::{Action, PublicId, Time, publish};

/// A row with the sort key of its name, and the line of the file that says it.
#[derive(Debug)]
pub(crate) struct KeyedRow {
    pub(crate) key: Vec<u8>,
    pub(crate) line: u32,
    pub(crate) row: RecordRow,
}

impl std::borrow::Borrow<RecordRow> for KeyedRow {
    fn borrow(&self) -> &RecordRow {
        &self.row
    }
}

/// Rows that are new, at names where nothing else is, with what is told of them.
pub(crate) struct Fresh {
    rows: Vec<KeyedRow>,
    added: Vec<RRset>,
    intent: FreshIntent,
}

impl Fresh {
    /// Makes ready to be written: rows of whole names, sorted by name, all made at `at`.
    pub(crate) fn new(apex: &Name, rows: Vec<KeyedRow>, at: Time) -> Result<Self, Refusal> {
        let mut added = Vec::with_capacity(rows.len());
        for name in rows.chunk_by(|one, other| one.key == other.key) {
            added.extend(publish::name(apex, &name[0].row.name, name.iter().map(|row| &row.row)));
        }
        let intent = FreshIntent::new(rows.iter().map(|row| &row.row), at)?;
        Ok(Self { rows, added, intent })
    }

    /// The rows alone.
    pub(crate) fn into_rows(self) -> Vec<KeyedRow> {
        self.rows
    }

    /// How many rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }
}

impl Tx<'_> {
    /// Writes rows into a zone that has nothing at their names, and moves its version and serial.
    pub(crate) fn add_fresh(&mut self, zone: &ZoneRow, fresh: Fresh) -> Result<(), Refusal> {
        let (version, serial) = (Version(zone.version.0 + 1), zone.serial.after_change(self.now.unix_seconds()));
        let rest = RowRest { version_before: zone.version, records_added: fresh.len() as i64 };
        self.insert_rows(zone.number, &fresh.rows)?;
        let zone = ZoneRow { version, serial, ..zone.clone() };
        self.add_entry(&zone, None, Some(rest), fresh)
    }

    /// Tells of a zone that was inserted with its first version, and writes its rows.
    pub(crate) fn add_new_zone(&mut self, full: &FullZone, fresh: Fresh) -> Result<(), Refusal> {
        self.insert_rows(full.row.number, &fresh.rows)?;
        self.add_entry(&full.row, Some(full), None, fresh)
    }

    /// Puts a row of the audit trail in the place of the write's one row.
    pub(crate) fn audit_also(&mut self, action: Action, account: u64, object: PublicId) {
        self.audits.get_or_insert_default().push((action, account, object));
    }

    /// The write is part of something of which the audit trail has told.
    pub(crate) fn audited_already(&mut self) {
        self.audits.get_or_insert_default();
    }

    fn add_entry(
        &mut self,
        zone: &ZoneRow,
        made: Option<&FullZone>,
        rest: Option<RowRest>,
        fresh: Fresh,
    ) -> Result<(), Refusal> {
        let header = made.map(|full| publish::header(full, &self.shared.mailbox));
        let intent = fresh.intent.finish(made.map(FullZone::to_intent))?;
        let change = Change::Delta { header, removed: Vec::new(), added: fresh.added };
        let entry = Entry { zone: zone.number, version: zone.version, serial: zone.serial, change };
        self.fresh.push(ZoneChange::new(entry, intent, rest));
        Ok(())
    }

    fn insert_rows(&mut self, zone: ZoneNumber, rows: &[KeyedRow]) -> Result<(), Refusal> {
        self.changed = true;
        let mut statement = self.sql.0.prepare_cached(RecordRow::INSERT)?;
        for KeyedRow { key, row, .. } in rows {
            row.insert_with(&mut statement, zone, key)?;
        }
        Ok(())
    }
}

/// What the table has for a type.
pub(super) fn type_text(record_type: waymark_wire::RecordType) -> std::borrow::Cow<'static, str> {
    match records::row(record_type) {
        Some(row) => row.mnemonic.into(),
        None => record_type.to_string().into(),
    }
}
