//! What rows publish, and that differences add up.

use std::collections::BTreeMap;

use proptest::prelude::*;
use waymark_wire::Serial;
use waymark_zone::published::{ScopeId, Version};

use super::*;
use crate::Time;
use crate::testing::{self, record_row, zone_row};

/// RRsets in words: type, TTL, data.
fn published(owner: &str, records: &[RecordRow]) -> Vec<String> {
    let rrsets = name(&testing::name("example.com"), &testing::name(owner), records);
    rrsets
        .iter()
        .map(|rrset| {
            let data: Vec<String> = rrset.data.iter().map(ToString::to_string).collect();
            format!("{} {} {}", rrset.record_type, rrset.ttl, data.join(" | "))
        })
        .collect()
}

fn with_ttl(ttl: u32, row: RecordRow) -> RecordRow {
    RecordRow { ttl, ..row }
}

#[test]
fn an_rrset_has_the_smallest_ttl_and_its_data_once_and_sorted() {
    let www = "www.example.com";
    let rows = [
        with_ttl(600, record_row(1, "A", www, "192.0.2.9")),
        with_ttl(120, record_row(2, "A", www, "192.0.2.1")),
        with_ttl(900, record_row(3, "A", www, "192.0.2.9")),
        with_ttl(1, record_row(4, "TXT", www, "hello")),
    ];
    assert_eq!(published(www, &rows), ["A 120 192.0.2.1 | 192.0.2.9", "TXT 300 \"hello\""]);
}

#[test]
fn a_proxied_record_has_the_automatic_ttl() {
    let row = RecordRow { proxied: true, ..with_ttl(3600, record_row(1, "A", "www.example.com", "192.0.2.1")) };
    assert_eq!(published("www.example.com", &[row]), ["A 300 192.0.2.1"]);
}

#[test]
fn an_alias_stands_alone() {
    let www = "www.example.com";
    let rows =
        [record_row(1, "TXT", www, "x"), record_row(2, "CNAME", www, "else.test"), record_row(3, "MX", www, "m.test")];
    assert_eq!(published(www, &rows), ["CNAME 300 else.test."]);
}

#[test]
fn neither_alias_nor_ns_records_of_the_apex_are_published() {
    let apex = "example.com";
    let rows = [
        record_row(1, "CNAME", apex, "else.test"),
        record_row(2, "NS", apex, "ns.else.test"),
        record_row(3, "TXT", apex, "x"),
    ];
    assert_eq!(published(apex, &rows), ["TXT 300 \"x\""]);
    assert_eq!(
        published("sub.example.com", &[record_row(1, "NS", "sub.example.com", "ns.else.test")]),
        ["NS 300 ns.else.test."]
    );
}

fn full_zone() -> FullZone {
    FullZone {
        row: zone_row("example.com"),
        nameservers: vec![testing::name("ada.ns.waymark.test"), testing::name("abel.ns.waymark.test")],
        scopes: vec![ScopeId(1), ScopeId(2)],
    }
}

#[test]
fn the_header_has_the_documents_defaults_until_the_owner_sets_others() {
    let mailbox = testing::name("dns.waymark.test");
    let mut zone = full_zone();
    let soa = header(&zone, &mailbox).soa;
    assert_eq!(
        (soa.mname.to_string(), soa.rname.to_string()),
        ("ada.ns.waymark.test".into(), "dns.waymark.test".into())
    );
    assert_eq!((soa.refresh, soa.retry, soa.expire, soa.minimum, soa.ttl), (10_000, 2_400, 604_800, 1_800, 3_600));
    zone.row.soa.rname = Some(testing::name("hostmaster.example.com"));
    zone.row.soa.minimum = Some(60);
    let soa = header(&zone, &mailbox).soa;
    assert_eq!((soa.rname.to_string(), soa.minimum), ("hostmaster.example.com".into(), 60));
}

#[test]
fn a_transfer_carries_neither_status_nor_scopes() {
    let mailbox = testing::name("dns.waymark.test");
    let before = header(&full_zone(), &mailbox);
    let mut zone = full_zone();
    zone.row.status = Status::Active;
    zone.row.proven = true;
    zone.row.version = Version(9);
    zone.row.serial = Serial::new(9);
    zone.scopes.clear();
    assert!(!transfer_differs(&before, &header(&zone, &mailbox)));
    zone.nameservers.pop();
    assert!(transfer_differs(&before, &header(&zone, &mailbox)));
}

/// A step of an edit: at one of a few names, a record is made, changed or taken away.
#[derive(Clone, Debug)]
enum Step {
    Put(usize, usize, u32),
    Take(usize, usize),
}

const NAMES: [&str; 4] = ["example.com", "www.example.com", "*.example.com", "a.b.example.com"];
const KINDS: [(&str, &str); 7] = [
    ("A", "192.0.2.1"),
    ("A", "192.0.2.2"),
    ("AAAA", "2001:db8::1"),
    ("CNAME", "else.test"),
    ("NS", "ns.else.test"),
    ("MX", "mail.test"),
    ("TXT", "text"),
];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..NAMES.len(), 0..KINDS.len(), 1u32..1000).prop_map(|(name, kind, ttl)| Step::Put(name, kind, ttl)),
        1 => (0..NAMES.len(), 0..KINDS.len()).prop_map(|(name, kind)| Step::Take(name, kind)),
    ]
}

proptest! {
    #[test]
    fn differences_applied_one_after_the_other_give_what_publishing_from_scratch_gives(
        edits in prop::collection::vec(prop::collection::vec(step(), 1..4), 0..40),
    ) {
        let zone = zone_row("example.com");
        let mut rows: BTreeMap<(usize, usize), RecordRow> = BTreeMap::new();
        let mut followed: BTreeMap<(Name, RecordType), RRset> = BTreeMap::new();
        let publish_all = |rows: &BTreeMap<(usize, usize), RecordRow>| -> Vec<Vec<RRset>> {
            (0..NAMES.len())
                .map(|at| {
                    let records: Vec<_> = rows.range((at, 0)..(at + 1, 0)).map(|(_, row)| row.clone()).collect();
                    name(&zone.apex, &testing::name(NAMES[at]), &records)
                })
                .collect()
        };
        for edit in edits {
            let before = publish_all(&rows);
            for step in edit {
                match step {
                    Step::Put(at, kind, ttl) => {
                        let (record_type, content) = KINDS[kind];
                        let number = (at * KINDS.len() + kind) as u8;
                        let row = record_row(number, record_type, NAMES[at], content);
                        rows.insert((at, kind), RecordRow { ttl, modified: Time(i64::from(number)), ..row });
                    }
                    Step::Take(at, kind) => { rows.remove(&(at, kind)); }
                }
            }
            for (before, after) in before.into_iter().zip(publish_all(&rows)) {
                let (removed, added) = difference(before, after);
                for rrset in removed {
                    // What is taken away is told as it was.
                    prop_assert_eq!(followed.remove(&(rrset.owner.clone(), rrset.record_type)), Some(rrset));
                }
                for rrset in added {
                    prop_assert!(!rrset.data.is_empty());
                    prop_assert_eq!(followed.insert((rrset.owner.clone(), rrset.record_type), rrset), None);
                }
            }
        }
        let scratch: Vec<RRset> = publish_all(&rows).concat();
        let mut followed: Vec<RRset> = followed.into_values().collect();
        followed.sort_by(|one, other| (&one.owner, one.record_type).cmp(&(&other.owner, other.record_type)));
        let mut sorted = scratch;
        sorted.sort_by(|one, other| (&one.owner, one.record_type).cmp(&(&other.owner, other.record_type)));
        prop_assert_eq!(followed, sorted);
    }
}
