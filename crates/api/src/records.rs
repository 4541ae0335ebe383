//! `/zones/{zone_id}/dns_records`: DNS records listed, made, shown, replaced, changed, deleted.
//!
//! Zone files in and out are in `records/zone_file.rs`. What a body may hold and how it becomes control's types is in `records/request.rs`.

mod request;
pub(crate) mod zone_file;

use serde::Serialize;
use serde_json::{Map, Value};
use waymark_control::{PublicId, Record, RecordFilter, RecordOrder, TagFilter, TextFilter};

use crate::envelope::{Deleted, Reply};
use crate::errors::Failure;
use crate::pagination::{RECORDS, ResultInfo};
use crate::query::Query;
use crate::routes::Call;

/// `dns-api.json`, dns.record_response.*: the same members for every type, and `data` and `priority` where the type has
/// them.
/// Clients need `proxied` on every record, and the two last times only where they are set.
#[derive(Serialize)]
struct RecordView<'r> {
    id: PublicId,
    name: String,
    #[serde(rename = "type")]
    record_type: String,
    content: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'r Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<u16>,
    proxiable: bool,
    proxied: bool,
    ttl: u32,
    settings: &'r Map<String, Value>,
    meta: Map<String, Value>,
    comment: Option<&'r str>,
    tags: &'r [String],
    created_on: String,
    modified_on: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment_modified_on: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags_modified_on: Option<String>,
}

/// What clients are told as the TTL of a record that is proxied, or has none of its own.
const TTL_AUTOMATIC: u32 = 1;

/// `GET /zones/{zone_id}/dns_records`
pub(crate) async fn list(call: Call) -> Result<Reply, Failure> {
    let page = RECORDS.at_most(call.limits.records_per_page_max).page(&call.query);
    let zone = call.identifier(0)?;
    let listing = call.control.record_list(call.grant()?, zone, filter(&call.query), page).await?;
    let views: Vec<_> = listing.items.iter().map(RecordView::of).collect();
    Reply::page(&views, ResultInfo::of(&page, views.len(), listing.total))
}

/// `POST /zones/{zone_id}/dns_records`
pub(crate) async fn create(call: Call) -> Result<Reply, Failure> {
    let new = request::new_record(&call.members()?)?;
    let record = call.control.record_create(call.grant()?, call.identifier(0)?, new).await?;
    Reply::of(RecordView::of(&record))
}

/// `GET /zones/{zone_id}/dns_records/{dns_record_id}`
pub(crate) async fn get(call: Call) -> Result<Reply, Failure> {
    let record = call.control.record_get(call.grant()?, call.identifier(0)?, call.identifier(1)?).await?;
    Reply::of(RecordView::of(&record))
}

/// `PUT /zones/{zone_id}/dns_records/{dns_record_id}`: what the body lacks gets its default.
pub(crate) async fn update(call: Call) -> Result<Reply, Failure> {
    let new = request::new_record(&call.members()?)?;
    let (zone, id) = (call.identifier(0)?, call.identifier(1)?);
    let record = call.control.record_update(call.grant()?, zone, id, new).await?;
    Reply::of(RecordView::of(&record))
}

/// `PATCH /zones/{zone_id}/dns_records/{dns_record_id}`: what the body lacks stays.
pub(crate) async fn edit(call: Call) -> Result<Reply, Failure> {
    let edit = request::record_edit(&call.members()?)?;
    let (zone, id) = (call.identifier(0)?, call.identifier(1)?);
    let record = call.control.record_edit(call.grant()?, zone, id, edit).await?;
    Reply::of(RecordView::of(&record))
}

/// `DELETE /zones/{zone_id}/dns_records/{dns_record_id}`
pub(crate) async fn delete(call: Call) -> Result<Reply, Failure> {
    let id = call.control.record_delete(call.grant()?, call.identifier(0)?, call.identifier(1)?).await?;
    Reply::of(Deleted { id })
}

impl<'r> RecordView<'r> {
    fn of(record: &'r Record) -> Self {
        Self {
            id: record.id,
            name: record.name.to_string(),
            record_type: record.record_type.to_string(),
            content: &record.content,
            data: record.data.as_ref(),
            priority: record.priority,
            proxiable: record.proxiable,
            proxied: record.proxied,
            ttl: if record.proxied { TTL_AUTOMATIC } else { record.ttl },
            settings: &record.settings,
            meta: Map::new(),
            comment: record.comment.as_deref(),
            tags: &record.tags,
            created_on: record.created.to_rfc3339(),
            modified_on: record.modified.to_rfc3339(),
            comment_modified_on: record.comment_modified.map(|time| time.to_rfc3339()),
            tags_modified_on: record.tags_modified.map(|time| time.to_rfc3339()),
        }
    }
}

fn filter(query: &Query) -> RecordFilter {
    RecordFilter {
        name: text_filter(query, "name"),
        content: text_filter(query, "content"),
        comment: text_filter(query, "comment"),
        comment_present: query.has("comment.present"),
        comment_absent: query.has("comment.absent"),
        tags: TagFilter {
            present: query.text("tag.present").map(str::to_owned),
            absent: query.text("tag.absent").map(str::to_owned),
            named: text_filter(query, "tag"),
            match_any: query.text("tag_match") == Some("any"),
        },
        record_type: query.text("type").map(str::to_ascii_uppercase),
        proxied: query.truth("proxied"),
        search: query.text("search").map(str::to_owned),
        match_any: query.text("match") == Some("any"),
        order: match query.text("order") {
            Some("name") => RecordOrder::Name,
            Some("content") => RecordOrder::Content,
            Some("ttl") => RecordOrder::Ttl,
            Some("proxied") => RecordOrder::Proxied,
            _ => RecordOrder::Type,
        },
        descending: query.text("direction") == Some("desc"),
    }
}

/// The plain key means the same as `.exact` (`clients.md`, "Lists").
fn text_filter(query: &Query, key: &str) -> TextFilter {
    let text = |how: &str| query.text(&format!("{key}{how}")).map(str::to_owned);
    TextFilter {
        exact: text(".exact").or_else(|| text("")),
        contains: text(".contains"),
        startswith: text(".startswith"),
        endswith: text(".endswith"),
    }
}
