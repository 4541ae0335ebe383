//! The time, handed in: read once for a batch of datagrams, and once for a message of a stream.
//!
//! ```text
//!  Clock --now--> Now --copied--> cookies (the date), rate_limit (a clock that is never set), events (both)
//! ```
//!
//! Two clocks are read together, because neither can stand for the other: what is told to others needs the date, and
//! what is measured must not jump when the date is set. On Linux neither costs a system call (vdso(7)).

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};

/// A moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    /// Microseconds since 1970-01-01 UTC; 0 before that.
    pub unix_micros: u64,
    /// Microseconds since a moment that the clock has chosen. Never goes back.
    pub monotonic_micros: u64,
}

impl Now {
    /// Seconds since 1970-01-01 UTC on a circle of 32 bits, as cookies and signatures carry the time: to be compared
    /// as RFC 1982 says.
    pub fn unix_seconds(self) -> u32 {
        (self.unix_micros / 1_000_000) as u32
    }

    /// Microseconds from `earlier` to this moment; 0 if it is not earlier.
    pub fn micros_since(self, earlier: Self) -> u64 {
        self.monotonic_micros.saturating_sub(earlier.monotonic_micros)
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Now;
}

/// The clocks of the machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time begins now.
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        // A date before 1970 is a clock that was never set; 0 says so.
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Now { unix_micros: micros(unix), monotonic_micros: micros(self.start.elapsed()) }
    }
}

fn micros(duration: Duration) -> u64 {
    // 64 bits of microseconds last for half a million years.
    duration.as_micros() as u64
}

/// A clock that goes only when it is told to, for tests.
#[derive(Debug, Default)]
pub struct ManualClock {
    unix_micros: AtomicU64,
    monotonic_micros: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Now) -> Self {
        Self { unix_micros: now.unix_micros.into(), monotonic_micros: now.monotonic_micros.into() }
    }

    /// Time passes.
    pub fn advance(&self, by: Duration) {
        self.unix_micros.fetch_add(micros(by), Relaxed);
        self.monotonic_micros.fetch_add(micros(by), Relaxed);
    }

    /// The date is set; the monotonic clock does not notice.
    pub fn set_date(&self, unix_micros: u64) {
        self.unix_micros.store(unix_micros, Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        Now { unix_micros: self.unix_micros.load(Relaxed), monotonic_micros: self.monotonic_micros.load(Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_go_round_in_2106() {
        let at = |seconds: u64| Now { unix_micros: seconds * 1_000_000 + 999_999, monotonic_micros: 0 };
        assert_eq!(at(1_559_731_985).unix_seconds(), 1_559_731_985);
        assert_eq!(at(u64::from(u32::MAX)).unix_seconds(), u32::MAX);
        assert_eq!(at(u64::from(u32::MAX) + 1).unix_seconds(), 0);
    }

    #[test]
    fn setting_the_date_measures_nothing() {
        let clock = ManualClock::new(Now { unix_micros: 5_000_000, monotonic_micros: 7 });
        let before = clock.now();
        clock.set_date(1);
        assert_eq!(clock.now().micros_since(before), 0);
        clock.advance(Duration::from_millis(2));
        assert_eq!(clock.now(), Now { unix_micros: 2001, monotonic_micros: 2007 });
        assert_eq!((clock.now().micros_since(before), before.micros_since(clock.now())), (2000, 0));
    }

    #[test]
    fn the_machine_knows_the_date_and_does_not_go_back() {
        let clock = SystemClock::new();
        let (first, second) = (clock.now(), clock.now());
        assert!(first.unix_seconds() > 1_700_000_000, "the machine's date is not set");
        assert!(second.monotonic_micros >= first.monotonic_micros);
    }
}
