//! Zones: found by name or id, shown as a line, given a status.

use std::fmt;

use serde::{Deserialize, Serialize};
use waymark_control::{Actor, Control, Grant, Page, PublicId, Status, Zone, ZoneFilter};
use waymark_zone::{Catalog, ZoneNumber};

use super::{Outcome, PER_PAGE};

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

pub(super) async fn set_status(
    control: &Control,
    dns: Option<&Catalog>,
    zone: &str,
    active: bool,
) -> Result<Outcome, String> {
    let id = find(control, zone).await?;
    let wanted = if active { Status::Active } else { Status::Pending };
    let changed = control.zone_set_status(Actor::Operator, id, wanted, false).await;
    changed.map(|zone| Outcome::Zones(vec![line(&zone, dns)])).map_err(|refusal| refusal.to_string())
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
