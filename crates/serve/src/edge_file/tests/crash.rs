//! Power cuts, full disks, and fills that do not come to an end.

use std::collections::BTreeMap;

use super::disk::{Directory, Disk};
use super::model::{INCARNATION, Model, contents, fill, fill_in_pieces, no_images};
use super::*;

/// The file on a disk in memory.
fn open_on(disk: &Disk) -> Result<EdgeFile, EdgeFileError> {
    let disk = disk.clone();
    let opener = Box::new(move || redb::Builder::new().create_with_backend(disk.clone()));
    Ok(EdgeFile { handle: Handle::open(opener)? })
}

fn some_zones(zones: u64) -> Model {
    let mut model = Model::default();
    for zone in 1..=zones {
        model.commit(&(0..30).map(|step| (zone, step % 4, step % 11, step)).collect::<Vec<_>>(), &mut Vec::new());
    }
    model
}

#[test]
fn a_fill_that_is_given_up_leaves_no_state() {
    let directory = Directory::new();
    let (old, new) = (some_zones(2), some_zones(6));
    let file = EdgeFile::open(&directory.file()).unwrap();
    fill(&file, &old);
    let mut half = file.replace_all(INCARNATION, new.position).unwrap().in_pieces_of(1);
    let zone = &new.zones[&ZoneNumber(6)];
    half.zone(ZoneNumber(6), Version(1), Serial::new(1), &zone.header).unwrap();
    assert_eq!(file.state(), None);
    drop(half);
    drop(file);
    let file = EdgeFile::open(&directory.file()).unwrap();
    assert_eq!(file.state(), None);
    assert!(file.read().unwrap().is_none());
    fill(&file, &old);
    assert_eq!(contents(&file.read().unwrap().unwrap()), old, "nothing of the half fill is left");
}

/// What a run on a recorded disk leaves after a cut at each sync: the model at each position, by the state of the file.
fn run(disk: &Disk) -> BTreeMap<Option<Position>, Option<Model>> {
    let mut models = BTreeMap::from([(None, None)]);
    let file = open_on(disk).unwrap();
    let mut model = some_zones(8);
    fill_in_pieces(&file, &model, 500).unwrap();
    models.insert(Some(model.position), Some(model.clone()));
    for step in 0..12 {
        let operations: Vec<_> = (1..6).map(|zone| (zone, step % 7, step % 5, step)).collect();
        let operations: Vec<_> = operations.into_iter().filter(|operation| operation.1 != 7).collect();
        let commit = model.commit(&operations, &mut Vec::new());
        file.append(&[commit], &mut no_images).unwrap();
        models.insert(Some(model.position), Some(model.clone()));
    }
    models
}

#[test]
fn a_power_cut_leaves_what_was_acknowledged() {
    let disk = Disk::default();
    drop(open_on(&disk).unwrap());
    disk.record(true);
    let models = run(&disk);
    let cuts = disk.cuts();
    assert!(cuts.len() > 20, "the run has {} syncs", cuts.len());
    let mut last = None;
    for cut in &cuts {
        let file = open_on(&Disk::with(cut)).unwrap();
        let position = file.state().map(|state| state.1);
        assert!(position >= last, "the file went back from {last:?} to {position:?}");
        last = position;
        let found = file.read().unwrap().map(|snapshot| contents(&snapshot));
        assert_eq!(found, models[&position]);
    }
    assert_eq!(last, models.keys().last().copied().flatten(), "the last acknowledged commit is there");
}

#[test]
fn a_disk_that_does_not_obey_a_sync_is_found_out() {
    let disk = Disk::default();
    drop(open_on(&disk).unwrap());
    disk.record(false);
    let models = run(&disk);
    let whole = disk.cuts().iter().all(|cut| {
        let found = error::guarded(|| {
            let file = open_on(&Disk::with(cut))?;
            let found = file.read()?.map(|snapshot| contents(&snapshot));
            Ok((file.state().map(|state| state.1), found))
        });
        found.is_ok_and(|(position, found)| models.get(&position) == Some(&found))
    });
    assert!(!whole, "blocks were lost and nobody noticed: the test above proves nothing");
}

#[test]
fn a_full_disk_refuses_the_commit_whole_and_later_takes_it() {
    let disk = Disk::default();
    let file = open_on(&disk).unwrap();
    let mut model = some_zones(3);
    fill(&file, &model);
    let mut refused = 0;
    for writes in 0.. {
        let before = model.clone();
        let operations: Vec<_> = (1..4).map(|zone| (zone, 0, 1, writes as u8)).collect();
        let commit = model.commit(&operations, &mut Vec::new());
        disk.full_after(Some(writes));
        match file.append(std::slice::from_ref(&commit), &mut no_images) {
            Ok(position) => {
                assert_eq!(position, model.position);
                disk.full_after(None);
                break;
            }
            Err(error) => {
                assert!(matches!(error, EdgeFileError::Io(_)), "{error}");
                assert_eq!(error.remedy(), Remedy::Outside);
                refused += 1;
            }
        }
        disk.full_after(None);
        // What a process that starts now would find.
        let restarted = open_on(&Disk::with(&disk.octets())).unwrap();
        let found = contents(&restarted.read().unwrap().unwrap());
        assert!(found == before || found == model, "neither before nor after");
        file.append(&[commit], &mut no_images).unwrap();
        assert_eq!(contents(&file.read().unwrap().unwrap()), model);
    }
    assert!(refused > 3, "the disk was full {refused} times");
    assert_eq!(contents(&file.read().unwrap().unwrap()), model);
}
