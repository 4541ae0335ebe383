//! Files that are not what they should be.

use std::fs;

use redb::Database;

use super::disk::Directory;
use super::model::{INCARNATION, Model, contents, fill};
use super::*;
use crate::edge_file::tables::{META, META_FORMAT, NAMES, ZONES};

fn open_error(directory: &Directory) -> EdgeFileError {
    EdgeFile::open(&directory.file()).err().unwrap()
}

#[test]
fn a_file_that_is_something_else_is_damaged_and_can_be_rebuilt() {
    for foreign in [&b"not a database"[..], &[0; 8192], &[0xff; 100_000]] {
        let directory = Directory::new();
        fs::write(directory.file(), foreign).unwrap();
        let error = open_error(&directory);
        assert!(matches!(error, EdgeFileError::Damaged(_)), "{error}");
        assert_eq!(error.remedy(), Remedy::Rebuild);
        let file = EdgeFile::rebuild(&directory.file()).unwrap();
        assert_eq!(file.state(), None);
        fill(&file, &Model::default());
        assert_eq!(fs::read(directory.file().with_extension("redb.damaged")).unwrap(), foreign);
    }
}

#[test]
fn a_file_that_was_cut_off_is_damaged() {
    let directory = Directory::new();
    let mut model = Model::default();
    model.commit(&(0..60).map(|step| (1, 3, step, step)).collect::<Vec<_>>(), &mut Vec::new());
    fill(&EdgeFile::open(&directory.file()).unwrap(), &model);
    let whole = fs::read(directory.file()).unwrap();
    for length in [100, 4096, whole.len() / 2, whole.len() - 4096] {
        fs::write(directory.file(), &whole[..length]).unwrap();
        let error = open_error(&directory);
        assert_eq!(error.remedy(), Remedy::Rebuild, "cut to {length} octets: {error}");
    }
}

#[test]
fn octets_that_changed_never_stop_the_program() {
    let directory = Directory::new();
    let mut model = Model::default();
    for zone in 1..4 {
        model.commit(&(0..60).map(|step| (zone, 3, step, step)).collect::<Vec<_>>(), &mut Vec::new());
    }
    fill(&EdgeFile::open(&directory.file()).unwrap(), &model);
    let whole = fs::read(directory.file()).unwrap();
    let mut found = 0;
    for at in (0..whole.len()).step_by(whole.len() / 300) {
        let mut changed = whole.clone();
        changed[at] ^= 0x55;
        fs::write(directory.file(), &changed).unwrap();
        let (mut writer, _catalog) = Catalog::new(1);
        let outcome = EdgeFile::open(&directory.file()).and_then(|file| file.load(&mut writer).map(drop));
        if let Err(error) = outcome {
            assert_eq!(error.remedy(), Remedy::Rebuild, "octet {at}: {error}");
            found += 1;
        }
    }
    assert!(found > 0);
}

#[test]
fn a_newer_format_is_not_taken_for_damage_of_ours() {
    let directory = Directory::new();
    fill(&EdgeFile::open(&directory.file()).unwrap(), &Model::default());
    let database = Database::open(directory.file()).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(META).unwrap().insert(META_FORMAT, &(FORMAT + 1).to_be_bytes()[..]).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = open_error(&directory);
    assert!(matches!(error, EdgeFileError::NewerFormat(2)), "{error}");
    assert_eq!(error.to_string(), "the edge's file has format 2; this release reads format 1");
}

#[test]
fn rows_that_make_no_sense_are_damage() {
    let directory = Directory::new();
    let mut model = Model::default();
    model.commit(&[(1, 0, 1, 1)], &mut Vec::new());
    let load = |zone_row: Option<(u64, &[u8])>, name_row: Option<(&[u8], &[u8])>| {
        let file = EdgeFile::open(&directory.file()).unwrap();
        fill(&file, &model);
        drop(file);
        let database = Database::open(directory.file()).unwrap();
        let transaction = database.begin_write().unwrap();
        if let Some((key, row)) = zone_row {
            transaction.open_table(ZONES).unwrap().insert(key, row).unwrap();
        }
        if let Some((key, row)) = name_row {
            transaction.open_table(NAMES).unwrap().insert(key, row).unwrap();
        }
        transaction.commit().unwrap();
        drop(database);
        let (mut writer, _catalog) = Catalog::new(1);
        EdgeFile::open(&directory.file()).unwrap().load(&mut writer)
    };
    assert!(load(None, None).is_ok());
    let name_of_zone_1 = [&1u64.to_be_bytes()[..], &[1, 9, 0]].concat();
    let stray = [&2u64.to_be_bytes()[..], b"test\0"].concat();
    for (zone_row, name_row) in [
        (Some((2, &b"short"[..])), None),
        (Some((2, &[1; 40][..])), None),
        (None, Some((&name_of_zone_1[..], &[1, 0][..]))),
        (None, Some((&stray[..], &[1, 0][..]))),
        (None, Some((&b"short"[..], &[1, 0][..]))),
    ] {
        let error = load(zone_row, name_row).unwrap_err();
        assert!(matches!(error, EdgeFileError::Damaged(_)), "{error}");
    }
    let newer = [&[0; 12][..], &[200]].concat();
    assert!(matches!(load(Some((2, &newer)), None).unwrap_err(), EdgeFileError::NewerFormat(200)));
}

#[test]
fn a_place_that_cannot_be_written_is_told_apart_from_damage() {
    let directory = Directory::new();
    let nowhere = directory.file().join("missing").join("edge.redb");
    let error = EdgeFile::open(&nowhere).err().unwrap();
    assert!(matches!(error, EdgeFileError::Io(_)), "{error}");
    fs::create_dir(directory.file()).unwrap();
    let error = open_error(&directory);
    assert!(matches!(error, EdgeFileError::Io(_)), "{error}");
    assert_eq!(error.remedy(), Remedy::Outside);
    fs::remove_dir(directory.file()).unwrap();
    let file = EdgeFile::open(&directory.file()).unwrap();
    fill(&file, &Model::default());
    assert_eq!(contents(&file.read().unwrap().unwrap()), Model::default());
    assert_eq!(file.state(), Some((INCARNATION, Position(0))));
}
