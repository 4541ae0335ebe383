//! A zone as JSON (`dns-api.json`, zones.Zone). Every declared member is present, but for those of partial zones.

use serde::Serialize;
use waymark_control::{Kind, Plan, PublicId, Status, Zone};

/// A zone.
#[derive(Serialize)]
pub(super) struct ZoneView<'z> {
    id: PublicId,
    name: String,
    status: &'static str,
    paused: bool,
    #[serde(rename = "type")]
    kind: &'static str,
    development_mode: u32,
    name_servers: Vec<String>,
    original_name_servers: Option<Vec<String>>,
    original_registrar: Option<&'z str>,
    original_dnshost: Option<&'z str>,
    modified_on: String,
    created_on: String,
    activated_on: Option<String>,
    vanity_name_servers: [&'z str; 0],
    vanity_name_servers_ips: Option<&'z str>,
    meta: Meta,
    owner: Owner<'z>,
    account: Named<'z>,
    tenant: Named<'z>,
    tenant_unit: Unit,
    permissions: [&'z str; 0],
    plan: PlanView,
}

#[derive(Serialize)]
struct Meta {
    step: u32,
    custom_certificate_quota: u32,
    page_rule_quota: u32,
    phishing_detected: bool,
    cdn_only: bool,
    dns_only: bool,
    foundation_dns: bool,
}

#[derive(Serialize)]
struct Named<'z> {
    id: PublicId,
    name: &'z str,
}

#[derive(Serialize)]
struct Owner<'z> {
    id: PublicId,
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'z str,
}

#[derive(Serialize)]
struct Unit {
    id: Option<PublicId>,
}

#[derive(Serialize)]
struct PlanView {
    id: &'static str,
    name: &'static str,
    price: u32,
    currency: &'static str,
    frequency: &'static str,
    is_subscribed: bool,
    can_subscribe: bool,
    legacy_id: &'static str,
    legacy_discount: bool,
    externally_managed: bool,
}

impl<'z> ZoneView<'z> {
    /// Shows a zone.
    pub(super) fn of(zone: &'z Zone) -> Self {
        let account = || Named { id: zone.account_id, name: &zone.account_name };
        Self {
            id: zone.id,
            name: zone.name.to_string(),
            status: status(zone.status),
            paused: false,
            kind: kind(zone.kind),
            development_mode: 0,
            name_servers: zone.name_servers.iter().map(ToString::to_string).collect(),
            original_name_servers: None,
            original_registrar: None,
            original_dnshost: None,
            modified_on: zone.modified.to_rfc3339(),
            created_on: zone.created.to_rfc3339(),
            activated_on: zone.activated.map(|time| time.to_rfc3339()),
            vanity_name_servers: [],
            vanity_name_servers_ips: None,
            meta: META,
            owner: Owner { id: zone.account_id, kind: "organization", name: &zone.account_name },
            account: account(),
            tenant: Named { id: zone.tenant_id, name: &zone.tenant_name },
            tenant_unit: Unit { id: None },
            permissions: [],
            plan: plan(zone.plan),
        }
    }
}

/// Nothing but DNS is done for a zone here.
const META: Meta = Meta {
    step: 2,
    custom_certificate_quota: 0,
    page_rule_quota: 0,
    phishing_detected: false,
    cdn_only: false,
    dns_only: true,
    foundation_dns: false,
};

fn status(status: Status) -> &'static str {
    match status {
        Status::Initializing => "initializing",
        Status::Pending => "pending",
        Status::Active => "active",
        Status::Deleted => "deleted",
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Full => "full",
        Kind::Partial => "partial",
        Kind::Secondary => "secondary",
        Kind::Internal => "internal",
    }
}

/// The ids are those that clients know the plans by. What a plan costs is the operator's affair, and not said here.
fn plan(plan: Plan) -> PlanView {
    let (id, name, legacy_id) = match plan {
        Plan::Free => ("0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee", "Free Website", "free"),
        Plan::Pro => ("1ac039f6c29b691475c3d74fe588d1ae", "Pro Website", "pro"),
        Plan::Business => ("a577b510288e82b26486fd1df47000ec", "Business Website", "business"),
        Plan::Enterprise => ("94f3b7b768b0458b56d2cac4fe5ec0f9", "Enterprise Website", "enterprise"),
    };
    PlanView {
        id,
        name,
        price: 0,
        currency: "USD",
        frequency: if plan == Plan::Free { "" } else { "monthly" },
        is_subscribed: plan != Plan::Free,
        can_subscribe: false,
        legacy_id,
        legacy_discount: false,
        externally_managed: false,
    }
}
