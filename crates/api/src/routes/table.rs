//! The table of all routes.
//!
//! Permissions are those of `dns-api.json`. Where it lists several, one is enough to get in; control then asks for what
//! the one object needs. Plans are no matter of billing here: who may see a zone sees its plan, who may change it, changes
//! it.

use std::sync::LazyLock;

use axum::http::Method;
use waymark_control::{Action, Permission};

use super::{Access, Audit, Route};
use crate::{accounts, dns_views, page_rules, plans, records, tokens, user, zones};

const DNS_VIEWS: &str = "/accounts/{account_id}/dns_settings/views";
const ZONE: &str = "/zones/{zone_id}";
const ZONES: &str = "/zones";
const SUBSCRIPTION: &str = "/zones/{zone_id}/subscription";
const RECORDS: &str = "/zones/{zone_id}/dns_records";
const IMPORT: &str = "/zones/{zone_id}/dns_records/import";
const EXPORT: &str = "/zones/{zone_id}/dns_records/export";
const RECORD: &str = "/zones/{zone_id}/dns_records/{dns_record_id}";

/// Who lacks this is told its name, as certbot expects. Whoever may see or edit records can find his zones: the token
/// that certbot's manual asks for allows no more than that.
const LIST_ZONES: Access = Access::Named {
    any_of: &[Permission::ZoneRead, Permission::DnsRead],
    name: "com.cloudflare.api.account.zone.list",
    purpose: "list zones",
};
const SEE_ZONE: Access = Access::AnyOf(&[Permission::ZoneRead, Permission::DnsRead]);
const CHANGE_ZONE: Access = Access::AnyOf(&[Permission::ZoneEdit]);
const SEE_RECORDS: Access = Access::AnyOf(&[Permission::DnsRead]);
const CHANGE_RECORDS: Access = Access::AnyOf(&[Permission::DnsEdit]);
const SEE_ACCOUNT: Access = Access::AnyOf(&[Permission::AccountRead]);
const SEE_USER: Access = Access::AnyOf(&[Permission::UserRead]);

/// Every route, in an order that never changes while the program runs.
pub(crate) fn all() -> &'static [Route] {
    static ALL: LazyLock<Vec<Route>> = LazyLock::new(|| {
        use Audit::{Reads, Writes};
        vec![
            Route::new(Method::GET, "/user", SEE_USER, Reads, user::get),
            Route::new(Method::GET, "/user/tokens/verify", Access::OwnToken, Reads, tokens::verify),
            Route::new(Method::GET, "/accounts", Access::AnyCredential, Reads, accounts::list),
            Route::new(Method::GET, "/accounts/{account_id}", SEE_ACCOUNT, Reads, accounts::get),
            Route::new(Method::GET, DNS_VIEWS, SEE_ACCOUNT, Reads, dns_views::list),
            Route::new(Method::GET, ZONES, LIST_ZONES, Reads, zones::list),
            Route::new(Method::POST, ZONES, CHANGE_ZONE, Writes(Action::ZoneCreate), zones::create),
            Route::new(Method::GET, ZONE, SEE_ZONE, Reads, zones::get),
            Route::new(Method::PATCH, ZONE, CHANGE_ZONE, Writes(Action::ZoneEdit), zones::edit),
            Route::new(Method::DELETE, ZONE, CHANGE_ZONE, Writes(Action::ZoneDelete), zones::delete),
            Route::new(Method::GET, "/zones/{zone_id}/available_plans", SEE_ZONE, Reads, plans::list),
            Route::new(Method::GET, "/zones/{zone_id}/available_plans/{plan_identifier}", SEE_ZONE, Reads, plans::get),
            Route::new(Method::GET, "/zones/{zone_id}/available_rate_plans", SEE_ZONE, Reads, plans::list_rate_plans),
            Route::new(Method::GET, SUBSCRIPTION, SEE_ZONE, Reads, plans::subscription),
            Route::new(Method::POST, SUBSCRIPTION, CHANGE_ZONE, Writes(Action::ZoneEdit), plans::subscribe),
            Route::new(Method::PUT, SUBSCRIPTION, CHANGE_ZONE, Writes(Action::ZoneEdit), plans::subscribe),
            Route::new(Method::GET, "/zones/{zone_id}/pagerules", SEE_ZONE, Reads, page_rules::list),
            Route::new(Method::GET, RECORDS, SEE_RECORDS, Reads, records::list),
            Route::new(Method::POST, RECORDS, CHANGE_RECORDS, Writes(Action::RecordCreate), records::create),
            Route::new(Method::POST, IMPORT, CHANGE_RECORDS, Writes(Action::RecordImport), records::zone_file::import),
            Route::new(Method::GET, EXPORT, SEE_RECORDS, Reads, records::zone_file::export),
            Route::new(Method::GET, RECORD, SEE_RECORDS, Reads, records::get),
            Route::new(Method::PUT, RECORD, CHANGE_RECORDS, Writes(Action::RecordUpdate), records::update),
            Route::new(Method::PATCH, RECORD, CHANGE_RECORDS, Writes(Action::RecordEdit), records::edit),
            Route::new(Method::DELETE, RECORD, CHANGE_RECORDS, Writes(Action::RecordDelete), records::delete),
        ]
    });
    &ALL
}
