//! The rules for one record by itself, and for a record beside others of its name. Pure.

mod neighbours;

use std::borrow::Borrow;

use serde_json::{Map, Value};
use waymark_wire::records::{Api, Content};
use waymark_wire::{Name, Rdata, RecordError, RecordType, records};

pub(crate) use neighbours::Neighbours;

use super::NewRecord;
use crate::error::{Conflict, Invalid, Quota, Refusal};
use crate::plans::Plan;
use crate::store::{RecordRow, ZoneRow};

/// The largest TTL, in seconds (docs: dns/manage-dns-records/reference/ttl).
pub(crate) const TTL_MAX: u32 = 86_400;
/// The TTL that says "automatic".
pub(crate) const TTL_AUTOMATIC: u32 = 1;
/// Characters of one TXT record, and of all TXT records of a name together
/// (docs: dns/manage-dns-records/reference/dns-record-types, "TXT").
pub(crate) const TEXT_CHARACTERS_MAX: usize = 2_048;
const TEXTS_CHARACTERS_MAX: usize = 8_192;
/// Docs: dns/manage-dns-records/reference/record-attributes.
const TAG_NAME_CHARACTERS_MAX: usize = 32;
const TAG_VALUE_CHARACTERS_MAX: usize = 100;
/// How the names of tags begin that stand for settings in zone files, in any case (docs:
/// dns/manage-dns-records/how-to/import-and-export, "Reserved cf- tags").
const RESERVED_TAGS: &str = "cf-";

/// A record that keeps the rules by itself.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) name: Name,
    pub(super) content: String,
    pub(super) priority: Option<u16>,
    pub(super) rdata: Rdata,
    pub(super) ttl: u32,
    pub(super) proxied: bool,
    pub(super) comment: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) settings: Map<String, Value>,
}

/// Checks a record by itself.
pub(super) fn draft(zone: &ZoneRow, new: NewRecord) -> Result<Draft, Refusal> {
    let row = records::row_by_mnemonic(&new.record_type);
    let (record_type, api) = row
        .and_then(|row| Some((row.record_type, row.api.as_ref()?)))
        .ok_or_else(|| Invalid::RecordType(new.record_type.clone()))?;
    let name = owner_name(&zone.apex, &new.name)?;
    let (rdata, content) = rdata(zone, record_type, api, &new)?;
    if record_type == RecordType::TXT && content.content.chars().count() > TEXT_CHARACTERS_MAX {
        return Err(Invalid::TextTooLong { limit: TEXT_CHARACTERS_MAX }.into());
    }
    let ttl = ttl(zone.plan, new.ttl)?;
    let proxied = new.proxied.unwrap_or(false);
    if proxied && !api.proxiable {
        return Err(Invalid::NotProxiable(record_type).into());
    }
    Ok(Draft {
        name,
        content: content.content,
        priority: content.priority,
        rdata,
        // A proxied record always answers "automatic".
        ttl: if proxied { TTL_AUTOMATIC } else { ttl },
        proxied,
        comment: comment(zone.plan, new.comment)?,
        tags: tags(zone.plan, new.tags)?,
        settings: settings(record_type, new.settings),
    })
}

/// Only an alias has an answer to flatten (`dns-api.json`, `dns.CNAMERecord.settings`).
fn settings(record_type: RecordType, mut settings: Map<String, Value>) -> Map<String, Value> {
    if record_type != RecordType::CNAME {
        settings.remove("flatten_cname");
    }
    settings
}

/// The data, from `data` if the type is described by it and it says anything, else from `content`.
fn rdata(zone: &ZoneRow, record_type: RecordType, api: &Api, new: &NewRecord) -> Result<(Rdata, Content), Refusal> {
    let nothing = Map::new();
    let data = new.data.as_ref().filter(|data| api.data && !data.is_empty());
    // Of nothing at all it is said which member is missing.
    let data = data.or((api.data && new.content.trim().is_empty()).then_some(&nothing));
    let read = match data {
        Some(data) => Rdata::from_data(record_type, data, new.priority, &zone.apex),
        None => Rdata::from_api(record_type, &new.content, new.priority, &zone.apex),
    };
    read.map_err(|why| match why {
        RecordError::Missing("priority") => Invalid::PriorityMissing.into(),
        why => Invalid::Content { record_type, why }.into(),
    })
}

/// The owner name that a text stands for: `@` is the apex; a name inside the zone is itself; another without a dot at
/// the end is relative to the zone, even if it looks like a name of somewhere else.
pub(super) fn owner_name(apex: &Name, text: &str) -> Result<Name, Refusal> {
    let refuse = |why: String| Refusal::from(Invalid::RecordName { name: text.to_owned(), why });
    if text == "@" {
        return Ok(apex.clone());
    }
    let written = Name::from_text(text).map_err(|error| refuse(error.to_string()))?;
    let name = match written.is_at_or_below(apex) {
        true => written,
        false if text.ends_with('.') => return Err(refuse(format!("it is not inside {apex}"))),
        false => apex.prepend(text).map_err(|error| refuse(error.to_string()))?,
    };
    check_labels(&name).map_err(|why| refuse(why.to_owned()))?;
    Ok(name)
}

/// A star is a wildcard as the first label and a literal elsewhere (docs:
/// dns/manage-dns-records/reference/wildcard-dns-records).
pub(crate) fn check_labels(name: &Name) -> Result<(), &'static str> {
    match name.labels().any(|label| label != b"*" && !label.iter().all(is_name_octet)) {
        true => Err("a label has letters, digits, hyphens, underscores and slashes only"),
        false => Ok(()),
    }
}

/// Slashes are for reverse zones cut by RFC 2317.
fn is_name_octet(octet: &u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'/')
}

fn ttl(plan: Plan, ttl: Option<u32>) -> Result<u32, Refusal> {
    let minimum = plan.terms().ttl_min;
    match ttl.unwrap_or(TTL_AUTOMATIC) {
        ttl if ttl == TTL_AUTOMATIC || (minimum..=TTL_MAX).contains(&ttl) => Ok(ttl),
        _ => Err(Invalid::Ttl { minimum, maximum: TTL_MAX }.into()),
    }
}

fn comment(plan: Plan, comment: Option<String>) -> Result<Option<String>, Refusal> {
    let Some(comment) = comment.filter(|comment| !comment.is_empty()) else { return Ok(None) };
    let limit = plan.terms().comment_characters_max;
    if has_line_break(&comment) {
        return Err(Invalid::CommentLineBreak.into());
    }
    if comment.chars().count() > limit {
        return Err(Invalid::CommentTooLong { limit }.into());
    }
    Ok(Some(comment))
}

pub(crate) fn tags(plan: Plan, tags: Vec<String>) -> Result<Vec<String>, Refusal> {
    let limit = plan.terms().tags_max;
    if tags.len() > limit {
        return Err(Quota::Tags { count: tags.len(), limit }.into());
    }
    let mut kept: Vec<String> = Vec::with_capacity(tags.len());
    for tag in tags {
        let (name, value) = tag.split_once(':').unwrap_or(("", ""));
        let is_name = |name: &str| name.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet));
        let is_reserved = name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED_TAGS));
        if name.is_empty() || name.len() > TAG_NAME_CHARACTERS_MAX || !is_name(name) || is_reserved {
            return Err(Invalid::TagName { tag, limit: TAG_NAME_CHARACTERS_MAX }.into());
        }
        if value.chars().count() > TAG_VALUE_CHARACTERS_MAX || has_line_break(value) {
            return Err(Invalid::TagValue { tag, limit: TAG_VALUE_CHARACTERS_MAX }.into());
        }
        if !kept.contains(&tag) {
            kept.push(tag);
        }
    }
    Ok(kept)
}

fn has_line_break(text: &str) -> bool {
    text.contains(['\n', '\r'])
}

/// Checks a record against those that are at its name, itself among them if it is being changed.
pub(crate) fn check_beside(
    apex: &Name,
    octets_max: u64,
    new: &RecordRow,
    there: &[impl Borrow<RecordRow>],
) -> Result<(), Refusal> {
    let others = || there.iter().map(Borrow::borrow).filter(|other| other.id != new.id);
    if let Some(same) = others().find(|other| other.rdata == new.rdata) {
        let identical = same.says_the_same(&RecordRow { content: same.content.clone(), ..new.clone() });
        return Err(if identical { Conflict::IdenticalRecord } else { Conflict::RecordExists }.into());
    }
    let neighbours = Neighbours::of(others());
    neighbours.check(apex, new)?;
    neighbours.check_size(octets_max, new)
}

#[cfg(test)]
mod tests;
