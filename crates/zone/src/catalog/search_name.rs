//! A name made ready for look-ups: lower case, and the hash of each of its suffixes, made in one pass from the right.

use waymark_wire::name::{NAME_OCTETS_MAX, label_starts, wire_len};

/// The most labels a name of 255 octets can have, the root not counted.
const LABELS_MAX: usize = 127;

/// A name and the hashes of its suffixes. Lives on the stack: nothing is allocated.
pub struct SearchName {
    wire: [u8; NAME_OCTETS_MAX],
    length: u8,
    labels: u8,
    /// Where each label starts, from the left; then the root's.
    starts: [u8; LABELS_MAX + 1],
    /// The hash of the suffix that starts there.
    hashes: [u64; LABELS_MAX + 1],
}

/// The hash of the root, from which the others are made.
pub(super) const ROOT_HASH: u64 = 0;

impl SearchName {
    pub(super) fn new(wire: &[u8], hash_label: impl Fn(u64, &[u8]) -> u64) -> Option<Self> {
        if wire_len(wire) != Ok(wire.len()) {
            return None;
        }
        let mut name = Self {
            wire: [0; NAME_OCTETS_MAX],
            length: wire.len() as u8,
            labels: 0,
            starts: [0; LABELS_MAX + 1],
            hashes: [ROOT_HASH; LABELS_MAX + 1],
        };
        let lower = &mut name.wire[..wire.len()];
        lower.copy_from_slice(wire);
        lower.make_ascii_lowercase();
        let mut count = 0;
        for start in label_starts(lower) {
            name.starts[count] = start as u8;
            count += 1;
        }
        // The last start is the root's.
        name.labels = (count - 1) as u8;
        for index in (0..usize::from(name.labels)).rev() {
            let label = &name.wire[usize::from(name.starts[index]) + 1..usize::from(name.starts[index + 1])];
            name.hashes[index] = hash_label(name.hashes[index + 1], label);
        }
        Some(name)
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
    pub(crate) fn identity(&self) -> u64 {
        self.hash(0)
    }

    pub(super) fn hash(&self, cut: usize) -> u64 {
        self.hashes[cut]
    }
}
