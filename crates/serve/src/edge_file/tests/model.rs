//! What the file must hold, as plain maps, and commits that change both.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use waymark_wire::{Name, RecordType, Serial};
use waymark_zone::published::{
    Change, Commit, Entry, Incarnation, Position, RRset, ScopeChange, ScopeId, Version, ZoneHeader, ZoneImage,
    ZoneNumber,
};

use crate::edge_file::{EdgeFile, EdgeFileError, Snapshot};
use crate::test_zone::{address, header, name, rrset};

pub(super) const INCARNATION: Incarnation = Incarnation([5; 16]);

/// A zone: one number for version and serial, because both move with every change here.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ModelZone {
    pub(super) version: u64,
    pub(super) header: ZoneHeader,
    pub(super) rrsets: BTreeMap<(Name, RecordType), RRset>,
}

#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct Model {
    pub(super) position: Position,
    pub(super) zones: BTreeMap<ZoneNumber, ModelZone>,
    pub(super) scopes: BTreeMap<ScopeId, Vec<IpAddr>>,
}

/// Zone, kind of change, owner, value.
pub(super) type Operation = (u64, u8, u8, u8);

impl Model {
    /// Carries out the operations and gives the commit that says so. Images that it asks for are added to `images`.
    pub(super) fn commit(&mut self, operations: &[Operation], images: &mut Vec<ZoneImage>) -> Arc<Commit> {
        self.position = self.position.next();
        let mut commit =
            Commit { incarnation: INCARNATION, position: self.position, entries: Vec::new(), scopes: Vec::new() };
        for (step, (zone, kind, owner, value)) in operations.iter().enumerate() {
            // Versions of a zone only have to grow; this keeps growing also for a zone that was gone.
            let version = self.position.0 * 1000 + step as u64;
            match kind {
                9 => commit.scopes.push(self.change_scope(*zone, *owner, *value)),
                _ => {
                    let zone = ZoneNumber(*zone);
                    let change = self.change(zone, version, (*kind, *owner, *value));
                    if change == Change::Replace {
                        images.push(self.image(zone));
                    }
                    let serial = Serial::new(version as u32);
                    commit.entries.push(Entry { zone, version: Version(version), serial, change });
                }
            }
        }
        Arc::new(commit)
    }

    fn change_scope(&mut self, zone: u64, owner: u8, value: u8) -> ScopeChange {
        let scope = ScopeId(zone as u32 + 2);
        let addresses: Vec<IpAddr> = (0..owner % 3).map(|number| IpAddr::from([127, 53, value, number])).collect();
        match addresses.is_empty() {
            true => self.scopes.remove(&scope),
            false => self.scopes.insert(scope, addresses.clone()),
        };
        ScopeChange { scope, addresses }
    }

    fn change(&mut self, number: ZoneNumber, version: u64, (kind, owner, value): (u8, u8, u8)) -> Change {
        if kind == 8 {
            self.zones.remove(&number);
            return Change::Gone;
        }
        let apex = format!("zone{}.test", number.0);
        let fresh = !self.zones.contains_key(&number);
        let zone = self.zones.entry(number).or_insert_with(|| ModelZone {
            version,
            header: header(&apex, &[0, 1]),
            rrsets: BTreeMap::new(),
        });
        zone.version = version;
        let changes_header = fresh || kind == 6;
        if kind == 6 {
            zone.header.ns_ttl = u32::from(value);
        }
        let owner = if owner == 0 { apex } else { format!("n{owner}.{apex}") };
        let new = match kind {
            0..=2 => Some(address(&owner, [192, 0, 2, value])),
            3 => Some(rrset(&owner, RecordType::TXT, u32::from(value), &[&[1, value], &[2, value, value]])),
            _ => None,
        };
        let record_type = if kind == 3 || kind == 5 { RecordType::TXT } else { RecordType::A };
        let removed: Vec<RRset> = match kind {
            6 => Vec::new(),
            _ => zone.rrsets.remove(&(name(&owner), record_type)).into_iter().collect(),
        };
        if let Some(new) = &new {
            zone.rrsets.insert((new.owner.clone(), new.record_type), new.clone());
        }
        if kind == 7 {
            return Change::Replace;
        }
        let header = changes_header.then(|| zone.header.clone());
        Change::Delta { header, removed, added: new.into_iter().collect() }
    }

    fn image(&self, number: ZoneNumber) -> ZoneImage {
        let zone = &self.zones[&number];
        ZoneImage {
            zone: number,
            version: Version(zone.version),
            serial: Serial::new(zone.version as u32),
            header: zone.header.clone(),
            rrsets: zone.rrsets.values().cloned().collect(),
        }
    }
}

/// For commits that ask for no image.
pub(super) fn no_images(_: ZoneNumber) -> Option<ZoneImage> {
    None
}

/// Fills the file with the model.
pub(super) fn fill(file: &EdgeFile, model: &Model) {
    fill_in_pieces(file, model, 1 << 20).unwrap();
}

pub(super) fn fill_in_pieces(file: &EdgeFile, model: &Model, octets: usize) -> Result<(), EdgeFileError> {
    let mut fill = file.replace_all(INCARNATION, model.position)?.in_pieces_of(octets);
    for number in model.zones.keys() {
        let image = model.image(*number);
        fill.zone(*number, image.version, image.serial, &image.header)?;
        for of_owner in image.rrsets.chunk_by(|one, next| one.owner == next.owner) {
            fill.rrsets(*number, of_owner)?;
        }
    }
    let scopes: Vec<ScopeChange> = model
        .scopes
        .iter()
        .map(|(scope, addresses)| ScopeChange { scope: *scope, addresses: addresses.clone() })
        .collect();
    fill.scopes(&scopes)?;
    fill.finish()
}

/// What the file holds, as a model.
pub(super) fn contents(snapshot: &Snapshot) -> Model {
    let (incarnation, position) = snapshot.state();
    assert_eq!(incarnation, INCARNATION);
    let mut model = Model { position, ..Model::default() };
    for stored in snapshot.zones().unwrap() {
        let stored = stored.unwrap();
        assert_eq!(stored.serial.get(), stored.version.0 as u32);
        let mut zone = ModelZone { version: stored.version.0, header: stored.header, rrsets: BTreeMap::new() };
        for row in snapshot.names(stored.zone).unwrap() {
            let (owner, rrsets) = row.unwrap();
            assert!(!rrsets.is_empty(), "a name without RRsets is not kept");
            for rrset in rrsets {
                assert_eq!(rrset.owner, owner);
                assert!(zone.rrsets.insert((owner.clone(), rrset.record_type), rrset).is_none());
            }
        }
        model.zones.insert(stored.zone, zone);
    }
    for change in snapshot.scopes().unwrap() {
        model.scopes.insert(change.scope, change.addresses);
    }
    model
}
