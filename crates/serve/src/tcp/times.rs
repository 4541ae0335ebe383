//! How long a connection may take for what.
//!
//! Three limits, each of which can be lifted: silence between requests, a request from its first octet to its last, and
//! the writing of answers. The first one shrinks while places are scarce (RFC 7766 section 6.2.3: the idle period can
//! vary with the resources at hand). A connection asks for it once per round of answers and keeps to what it was told,
//! so that what an answer announces (RFC 7828) is what holds.

use std::sync::Arc;
use std::time::Duration;

use super::places::Places;
use crate::Limits;

/// The part of the idle time that is left while places are scarce.
const SCARCE: u32 = 4;

/// How long a connection may take for what; none: as long as it likes.
pub(super) struct Times {
    idle: Option<Duration>,
    /// A request, from its first octet to its last.
    pub(super) message: Option<Duration>,
    /// The writing of what has been answered at once.
    pub(super) write: Option<Duration>,
    places: Arc<Places>,
}

impl Times {
    pub(super) fn new(limits: &Limits, places: Arc<Places>) -> Self {
        let time = |milliseconds| (milliseconds > 0).then(|| Duration::from_millis(milliseconds));
        Self {
            idle: time(limits.tcp_idle_ms),
            message: time(limits.tcp_message_ms),
            write: time(limits.tcp_write_ms),
            places,
        }
    }

    /// How long a connection may stay without a request from now on: the time that is set, or a quarter of it while
    /// more than three quarters of all places are taken.
    pub(super) fn idle(&self) -> Option<Duration> {
        let idle = self.idle?;
        Some(if self.places.are_scarce() { idle / SCARCE } else { idle })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7766 section 6.2.3.
    #[test]
    fn the_idle_time_shrinks_while_places_are_scarce() {
        let places = Places::new(8, 0);
        let limits = Limits { tcp_idle_ms: 10_000, ..Limits::default() };
        let times = Times::new(&limits, places.clone());
        let take = || Places::take(&places, [192, 0, 2, 1].into()).unwrap();
        let mut held: Vec<_> = (0..6).map(|_| take()).collect();
        assert_eq!(times.idle(), Some(Duration::from_secs(10)), "six of eight");
        held.push(take());
        assert_eq!(times.idle(), Some(Duration::from_millis(2_500)), "seven of eight");
        held.pop();
        assert_eq!(times.idle(), Some(Duration::from_secs(10)), "six again");
    }

    #[test]
    fn places_without_limit_are_never_scarce_and_no_idle_time_stays_none() {
        let places = Places::new(0, 0);
        let _held: Vec<_> = (0..100).map(|_| Places::take(&places, [192, 0, 2, 1].into()).unwrap()).collect();
        assert_eq!(
            Times::new(&Limits::default(), places.clone()).idle(),
            Some(Duration::from_millis(Limits::default().tcp_idle_ms))
        );
        let lifted = Limits { tcp_idle_ms: 0, ..Limits::default() };
        assert_eq!(Times::new(&lifted, places).idle(), None);
    }
}
