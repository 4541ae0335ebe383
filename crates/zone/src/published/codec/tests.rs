use super::*;
use proptest::prelude::*;

prop_compose! {
    fn any_name()(labels in prop::collection::vec("[a-z*_-]{1,8}", 0..5)) -> Name {
        if labels.is_empty() { Name::root() } else { labels.join(".").parse().unwrap() }
    }
}

prop_compose! {
    fn any_rrset()(
        owner in any_name(),
        record_type in prop::sample::select(&[1u16, 61_000, 65_280]),
        ttl: u32,
        data in prop::collection::vec(any::<[u8; 4]>(), 1..4),
    ) -> RRset {
        let record_type = RecordType(record_type);
        let data = data.into_iter().map(|wire| Rdata::from_wire(record_type, &wire).unwrap()).collect();
        RRset { owner, record_type, ttl, data }
    }
}

prop_compose! {
    fn any_header()(
        apex in any_name(), rname in any_name(), account: u64, proven: bool, signed: bool, times: [u32; 6],
        status in prop::sample::select(&[ZoneStatus::Pending, ZoneStatus::Active, ZoneStatus::Deleted]),
        scopes in prop::collection::vec(any::<u32>().prop_map(ScopeId), 0..5),
        nameservers in prop::collection::vec(any_name(), 0..4),
    ) -> ZoneHeader {
        let [refresh, retry, expire, minimum, ttl, ns_ttl] = times;
        let soa = Soa { mname: apex.clone(), rname, refresh, retry, expire, minimum, ttl };
        ZoneHeader { apex, account: AccountNumber(account), status, proven, scopes, soa, nameservers, ns_ttl, signed }
    }
}

fn any_change() -> impl Strategy<Value = Change> {
    let rrsets = || prop::collection::vec(any_rrset(), 0..4);
    prop_oneof![
        (prop::option::of(any_header()), rrsets(), rrsets()).prop_map(|(header, removed, added)| Change::Delta {
            header,
            removed,
            added
        }),
        Just(Change::Replace),
        Just(Change::Gone),
    ]
}

prop_compose! {
    fn any_commit()(
        position: u64,
        entries in prop::collection::vec((any::<[u64; 2]>(), any::<u32>(), any_change()), 0..4),
        scopes in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<IpAddr>(), 0..3)), 0..3),
    ) -> Commit {
        let entry = |([zone, version], serial, change): ([u64; 2], u32, Change)| Entry {
            zone: ZoneNumber(zone), version: Version(version), serial: Serial::new(serial), change,
        };
        Commit {
            incarnation: Incarnation([7; 16]),
            position: Position(position),
            entries: entries.into_iter().map(entry).collect(),
            scopes: scopes.into_iter().map(|(s, addresses)| ScopeChange { scope: ScopeId(s), addresses }).collect(),
        }
    }
}

proptest! {
    #[test]
    fn commits_survive(commit in any_commit()) {
        let bytes = commit.encode_body();
        prop_assert_eq!(Commit::decode_body(commit.incarnation, commit.position, &bytes).unwrap(), commit);
    }

    #[test]
    fn a_cut_commit_is_damaged(commit in any_commit(), cut: prop::sample::Index) {
        let bytes = commit.encode_body();
        let cut = cut.index(bytes.len());
        prop_assert_eq!(
            Commit::decode_body(commit.incarnation, commit.position, &bytes[..cut]),
            Err(DecodeError::Damaged)
        );
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _ = Commit::decode_body(Incarnation::default(), Position(1), &[&[FORMAT], &bytes[..]].concat());
    }
}

#[test]
fn an_unknown_format_is_named() {
    assert_eq!(ZoneHeader::decode(&[9, 0]), Err(DecodeError::Format(9)));
}

#[test]
fn a_header_of_the_first_format_is_unsigned() {
    let header = crate::testing::header("example", 7, &[1, 2]);
    let mut bytes = header.encode();
    bytes[0] = 1;
    bytes.pop();
    assert_eq!(ZoneHeader::decode(&bytes), Ok(header));
}
