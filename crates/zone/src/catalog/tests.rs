use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use waymark_wire::{Name, RecordType};

use super::*;
use crate::published::{Change, Commit, Entry, Incarnation, Position, RRset, ScopeId};
use crate::testing::*;

fn types_at(catalog: &Arc<Catalog>, owner: &str) -> Option<Vec<String>> {
    let mut reader = catalog.reader();
    let view = reader.view();
    let owner = view.search_name(name(owner).as_wire()).unwrap();
    let zone = view.zone_of(Some(ScopeId::ALL), &owner, 0)?;
    view.owner(zone, &owner, 0).map(|rrsets| rrsets.iter().map(|rrset| rrset.record_type.to_string()).collect())
}

#[test]
fn a_view_keeps_its_generation() {
    let (mut writer, catalog) = Catalog::new(1);
    writer.apply(&[commit(1, vec![delta(1, 1, Some(header("z", 1, &[1])), &[], &["a.z A 192.0.2.1"])])]).unwrap();
    let mut reader = catalog.reader();
    let view = reader.view();
    writer.apply(&[commit(2, vec![delta(1, 2, None, &["a.z A 192.0.2.1"], &["b.z TXT new"])])]).unwrap();
    let (a, b) = (view.search_name(b"\x01a\x01z\0").unwrap(), view.search_name(b"\x01b\x01z\0").unwrap());
    let zone = view.zone_of(Some(ScopeId::ALL), &a, 0).unwrap();
    assert!(view.owner(zone, &a, 0).is_some() && view.owner(zone, &b, 0).is_none());
    assert_eq!(zone.serial().get(), 1);
    drop(view);
    assert_eq!((types_at(&catalog, "a.z"), types_at(&catalog, "b.z")), (None, Some(vec!["TXT".to_owned()])));
}

#[test]
fn what_cannot_be_applied_changes_nothing() {
    let (mut writer, catalog) = Catalog::new(1);
    let good = delta(1, 1, Some(header("z", 1, &[1])), &[], &["a.z A 192.0.2.1"]);
    writer.apply(&[commit(1, vec![good.clone()])]).unwrap();
    let before = catalog.statistics();
    let new = delta(2, 1, Some(header("y", 1, &[1])), &[], &[]);
    for (commits, error) in [
        (vec![commit(3, vec![])], ApplyError::Gap { at: Position(1), got: Position(3) }),
        (vec![commit(2, vec![new.clone(), delta(9, 1, None, &[], &[])])], ApplyError::Unfit(ZoneNumber(9))),
        (
            vec![commit(2, vec![new.clone(), delta(1, 2, None, &[], &["a.y A 192.0.2.1"])])],
            ApplyError::Unfit(ZoneNumber(1)),
        ),
        (
            vec![commit(2, vec![Entry { change: Change::Replace, ..delta(1, 2, None, &[], &[]) }])],
            ApplyError::ImageMissing(ZoneNumber(1)),
        ),
        (vec![Commit { incarnation: Incarnation([1; 16]), ..commit(2, vec![]) }], ApplyError::Incarnation),
    ] {
        assert_eq!(writer.apply(&commits), Err(error));
    }
    assert_eq!(catalog.statistics(), before);
    writer.apply(&[commit(2, vec![new])]).unwrap();
}

#[test]
fn an_entry_that_is_already_there_is_passed_over() {
    let (mut writer, catalog) = Catalog::new(1);
    writer.apply(&[commit(1, vec![delta(1, 5, Some(header("z", 1, &[1])), &[], &["a.z A 192.0.2.1"])])]).unwrap();
    writer.apply(&[commit(2, vec![delta(1, 5, None, &["a.z A 192.0.2.1"], &[])])]).unwrap();
    assert!(types_at(&catalog, "a.z").is_some());
}

#[test]
fn a_staged_image_replaces_a_zone_in_one_step() {
    let (mut writer, catalog) = Catalog::new(1);
    writer.apply(&[commit(1, vec![delta(1, 1, Some(header("z", 1, &[1])), &[], &["a.z A 192.0.2.1"])])]).unwrap();
    writer.stage_zone(ZoneNumber(1), Version(2), Serial::new(2), header("z", 1, &[1]));
    writer.stage_rrsets(ZoneNumber(1), &rrsets(&["b.c.z TXT new"]));
    assert!(types_at(&catalog, "a.z").is_some() && types_at(&catalog, "b.c.z").is_none(), "staged is unseen");
    let replace = Entry { change: Change::Replace, ..delta(1, 2, None, &[], &[]) };
    writer.apply(&[commit(2, vec![replace])]).unwrap();
    assert_eq!(types_at(&catalog, "a.z"), None);
    assert_eq!(types_at(&catalog, "c.z"), Some(vec![]), "an empty non-terminal");
    while writer.collect() {}
    assert_eq!((catalog.statistics().names, catalog.statistics().zones), (3, 1));
}

#[test]
fn the_octets_of_zones_follow_staging_replacement_and_removal() {
    let (mut writer, catalog) = Catalog::new(1);
    let octets = |apex: &str, lines: &[&str]| {
        let oracle = rrsets(lines).into_iter().map(|rrset| ((rrset.owner.clone(), rrset.record_type), rrset)).collect();
        octets_of(&oracle, &name(apex))
    };
    let shown = || {
        let of = |zone| catalog.octets_of(ZoneNumber(zone));
        (of(1), of(2), catalog.statistics().zone_octets)
    };
    let (first, second): (&[&str], &[&str]) = (&["a.z A 192.0.2.1"], &["b.c.z TXT new", "d.z A 192.0.2.1"]);
    let (z, new_z, y) = (octets("z", first), octets("z", second), octets("y", &[]));
    let both =
        vec![delta(1, 1, Some(header("z", 1, &[1])), &[], first), delta(2, 1, Some(header("y", 1, &[])), &[], &[])];
    writer.apply(&[commit(1, both)]).unwrap();
    assert_eq!(shown(), (Some(z), Some(y), z + y));
    writer.stage_zone(ZoneNumber(1), Version(2), Serial::new(2), header("z", 1, &[1]));
    writer.stage_rrsets(ZoneNumber(1), &rrsets(second));
    assert_eq!(shown(), (Some(z), Some(y), z + y), "staged is not counted");
    let mut reader = catalog.reader();
    let view = reader.view();
    let apex = view.search_name(b"\x01z\0").unwrap();
    let held = view.zone_of(Some(ScopeId::ALL), &apex, 0).unwrap();
    writer.apply(&[commit(2, vec![Entry { change: Change::Replace, ..delta(1, 2, None, &[], &[]) }])]).unwrap();
    assert_eq!((shown(), held.octets()), ((Some(new_z), Some(y), new_z + y), z), "a view keeps the image it sees");
    writer.apply(&[commit(3, vec![Entry { change: Change::Gone, ..delta(1, 3, None, &[], &[]) }])]).unwrap();
    assert_eq!(shown(), (None, Some(y), y));
    writer.publish_staged(Incarnation([5; 16]), Position(40), &[]);
    assert_eq!(shown(), (None, None, 0));
}

#[test]
fn an_image_survives_the_creation_of_its_zone_in_the_same_call() {
    let (mut writer, catalog) = Catalog::new(1);
    writer.stage_zone(ZoneNumber(1), Version(2), Serial::new(2), header("z", 1, &[1]));
    writer.stage_rrsets(ZoneNumber(1), &rrsets(&["b.z TXT new"]));
    let create = commit(1, vec![delta(1, 1, Some(header("z", 1, &[1])), &[], &["a.z A 192.0.2.1"])]);
    let replace = commit(2, vec![Entry { change: Change::Replace, ..delta(1, 2, None, &[], &[]) }]);
    writer.apply(&[create, replace]).unwrap();
    assert_eq!((types_at(&catalog, "a.z"), types_at(&catalog, "b.z")), (None, Some(vec!["TXT".to_owned()])));
    assert_eq!((writer.version(ZoneNumber(1)), catalog.statistics().zones), (Some(Version(2)), 1));
}

#[test]
fn images_that_were_given_up_are_not_published() {
    let (mut writer, catalog) = Catalog::new(1);
    writer.stage_zone(ZoneNumber(1), Version(1), Serial::new(1), header("z", 1, &[1]));
    writer.discard_staged();
    writer.publish_staged(Incarnation([5; 16]), Position(4), &[]);
    while writer.collect() {}
    assert_eq!((types_at(&catalog, "z"), catalog.statistics().bytes), (None, 0));
}

#[test]
fn garbage_does_not_pile_up_under_large_commits() {
    let (mut writer, catalog) = Catalog::new(1);
    writer.apply(&[commit(1, vec![delta(1, 1, Some(header("z", 1, &[1])), &[], &[])])]).unwrap();
    let lines: Vec<String> = (0..2000).map(|n| format!("n{n}.z A 192.0.2.1")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    for round in 2..30 {
        writer.apply(&[commit(round, vec![delta(1, round, None, &[], &lines)])]).unwrap();
        assert!(catalog.statistics().garbage < 3 * 2000, "{} pieces", catalog.statistics().garbage);
    }
}

#[test]
fn a_snapshot_becomes_the_whole_truth() {
    let (mut writer, catalog) = Catalog::new(1);
    let scopes = vec![addresses(2, &["127.53.0.2"]), addresses(3, &["127.53.0.3"])];
    let old = commit(1, vec![delta(1, 1, Some(header("old", 1, &[1])), &[], &[])]);
    writer.apply(&[Commit { scopes, ..old }]).unwrap();
    writer.stage_zone(ZoneNumber(2), Version(4), Serial::new(9), header("new", 1, &[1]));
    writer.publish_staged(Incarnation([5; 16]), Position(40), &[addresses(3, &["127.53.0.2"])]);
    assert_eq!((types_at(&catalog, "old"), types_at(&catalog, "new")), (None, Some(vec![])));
    let mut reader = catalog.reader();
    let scope = |address: &str| reader.view().scope_of(address.parse().unwrap());
    assert_eq!(["127.53.0.2", "127.53.0.3"].map(scope), [Some(ScopeId(3)), None]);
    assert_eq!((writer.position(), writer.version(ZoneNumber(2))), (Position(40), Some(Version(4))));
}

#[test]
fn scopes_pass_between_zones_in_one_commit_in_any_order() {
    for order in [[0, 1], [1, 0]] {
        let (mut writer, catalog) = Catalog::new(1);
        let first =
            vec![delta(1, 1, Some(header("z", 1, &[1])), &[], &[]), delta(2, 1, Some(header("z", 2, &[])), &[], &[])];
        writer.apply(&[commit(1, first)]).unwrap();
        let swap =
            [delta(1, 2, Some(header("z", 1, &[])), &[], &[]), delta(2, 2, Some(header("z", 2, &[1])), &[], &[])];
        writer.apply(&[commit(2, order.map(|index| swap[index].clone()).to_vec())]).unwrap();
        let mut reader = catalog.reader();
        let view = reader.view();
        let apex = view.search_name(b"\x01z\0").unwrap();
        assert_eq!(view.zone_of(Some(ScopeId::ALL), &apex, 0).unwrap().number(), ZoneNumber(2), "{order:?}");
    }
}

#[test]
fn a_name_that_comes_and_goes_twice_in_one_step_is_freed_once() {
    let (mut writer, catalog) = Catalog::new(1);
    writer.apply(&[commit(1, vec![delta(1, 1, Some(header("z", 1, &[1])), &[], &[])])]).unwrap();
    while writer.collect() {}
    let before = catalog.statistics();
    let record: &[&str] = &["a.b.z A 192.0.2.1"];
    let commits: Vec<Commit> = (2..10)
        .map(|at| {
            let (removed, added) = if at % 2 == 0 { (&[][..], record) } else { (record, &[][..]) };
            commit(at, vec![delta(1, at, None, removed, added)])
        })
        .collect();
    writer.apply(&commits).unwrap();
    while writer.collect() {}
    let after = catalog.statistics();
    assert_eq!((after.names, after.rrsets, after.bytes), (before.names, before.rrsets, before.bytes));
    assert_eq!(types_at(&catalog, "a.b.z"), None);
}

#[test]
fn memory_returns_after_many_changes() {
    let (mut writer, catalog) = Catalog::new(1);
    writer.apply(&[commit(1, vec![delta(1, 1, Some(header("z", 1, &[1])), &[], &[])])]).unwrap();
    let mut sizes = BTreeSet::new();
    for round in 0..3000 {
        let owner = format!("n{}.sub{}.z A 192.0.2.1", round * 7 % 500, round % 10);
        writer.apply(&[commit(2 * round + 2, vec![delta(1, 2 * round + 2, None, &[], &[&owner])])]).unwrap();
        writer.apply(&[commit(2 * round + 3, vec![delta(1, 2 * round + 3, None, &[&owner], &[])])]).unwrap();
        while writer.collect() {}
        let statistics = catalog.statistics();
        sizes.insert((statistics.names, statistics.rrsets, statistics.bytes));
    }
    assert_eq!(sizes.len(), 1, "{sizes:?}");
}

#[test]
fn memory_waits_for_a_view() {
    let (mut writer, catalog) = Catalog::new(1);
    writer.apply(&[commit(1, vec![delta(1, 1, Some(header("z", 1, &[1])), &[], &["a.z TXT first"])])]).unwrap();
    let mut reader = catalog.reader();
    let view = reader.view();
    for round in 2..2000 {
        writer.apply(&[commit(round, vec![delta(1, round, None, &[], &["a.z TXT later"])])]).unwrap();
    }
    let owner = view.search_name(b"\x01a\x01z\0").unwrap();
    let zone = view.zone_of(Some(ScopeId::ALL), &owner, 0).unwrap();
    let text = view.owner(zone, &owner, 0).unwrap().get(RecordType::TXT).unwrap();
    assert_eq!(text.data().next().unwrap(), b"\x05first");
}

#[test]
fn readers_never_see_a_commit_in_part_or_an_older_one_later() {
    let (mut writer, catalog) = Catalog::new(1);
    let names: Vec<String> = (0..50).map(|n| format!("n{n}.z")).collect();
    let state = |n: u64, old: bool| -> Vec<String> {
        names.iter().map(|name| format!("{name} TXT {}", if old { n - 1 } else { n })).collect()
    };
    let lines = |lines: &[String]| rrsets(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    writer.apply(&[commit(1, vec![delta(1, 1, Some(header("z", 1, &[1])), &[], &[])])]).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                let mut reader = catalog.reader();
                let (mut last, mut turn) = (Vec::new(), 0usize);
                while !done.load(Ordering::Relaxed) {
                    let view = reader.view();
                    let texts: BTreeSet<Vec<u8>> = (0..5)
                        .filter_map(|step| {
                            turn += 1;
                            let owner = name(&names[(turn * 13 + step * 7) % names.len()]);
                            let owner = view.search_name(owner.as_wire())?;
                            let zone = view.zone_of(Some(ScopeId::ALL), &owner, 0)?;
                            let rrset = view.owner(zone, &owner, 0)?.get(RecordType::TXT)?;
                            rrset.data().next().map(<[u8]>::to_vec)
                        })
                        .collect();
                    assert!(texts.len() <= 1, "a commit was seen in part: {texts:?}");
                    let text = texts.into_iter().next().unwrap_or_default();
                    // The texts are numbers of rising length and value.
                    assert!((text.len(), &text) >= (last.len(), &last), "{text:?} after {last:?}");
                    last = text;
                }
            });
        }
        for n in 2..1500 {
            let change =
                Change::Delta { header: None, removed: lines(&state(n, true)), added: lines(&state(n, false)) };
            let entry = Entry { change, ..delta(1, n, None, &[], &[]) };
            writer.apply(&[commit(n, vec![entry])]).unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn apexes_are_looked_for_at_every_depth_that_one_has_had() {
    let depths = Depths::default();
    for labels in [0, 1, 63, 64, 127] {
        assert!(!depths.has(labels));
        depths.add(labels);
    }
    assert_eq!((0..128).filter(|labels| depths.has(*labels)).collect::<Vec<_>>(), [0, 1, 63, 64, 127]);
}

#[test]
fn a_torn_commit_is_seen_in_part() {
    let (mut writer, catalog) = Catalog::new(1);
    writer.apply(&[commit(1, vec![delta(1, 1, Some(header("z", 1, &[1])), &[], &[])])]).unwrap();
    writer.tear_commits();
    let before = catalog.statistics().generation;
    writer.apply(&[commit(2, vec![delta(1, 2, None, &[], &["a.z A 192.0.2.1", "b.z A 192.0.2.1"])])]).unwrap();
    assert!(catalog.statistics().generation >= before + 3);
}

/// The obviously right catalog: a map of names to types.
type Oracle = BTreeMap<(Name, RecordType), RRset>;

fn names_of(oracle: &Oracle, apex: &Name) -> BTreeSet<Name> {
    let mut names = BTreeSet::from([apex.clone()]);
    for (owner, _) in oracle.keys() {
        let mut owner = owner.clone();
        while owner != *apex {
            names.insert(owner.clone());
            owner = owner.parent().unwrap();
        }
    }
    names
}

/// Octets that a zone with these contents takes, counted anew.
fn octets_of(oracle: &Oracle, apex: &Name) -> u64 {
    let data = |rrset: &RRset| 12 + rrset.data.iter().map(|data| 2 + data.wire().len()).sum::<usize>();
    let octets = |name: &Name| {
        let value = oracle.iter().filter(|((owner, _), _)| owner == name).map(|(_, rrset)| data(rrset)).sum();
        versions::octets(name.as_wire().len() - apex.as_wire().len(), value) as u64
    };
    names_of(oracle, apex).iter().map(octets).sum()
}

prop_compose! {
    fn any_step()(owner in "([ab*]\\.){0,3}z", record_type in prop::sample::select(&["A", "TXT"]), put: bool, n: u8) -> (String, bool) {
        let data = if record_type == "A" { format!("192.0.2.{n}") } else { n.to_string() };
        (format!("{owner} {record_type} {data}"), put)
    }
}

proptest! {
    #[test]
    fn the_catalog_is_its_oracle(
        cut: bool,
        steps in prop::collection::vec(prop::collection::vec(any_step(), 1..6), 1..30),
    ) {
        let memory = if cut { Memory::Regions(|_, _| {}) } else { Memory::Single };
        let (mut writer, catalog) = Catalog::with_memory(3, memory);
        let apex = name("z");
        writer.apply(&[commit(1, vec![delta(1, 1, Some(header("z", 1, &[1])), &[], &[])])]).unwrap();
        let mut oracle = Oracle::new();
        for (index, step) in steps.iter().enumerate() {
            let before = oracle.clone();
            for (line, put) in step {
                let rrset = rrsets(&[line]).remove(0);
                let key = (rrset.owner.clone(), rrset.record_type);
                if *put { oracle.insert(key, rrset); } else { oracle.remove(&key); }
            }
            let differs = |key: &(Name, RecordType)| before.get(key) != oracle.get(key);
            let removed = before.iter().filter(|(key, _)| differs(key)).map(|(_, rrset)| rrset.clone()).collect();
            let added = oracle.iter().filter(|(key, _)| differs(key)).map(|(_, rrset)| rrset.clone()).collect();
            let version = index as u64 + 2;
            let entry = Entry { change: Change::Delta { header: None, removed, added }, ..delta(1, version, None, &[], &[]) };
            writer.apply(&[commit(version, vec![entry])]).unwrap();
            let octets = octets_of(&oracle, &apex);
            prop_assert_eq!(catalog.octets_of(ZoneNumber(1)), Some(octets));
            prop_assert_eq!(catalog.statistics().zone_octets, octets);
        }
        while writer.collect() {}
        let names = names_of(&oracle, &apex);
        prop_assert_eq!(catalog.statistics().names, names.len() as u64);
        prop_assert_eq!(catalog.statistics().rrsets, oracle.len() as u64);
        let mut reader = catalog.reader();
        let view = reader.view();
        for owner in names.iter().cloned().chain([name("x.z"), name("a.x.z")]) {
            let search = view.search_name(owner.as_wire()).unwrap();
            let zone = view.zone_of(Some(ScopeId::ALL), &search, 0).unwrap();
            let found = view.owner(zone, &search, 0);
            prop_assert_eq!(found.is_some(), names.contains(&owner), "{}", owner);
            let Some(found) = found else { continue };
            let found: Vec<(RecordType, u32, Vec<Vec<u8>>)> = found
                .iter()
                .map(|rrset| (rrset.record_type, rrset.ttl, rrset.data().map(<[u8]>::to_vec).collect()))
                .collect();
            let expected: Vec<(RecordType, u32, Vec<Vec<u8>>)> = oracle
                .values()
                .filter(|rrset| rrset.owner == owner)
                .map(|rrset| (rrset.record_type, rrset.ttl, rrset.data.iter().map(|data| data.wire().to_vec()).collect()))
                .collect();
            prop_assert_eq!(found, expected);
        }
    }
}

#[test]
fn a_large_zone_is_found_whole_while_segments_split() {
    for memory in [Memory::Single, Memory::Regions(|_, _| {})] {
        grow_and_end(memory);
    }
}

fn grow_and_end(memory: Memory) {
    let (mut writer, catalog) = Catalog::with_memory(9, memory);
    writer.apply(&[commit(1, vec![delta(1, 1, Some(header("z", 1, &[1])), &[], &[])])]).unwrap();
    for n in 0..20u64 {
        let lines: Vec<String> = (0..1000).map(|m| format!("n{n}-{m}.z A 192.0.2.1")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        writer.apply(&[commit(n + 2, vec![delta(1, n + 2, None, &[], &lines)])]).unwrap();
    }
    assert_eq!(catalog.statistics().names, 20_001);
    assert!((0..20).all(|n| (0..1000).step_by(97).all(|m| types_at(&catalog, &format!("n{n}-{m}.z")).is_some())));
    let gone = Entry { change: Change::Gone, ..delta(1, 99, None, &[], &[]) };
    writer.apply(&[commit(22, vec![gone])]).unwrap();
    while writer.collect() {}
    assert_eq!(catalog.statistics().names, 0);
    assert_eq!(catalog.statistics().bytes, 0);
    assert!(catalog.table.part_count() <= 8, "{} parts are left of the table", catalog.table.part_count());
}
