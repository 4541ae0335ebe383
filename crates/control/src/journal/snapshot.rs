//! Everything that is published, at one position, read in pieces inside one read transaction.
//!
//! Zones are read in runs, headers and all, with a fixed number of queries a run; records follow in the order of
//! zones and owner names, so that a start with 100,000 zones is not a start with 400,000 queries.

use std::collections::VecDeque;
use std::net::IpAddr;

use rusqlite::{Connection, params};
use waymark_wire::{Name, Serial};
use waymark_zone::published::{
    Incarnation, Position, RRset, ScopeChange, ScopeId, Version, ZoneHeader, ZoneImage, ZoneNumber,
};

use super::JournalError;
use crate::error::{Refusal, Unavailable};
use crate::publish;
use crate::store::{
    FullZone, RECORD_COLUMN_COUNT, RECORD_COLUMNS, RecordRow, Sql, Store, ZONE_COLUMNS, ZoneRow, name_at,
};

/// Zones whose headers are read at once.
const ZONES_AT_ONCE: i64 = 512;
/// Records that are read at once, at least.
const RECORDS_AT_ONCE: i64 = 4096;

/// A zone without its RRsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneHead {
    /// The zone.
    pub zone: ZoneNumber,
    /// The version that this is.
    pub version: Version,
    /// The serial of that version.
    pub serial: Serial,
    /// The header.
    pub header: ZoneHeader,
}

/// Everything at one position. Deleted zones are part of it, as they are of what the entries before have told.
///
/// Data: a read transaction, which keeps the WAL from being emptied: read it out and drop it.
pub struct Snapshot {
    connection: Connection,
    mailbox: Name,
    incarnation: Incarnation,
    position: Position,
    scopes: Vec<ScopeChange>,
    /// Zones that are read and not given out yet.
    zones: VecDeque<FullZone>,
    /// The number after which zones are read next.
    zones_after: u64,
    /// The zone whose RRsets are given out.
    present: Option<ZoneRow>,
    records: RecordsAhead,
}

/// Records that are read and not given out yet: whole owner names, in the order of (zone, name).
struct RecordsAhead {
    rows: VecDeque<(ZoneNumber, RecordRow)>,
    /// The last name that is read whole: zone and sort key.
    after: (u64, Vec<u8>),
    ended: bool,
}

impl Snapshot {
    pub(super) fn begin(store: &Store) -> Result<Self, JournalError> {
        let connection = store.reader()?;
        connection.execute_batch("BEGIN").map_err(Refusal::from)?;
        let sql = Sql(&connection);
        // The first query fixes what the transaction sees.
        let position = position(sql)?;
        let scopes = scopes(sql)?;
        Ok(Self {
            mailbox: store.shared.mailbox.clone(),
            incarnation: store.shared.journal.incarnation(),
            position,
            scopes,
            zones: VecDeque::new(),
            zones_after: 0,
            present: None,
            records: RecordsAhead { rows: VecDeque::new(), after: (0, Vec::new()), ended: false },
            connection,
        })
    }

    /// The life of the journal.
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// The position that everything in this snapshot has.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Every scope and its addresses.
    pub fn scopes(&self) -> &[ScopeChange] {
        &self.scopes
    }

    /// The next zone, in the order of their numbers; what has not been read of the one before is left out.
    pub fn next_zone(&mut self) -> Result<Option<ZoneHead>, JournalError> {
        if self.zones.is_empty() {
            self.zones = read_zones(Sql(&self.connection), self.zones_after)?.into();
        }
        let Some(full) = self.zones.pop_front() else { return Ok(None) };
        let zone = full.row.number;
        self.zones_after = zone.0;
        while !self.next_rrsets_of_present(1024)?.is_empty() {}
        let head = head(&full, &self.mailbox);
        self.present = Some(full.row);
        Ok(Some(head))
    }

    /// The next RRsets of the present zone, in canonical order of their owners, every owner whole: at least `max`,
    /// or all that are left. None left: empty.
    pub fn next_rrsets(&mut self, max: usize) -> Result<Vec<RRset>, JournalError> {
        self.next_rrsets_of_present(max.max(1))
    }

    fn next_rrsets_of_present(&mut self, max: usize) -> Result<Vec<RRset>, JournalError> {
        let Some(zone) = &self.present else { return Ok(Vec::new()) };
        let mut rrsets = Vec::new();
        while rrsets.len() < max {
            let records = self.records.next_name(Sql(&self.connection), zone.number)?;
            let Some(first) = records.first() else { break };
            rrsets.extend(publish::name(&zone.apex, &first.name, &records));
        }
        Ok(rrsets)
    }
}

impl RecordsAhead {
    /// The records of the next owner name of `zone`; empty at its end.
    fn next_name(&mut self, sql: Sql<'_>, zone: ZoneNumber) -> Result<Vec<RecordRow>, Refusal> {
        if self.rows.is_empty() && !self.ended {
            self.read_on(sql)?;
        }
        let mut records: Vec<RecordRow> = Vec::new();
        while let Some((of, record)) = self.rows.front() {
            if *of != zone || records.first().is_some_and(|first| first.name != record.name) {
                break;
            }
            records.extend(self.rows.pop_front().map(|(_, record)| record));
        }
        Ok(records)
    }

    /// Reads a run of records that ends with a whole name.
    fn read_on(&mut self, sql: Sql<'_>) -> Result<(), Refusal> {
        let text = format!(
            "SELECT {RECORD_COLUMNS}, zone_id FROM records WHERE (zone_id, name) > (?1, ?2) \
             ORDER BY zone_id, name LIMIT ?3"
        );
        let mut limit = RECORDS_AT_ONCE;
        loop {
            let mut rows = sql.all(&text, (self.after.0, &self.after.1, limit), |row| {
                Ok((ZoneNumber(row.get(RECORD_COLUMN_COUNT)?), RecordRow::read(row)?))
            })?;
            if (rows.len() as i64) < limit {
                self.ended = true;
            } else if let Some((zone, last)) = rows.last().map(|(zone, record)| (*zone, record.name.clone())) {
                // The run may have cut the last name in two.
                let whole = rows.partition_point(|(of, record)| (*of, &record.name) < (zone, &last));
                rows.truncate(whole);
            }
            if let Some((zone, record)) = rows.last() {
                self.after = (zone.0, record.name.sort_key());
            }
            if self.ended || !rows.is_empty() {
                self.rows = rows.into();
                return Ok(());
            }
            // One name alone has more records than a run.
            limit *= 2;
        }
    }
}

/// A zone as it is now, whole.
pub(super) fn zone_image(store: &Store, zone: ZoneNumber) -> Result<(Position, ZoneImage), JournalError> {
    let image = store.read_blocking(|sql| {
        let Some(full) = FullZone::by_number(sql, zone)? else { return Ok(None) };
        let text = format!("SELECT {RECORD_COLUMNS} FROM records WHERE zone_id = ?1 ORDER BY name");
        let records = sql.all(&text, [zone.0], RecordRow::read)?;
        let rrsets = records
            .chunk_by(|one, other| one.name == other.name)
            .flat_map(|records| publish::name(&full.row.apex, &records[0].name, records))
            .collect();
        let ZoneHead { zone, version, serial, header } = head(&full, &store.shared.mailbox);
        Ok(Some((position(sql)?, ZoneImage { zone, version, serial, header, rrsets })))
    })?;
    image.ok_or(JournalError::Unknown)
}

fn head(full: &FullZone, mailbox: &Name) -> ZoneHead {
    ZoneHead {
        zone: full.row.number,
        version: full.row.version,
        serial: full.row.serial,
        header: publish::header(full, mailbox),
    }
}

fn position(sql: Sql<'_>) -> Result<Position, Refusal> {
    let position = sql.one("SELECT position FROM journal WHERE id = 1", [], |row| row.get(0))?;
    Ok(Position(position.ok_or(Unavailable::Internal)?))
}

fn scopes(sql: Sql<'_>) -> Result<Vec<ScopeChange>, Refusal> {
    let rows: Vec<(u32, IpAddr)> =
        sql.all("SELECT scope_id, address FROM addresses ORDER BY scope_id, address", [], |row| {
            Ok((row.get(0)?, crate::nameservers::address_at(row, 1)?))
        })?;
    Ok(rows
        .chunk_by(|one, other| one.0 == other.0)
        .map(|run| ScopeChange {
            scope: ScopeId(run[0].0),
            addresses: run.iter().map(|(_, address)| *address).collect(),
        })
        .collect())
}

/// The zones after number `after`, with what their headers need.
fn read_zones(sql: Sql<'_>, after: u64) -> Result<Vec<FullZone>, Refusal> {
    let text = format!(
        "SELECT {ZONE_COLUMNS} FROM zones z JOIN accounts a ON a.id = z.account_id WHERE z.id > ?1 ORDER BY z.id LIMIT ?2"
    );
    let rows = sql.all(&text, params![after, ZONES_AT_ONCE], ZoneRow::read)?;
    let Some(last) = rows.last().map(|row| row.number.0) else { return Ok(Vec::new()) };
    let mut nameservers: VecDeque<(u64, Name)> = sql
        .all(
            "SELECT zn.zone_id, n.name FROM zone_nameservers zn JOIN nameservers n ON n.id = zn.nameserver_id \
             WHERE zn.zone_id > ?1 AND zn.zone_id <= ?2 ORDER BY zn.zone_id, zn.ordinal",
            [after, last],
            |row| Ok((row.get(0)?, name_at(row, 1)?)),
        )?
        .into();
    let mut claims: VecDeque<(u64, u32)> = sql
        .all(
            "SELECT zone_id, scope_id FROM claims WHERE zone_id > ?1 AND zone_id <= ?2 ORDER BY zone_id, scope_id",
            [after, last],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?
        .into();
    Ok(rows
        .into_iter()
        .map(|row| FullZone {
            nameservers: take_of(&mut nameservers, row.number.0),
            scopes: take_of(&mut claims, row.number.0).into_iter().map(ScopeId).collect(),
            row,
        })
        .collect())
}

fn take_of<T>(rows: &mut VecDeque<(u64, T)>, zone: u64) -> Vec<T> {
    let mut taken = Vec::new();
    while rows.front().is_some_and(|(of, _)| *of == zone) {
        taken.extend(rows.pop_front().map(|(_, row)| row));
    }
    taken
}
