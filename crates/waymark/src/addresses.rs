//! Whether the addresses of nameservers lead to this machine, and how to make them.
//!
//! ```text
//!  pools and further networks (configuration) --> Wanted --compared with--> Routes (what the kernel has) --> Lead
//!                                                                           up: a local route for what is missing
//! ```
//!
//! A *local route* makes the kernel take a whole network for its own, without an address on any interface: one line for
//! a pool of any size. Only the kernel knows what is there: nothing is written down elsewhere. What this program adds
//! bears its number as the routing protocol, so that it takes away what it has added and nothing else.
//!
//! - [`routes`]: the kernel's routing tables, read and changed through `ip` (iproute2). It is on every Linux server, its
//!   words are those that an operator would type, and it is asked only when somebody gives a command; a netlink library
//!   of thirty crates would do the same without showing it.

pub mod routes;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use crate::config::{Config, Network};

use routes::{Route, Routes};

/// How long a datagram to this machine may take.
const PROBE_WAIT: Duration = Duration::from_millis(200);

/// A network whose addresses should lead here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// The network.
    pub network: Network<IpAddr>,
    /// What it is for.
    pub purpose: &'static str,
    /// Which of its addresses nameservers have; empty if that is not known, or all of it matters.
    pub in_use: Vec<IpAddr>,
}

/// How a network or an address leads to this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lead {
    /// All of it, by these routes.
    Here(Vec<Route>),
    /// Not, or not all of it.
    Elsewhere,
}

/// Every network that should lead here: the pools, and those that the configuration adds. `in_use` are the addresses of
/// nameservers, as far as they are known.
pub fn wanted(config: &Config, in_use: &[IpAddr]) -> Vec<Wanted> {
    let pools = &config.pools;
    let of = |network: Network<IpAddr>, purpose| {
        let in_use = in_use.iter().copied().filter(|address| network.contains(*address)).collect();
        Wanted { network, purpose, in_use }
    };
    let mut all = vec![
        of(pools.nameserver_v4.of_any_version(), "nameservers, IPv4"),
        of(pools.nameserver_v6.of_any_version(), "nameservers, IPv6"),
    ];
    all.extend(pools.extra_addresses.iter().map(|network| Wanted {
        network: *network,
        purpose: "extra",
        in_use: Vec::new(),
    }));
    all
}

impl Wanted {
    /// How it leads here: as a whole, or at least every address in use.
    pub fn lead(&self, routes: &Routes) -> Lead {
        if let Some(route) = routes.local_for(&self.network) {
            return Lead::Here(vec![route.clone()]);
        }
        let mut found: Vec<Route> = Vec::new();
        for address in &self.in_use {
            match routes.local_for_address(*address) {
                Some(route) if found.contains(route) => {}
                Some(route) => found.push(route.clone()),
                None => return Lead::Elsewhere,
            }
        }
        if found.is_empty() { Lead::Elsewhere } else { Lead::Here(found) }
    }
}

/// Whether the first address of this pool leads here: a datagram to it arrives.
pub fn reaches_this_machine(pool: &Network<Ipv6Addr>) -> bool {
    arrives(IpAddr::V6(Ipv6Addr::from_bits(pool.address.to_bits().saturating_add(1))))
}

fn arrives(address: IpAddr) -> bool {
    let wildcard = match address {
        IpAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        IpAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let probe = || -> std::io::Result<bool> {
        let mut token = [0; 16];
        getrandom::fill(&mut token).map_err(|_| std::io::ErrorKind::Unsupported)?;
        let receiver = UdpSocket::bind(wildcard)?;
        receiver.set_read_timeout(Some(PROBE_WAIT))?;
        UdpSocket::bind(wildcard)?.send_to(&token, (address, receiver.local_addr()?.port()))?;
        let mut received = [0; 17];
        let length = receiver.recv(&mut received)?;
        Ok(received[..length] == token)
    };
    probe().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Setting;

    fn network(text: &str) -> Network<IpAddr> {
        Vec::<Network<IpAddr>>::from_text(text).unwrap()[0]
    }

    #[test]
    fn loopback_leads_here_and_documentation_does_not() {
        assert!(arrives(IpAddr::V4(Ipv4Addr::new(127, 53, 0, 1))));
        assert!(!arrives(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))));
    }

    #[test]
    fn a_network_leads_here_as_a_whole_or_by_the_addresses_in_use() {
        let routes = Routes::of_text(
            r#"[{"type":"local","dst":"127.0.0.0/8","dev":"lo","protocol":"kernel"},
                {"type":"local","dst":"192.0.2.1","dev":"eth0","protocol":"kernel"},
                {"type":"local","dst":"192.0.2.2","dev":"eth0","protocol":"kernel"},
                {"type":"broadcast","dst":"192.0.2.15","dev":"eth0","protocol":"kernel"}]"#,
            "[]",
        );
        let lead = |text: &str, in_use: &[&str]| {
            let in_use = in_use.iter().map(|address| address.parse().unwrap()).collect();
            Wanted { network: network(text), purpose: "", in_use }.lead(&routes)
        };
        let by = |lead: Lead| match lead {
            Lead::Here(routes) => routes.iter().map(|route| route.network.to_string()).collect(),
            Lead::Elsewhere => vec![],
        };
        assert_eq!(by(lead("127.53.0.0/16", &[])), ["127.0.0.0/8"]);
        assert_eq!(by(lead("192.0.2.0/28", &[])), [""; 0]);
        assert_eq!(by(lead("192.0.2.0/28", &["192.0.2.1", "192.0.2.2"])), ["192.0.2.1/32", "192.0.2.2/32"]);
        assert_eq!(by(lead("192.0.2.0/28", &["192.0.2.1", "192.0.2.15"])), [""; 0], "a broadcast is no address");
        assert_eq!(by(lead("fd53::/64", &[])), [""; 0]);
    }

    #[test]
    fn pools_and_further_networks_are_wanted() {
        let mut config = Config::default();
        config.pools.extra_addresses = vec![network("192.0.2.53/32")];
        let in_use = ["127.53.0.1", "fd53::1"].map(|text| text.parse().unwrap());
        let all = wanted(&config, &in_use);
        let shown: Vec<_> = all.iter().map(|wanted| (wanted.network.to_string(), wanted.in_use.len())).collect();
        let expected = [("127.53.0.0/16", 1), ("fd53::/64", 1), ("192.0.2.53/32", 0)];
        assert_eq!(shown, expected.map(|(text, count)| (text.to_owned(), count)));
    }
}
