//! `waymark address`: pools of addresses, and the routes that lead them here.

use std::fmt::Write as _;
use std::net::IpAddr;

use serde::Serialize;

use super::operate::{outcome, outcome_of_the_running};
use super::{Failure, load, print};
use crate::addresses::routes::{self, Routes};
use crate::addresses::{self, Lead, Wanted};
use crate::cli::{AddressCommand, Cli};
use crate::config::{Config, Reachable, Roles};
use crate::directory::Directory;
use crate::operator::{NameserverLine, Operation, Outcome};

/// `waymark address up|down|list`.
pub fn address(cli: &Cli, command: &AddressCommand) -> Result<(), Failure> {
    let config = load(cli)?;
    match command {
        AddressCommand::Up => up(&config),
        AddressCommand::Down => down(&config),
        AddressCommand::List(output) => list(&config, output.json),
    }
}

fn up(config: &Config) -> Result<(), Failure> {
    let running = running_nameservers(config)?;
    let in_use: Vec<IpAddr> = running.iter().flat_map(nameservers).flat_map(|line| line.addresses).collect();
    let mut routes = read()?;
    for wanted in addresses::wanted(config, &in_use) {
        let network = wanted.network;
        match wanted.lead(&routes) {
            Lead::Here(by) => print(&format!("{network}: leads here already, {}\n", words(&by)))?,
            Lead::Elsewhere => {
                let done = routes.lead_here(&network).map_err(|error| error.to_string())?;
                print(&format!("{network}: leads here now, by {done}\n"))?;
                routes = read()?;
            }
        }
    }
    let reached = addresses::reaches_this_machine(&config.pools.nameserver_v6);
    publish(config, running.is_some(), reached)
}

fn down(config: &Config) -> Result<(), Failure> {
    let routes = read()?;
    let all = addresses::wanted(config, &[]);
    let ours: Vec<&Wanted> = all.iter().filter(|wanted| routes.ours(&wanted.network).is_some()).collect();
    if ours.is_empty() {
        return print("there is no route that `waymark address up` has added\n");
    }
    // Who may not take routes away must not withdraw addresses either; who may withdraws them before they lead nowhere.
    if let Some(first) = ours.first() {
        routes::may_change(&first.network).map_err(|error| error.to_string())?;
    }
    let pool = config.pools.nameserver_v6.of_any_version();
    let withdraws = ours.iter().any(|wanted| wanted.network == pool);
    if withdraws {
        let running = running_nameservers(config)?.is_some();
        publish(config, running, false)?;
    }
    for wanted in ours {
        let done = routes::let_go(&wanted.network).map_err(|error| error.to_string())?;
        print(&format!("{}: does not lead here any more, by {done}\n", wanted.network))?;
    }
    Ok(())
}

/// The nameservers of the running server, if there is one that knows them: an edge alone does not.
fn running_nameservers(config: &Config) -> Result<Option<Outcome>, Failure> {
    match config.node.roles {
        Roles::Both => outcome_of_the_running(config, &Operation::NameserverList),
        Roles::Edge => Ok(None),
    }
}

/// Has the running server publish or withdraw the nameservers' IPv6 addresses, and says what came of it.
fn publish(config: &Config, running: bool, reachable: bool) -> Result<(), Failure> {
    if config.node.roles == Roles::Edge {
        return print(
            "whether DNS has the nameservers' IPv6 addresses is for the server with the role control to say\n",
        );
    }
    let fixed = config.pools.nameserver_v6_reachable;
    if fixed != Reachable::Auto {
        let said = fixed == Reachable::Yes;
        return print(&format!(
            "pools.nameserver_v6_reachable is {said}: that is what DNS says, whatever leads here\n"
        ));
    }
    if !running {
        return print("no server runs; the next start looks whether the nameservers' IPv6 addresses lead here\n");
    }
    outcome_of_the_running(config, &Operation::NameserverPublishIpv6 { reachable })?;
    print(match reachable {
        true => "DNS has the nameservers' IPv6 addresses\n",
        false => "DNS does not have the nameservers' IPv6 addresses\n",
    })
}

/// A network, and the addresses in it.
#[derive(Serialize)]
struct Pool {
    network: String,
    purpose: &'static str,
    leads_here: bool,
    how: String,
    addresses: Vec<Address>,
}

#[derive(Serialize)]
struct Address {
    address: IpAddr,
    nameserver: String,
    leads_here: bool,
    how: String,
}

fn list(config: &Config, json: bool) -> Result<(), Failure> {
    // Before the first start, and on an edge alone, there are pools, and no nameservers.
    let of_control = config.node.roles == Roles::Both && Directory::holds_an_installation(&config.data.dir);
    let lines = match of_control {
        true => nameservers(&outcome(config, Operation::NameserverList)?),
        false => Vec::new(),
    };
    let routes = read()?;
    let in_use: Vec<IpAddr> = lines.iter().flat_map(|line| line.addresses.clone()).collect();
    let mut pools = Vec::new();
    for wanted in addresses::wanted(config, &in_use) {
        let (leads_here, how) = match wanted.lead(&routes) {
            Lead::Here(by) => (true, words(&by)),
            Lead::Elsewhere => (false, "not; `waymark address up` makes it so".to_owned()),
        };
        let of_line = |line: &NameserverLine| -> Vec<Address> {
            let inside = line.addresses.iter().filter(|address| wanted.network.contains(**address));
            inside.map(|address| of_address(*address, line, &routes)).collect()
        };
        let addresses = lines.iter().flat_map(of_line).collect();
        let (network, purpose) = (wanted.network.to_string(), wanted.purpose);
        pools.push(Pool { network, purpose, leads_here, how, addresses });
    }
    match json {
        true => print(&format!("{}\n", serde_json::to_string_pretty(&pools).map_err(|why| why.to_string())?)),
        false => print(&text(&pools)),
    }
}

fn of_address(address: IpAddr, line: &NameserverLine, routes: &Routes) -> Address {
    let route = routes.local_for_address(address);
    let how = route.map_or_else(|| "does not lead here".to_owned(), |route| words(std::slice::from_ref(route)));
    Address { address, nameserver: line.name.clone(), leads_here: route.is_some(), how }
}

fn text(pools: &[Pool]) -> String {
    let mut text = String::new();
    for pool in pools {
        let _ = writeln!(text, "{}  ({}): {}", pool.network, pool.purpose, pool.how);
        for address in &pool.addresses {
            let _ = writeln!(text, "  {:<20}  {}  {}", address.address.to_string(), address.nameserver, address.how);
        }
    }
    text
}

/// How it leads here, in words.
fn words(by: &[routes::Route]) -> String {
    let words = by.iter().map(|route| match route.is_ours {
        true => format!("by the local route {} of `waymark address up`", route.network),
        false => format!("by {} on {}", route.network, route.device),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn read() -> Result<Routes, Failure> {
    Routes::read().map_err(|error| error.to_string())
}

fn nameservers(outcome: &Outcome) -> Vec<NameserverLine> {
    match outcome {
        Outcome::Nameservers(lines) => lines.clone(),
        _ => Vec::new(),
    }
}
