//! The numbers of cookies, response-rate limiting, events and parked questions.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use waymark::NodeOptions;
use waymark::config::{Config, Count, Limit};
use waymark_serve::EdgeFile;
use waymark_serve::parked::{Order, Supplier};
use waymark_zone::answer::{Needs, NoSupplies, SignatureOf, Supplies};
use waymark_zone::published::RRset;

use super::{all_moved, sum, until};
use crate::harness::dns::{self, BOTH, Over};
use crate::harness::metrics::Metrics;
use crate::harness::{Client, Credentials, Node, Scratch};

pub(super) const COOKIES: &[&str] = &["waymark_dns_cookies"];
pub(super) const RATE_LIMIT: &[&str] = &["waymark_dns_rate_limited"];
pub(super) const EVENTS: &[&str] =
    &["waymark_dns_events_recorded", "waymark_dns_events_drained", "waymark_dns_events_drained_octets"];
pub(super) const EVENTS_LOST: &[&str] = &["waymark_dns_events_dropped"];
pub(super) const PARKED: &[&str] = &["waymark_dns_parked", "waymark_dns_parked_questions"];

const OPT: u8 = 41;
const COOKIE: u8 = 10;
const CLIENT_COOKIE: [u8; 8] = *b"a client";

/// A question for A with an OPT record; `options` are a code and its data each.
fn with_options(owner: &str, dnssec_ok: bool, options: &[(u8, &[u8])]) -> Vec<u8> {
    let mut query = dns::question(owner, "A").to_wire(dns::random_id(), false, None);
    query[11] = 1;
    let options: Vec<u8> =
        options.iter().flat_map(|(code, data)| [&[0, *code, 0, data.len() as u8], *data].concat()).collect();
    let dnssec_ok = if dnssec_ok { 0x80 } else { 0 };
    query.extend([0, 0, OPT, 0x04, 0xd0, 0, 0, dnssec_ok, 0, 0, options.len() as u8]);
    query.extend(options);
    query
}

/// Asks with this cookie and gives the one of the answer.
fn cookie_for(server: SocketAddr, over: Over, owner: &str, cookie: &[u8]) -> [u8; 24] {
    let reply = dns::exchange(server, over, &with_options(owner, false, &[(COOKIE, cookie)])).expect("an answer");
    let at = reply.windows(8).position(|octets| octets == CLIENT_COOKIE).expect("a cookie");
    reply[at..at + 24].try_into().expect("24 octets")
}

#[test]
fn cookies_are_counted_by_what_they_are() {
    let node = Node::start();
    node.zone("example.com").record("www", "A", "192.0.2.1");
    let before = node.metrics();
    for over in BOTH {
        let ask = |cookie: &[u8]| cookie_for(node.dns(), over, "www.example.com", cookie);
        let good = ask(&CLIENT_COOKIE);
        assert_eq!(ask(&good), good, "a good cookie comes back");
        let mut bad = good;
        bad[23] ^= 1;
        assert_eq!(ask(&bad)[..8], CLIENT_COOKIE);
    }
    let after = node.metrics();
    all_moved(&before, &after, COOKIES);
    for transport in ["udp", "tcp"] {
        for kind in ["client_only", "good", "bad"] {
            let labels = [("transport", transport), ("cookie", kind)];
            assert_eq!(after.sum("waymark_dns_cookies_total", &labels), 1.0, "{transport} {kind}");
        }
    }
}

#[test]
fn what_the_rate_limit_holds_back_is_counted_and_real_clients_are_answered() {
    let node = Node::start_with(|config, _| {
        config.limits.responses_per_second = Limit(1);
        config.limits.response_slip = Count(2);
    });
    let owner = "www.example.com";
    node.zone("example.com").record("www", "A", "192.0.2.1");
    let before = node.metrics();
    let forger = dns::udp_socket(node.dns()).unwrap();
    let flood = || {
        for _ in 0..20 {
            forger.send(&with_options(owner, false, &[])).unwrap();
        }
        node.metrics()
    };
    let count = |metrics: &Metrics, action: &str| metrics.sum("waymark_dns_rate_limited_total", &[("action", action)]);
    let both = |metrics: &Metrics| count(metrics, "dropped") > 0.0 && count(metrics, "truncated") > 0.0;
    let after = until(flood, "suppressed answers", both);
    all_moved(&before, &after, RATE_LIMIT);
    assert!(after.sum("waymark_dns_truncated_total", &[("transport", "udp")]) >= count(&after, "truncated"));
    for _ in 0..20 {
        assert_eq!(dns::line(&dns::ask(node.dns(), Over::Tcp, owner, "A")), "NOERROR, aa, A 192.0.2.1");
    }
    let good = cookie_for(node.dns(), Over::Tcp, owner, &CLIENT_COOKIE);
    for _ in 0..20 {
        cookie_for(node.dns(), Over::Udp, owner, &good);
    }
}

#[test]
fn without_a_limit_nothing_is_held_back() {
    let node = Node::start();
    for _ in 0..200 {
        dns::ask(node.dns(), Over::Udp, "nowhere.test", "A");
    }
    assert_eq!(sum(&node.metrics(), "waymark_dns_rate_limited"), 0.0);
}

#[test]
fn events_are_counted_when_they_are_left_and_when_they_are_read() {
    let node = Node::start();
    let before = until(|| node.metrics(), "events of the start", settled);
    dns::ask(node.dns(), Over::Udp, "www.example.com", "A");
    dns::ask(node.dns(), Over::Tcp, "www.example.com", "A");
    let recorded = sum(&before, "waymark_dns_events_recorded") + 2.0;
    let read = |metrics: &Metrics| sum(metrics, "waymark_dns_events_drained") == recorded && settled(metrics);
    let after = until(|| node.metrics(), "two events", read);
    all_moved(&before, &after, EVENTS);
    assert_eq!(sum(&after, "waymark_dns_events_dropped"), 0.0);
}

/// Everything that was recorded has been read.
fn settled(metrics: &Metrics) -> bool {
    sum(metrics, "waymark_dns_events_recorded") == sum(metrics, "waymark_dns_events_drained")
}

#[test]
fn events_that_do_not_fit_are_counted() {
    let node = Node::start_with(|config, _| config.limits.event_ring_octets = Count(1024));
    let before = node.metrics();
    let burst = || {
        let client = dns::udp_socket(node.dns()).unwrap();
        for _ in 0..60 {
            client.send(&with_options("www.example.com", false, &[])).unwrap();
        }
        node.metrics()
    };
    let after = until(burst, "a full ring", |metrics| sum(metrics, "waymark_dns_events_dropped") > 0.0);
    all_moved(&before, &after, EVENTS_LOST);
}

#[test]
fn without_events_none_is_left() {
    let node = Node::start_with(|config, _| config.dns.event_sample = Count(0));
    dns::ask(node.dns(), Over::Udp, "www.example.com", "A");
    assert_eq!(sum(&node.metrics(), "waymark_dns_events_recorded"), 0.0);
}

/// Keeps what is asked for until the test has decided.
#[derive(Default)]
struct Kept(Mutex<Vec<Order>>);

impl Supplier for Kept {
    fn supply(&self, _needs: &Needs, order: Order) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(order);
    }
}

impl Kept {
    fn next(&self) -> Order {
        loop {
            if let Some(order) = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop() {
                return order;
            }
            std::thread::yield_now();
        }
    }
}

/// A signature for everything.
struct Signed;

impl Supplies for Signed {
    fn signature(&self, _of: &SignatureOf<'_>) -> Option<&[u8]> {
        Some(b"signature")
    }
}

/// Makes the zone one whose answers carry signatures. The API cannot say so yet; the edge file can.
fn sign(config: &Config, apex: &str) {
    let file = EdgeFile::open(&config.data.dir.join("edge.redb")).unwrap();
    let snapshot = file.read().unwrap().expect("a filled file");
    let (incarnation, position) = snapshot.state();
    let zones: Vec<_> = snapshot.zones().unwrap().map(Result::unwrap).collect();
    let names = |zone| snapshot.names(zone).unwrap().flat_map(|name| name.unwrap().1).collect::<Vec<RRset>>();
    let zones: Vec<_> = zones.into_iter().map(|stored| (names(stored.zone), stored)).collect();
    let scopes = snapshot.scopes().unwrap();
    drop(snapshot);
    let mut fill = file.replace_all(incarnation, position).unwrap();
    for (rrsets, mut stored) in zones {
        stored.header.signed = stored.header.apex == dns::name(apex);
        fill.zone(stored.zone, stored.version, stored.serial, &stored.header).unwrap();
        fill.rrsets(stored.zone, &rrsets).unwrap();
    }
    fill.scopes(&scopes).unwrap();
    fill.finish().unwrap();
}

/// A node with the zone `signed.test`, and who is asked for its signatures.
fn signing_node(directory: &Scratch) -> (waymark::Node, Arc<Kept>) {
    let mut config = Config::default();
    config.data.dir = directory.join("data");
    config.api.listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    config.dns.listen = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
    // One zone may have as many boxes as are free: the second question finds no room.
    config.limits.parked_questions = Limit(2);
    config.limits.parked_milliseconds = Count(60_000);
    let node = waymark::Node::start(config.clone(), NodeOptions::default()).unwrap();
    let token = Credentials::Token(node.bootstrap().expect("a new directory").token.clone());
    let mut client = Client::new(node.api_address(), token);
    let zone = client.post("/zones", &json!({"name": "signed.test"})).ok();
    let path = format!("/zones/{}/dns_records", zone["id"].as_str().expect("an id"));
    client.post(&path, &json!({"name": "www", "type": "A", "content": "192.0.2.1", "ttl": 300})).ok();
    drop(client);
    node.stop();
    sign(&config, "signed.test");
    let supplier = Arc::<Kept>::default();
    let options = NodeOptions { supplier: Some(supplier.clone()), ..NodeOptions::default() };
    (waymark::Node::start(config, options).unwrap(), supplier)
}

fn parked(metrics: &Metrics, outcome: &str) -> f64 {
    metrics.sum("waymark_dns_parked_questions_total", &[("outcome", outcome)])
}

/// The response code of the next answer, and whether it has records.
fn next_answer(client: &UdpSocket) -> (u8, bool) {
    let mut answer = [0; 1500];
    client.recv(&mut answer).expect("an answer");
    (answer[3] & 0x0f, answer[7] > 0)
}

#[test]
fn questions_that_wait_are_counted_by_what_becomes_of_them() {
    let directory = Scratch::new();
    let (node, supplier) = signing_node(&directory);
    let metrics = || {
        let response = Client::new(node.api_address(), Credentials::Nobody).get("/metrics");
        Metrics::parse(&response.text())
    };
    let before = metrics();
    let client = dns::udp_socket(node.dns_address()).unwrap();
    let ask = || {
        client.send(&with_options("www.signed.test", true, &[])).unwrap();
        metrics()
    };
    let admitted = |count: f64| move |metrics: &Metrics| parked(metrics, "admitted") == count;
    // Before the supplier's thread runs such questions fail at once.
    let waiting = until(ask, "a question that waits", admitted(1.0));
    all_moved(&before, &waiting, PARKED);
    assert_eq!(sum(&waiting, "waymark_dns_parked"), 1.0);
    until(ask, "a question without room", |metrics| parked(metrics, "refused") > 0.0);
    supplier.next().supplied(Box::new(Signed));
    while next_answer(&client) != (0, true) {}
    until(metrics, "its end", |metrics| parked(metrics, "resumed") == 1.0 && sum(metrics, "waymark_dns_parked") == 0.0);
    until(ask, "another one", admitted(2.0));
    // Three times something was supplied, and not what was needed.
    for _ in 0..3 {
        supplier.next().supplied(Box::new(NoSupplies));
    }
    let after = until(metrics, "its failure", |metrics| parked(metrics, "expired") == 1.0);
    assert_eq!((parked(&after, "resumed"), sum(&after, "waymark_dns_parked")), (1.0, 0.0));
    while next_answer(&client) != (2, false) {}
    node.stop();
}
