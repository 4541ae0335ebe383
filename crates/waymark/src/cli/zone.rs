//! What can be said about zones.

use clap::{Subcommand, ValueEnum};

use super::Output;

/// Commands about zones.
#[derive(Subcommand, Debug)]
pub enum ZoneCommand {
    /// List the zones of all accounts.
    List(Output),
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

/// A status that an operator can give a zone.
#[derive(ValueEnum, Debug, Clone, Copy)]
pub enum ZoneState {
    /// Claimed: answers at its own nameservers' addresses only.
    Pending,
    /// In force: answers everywhere. The zone is trusted, not proven.
    Active,
}
