//! Visible: what the API has acknowledged is answered.
//!
//! ```text
//!  8 clients, each with zones of its own: one write over HTTP -> the reply -> one question, from a new source port
//! ```
//!
//! 10,000 writes of every kind over more than 100 zones; after each exactly one question, right after the reply, never
//! a second one. The source port changes with every question, so that the kernel spreads them over all UDP workers;
//! every fourth goes over TCP. Not one answer may be other than what the write made it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::thread;

use serde_json::{Value, json};

use crate::harness::dns::{self, Over};
use crate::harness::node::{Account, WORKERS, text};
use crate::harness::random::Random;
use crate::harness::{Client, Node};

const WRITES: usize = 10_000;
const CLIENTS: usize = 8;
/// Zones that a client has at least, once it has made them; 8 times 13 are more than 100.
const ZONES_MIN: usize = 13;
const ZONES_MAX: usize = 20;
/// Records that a zone has at most.
const RECORDS_MAX: usize = 60;
const RECORD_TYPES: [&str; 6] = ["A", "AAAA", "CNAME", "MX", "TXT", "NS"];

#[test]
fn what_is_acknowledged_is_answered() {
    let node = Node::start();
    let servers = nameservers(&node);
    let before = node.metrics();
    let (node, servers) = (&node, &servers);
    let reports: Vec<Report> = thread::scope(|scope| {
        let clients = (0..CLIENTS).map(|number| scope.spawn(move || Writer::new(node, servers, number).run()));
        clients.collect::<Vec<_>>().into_iter().map(|client| client.join().expect("a client failed")).collect()
    });
    let misses: Vec<&String> = reports.iter().flat_map(|report| &report.misses).collect();
    assert!(
        misses.is_empty(),
        "{} of {WRITES} writes were not visible: {:#?}",
        misses.len(),
        &misses[..misses.len().min(10)]
    );
    let mut writes: BTreeMap<&str, usize> = BTreeMap::new();
    for (kind, count) in reports.iter().flat_map(|report| &report.writes) {
        *writes.entry(kind).or_default() += count;
    }
    assert_eq!(writes.values().sum::<usize>(), WRITES);
    for kind in ["zone create", "zone delete", "create", "PUT", "PATCH content", "PATCH name", "delete"] {
        assert!(writes.get(kind).is_some_and(|count| *count >= 100), "too few of {kind}: {writes:?}");
    }
    let zones: usize = reports.iter().map(|report| report.zones).sum();
    assert!(zones >= 100, "{zones} zones");
    let after = node.metrics();
    let grown = |name: &str, labels: &[(&str, &str)]| after.sum(name, labels) - before.sum(name, labels);
    assert_eq!(grown("waymark_dns_queries_total", &[]), WRITES as f64, "one question for every write, and no other");
    assert!(grown("waymark_dns_queries_total", &[("transport", "tcp")]) >= WRITES as f64 / 10.0, "TCP was asked");
    for worker in 0..WORKERS {
        let asked = grown("waymark_dns_worker_queries_total", &[("worker", &worker.to_string())]);
        assert!(asked >= WRITES as f64 / 100.0, "worker {worker} was asked {asked} times");
    }
}

/// Where each nameserver of the platform is asked.
fn nameservers(node: &Node) -> BTreeMap<String, SocketAddr> {
    let all = node.block_on(node.control().nameserver_list()).expect("the nameservers");
    all.iter().map(|server| (server.name.to_string(), node.nameserver(&server.name.to_string()))).collect()
}

/// What a client has done and seen.
#[derive(Default)]
struct Report {
    writes: BTreeMap<&'static str, usize>,
    zones: usize,
    misses: Vec<String>,
}

/// A client: it knows what it has written, and so what must be answered.
struct Writer<'n> {
    client: Client,
    account: &'n Account,
    servers: &'n BTreeMap<String, SocketAddr>,
    nobodys: SocketAddr,
    random: Random,
    number: usize,
    /// Counts up: every name and every content is new.
    fresh: usize,
    zones: Vec<Written>,
    report: Report,
}

/// A zone as this client has written it.
struct Written {
    id: String,
    name: String,
    addresses: Vec<SocketAddr>,
    records: Vec<Record>,
}

#[derive(Clone)]
struct Record {
    id: String,
    label: String,
    record_type: &'static str,
    content: String,
}

/// What one question must be told after a write.
struct Expected {
    owner: String,
    record_type: &'static str,
    answer: Answer,
}

#[derive(Debug, PartialEq)]
enum Answer {
    Data(Vec<String>),
    Referral(Vec<String>),
    NxDomain,
    Refused,
    Other(String),
}

impl<'n> Writer<'n> {
    fn new(node: &'n Node, servers: &'n BTreeMap<String, SocketAddr>, number: usize) -> Self {
        Self {
            client: node.client(),
            account: node.first(),
            servers,
            nobodys: node.dns(),
            random: Random::new(number as u64),
            number,
            fresh: 0,
            zones: Vec::new(),
            report: Report::default(),
        }
    }

    fn run(mut self) -> Report {
        for _ in 0..WRITES / CLIENTS {
            if self.zones.len() < ZONES_MIN {
                self.zone_create();
                continue;
            }
            let at = self.random.below(self.zones.len());
            match self.random.below(100) {
                0..8 if self.zones.len() < ZONES_MAX => self.zone_create(),
                0..8 => self.zone_delete(at),
                8..12 if self.zones.len() > ZONES_MIN => self.zone_delete(at),
                _ if self.zones[at].records.is_empty() => self.create(at),
                12..45 if self.zones[at].records.len() < RECORDS_MAX => self.create(at),
                45..62 => self.put(at),
                62..73 => self.patch_content(at),
                73..84 => self.patch_name(at),
                _ => self.delete(at),
            }
        }
        self.report
    }

    fn fresh(&mut self) -> usize {
        self.fresh += 1;
        self.fresh
    }

    fn zone_create(&mut self) {
        let name = format!("z{}.client-{}.test", self.fresh(), self.number);
        let made = self.client.post("/zones", &json!({"name": name, "account": {"id": self.account.id}})).ok();
        let server = |name: &Value| self.servers[name.as_str().expect("a name")];
        let addresses: Vec<SocketAddr> = made["name_servers"].as_array().expect("a pair").iter().map(server).collect();
        self.zones.push(Written { id: text(&made["id"]), name: name.clone(), addresses, records: Vec::new() });
        self.report.zones += 1;
        let mut nameservers: Vec<String> =
            made["name_servers"].as_array().unwrap().iter().map(|name| format!("{}.", text(name))).collect();
        nameservers.sort();
        let expected = Expected { owner: name, record_type: "NS", answer: Answer::Data(nameservers) };
        self.see("zone create", self.zones.len() - 1, &expected);
    }

    fn zone_delete(&mut self, at: usize) {
        let path = format!("/zones/{}", self.zones[at].id);
        self.client.delete(&path).ok();
        let owner = self.zones[at].name.clone();
        self.see("zone delete", at, &Expected { owner, record_type: "SOA", answer: Answer::Refused });
        self.zones.swap_remove(at);
    }

    fn create(&mut self, at: usize) {
        let number = self.fresh();
        let record_type = RECORD_TYPES[self.random.below(RECORD_TYPES.len())];
        let mut record = Record {
            id: String::new(),
            label: format!("r{number}"),
            record_type,
            content: content(record_type, number),
        };
        // Some records join an RRset that is there.
        let joined = self.zones[at].records.iter().rev().find(|other| other.record_type == "A");
        if let (Some(other), "A", 0) = (joined, record_type, number % 3) {
            record.label = other.label.clone();
        }
        let path = format!("/zones/{}/dns_records", self.zones[at].id);
        record.id = text(&self.client.post(&path, &body(&record)).ok()["id"]);
        let label = record.label.clone();
        self.zones[at].records.push(record);
        self.see_label("create", at, &label, record_type);
    }

    fn put(&mut self, at: usize) {
        let (which, number) = (self.random.below(self.zones[at].records.len()), self.fresh());
        let mut record = self.zones[at].records[which].clone();
        record.content = content(record.record_type, number);
        let path = format!("/zones/{}/dns_records/{}", self.zones[at].id, record.id);
        self.client.put(&path, &body(&record)).ok();
        self.replace("PUT", at, which, record);
    }

    fn patch_content(&mut self, at: usize) {
        let (which, number) = (self.random.below(self.zones[at].records.len()), self.fresh());
        let mut record = self.zones[at].records[which].clone();
        record.content = content(record.record_type, number);
        let path = format!("/zones/{}/dns_records/{}", self.zones[at].id, record.id);
        self.client.patch(&path, &json!({"content": record.content})).ok();
        self.replace("PATCH content", at, which, record);
    }

    /// A record moves to another name: the old name is asked, or the new one.
    fn patch_name(&mut self, at: usize) {
        let (which, number) = (self.random.below(self.zones[at].records.len()), self.fresh());
        let mut record = self.zones[at].records[which].clone();
        let old = std::mem::replace(&mut record.label, format!("r{number}"));
        let path = format!("/zones/{}/dns_records/{}", self.zones[at].id, record.id);
        self.client.patch(&path, &json!({"name": record.label})).ok();
        let (new, record_type) = (record.label.clone(), record.record_type);
        self.zones[at].records[which] = record;
        let asked = if self.random.below(2) == 0 { old } else { new };
        self.see_label("PATCH name", at, &asked, record_type);
    }

    fn delete(&mut self, at: usize) {
        let which = self.random.below(self.zones[at].records.len());
        let record = self.zones[at].records.swap_remove(which);
        let path = format!("/zones/{}/dns_records/{}", self.zones[at].id, record.id);
        self.client.delete(&path).ok();
        self.see_label("delete", at, &record.label, record.record_type);
    }

    fn replace(&mut self, kind: &'static str, at: usize, which: usize, record: Record) {
        let (label, record_type) = (record.label.clone(), record.record_type);
        self.zones[at].records[which] = record;
        self.see_label(kind, at, &label, record_type);
    }

    /// Asks once for what the records say that a name now has.
    fn see_label(&mut self, kind: &'static str, at: usize, label: &str, record_type: &'static str) {
        let zone = &self.zones[at];
        let own = zone.records.iter().filter(|record| record.label == label);
        let mut data: Vec<String> = own.map(|record| answered(record_type, &record.content)).collect();
        data.sort();
        let answer = match record_type {
            _ if data.is_empty() => Answer::NxDomain,
            "NS" => Answer::Referral(data),
            _ => Answer::Data(data),
        };
        self.see(kind, at, &Expected { owner: format!("{label}.{}", zone.name), record_type, answer });
    }

    /// The one question after a write.
    fn see(&mut self, kind: &'static str, at: usize, expected: &Expected) {
        *self.report.writes.entry(kind).or_default() += 1;
        let over = if self.random.below(4) == 0 { Over::Tcp } else { Over::Udp };
        let addresses = &self.zones[at].addresses;
        let server = match self.random.below(8) {
            0 => self.nobodys,
            choice => addresses[choice % addresses.len()],
        };
        let told = told(server, over, expected);
        if told != expected.answer {
            let Expected { owner, record_type, answer } = expected;
            let miss = format!("after {kind}: {owner} {record_type} at {server} {over:?}: {told:?}, not {answer:?}");
            self.report.misses.push(miss);
        }
    }
}

fn told(server: SocketAddr, over: Over, expected: &Expected) -> Answer {
    let reply = dns::ask(server, over, &expected.owner, expected.record_type);
    let line = dns::line(&reply);
    let answers = dns::data(&reply.answers, &expected.owner, expected.record_type);
    let authority = dns::data(&reply.authority, &expected.owner, "NS");
    match line.as_str() {
        "REFUSED" => Answer::Refused,
        "NXDOMAIN, aa" => Answer::NxDomain,
        "NOERROR" if !authority.is_empty() => Answer::Referral(authority),
        _ if line.starts_with("NOERROR, aa, ") && answers.len() == reply.answers.len() => Answer::Data(answers),
        _ => Answer::Other(line),
    }
}

/// A content that only this number has.
fn content(record_type: &str, number: usize) -> String {
    let [_, high, middle, low] = u32::try_from(number).expect("few writes").to_be_bytes();
    match record_type {
        "A" => format!("10.{high}.{middle}.{low}"),
        "AAAA" => format!("2001:db8::1:{number:x}"),
        "TXT" => format!("\"text {number}\""),
        _ => format!("t{number}.elsewhere.test"),
    }
}

/// The data that such a content becomes.
fn answered(record_type: &str, content: &str) -> String {
    match record_type {
        "CNAME" | "NS" => format!("{content}."),
        "MX" => format!("10 {content}."),
        _ => content.to_owned(),
    }
}

fn body(record: &Record) -> Value {
    let mut body = json!({"name": record.label, "type": record.record_type, "content": record.content, "ttl": 300});
    if record.record_type == "MX" {
        body["priority"] = json!(10);
    }
    body
}
