//! What a change of one record costs the catalog, by the size of its zone.
//!
//! ```text
//!  changes [NAMES...]    each size in turn; 1,000 and 1,000,000 if none is named
//! ```
//!
//! Prints per size the time in which the zone is loaded by changes of 100 names, with the longest of them, and then
//! the median and the longest time of changes of one record, several thousand of each kind. Sizes take turns, so that
//! what else the machine does touches all of them.

// A measurement that goes wrong is to end.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use waymark_wire::{Name, Rdata, RecordType, Serial};
use waymark_zone::Catalog;
use waymark_zone::catalog::Writer;
use waymark_zone::published::{
    AccountNumber, Change, Commit, Entry, Incarnation, Position, RRset, ScopeId, Soa, Version, ZoneHeader, ZoneNumber,
    ZoneStatus,
};

const ZONE: ZoneNumber = ZoneNumber(1);
/// Changes of each kind.
const CHANGES: usize = 5_000;
/// Names per change while a zone is loaded.
const NAMES_PER_LOAD: usize = 100;

struct Measured {
    names: usize,
    writer: Writer,
    /// Times of the changes of each kind.
    kinds: Vec<(&'static str, Vec<Duration>)>,
}

fn main() {
    let named: Vec<usize> = std::env::args().skip(1).map(|size| size.parse().expect("a number of names")).collect();
    let sizes = if named.is_empty() { vec![1_000, 1_000_000] } else { named };
    let mut all: Vec<Measured> = sizes.into_iter().map(Measured::load).collect();
    for round in 0..CHANGES {
        all.iter_mut().for_each(|measured| measured.change(round));
    }
    for kind in 0..all[0].kinds.len() {
        for measured in &mut all {
            let (what, times) = &mut measured.kinds[kind];
            times.sort_unstable();
            let at = |share: usize| times[(times.len() - 1) * share / 1000].as_nanos() as f64 / 1000.0;
            let (names, p50, p999, most) = (measured.names, at(500), at(999), at(1000));
            println!("{what:<18} {names:>9} names  median {p50:6.2} us  p99.9 {p999:7.2} us  longest {most:8.2} us");
        }
        let median = |measured: &Measured| measured.kinds[kind].1[CHANGES / 2].as_nanos() as f64;
        println!("{:<18} ratio of the medians, last : first {:.2}", "", median(&all[all.len() - 1]) / median(&all[0]));
    }
}

impl Measured {
    fn load(names: usize) -> Self {
        let (writer, _) = Catalog::new(7);
        let mut measured = Self { names, writer, kinds: Vec::new() };
        let first = commit(&measured.writer, Some(header()), vec![], vec![]);
        measured.apply(&first);
        let (mut longest, mut all) = (Duration::ZERO, Duration::ZERO);
        for start in (0..names).step_by(NAMES_PER_LOAD) {
            let added = (start..names.min(start + NAMES_PER_LOAD)).map(|n| text(owner(n), "first")).collect();
            let commit = commit(&measured.writer, None, vec![], added);
            let took = measured.apply(&commit);
            longest = longest.max(took);
            all += took;
        }
        while measured.writer.collect() {}
        let (seconds, longest) = (all.as_secs_f64(), longest.as_micros());
        println!("{names} names loaded in {seconds:.2} s, {NAMES_PER_LOAD} at a time, the longest in {longest} us");
        measured
    }

    /// One change of each kind.
    fn change(&mut self, round: usize) {
        // A step that is prime to the sizes, so that the names are spread over the zone.
        let there = owner(round * 7919 % self.names);
        let come = name(&format!("come-{round}.example"));
        let deep = name(&format!("a.b.c.d.e.deep-{round}.example"));
        let (old, new) = (text(there.clone(), "first"), text(there, "second"));
        self.timed("a new name", vec![], vec![text(come.clone(), "come")]);
        self.timed("a changed RRset", vec![old.clone()], vec![new.clone()]);
        self.timed("a removed name", vec![text(come, "come")], vec![]);
        self.timed("a new deep name", vec![], vec![text(deep.clone(), "deep")]);
        self.timed("a removed deep name", vec![text(deep, "deep")], vec![]);
        let back = commit(&self.writer, None, vec![new], vec![old]);
        self.apply(&back);
    }

    fn timed(&mut self, what: &'static str, removed: Vec<RRset>, added: Vec<RRset>) {
        let commit = commit(&self.writer, None, removed, added);
        let took = self.apply(&commit);
        match self.kinds.iter_mut().find(|(kind, _)| *kind == what) {
            Some((_, times)) => times.push(took),
            None => self.kinds.push((what, vec![took])),
        }
    }

    fn apply(&mut self, commit: &Commit) -> Duration {
        let start = Instant::now();
        self.writer.apply(&[commit]).expect("the commit fits");
        start.elapsed()
    }
}

fn name(text: &str) -> Name {
    Name::from_text(text).expect("a name")
}

fn owner(n: usize) -> Name {
    name(&format!("name-{n:08}.example"))
}

fn text(owner: Name, text: &str) -> RRset {
    let data = vec![Rdata::from_text(RecordType::TXT, text, &Name::root()).expect("a text")];
    RRset { owner, record_type: RecordType::TXT, ttl: 300, data }
}

fn header() -> ZoneHeader {
    let nameservers = vec![name("a.ns.test"), name("b.ns.test")];
    let (mname, rname) = (nameservers[0].clone(), name("dns.test"));
    let soa = Soa { mname, rname, refresh: 10_000, retry: 2_400, expire: 604_800, minimum: 1_800, ttl: 3_600 };
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

fn commit(writer: &Writer, header: Option<ZoneHeader>, removed: Vec<RRset>, added: Vec<RRset>) -> Commit {
    let position = writer.position().next();
    let (version, serial) = (Version(position.0), Serial::new(position.0 as u32));
    let entries = vec![Entry { zone: ZONE, version, serial, change: Change::Delta { header, removed, added } }];
    Commit { incarnation: Incarnation::default(), position: Position(position.0), entries, scopes: Vec::new() }
}
