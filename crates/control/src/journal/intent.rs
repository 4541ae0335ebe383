//! The other part of an entry: what the owners of a zone changed, as rows before and after, in JSON behind a format
//! octet. Undo, versions and diff read it; edges never do.

use serde_json::Value;
use waymark_zone::published::{DecodeError, Position, Version, ZoneNumber};

use super::JournalError;
use crate::Time;
use crate::store::{INTENT_FORMAT, Store};

/// What one write changed of one zone.
#[derive(Clone, Debug, PartialEq)]
pub struct IntentEntry {
    /// The write's place in the journal.
    pub position: Position,
    /// The zone's version after it.
    pub version: Version,
    /// When.
    pub at: Time,
    /// Who, as audit writes it.
    pub actor: String,
    /// `zone` and `records`, each with `before` and `after`; none if retention has passed it.
    pub rows: Option<Value>,
}

pub(super) fn read(
    store: &Store,
    zone: ZoneNumber,
    before: Option<u64>,
    max: usize,
) -> Result<Vec<IntentEntry>, JournalError> {
    let before = before.and_then(|version| i64::try_from(version).ok()).unwrap_or(i64::MAX);
    let rows = store.read_blocking(|sql| {
        sql.all(
            "SELECT position, version, at, actor, intent FROM entries WHERE zone_id = ?1 AND version < ?2 \
             ORDER BY version DESC LIMIT ?3",
            (zone.0, before, i64::try_from(max).unwrap_or(i64::MAX)),
            |row| {
                let intent: Option<Vec<u8>> = row.get(4)?;
                Ok((Position(row.get(0)?), Version(row.get(1)?), row.get(2)?, row.get(3)?, intent))
            },
        )
    })?;
    rows.into_iter()
        .map(|(position, version, at, actor, intent)| {
            let rows = intent.as_deref().map(decode).transpose()?;
            Ok(IntentEntry { position, version, at, actor, rows })
        })
        .collect()
}

fn decode(octets: &[u8]) -> Result<Value, DecodeError> {
    match octets.split_first() {
        Some((&INTENT_FORMAT, json)) => serde_json::from_slice(json).map_err(|_| DecodeError::Damaged),
        Some((&format, _)) => Err(DecodeError::Format(format)),
        None => Err(DecodeError::Damaged),
    }
}
