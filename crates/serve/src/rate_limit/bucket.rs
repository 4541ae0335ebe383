//! A token bucket in one word.
//!
//! It does not hold how many answers are left and since when, but when it will be full again: from that and the time
//! follows what is missing, and one number changes where two would have to change together (the generic cell rate
//! algorithm of ITU-T I.371). Times are on a circle of 36 bits of sixteenths of a microsecond, 71 minutes; a time that
//! is not within reach of a bucket lies in the past.
//!
//! ```text
//!  63      tag      40 39 suppressed 36 35            full at             0
//! ```

use crate::clock::Now;

/// Sixteenths of a microsecond.
pub(super) type Ticks = u64;

/// How many make a second.
pub(super) const TICKS_PER_SECOND: Ticks = 16_000_000;
/// The largest [`Bucket::suppressed`].
pub(super) const SUPPRESSED_MAX: u8 = 15;

const TIME_BITS: u32 = 36;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;
const TAG_SHIFT: u32 = TIME_BITS + 4;
/// How much later than ours another worker's moment may be.
const SKEW: Ticks = TICKS_PER_SECOND;

/// What a word says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Bucket {
    /// Whose it is: 24 bits of the key's hash.
    pub(super) tag: u32,
    /// Answers suppressed since one was sent truncated; at most [`SUPPRESSED_MAX`].
    pub(super) suppressed: u8,
    /// When it will be full again; only the bits of the circle count.
    pub(super) full_at: Ticks,
}

/// The moment on the circle, or further round.
pub(super) fn ticks(now: Now) -> Ticks {
    // Shifting the upper bits out loses whole rounds of the circle.
    now.monotonic_micros << 4
}

impl Bucket {
    /// The tag of a key with this hash: bits that do not choose the set.
    pub(super) fn tag_of(hash: u64) -> u32 {
        (hash >> TAG_SHIFT) as u32
    }

    pub(super) fn from_bits(bits: u64) -> Self {
        Self {
            tag: (bits >> TAG_SHIFT) as u32,
            suppressed: (bits >> TIME_BITS) as u8 & SUPPRESSED_MAX,
            full_at: bits & TIME_MASK,
        }
    }

    pub(super) fn to_bits(self) -> u64 {
        u64::from(self.tag) << TAG_SHIFT | u64::from(self.suppressed) << TIME_BITS | self.full_at & TIME_MASK
    }

    /// What is missing, as the time until the bucket is full; `capacity` is the most that can be.
    pub(super) fn missing(self, now: Ticks, capacity: Ticks) -> Ticks {
        match self.full_at.wrapping_sub(now) & TIME_MASK {
            ahead if ahead <= capacity + SKEW => ahead,
            _past => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_bucket_is_any_word_and_back(bits: u64) {
            prop_assert_eq!(Bucket::from_bits(bits).to_bits(), bits);
        }

        #[test]
        fn what_is_missing_comes_back_with_time(now in 0u64..1 << 60, missing in 0..TICKS_PER_SECOND) {
            let capacity = TICKS_PER_SECOND;
            let word = Bucket { tag: 1, suppressed: 0, full_at: now + missing }.to_bits();
            let bucket = Bucket::from_bits(word);
            prop_assert_eq!(bucket.missing(now, capacity), missing);
            prop_assert_eq!(bucket.missing(now + missing / 3, capacity), missing - missing / 3);
            prop_assert_eq!(bucket.missing(now + missing, capacity), 0);
            prop_assert_eq!(bucket.missing(now + missing + (1 << 35), capacity), 0, "half an hour later");
        }
    }
}
