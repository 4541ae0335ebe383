//! How many requests a user or token may make in five minutes, and how many imports a user in one.
//!
//! A window of fixed length per caller, in a table of fixed size: a caller's identifier names a set of a few slots,
//! and where all are taken the one with the fewest requests makes room. So memory does not depend on how many callers
//! there are; the price is that a caller who was pushed out starts anew. Only callers whose credentials hold are
//! counted. Time is handed in.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::errors::Failure;

/// The window of all requests (`clients.md`: 1,200 requests per 5 minutes).
pub(crate) const REQUESTS_WINDOW_SECONDS: u64 = 300;
/// The window of imports (docs: dns/manage-dns-records/how-to/import-and-export, "Limits").
pub(crate) const IMPORTS_WINDOW_SECONDS: u64 = 60;

/// With eight slots each this remembers 32,768 callers in less than one mebibyte.
const SETS: usize = 4096;
const SLOTS_PER_SET: usize = 8;

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The counters of all callers.
pub(crate) struct RateTable {
    limit: u64,
    window_seconds: u64,
    sets: Box<[Mutex<[Slot; SLOTS_PER_SET]>]>,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    caller: u64,
    began: u64,
    requests: u64,
}

/// What the table says to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Whether the request may go on.
    pub(crate) allowed: bool,
    /// Requests per window.
    pub(crate) limit: u64,
    /// The length of a window.
    pub(crate) window_seconds: u64,
    /// Requests left in this window.
    pub(crate) remaining: u64,
    /// Seconds until the window ends, at least 1.
    pub(crate) reset_seconds: u64,
}

impl RateTable {
    /// A table for `limit` requests in `window_seconds`; none where 0 lifts the limit.
    pub(crate) fn new(limit: u64, window_seconds: u64) -> Option<Self> {
        let sets = || (0..SETS).map(|_| Mutex::default()).collect();
        (limit > 0).then(|| Self { limit, window_seconds, sets: sets() })
    }

    /// Counts a request. `caller` must be evenly spread, as the bits of random identifiers are.
    pub(crate) fn count(&self, caller: u64, now_seconds: u64) -> Standing {
        let mut set = self.set(caller);
        let slot = find(&mut set, caller, now_seconds, self.window_seconds);
        slot.requests += 1;
        let requests = slot.requests;
        let reset = self.window_seconds.saturating_sub(now_seconds.saturating_sub(slot.began));
        Standing {
            allowed: requests <= self.limit,
            limit: self.limit,
            window_seconds: self.window_seconds,
            remaining: self.limit.saturating_sub(requests),
            reset_seconds: reset.max(1),
        }
    }

    fn set(&self, caller: u64) -> MutexGuard<'_, [Slot; SLOTS_PER_SET]> {
        // Counters have no invariant that a panic could have broken.
        self.sets[(caller % SETS as u64) as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The caller's slot of a running window; a fresh one where there is none.
fn find(set: &mut [Slot; SLOTS_PER_SET], caller: u64, now: u64, window: u64) -> &mut Slot {
    // A clock that was set back must not leave a caller shut out until it has caught up.
    let runs = |slot: &Slot| slot.requests > 0 && now.checked_sub(slot.began).is_some_and(|age| age < window);
    let known = set.iter().position(|slot| slot.caller == caller && runs(slot));
    let index = known.unwrap_or_else(|| {
        let busy = |slot: &Slot| if runs(slot) { slot.requests } else { 0 };
        let index = (0..SLOTS_PER_SET).min_by_key(|&index| busy(&set[index])).unwrap_or(0);
        set[index] = Slot { caller, began: now, requests: 0 };
        index
    });
    &mut set[index]
}

impl Standing {
    /// The refusal of one request too many.
    pub(crate) fn verdict(&self) -> Result<(), Failure> {
        if self.allowed {
            return Ok(());
        }
        let (limit, window_seconds, retry_after_seconds) = (self.limit, self.window_seconds, self.reset_seconds);
        Err(Failure::TooMany { limit, window_seconds, retry_after_seconds })
    }

    /// Adds the `Ratelimit` and `Ratelimit-Policy` headers (draft-ietf-httpapi-ratelimit-headers).
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let limit = format!("\"default\";r={};t={}", self.remaining, self.reset_seconds);
        let policy = format!("\"default\";q={};w={}", self.limit, self.window_seconds);
        for (name, text) in [(RATELIMIT, limit), (RATELIMIT_POLICY, policy)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_for_a_window_and_then_begins_anew() {
        let table = RateTable::new(3, 300).unwrap();
        for left in [2, 1, 0] {
            let standing = table.count(7, 1000);
            assert_eq!(
                standing,
                Standing { allowed: true, limit: 3, window_seconds: 300, remaining: left, reset_seconds: 300 }
            );
        }
        assert!(!table.count(7, 1000).allowed);
        let last = table.count(7, 1299);
        assert_eq!((last.allowed, last.remaining, last.reset_seconds), (false, 0, 1));
        assert!(table.count(7, 1300).allowed);
    }

    #[test]
    fn callers_are_counted_apart() {
        let table = RateTable::new(1, 300).unwrap();
        assert!(table.count(1, 0).allowed);
        // The same set, another caller.
        assert!(table.count(1 + SETS as u64, 0).allowed);
        assert!(!table.count(1, 0).allowed);
    }

    #[test]
    fn zero_lifts_the_limit() {
        assert!(RateTable::new(0, 300).is_none());
    }

    #[test]
    fn a_full_set_pushes_out_the_quietest_and_keeps_the_loudest() {
        let table = RateTable::new(5, 300).unwrap();
        let caller = |number: usize| (number * SETS) as u64;
        for number in 0..SLOTS_PER_SET {
            for _ in 0..=number {
                table.count(caller(number), 0);
            }
        }
        let loudest = caller(SLOTS_PER_SET - 1);
        for newcomer in 100..200 {
            table.count(caller(newcomer), 0);
        }
        assert!(!table.count(loudest, 0).allowed);
        assert_eq!(table.count(caller(0), 0).remaining, 4, "the quietest was forgotten");
    }

    #[test]
    fn a_clock_set_back_begins_a_new_window() {
        let table = RateTable::new(1, 300).unwrap();
        assert!(table.count(9, 10_000).allowed);
        assert!(!table.count(9, 10_001).allowed);
        assert!(table.count(9, 500).allowed);
    }
}
