//! What is at an owner name, as far as the rules between records ask: sums that are kept, so that many records of one
//! name are checked in one pass over them.

use std::collections::HashMap;

use waymark_wire::{Name, RecordType};
use waymark_zone::published::RECORD_OCTETS;

use super::TEXTS_CHARACTERS_MAX;
use crate::error::{Conflict, Invalid, Quota, Refusal};
use crate::store::RecordRow;

/// The records at a name, added up.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    /// Octets of the RRset of each type.
    octets: HashMap<RecordType, u64>,
    /// Characters of all TXT records.
    text_characters: usize,
}

impl Neighbours {
    /// Those of these records.
    pub(crate) fn of<'r>(rows: impl IntoIterator<Item = &'r RecordRow>) -> Self {
        let mut neighbours = Self::default();
        rows.into_iter().for_each(|row| neighbours.add(row));
        neighbours
    }

    /// One record more.
    pub(crate) fn add(&mut self, row: &RecordRow) {
        *self.octets.entry(row.record_type).or_default() += octets(row);
        if row.record_type == RecordType::TXT {
            self.text_characters += row.content.chars().count();
        }
    }

    /// Whether a record may stand beside them, itself not among them (docs:
    /// dns/manage-dns-records/troubleshooting/records-with-same-name and existing-ns-record).
    pub(crate) fn check(&self, apex: &Name, new: &RecordRow) -> Result<(), Refusal> {
        const ADDRESSES_AND_ALIAS: &[RecordType] = &[RecordType::A, RecordType::AAAA, RecordType::CNAME];
        let any_of = |types: &[RecordType]| types.iter().any(|record_type| self.octets.contains_key(record_type));
        // What is at the apex under NS is not a delegation.
        let below_apex = new.name != *apex;
        if ADDRESSES_AND_ALIAS.contains(&new.record_type) && below_apex && any_of(&[RecordType::NS]) {
            return Err(Conflict::DelegationExists.into());
        }
        match new.record_type {
            RecordType::CNAME if any_of(ADDRESSES_AND_ALIAS) => Err(Conflict::AddressOrAliasExists.into()),
            RecordType::A | RecordType::AAAA if any_of(&[RecordType::CNAME]) => Err(Conflict::AliasExists.into()),
            RecordType::NS if below_apex && any_of(ADDRESSES_AND_ALIAS) => {
                Err(Conflict::DelegationBesideAddress.into())
            }
            RecordType::TXT if self.text_characters + new.content.chars().count() > TEXTS_CHARACTERS_MAX => {
                Err(Invalid::TextsTooLong { limit: TEXTS_CHARACTERS_MAX }.into())
            }
            _ => Ok(()),
        }
    }

    /// Whether the RRset of a record, itself with them, can be answered whole. DNS answers no part of an RRset
    /// (RFC 2181 section 5), so a larger one could not be answered at all.
    pub(crate) fn check_size(&self, octets_max: u64, new: &RecordRow) -> Result<(), Refusal> {
        let there = self.octets.get(&new.record_type).copied().unwrap_or_default();
        match there + octets(new) > octets_max {
            true => Err(Quota::RRset { record_type: new.record_type, limit: octets_max }.into()),
            false => Ok(()),
        }
    }
}

fn octets(row: &RecordRow) -> u64 {
    (RECORD_OCTETS + row.rdata.wire().len()) as u64
}
