//! The first start: a tenant, the platform's nameservers and the zone that names them, and a first account and user
//! with credentials. One write: all of it or nothing.

use rusqlite::params;
use waymark_wire::Name;

use crate::accounts::{self, NewAccount};
use crate::error::Refusal;
use crate::identity::{self, Policy};
use crate::nameservers::{self, NameserverRow};
use crate::records::{self, NewRecord};
use crate::store::{RecordRow, Tx, ZoneRow};
use crate::tokens::{self, NewToken};
use crate::zones::{self, NewZoneRow, Status};
use crate::{Action, Actor, Control, PublicId};

/// The TTL of the nameservers' own addresses, in seconds: they hardly ever change.
const ADDRESS_TTL: u32 = 86_400;

/// What the first start has made. The secrets are shown this once.
#[derive(Clone, PartialEq, Eq)]
pub struct Bootstrap {
    /// A token that may do everything its user may.
    pub token: String,
    /// The user's email address.
    pub email: String,
    /// The user's global key.
    pub key: String,
    /// The tenant.
    pub tenant_id: PublicId,
    /// The account.
    pub account_id: PublicId,
    /// What the account is called.
    pub account_name: String,
}

impl Control {
    /// Makes what a first start needs; none if the store has a tenant already. Every later start calls it too: it then
    /// publishes or withdraws the nameservers' IPv6 addresses, as the pools say now whether they are reachable.
    pub async fn bootstrap(&self, email: &str) -> Result<Option<Bootstrap>, Refusal> {
        let tenants = self.store.read(|sql| sql.number("SELECT count(*) FROM tenants", [])).await?;
        if tenants > 0 {
            let reachable = self.store.shared.pools.ipv6_reachable;
            self.write(Actor::System, Action::NameserverChange, move |tx| settle_addresses(tx, reachable)).await?;
            return Ok(None);
        }
        let email = email.to_owned();
        self.write(Actor::System, Action::Bootstrap, move |tx| first_start(tx, &email).map(Some)).await
    }

    /// Publishes the nameservers' IPv6 addresses, or withdraws them: a change of the brand zone's records like any
    /// other, and none if they are so already. The next start decides anew.
    pub async fn nameserver_publish_ipv6(&self, reachable: bool) -> Result<(), Refusal> {
        self.write(Actor::Operator, Action::NameserverChange, move |tx| settle_addresses(tx, reachable)).await
    }
}

fn first_start(tx: &mut Tx<'_>, email: &str) -> Result<Bootstrap, Refusal> {
    let tenant_id = PublicId::new(tx.random());
    let brand = tx.shared.brand.domain.clone();
    tx.insert(
        "INSERT INTO tenants (public_id, name, brand, created_at) VALUES (?1, ?2, ?3, ?4) RETURNING id",
        params![tenant_id, brand.to_string(), brand.sort_key(), tx.now()],
    )?;
    let nameservers = nameservers::make_all(tx)?;
    make_brand_zone(tx, &brand, &nameservers)?;
    let (user, made, key) = identity::create_user(tx, email)?;
    let new = NewAccount { name: format!("{}'s account", made.email), member: Some(made.email.clone()) };
    let account = accounts::create(tx, &new)?.account;
    let new = NewToken {
        user: made.email.clone(),
        name: "first token".to_owned(),
        policies: vec![Policy::everything()],
        not_before: None,
        expires_on: None,
    };
    let token = tokens::create(tx, user, &new)?.token;
    tx.audit_object(None, tenant_id);
    Ok(Bootstrap { token, email: made.email, key, tenant_id, account_id: account.id, account_name: account.name })
}

/// The zone of the brand domain belongs to the platform's own account, is active and proven, and holds the addresses
/// of the nameservers as ordinary records.
fn make_brand_zone(tx: &mut Tx<'_>, brand: &Name, nameservers: &[NameserverRow]) -> Result<(), Refusal> {
    let of_list = |list: u8| nameservers.iter().find(|nameserver| nameserver.list == list).map(|row| row.number);
    let pair = (of_list(1).unwrap_or_default(), of_list(2).unwrap_or_default());
    let account = accounts::insert(tx, "Platform", true, pair)?;
    let new = NewZoneRow { account: account.number, apex: brand, pair, status: Status::Active, proven: true };
    zones::insert(tx, &new)?;
    let reachable = tx.shared.pools.ipv6_reachable;
    settle_addresses(tx, reachable)
}

/// Makes the address records of the brand zone what the nameservers' addresses are: IPv4 always, IPv6 if it is
/// reachable. Changes nothing if they are.
fn settle_addresses(tx: &mut Tx<'_>, ipv6_reachable: bool) -> Result<(), Refusal> {
    let brand = tx.shared.brand.domain.clone();
    let zone = zones::of_platform(tx.sql(), &brand)?;
    for nameserver in nameservers::list(tx.sql())? {
        let published = nameserver.addresses.iter().filter(|address| address.is_ipv4() || ipv6_reachable);
        let wanted: Vec<(&str, String)> =
            published.map(|address| (if address.is_ipv4() { "A" } else { "AAAA" }, address.to_string())).collect();
        settle_name(tx, &zone, &nameserver.name, &wanted)?;
    }
    Ok(())
}

fn settle_name(tx: &mut Tx<'_>, zone: &ZoneRow, name: &Name, wanted: &[(&str, String)]) -> Result<(), Refusal> {
    let present = tx.touch_name(zone, name)?.to_vec();
    let is = |record: &RecordRow, (kind, content): &(&str, String)| {
        record.record_type.to_string() == *kind && record.content == *content
    };
    for record in present.iter().filter(|record| !wanted.iter().any(|wanted| is(record, wanted))) {
        tx.delete_record(zone, record)?;
    }
    for new in wanted.iter().filter(|wanted| !present.iter().any(|record| is(record, wanted))) {
        let new = NewRecord {
            name: name.to_string(),
            record_type: new.0.to_owned(),
            content: new.1.clone(),
            ttl: Some(ADDRESS_TTL),
            ..NewRecord::default()
        };
        records::create_without_quota(tx, zone, new)?;
    }
    Ok(())
}
