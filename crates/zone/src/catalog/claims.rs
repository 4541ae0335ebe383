//! Which zone an apex stands for, scope by scope: the value of an apex in the table.
//!
//! A run of claims, sorted by scope; each is the scope (4 octets) and the address of the zone's record (8), in the
//! machine's order. A name that many accounts have claimed has many of them, so they are searched by halves.
use std::ptr::NonNull;

use super::ZoneRecord;
use crate::published::ScopeId;

const CLAIM_OCTETS: usize = 12;

/// The claims on an apex.
#[derive(Clone, Copy)]
pub(super) struct Claims<'v> {
    packed: &'v [[u8; CLAIM_OCTETS]],
}

impl<'v> Claims<'v> {
    /// Reads what [`pack`] has written.
    pub(super) fn new(packed: &'v [u8]) -> Self {
        Self { packed: packed.as_chunks().0 }
    }

    /// The zone that the apex stands for in a scope.
    pub(super) fn of(self, scope: ScopeId) -> Option<NonNull<ZoneRecord>> {
        let at = self.packed.binary_search_by_key(&scope, scope_of).ok()?;
        record_of(&self.packed[at])
    }

    /// All of them, by scope.
    pub(super) fn iter(self) -> impl Iterator<Item = (ScopeId, NonNull<ZoneRecord>)> {
        self.packed.iter().filter_map(|claim| Some((scope_of(claim), record_of(claim)?)))
    }
}

/// Packs claims that are sorted by scope.
pub(super) fn pack(claims: &[(ScopeId, NonNull<ZoneRecord>)]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(claims.len() * CLAIM_OCTETS);
    for (scope, record) in claims {
        packed.extend_from_slice(&scope.0.to_ne_bytes());
        packed.extend_from_slice(&(record.as_ptr().expose_provenance() as u64).to_ne_bytes());
    }
    packed
}

fn scope_of(&[a, b, c, d, ..]: &[u8; CLAIM_OCTETS]) -> ScopeId {
    ScopeId(u32::from_ne_bytes([a, b, c, d]))
}

fn record_of(&[_, _, _, _, ref address @ ..]: &[u8; CLAIM_OCTETS]) -> Option<NonNull<ZoneRecord>> {
    NonNull::new(std::ptr::with_exposed_provenance_mut(u64::from_ne_bytes(*address) as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_many_claims_is_found_and_no_other() {
        // Only their addresses count here.
        let record = |number: u32| NonNull::new(std::ptr::without_provenance_mut(32 * (number as usize + 1))).unwrap();
        for count in [0, 1, 2, 3, 4, 3600] {
            let all: Vec<_> = (0..count).map(|number| (ScopeId(2 * number), record(number))).collect();
            let packed = pack(&all);
            let claims = Claims::new(&packed);
            assert!(claims.iter().eq(all.iter().copied()));
            for number in 0..count {
                assert_eq!(claims.of(ScopeId(2 * number)), Some(record(number)));
                assert_eq!(claims.of(ScopeId(2 * number + 1)), None);
            }
        }
    }
}
