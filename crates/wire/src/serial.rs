//! Serial numbers of zones, compared as RFC 1982 says: not a `u32`, because `<` would lie after a wrap.

use std::cmp::Ordering;
use std::fmt;

/// A zone's serial number: 32 bits on a circle (RFC 1982).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Serial(u32);

impl Serial {
    /// The serial with this wire value.
    pub const fn new(value: u32) -> Self {
        Self(value)
    }

    /// The wire value.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The serial that follows a change: `max(self + 1, unix seconds)` in RFC 1982 order.
    ///
    /// Moves forward whatever the clock says, and catches up with the clock when it can, so that a zone which is
    /// deleted and made again does not fall back behind what secondaries have seen.
    #[must_use]
    pub fn after_change(self, unix_seconds: u64) -> Self {
        let next = Self(self.0.wrapping_add(1));
        // Serials live on a 32-bit circle, so the clock is cut to 32 bits on purpose.
        let clock = Self(unix_seconds as u32);
        if clock.is_after(next) { clock } else { next }
    }

    /// Whether `self` is newer than `other` (RFC 1982 section 3.2); false where the RFC leaves it undefined.
    pub fn is_after(self, other: Self) -> bool {
        self.partial_cmp(&other) == Some(Ordering::Greater)
    }
}

impl PartialOrd for Serial {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        // RFC 1982 section 3.2: a distance of exactly 2^31 has no order.
        match self.0.wrapping_sub(other.0) {
            0 => Some(Ordering::Equal),
            0x8000_0000 => None,
            distance if distance < 0x8000_0000 => Some(Ordering::Greater),
            _ => Some(Ordering::Less),
        }
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serial({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_clock_carries_the_serial_forward() {
        assert_eq!(Serial::new(5).after_change(1_700_000_000), Serial::new(1_700_000_000));
    }

    #[test]
    fn a_clock_behind_the_serial_moves_it_by_one() {
        assert_eq!(Serial::new(1_700_000_009).after_change(1_700_000_000), Serial::new(1_700_000_010));
    }

    #[test]
    fn the_serial_wraps() {
        assert_eq!(Serial::new(u32::MAX).after_change(0xffff_fff0), Serial::new(0));
        assert!(Serial::new(0).is_after(Serial::new(u32::MAX)));
    }

    #[test]
    fn half_the_circle_has_no_order() {
        assert_eq!(Serial::new(0).partial_cmp(&Serial::new(0x8000_0000)), None);
    }

    proptest! {
        #[test]
        fn a_change_always_moves_forward(serial: u32, clock: u64) {
            let before = Serial::new(serial);
            prop_assert!(before.after_change(clock).is_after(before));
        }
    }
}
