//! Reading the file: one position, whatever is written meanwhile.

use redb::{AccessGuard, Range, ReadOnlyTable, ReadableDatabase};
use waymark_wire::{Name, Serial};
use waymark_zone::catalog::Writer;
use waymark_zone::published::{Incarnation, Position, RRset, ScopeChange, Version, ZoneHeader, ZoneNumber};

use super::handle::Handle;
use super::tables::{
    META, META_STATE, NAMES, SCOPES, ZONES, damaged, decode_state, decode_zone, name_keys, split_name_key,
};
use super::{EdgeFileError, Loaded};

/// Zones that are loaded between two times that the catalog gets back the memory that its growth has left behind.
const ZONES_PER_COLLECTION: u64 = 256;

/// The file at one position.
pub struct Snapshot {
    incarnation: Incarnation,
    position: Position,
    zones: ReadOnlyTable<u64, &'static [u8]>,
    names: ReadOnlyTable<&'static [u8], &'static [u8]>,
    scopes: ReadOnlyTable<u32, &'static [u8]>,
}

/// A zone in the file, without its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredZone {
    /// The zone.
    pub zone: ZoneNumber,
    /// Its version.
    pub version: Version,
    /// Its serial.
    pub serial: Serial,
    /// Its header.
    pub header: ZoneHeader,
}

/// The names of a zone in canonical order, each with all its RRsets.
pub struct Names {
    rows: Range<'static, &'static [u8], &'static [u8]>,
}

impl Snapshot {
    pub(super) fn of(handle: &Handle) -> Result<Option<Self>, EdgeFileError> {
        let transaction = handle.database()?.begin_read()?;
        // From the transaction and not from the handle: they must be of one moment.
        let state =
            transaction.open_table(META)?.get(META_STATE)?.map(|state| decode_state(state.value())).transpose()?;
        let Some((incarnation, position)) = state else { return Ok(None) };
        Ok(Some(Self {
            incarnation,
            position,
            zones: transaction.open_table(ZONES)?,
            names: transaction.open_table(NAMES)?,
            scopes: transaction.open_table(SCOPES)?,
        }))
    }

    /// Whose journal, and how far.
    pub fn state(&self) -> (Incarnation, Position) {
        (self.incarnation, self.position)
    }

    /// One zone; none if it is not there.
    pub fn zone(&self, zone: ZoneNumber) -> Result<Option<StoredZone>, EdgeFileError> {
        self.zones.get(zone.0)?.map(|row| stored_zone(zone.0, row.value())).transpose()
    }

    /// All zones in the order of their numbers.
    pub fn zones(&self) -> Result<impl Iterator<Item = Result<StoredZone, EdgeFileError>> + use<>, EdgeFileError> {
        Ok(self.zones.range::<u64>(..)?.map(|row| {
            let (zone, row) = row?;
            stored_zone(zone.value(), row.value())
        }))
    }

    /// The names of a zone in canonical order. SOA and NS of the apex are not among them: the header gives those.
    pub fn names(&self, zone: ZoneNumber) -> Result<Names, EdgeFileError> {
        let rows = match name_keys(zone) {
            (first, Some(end)) => self.names.range(first.as_slice()..end.as_slice())?,
            (first, None) => self.names.range(first.as_slice()..)?,
        };
        Ok(Names { rows })
    }

    /// All scopes.
    pub fn scopes(&self) -> Result<Vec<ScopeChange>, EdgeFileError> {
        let rows = self.scopes.range::<u32>(..)?;
        rows.map(|row| Ok(ScopeChange::decode(row?.1.value())?)).collect()
    }

    /// Stages every zone, then publishes all of them in one generation.
    pub(super) fn load(&self, writer: &mut Writer) -> Result<Loaded, EdgeFileError> {
        let mut loaded = Loaded { incarnation: self.incarnation, position: self.position, zones: 0, names: 0 };
        // Both tables are in the order of zones: one pass over each, and no search.
        let mut names = self.names.range::<&[u8]>(..)?.map(|row| read_name(row?)).peekable();
        for stored in self.zones()? {
            let StoredZone { zone, version, serial, header } = stored?;
            writer.stage_zone(zone, version, serial, header);
            loaded.zones += 1;
            while let Some(name) = names.next_if(|name| name.as_ref().map_or(true, |(of, _, _)| *of == zone)) {
                let (_, _, rrsets) = name?;
                writer.stage_rrsets(zone, &rrsets);
                loaded.names += 1;
            }
            if loaded.zones.is_multiple_of(ZONES_PER_COLLECTION) {
                writer.collect();
            }
        }
        if names.next().is_some() {
            return Err(damaged("a name without a zone"));
        }
        writer.publish_staged(self.incarnation, self.position, &self.scopes()?);
        Ok(loaded)
    }
}

impl Iterator for Names {
    type Item = Result<(Name, Vec<RRset>), EdgeFileError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.next()?;
        Some(row.map_err(EdgeFileError::from).and_then(read_name).map(|(_, owner, rrsets)| (owner, rrsets)))
    }
}

type Row = (AccessGuard<'static, &'static [u8]>, AccessGuard<'static, &'static [u8]>);

fn read_name((key, row): Row) -> Result<(ZoneNumber, Name, Vec<RRset>), EdgeFileError> {
    let (zone, owner) = split_name_key(key.value())?;
    let rrsets = RRset::decode_name(&owner, row.value())?;
    Ok((zone, owner, rrsets))
}

fn stored_zone(zone: u64, row: &[u8]) -> Result<StoredZone, EdgeFileError> {
    let (version, serial, header) = decode_zone(row)?;
    Ok(StoredZone { zone: ZoneNumber(zone), version, serial, header })
}
