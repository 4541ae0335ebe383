//! The file against a plain model of what it must hold; crashes, cuts, full disks and damage.

mod crash;
mod damage;
mod disk;
mod model;
mod once;
mod overlay;

use std::collections::BTreeMap;

use proptest::prelude::*;
use waymark_wire::Request;
use waymark_wire::{RecordType, Serial};
use waymark_zone::answer::{Circumstances, Cookie, Needs, NoSupplies, Settings, Transport, answer};
use waymark_zone::catalog::Catalog;
use waymark_zone::published::{Change, Entry, ScopeChange, ScopeId, Version};

use super::*;
use crate::test_zone::{address, header, ip, is_address, name, query};
use disk::Directory;
use model::{INCARNATION, Model, contents, fill, fill_in_pieces, no_images};

#[test]
fn a_new_file_is_empty_and_says_so() {
    let directory = Directory::new();
    let file = EdgeFile::open(&directory.file()).unwrap();
    assert_eq!(file.state(), None);
    assert!(file.read().unwrap().is_none());
    let (mut writer, catalog) = Catalog::new(1);
    assert_eq!(file.load(&mut writer).unwrap(), None);
    assert_eq!(catalog.statistics().zones, 0);
    let error = file.append(&[], &mut no_images).unwrap_err();
    assert!(matches!(error, EdgeFileError::NoState), "{error}");
    assert_eq!(error.remedy(), Remedy::Snapshot);
}

#[test]
fn one_process_has_the_file() {
    let directory = Directory::new();
    let file = EdgeFile::open(&directory.file()).unwrap();
    let error = EdgeFile::open(&directory.file()).err().unwrap();
    assert!(matches!(error, EdgeFileError::InUse), "{error}");
    assert_eq!(error.remedy(), Remedy::Outside);
    drop(file);
    EdgeFile::open(&directory.file()).unwrap();
}

#[test]
fn what_was_filled_is_answered_after_a_restart() {
    let directory = Directory::new();
    let mut model = Model::default();
    for zone in 1..=5 {
        model.commit(&(0..20).map(|step| (zone, 0, step % 7, step)).collect::<Vec<_>>(), &mut Vec::new());
    }
    fill(&EdgeFile::open(&directory.file()).unwrap(), &model);
    let file = EdgeFile::open(&directory.file()).unwrap();
    assert_eq!(file.state(), Some((INCARNATION, model.position)));
    let (mut writer, catalog) = Catalog::new(1);
    let loaded = file.load(&mut writer).unwrap().unwrap();
    assert_eq!((loaded.zones, loaded.names, loaded.position), (5, 35, model.position));
    assert_eq!((writer.incarnation(), writer.position()), (INCARNATION, model.position));
    assert_answers(&model, &catalog);
}

/// Asks the catalog for every address of the model, at an address without a scope.
fn assert_answers(model: &Model, catalog: &Arc<Catalog>) {
    let mut reader = catalog.reader();
    let mut out = [0; 4096];
    for image in model.zones.values() {
        for rrset in image.rrsets.values().filter(|rrset| rrset.record_type == RecordType::A) {
            let request = query(5, &rrset.owner.to_string(), RecordType::A);
            let circumstances = Circumstances {
                asked: ip("203.0.113.1"),
                transport: Transport::Udp,
                cookie: Cookie::None,
                keepalive: None,
            };
            let request = Request::parse(&request);
            let (settings, mut needs) = (Settings::default(), Needs::new());
            let outcome =
                answer(&reader.view(), &request, &circumstances, &settings, &NoSupplies, &mut needs, &mut out);
            let answered = outcome.answered();
            let octets = rrset.data[0].wire().try_into().unwrap();
            assert!(is_address(&out[..answered.unwrap().length], 5, octets), "{}", rrset.owner);
        }
    }
}

#[test]
fn names_of_a_zone_come_in_canonical_order_and_alone() {
    let directory = Directory::new();
    let file = EdgeFile::open(&directory.file()).unwrap();
    let owners = ["example.test", "a.example.test", "z.a.example.test", "b.example.test", "*.b.example.test"];
    let mut fill = file.replace_all(INCARNATION, Position(1)).unwrap();
    for (zone, apex) in [(1, "other.test"), (2, "example.test"), (3, "third.test")] {
        fill.zone(ZoneNumber(zone), Version(1), Serial::new(1), &header(apex, &[1])).unwrap();
        let shuffled: Vec<_> = [3, 0, 4, 2, 1].iter().map(|at| address(owners[*at], [192, 0, 2, zone as u8])).collect();
        fill.rrsets(ZoneNumber(zone), &shuffled).unwrap();
    }
    fill.finish().unwrap();
    let snapshot = file.read().unwrap().unwrap();
    let names: Vec<_> = snapshot.names(ZoneNumber(2)).unwrap().map(Result::unwrap).collect();
    assert_eq!(names.iter().map(|(owner, _)| owner.to_string()).collect::<Vec<_>>(), owners);
    assert!(names.iter().all(|(_, rrsets)| rrsets[0].data[0].wire() == [192, 0, 2, 2]));
    assert_eq!(snapshot.zone(ZoneNumber(3)).unwrap().unwrap().header.apex, name("third.test"));
    assert_eq!(snapshot.zone(ZoneNumber(4)).unwrap(), None);
    assert_eq!(snapshot.names(ZoneNumber(u64::MAX)).unwrap().count(), 0);
}

#[test]
fn a_snapshot_stays_at_its_position() {
    let directory = Directory::new();
    let file = EdgeFile::open(&directory.file()).unwrap();
    let mut model = Model::default();
    model.commit(&[(1, 0, 1, 1)], &mut Vec::new());
    fill(&file, &model);
    let (before, snapshot) = (model.clone(), file.read().unwrap().unwrap());
    let commit = model.commit(&[(1, 0, 1, 2), (2, 0, 1, 2)], &mut Vec::new());
    file.append(&[commit], &mut no_images).unwrap();
    assert_eq!(contents(&snapshot), before);
    assert_eq!(contents(&file.read().unwrap().unwrap()), model);
}

#[test]
fn positions_that_do_not_follow_are_refused_and_leave_no_trace() {
    let directory = Directory::new();
    let file = EdgeFile::open(&directory.file()).unwrap();
    let mut model = Model::default();
    let mut commits: Vec<_> = (0..5).map(|step| model.commit(&[(1, 0, step, step)], &mut Vec::new())).collect();
    fill(&file, &Model::default());
    let error = file.append(&commits[1..], &mut no_images).unwrap_err();
    assert!(matches!(error, EdgeFileError::Gap { at: Position(0), found: Position(2) }), "{error}");
    let missing = commits.remove(2);
    let error = file.append(&commits, &mut no_images).unwrap_err();
    assert!(matches!(error, EdgeFileError::Gap { at: Position(2), found: Position(4) }), "{error}");
    assert_eq!(error.remedy(), Remedy::Snapshot);
    assert_eq!(file.state(), Some((INCARNATION, Position(0))));
    assert_eq!(contents(&file.read().unwrap().unwrap()), Model::default());
    commits.insert(2, missing);
    assert_eq!(file.append(&commits, &mut no_images).unwrap(), Position(5));
    assert_eq!(contents(&file.read().unwrap().unwrap()), model);
}

#[test]
fn positions_that_are_there_already_are_passed_over() {
    let directory = Directory::new();
    let file = EdgeFile::open(&directory.file()).unwrap();
    let mut model = Model::default();
    let commits: Vec<_> = (0..6).map(|step| model.commit(&[(1, 0, 1, step)], &mut Vec::new())).collect();
    fill(&file, &Model::default());
    for (from, to, reached) in [(0, 3, 3), (0, 3, 3), (0, 0, 3), (1, 2, 3), (1, 5, 5), (0, 6, 6)] {
        assert_eq!(file.append(&commits[from..to], &mut no_images).unwrap(), Position(reached));
    }
    assert_eq!(contents(&file.read().unwrap().unwrap()), model);
}

#[test]
fn another_journal_is_refused() {
    let directory = Directory::new();
    let file = EdgeFile::open(&directory.file()).unwrap();
    fill(&file, &Model::default());
    let foreign = Commit { incarnation: Incarnation([9; 16]), position: Position(1), entries: vec![], scopes: vec![] };
    let error = file.append(&[Arc::new(foreign)], &mut no_images).unwrap_err();
    assert!(matches!(error, EdgeFileError::Incarnation { .. }), "{error}");
    assert_eq!(error.remedy(), Remedy::Snapshot);
}

fn commit_of(position: u64, version: u64, change: Change) -> Arc<Commit> {
    let entry = Entry { zone: ZoneNumber(1), version: Version(version), serial: Serial::new(version as u32), change };
    Arc::new(Commit { incarnation: INCARNATION, position: Position(position), entries: vec![entry], scopes: vec![] })
}

#[test]
fn an_image_newer_than_its_commit_makes_the_changes_it_has_already() {
    let directory = Directory::new();
    let file = EdgeFile::open(&directory.file()).unwrap();
    fill(&file, &Model::default());
    let image = |version| ZoneImage {
        zone: ZoneNumber(1),
        version: Version(version),
        serial: Serial::new(version as u32),
        header: header("example.test", &[1]),
        rrsets: vec![address("a.example.test", [192, 0, 2, version as u8])],
    };
    let old = commit_of(
        2,
        2,
        Change::Delta {
            header: None,
            removed: vec![address("a.example.test", [192, 0, 2, 1])],
            added: vec![address("a.example.test", [192, 0, 2, 2]), address("passed-over.example.test", [192, 0, 2, 2])],
        },
    );
    let replace = commit_of(1, 1, Change::Replace);
    file.append(&[replace, old], &mut |_| Some(image(3))).unwrap();
    let read = || file.read().unwrap().unwrap();
    let names: Vec<_> = read().names(ZoneNumber(1)).unwrap().map(Result::unwrap).collect();
    assert_eq!(names, [(name("a.example.test"), vec![address("a.example.test", [192, 0, 2, 3])])]);
    // The image is of a time before the commit that asks for it: of no use.
    let error = file.append(&[commit_of(3, 5, Change::Replace)], &mut |_| Some(image(4))).unwrap_err();
    assert!(matches!(error, EdgeFileError::NoImage(ZoneNumber(1))), "{error}");
    let error = file.append(&[commit_of(3, 5, Change::Replace)], &mut no_images).unwrap_err();
    assert!(matches!(error, EdgeFileError::NoImage(ZoneNumber(1))), "{error}");
    assert_eq!(file.state(), Some((INCARNATION, Position(2))));
    assert_eq!(read().zone(ZoneNumber(1)).unwrap().unwrap().version, Version(3));
}

#[test]
fn a_change_of_a_zone_that_is_not_there_is_refused() {
    let directory = Directory::new();
    let file = EdgeFile::open(&directory.file()).unwrap();
    fill(&file, &Model::default());
    let delta = Change::Delta { header: None, removed: vec![], added: vec![address("a.example.test", [1; 4])] };
    let error = file.append(&[commit_of(1, 1, delta)], &mut no_images).unwrap_err();
    assert!(matches!(error, EdgeFileError::NoZone(ZoneNumber(1))), "{error}");
    assert!(matches!(
        file.replace_all(INCARNATION, Position(1)).unwrap().rrsets(ZoneNumber(1), &[]),
        Err(EdgeFileError::NotBegun(ZoneNumber(1)))
    ));
}

#[test]
fn scopes_come_and_go() {
    let directory = Directory::new();
    let file = EdgeFile::open(&directory.file()).unwrap();
    fill(&file, &Model::default());
    let scope = |number, addresses: &[&str]| ScopeChange {
        scope: ScopeId(number),
        addresses: addresses.iter().map(|address| ip(address)).collect(),
    };
    let commit = |position, scopes| {
        Arc::new(Commit { incarnation: INCARNATION, position: Position(position), entries: vec![], scopes })
    };
    let first = commit(1, vec![scope(2, &["127.53.0.1", "fd53::1"]), scope(3, &["127.53.0.2"])]);
    let second = commit(2, vec![scope(2, &["127.53.0.9"]), scope(3, &[])]);
    file.append(&[first, second], &mut no_images).unwrap();
    assert_eq!(file.read().unwrap().unwrap().scopes().unwrap(), [scope(2, &["127.53.0.9"])]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Any history, appended in any batches with restarts between, gives what the model holds.
    #[test]
    fn the_file_holds_what_its_history_says(
        history in prop::collection::vec(
            prop::collection::vec((1u64..5, 0u8..10, 0u8..6, any::<u8>()), 0..4), 1..40),
        cuts in prop::collection::vec(1usize..8, 1..20),
        filled_at in 0usize..10,
    ) {
        let directory = Directory::new();
        let mut file = EdgeFile::open(&directory.file()).unwrap();
        let mut model = Model::default();
        let mut images = Vec::new();
        let commits: Vec<_> = history.iter().enumerate().map(|(at, operations)| {
            if at == filled_at {
                fill_in_pieces(&file, &model, 200).unwrap();
            }
            model.commit(operations, &mut images)
        }).collect();
        if filled_at >= history.len() {
            fill(&file, &Model::default());
        }
        // The last image that there ever was of a zone: often later than the commit that asks for it.
        let images: BTreeMap<ZoneNumber, ZoneImage> =
            images.into_iter().map(|image: ZoneImage| (image.zone, image)).collect();
        let mut rest = &commits[..];
        for cut in cuts.iter().cycle() {
            let (batch, after) = rest.split_at((*cut).min(rest.len()));
            file.append(batch, &mut |zone| images.get(&zone).cloned()).unwrap();
            rest = after;
            if cut % 3 == 0 {
                drop(file);
                file = EdgeFile::open(&directory.file()).unwrap();
            }
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(&contents(&file.read().unwrap().unwrap()), &model);
        let (mut writer, catalog) = Catalog::new(3);
        let loaded = file.load(&mut writer).unwrap().unwrap();
        prop_assert_eq!((loaded.zones, loaded.position), (model.zones.len() as u64, model.position));
        assert_answers(&model, &catalog);
    }
}
