//! What a node is given beside its configuration, and the configuration as each part wants it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use waymark_api::{ApiOptions, ApiStatistics};
use waymark_control::{Brand, Clock, Durability, Pools, Random, SystemClock, SystemRandom};
use waymark_serve::cookies::{SECRET_OCTETS, Secret};
use waymark_serve::parked::Supplier;
use waymark_serve::{Identity, Surroundings, events, parked, rate_limit};

use crate::api_server;
use crate::config::{Bounded, Config, Limit, Reachable};
use crate::directory::LOCK_WAIT;
use crate::follow::Visibility;

/// A queue whose limit is lifted still has a size.
const QUEUE_MAX: u64 = 65_536;

/// What is handed in: time, randomness, and what only tests change.
#[derive(Clone)]
pub struct NodeOptions {
    /// On the first start, where to write what it has made.
    pub bootstrap_file: Option<PathBuf>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Who supplies what answers lack. None: nobody does yet, and nothing needs it.
    pub supplier: Option<Arc<dyn Supplier>>,
    /// Whether commits reach the disk. `Off` only to show that the test of it can fail.
    pub durability: Durability,
    /// Whether a commit becomes visible in one step. `NameByName` only to show that the test of it can fail.
    pub visibility: Visibility,
    /// Where every reply of the API is written, for tests.
    pub record_replies: Option<PathBuf>,
    /// How long to wait for another process that has the data directory.
    pub directory_wait: Duration,
}

impl Default for NodeOptions {
    fn default() -> Self {
        Self {
            bootstrap_file: None,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            supplier: None,
            durability: Durability::Full,
            visibility: Visibility::Whole,
            record_replies: None,
            directory_wait: LOCK_WAIT,
        }
    }
}

/// The control plane's options. Where the configuration leaves it open whether the IPv6 pool leads to this machine, it
/// does not here; the start of a node looks.
pub fn control_options(config: &Config, options: &NodeOptions) -> waymark_control::Options {
    let (limits, pools) = (&config.limits, &config.pools);
    waymark_control::Options {
        clock: Arc::clone(&options.clock),
        random: Arc::clone(&options.random),
        brand: Brand::new(config.brand.domain.clone()),
        pools: Pools {
            ipv4: pools.nameserver_v4.address,
            ipv4_prefix: pools.nameserver_v4.prefix,
            ipv6: pools.nameserver_v6.address,
            ipv6_prefix: pools.nameserver_v6.prefix,
            ipv6_reachable: pools.nameserver_v6_reachable == Reachable::Yes,
        },
        limits: waymark_control::Limits {
            records_per_zone: limits.records_per_zone.0,
            rrset_octets: limits.rrset_octets.0,
            writes_waiting: queue(limits.write_queue),
            writes_per_commit: queue(limits.writes_per_commit),
            journal_entries_kept: limits.journal_entries_kept.0,
            undo_entries_kept: limits.undo_entries_kept.0,
            readers: clamp(config.data.store_readers.0),
            exports: queue(limits.exports),
            commits_subscribed: queue(limits.commits_waiting),
            reply_wait_ms: limits.reply_wait_milliseconds.or_max(),
        },
        durability: options.durability,
    }
}

/// The nameserver's options. `random` makes what cookies are made with, where the configuration does not say it.
pub(super) fn serve_options(config: &Config, random: &dyn Random) -> waymark_serve::Options {
    let (dns, limits) = (&config.dns, &config.limits);
    waymark_serve::Options {
        listen: dns.listen.clone(),
        workers: clamp(dns.workers.0),
        limits: waymark_serve::Limits {
            tcp_connections_max: clamp(limits.tcp_connections.0),
            tcp_connections_per_client_max: clamp(limits.tcp_connections_per_client.0),
            tcp_idle_ms: milliseconds(limits.tcp_idle_seconds),
            tcp_message_ms: milliseconds(limits.tcp_message_seconds),
            tcp_write_ms: milliseconds(limits.tcp_write_seconds),
            udp_octets_max: clamp(limits.udp_octets.0),
        },
        rrset_order: dns.rrset_order,
        identity: Identity {
            nsid: dns.nsid.get().map(|text| text.as_bytes().into()),
            version: dns.version.get().map(Into::into),
            server_id: dns.server_id.get().map(Into::into),
        },
        cookie_secrets: cookie_secrets(config, random),
        rate_limit: rate_limit::Options {
            per_second: clamp(limits.responses_per_second.0),
            slip: clamp(limits.response_slip.0),
            entries: clamp(limits.response_table_entries.0),
            ..rate_limit::Options::default()
        },
        parked: parked::Options {
            questions: queue(limits.parked_questions),
            milliseconds: limits.parked_milliseconds.0,
        },
        events: events::Options {
            sample_interval: clamp(dns.event_sample.0),
            ring_octets: clamp(limits.event_ring_octets.0),
        },
    }
}

/// None where cookies are off.
fn cookie_secrets(config: &Config, random: &dyn Random) -> Vec<Secret> {
    match config.dns.cookie_secrets.get() {
        _ if !config.dns.cookies => Vec::new(),
        [] => {
            let mut octets = [0; SECRET_OCTETS];
            random.fill(&mut octets);
            vec![Secret::new(octets)]
        }
        secrets => secrets.to_vec(),
    }
}

/// What the nameserver has from outside.
pub(super) fn surroundings(options: &NodeOptions) -> Surroundings {
    let mut seed = [0; 16];
    options.random.fill(&mut seed);
    let clock = Arc::new(waymark_serve::clock::SystemClock::new());
    Surroundings { clock, seed, supplier: options.supplier.clone() }
}

/// The API's options.
pub(super) fn api_options(config: &Config, options: &NodeOptions, statistics: Arc<ApiStatistics>) -> ApiOptions {
    let limits = &config.limits;
    ApiOptions {
        brand: config.brand.name.clone(),
        limits: waymark_api::Limits {
            requests_per_5_minutes: limits.requests_per_5_minutes.0,
            requests_in_flight_max: limits.requests_in_flight.0,
            answer_octets_max: limits.api_answer_octets.0,
            request_ms: milliseconds(limits.request_seconds),
            body_receive_ms: milliseconds(limits.body_receive_seconds),
            body_octets_max: limits.body_octets.0,
            body_depth_max: clamp(limits.body_depth.0),
            imports_per_minute: limits.imports_per_minute.0,
            zone_file_octets_max: limits.zone_file_octets.0,
            records_per_page_max: limits.records_per_page.0,
        },
        clock: Arc::clone(&options.clock),
        random: Arc::clone(&options.random),
        statistics,
        ..ApiOptions::default()
    }
}

/// The bounds of the API's connections.
pub(super) fn api_server_limits(config: &Config) -> api_server::Limits {
    let limits = &config.limits;
    let many = |limit: Limit| limit.get().map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    let seconds = |limit: Limit| limit.get().map(Duration::from_secs);
    api_server::Limits {
        connections: many(limits.api_connections),
        idle: seconds(limits.api_idle_seconds),
        header: seconds(limits.api_header_seconds),
        handshake: seconds(limits.api_handshake_seconds),
        handshakes: many(limits.api_handshakes),
    }
}

/// The size of a queue.
pub(super) fn queue(limit: Limit) -> usize {
    clamp(limit.get().unwrap_or(QUEUE_MAX).min(QUEUE_MAX))
}

/// The number, or the largest of its type; parts that know 0 as "no limit" get it as it is.
fn clamp<N: TryFrom<u64> + Bounded>(number: u64) -> N {
    N::try_from(number).unwrap_or(N::MAX)
}

fn milliseconds(seconds: Limit) -> u64 {
    seconds.0.saturating_mul(1000)
}
