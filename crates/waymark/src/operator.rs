//! What an operator can do with the store: one list of operations, whoever asks.
//!
//! The same functions run inside the server, for requests that come through the control socket, and in the command
//! itself, when no server runs and it has opened the store. So both give the same answer, with the same rules.

use std::fmt;

use serde::{Deserialize, Serialize};
use waymark_control::{
    AccountFilter, Actor, Control, Grant, NewAccount, NewToken, Page, Permission, Policy, PublicId, Refusal, Resource,
    Status as ZoneStatus, Zone, ZoneFilter,
};
use waymark_zone::{Catalog, ZoneNumber};

/// Objects read from the store at a time.
const PER_PAGE: u64 = 1000;

/// Something that an operator asks for.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub enum Operation {
    /// All accounts.
    AccountList,
    /// A new account.
    AccountCreate {
        /// Its name.
        name: String,
        /// The email address of its member; none: the user of the first start.
        member: Option<String>,
    },
    /// A new token.
    TokenCreate {
        /// The email address of its user; none: the user of the first start.
        user: Option<String>,
        /// What it is called.
        name: String,
        /// The id of the only account that it is for, if it is for one.
        account: Option<String>,
    },
    /// All zones.
    ZoneList,
    /// A new status for a zone.
    ZoneStatus {
        /// Its name or id.
        zone: String,
        /// Whether it is in force.
        active: bool,
    },
    /// How the server is.
    Status,
}

/// What comes of an operation.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Accounts.
    Accounts(Vec<AccountLine>),
    /// A token, shown this once.
    Token {
        /// Its id.
        id: String,
        /// The secret.
        token: String,
    },
    /// Zones.
    Zones(Vec<ZoneLine>),
    /// How the server is.
    Status(Status),
}

/// An account in a list.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq)]
pub struct AccountLine {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

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
    /// Octets that DNS holds for it in memory; none if DNS does not have it, or no server runs.
    pub octets: Option<u64>,
    /// Its nameservers.
    pub name_servers: Vec<String>,
}

/// How the server is. Positions are those of the journal.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq, Default)]
pub struct Status {
    /// Whether a server runs.
    pub running: bool,
    /// The release.
    pub version: String,
    /// The base URL of the API; empty when no server runs.
    pub api_base: String,
    /// Where DNS is answered.
    pub dns: Vec<String>,
    /// The last committed position.
    pub committed: u64,
    /// The position that DNS answers with.
    pub applied: u64,
    /// The position in the edge file.
    pub edge_file: u64,
    /// Zones that are served.
    pub zones: u64,
    /// RRsets that are served.
    pub rrsets: u64,
    /// Octets that DNS holds in memory for all zones.
    pub octets: u64,
    /// What is wrong; none if nothing is.
    pub problem: Option<String>,
}

/// Carries out an operation. `dns` is what this process answers from, if it answers, and `status` is its own; an error
/// is a sentence for the operator.
pub async fn carry_out(
    control: &Control,
    dns: Option<&Catalog>,
    operation: Operation,
    status: impl FnOnce() -> Status,
) -> Result<Outcome, String> {
    let lines = |zones: &[Zone]| Outcome::Zones(zones.iter().map(|zone| line(zone, dns)).collect());
    let done = match operation {
        Operation::AccountList => accounts(control).await,
        Operation::AccountCreate { name, member } => {
            let member = Some(member.unwrap_or_else(|| first_user(control)));
            let made = control.account_create(Actor::Operator, NewAccount { name, member }).await;
            made.map(|account| Outcome::Accounts(vec![AccountLine { id: account.id.to_string(), name: account.name }]))
        }
        Operation::TokenCreate { user, name, account } => return token(control, user, name, account).await,
        Operation::ZoneList => zones(control).await.map(|zones| lines(&zones)),
        Operation::ZoneStatus { zone, active } => {
            let id = find_zone(control, &zone).await?;
            let wanted = if active { ZoneStatus::Active } else { ZoneStatus::Pending };
            let changed = control.zone_set_status(Actor::Operator, id, wanted, false).await;
            changed.map(|zone| lines(&[zone]))
        }
        Operation::Status => Ok(Outcome::Status(status())),
    };
    done.map_err(|refusal| refusal.to_string())
}

/// The email address of the user that the first start makes.
pub fn first_user(control: &Control) -> String {
    format!("admin@{}", control.brand().domain)
}

async fn accounts(control: &Control) -> Result<Outcome, Refusal> {
    let mut lines = Vec::new();
    for page in 1.. {
        let page = Page { page, per_page: PER_PAGE };
        let listing = control.account_list(&Grant::operator(), AccountFilter::default(), page).await?;
        if listing.items.is_empty() {
            break;
        }
        let found = listing.items.into_iter();
        lines.extend(found.map(|account| AccountLine { id: account.id.to_string(), name: account.name }));
    }
    Ok(Outcome::Accounts(lines))
}

async fn zones(control: &Control) -> Result<Vec<Zone>, Refusal> {
    let mut zones = Vec::new();
    for page in 1.. {
        let page = Page { page, per_page: PER_PAGE };
        let listing = control.zone_list(&Grant::operator(), ZoneFilter::default(), page).await?;
        if listing.items.is_empty() {
            break;
        }
        zones.extend(listing.items);
    }
    Ok(zones)
}

async fn token(
    control: &Control,
    user: Option<String>,
    name: String,
    account: Option<String>,
) -> Result<Outcome, String> {
    let policy = match account {
        None => Policy::everything(),
        Some(text) => {
            let id = PublicId::parse(&text).ok_or_else(|| format!("{text:?} is not the id of an account"))?;
            control.account_get(&Grant::operator(), id).await.map_err(|refusal| refusal.to_string())?;
            Policy { permissions: Permission::ALL.to_vec(), resources: vec![Resource::User, Resource::Account(id)] }
        }
    };
    let user = user.unwrap_or_else(|| first_user(control));
    let new = NewToken { user, name, policies: vec![policy], not_before: None, expires_on: None };
    let made = control.token_create(Actor::Operator, new).await.map_err(|refusal| refusal.to_string())?;
    Ok(Outcome::Token { id: made.id.to_string(), token: made.token })
}

/// The zone with this id or name. A name that several accounts have is not enough.
async fn find_zone(control: &Control, text: &str) -> Result<PublicId, String> {
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

fn line(zone: &Zone, dns: Option<&Catalog>) -> ZoneLine {
    let status = match zone.status {
        ZoneStatus::Initializing => "initializing",
        ZoneStatus::Pending => "pending",
        ZoneStatus::Active => "active",
        ZoneStatus::Deleted => "deleted",
    };
    ZoneLine {
        id: zone.id.to_string(),
        name: zone.name.to_string(),
        status: status.to_owned(),
        account: zone.account_name.clone(),
        octets: dns.and_then(|dns| dns.octets_of(ZoneNumber(zone.number))),
        name_servers: zone.name_servers.iter().map(ToString::to_string).collect(),
    }
}

impl fmt::Display for Outcome {
    /// For people: one object per line, columns two blanks apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accounts(accounts) => {
                accounts.iter().try_for_each(|account| writeln!(f, "{}  {}", account.id, account.name))
            }
            Self::Token { token, .. } => writeln!(f, "{token}"),
            Self::Zones(zones) => zones.iter().try_for_each(|zone| {
                let servers = zone.name_servers.join(" ");
                let octets = zone.octets.map_or_else(|| "-".to_owned(), |octets| octets.to_string());
                writeln!(f, "{}  {:<8}  {octets:>9}  {}  {}  {servers}", zone.id, zone.status, zone.name, zone.account)
            }),
            Self::Status(status) => status.fmt(f),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let running = if self.running { "running" } else { "not running" };
        writeln!(f, "waymark {}: {running}", self.version)?;
        if self.running {
            writeln!(f, "API         {}", self.api_base)?;
            writeln!(f, "DNS         {}", self.dns.join(" "))?;
            writeln!(f, "serves      {} zones, {} RRsets, {} octets", self.zones, self.rrsets, self.octets)?;
        }
        write!(f, "positions   committed {}", self.committed)?;
        if self.running {
            write!(f, ", applied {}, edge file {}", self.applied, self.edge_file)?;
        }
        writeln!(f)?;
        match &self.problem {
            Some(problem) => writeln!(f, "problem     {problem}"),
            None => Ok(()),
        }
    }
}
