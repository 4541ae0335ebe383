//! The file of an edge that has nothing to add to it.

use std::fs;

use super::disk::Directory;
use super::model::{INCARNATION, Model, fill, no_images};
use super::*;

fn some_zones() -> Model {
    let mut model = Model::default();
    for zone in 1..=4 {
        model.commit(&(0..20).map(|step| (zone, 0, step % 7, step)).collect::<Vec<_>>(), &mut Vec::new());
    }
    model
}

#[test]
fn a_file_is_loaded_and_stays_as_it_is() {
    let directory = Directory::new();
    let mut model = some_zones();
    let file = EdgeFile::open(&directory.file()).unwrap();
    fill(&file, &model);
    let commit = model.commit(&[(1, 0, 1, 99)], &mut Vec::new());
    file.append(&[commit], &mut no_images).unwrap();
    // As a process leaves it that is killed; and as one that comes to its end.
    let killed = fs::read(directory.file()).unwrap();
    drop(file);
    let ended = fs::read(directory.file()).unwrap();
    assert_ne!(killed, ended);
    for octets in [killed, ended] {
        fs::write(directory.file(), &octets).unwrap();
        let (mut writer, catalog) = Catalog::new(1);
        let loaded = EdgeFile::load_once(&directory.file(), &mut writer).unwrap().unwrap();
        assert_eq!((loaded.incarnation, loaded.position, loaded.zones), (INCARNATION, model.position, 4));
        assert_answers(&model, &catalog);
        assert_eq!(fs::read(directory.file()).unwrap(), octets);
    }
}

#[test]
fn a_file_without_state_gives_nothing() {
    let directory = Directory::new();
    fs::write(directory.file(), "").unwrap();
    let (mut writer, _catalog) = Catalog::new(1);
    assert_eq!(EdgeFile::load_once(&directory.file(), &mut writer).unwrap(), None);
    assert_eq!(fs::read(directory.file()).unwrap(), b"");
    fs::remove_file(directory.file()).unwrap();
    drop(EdgeFile::open(&directory.file()).unwrap());
    assert_eq!(EdgeFile::load_once(&directory.file(), &mut writer).unwrap(), None);
}

#[test]
fn a_file_that_is_not_there_in_use_or_damaged_is_said_to_be() {
    let directory = Directory::new();
    let error = || EdgeFile::load_once(&directory.file(), &mut Catalog::new(1).0).unwrap_err();
    let missing = error();
    assert!(matches!(&missing, EdgeFileError::Io(why) if why.kind() == std::io::ErrorKind::NotFound), "{missing}");
    assert!(!directory.file().exists(), "looking for it does not make it");
    let file = EdgeFile::open(&directory.file()).unwrap();
    fill(&file, &some_zones());
    let in_use = error();
    assert!(matches!(in_use, EdgeFileError::InUse), "{in_use}");
    drop(file);
    let whole = fs::read(directory.file()).unwrap();
    for damaged in [&b"not a database"[..], &whole[..whole.len() / 2]] {
        fs::write(directory.file(), damaged).unwrap();
        let error = error();
        assert!(matches!(error, EdgeFileError::Damaged(_)), "{error}");
        assert_eq!(fs::read(directory.file()).unwrap(), damaged);
    }
}

#[test]
fn names_without_their_zone_are_damage() {
    let directory = Directory::new();
    for zone in [1, 2, 4] {
        fill(&EdgeFile::open(&directory.file()).unwrap(), &some_zones());
        let database = redb::Database::open(directory.file()).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(tables::ZONES).unwrap().remove(zone).unwrap();
        transaction.commit().unwrap();
        drop(database);
        let error = EdgeFile::load_once(&directory.file(), &mut Catalog::new(1).0).unwrap_err();
        assert_eq!(error.to_string(), "the edge's file is damaged: a name without a zone makes no sense");
    }
}
