//! What can be said about zones. What is about zone files is in the file beside this one.

use clap::{Args, Subcommand, ValueEnum};

use super::{Output, ZoneDump, ZoneExport, ZoneImport};

/// What is shown behind the help of the group.
pub(super) const EXAMPLES: &str = "\
A zone is named by its name, or by its id where several accounts have one of that name.

Examples:
  waymark zone create example.com
  waymark zone import db.example.com --account 'Example Ltd'
  waymark zone show example.com
  waymark zone status example.com active
  waymark zone export example.com";

/// Commands about zones.
#[derive(Subcommand, Debug)]
pub enum ZoneCommand {
    /// List zones, in canonical order of their names.
    ///
    /// Columns: id, status, octets in memory, records, name, account, nameservers.
    List(ZoneList),
    /// Make a zone, pending, with two nameservers.
    Create {
        /// Its name.
        name: String,
        /// The account that owns it (its name or id) [default: the only one there is].
        #[arg(long, value_name = "ACCOUNT")]
        account: Option<String>,
        /// Make it active at once, as an operator.
        #[arg(long)]
        activate: bool,
        /// How the result is printed.
        #[command(flatten)]
        output: Output,
    },
    /// Show one zone: status, account, plan, nameservers, times.
    Show {
        /// Its name or id.
        zone: String,
        /// How the result is printed.
        #[command(flatten)]
        output: Output,
    },
    /// Delete a zone and its records: DNS does not answer for it any more.
    Delete {
        /// Its name or id.
        zone: String,
        /// How the result is printed.
        #[command(flatten)]
        output: Output,
    },
    /// Import zone files, each into the zone of its SOA record or of its name.
    Import(ZoneImport),
    /// Write zones as zone files: what their owners have written, to be imported again.
    Export(ZoneExport),
    /// Write a zone as the world sees it: all records that are served, with the serial that is served.
    Dump(ZoneDump),
    /// Give a zone a status, as an operator.
    Status {
        /// Its name or id.
        zone: String,
        /// The status.
        status: ZoneState,
        /// How the result is printed.
        #[command(flatten)]
        output: Output,
    },
}

/// Flags of `zone list`.
#[derive(Args, Debug)]
pub struct ZoneList {
    /// Only the zones with this name, in which * stands for any text, like '*.example'.
    pub name: Option<String>,
    /// Only the zones of this account (its name or id).
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// Only the zones with this status: initializing, pending or active.
    #[arg(long)]
    pub status: Option<String>,
    /// How the result is printed.
    #[command(flatten)]
    pub output: Output,
}

/// A status that an operator can give a zone.
#[derive(ValueEnum, Debug, Clone, Copy)]
pub enum ZoneState {
    /// Claimed: answers at its own nameservers' addresses only.
    Pending,
    /// In force: answers everywhere. The zone is trusted, not proven.
    Active,
}
