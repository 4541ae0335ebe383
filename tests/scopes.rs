//! Who answers what: one zone name in several accounts, asked at the addresses of each one's nameservers.
//!
//! The rules are DESIGN's "Who answers what"; each step of a test names the one that it is about.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};

use waymark::config::Network;
use waymark_control::Status;

use crate::harness::dns::{self, BOTH, Over, line};
use crate::harness::{Node, Zone};

/// What `www` of a zone of ours is, so that an answer says whose it is.
fn mark(zone: &mut Zone<'_>, address: &str) {
    zone.record("www", "A", address);
}

fn set(names: &[String]) -> BTreeSet<&str> {
    names.iter().map(String::as_str).collect()
}

/// Claims of one name by accounts of their own, the first by the first account. Each has a record that says which it
/// is: `www A 192.0.2.<number>`. No two have a nameserver in common.
fn claims<'n>(node: &'n Node, count: usize, name: &str) -> Vec<Zone<'n>> {
    let mut zones: Vec<Zone<'n>> = Vec::new();
    // An account's default pair is random: one that overlaps with those before is tried again with another account.
    for attempt in 0..50 {
        let account = if attempt == 0 { node.first().clone() } else { node.account(&format!("account-{attempt}")) };
        let mut zone = node.zone_of(&account, name);
        if zones.iter().any(|other| !set(&other.name_servers).is_disjoint(&set(&zone.name_servers))) {
            zone.delete();
            continue;
        }
        mark(&mut zone, &format!("192.0.2.{}", zones.len()));
        zones.push(zone);
        if zones.len() == count {
            return zones;
        }
    }
    panic!("50 accounts have no {count} pairs without a common nameserver");
}

/// A zone of another account that has no nameserver in common with this one.
fn apart<'n>(node: &'n Node, zone: &Zone<'_>, name: &str) -> Zone<'n> {
    for attempt in 0..50 {
        let other = node.zone_of(&node.account(&format!("apart-{attempt}")), name);
        if set(&other.name_servers).is_disjoint(&set(&zone.name_servers)) {
            return other;
        }
        other.delete();
    }
    panic!("50 accounts have no pair without a common nameserver");
}

/// The number of the claim that answers at this address; none: REFUSED.
fn who(server: SocketAddr, name: &str) -> Option<usize> {
    let told = BOTH.map(|over| line(&dns::ask(server, over, &format!("www.{name}"), "A")));
    assert_eq!(told[0], told[1], "UDP and TCP differ at {server}");
    if told[0] == "REFUSED" {
        return None;
    }
    let number = told[0].strip_prefix("NOERROR, aa, A 192.0.2.").and_then(|number| number.parse().ok());
    Some(number.unwrap_or_else(|| panic!("{} at {server}", told[0])))
}

/// An address of a nameserver that none of these zones has.
fn foreign(node: &Node, zones: &[Zone<'_>]) -> SocketAddr {
    let all = node.block_on(node.control().nameserver_list()).expect("the nameservers");
    let taken: BTreeSet<&str> = zones.iter().flat_map(|zone| set(&zone.name_servers)).collect();
    let free = all.iter().map(|server| server.name.to_string()).find(|name| !taken.contains(name.as_str()));
    node.nameserver(&free.expect("there are more nameservers than two pairs"))
}

#[test]
fn two_accounts_have_a_zone_of_one_name_and_each_is_asked_at_its_own_addresses() {
    let node = Node::start();
    let zones = claims(&node, 2, "example.com");
    assert_ne!(set(&zones[0].name_servers), set(&zones[1].name_servers), "claims of one name differ in their pair");
    let mut asked = BTreeSet::new();
    for (number, zone) in zones.iter().enumerate() {
        for server in zone.addresses() {
            assert!(server.ip().to_string().starts_with("127.53."), "{server} is from the default pool");
            assert!(asked.insert(server), "{server} belongs to both");
            assert_eq!(who(server, "example.com"), Some(number), "{server} is the zone's own address");
            let nameservers: Vec<String> = zone.name_servers.iter().map(|name| format!("{name}.")).collect();
            for over in BOTH {
                let reply = dns::ask(server, over, "example.com", "NS");
                let told = dns::data(&reply.answers, "example.com", "NS");
                assert_eq!(set(&told), set(&nameservers), "the NS records are the zone's own pair");
            }
        }
    }
    assert_eq!(who(node.dns(), "example.com"), Some(0), "an address that no one owns: the oldest claim");
}

#[test]
fn a_zone_name_goes_from_scope_to_scope() {
    let node = Node::start();
    let mut zones = claims(&node, 2, "example.com");
    let foreign = foreign(&node, &zones);
    let own: Vec<Vec<SocketAddr>> = zones.iter().map(Zone::addresses).collect();
    let see = |expected: [Option<usize>; 4], why: &str| {
        let [first, second, nobodys, others] = expected;
        for (servers, expected) in [(&own[0], first), (&own[1], second)] {
            for server in servers {
                assert_eq!(who(*server, "example.com"), expected, "{server}: {why}");
            }
        }
        assert_eq!(who(node.dns(), "example.com"), nobodys, "an address of nobody: {why}");
        assert_eq!(who(foreign, "example.com"), others, "the address of another nameserver: {why}");
    };
    see([Some(0), Some(1), Some(0), None], "pending zones answer in their own scopes, the oldest in the scope of all");
    zones[1].set_status(Status::Active);
    see([Some(0), Some(1), Some(1), Some(1)], "the active one has every scope that is not another's own");
    zones[1].set_status(Status::Pending);
    see([Some(0), Some(1), Some(0), None], "and gives them back");
    zones[1].set_status(Status::Active);
    zones.pop().unwrap().delete();
    see([Some(0), None, Some(0), None], "the claims of a deleted zone pass on; a pending zone is nowhere else");
    zones[0].set_status(Status::Active);
    see([Some(0), Some(0), Some(0), Some(0)], "an active zone answers at the addresses that were just left");
    zones.pop().unwrap().delete();
    see([None, None, None, None], "nothing is left");
}

#[test]
fn a_shared_nameserver_answers_for_the_oldest_claim_and_then_for_the_next() {
    // Six nameservers, three on each side of a pair: of four pairs two have one in common.
    let small = Network { address: Ipv4Addr::new(127, 53, 0, 0), prefix: 29 };
    let node = Node::start_with(|config, _| config.pools.nameserver_v4 = small);
    let mut zones: Vec<(usize, Zone<'_>)> = Vec::new();
    for number in 0..4 {
        let mut zone = node.zone_of(&node.account(&format!("account-{number}")), "example.com");
        mark(&mut zone, &format!("192.0.2.{number}"));
        zones.push((number, zone));
    }
    let pairs: BTreeSet<BTreeSet<&str>> = zones.iter().map(|(_, zone)| set(&zone.name_servers)).collect();
    assert_eq!(pairs.len(), 4, "no two claims have the same pair");
    // The oldest, and so on, of those that have this nameserver.
    let holders = |zones: &[(usize, Zone<'_>)], name: &str| -> Vec<usize> {
        zones.iter().filter(|(_, zone)| set(&zone.name_servers).contains(name)).map(|(number, _)| *number).collect()
    };
    let mut names = zones.iter().flat_map(|(_, zone)| zone.name_servers.clone());
    let shared = names.find(|name| holders(&zones, name).len() > 1).expect("four pairs of six overlap");
    drop(names);
    let (server, order) = (node.nameserver(&shared), holders(&zones, &shared));
    let last = *order.last().unwrap();
    assert_eq!(who(server, "example.com"), Some(order[0]), "the oldest claim has the scope");
    zones[last].1.set_status(Status::Active);
    assert_eq!(who(server, "example.com"), Some(last), "the active one has it before the oldest claim");
    zones[last].1.set_status(Status::Pending);
    assert_eq!(who(server, "example.com"), Some(order[0]), "and then the oldest again");
    for (held, next) in order.iter().zip(order[1..].iter().map(Some).chain([None])) {
        let at = zones.iter().position(|(number, _)| number == held).unwrap();
        zones.remove(at).1.delete();
        assert_eq!(who(server, "example.com"), next.copied(), "a deleted zone's claim passes on, to the next oldest");
    }
}

#[test]
fn a_serial_survives_deletion_and_re_creation() {
    let node = Node::start();
    let serial = |zone: &Zone<'_>| -> u32 {
        let soa = dns::data(&zone.ask(Over::Udp, "@", "SOA").answers, "example.com", "SOA");
        soa[0].split(' ').nth(2).unwrap().parse().unwrap()
    };
    let mut zone = node.zone("example.com");
    let mut last = serial(&zone);
    for number in 0..20 {
        mark(&mut zone, &format!("192.0.2.{number}"));
        let now = serial(&zone);
        assert!(now > last, "every change of the data moves the serial: {last} {now}");
        last = now;
    }
    zone.delete();
    let again = node.zone("example.com");
    assert!(serial(&again) > last, "a new zone of the name goes on where the old one was");
}

#[test]
fn the_parents_address_refers_and_the_childs_answers() {
    let node = Node::start();
    let mut parent = node.zone("example.com");
    // A claim of the child's name in the parent's account would share its scope: that is the next test.
    let mut child = apart(&node, &parent, "child.example.com");
    mark(&mut child, "192.0.2.1");
    for name_server in &child.name_servers {
        parent.record("child", "NS", name_server);
    }
    for over in BOTH {
        for server in parent.addresses() {
            let reply = dns::ask(server, over, "www.child.example.com", "A");
            assert_eq!(line(&reply), "NOERROR", "a referral has no authority");
            assert_eq!(dns::data(&reply.authority, "child.example.com", "NS").len(), 2);
        }
        for server in child.addresses() {
            assert_eq!(line(&dns::ask(server, over, "www.child.example.com", "A")), "NOERROR, aa, A 192.0.2.1");
        }
    }
}

#[test]
fn where_parent_and_child_share_a_scope_the_child_answers_and_the_parent_has_the_ds() {
    let node = Node::start();
    let mut parent = node.zone("example.com");
    let mut child = node.zone("child.example.com");
    assert_eq!(set(&parent.name_servers), set(&child.name_servers), "an account has one default pair");
    mark(&mut child, "192.0.2.1");
    for name_server in &child.name_servers {
        parent.record("child", "NS", name_server);
    }
    for server in parent.addresses() {
        for over in BOTH {
            let ask = |name: &str, record_type: &str| dns::ask(server, over, name, record_type);
            assert_eq!(line(&ask("www.child.example.com", "A")), "NOERROR, aa, A 192.0.2.1");
            assert_eq!(line(&ask("nowhere.child.example.com", "A")), "NXDOMAIN, aa");
            let soa_of = |reply: &waymark_resolve::Reply| reply.authority[0].owner.to_string();
            assert_eq!(soa_of(&ask("child.example.com", "TXT")), "child.example.com");
            let ds = ask("child.example.com", "DS");
            assert_eq!((line(&ds).as_str(), soa_of(&ds).as_str()), ("NOERROR, aa", "example.com"));
        }
    }
}

#[test]
fn an_alias_crosses_into_zones_of_its_own_account_only() {
    let node = Node::start();
    let mut zone = node.zone("example.com");
    let mut kin = node.zone("kin.test");
    let mut stranger = node.zone_of(&node.account("stranger"), "stranger.test");
    mark(&mut kin, "192.0.2.1");
    mark(&mut stranger, "192.0.2.2");
    zone.record("kin", "CNAME", "www.kin.test");
    zone.record("stranger", "CNAME", "www.stranger.test");
    for over in BOTH {
        assert_eq!(line(&zone.ask(over, "kin", "A")), "NOERROR, aa, A 192.0.2.1, CNAME www.kin.test.");
        assert_eq!(line(&zone.ask(over, "stranger", "A")), "NOERROR, aa, CNAME www.stranger.test.");
    }
    // Active by the operator's word is trusted, not proven: nobody can answer for a name by adding it.
    stranger.set_status(Status::Active);
    assert_eq!(line(&zone.ask(Over::Udp, "stranger", "A")), "NOERROR, aa, CNAME www.stranger.test.");
}

#[test]
fn the_brand_zone_has_the_addresses_of_every_nameserver() {
    let node = Node::start();
    let all = node.block_on(node.control().nameserver_list()).unwrap();
    assert!(all.len() >= 4, "there is more than one pair");
    let mut seen = BTreeSet::new();
    for over in BOTH {
        for server in &all {
            let name = server.name.to_string();
            assert!(name.ends_with(".ns.waymark.test"), "{name}");
            let told = dns::data(&dns::ask(node.dns(), over, &name, "A").answers, &name, "A");
            let expected: Vec<String> =
                server.addresses.iter().filter(|address| address.is_ipv4()).map(ToString::to_string).collect();
            assert!(!expected.is_empty());
            assert_eq!(told, expected);
            seen.extend(told);
            // Assigned, and not published until the operator says that the network is reachable.
            assert!(server.addresses.iter().any(|address| address.is_ipv6()));
            assert_eq!(line(&dns::ask(node.dns(), over, &name, "AAAA")), "NOERROR, aa");
        }
        assert_eq!(line(&dns::ask(node.dns(), over, "nobody.ns.waymark.test", "A")), "NXDOMAIN, aa");
        assert_eq!(dns::ask(node.dns(), over, "waymark.test", "SOA").answers.len(), 1);
    }
    assert_eq!(seen.len(), all.len(), "an address of an exclusive pool belongs to one name");
}

#[test]
fn the_nameservers_own_addresses_answer_for_the_brand_zone_too() {
    let node = Node::start();
    let zone = node.zone("example.com");
    for (name, server) in zone.name_servers.iter().zip(zone.addresses()) {
        for over in BOTH {
            assert_eq!(line(&dns::ask(server, over, name, "A")), format!("NOERROR, aa, A {}", server.ip()));
        }
    }
}
