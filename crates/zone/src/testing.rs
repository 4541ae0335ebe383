//! Short ways to write zones and changes in this crate's tests.

use waymark_wire::{Name, Rdata, RecordType, Serial};

use crate::published::*;

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// RRsets from lines such as `www.example A 192.0.2.1` (TTL 300); lines of one owner and type make one RRset.
pub(crate) fn rrsets(lines: &[&str]) -> Vec<RRset> {
    let mut rrsets: Vec<RRset> = Vec::new();
    for line in lines {
        let mut parts = line.splitn(3, ' ');
        let owner = name(parts.next().unwrap());
        let record_type = record_type(parts.next().unwrap());
        let data = Rdata::from_text(record_type, parts.next().unwrap(), &Name::root()).unwrap();
        match rrsets.iter_mut().find(|rrset| rrset.owner == owner && rrset.record_type == record_type) {
            Some(rrset) => rrset.data.push(data),
            None => rrsets.push(RRset { owner, record_type, ttl: 300, data: vec![data] }),
        }
    }
    rrsets
}

pub(crate) fn record_type(mnemonic: &str) -> RecordType {
    RecordType::from_mnemonic(mnemonic).unwrap()
}

pub(crate) fn header(apex: &str, account: u64, scopes: &[u32]) -> ZoneHeader {
    let apex = name(apex);
    ZoneHeader {
        account: AccountNumber(account),
        status: ZoneStatus::Pending,
        proven: false,
        scopes: scopes.iter().map(|scope| ScopeId(*scope)).collect(),
        soa: Soa {
            mname: name("a.ns.test"),
            rname: name("dns.test"),
            refresh: 10_000,
            retry: 2_400,
            expire: 604_800,
            minimum: 1_800,
            ttl: 3_600,
        },
        nameservers: vec![name("a.ns.test"), name("b.ns.test")],
        ns_ttl: 86_400,
        signed: false,
        apex,
    }
}

pub(crate) fn proven(header: ZoneHeader) -> ZoneHeader {
    ZoneHeader { status: ZoneStatus::Active, proven: true, ..header }
}

pub(crate) fn delta(zone: u64, version: u64, header: Option<ZoneHeader>, removed: &[&str], added: &[&str]) -> Entry {
    let change = Change::Delta { header, removed: rrsets(removed), added: rrsets(added) };
    Entry { zone: ZoneNumber(zone), version: Version(version), serial: Serial::new(version as u32), change }
}

pub(crate) fn commit(position: u64, entries: Vec<Entry>) -> Commit {
    Commit { incarnation: Incarnation::default(), position: Position(position), entries, scopes: Vec::new() }
}

pub(crate) fn addresses(scope: u32, addresses: &[&str]) -> ScopeChange {
    ScopeChange { scope: ScopeId(scope), addresses: addresses.iter().map(|address| address.parse().unwrap()).collect() }
}
