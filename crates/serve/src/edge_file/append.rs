//! Commits into the file: position and data in one transaction.
//!
//! A delta's RRsets are gathered by owner name, so that each name is read and written once. What a delta removes is
//! found by owner and type alone: whether the old data was as the delta says changes nothing about what is true
//! afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;

use redb::{ReadableTable, Table, WriteTransaction};
use waymark_wire::{Name, RecordType};
use waymark_zone::published::{
    Change, Commit, Entry, Incarnation, Position, RRset, ScopeChange, ZoneImage, ZoneNumber,
};

use super::handle::{Handle, write_state};
use super::tables::{NAMES, SCOPES, ZONES, encode_zone, name_key, remove_names, restamp_zone, zone_version};
use super::{EdgeFileError, Images};

pub(super) fn append(
    handle: &Handle,
    commits: &[Arc<Commit>],
    images: &mut Images<'_>,
) -> Result<Position, EdgeFileError> {
    let _writer = handle.writer();
    // Opened again first, if need be: that may change the state.
    handle.database()?;
    let (incarnation, position) = handle.state().ok_or(EdgeFileError::NoState)?;
    let new = following(incarnation, position, commits)?;
    let Some(last) = new.last() else { return Ok(position) };
    let state = Some((incarnation, last.position));
    handle.write(|transaction| {
        let mut tables = Tables { zones: transaction.open_table(ZONES)?, names: transaction.open_table(NAMES)? };
        for commit in new {
            for entry in &commit.entries {
                tables.write_entry(entry, images)?;
            }
            if !commit.scopes.is_empty() {
                write_scopes(transaction, &commit.scopes)?;
            }
        }
        drop(tables);
        write_state(transaction, state)
    })?;
    handle.set_state(state);
    Ok(last.position)
}

/// The commits behind `position`, if they follow it and each other without a hole.
fn following(
    incarnation: Incarnation,
    position: Position,
    commits: &[Arc<Commit>],
) -> Result<&[Arc<Commit>], EdgeFileError> {
    if let Some(other) = commits.iter().find(|commit| commit.incarnation != incarnation) {
        return Err(EdgeFileError::Incarnation { expected: incarnation, found: other.incarnation });
    }
    let already = commits.iter().take_while(|commit| commit.position <= position).count();
    let new = &commits[already..];
    let mut at = position;
    for commit in new {
        if commit.position != at.next() {
            return Err(EdgeFileError::Gap { at, found: commit.position });
        }
        at = commit.position;
    }
    Ok(new)
}

/// The tables that entries change, opened once for a whole transaction.
struct Tables<'t> {
    zones: Table<'t, u64, &'static [u8]>,
    names: Table<'t, &'static [u8], &'static [u8]>,
}

impl Tables<'_> {
    fn write_entry(&mut self, entry: &Entry, images: &mut Images<'_>) -> Result<(), EdgeFileError> {
        let there = match self.zones.get(entry.zone.0)? {
            Some(row) => Some((zone_version(row.value())?, row.value().to_vec())),
            None => None,
        };
        if there.as_ref().is_some_and(|(version, _)| entry.version <= *version) {
            return Ok(());
        }
        match &entry.change {
            Change::Delta { header, removed, added } => {
                // A zone that was not there has no names yet.
                let names = if there.is_some() { Names::MayBeThere } else { Names::New };
                let row = match (header, there) {
                    (Some(header), _) => encode_zone(entry.version, entry.serial, header),
                    (None, Some((_, row))) => restamp_zone(entry.version, entry.serial, &row)?,
                    (None, None) => return Err(EdgeFileError::NoZone(entry.zone)),
                };
                self.zones.insert(entry.zone.0, row.as_slice())?;
                self.write_delta(entry.zone, removed, added, names)
            }
            Change::Replace => {
                let image = images(entry.zone).filter(|image| image.version >= entry.version);
                self.write_image(entry.zone, &image.ok_or(EdgeFileError::NoImage(entry.zone))?)
            }
            Change::Gone => {
                self.zones.remove(entry.zone.0)?;
                remove_names(&mut self.names, entry.zone)
            }
        }
    }

    fn write_delta(
        &mut self,
        zone: ZoneNumber,
        removed: &[RRset],
        added: &[RRset],
        present: Names,
    ) -> Result<(), EdgeFileError> {
        let mut touched: BTreeMap<&Name, Touched<'_>> = BTreeMap::new();
        for rrset in removed {
            touched.entry(&rrset.owner).or_default().removed.push(rrset.record_type);
        }
        for rrset in added {
            touched.entry(&rrset.owner).or_default().added.push(rrset);
        }
        for (owner, touched) in touched {
            write_name(&mut self.names, zone, owner, &touched, present)?;
        }
        Ok(())
    }

    fn write_image(&mut self, zone: ZoneNumber, image: &ZoneImage) -> Result<(), EdgeFileError> {
        remove_names(&mut self.names, zone)?;
        let row = encode_zone(image.version, image.serial, &image.header);
        self.zones.insert(zone.0, row.as_slice())?;
        self.write_delta(zone, &[], &image.rrsets, Names::New)
    }
}

/// Whether a zone's names have to be looked for before they are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    MayBeThere,
    New,
}

/// What a delta does to one owner name.
#[derive(Default)]
struct Touched<'a> {
    removed: Vec<RecordType>,
    added: Vec<&'a RRset>,
}

fn write_name(
    names: &mut Table<'_, &[u8], &[u8]>,
    zone: ZoneNumber,
    owner: &Name,
    touched: &Touched<'_>,
    present: Names,
) -> Result<(), EdgeFileError> {
    let key = name_key(zone, owner);
    let mut rrsets = match present {
        Names::New => Vec::new(),
        Names::MayBeThere => match names.get(key.as_slice())? {
            Some(row) => RRset::decode_name(owner, row.value())?,
            None => Vec::new(),
        },
    };
    rrsets.retain(|rrset| {
        let added = || touched.added.iter().any(|added| added.record_type == rrset.record_type);
        !touched.removed.contains(&rrset.record_type) && !added()
    });
    rrsets.extend(touched.added.iter().map(|rrset| (*rrset).clone()));
    // The order of types says nothing; fixed, it makes files of one history alike.
    rrsets.sort_by_key(|rrset| rrset.record_type);
    if rrsets.is_empty() {
        names.remove(key.as_slice())?;
    } else {
        names.insert(key.as_slice(), RRset::encode_name(&rrsets).as_slice())?;
    }
    Ok(())
}

/// Writes scopes; one without addresses is gone.
pub(super) fn write_scopes(transaction: &WriteTransaction, changes: &[ScopeChange]) -> Result<(), EdgeFileError> {
    let mut scopes = transaction.open_table(SCOPES)?;
    for change in changes {
        if change.addresses.is_empty() {
            scopes.remove(change.scope.0)?;
        } else {
            scopes.insert(change.scope.0, change.encode().as_slice())?;
        }
    }
    Ok(())
}
