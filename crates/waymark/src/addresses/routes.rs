//! The kernel's routing tables, through `ip`.

use std::io;
use std::net::IpAddr;
use std::process::Command;

use serde::Deserialize;

use crate::config::{Network, Setting};

/// The number that our routes bear as their routing protocol (ip-route(8)); nobody else's, as far as is known.
const PROTOCOL: &str = "53";

/// Why the tables cannot be read or changed. Each is one sentence, with what to do.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// There is no `ip`.
    #[error("cannot run `ip`: {0}: install iproute2")]
    NoTool(#[source] io::Error),
    /// Only root may.
    #[error("`{command}` is for root (or the capability CAP_NET_ADMIN): run this command with sudo")]
    NotPermitted {
        /// What was tried.
        command: String,
    },
    /// It would cut off others.
    #[error(
        "{network} is a network that {device} is connected to: a local route for all of it would cut its other machines \
         off; give this machine its addresses one by one instead: ip address add ADDRESS dev {device}"
    )]
    Connected {
        /// The network that was to lead here.
        network: Network<IpAddr>,
        /// The interface.
        device: String,
    },
    /// What else `ip` said.
    #[error("`{command}` failed: {why}")]
    Failed {
        /// What was tried.
        command: String,
        /// What it said.
        why: String,
    },
}

/// A route of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Route {
    /// Where it leads to.
    pub network: Network<IpAddr>,
    /// The interface.
    pub device: String,
    /// Whether this program has added it.
    pub is_ours: bool,
}

/// What is looked at of the tables.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Routes {
    /// Networks and addresses that are this machine's.
    local: Vec<Route>,
    /// Networks that interfaces are connected to.
    connected: Vec<Route>,
}

/// A route as `ip -json` shows it. Other members are left alone.
#[derive(Deserialize)]
struct Shown {
    #[serde(rename = "type", default)]
    kind: String,
    dst: String,
    #[serde(default)]
    dev: String,
    #[serde(default)]
    protocol: String,
    gateway: Option<String>,
}

impl Routes {
    /// The tables as they are now.
    pub fn read() -> Result<Self, RouteError> {
        let show = |version, table| ip(&[version, "-json", "-details", "route", "show", "table", table]);
        let mut routes = Self::default();
        for version in ["-4", "-6"] {
            routes.add(&show(version, "local")?, &show(version, "main")?);
        }
        Ok(routes)
    }

    #[cfg(test)]
    pub(super) fn of_text(local: &str, main: &str) -> Self {
        let mut routes = Self::default();
        routes.add(local, main);
        routes
    }

    fn add(&mut self, local: &str, main: &str) {
        // `ip` prints nothing at all for a table that does not exist yet.
        let parse = |text: &str| serde_json::from_str::<Vec<Shown>>(text).unwrap_or_default();
        self.local.extend(parse(local).iter().filter(|shown| shown.kind == "local").filter_map(route));
        let connected = parse(main);
        let connected = connected.iter().filter(|shown| shown.gateway.is_none() && shown.dst != "default");
        self.connected.extend(connected.filter_map(route));
    }

    /// The local route that all of this network takes, the narrowest if there are several.
    pub fn local_for(&self, network: &Network<IpAddr>) -> Option<&Route> {
        let covering = self.local.iter().filter(|route| route.network.covers(network));
        covering.max_by_key(|route| route.network.prefix)
    }

    /// The local route of this address.
    pub fn local_for_address(&self, address: IpAddr) -> Option<&Route> {
        let covering = self.local.iter().filter(|route| route.network.contains(address));
        covering.max_by_key(|route| route.network.prefix)
    }

    /// The route for exactly this network that this program has added.
    pub fn ours(&self, network: &Network<IpAddr>) -> Option<&Route> {
        self.local.iter().find(|route| route.is_ours && route.network == *network)
    }

    /// Makes this network lead here. Of single addresses nobody else has need; of a network that an interface is
    /// connected to, others have.
    pub fn lead_here(&self, network: &Network<IpAddr>) -> Result<String, RouteError> {
        let connected = self.connected.iter().find(|route| {
            !network.is_one_address() && (route.network.covers(network) || network.covers(&route.network))
        });
        match connected {
            Some(route) => Err(RouteError::Connected { network: *network, device: route.device.clone() }),
            None => change("add", network),
        }
    }
}

/// Whether this process may change routes: puts our route for this network in its own place.
pub fn may_change(network: &Network<IpAddr>) -> Result<(), RouteError> {
    change("replace", network).map(|_| ())
}

/// Takes our route for this network away.
pub fn let_go(network: &Network<IpAddr>) -> Result<String, RouteError> {
    change("del", network)
}

fn route(shown: &Shown) -> Option<Route> {
    let text = match (shown.dst.contains('/'), shown.dst.contains(':')) {
        (true, _) => shown.dst.clone(),
        (false, false) => format!("{}/32", shown.dst),
        (false, true) => format!("{}/128", shown.dst),
    };
    let network = *Vec::<Network<IpAddr>>::from_text(&text)?.first()?;
    Some(Route { network, device: shown.dev.clone(), is_ours: shown.protocol == PROTOCOL })
}

/// Carries out the command and gives it back.
fn change(verb: &str, network: &Network<IpAddr>) -> Result<String, RouteError> {
    let version = if network.address.is_ipv4() { "-4" } else { "-6" };
    let network = network.to_string();
    let arguments = [version, "route", verb, "local", &network, "dev", "lo", "proto", PROTOCOL];
    ip(&arguments).map(|_| format!("ip {}", arguments.join(" ")))
}

fn ip(arguments: &[&str]) -> Result<String, RouteError> {
    let output = Command::new("ip").env("LC_ALL", "C").args(arguments).output().map_err(RouteError::NoTool)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let why = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    let command = format!("ip {}", arguments.join(" "));
    if why.contains("Operation not permitted") {
        return Err(RouteError::NotPermitted { command });
    }
    // The IPv6 tables of a machine without IPv6.
    if why.contains("does not exist") && arguments.contains(&"show") {
        return Ok(String::new());
    }
    Err(RouteError::Failed { command, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network<IpAddr> {
        Vec::<Network<IpAddr>>::from_text(text).unwrap()[0]
    }

    #[test]
    fn what_ip_shows_is_read() {
        let local = r#"[{"type":"local","dst":"::1","dev":"lo","protocol":"kernel","metric":0,"flags":[]},
            {"type":"local","dst":"fd53::/64","dev":"lo","protocol":"53","metric":1024,"flags":[],"pref":"medium"},
            {"type":"multicast","dst":"ff00::/8","dev":"eth0"}]"#;
        let routes = Routes::of_text(local, "");
        assert_eq!(routes.local.len(), 2);
        assert!(routes.ours(&network("fd53::/64")).is_some() && routes.ours(&network("::1/128")).is_none());
        assert_eq!(routes.local_for_address("fd53::9".parse().unwrap()).map(|route| &*route.device), Some("lo"));
        assert_eq!(routes.local_for_address("ff02::1".parse().unwrap()), None);
    }

    #[test]
    fn the_network_of_an_interface_is_not_taken_away_from_others() {
        let main = r#"[{"dst":"default","gateway":"192.0.2.1","dev":"eth0"},
            {"dst":"192.0.2.0/24","dev":"eth0","protocol":"kernel"},
            {"dst":"198.51.100.0/24","gateway":"192.0.2.7","dev":"eth0"}]"#;
        let routes = Routes::of_text("[]", main);
        for text in ["192.0.2.0/24", "192.0.2.16/28", "192.0.0.0/16"] {
            let refused = routes.lead_here(&network(text)).unwrap_err();
            assert!(matches!(&refused, RouteError::Connected { device, .. } if device == "eth0"), "{text}");
            assert!(refused.to_string().contains("ip address add"), "{refused}");
        }
    }
}
