//! What the API has answered, for the program's `/metrics`.
//!
//! Counters by method, route template and status class, and one histogram of durations. Plain atomic numbers of fixed
//! size, written once per answer and read at any time; a reading is not a snapshot of one instant.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::routes;

/// The upper bounds of the histogram's buckets, in seconds; the last bucket has none.
pub const DURATION_BOUNDS_SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

const CLASSES: usize = 5;
const BUCKETS: usize = DURATION_BOUNDS_SECONDS.len() + 1;

/// The counters of one API. The program makes one, gives it to [`crate::router`] and reads it.
#[derive(Debug)]
pub struct ApiStatistics {
    answers: Box<[[AtomicU64; CLASSES]]>,
    durations: [AtomicU64; BUCKETS],
    microseconds: AtomicU64,
    rate_limited: AtomicU64,
    busy: AtomicU64,
    in_flight: AtomicU64,
}

/// How often one route has answered with one class of status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answers {
    /// The method, upper case; `*` for requests that met no route.
    pub method: &'static str,
    /// The route's template below the base path, as `/zones/{zone_id}`; `*` for requests that met no route.
    pub route: &'static str,
    /// The first digit of the status, 1 to 5.
    pub status_class: u8,
    /// How many answers.
    pub count: u64,
}

/// How long answers took, from the request's head to the written answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Durations {
    /// Answers per bucket, not cumulative: one number per [`DURATION_BOUNDS_SECONDS`], and one for what took longer.
    pub buckets: Vec<u64>,
    /// All durations together, in seconds.
    pub sum_seconds: f64,
    /// How many answers.
    pub count: u64,
}

impl Default for ApiStatistics {
    fn default() -> Self {
        let answers = (0..=routes::all().len()).map(|_| Default::default()).collect();
        Self {
            answers,
            durations: Default::default(),
            microseconds: AtomicU64::new(0),
            rate_limited: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
        }
    }
}

impl ApiStatistics {
    /// Every pair of route and status class that has been answered at least once.
    pub fn answers(&self) -> Vec<Answers> {
        let routes = routes::all().iter().map(|route| (route.method(), route.template())).chain([("*", "*")]);
        let rows = routes.zip(&self.answers).flat_map(|((method, route), classes)| {
            classes.iter().zip(1u8..).map(move |(count, status_class)| Answers {
                method,
                route,
                status_class,
                count: count.load(Ordering::Relaxed),
            })
        });
        rows.filter(|row| row.count > 0).collect()
    }

    /// The histogram of durations.
    pub fn durations(&self) -> Durations {
        let buckets: Vec<u64> = self.durations.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let sum_seconds = self.microseconds.load(Ordering::Relaxed) as f64 / 1e6;
        Durations { count: buckets.iter().sum(), buckets, sum_seconds }
    }

    /// Requests refused because their caller had made too many.
    pub fn rate_limited(&self) -> u64 {
        self.rate_limited.load(Ordering::Relaxed)
    }

    /// Requests refused because too many were in flight, or too many octets of their answers.
    pub fn busy(&self) -> u64 {
        self.busy.load(Ordering::Relaxed)
    }

    /// Requests being answered now, or whose answers have not been sent yet.
    pub fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Counts an answer of the route with this index; of none if there is no such route.
    pub(crate) fn count(&self, route: Option<usize>, status: u16, took: Duration) {
        let row = route.unwrap_or(usize::MAX).min(self.answers.len() - 1);
        let class = usize::from(status / 100).clamp(1, CLASSES) - 1;
        self.answers[row][class].fetch_add(1, Ordering::Relaxed);
        let seconds = took.as_secs_f64();
        let bucket = DURATION_BOUNDS_SECONDS.iter().position(|bound| seconds <= *bound).unwrap_or(BUCKETS - 1);
        self.durations[bucket].fetch_add(1, Ordering::Relaxed);
        self.microseconds.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn count_rate_limited(&self) {
        self.rate_limited.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_busy(&self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request as in flight until the guard goes.
    pub(crate) fn enter(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }
}

/// A request that is being answered.
pub(crate) struct InFlight(Arc<ApiStatistics>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_durations_are_counted_where_they_belong() {
        let statistics = Arc::new(ApiStatistics::default());
        statistics.count(Some(0), 200, Duration::from_micros(1500));
        statistics.count(Some(0), 404, Duration::from_secs(60));
        statistics.count(None, 404, Duration::ZERO);
        let first = &routes::all()[0];
        let row =
            |status_class, count| Answers { method: first.method(), route: first.template(), status_class, count };
        let unrouted = Answers { method: "*", route: "*", status_class: 4, count: 1 };
        assert_eq!(statistics.answers(), [row(2, 1), row(4, 1), unrouted]);
        let durations = statistics.durations();
        assert_eq!(durations.buckets, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!((durations.count, durations.sum_seconds), (3, 60.0015));
        let guard = statistics.enter();
        assert_eq!(statistics.in_flight(), 1);
        drop(guard);
        assert_eq!(statistics.in_flight(), 0);
    }
}
