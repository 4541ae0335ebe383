//! `/zones/{zone_id}/available_plans`, `available_rate_plans` and `subscription`: which plan a zone has and could have.
//!
//! The table of plans is control's. Prices are 0: what a plan costs is the operator's affair, and not said here.

use serde::Serialize;
use serde_json::Value;
use waymark_control::{Invalid, Noun, PLANS, Plan, PublicId, Refusal, Zone, ZoneEdit};

use crate::body::{member_object, member_text};
use crate::envelope::Reply;
use crate::errors::Failure;
use crate::routes::Call;

const CURRENCY: &str = "USD";
/// How often the price of a plan would be due. Of a free one it is not said.
const MONTHLY: &str = "monthly";
/// What a subscription may be asked to be (`dns-api.json`, zones.subscriptions.create). It is the same price for all.
const FREQUENCIES: [&str; 4] = ["weekly", MONTHLY, "quarterly", "yearly"];

/// `dns-api.json`, zones.zone.Plan: the plan that a zone has.
#[derive(Serialize)]
pub(crate) struct ZonePlanView {
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

/// `dns-api.json`, zones.AvailableRatePlan: a plan that a zone has or could have.
#[derive(Serialize)]
struct AvailablePlanView {
    id: &'static str,
    name: &'static str,
    price: u32,
    currency: &'static str,
    frequency: &'static str,
    is_subscribed: bool,
    can_subscribe: bool,
    legacy_id: &'static str,
    externally_managed: bool,
}

/// `dns-api.json`, zones.RatePlanGetResponse.
#[derive(Serialize)]
struct RatePlanView {
    id: &'static str,
    name: &'static str,
    currency: &'static str,
    duration: u32,
    frequency: &'static str,
    components: [(); 0],
}

/// `dns-api.json`, zones.SubscriptionGetResponse. A zone has one subscription, so the zone's id is its id. It has no
/// period: nothing falls due.
#[derive(Serialize)]
struct SubscriptionView {
    id: PublicId,
    price: u32,
    currency: &'static str,
    frequency: &'static str,
    state: &'static str,
    rate_plan: SubscribedPlanView,
}

/// `dns-api.json`, shared.RatePlan.
#[derive(Serialize)]
struct SubscribedPlanView {
    id: &'static str,
    public_name: &'static str,
    currency: &'static str,
    scope: &'static str,
    sets: [(); 0],
    is_contract: bool,
    externally_managed: bool,
}

/// `GET /zones/{zone_id}/available_plans`
pub(crate) async fn list(call: Call) -> Result<Reply, Failure> {
    let zone = zone(&call).await?;
    Reply::of(PLANS.map(|terms| AvailablePlanView::of(terms.plan, zone.plan)))
}

/// `GET /zones/{zone_id}/available_plans/{plan_identifier}`
pub(crate) async fn get(call: Call) -> Result<Reply, Failure> {
    let zone = zone(&call).await?;
    let plan = Plan::from_id(&call.identifier(1)?.to_string()).ok_or(Refusal::NotFound(Noun::Plan))?;
    Reply::of(AvailablePlanView::of(plan, zone.plan))
}

/// `GET /zones/{zone_id}/available_rate_plans`
pub(crate) async fn list_rate_plans(call: Call) -> Result<Reply, Failure> {
    zone(&call).await?;
    Reply::of(PLANS.map(|terms| RatePlanView {
        id: terms.word,
        name: terms.name,
        currency: CURRENCY,
        duration: 1,
        frequency: MONTHLY,
        components: [],
    }))
}

/// `GET /zones/{zone_id}/subscription`
pub(crate) async fn subscription(call: Call) -> Result<Reply, Failure> {
    Reply::of(SubscriptionView::of(&zone(&call).await?))
}

/// `POST` and `PUT /zones/{zone_id}/subscription`: gives the zone the plan that `rate_plan.id` names.
pub(crate) async fn subscribe(call: Call) -> Result<Reply, Failure> {
    const NEEDED: Failure = Failure::Member { name: "rate_plan", needed: "an object with the id of a plan" };
    let members = call.members()?;
    if member_text(&members, "frequency")?.is_some_and(|frequency| !FREQUENCIES.contains(&frequency.as_str())) {
        return Err(Failure::Member { name: "frequency", needed: "weekly, monthly, quarterly or yearly" });
    }
    let word = match member_object(&members, "rate_plan")? {
        Some(rate_plan) => Some(rate_plan.get("id").and_then(Value::as_str).ok_or(NEEDED)?),
        None => None,
    };
    let plan = word
        .map(|word| Plan::from_word(word).ok_or_else(|| Refusal::from(Invalid::RatePlan(word.to_owned()))))
        .transpose()?;
    let change = ZoneEdit { plan, ..ZoneEdit::default() };
    let zone = call.control.zone_edit(call.grant()?, call.identifier(0)?, change).await?;
    Reply::of(SubscriptionView::of(&zone))
}

async fn zone(call: &Call) -> Result<Zone, Failure> {
    Ok(call.control.zone_get(call.grant()?, call.identifier(0)?).await?)
}

impl ZonePlanView {
    /// Shows the plan that a zone has.
    pub(crate) fn of(plan: Plan) -> Self {
        let terms = plan.terms();
        Self {
            id: terms.id,
            name: terms.name,
            price: 0,
            currency: CURRENCY,
            frequency: if plan == Plan::Free { "" } else { MONTHLY },
            is_subscribed: plan != Plan::Free,
            can_subscribe: false,
            legacy_id: terms.word,
            legacy_discount: false,
            externally_managed: false,
        }
    }
}

impl AvailablePlanView {
    fn of(plan: Plan, current: Plan) -> Self {
        let terms = plan.terms();
        Self {
            id: terms.id,
            name: terms.name,
            price: 0,
            currency: CURRENCY,
            frequency: MONTHLY,
            is_subscribed: plan == current,
            can_subscribe: plan != current,
            legacy_id: terms.word,
            externally_managed: false,
        }
    }
}

impl SubscriptionView {
    fn of(zone: &Zone) -> Self {
        let terms = zone.plan.terms();
        Self {
            id: zone.id,
            price: 0,
            currency: CURRENCY,
            frequency: if zone.plan == Plan::Free { "not-applicable" } else { MONTHLY },
            state: "Provisioned",
            rate_plan: SubscribedPlanView {
                id: terms.word,
                public_name: terms.name,
                currency: CURRENCY,
                scope: "zone",
                sets: [],
                is_contract: false,
                externally_managed: false,
            },
        }
    }
}
