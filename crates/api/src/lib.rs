//! `/client/v4`: the HTTP API that clients of the v4 API know.
//!
//! A request passes through in one direction:
//!
//! ```text
//!  request -> routes          which route, are the path's identifiers well-formed
//!          -> authentication  who is asking (control knows the credentials)
//!          -> rate            has this caller asked too often
//!          -> routes          may this caller do what the route does
//!          -> body            received within bounds (`form`: one route takes a form instead of JSON)
//!          -> a resource      JSON to control's types, control's answer to JSON
//!  response <- answer         held until it has been sent
//!          <- envelope       result, or what `errors` makes of a failure
//! ```
//!
//! Handlers translate; they do not decide. The rules live in control, the numeric codes in one table (`errors.rs`), and
//! there is one file per resource, named as in the documents.
//!
//! Not here: SQL, DNS messages, sockets (the program serves the router), `/healthz` and `/metrics` (the program's; it
//! merges them with this router, and reads [`ApiStatistics`]).

mod accounts;
mod answer;
mod authentication;
mod body;
mod dns_views;
mod envelope;
mod errors;
mod form;
mod page_rules;
mod pagination;
mod plans;
mod query;
mod rate;
mod ray;
mod records;
mod routes;
mod statistics;
mod tokens;
mod user;
mod zones;

use std::sync::Arc;

use waymark_control::{Clock, Control, Random, SystemClock, SystemRandom};

pub use statistics::{Answers, ApiStatistics, DURATION_BOUNDS_SECONDS, Durations};

/// Where every path of the API begins.
pub const BASE_PATH: &str = "/client/v4";

/// How the API behaves. [`Default`] is what the documents say.
#[derive(Clone)]
pub struct ApiOptions {
    /// The operator's name, where a message's text names the company.
    pub brand: String,
    /// What stands behind the hyphen of `CF-RAY`; letters and digits.
    pub ray_site: String,
    /// The limits.
    pub limits: Limits,
    /// The time, for rate limits.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for rays.
    pub random: Arc<dyn Random>,
    /// Where answers are counted; the caller keeps the other handle.
    pub statistics: Arc<ApiStatistics>,
}

/// Limits of the API. 0 lifts each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests of one user or token in five minutes; more get 429.
    pub requests_per_5_minutes: u64,
    /// Requests answered at the same time; more get 503 at once. A request counts from its head until its answer has
    /// been sent, or nobody wants it any more; a refusal only until it is written.
    pub requests_in_flight_max: u64,
    /// Octets of answers that wait to be sent, those of up to 64 KiB aside; a reading whose answer does not fit gets
    /// 503. What has been changed is answered in any case.
    pub answer_octets_max: u64,
    /// Milliseconds for a whole request; a slower one gets 503. What it had begun to write may still be written.
    pub request_ms: u64,
    /// Milliseconds for receiving a body; a slower one gets 408.
    pub body_receive_ms: u64,
    /// Octets of a body; a larger one gets 413.
    pub body_octets_max: u64,
    /// Nesting of arrays and objects in a body; deeper gets 400.
    pub body_depth_max: u32,
    /// Zone-file imports of one user in a minute; more get 429.
    pub imports_per_minute: u64,
    /// Octets of a zone file that is imported; a larger one gets 413.
    pub zone_file_octets_max: u64,
    /// Records on one page, below the 5,000,000 that the API declares; more are cut to it.
    pub records_per_page_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_per_5_minutes: 12_000,
            requests_in_flight_max: 1024,
            answer_octets_max: 512 << 20,
            request_ms: 30_000,
            body_receive_ms: 10_000,
            body_octets_max: 1 << 20,
            body_depth_max: 32,
            imports_per_minute: 3,
            zone_file_octets_max: 262_144,
            records_per_page_max: 5_000_000,
        }
    }
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            brand: "Waymark".to_owned(),
            ray_site: "WMK".to_owned(),
            limits: Limits::default(),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            statistics: Arc::default(),
        }
    }
}

/// The API as a router for every path: what is not a route of the API gets the API's 404.
///
/// It can be merged with a router that has no fallback of its own.
pub fn router(control: Control, options: ApiOptions) -> axum::Router {
    routes::router(control, options)
}
