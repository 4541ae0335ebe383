//! DNS records: made, listed, changed, deleted.
//!
//! The functions on a [`Tx`] compose: one write may make many records. Each checks its record against the rules
//! (`rules`) and against the records that are at its name by then.
//!
//! ```text
//!  NewRecord | RecordEdit over what is there --rules::draft--> Draft --rules::check_beside--> row
//! ```

mod list;
pub(crate) mod rules;

use std::rc::Rc;

use rusqlite::params;
use serde_json::{Map, Value};
use waymark_wire::{Name, RecordType, records};

use crate::error::{Noun, Quota, Refusal};
use crate::identity::{Grant, Permission};
use crate::store::{RecordRow, Sql, Tx, ZoneRow, name_at};
use crate::{Action, Control, Listing, Page, PublicId, Time, zones};

/// A record as the API shows one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The id.
    pub id: PublicId,
    /// The owner name; its `Display` is the API's `name`.
    pub name: Name,
    /// The type.
    pub record_type: RecordType,
    /// The content, as the API returns it.
    pub content: String,
    /// The members of `data`, for the types that are described by it.
    pub data: Option<Map<String, Value>>,
    /// The priority at the top level, for the types that have it there.
    pub priority: Option<u16>,
    /// Seconds; 1 is automatic.
    pub ttl: u32,
    /// Whether traffic for it is proxied.
    pub proxied: bool,
    /// Whether the type can be proxied.
    pub proxiable: bool,
    /// The comment.
    pub comment: Option<String>,
    /// The tags, `name:value`.
    pub tags: Vec<String>,
    /// The settings, as given.
    pub settings: Map<String, Value>,
    /// Since when.
    pub created: Time,
    /// When it last changed.
    pub modified: Time,
    /// When its comment last changed, if it has one.
    pub comment_modified: Option<Time>,
    /// When its tags last changed, if it has any.
    pub tags_modified: Option<Time>,
}

/// A record to be made, or to take the place of another (PUT): what is absent has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewRecord {
    /// The owner name: `@`, relative to the zone, or whole.
    pub name: String,
    /// The type's mnemonic.
    pub record_type: String,
    /// The content; an empty one is refused as missing, unless there is `data`.
    pub content: String,
    /// The members of `data`, which come before `content` in the types that are described by them, and mean nothing in
    /// the others.
    pub data: Option<Map<String, Value>>,
    /// The priority at the top level, for the types that have it there.
    pub priority: Option<u16>,
    /// Seconds, or 1; absent: 1.
    pub ttl: Option<u32>,
    /// Absent: no.
    pub proxied: Option<bool>,
    /// Absent, or empty: none.
    pub comment: Option<String>,
    /// The tags, `name:value`.
    pub tags: Vec<String>,
    /// The settings.
    pub settings: Map<String, Value>,
}

/// A change of a record (PATCH): what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordEdit {
    /// The owner name.
    pub name: Option<String>,
    /// The type's mnemonic.
    pub record_type: Option<String>,
    /// The content.
    pub content: Option<String>,
    /// Members of `data`; those that are absent stay as they are, unless the type changes.
    pub data: Option<Map<String, Value>>,
    /// The priority.
    pub priority: Option<u16>,
    /// Seconds, or 1.
    pub ttl: Option<u32>,
    /// Whether traffic is proxied.
    pub proxied: Option<bool>,
    /// The comment; `Some(None)` takes it away.
    pub comment: Option<Option<String>>,
    /// The tags.
    pub tags: Option<Vec<String>>,
    /// The settings.
    pub settings: Option<Map<String, Value>>,
}

/// Conditions on a text, all in any case; what is not set filters nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextFilter {
    /// The whole text.
    pub exact: Option<String>,
    /// A part of it.
    pub contains: Option<String>,
    /// Its beginning.
    pub startswith: Option<String>,
    /// Its end.
    pub endswith: Option<String>,
}

/// Conditions on the tags of a record, in any case; what is not set filters nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagFilter {
    /// The name of a tag that it has.
    pub present: Option<String>,
    /// The name of a tag that it has not.
    pub absent: Option<String>,
    /// `name:value`: it has a tag of this name whose value meets the text behind the colon.
    pub named: TextFilter,
    /// Records that meet any of these conditions instead of all.
    pub match_any: bool,
}

/// What records are listed by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordOrder {
    /// The type's mnemonic, then the name.
    #[default]
    Type,
    /// The owner name, in canonical order.
    Name,
    /// The content.
    Content,
    /// The TTL.
    Ttl,
    /// Whether it is proxied.
    Proxied,
}

/// Which records a listing shows, and in which order. What is not set filters nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordFilter {
    /// The owner name.
    pub name: TextFilter,
    /// The content; a TXT record's is compared with and without its quotation marks.
    pub content: TextFilter,
    /// The type's mnemonic.
    pub record_type: Option<String>,
    /// Whether it is proxied.
    pub proxied: Option<bool>,
    /// The comment; a record without one meets no text.
    pub comment: TextFilter,
    /// Records with a comment.
    pub comment_present: bool,
    /// Records without one.
    pub comment_absent: bool,
    /// The tags: one filter among the others.
    pub tags: TagFilter,
    /// A text that name, content, comment or a tag contains, whatever the other filters are.
    pub search: Option<String>,
    /// Records that meet any of the filters instead of all.
    pub match_any: bool,
    /// The order.
    pub order: RecordOrder,
    /// From the last to the first.
    pub descending: bool,
}

impl Control {
    /// Makes a record.
    pub async fn record_create(&self, grant: &Grant, zone: PublicId, new: NewRecord) -> Result<Record, Refusal> {
        let grant = grant.clone();
        self.write(grant.actor(), Action::RecordCreate, move |tx| {
            let zone = zones::open(tx, &grant, zone, Permission::DnsEdit)?;
            create(tx, &zone, new)
        })
        .await
    }

    /// The records of a zone.
    pub async fn record_list(
        &self,
        grant: &Grant,
        zone: PublicId,
        filter: RecordFilter,
        page: Page,
    ) -> Result<Listing<Record>, Refusal> {
        let grant = grant.clone();
        self.store
            .read(move |sql| {
                let zone = zones::find(sql, &grant, zone, &[Permission::DnsRead])?;
                list::list(sql, &zone, &filter, page)
            })
            .await
    }

    /// One record.
    pub async fn record_get(&self, grant: &Grant, zone: PublicId, id: PublicId) -> Result<Record, Refusal> {
        let grant = grant.clone();
        self.store
            .read(move |sql| {
                let zone = zones::find(sql, &grant, zone, &[Permission::DnsRead])?;
                let name = name_of(sql, &zone, id)?;
                let records = RecordRow::at_name(sql, zone.number, &name)?;
                let found = records.iter().find(|record| record.id == id).ok_or(Refusal::NotFound(Noun::Record))?;
                Ok(show(found))
            })
            .await
    }

    /// Puts a record in the place of another, whose id it keeps (PUT).
    pub async fn record_update(
        &self,
        grant: &Grant,
        zone: PublicId,
        id: PublicId,
        new: NewRecord,
    ) -> Result<Record, Refusal> {
        let grant = grant.clone();
        self.write(grant.actor(), Action::RecordUpdate, move |tx| {
            let zone = zones::open(tx, &grant, zone, Permission::DnsEdit)?;
            update(tx, &zone, id, new)
        })
        .await
    }

    /// Changes what is given of a record (PATCH).
    pub async fn record_edit(
        &self,
        grant: &Grant,
        zone: PublicId,
        id: PublicId,
        change: RecordEdit,
    ) -> Result<Record, Refusal> {
        let grant = grant.clone();
        self.write(grant.actor(), Action::RecordEdit, move |tx| {
            let zone = zones::open(tx, &grant, zone, Permission::DnsEdit)?;
            edit(tx, &zone, id, change)
        })
        .await
    }

    /// Deletes a record.
    pub async fn record_delete(&self, grant: &Grant, zone: PublicId, id: PublicId) -> Result<PublicId, Refusal> {
        let grant = grant.clone();
        self.write(grant.actor(), Action::RecordDelete, move |tx| {
            let zone = zones::open(tx, &grant, zone, Permission::DnsEdit)?;
            delete(tx, &zone, id).map(|record| record.id)
        })
        .await
    }
}

/// Makes a record.
pub fn create(tx: &mut Tx<'_>, zone: &ZoneRow, new: NewRecord) -> Result<Record, Refusal> {
    let limit = tx.shared.limits.records_per_zone;
    if limit > 0 && tx.record_count(zone) >= limit {
        return Err(Quota::Records { limit }.into());
    }
    create_without_quota(tx, zone, new)
}

/// Makes a record of the platform's own, which no quota bounds.
pub(crate) fn create_without_quota(tx: &mut Tx<'_>, zone: &ZoneRow, new: NewRecord) -> Result<Record, Refusal> {
    let draft = rules::draft(zone, new)?;
    let row = row_of(draft, PublicId::new(tx.random()), tx.now(), None);
    check_at_its_name(tx, zone, &row)?;
    let row = tx.insert_record(zone, row)?;
    tx.audit_object(Some(zone.account.0), row.id);
    Ok(show(&row))
}

/// Puts a record in the place of another (PUT): what is absent has its default.
pub fn update(tx: &mut Tx<'_>, zone: &ZoneRow, id: PublicId, new: NewRecord) -> Result<Record, Refusal> {
    let old = find(tx, zone, id)?;
    replace(tx, zone, &old, new)
}

/// Changes a record (PATCH): what is absent stays.
pub fn edit(tx: &mut Tx<'_>, zone: &ZoneRow, id: PublicId, change: RecordEdit) -> Result<Record, Refusal> {
    let old = find(tx, zone, id)?;
    let record_type = change.record_type.unwrap_or_else(|| old.record_type.to_string());
    // A record that becomes one of a type without a proxy is no longer proxied, unless the caller says it is.
    let stays_proxied = old.proxied && is_proxiable(&record_type);
    let new = NewRecord {
        name: change.name.unwrap_or_else(|| old.name.to_string()),
        data: change.data.map(|data| data_over(&old, &record_type, data, change.priority)),
        content: change.content.unwrap_or_else(|| old.content.clone()),
        priority: change.priority.or(old.priority),
        ttl: Some(change.ttl.unwrap_or(old.ttl)),
        proxied: Some(change.proxied.unwrap_or(stays_proxied)),
        comment: change.comment.unwrap_or_else(|| old.comment.clone()),
        tags: change.tags.unwrap_or_else(|| old.tags.clone()),
        settings: change.settings.unwrap_or_else(|| old.settings.clone()),
        record_type,
    };
    replace(tx, zone, &old, new)
}

/// The `data` of a record in which some members, and perhaps the priority at the top level, are changed.
fn data_over(
    old: &RecordRow,
    record_type: &str,
    change: Map<String, Value>,
    priority: Option<u16>,
) -> Map<String, Value> {
    let same_type = RecordType::from_mnemonic(record_type) == Some(old.record_type);
    let before = same_type.then(|| old.rdata.data(&old.content)).flatten();
    let Some(mut data) = before else { return change };
    if let Some(priority) = priority
        && data.contains_key("priority")
    {
        data.insert("priority".to_owned(), priority.into());
    }
    data.extend(change.into_iter().filter(|(_, value)| !value.is_null()));
    data
}

/// Deletes a record; gives what it was.
pub fn delete(tx: &mut Tx<'_>, zone: &ZoneRow, id: PublicId) -> Result<Record, Refusal> {
    let old = find(tx, zone, id)?;
    tx.delete_record(zone, &old)?;
    tx.audit_object(Some(zone.account.0), id);
    Ok(show(&old))
}

fn replace(tx: &mut Tx<'_>, zone: &ZoneRow, old: &RecordRow, new: NewRecord) -> Result<Record, Refusal> {
    let draft = rules::draft(zone, new)?;
    let row = row_of(draft, old.id, tx.now(), Some(old));
    if row.says_the_same(old) {
        return Ok(show(old));
    }
    check_at_its_name(tx, zone, &row)?;
    let row = tx.update_record(zone, old, row)?;
    tx.audit_object(Some(zone.account.0), row.id);
    Ok(show(&row))
}

/// Checks a record against those at the name that it comes to or stays at.
fn check_at_its_name(tx: &mut Tx<'_>, zone: &ZoneRow, row: &RecordRow) -> Result<(), Refusal> {
    let octets_max = tx.shared.limits.rrset_octets_max();
    let there = tx.touch_name(zone, &row.name)?;
    rules::check_beside(&zone.apex, octets_max, row, there)
}

/// The row of a draft; `old` is the row in whose place it comes.
fn row_of(draft: rules::Draft, id: PublicId, now: Time, old: Option<&RecordRow>) -> RecordRow {
    let modified = |empty: bool, same: bool, before: Option<Time>| match (empty, same) {
        (true, _) => None,
        (false, true) => before,
        (false, false) => Some(now),
    };
    let same_comment = old.is_some_and(|old| old.comment == draft.comment);
    let same_tags = old.is_some_and(|old| old.tags == draft.tags);
    RecordRow {
        id,
        created: old.map_or(now, |old| old.created),
        modified: now,
        comment_modified: modified(draft.comment.is_none(), same_comment, old.and_then(|old| old.comment_modified)),
        tags_modified: modified(draft.tags.is_empty(), same_tags, old.and_then(|old| old.tags_modified)),
        name: draft.name,
        record_type: draft.rdata.record_type(),
        content: draft.content,
        priority: draft.priority,
        rdata: draft.rdata,
        ttl: draft.ttl,
        proxied: draft.proxied,
        comment: draft.comment,
        tags: draft.tags,
        settings: draft.settings,
    }
}

fn find(tx: &mut Tx<'_>, zone: &ZoneRow, id: PublicId) -> Result<Rc<RecordRow>, Refusal> {
    let name = name_of(tx.sql(), zone, id)?;
    let found = tx.touch_name(zone, &name)?.iter().find(|record| record.id == id).cloned();
    found.ok_or(Refusal::NotFound(Noun::Record))
}

fn name_of(sql: Sql<'_>, zone: &ZoneRow, id: PublicId) -> Result<Name, Refusal> {
    let text = "SELECT name FROM records WHERE zone_id = ?1 AND public_id = ?2";
    let name = sql.one(text, params![zone.number.0, id], |row| name_at(row, 0))?;
    name.ok_or(Refusal::NotFound(Noun::Record))
}

fn is_proxiable(mnemonic: &str) -> bool {
    records::row_by_mnemonic(mnemonic).and_then(|row| row.api.as_ref()).is_some_and(|api| api.proxiable)
}

fn show(row: &RecordRow) -> Record {
    Record {
        id: row.id,
        name: row.name.clone(),
        record_type: row.record_type,
        content: row.content.clone(),
        data: row.rdata.data(&row.content),
        priority: row.priority,
        ttl: row.ttl,
        proxied: row.proxied,
        proxiable: records::row(row.record_type).and_then(|row| row.api.as_ref()).is_some_and(|api| api.proxiable),
        comment: row.comment.clone(),
        tags: row.tags.clone(),
        settings: row.settings.clone(),
        created: row.created,
        modified: row.modified,
        comment_modified: row.comment_modified,
        tags_modified: row.tags_modified,
    }
}

#[cfg(test)]
mod tests;
