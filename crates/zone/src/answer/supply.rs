//! What an answer lacks, and who supplies it (DESIGN, "Parked answers").
//!
//! ```text
//!  answer --Wait--> Needs --> whoever can supply them --> Supplies --> answer again, at the then current generation
//! ```
//!
//! An answer is made of what the catalog holds; what has to be made elsewhere (signatures) is looked up in
//! [`Supplies`]. What is not there yet is written down in [`Needs`], all of it in one go, and no answer is given.

use waymark_wire::RecordType;
use waymark_wire::name::NAME_OCTETS_MAX;

use crate::published::ZoneNumber;

/// Needs that one round can state; an answer that lacks more states the rest in the next round.
pub const NEEDS_MAX: usize = 8;

/// The signature of an RRset: what a need is for, and what a supply is found by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SignatureOf<'n> {
    /// The zone.
    pub zone: ZoneNumber,
    /// The owner name in lower-case wire form; for a wildcard's RRset, the name above the `*`.
    pub name: &'n [u8],
    /// Whether the owner is the wildcard below `name`: its signature stands for every name that it answers.
    pub wildcard: bool,
    /// The type of the RRset.
    pub record_type: RecordType,
}

/// What has been made for answers. Looked into while an answer is written, so it neither waits nor allocates.
pub trait Supplies {
    /// The data of the RRSIG record of an RRset, if there is one that is good now.
    fn signature(&self, of: &SignatureOf<'_>) -> Option<&[u8]>;
}

/// Nothing has been supplied.
pub struct NoSupplies;

impl Supplies for NoSupplies {
    fn signature(&self, _of: &SignatureOf<'_>) -> Option<&[u8]> {
        None
    }
}

/// All that an answer lacks; made once and used again, so that stating needs allocates nothing.
pub struct Needs {
    list: [Need; NEEDS_MAX],
    length: usize,
}

/// One need.
#[derive(Clone, Copy)]
struct Need {
    zone: ZoneNumber,
    record_type: RecordType,
    wildcard: bool,
    name: [u8; NAME_OCTETS_MAX],
    name_length: u8,
}

impl Need {
    fn as_ref(&self) -> SignatureOf<'_> {
        let name = &self.name[..usize::from(self.name_length)];
        SignatureOf { zone: self.zone, name, wildcard: self.wildcard, record_type: self.record_type }
    }
}

impl Default for Needs {
    fn default() -> Self {
        Self::new()
    }
}

impl Needs {
    /// None yet.
    pub const fn new() -> Self {
        let none = Need {
            zone: ZoneNumber(0),
            record_type: RecordType(0),
            wildcard: false,
            name: [0; NAME_OCTETS_MAX],
            name_length: 0,
        };
        Self { list: [none; NEEDS_MAX], length: 0 }
    }

    /// Whether nothing is lacking.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The signatures that are lacking, each once, in the order in which the answer wants them.
    pub fn signatures(&self) -> impl Iterator<Item = SignatureOf<'_>> {
        self.list[..self.length].iter().map(Need::as_ref)
    }

    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    pub(super) fn add(&mut self, of: &SignatureOf<'_>) {
        if self.length == NEEDS_MAX || self.signatures().any(|known| known == *of) {
            return;
        }
        let need = &mut self.list[self.length];
        let Some(name) = need.name.get_mut(..of.name.len()) else { return };
        name.copy_from_slice(of.name);
        (need.zone, need.record_type, need.wildcard) = (of.zone, of.record_type, of.wildcard);
        need.name_length = of.name.len() as u8;
        self.length += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_need_is_stated_once_and_the_list_is_bounded() {
        let mut needs = Needs::new();
        let of = |number| SignatureOf {
            zone: ZoneNumber(1),
            name: b"\x01a\0",
            wildcard: false,
            record_type: RecordType(number),
        };
        needs.add(&of(1));
        needs.add(&of(1));
        needs.add(&SignatureOf { wildcard: true, ..of(1) });
        assert_eq!(needs.signatures().collect::<Vec<_>>(), [of(1), SignatureOf { wildcard: true, ..of(1) }]);
        for number in 0..20 {
            needs.add(&of(number));
        }
        assert_eq!(needs.signatures().count(), NEEDS_MAX);
        needs.clear();
        assert!(needs.is_empty());
    }
}
