//! Listing records: filters and order as `dns-api.json`, `dns.records.list`, has them.
//!
//! What SQL can say bytewise (an exact name, a type, the proxy) narrows the query. Texts are compared in any case,
//! which SQL dialects do differently: those filters run here, on what is left, in the order of the query.

use rusqlite::params_from_iter;
use rusqlite::types::Value;
use waymark_wire::RecordType;
use waymark_wire::records::{self, Field};

use super::{Record, RecordFilter, RecordOrder, TagFilter, TextFilter, rules, show};
use crate::error::Refusal;
use crate::store::{RECORD_COLUMNS, RecordRow, Sql, ZoneRow};
use crate::{Listing, Page};

/// The records of the zone that the filter asks for.
pub(super) fn list(
    sql: Sql<'_>,
    zone: &ZoneRow,
    filter: &RecordFilter,
    page: Page,
) -> Result<Listing<Record>, Refusal> {
    let (condition, mut values) = narrowed(zone, filter);
    let (tests, search) = (tests(zone, filter), search(filter));
    let order = order(filter);
    let mut text = format!("SELECT {RECORD_COLUMNS} FROM records WHERE {condition} ORDER BY {order}");
    if tests.is_empty() && search.is_none() {
        let total = match values.len() {
            // The zone is the only condition.
            1 => zone.record_count,
            _ => {
                let count = format!("SELECT count(*) FROM records WHERE {condition}");
                sql.number(&count, params_from_iter(values.iter().cloned()))?
            }
        };
        text.push_str(" LIMIT ? OFFSET ?");
        values.extend(page.limit_and_offset());
        let rows = sql.all(&text, params_from_iter(values), RecordRow::read)?;
        return Ok(Listing { items: rows.iter().map(show).collect(), total });
    }
    let (first, end) = page.range();
    let mut listing = Listing { items: Vec::new(), total: 0 };
    let mut statement = sql.0.prepare_cached(&text)?;
    let mut rows = statement.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        let record = RecordRow::read(row)?;
        let found = search.as_ref().is_none_or(|search| search(&record));
        if !found || !meets(&tests, filter.match_any, &record) {
            continue;
        }
        if (first..end).contains(&listing.total) {
            listing.items.push(show(&record));
        }
        listing.total += 1;
    }
    Ok(listing)
}

/// Whether a record meets one filter.
type Test<'f> = Box<dyn Fn(&RecordRow) -> bool + 'f>;
/// Whether a value meets a text, both in lower case.
type Comparison = fn(&str, &str) -> bool;

/// The part of the filter that the query itself carries out; all of its conditions must be met.
fn narrowed(zone: &ZoneRow, filter: &RecordFilter) -> (String, Vec<Value>) {
    let mut condition = "zone_id = ?".to_owned();
    let mut values: Vec<Value> = vec![(zone.number.0 as i64).into()];
    if filter.match_any {
        return (condition, values);
    }
    if let Some(name) = &filter.name.exact {
        condition.push_str(" AND name = ?");
        // What is no name of the zone is the name of none of its records.
        let key = rules::owner_name(&zone.apex, name).map_or(Vec::new(), |name| name.sort_key());
        values.push(key.into());
    }
    if let Some(mnemonic) = &filter.record_type {
        condition.push_str(" AND type = ?");
        values.push(type_in_rows(mnemonic).into());
    }
    if let Some(proxied) = filter.proxied {
        condition.push_str(" AND proxied = ?");
        values.push(i64::from(proxied).into());
    }
    (condition, values)
}

/// How rows name a type: by the mnemonic of the table, or as `TYPEnnn`.
fn type_in_rows(mnemonic: &str) -> String {
    RecordType::from_mnemonic(mnemonic).map_or_else(|| mnemonic.to_owned(), |record_type| record_type.to_string())
}

fn order(filter: &RecordFilter) -> String {
    let direction = if filter.descending { "DESC" } else { "ASC" };
    let columns: &[&str] = match filter.order {
        RecordOrder::Type => &["type", "name", "id"],
        RecordOrder::Name => &["name", "type", "id"],
        RecordOrder::Content => &["content", "name", "id"],
        RecordOrder::Ttl => &["ttl", "name", "id"],
        RecordOrder::Proxied => &["proxied", "name", "id"],
    };
    columns.iter().map(|column| format!("{column} {direction}")).collect::<Vec<_>>().join(", ")
}

/// Whether a record meets all of the tests, or any of them; if there are none, it does.
fn meets(tests: &[Test<'_>], any: bool, record: &RecordRow) -> bool {
    match any {
        true => tests.is_empty() || tests.iter().any(|test| test(record)),
        false => tests.iter().all(|test| test(record)),
    }
}

/// The part of the filter that is left for here.
fn tests<'f>(zone: &ZoneRow, filter: &'f RecordFilter) -> Vec<Test<'f>> {
    let mut tests: Vec<Test<'_>> = Vec::new();
    if filter.match_any {
        if let Some(name) = &filter.name.exact {
            let name = rules::owner_name(&zone.apex, name).ok();
            tests.push(Box::new(move |record| Some(&record.name) == name.as_ref()));
        }
        if let Some(mnemonic) = &filter.record_type {
            let wanted = RecordType::from_mnemonic(mnemonic);
            tests.push(Box::new(move |record| Some(record.record_type) == wanted));
        }
        if let Some(proxied) = filter.proxied {
            tests.push(Box::new(move |record| record.proxied == proxied));
        }
    }
    let in_name = TextFilter { exact: None, ..filter.name.clone() };
    text_tests(&in_name, |record, test| test(&record.name.to_string()), &mut tests);
    text_tests(&filter.content, content_meets, &mut tests);
    text_tests(&filter.comment, |record, test| record.comment.as_deref().is_some_and(test), &mut tests);
    if filter.comment_present {
        tests.push(Box::new(|record| record.comment.is_some()));
    }
    if filter.comment_absent {
        tests.push(Box::new(|record| record.comment.is_none()));
    }
    let tag_tests = tag_tests(&filter.tags);
    if !tag_tests.is_empty() {
        tests.push(Box::new(move |record| meets(&tag_tests, filter.tags.match_any, record)));
    }
    tests
}

/// The search goes beside the other filters, however those are joined.
fn search(filter: &RecordFilter) -> Option<Test<'_>> {
    let text = filter.search.as_ref()?.to_lowercase();
    Some(Box::new(move |record| {
        let contains = |value: &str| value.to_lowercase().contains(&text);
        contains(&record.name.to_string())
            || contains(&record.content)
            || record.comment.as_deref().is_some_and(contains)
            || record.tags.iter().any(|tag| contains(tag))
    }))
}

fn tag_tests(filter: &TagFilter) -> Vec<Test<'_>> {
    let mut tests: Vec<Test<'_>> = Vec::new();
    let has = |name: &str, record: &RecordRow| values(record, name).next().is_some();
    if let Some(name) = &filter.present {
        tests.push(Box::new(move |record| has(name, record)));
    }
    if let Some(name) = &filter.absent {
        tests.push(Box::new(move |record| !has(name, record)));
    }
    for (text, meets) in filter.named.conditions() {
        let (name, text) = text.split_once(':').unwrap_or((text, ""));
        let text = text.to_lowercase();
        tests.push(Box::new(move |record| values(record, name).any(|value| meets(&value.to_lowercase(), &text))));
    }
    tests
}

/// The values of a record's tags of this name, in any case.
fn values<'r>(record: &'r RecordRow, name: &'r str) -> impl Iterator<Item = &'r str> {
    let tags = record.tags.iter().filter_map(|tag| tag.split_once(':'));
    tags.filter(move |(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Adds a test for every condition of `filter` on the text that `on` finds in a record.
fn text_tests<'f>(
    filter: &TextFilter,
    on: impl Fn(&RecordRow, &dyn Fn(&str) -> bool) -> bool + Copy + 'f,
    tests: &mut Vec<Test<'f>>,
) {
    for (text, meets) in filter.conditions() {
        let text = text.to_lowercase();
        tests.push(Box::new(move |record| on(record, &|value: &str| meets(&value.to_lowercase(), &text))));
    }
}

impl TextFilter {
    /// What is set, and how a value is compared with it.
    fn conditions(&self) -> impl Iterator<Item = (&str, Comparison)> {
        let conditions: [(&Option<String>, Comparison); 4] = [
            (&self.exact, |value, text| value == text),
            (&self.contains, |value, text| value.contains(text)),
            (&self.startswith, |value, text| value.starts_with(text)),
            (&self.endswith, |value, text| value.ends_with(text)),
        ];
        conditions.into_iter().filter_map(|(text, meets)| Some((text.as_deref()?, meets)))
    }
}

/// A TXT record is found by its content as written and by the text inside its quotation marks; one that ends in a host
/// name with and without the dot at the end.
fn content_meets(record: &RecordRow, test: &dyn Fn(&str) -> bool) -> bool {
    let content = record.content.as_str();
    let unquoted = || content.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let last = records::row(record.record_type).and_then(|row| row.fields.last());
    match last.map(|(_, field)| field) {
        Some(Field::Strings) => test(content) || unquoted().is_some_and(test) || test(&format!("\"{content}\"")),
        Some(Field::Name { .. }) if content.ends_with('.') => test(content) || test(content.trim_end_matches('.')),
        Some(Field::Name { .. }) => test(content) || test(&format!("{content}.")),
        _ => test(content),
    }
}
