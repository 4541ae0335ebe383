//! The catalog by the octets that it allocates: what a change costs does not depend on the size of its zone, and what
//! changes have used comes back.

use std::sync::Arc;

use serde_json::json;
use waymark_wire::{Name, Rcode, Rdata, RecordType, Serial};
use waymark_zone::Catalog;
use waymark_zone::catalog::Writer;
use waymark_zone::published::{
    AccountNumber, Change, Commit, Entry, Incarnation, Position, RRset, ScopeId, Soa, Version, ZoneHeader, ZoneNumber,
    ZoneStatus,
};

use crate::harness::Node;
use crate::harness::allocator;
use crate::harness::dns::Over;
use crate::harness::random::Random;

const ZONE: ZoneNumber = ZoneNumber(1);
/// The text of every record at first.
const FIRST_TEXT: &str = "what is there at first";

fn name(text: &str) -> Name {
    Name::from_text(text).unwrap()
}

/// Name `n` of the zone: every tenth two labels below the apex.
fn owner(n: usize) -> Name {
    match n % 10 {
        0 => name(&format!("host.sub-{n:07}.example")),
        _ => name(&format!("name-{n:07}.example")),
    }
}

fn text(owner: Name, text: &str) -> RRset {
    let data = vec![Rdata::from_text(RecordType::TXT, text, &Name::root()).unwrap()];
    RRset { owner, record_type: RecordType::TXT, ttl: 300, data }
}

fn header() -> ZoneHeader {
    let nameservers = vec![name("a.ns.test"), name("b.ns.test")];
    let soa = Soa {
        mname: nameservers[0].clone(),
        rname: name("dns.test"),
        refresh: 10_000,
        retry: 2_400,
        expire: 604_800,
        minimum: 1_800,
        ttl: 3_600,
    };
    let (account, status, scopes) = (AccountNumber(1), ZoneStatus::Active, vec![ScopeId::ACTIVE, ScopeId::ALL]);
    ZoneHeader {
        apex: name("example"),
        account,
        status,
        proven: false,
        scopes,
        soa,
        nameservers,
        ns_ttl: 86_400,
        signed: false,
    }
}

/// A catalog's writer, and what the catalog holds by the allocator's word.
struct Measured {
    writer: Writer,
    catalog: Arc<Catalog>,
    live: i64,
}

impl Measured {
    /// A catalog with one zone of `names` names, each with one TXT record.
    fn with_names(names: usize) -> Self {
        let (writer, catalog) = Catalog::new(7);
        let mut measured = Self { writer, catalog, live: 0 };
        measured.run(|writer| writer.stage_zone(ZONE, Version(1), Serial::new(1), header()));
        for n in 0..names {
            let rrset = text(owner(n), FIRST_TEXT);
            measured.run(|writer| writer.stage_rrsets(ZONE, std::slice::from_ref(&rrset)));
        }
        measured.run(|writer| writer.publish_staged(Incarnation::default(), Position(1), &[]));
        measured.collect_all();
        measured
    }

    /// Has the writer do something; gives the octets that this allocates.
    fn run(&mut self, work: impl FnOnce(&mut Writer)) -> u64 {
        let before = allocator::this_thread();
        work(&mut self.writer);
        let done = allocator::this_thread().since(before);
        self.live += done.allocated as i64 - done.freed as i64;
        done.allocated
    }

    fn collect_all(&mut self) {
        self.run(|writer| while writer.collect() {});
    }

    /// Makes a change, with the collection that follows it; gives the octets that it allocates.
    fn change(&mut self, removed: Vec<RRset>, added: Vec<RRset>) -> u64 {
        let commit = commit(&self.writer, removed, added);
        self.run(|writer| {
            writer.apply(&[&commit]).unwrap();
            writer.collect();
        })
    }
}

fn commit(writer: &Writer, removed: Vec<RRset>, added: Vec<RRset>) -> Commit {
    let position = writer.position().next();
    let change = Change::Delta { header: None, removed, added };
    let serial = Serial::new(position.0 as u32);
    let entries = vec![Entry { zone: ZONE, version: Version(position.0), serial, change }];
    Commit { incarnation: Incarnation::default(), position, entries, scopes: Vec::new() }
}

/// What each kind of change allocates, `ROUNDS` of it.
fn changes(mut measured: Measured) -> Vec<(&'static str, Vec<u64>)> {
    const ROUNDS: usize = 200;
    let old = |n: usize| text(owner(n), FIRST_TEXT);
    let new = |n: usize| text(name(&format!("new-{n}.example")), "what has come");
    let deep = |n: usize| text(name(&format!("a.b.c.d.e.f.g.h.deep-{n}.example")), "far below");
    let mut kind = |what: &'static str, change: &dyn Fn(usize) -> (Vec<RRset>, Vec<RRset>)| {
        let octets = (0..ROUNDS).map(|n| {
            let (removed, added) = change(n);
            measured.change(removed, added)
        });
        (what, octets.collect())
    };
    vec![
        kind("a new name", &|n| (vec![], vec![new(n)])),
        kind("a changed RRset", &|n| (vec![old(n)], vec![text(owner(n), "something else")])),
        kind("a removed name", &|n| (vec![old(500 + n)], vec![])),
        kind("a new deep name", &|n| (vec![], vec![deep(n)])),
        kind("a removed deep name", &|n| (vec![deep(n)], vec![])),
    ]
}

#[test]
fn a_change_allocates_no_more_in_a_large_zone_than_in_a_small_one() {
    let small = changes(Measured::with_names(1_000));
    let large = changes(Measured::with_names(1_000_000));
    for ((what, small), (_, large)) in small.iter().zip(&large) {
        let facts = |octets: &[u64]| {
            let mut sorted = octets.to_vec();
            sorted.sort_unstable();
            (sorted.iter().sum::<u64>(), sorted[sorted.len() / 2], sorted[sorted.len() - 1])
        };
        let (small, large) = (facts(small), facts(large));
        println!("{what}: all, median, most: {small:?} octets in a small zone, {large:?} in a large one");
        assert!(large.0 <= 2 * small.0, "{what}: {} octets against {}", large.0, small.0);
        assert!(large.1 <= 2 * small.1, "{what}: a median of {} octets against {}", large.1, small.1);
        // A directory that is doubled, and the segment that is split then.
        assert!(large.2 <= 64 * 1024, "{what}: up to {} octets", large.2);
    }
}

/// A zone under random changes, as many names coming as going.
struct Churn {
    measured: Measured,
    random: Random,
    /// What is there: a name's number and its text.
    present: Vec<(usize, String)>,
    next: usize,
}

impl Churn {
    fn new(names: usize) -> Self {
        let present = (0..names).map(|n| (n, FIRST_TEXT.to_owned())).collect();
        Self { measured: Measured::with_names(names), random: Random::new(11), present, next: names }
    }

    fn change(&mut self) {
        let at = self.random.below(self.present.len());
        // As long as the first text, on the average.
        let fresh = "x".repeat(FIRST_TEXT.len() - 12 + self.random.below(25));
        let (removed, added) = match self.random.below(4) {
            0 => {
                let (n, old) = self.present.swap_remove(at);
                (vec![text(owner(n), &old)], vec![])
            }
            1 => {
                self.next += 1;
                self.present.push((self.next, fresh.clone()));
                (vec![], vec![text(owner(self.next), &fresh)])
            }
            _ => {
                let (n, known) = &mut self.present[at];
                let old = std::mem::replace(known, fresh.clone());
                (vec![text(owner(*n), &old)], vec![text(owner(*n), &fresh)])
            }
        };
        self.measured.change(removed, added);
    }
}

#[test]
fn memory_comes_back_after_many_changes() {
    let mut churn = Churn::new(100_000);
    let before = churn.measured.live;
    (0..100_000).for_each(|_| churn.change());
    churn.measured.collect_all();
    let after = churn.measured.live;
    println!("{before} octets before, {after} after; {:?}", churn.measured.catalog.statistics());
    assert!(after * 100 <= before * 105, "{before} octets have become {after}");
}

#[test]
fn memory_comes_back_when_a_slow_reader_has_passed() {
    let mut churn = Churn::new(20_000);
    let before = churn.measured.live;
    let catalog = Arc::clone(&churn.measured.catalog);
    let mut reader = catalog.reader();
    for _ in 0..5 {
        let view = reader.view();
        (0..15_000).for_each(|_| churn.change());
        let held = churn.measured.live;
        assert!(held * 100 > before * 150, "what the view needs is kept: {held} octets, {before} before");
        drop(view);
        (0..5_000).for_each(|_| churn.change());
    }
    churn.measured.collect_all();
    let after = churn.measured.live;
    println!("{before} octets before, {after} after");
    assert!(after * 100 <= before * 105, "{before} octets have become {after}");
}

#[test]
fn an_image_that_is_gone_gives_its_memory_back() {
    let mut measured = Measured::with_names(1);
    let before = measured.live;
    for version in 2..5 {
        measured.run(|writer| writer.stage_zone(ZONE, Version(version), Serial::new(version as u32), header()));
        for n in 0..30_000 {
            let rrset = text(owner(n), FIRST_TEXT);
            measured.run(|writer| writer.stage_rrsets(ZONE, std::slice::from_ref(&rrset)));
        }
        measured.run(Writer::discard_staged);
        measured.collect_all();
    }
    // A directory keeps its size: 32 KiB at most.
    assert!(measured.live <= before + 40 * 1024, "{before} octets have become {}", measured.live);
}

/// A name of so many octets (204 to 255 in wire form) that shares no label with another `n`.
fn long_name(n: usize, octets: usize) -> String {
    let label = |letter: char, length: usize| format!("{letter}{n:03}{}", "x".repeat(length - 4));
    [label('a', 63), label('b', 63), label('c', 63), label('d', octets - 3 * 64 - 2)].join(".")
}

#[test]
fn the_largest_rrset_is_answered_whole_and_a_larger_one_is_refused() {
    let node = Node::start();
    let mut zone = node.zone("example.com");
    // 12 octets, 2 of priority and a name each: 238 x 269 + 218 = 64,240.
    for n in 0..238 {
        zone.record("*", "MX", &long_name(n, 255));
    }
    zone.record("*", "MX", &long_name(238, 204));
    let path = zone.records();
    let more = json!({"name": "*", "type": "MX", "content": "mail.test", "priority": 5, "ttl": 300});
    let refused = zone.client.post(&path, &more);
    assert_eq!(
        (refused.status, refused.json()["errors"][0]["code"].as_u64()),
        (400, Some(81045)),
        "{}",
        refused.text()
    );
    // The longest question there is: 255 octets.
    let question = [63, 63, 63, 49].map(|length| "q".repeat(length)).join(".");
    let whole = zone.ask(Over::Tcp, &question, "MX");
    assert_eq!((whole.rcode, whole.answers.len(), whole.truncated), (Rcode::NOERROR, 239, false));
    assert!(whole.octets > 63_000, "{} octets: compressed away", whole.octets);
    let cut = zone.ask(Over::Udp, &question, "MX");
    assert_eq!((cut.answers.len(), cut.truncated), (0, true));
}
