//! `/zones`: zones listed, made, shown, changed, deleted.

mod request;
mod view;

use serde_json::{Map, Value};
use waymark_control::{AccountFilter, Control, Grant, Kind, NewZone, Page, PublicId, ZoneFilter, ZoneOrder};

use crate::body::{member_object, member_text};
use crate::envelope::{Deleted, Reply};
use crate::errors::Failure;
use crate::pagination::{ResultInfo, ZONES};
use crate::query::Query;
use crate::routes::Call;
use request::member_kind;
use view::ZoneView;

/// `GET /zones`
pub(crate) async fn list(call: Call) -> Result<Reply, Failure> {
    let page = ZONES.page(&call.query);
    let Some(filter) = filter(&call.query) else {
        return Reply::page::<ZoneView<'_>>(&[], ResultInfo::of(&page, 0, 0));
    };
    let listing = call.control.zone_list(call.grant()?, filter, page).await?;
    let views: Vec<_> = listing.items.iter().map(ZoneView::of).collect();
    Reply::page(&views, ResultInfo::of(&page, views.len(), listing.total))
}

/// `POST /zones`
pub(crate) async fn create(call: Call) -> Result<Reply, Failure> {
    let members = call.members()?;
    let name = member_text(&members, "name")?.ok_or(Failure::Member { name: "name", needed: "a domain" })?;
    let kind = member_kind(&members)?.unwrap_or(Kind::Full);
    let account = account(&call.control, call.grant()?, &members).await?;
    let zone = call.control.zone_create(call.grant()?, NewZone { account, name, kind }).await?;
    Reply::of(ZoneView::of(&zone))
}

/// `GET /zones/{zone_id}`
pub(crate) async fn get(call: Call) -> Result<Reply, Failure> {
    let zone = call.control.zone_get(call.grant()?, call.identifier(0)?).await?;
    Reply::of(ZoneView::of(&zone))
}

/// `PATCH /zones/{zone_id}`: what the body lacks stays.
pub(crate) async fn edit(call: Call) -> Result<Reply, Failure> {
    let change = request::zone_edit(&call.members()?)?;
    let zone = call.control.zone_edit(call.grant()?, call.identifier(0)?, change).await?;
    Reply::of(ZoneView::of(&zone))
}

/// `DELETE /zones/{zone_id}`
pub(crate) async fn delete(call: Call) -> Result<Reply, Failure> {
    let id = call.control.zone_delete(call.grant()?, call.identifier(0)?).await?;
    Reply::of(Deleted { id })
}

/// The account that a new zone goes to. Old clients name none: then it is the one that the caller has, if he has one.
async fn account(control: &Control, grant: &Grant, members: &Map<String, Value>) -> Result<PublicId, Failure> {
    const NEEDED: Failure = Failure::Member { name: "account", needed: "an object with the id of an account" };
    if let Some(account) = member_object(members, "account")? {
        let id = account.get("id").and_then(Value::as_str).ok_or(NEEDED)?;
        return PublicId::parse(id).ok_or(NEEDED);
    }
    let own = control.account_list(grant, AccountFilter::default(), Page { page: 1, per_page: 2 }).await?;
    match own.items.as_slice() {
        [only] => Ok(only.id),
        _ => Err(NEEDED),
    }
}

/// The filters of a listing; none if one of them is such that no zone can meet it.
fn filter(query: &Query) -> Option<ZoneFilter> {
    let kinds: Vec<Kind> = query.all("type").filter_map(Kind::from_word).collect();
    let account_id = match query.text("account.id") {
        Some(id) => Some(PublicId::parse(id)?),
        None => None,
    };
    if kinds.is_empty() && query.text("type").is_some() {
        return None;
    }
    Some(ZoneFilter {
        name: query.text("name").map(str::to_owned),
        account_id,
        account_name: query.text("account.name").map(str::to_owned),
        status: query.text("status").map(str::to_owned),
        kinds,
        match_any: query.text("match") == Some("any"),
        order: match query.text("order") {
            Some("status") => ZoneOrder::Status,
            Some("account.id") => ZoneOrder::AccountId,
            Some("account.name") => ZoneOrder::AccountName,
            Some("plan.id") => ZoneOrder::PlanId,
            _ => ZoneOrder::Name,
        },
        descending: query.text("direction") == Some("desc"),
    })
}
