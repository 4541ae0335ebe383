//! What an operator can do with the store: one list of operations, whoever asks.
//!
//! The same functions run inside the server, for requests that come through the control socket, and in the command
//! itself, when no server runs and it has opened the store. So both give the same answer, with the same rules. What is
//! about one noun is in the file of that noun.

mod accounts;
pub mod exchange;
mod nameservers;
mod status;
mod tokens;
mod zone_dump;
mod zone_export;
mod zone_import;
mod zone_list;
mod zones;

use std::fmt;

use serde::{Deserialize, Serialize};
use waymark_control::Control;
use waymark_zone::Catalog;

pub use accounts::{AccountDetails, AccountLine, first_user};
pub use exchange::Exchange;
pub use nameservers::NameserverLine;
pub use status::{Feed, Status};
pub use tokens::{TokenLine, TokenOrder, permission_words, read_only_words};
pub use zones::{ZoneDetails, ZoneLine};

/// What an edge alone says to whoever wants something of control.
pub const NO_CONTROL: &str = "this server is an edge alone and has no accounts, tokens or zones to show or change: give \
                              the command to the server with the role control";

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
    TokenCreate(TokenOrder),
    /// All tokens.
    TokenList,
    /// The end of a token.
    TokenRevoke {
        /// Its id.
        id: String,
    },
    /// A new secret for a token.
    TokenRoll {
        /// Its id.
        id: String,
    },
    /// One account.
    AccountShow {
        /// Its name or id.
        account: String,
    },
    /// A new name for an account.
    AccountRename {
        /// Its name or id.
        account: String,
        /// The new name.
        name: String,
    },
    /// A new zone.
    ZoneCreate {
        /// Its name.
        name: String,
        /// The name or id of its account; none: the only one there is.
        account: Option<String>,
        /// Whether it is in force at once.
        activate: bool,
    },
    /// One zone.
    ZoneShow {
        /// Its name or id.
        zone: String,
    },
    /// The end of a zone.
    ZoneDelete {
        /// Its name or id.
        zone: String,
    },
    /// A new status for a zone.
    ZoneStatus {
        /// Its name or id.
        zone: String,
        /// Whether it is in force.
        active: bool,
    },
    /// All nameservers of the platform.
    NameserverList,
    /// The nameservers' IPv6 addresses in DNS, or not.
    NameserverPublishIpv6 {
        /// Whether they lead here.
        reachable: bool,
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
    /// One account.
    Account(AccountDetails),
    /// Tokens, without their secrets.
    Tokens(Vec<TokenLine>),
    /// Zones.
    Zones(Vec<ZoneLine>),
    /// One zone.
    Zone(Box<ZoneDetails>),
    /// Nameservers.
    Nameservers(Vec<NameserverLine>),
    /// It is done, and there is nothing to show.
    Done,
    /// How the server is.
    Status(Box<Status>),
}

/// Carries out an operation. `dns` is what this process answers from, if it answers, and `status` is its own; an error
/// is a sentence for the operator.
pub async fn carry_out(
    control: &Control,
    dns: Option<&Catalog>,
    operation: Operation,
    status: impl FnOnce() -> Status,
) -> Result<Outcome, String> {
    let done = match operation {
        Operation::AccountList => accounts::list(control).await,
        Operation::AccountCreate { name, member } => return accounts::create(control, name, member).await,
        Operation::AccountShow { account } => return accounts::show(control, &account).await,
        Operation::AccountRename { account, name } => return accounts::rename(control, &account, name).await,
        Operation::TokenCreate(order) => return tokens::create(control, order).await,
        Operation::TokenList => tokens::list(control).await,
        Operation::TokenRevoke { id } => return tokens::revoke(control, &id).await,
        Operation::TokenRoll { id } => return tokens::roll(control, &id).await,
        Operation::ZoneCreate { name, account, activate } => {
            return zones::create(control, dns, name, account.as_deref(), activate).await;
        }
        Operation::ZoneShow { zone } => return zones::show(control, dns, &zone).await,
        Operation::ZoneDelete { zone } => return zones::delete(control, &zone).await,
        Operation::ZoneStatus { zone, active } => return zones::set_status(control, dns, &zone, active).await,
        Operation::NameserverList => nameservers::list(control).await,
        Operation::NameserverPublishIpv6 { reachable } => nameservers::publish_ipv6(control, reachable).await,
        Operation::Status => Ok(Outcome::Status(Box::new(status()))),
    };
    done.map_err(|refusal| refusal.to_string())
}

impl fmt::Display for Outcome {
    /// For people: one object per line, columns two blanks apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accounts(accounts) => {
                accounts.iter().try_for_each(|account| writeln!(f, "{}  {}", account.id, account.name))
            }
            Self::Account(AccountDetails { id, name, created, zones }) => {
                write!(f, "name     {name}\nid       {id}\ncreated  {created}\nzones    {zones}\n")
            }
            Self::Tokens(tokens) => tokens.iter().try_for_each(|token| writeln!(f, "{token}")),
            Self::Zone(zone) => zone.fmt(f),
            Self::Token { token, .. } => writeln!(f, "{token}"),
            Self::Zones(zones) => zones.iter().try_for_each(|zone| writeln!(f, "{zone}")),
            Self::Nameservers(lines) => lines.iter().try_for_each(|line| {
                let addresses: Vec<String> = line.addresses.iter().map(ToString::to_string).collect();
                writeln!(f, "{}  {}", line.name, addresses.join(" "))
            }),
            Self::Done => writeln!(f, "done"),
            Self::Status(status) => status.fmt(f),
        }
    }
}
