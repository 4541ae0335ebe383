//! The RRsets of one owner name, packed into one run of bytes.
//!
//! Per RRset, sorted by type: type (2 octets), TTL (4), number of records (2), octets of data that follow (4); then
//! per record its length (2) and its data. Numbers are little endian. Written by [`pack`] only, so readers take the
//! form for granted and stop at the end of the run.

use waymark_wire::{Rdata, RecordType};

use crate::published::RRset;

const HEAD_OCTETS: usize = 12;

/// The RRsets of an owner name.
#[derive(Clone, Copy)]
pub struct RRsets<'v> {
    packed: &'v [u8],
}

/// One of them.
#[derive(Clone, Copy)]
pub struct RRsetRef<'v> {
    /// The type.
    pub record_type: RecordType,
    /// Seconds it may be kept.
    pub ttl: u32,
    /// How many records it has.
    pub count: u16,
    data: &'v [u8],
}

impl<'v> RRsets<'v> {
    pub(super) fn new(packed: &'v [u8]) -> Self {
        Self { packed }
    }

    /// Whether the owner is an empty non-terminal.
    pub fn is_empty(self) -> bool {
        self.packed.is_empty()
    }

    /// The RRsets, by type.
    pub fn iter(self) -> impl Iterator<Item = RRsetRef<'v>> {
        let mut rest = self.packed;
        std::iter::from_fn(move || {
            let (head, after) = rest.split_first_chunk::<HEAD_OCTETS>()?;
            let length = u32::from_le_bytes([head[8], head[9], head[10], head[11]]) as usize;
            let (data, after) = after.split_at_checked(length)?;
            rest = after;
            Some(RRsetRef {
                record_type: RecordType(u16::from_le_bytes([head[0], head[1]])),
                ttl: u32::from_le_bytes([head[2], head[3], head[4], head[5]]),
                count: u16::from_le_bytes([head[6], head[7]]),
                data,
            })
        })
    }

    /// The RRset of a type.
    pub fn get(self, record_type: RecordType) -> Option<RRsetRef<'v>> {
        self.iter().find(|rrset| rrset.record_type == record_type)
    }
}

impl<'v> RRsetRef<'v> {
    /// The data of each record, in uncompressed wire form.
    pub fn data(self) -> impl Iterator<Item = &'v [u8]> {
        let mut rest = self.data;
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk::<2>()?;
            let (data, after) = after.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
            rest = after;
            Some(data)
        })
    }
}

/// Packs RRsets of one owner. Those of `kept` whose type is not in `without` come first into the sort.
pub(super) fn pack(kept: RRsets<'_>, without: &[RecordType], added: &[&RRset]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut added: Vec<&RRset> = added.to_vec();
    added.sort_by_key(|rrset| rrset.record_type);
    let mut added = added.into_iter().peekable();
    for rrset in kept.iter() {
        while let Some(new) = added.next_if(|new| new.record_type <= rrset.record_type) {
            push(&mut packed, new.record_type, new.ttl, new.data.iter().map(Rdata::wire));
        }
        if !without.contains(&rrset.record_type) {
            push(&mut packed, rrset.record_type, rrset.ttl, rrset.data());
        }
    }
    for new in added {
        push(&mut packed, new.record_type, new.ttl, new.data.iter().map(Rdata::wire));
    }
    packed
}

fn push<'d>(packed: &mut Vec<u8>, record_type: RecordType, ttl: u32, data: impl Iterator<Item = &'d [u8]>) {
    let head_at = packed.len();
    packed.extend_from_slice(&record_type.0.to_le_bytes());
    packed.extend_from_slice(&ttl.to_le_bytes());
    packed.extend_from_slice(&[0; 6]);
    let mut count = 0u16;
    for record in data {
        packed.extend_from_slice(&(record.len() as u16).to_le_bytes());
        packed.extend_from_slice(record);
        count = count.saturating_add(1);
    }
    let length = (packed.len() - head_at - HEAD_OCTETS) as u32;
    packed[head_at + 6..head_at + 8].copy_from_slice(&count.to_le_bytes());
    packed[head_at + 8..head_at + HEAD_OCTETS].copy_from_slice(&length.to_le_bytes());
}
