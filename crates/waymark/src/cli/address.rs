//! What can be said about the addresses of nameservers.

use clap::Subcommand;

use super::Output;

/// What is shown behind the help of the group.
pub(super) const EXAMPLES: &str = "\
Examples:
  waymark address list
  sudo waymark --data-dir /var/lib/waymark address up
  sudo waymark --data-dir /var/lib/waymark address down";

/// Commands about addresses.
#[derive(Subcommand, Debug)]
pub enum AddressCommand {
    /// Make every pool's addresses lead to this machine, as far as they do not yet (as root).
    ///
    /// Adds one local route for each network that is missing: the pools, and pools.extra_addresses. A running server
    /// then publishes the nameservers' IPv6 addresses. The routes last until the machine starts anew.
    Up,
    /// Take away the routes that `up` has added, and nothing else (as root).
    ///
    /// A running server withdraws the nameservers' IPv6 addresses first.
    Down,
    /// Show every pool and the address of every nameserver, and how it leads to this machine.
    List(Output),
}
