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

pub use accounts::{AccountLine, first_user};
pub use exchange::Exchange;
pub use nameservers::NameserverLine;
pub use status::Status;
pub use zones::ZoneLine;

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
    /// Zones.
    Zones(Vec<ZoneLine>),
    /// Nameservers.
    Nameservers(Vec<NameserverLine>),
    /// It is done, and there is nothing to show.
    Done,
    /// How the server is.
    Status(Status),
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
        Operation::AccountCreate { name, member } => accounts::create(control, name, member).await,
        Operation::TokenCreate { user, name, account } => return tokens::create(control, user, name, account).await,
        Operation::ZoneStatus { zone, active } => return zones::set_status(control, dns, &zone, active).await,
        Operation::NameserverList => nameservers::list(control).await,
        Operation::NameserverPublishIpv6 { reachable } => nameservers::publish_ipv6(control, reachable).await,
        Operation::Status => Ok(Outcome::Status(status())),
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
            Self::Token { token, .. } => writeln!(f, "{token}"),
            Self::Zones(zones) => zones.iter().try_for_each(|zone| writeln!(f, "{zone}")),
            Self::Nameservers(lines) => lines.iter().try_for_each(|line| {
                let addresses: Vec<String> = line.addresses.iter().map(ToString::to_string).collect();
                writeln!(f, "{}  {}", line.name, addresses.join(" "))
            }),
            Self::Done => Ok(()),
            Self::Status(status) => status.fmt(f),
        }
    }
}
