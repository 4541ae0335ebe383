//! Zones: made, found by name or id, shown as a line or in full, given a status, deleted.

use std::fmt;

use serde::{Deserialize, Serialize};
use waymark_control::{Actor, Control, Grant, Kind, NewZone, Page, PublicId, Refusal, Status, Zone, ZoneFilter};
use waymark_zone::{Catalog, ZoneNumber};

use super::{Outcome, PER_PAGE, accounts};

/// A zone in a list.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq)]
pub struct ZoneLine {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its status, as the API writes it.
    pub status: String,
    /// The name of its account.
    pub account: String,
    /// Records that its owner has made.
    pub records: u64,
    /// Octets that DNS holds for it in memory; none if DNS does not have it, or no server runs.
    pub octets: Option<u64>,
    /// Its nameservers.
    pub name_servers: Vec<String>,
}

/// One zone, in full.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq)]
pub struct ZoneDetails {
    /// What a list shows of it.
    #[serde(flatten)]
    pub line: ZoneLine,
    /// The id of its account.
    pub account_id: String,
    /// How it is set up.
    pub kind: String,
    /// What it may use.
    pub plan: String,
    /// Active because a check saw its delegation, not because somebody said so.
    pub proven: bool,
    /// How often it has changed.
    pub version: u64,
    /// Since when.
    pub created: String,
    /// When it became active, if it is.
    pub activated: Option<String>,
}

pub(super) async fn create(
    control: &Control,
    dns: Option<&Catalog>,
    name: String,
    account: Option<&str>,
    activate: bool,
) -> Result<Outcome, String> {
    let account = match account {
        Some(text) => accounts::find(control, text).await?,
        None => accounts::only(control).await?,
    };
    let new = NewZone { account, name, kind: Kind::Full };
    let made = async {
        let zone = control.zone_create(&Grant::operator(), new).await?;
        match activate {
            true => control.zone_set_status(Actor::Operator, zone.id, Status::Active, false).await,
            false => Ok(zone),
        }
    };
    made.await.map(|zone| Outcome::Zones(vec![line(&zone, dns)])).map_err(|refusal| refusal.to_string())
}

pub(super) async fn show(control: &Control, dns: Option<&Catalog>, zone: &str) -> Result<Outcome, String> {
    let id = find(control, zone).await?;
    let zone = control.zone_get(&Grant::operator(), id).await.map_err(|refusal| refusal.to_string())?;
    Ok(Outcome::Zone(Box::new(ZoneDetails {
        line: line(&zone, dns),
        account_id: zone.account_id.to_string(),
        kind: zone.kind.as_str().to_owned(),
        plan: zone.plan.as_str().to_owned(),
        proven: zone.proven,
        version: zone.version,
        created: zone.created.to_string(),
        activated: zone.activated.map(|time| time.to_string()),
    })))
}

pub(super) async fn delete(control: &Control, text: &str) -> Result<Outcome, String> {
    let id = find(control, text).await?;
    let deleted = async {
        let zone = control.zone_get(&Grant::operator(), id).await?;
        if zone.name == control.brand().domain {
            return Ok(Err(of_the_platform(&zone, "it cannot be deleted")));
        }
        control.zone_delete(&Grant::operator(), id).await.map(|_| Ok(Outcome::Done))
    };
    deleted.await.map_err(|refusal: Refusal| refusal.to_string())?
}

pub(super) async fn set_status(
    control: &Control,
    dns: Option<&Catalog>,
    zone: &str,
    active: bool,
) -> Result<Outcome, String> {
    let id = find(control, zone).await?;
    let wanted = if active { Status::Active } else { Status::Pending };
    let changed = async {
        let zone = control.zone_get(&Grant::operator(), id).await?;
        if zone.name == control.brand().domain {
            return Ok(Err(of_the_platform(&zone, "its status cannot be changed")));
        }
        let zone = control.zone_set_status(Actor::Operator, id, wanted, false).await?;
        Ok(Ok(Outcome::Zones(vec![line(&zone, dns)])))
    };
    changed.await.map_err(|refusal: Refusal| refusal.to_string())?
}

fn of_the_platform(zone: &Zone, therefore: &str) -> String {
    format!("{} is the zone of the platform's own nameservers: {therefore}", zone.name)
}

/// The zone with this id or name. A name that several accounts have is not enough.
pub(super) async fn find(control: &Control, text: &str) -> Result<PublicId, String> {
    if let Some(id) = PublicId::parse(text) {
        return Ok(id);
    }
    let filter = ZoneFilter { name: Some(text.to_owned()), ..ZoneFilter::default() };
    let page = Page { page: 1, per_page: PER_PAGE };
    let found = control.zone_list(&Grant::operator(), filter, page).await.map_err(|refusal| refusal.to_string())?;
    match &found.items[..] {
        [] => Err(format!("there is no zone {text}")),
        [zone] => Ok(zone.id),
        several => {
            let ids: Vec<String> = several.iter().map(|zone| format!("{} ({})", zone.id, zone.account_name)).collect();
            Err(format!("several accounts have a zone {text}; give one of these ids: {}", ids.join(", ")))
        }
    }
}

pub(super) fn line(zone: &Zone, dns: Option<&Catalog>) -> ZoneLine {
    ZoneLine {
        id: zone.id.to_string(),
        name: zone.name.to_string(),
        status: zone.status.as_str().to_owned(),
        account: zone.account_name.clone(),
        records: zone.records,
        octets: dns.and_then(|dns| dns.octets_of(ZoneNumber(zone.number))),
        name_servers: zone.name_servers.iter().map(ToString::to_string).collect(),
    }
}

impl fmt::Display for ZoneLine {
    /// For people: columns two blanks apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, status, records, name, account, .. } = self;
        let octets = self.octets.map_or_else(|| "-".to_owned(), |octets| octets.to_string());
        let servers = self.name_servers.join(" ");
        write!(f, "{id}  {status:<8}  {octets:>9}  {records:>7}  {name}  {account}  {servers}")
    }
}

impl fmt::Display for ZoneDetails {
    /// For people: one property per line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ZoneLine { id, name, status, account, records, octets, name_servers } = &self.line;
        let Self { account_id, kind, plan, version, created, .. } = self;
        writeln!(f, "name         {name}")?;
        writeln!(f, "id           {id}")?;
        let since = self.activated.as_ref().map_or_else(String::new, |time| format!(" since {time}"));
        writeln!(f, "status       {status}{since}{}", if self.proven { ", by its delegation" } else { "" })?;
        writeln!(f, "account      {account} ({account_id})")?;
        writeln!(f, "set-up       {kind}, plan {plan}")?;
        writeln!(f, "nameservers  {}", name_servers.join(" "))?;
        writeln!(f, "records      {records}")?;
        writeln!(f, "version      {version}")?;
        if let Some(octets) = octets {
            writeln!(f, "in memory    {octets} octets")?;
        }
        writeln!(f, "created      {created}")
    }
}
