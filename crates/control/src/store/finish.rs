//! The end of a write: what it has touched becomes published changes, versions, serials, an audit row, and journal
//! entries under one position.
//!
//! ```text
//!  touched rows before and now --publish--> RRsets before and now --difference--> removed, added
//!  version + 1 if the rows differ; a new serial if what a transfer carries differs
//! ```

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use rusqlite::params;
use serde::Serialize;
use serde_json::{Map, Value};
use waymark_wire::Name;
use waymark_zone::published::{
    Change, Commit, Entry, INLINE_OCTETS_MAX, Position, RRset, Version, ZoneHeader, ZoneNumber,
};

use super::bulk::type_text;
use super::tx::{HeaderTouch, Touched, TouchedName, Tx};
use super::{FullZone, RecordRow};
use crate::error::{Refusal, Unavailable};
use crate::{Action, PublicId, Time, publish};

/// The form of `intent` written by this release: JSON follows.
pub(crate) const INTENT_FORMAT: u8 = 1;
/// A form for rows that are all new: a third of the length. `journal::intent` makes the first out of it.
pub(crate) const INTENT_FORMAT_FRESH: u8 = 2;

/// What a zone's part of a write comes to.
pub(super) struct ZoneChange {
    pub(super) entry: Entry,
    pub(super) published: Vec<u8>,
    pub(super) intent: Vec<u8>,
    /// What the zone's row is still to be told; none if it was.
    pub(super) rest: Option<RowRest>,
}

/// What the row of a zone does not know yet at the end of a write.
pub(super) struct RowRest {
    pub(super) version_before: Version,
    pub(super) records_added: i64,
}

impl ZoneChange {
    /// Of an entry with all that it publishes: what is too much to be said inline becomes `replace`.
    pub(super) fn new(mut entry: Entry, intent: Vec<u8>, rest: Option<RowRest>) -> Self {
        let mut published = entry.encode();
        if published.len() > INLINE_OCTETS_MAX {
            entry.change = Change::Replace;
            published = entry.encode();
        }
        Self { entry, published, intent, rest }
    }
}

/// How a header changed.
#[derive(Default)]
struct HeaderChange {
    intent: Option<Rows<Value>>,
    published: Option<ZoneHeader>,
    transfer: bool,
}

impl Tx<'_> {
    /// Ends the write. None: it changed nothing that has a place in the journal.
    pub(super) fn finish(mut self) -> Result<Option<Arc<Commit>>, Refusal> {
        let mut changes = std::mem::take(&mut self.fresh);
        for (zone, touched) in std::mem::take(&mut self.touched) {
            changes.extend(self.zone_change(zone, touched)?);
        }
        changes.sort_unstable_by_key(|change| change.entry.zone);
        let scopes: Vec<_> = std::mem::take(&mut self.scopes).into_values().collect();
        let takes_position = !changes.is_empty() || !scopes.is_empty();
        if takes_position || self.changed {
            self.write_audit(takes_position)?;
        }
        if !takes_position {
            return Ok(None);
        }
        let incarnation = self.shared.journal.incarnation();
        let mut commit = Commit { incarnation, position: self.position, entries: Vec::new(), scopes };
        if !commit.scopes.is_empty() {
            self.write_entry(0, 0, 0, None, &commit.encode_body())?;
        }
        for change in changes {
            self.write_zone_change(&change)?;
            commit.entries.push(change.entry);
        }
        self.take_position()?;
        Ok(Some(Arc::new(commit)))
    }

    fn zone_change(&self, zone: ZoneNumber, touched: Touched) -> Result<Option<ZoneChange>, Refusal> {
        let header = self.header_change(zone, &touched)?;
        let (mut removed, mut added): (Vec<RRset>, Vec<RRset>) = Default::default();
        let mut records = Vec::new();
        for TouchedName { name, before, now } in touched.names.values() {
            if same_rows(before, now) {
                continue;
            }
            records_intent(before, now, &mut records);
            let rrsets = |rows: &[Rc<RecordRow>]| publish_name(&touched.row, name, rows);
            let (gone, new) = publish::difference(rrsets(before), rrsets(now));
            removed.extend(gone);
            added.extend(new);
        }
        if header.intent.is_none() && records.is_empty() {
            return Ok(None);
        }
        let moves_serial = header.transfer || !removed.is_empty() || !added.is_empty();
        let serial = match moves_serial {
            true => touched.row.serial.after_change(self.now.unix_seconds()),
            false => touched.row.serial,
        };
        let version = Version(touched.row.version.0 + 1);
        let change = Change::Delta { header: header.published, removed, added };
        let entry = Entry { zone, version, serial, change };
        let intent = Intent { zone: header.intent, records }.encode()?;
        let rest = RowRest { version_before: touched.row.version, records_added: touched.records_added };
        Ok(Some(ZoneChange::new(entry, intent, Some(rest))))
    }

    fn header_change(&self, zone: ZoneNumber, touched: &Touched) -> Result<HeaderChange, Refusal> {
        let before = match &touched.header {
            HeaderTouch::No => return Ok(HeaderChange::default()),
            HeaderTouch::Created => None,
            HeaderTouch::Before(full) => Some(&**full),
        };
        let after = FullZone::by_number(self.sql, zone)?.ok_or(Unavailable::Internal)?;
        if before == Some(&after) {
            return Ok(HeaderChange::default());
        }
        let header = |full| publish::header(full, &self.shared.mailbox);
        let (header_before, header_after) = (before.map(header), header(&after));
        Ok(HeaderChange {
            intent: Some(Rows { before: before.map(FullZone::to_intent), after: Some(after.to_intent()) }),
            transfer: header_before.as_ref().is_none_or(|before| publish::transfer_differs(before, &header_after)),
            published: (header_before.as_ref() != Some(&header_after)).then_some(header_after),
        })
    }

    fn write_zone_change(&self, change: &ZoneChange) -> Result<(), Refusal> {
        let Entry { zone, version, serial, .. } = change.entry;
        if let Some(rest) = &change.rest {
            self.write_zone_row(&change.entry, rest)?;
        }
        self.write_entry(zone.0, version.0, serial.get(), Some(&change.intent), &change.published)
    }

    fn write_zone_row(&self, entry: &Entry, rest: &RowRest) -> Result<(), Refusal> {
        let Entry { zone, version, serial, .. } = entry;
        // The version in the condition catches a row that was read outside of this write.
        let rows = self.sql.execute(
            "UPDATE zones SET version = ?2, serial = ?3, record_count = record_count + ?4, publish_number = ?5 \
             WHERE id = ?1 AND version = ?6",
            params![zone.0, version.0, serial.get(), rest.records_added, publish::NUMBER, rest.version_before.0],
        )?;
        if rows != 1 {
            tracing::error!(zone = zone.0, "a write used a zone's row that was read outside of it");
            return Err(Unavailable::Internal.into());
        }
        Ok(())
    }

    fn write_entry(
        &self,
        zone: u64,
        version: u64,
        serial: u32,
        intent: Option<&[u8]>,
        published: &[u8],
    ) -> Result<(), Refusal> {
        self.sql.execute(
            "INSERT INTO entries (position, zone_id, version, serial, at, actor, intent, published) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![self.position.0, zone, version, serial, self.now, self.actor.to_string(), intent, published],
        )?;
        Ok(())
    }

    fn write_audit(&self, takes_position: bool) -> Result<(), Refusal> {
        let position = takes_position.then_some(self.position.0);
        let row = |action: Action, account: Option<u64>, object: Option<PublicId>| {
            self.sql.execute(
                "INSERT INTO audit (at, actor, action, account_id, object, position) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![self.now, self.actor.to_string(), action.as_str(), account, object, position],
            )
        };
        match &self.audits {
            Some(audits) => audits
                .iter()
                .try_for_each(|(action, account, object)| row(*action, Some(*account), Some(*object)).map(|_| ())),
            None => {
                let (account, object) = self.object.map_or((None, None), |(account, object)| (account, Some(object)));
                row(self.action, account, object).map(|_| ())
            }
        }
    }

    /// The last statement of a write (DESIGN, "The journal"). The entries were written under the position that only
    /// this writer can take; should the store say otherwise, nothing of the write is kept.
    fn take_position(&self) -> Result<(), Refusal> {
        let taken: Option<u64> =
            self.sql.one("UPDATE journal SET position = position + 1 WHERE id = 1 RETURNING position", [], |row| {
                row.get(0)
            })?;
        match taken.map(Position) == Some(self.position) {
            true => Ok(()),
            false => {
                tracing::error!(?taken, expected = self.position.0, "somebody else has moved the journal");
                Err(Unavailable::Internal.into())
            }
        }
    }
}

fn publish_name(zone: &super::ZoneRow, name: &Name, rows: &[Rc<RecordRow>]) -> Vec<RRset> {
    publish::name(&zone.apex, name, rows.iter().map(|row| &**row))
}

fn same_rows(before: &[Rc<RecordRow>], now: &[Rc<RecordRow>]) -> bool {
    before.len() == now.len() && before.iter().zip(now).all(|(before, now)| Rc::ptr_eq(before, now) || before == now)
}

/// What an entry says of its owner's change.
#[derive(Serialize)]
struct Intent<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<Rows<Value>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    records: Vec<Rows<&'r RecordRow>>,
}

/// A row before and after; one of them is null for what is made or deleted.
#[derive(Serialize)]
struct Rows<R> {
    before: Option<R>,
    after: Option<R>,
}

impl Intent<'_> {
    fn encode(&self) -> Result<Vec<u8>, Refusal> {
        let mut octets = vec![INTENT_FORMAT];
        serde_json::to_writer(&mut octets, self).map_err(|_| Unavailable::Internal)?;
        Ok(octets)
    }
}

/// Adds what changed between two states of a name.
fn records_intent<'r>(before: &'r [Rc<RecordRow>], now: &'r [Rc<RecordRow>], changes: &mut Vec<Rows<&'r RecordRow>>) {
    let mut gone: BTreeMap<PublicId, &Rc<RecordRow>> = before.iter().map(|row| (row.id, row)).collect();
    for row in now {
        match gone.remove(&row.id) {
            Some(before) if before == row => {}
            before => changes.push(Rows { before: before.map(|row| &**row), after: Some(&**row) }),
        }
    }
    changes.extend(gone.into_values().map(|row| Rows { before: Some(&**row), after: None }));
}

/// The beginning of an entry's intent for rows that are new, made outside of the write.
pub(super) struct FreshIntent(Vec<u8>);

impl FreshIntent {
    /// Rows that were all made at `at`.
    pub(super) fn new<'r>(rows: impl Iterator<Item = &'r RecordRow>, at: Time) -> Result<Self, Refusal> {
        let mut octets = vec![INTENT_FORMAT_FRESH];
        octets.extend_from_slice(format!("{{\"at\":{},\"added\":[", at.0).as_bytes());
        for (index, row) in rows.enumerate() {
            if index > 0 {
                octets.push(b',');
            }
            fresh_row(row, &mut octets).map_err(|_| Unavailable::Internal)?;
        }
        octets.push(b']');
        Ok(Self(octets))
    }

    /// The whole, with what the zone itself is after the write if the write has made it.
    pub(super) fn finish(self, zone: Option<Value>) -> Result<Vec<u8>, Refusal> {
        let Self(mut octets) = self;
        if let Some(zone) = zone {
            octets.extend_from_slice(b",\"zone\":");
            serde_json::to_writer(&mut octets, &zone).map_err(|_| Unavailable::Internal)?;
        }
        octets.push(b'}');
        Ok(octets)
    }
}

/// `[id, name, type, content, ttl, others]`, the last only if there are any.
fn fresh_row(row: &RecordRow, out: &mut Vec<u8>) -> serde_json::Result<()> {
    #[derive(Serialize)]
    struct Others<'r> {
        #[serde(skip_serializing_if = "Option::is_none")]
        priority: Option<u16>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        proxied: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        comment: Option<&'r str>,
        #[serde(skip_serializing_if = "<[String]>::is_empty")]
        tags: &'r [String],
        #[serde(skip_serializing_if = "Map::is_empty")]
        settings: &'r Map<String, Value>,
    }
    let others = (row.priority.is_some() || row.proxied || row.comment.is_some())
        || !(row.tags.is_empty() && row.settings.is_empty());
    let others = others.then(|| Others {
        priority: row.priority,
        proxied: row.proxied,
        comment: row.comment.as_deref(),
        tags: &row.tags,
        settings: &row.settings,
    });
    let (name, record_type) = (row.name.to_string(), type_text(row.record_type));
    let known = (row.id, name, record_type, &row.content, row.ttl);
    match others {
        None => serde_json::to_writer(out, &known),
        Some(others) => {
            let (id, name, record_type, content, ttl) = known;
            serde_json::to_writer(out, &(id, name, record_type, content, ttl, others))
        }
    }
}
