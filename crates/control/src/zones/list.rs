//! Listing zones: filters and order as `dns-api.json`, `zones.list`, has them.

use rusqlite::params_from_iter;
use rusqlite::types::Value;
use waymark_wire::Name;

use super::{FURTHER_COLUMNS, SHOWN_TABLES, Zone, ZoneFilter, ZoneOrder, add_nameservers, read_shown};
use crate::error::Refusal;
use crate::identity::{Grant, Permission, Resource};
use crate::plans::PLANS;
use crate::store::{Sql, ZONE_COLUMNS};
use crate::{Listing, Page, PublicId};

/// SQL text with its values.
type Condition = (String, Vec<Value>);

/// The zones that the caller may see and the filter asks for.
pub(super) fn list(sql: Sql<'_>, grant: &Grant, filter: &ZoneFilter, page: Page) -> Result<Listing<Zone>, Refusal> {
    let (condition, mut values) = condition(grant, filter)?;
    let count = format!("SELECT count(*) FROM {SHOWN_TABLES} WHERE {condition}");
    let total = sql.number(&count, params_from_iter(values.iter().cloned()))?;
    values.extend(page.limit_and_offset());
    let direction = if filter.descending { "DESC" } else { "ASC" };
    let order = match filter.order {
        ZoneOrder::Name => "z.name".to_owned(),
        ZoneOrder::Status => "z.status".to_owned(),
        ZoneOrder::AccountId => "a.public_id".to_owned(),
        ZoneOrder::AccountName => "a.name".to_owned(),
        ZoneOrder::PlanId => {
            let ids = PLANS.map(|terms| format!("WHEN '{}' THEN '{}'", terms.word, terms.id));
            format!("CASE z.plan {} END", ids.join(" "))
        }
    };
    let text = format!(
        "SELECT {ZONE_COLUMNS}, {FURTHER_COLUMNS} FROM {SHOWN_TABLES} WHERE {condition} \
         ORDER BY {order} {direction}, z.name {direction}, z.id {direction} LIMIT ? OFFSET ?"
    );
    let mut items = sql.all(&text, params_from_iter(values), read_shown)?;
    for zone in &mut items {
        add_nameservers(sql, zone)?;
    }
    Ok(Listing { items, total })
}

/// The first `count` zones behind this one, in canonical order of names; from the first on if there is none. What it
/// costs does not depend on how many come before.
pub(super) fn list_after(
    sql: Sql<'_>,
    grant: &Grant,
    filter: &ZoneFilter,
    after: Option<(&Name, u64)>,
    count: u64,
) -> Result<Vec<Zone>, Refusal> {
    let (condition, mut values) = condition(grant, filter)?;
    let mut behind = "";
    if let Some((name, number)) = after {
        behind = "AND (z.name, z.id) > (?, ?)";
        values.extend([Value::from(name.sort_key()), Value::from(i64::try_from(number).unwrap_or(i64::MAX))]);
    }
    values.push(i64::try_from(count).unwrap_or(i64::MAX).into());
    let text = format!(
        "SELECT {ZONE_COLUMNS}, {FURTHER_COLUMNS} FROM {SHOWN_TABLES} WHERE {condition} {behind} \
         ORDER BY z.name, z.id LIMIT ?"
    );
    let mut items = sql.all(&text, params_from_iter(values), read_shown)?;
    for zone in &mut items {
        add_nameservers(sql, zone)?;
    }
    Ok(items)
}

/// What the caller may see, and the filter asks for.
fn condition(grant: &Grant, filter: &ZoneFilter) -> Result<Condition, Refusal> {
    // Whoever may edit records has to find the zone first: certbot's tokens have no more than that.
    grant.require(Permission::ZoneRead).or_else(|_| grant.require(Permission::DnsRead))?;
    let mut conditions = reach(grant);
    let filters = filters(filter);
    if !filters.is_empty() {
        conditions.push(join(filters, if filter.match_any { " OR " } else { " AND " }));
    }
    Ok(join(conditions, " AND "))
}

/// What the caller may see at all.
fn reach(grant: &Grant) -> Vec<Condition> {
    let mut conditions = vec![("z.deleted_at IS NULL".to_owned(), Vec::new())];
    if let Some(user) = grant.member() {
        let text = "z.account_id IN (SELECT m.account_id FROM memberships m WHERE m.user_id = ?)";
        conditions.push((text.to_owned(), vec![user.into()]));
    }
    if let Some(resources) = grant.resources(&[Permission::ZoneRead, Permission::DnsRead]) {
        let all = |resource: &Resource| matches!(resource, Resource::AllAccounts | Resource::AllZones);
        if !resources.iter().any(all) {
            let covered = resources.iter().filter_map(|resource| match resource {
                Resource::Account(id) => Some(is("a.public_id", *id)),
                Resource::Zone(id) => Some(is("z.public_id", *id)),
                _ => None,
            });
            conditions.push(join(covered.collect(), " OR "));
        }
    }
    conditions
}

fn filters(filter: &ZoneFilter) -> Vec<Condition> {
    let mut filters = Vec::new();
    if let Some(name) = &filter.name {
        // What is no name is no zone's name.
        filters.push(match Name::from_text(name) {
            Ok(name) => ("z.name = ?".to_owned(), vec![name.sort_key().into()]),
            Err(_) => nothing(),
        });
    }
    filters.extend(filter.account_id.map(|id| is("a.public_id", id)));
    filters.extend(filter.account_name.iter().map(|name| ("a.name = ?".to_owned(), vec![name.clone().into()])));
    filters.extend(filter.status.iter().map(|status| ("z.status = ?".to_owned(), vec![status.clone().into()])));
    if !filter.kinds.is_empty() {
        let kinds = filter.kinds.iter().map(|kind| ("z.kind = ?".to_owned(), vec![kind.as_str().to_owned().into()]));
        filters.push(join(kinds.collect(), " OR "));
    }
    filters
}

fn is(column: &str, id: PublicId) -> Condition {
    (format!("{column} = ?"), vec![id.0.to_vec().into()])
}

/// A condition that nothing meets.
fn nothing() -> Condition {
    ("1 = 0".to_owned(), Vec::new())
}

fn join(conditions: Vec<Condition>, with: &str) -> Condition {
    if conditions.is_empty() {
        return nothing();
    }
    let (texts, values): (Vec<_>, Vec<_>) = conditions.into_iter().unzip();
    (format!("({})", texts.join(with)), values.concat())
}
