//! Nameservers: listed, and their IPv6 addresses published or withdrawn.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use waymark_control::{Control, Refusal};

use super::Outcome;

/// A nameserver in a list.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq)]
pub struct NameserverLine {
    /// Its name.
    pub name: String,
    /// Its addresses, IPv4 before IPv6.
    pub addresses: Vec<IpAddr>,
}

pub(super) async fn list(control: &Control) -> Result<Outcome, Refusal> {
    let all = control.nameserver_list().await?.into_iter();
    let line = |nameserver: waymark_control::Nameserver| NameserverLine {
        name: nameserver.name.to_string(),
        addresses: nameserver.addresses,
    };
    Ok(Outcome::Nameservers(all.map(line).collect()))
}

pub(super) async fn publish_ipv6(control: &Control, reachable: bool) -> Result<Outcome, Refusal> {
    control.nameserver_publish_ipv6(reachable).await?;
    Ok(Outcome::Done)
}
