//! The tables of the edge's file, and the byte form of their rows.
//!
//! | table | key | value |
//! | --- | --- | --- |
//! | `meta` | `format` | 4 octets, big-endian |
//! | `meta` | `state` | incarnation (16 octets), position (8 octets, big-endian); absent while the file is being filled |
//! | `zones` | zone number | version (8 octets), serial (4 octets), header |
//! | `names` | zone number (8 octets), sort key of the owner | the owner's RRsets |
//! | `scopes` | scope number | its addresses |
//!
//! Keys are big-endian, so that a zone's names stand together and in canonical order (RFC 4034 section 6.1). Header,
//! RRsets and scopes have the byte form of `zone::published`, each behind a format octet of its own.

use redb::{Table, TableDefinition};
use waymark_wire::{Name, Serial};
use waymark_zone::published::{Incarnation, Position, Version, ZoneHeader, ZoneNumber};

use super::EdgeFileError;

/// The format of the tables that this release writes.
pub const FORMAT: u32 = 1;

pub(super) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
pub(super) const ZONES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("zones");
pub(super) const NAMES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("names");
pub(super) const SCOPES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("scopes");

pub(super) const META_FORMAT: &str = "format";
pub(super) const META_STATE: &str = "state";

const ZONE_NUMBER_OCTETS: usize = 8;

pub(super) fn damaged(what: &str) -> EdgeFileError {
    EdgeFileError::Damaged(format!("{what} makes no sense"))
}

pub(super) fn encode_state(incarnation: Incarnation, position: Position) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[..16].copy_from_slice(&incarnation.0);
    bytes[16..].copy_from_slice(&position.0.to_be_bytes());
    bytes
}

pub(super) fn decode_state(bytes: &[u8]) -> Result<(Incarnation, Position), EdgeFileError> {
    let (incarnation, position) = bytes.split_first_chunk::<16>().ok_or_else(|| damaged("the state"))?;
    let position: [u8; 8] = position.try_into().map_err(|_| damaged("the state"))?;
    Ok((Incarnation(*incarnation), Position(u64::from_be_bytes(position))))
}

pub(super) fn encode_zone(version: Version, serial: Serial, header: &ZoneHeader) -> Vec<u8> {
    let mut bytes = zone_stamp(version, serial);
    bytes.extend_from_slice(&header.encode());
    bytes
}

/// A zone's row with another version and serial, and the header as it was.
pub(super) fn restamp_zone(version: Version, serial: Serial, row: &[u8]) -> Result<Vec<u8>, EdgeFileError> {
    let (_, _, header) = split_zone(row)?;
    let mut bytes = zone_stamp(version, serial);
    bytes.extend_from_slice(header);
    Ok(bytes)
}

pub(super) fn decode_zone(row: &[u8]) -> Result<(Version, Serial, ZoneHeader), EdgeFileError> {
    let (version, serial, header) = split_zone(row)?;
    Ok((version, serial, ZoneHeader::decode(header)?))
}

pub(super) fn zone_version(row: &[u8]) -> Result<Version, EdgeFileError> {
    split_zone(row).map(|(version, _, _)| version)
}

fn zone_stamp(version: Version, serial: Serial) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    bytes.extend_from_slice(&version.0.to_be_bytes());
    bytes.extend_from_slice(&serial.get().to_be_bytes());
    bytes
}

fn split_zone(row: &[u8]) -> Result<(Version, Serial, &[u8]), EdgeFileError> {
    let (version, rest) = row.split_first_chunk::<8>().ok_or_else(|| damaged("a zone's row"))?;
    let (serial, header) = rest.split_first_chunk::<4>().ok_or_else(|| damaged("a zone's row"))?;
    Ok((Version(u64::from_be_bytes(*version)), Serial::new(u32::from_be_bytes(*serial)), header))
}

pub(super) fn name_key(zone: ZoneNumber, owner: &Name) -> Vec<u8> {
    let mut key = zone.0.to_be_bytes().to_vec();
    key.extend_from_slice(&owner.sort_key());
    key
}

pub(super) fn split_name_key(key: &[u8]) -> Result<(ZoneNumber, Name), EdgeFileError> {
    let (zone, owner) = key.split_first_chunk::<ZONE_NUMBER_OCTETS>().ok_or_else(|| damaged("a name's key"))?;
    let owner = Name::from_sort_key(owner).map_err(|_| damaged("a name's key"))?;
    Ok((ZoneNumber(u64::from_be_bytes(*zone)), owner))
}

/// The first key of a zone's names, and the first one behind them; none if the zone is the last that can be.
pub(super) fn name_keys(zone: ZoneNumber) -> (Vec<u8>, Option<Vec<u8>>) {
    (zone.0.to_be_bytes().to_vec(), zone.0.checked_add(1).map(|next| next.to_be_bytes().to_vec()))
}

/// Takes every name of a zone out.
pub(super) fn remove_names(names: &mut Table<'_, &[u8], &[u8]>, zone: ZoneNumber) -> Result<(), EdgeFileError> {
    match name_keys(zone) {
        (first, Some(end)) => names.retain_in(first.as_slice()..end.as_slice(), |_, _| false)?,
        (first, None) => names.retain_in(first.as_slice().., |_, _| false)?,
    }
    Ok(())
}
