//! The other part of an entry: what the owners of a zone changed, as rows before and after, in JSON behind a format
//! octet. Undo, versions and diff read it; edges never do.
//!
//! Where all rows are new they are kept as lists of their values; what is read is the same.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use waymark_zone::published::{DecodeError, Position, Version, ZoneNumber};

use super::JournalError;
use crate::Time;
use crate::store::{INTENT_FORMAT, INTENT_FORMAT_FRESH, Store};

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
        Some((&INTENT_FORMAT_FRESH, json)) => serde_json::from_slice(json).map(fresh).map_err(|_| DecodeError::Damaged),
        Some((&format, _)) => Err(DecodeError::Format(format)),
        None => Err(DecodeError::Damaged),
    }
}

/// What is kept where all rows are new.
#[derive(Deserialize)]
struct Fresh {
    /// When the rows were made.
    at: i64,
    added: Vec<FreshRow>,
    zone: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum FreshRow {
    Plain(String, String, String, String, u32),
    More(String, String, String, String, u32, Map<String, Value>),
}

/// As rows before and after.
fn fresh(fresh: Fresh) -> Value {
    let at = fresh.at;
    let records: Vec<Value> = fresh
        .added
        .into_iter()
        .map(|row| {
            let (id, name, record_type, content, ttl, more) = match row {
                FreshRow::Plain(id, name, record_type, content, ttl) => {
                    (id, name, record_type, content, ttl, Map::new())
                }
                FreshRow::More(id, name, record_type, content, ttl, more) => {
                    (id, name, record_type, content, ttl, more)
                }
            };
            let mut after = json!({
                "id": id, "name": name, "type": record_type, "content": content, "ttl": ttl, "proxied": false,
                "created": at, "modified": at,
            });
            for (part, since) in [("comment", "comment_modified"), ("tags", "tags_modified")] {
                if more.contains_key(part) {
                    after[since] = at.into();
                }
            }
            if let Some(after) = after.as_object_mut() {
                after.extend(more);
            }
            json!({"before": null, "after": after})
        })
        .collect();
    let mut rows = Map::new();
    if let Some(zone) = fresh.zone {
        rows.insert("zone".to_owned(), json!({"before": null, "after": zone}));
    }
    if !records.is_empty() {
        rows.insert("records".to_owned(), records.into());
    }
    rows.into()
}
