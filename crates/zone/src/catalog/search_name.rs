//! A name made ready for look-ups: lower case, and the hash of each of its suffixes, made in one pass from the right.

use waymark_wire::name::NAME_OCTETS_MAX;

/// The most labels a name of 255 octets can have, the root not counted.
const LABELS_MAX: usize = 127;

/// A name and the hashes of its suffixes. Lives on the stack: nothing is allocated.
pub struct SearchName {
    /// With room for whole words to its end.
    wire: [u8; WIRE_OCTETS],
    length: u8,
    labels: u8,
    /// Where each label starts, from the left; then the root's.
    starts: [u8; LABELS_MAX + 1],
    /// The hash of the suffix that starts there.
    hashes: [u64; LABELS_MAX + 1],
}

/// A longest name, and an octet that makes it whole words.
const WIRE_OCTETS: usize = NAME_OCTETS_MAX + 1;

/// The hash of the root, from which the others are made.
pub(super) const ROOT_HASH: u64 = 0;

impl SearchName {
    /// A name that is still to be read: the root without its hash. Made once and read into again and again.
    pub const fn empty() -> Self {
        Self {
            wire: [0; WIRE_OCTETS],
            length: 1,
            labels: 0,
            starts: [0; LABELS_MAX + 1],
            hashes: [ROOT_HASH; LABELS_MAX + 1],
        }
    }

    /// Reads a name, in lower case; false, and the root is what is left, if `wire` is no whole uncompressed name.
    /// What the name before has left behind its end is not cleared.
    pub(super) fn read(&mut self, wire: &[u8], hash_label: impl Fn(u64, &[u8]) -> u64) -> bool {
        let Some(labels) = self.read_starts(wire) else {
            (self.wire[0], self.length, self.labels, self.starts[0], self.hashes[0]) = (0, 1, 0, 0, ROOT_HASH);
            return false;
        };
        self.wire[..wire.len()].copy_from_slice(wire);
        // Length octets are at most 63 and so are never letters.
        self.wire[..wire.len().next_multiple_of(8)].as_chunks_mut().0.iter_mut().for_each(make_lowercase);
        (self.length, self.labels) = (wire.len() as u8, labels as u8);
        let mut hash = ROOT_HASH;
        self.hashes[labels] = hash;
        let mut end = usize::from(self.starts[labels]);
        for index in (0..labels).rev() {
            let start = usize::from(self.starts[index]);
            hash = hash_label(hash, &self.wire[start + 1..end]);
            self.hashes[index] = hash;
            end = start;
        }
        true
    }

    /// Becomes the same name as another.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        let (length, starts) = (usize::from(other.length), other.label_count() + 1);
        self.wire[..length].copy_from_slice(&other.wire[..length]);
        self.starts[..starts].copy_from_slice(&other.starts[..starts]);
        self.hashes[..starts].copy_from_slice(&other.hashes[..starts]);
        (self.length, self.labels) = (other.length, other.labels);
    }

    /// Finds the labels; gives how many there are beside the root's.
    fn read_starts(&mut self, wire: &[u8]) -> Option<usize> {
        let mut at = 0;
        let mut labels = 0;
        while at < NAME_OCTETS_MAX {
            *self.starts.get_mut(labels)? = at as u8;
            match *wire.get(at)? {
                0 => return (at + 1 == wire.len()).then_some(labels),
                length @ 1..64 => at += usize::from(length) + 1,
                _ => return None,
            }
            labels += 1;
        }
        None
    }

    /// How many labels the name has, the root not counted.
    pub fn label_count(&self) -> usize {
        usize::from(self.labels)
    }

    /// The name without its `cut` leftmost labels, in lower-case wire form; `cut` is at most [`Self::label_count`].
    pub fn suffix(&self, cut: usize) -> &[u8] {
        &self.wire[usize::from(self.starts[cut])..usize::from(self.length)]
    }

    /// The whole name in lower-case wire form.
    pub fn wire(&self) -> &[u8] {
        &self.wire[..usize::from(self.length)]
    }

    /// How many labels to cut from the left to get `suffix` (in lower case); none if the name is not below it.
    pub fn cut_to(&self, suffix: &[u8]) -> Option<usize> {
        let start = usize::from(self.length).checked_sub(suffix.len())?;
        let cut = self.starts[..=self.label_count()].iter().position(|&at| usize::from(at) == start)?;
        (self.suffix(cut) == suffix).then_some(cut)
    }

    /// How many octets the `cut` leftmost labels take.
    pub(crate) fn octets_cut(&self, cut: usize) -> usize {
        usize::from(self.starts[cut])
    }

    /// As [`Self::identity`], for the name without its `cut` leftmost labels.
    pub(crate) fn suffix_identity(&self, cut: usize) -> u64 {
        self.hash(cut)
    }

    /// A number that two names share only if they are equal, or with a chance of 2^-64.
    pub fn identity(&self) -> u64 {
        self.hash(0)
    }

    /// What stands before the last `apex_octets` octets of the name without its `cut` leftmost labels: its labels
    /// relative to an apex of that length, without the root. The apex has to be a suffix of it.
    pub(super) fn relative(&self, cut: usize, apex_octets: usize) -> &[u8] {
        let suffix = self.suffix(cut);
        &suffix[..suffix.len().saturating_sub(apex_octets)]
    }

    pub(super) fn hash(&self, cut: usize) -> u64 {
        self.hashes[cut]
    }
}

/// Folds eight octets at a time to lower case, of ASCII alone.
fn make_lowercase(octets: &mut [u8; 8]) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_ne_bytes(*octets);
    let low_bits = word & (0x7f * EACH);
    // The top bit of each octet says: at least `A`; above `Z`; ASCII. What carries there stays in its octet.
    let from_a = low_bits + (0x80 - u64::from(b'A')) * EACH;
    let above_z = low_bits + (0x7f - u64::from(b'Z')) * EACH;
    let upper = (from_a ^ above_z) & !word & (0x80 * EACH);
    *octets = (word | upper >> 2).to_ne_bytes();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use waymark_wire::name::{label_starts, wire_len};

    use super::*;

    /// A hash that tells labels and their order apart.
    fn hash(before: u64, label: &[u8]) -> u64 {
        label.iter().fold(before.rotate_left(7) ^ 0x9e37, |hash, octet| hash.wrapping_mul(31) ^ u64::from(*octet))
    }

    proptest! {
        #[test]
        fn letters_are_folded_as_one_by_one(octets: [u8; 8]) {
            let mut folded = octets;
            make_lowercase(&mut folded);
            prop_assert_eq!(folded, octets.map(|octet| octet.to_ascii_lowercase()));
        }

        #[test]
        fn what_was_read_before_leaves_no_trace(
            first in prop::collection::vec(0u8..70, 0..300),
            labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..64), 0..130),
            rest in prop::collection::vec(any::<u8>(), 0..3),
        ) {
            let mut wire: Vec<u8> = labels.iter().flat_map(|label| [&[label.len() as u8][..], label].concat()).collect();
            wire.push(0);
            wire.extend(rest);
            let (mut used, mut fresh) = (SearchName::empty(), SearchName::empty());
            used.read(&first, hash);
            let is_name = wire_len(&wire) == Ok(wire.len());
            prop_assert_eq!((used.read(&wire, hash), fresh.read(&wire, hash)), (is_name, is_name));
            prop_assert_eq!(used.wire(), fresh.wire());
            prop_assert_eq!(used.label_count(), if is_name { labels.len() } else { 0 });
            prop_assert!(label_starts(used.wire()).map(|at| at as u8).eq(used.starts[..=used.label_count()].iter().copied()));
            prop_assert!((0..=used.label_count()).all(|cut| used.hash(cut) == fresh.hash(cut)));
            prop_assert!(!is_name || used.wire() == wire.to_ascii_lowercase());
        }
    }
}
