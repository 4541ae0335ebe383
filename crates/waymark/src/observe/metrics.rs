//! `/metrics`: every number that this process counts, from one table.
//!
//! [`METRICS`] is the list: a name, what it counts, and how it is read. The text format is OpenMetrics, which
//! Prometheus reads; counters end in `_total` there. What a process does not have is left out: on an edge alone, all that
//! is about control.

use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use waymark_api::DURATION_BOUNDS_SECONDS;
use waymark_serve::statistics::{RCODES, Statistics, Traffic};

use super::{Observed, OfControl};

/// A number, or a distribution.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// What only grows.
    Counter(u64),
    /// What is now.
    Gauge(u64),
    /// How often which size: the sum, and each bucket's upper bound and count (not cumulative).
    Histogram(f64, Vec<(f64, u64)>),
}

/// Labels and their values.
type Labels = Vec<(&'static str, String)>;

/// What a reader of metrics sees of the process.
pub struct Numbers<'o> {
    observed: &'o Observed,
    dns: Statistics,
    catalog: waymark_zone::catalog::Statistics,
    control: Option<Control<'o>>,
}

/// What only a process with control has.
struct Control<'o> {
    of: &'o OfControl,
    statistics: waymark_control::Statistics,
}

impl Numbers<'_> {
    /// What `read` makes of control; nothing without it.
    fn control(&self, read: impl FnOnce(&Control<'_>) -> Vec<(Labels, Value)>) -> Vec<(Labels, Value)> {
        self.control.as_ref().map_or_else(Vec::new, read)
    }
}

/// A metric.
pub struct Metric {
    /// Its name, without the `_total` of counters.
    pub name: &'static str,
    /// What it is, as a sentence without a stop.
    pub help: &'static str,
    kind: MetricType,
    read: fn(&Numbers<'_>) -> Vec<(Labels, Value)>,
}

impl Metric {
    /// The name with which its samples begin a line.
    pub fn sample_name(&self) -> String {
        match self.kind {
            MetricType::Counter => format!("{}_total", self.name),
            MetricType::Histogram => format!("{}_count", self.name),
            _ => self.name.to_owned(),
        }
    }
}

const fn counter(name: &'static str, help: &'static str, read: fn(&Numbers<'_>) -> Vec<(Labels, Value)>) -> Metric {
    Metric { name, help, kind: MetricType::Counter, read }
}

const fn gauge(name: &'static str, help: &'static str, read: fn(&Numbers<'_>) -> Vec<(Labels, Value)>) -> Metric {
    Metric { name, help, kind: MetricType::Gauge, read }
}

/// Every metric.
pub static METRICS: &[Metric] = &[
    gauge("waymark_build_info", "The release that runs; always 1", |_| {
        vec![(vec![("version", env!("CARGO_PKG_VERSION").to_owned())], Value::Gauge(1))]
    }),
    counter("waymark_dns_queries", "Requests received", |n| by_transport(n, |t| t.queries)),
    counter("waymark_dns_worker_queries", "Requests received over UDP, by worker", |n| {
        let workers = n.dns.udp_worker_queries.iter().enumerate();
        workers.map(|(worker, &count)| (vec![("worker", worker.to_string())], Value::Counter(count))).collect()
    }),
    counter("waymark_dns_answers", "Answers by response code", answers_by_rcode),
    counter("waymark_dns_answers_by_kind", "Answers by what they say", answers_by_kind),
    counter("waymark_dns_dropped", "Requests that got no answer", |n| by_transport(n, |t| t.dropped)),
    counter("waymark_dns_truncated", "Answers with TC set", |n| by_transport(n, |t| t.truncated)),
    counter("waymark_dns_unsent", "Answers that the kernel or the connection did not take", |n| {
        by_transport(n, |t| t.unsent)
    }),
    counter("waymark_dns_faults", "Faults of this program while it answered", |n| by_transport(n, |t| t.faults)),
    counter("waymark_dns_received_octets", "Octets of requests", |n| by_transport(n, |t| t.received_octets)),
    counter("waymark_dns_answered_octets", "Octets of answers", |n| by_transport(n, |t| t.answered_octets)),
    gauge("waymark_dns_tcp_connections", "TCP connections open now", |n| now(n.dns.connections.open)),
    counter("waymark_dns_tcp_accepted", "TCP connections taken in", |n| sum(n.dns.connections.accepted)),
    counter("waymark_dns_tcp_refused", "TCP connections closed at once, by the limit that was reached", |n| {
        let connections = &n.dns.connections;
        labelled("limit", [("in_all", connections.refused_in_all), ("per_client", connections.refused_per_client)])
    }),
    counter("waymark_dns_tcp_evicted", "TCP connections closed while idle, in favour of new ones", |n| {
        sum(n.dns.connections.evicted_idle)
    }),
    counter("waymark_dns_tcp_timed_out", "TCP connections closed because the client was too slow", |n| {
        sum(n.dns.connections.timed_out)
    }),
    counter("waymark_dns_cookies", "Requests that had a cookie, by what it was", cookies),
    counter("waymark_dns_rate_limited", "Answers that response-rate limiting held back, by what became of them", |n| {
        let udp = &n.dns.udp;
        labelled("action", [("dropped", udp.suppressed), ("truncated", udp.slipped)])
    }),
    gauge("waymark_dns_parked", "Questions that wait now for what their answer lacks", |n| now(n.dns.parked.now)),
    counter("waymark_dns_parked_questions", "Questions that had to wait, by what became of them", |n| {
        let parked = &n.dns.parked;
        let outcomes = [
            ("admitted", parked.admitted),
            ("refused", parked.refused),
            ("resumed", parked.resumed),
            ("expired", parked.expired),
        ];
        labelled("outcome", outcomes)
    }),
    counter("waymark_dns_events_recorded", "Events that answers have left", |n| sum(n.dns.events.recorded)),
    counter("waymark_dns_events_dropped", "Events lost because nobody had read those before", |n| {
        sum(n.dns.events.dropped)
    }),
    counter("waymark_dns_events_drained", "Events that were read", |n| sum(n.dns.events.drained)),
    counter("waymark_dns_events_drained_octets", "Octets of the events that were read", |n| {
        sum(n.dns.events.drained_octets)
    }),
    gauge("waymark_catalog_generation", "The generation that answers come from", |n| now(n.catalog.generation)),
    gauge("waymark_catalog_zones", "Zones that are served", |n| now(n.catalog.zones)),
    gauge("waymark_catalog_names", "Owner names that are served, empty non-terminals included", |n| {
        now(n.catalog.names)
    }),
    gauge("waymark_catalog_rrsets", "RRsets that are served", |n| now(n.catalog.rrsets)),
    gauge("waymark_catalog_bytes", "Octets that the catalog holds in memory", |n| now(n.catalog.bytes)),
    gauge("waymark_journal_committed_position", "The last committed position", |n| {
        n.control(|c| now(c.of.control.journal().position().0))
    }),
    gauge("waymark_journal_applied_position", "The position that DNS answers with", |n| {
        now(n.observed.progress.applied().0)
    }),
    gauge("waymark_journal_entries", "Journal entries that are kept", |n| {
        n.control(|c| now(c.statistics.entries_kept))
    }),
    gauge("waymark_feed_connected", "Whether changes reach this process: 1, or 0", |n| {
        now(u64::from(n.observed.feed().connected))
    }),
    gauge("waymark_edge_file_position", "The position in the edge file", |n| now(n.observed.progress.edge_file().0)),
    gauge("waymark_edge_file_written_seconds", "When the edge file was last written, in Unix time", |n| {
        n.observed.edge_file_written().map_or_else(Vec::new, |written| now(written.unix_seconds()))
    }),
    gauge("waymark_edge_file_lag", "Positions by which the edge file is behind what DNS answers with", |n| {
        let progress = &n.observed.progress;
        now(progress.applied().0.saturating_sub(progress.edge_file().0))
    }),
    counter("waymark_edge_file_commits", "Commits written to the edge file", |n| {
        sum(n.observed.progress.edge_file_commits())
    }),
    counter("waymark_edge_file_fills", "Times that the edge file was filled from a snapshot", |n| {
        sum(n.observed.progress.edge_file_fills())
    }),
    counter("waymark_edge_file_errors", "Times that the edge file could not be read or written", |n| {
        sum(n.observed.progress.edge_file_errors())
    }),
    counter("waymark_follow_commits", "Commits made visible to DNS", |n| sum(n.observed.progress.commits_applied())),
    counter("waymark_follow_steps", "Steps in which they became visible", |n| sum(n.observed.progress.steps())),
    counter("waymark_follow_snapshots", "Snapshots taken because the journal could not be followed", |n| {
        sum(n.observed.progress.snapshots())
    }),
    counter("waymark_store_writes", "Writes by what became of them", |n| {
        n.control(|c| {
            let outcomes = [
                ("committed", c.statistics.writes_committed),
                ("refused", c.statistics.writes_refused),
                ("unavailable", c.statistics.writes_unavailable),
            ];
            labelled("outcome", outcomes)
        })
    }),
    counter("waymark_store_commits", "Transactions of the store, each one sync of the disk", |n| {
        n.control(|c| sum(c.statistics.commits))
    }),
    counter("waymark_store_commits_failed", "Transactions that could not be committed", |n| {
        n.control(|c| sum(c.statistics.commits_failed))
    }),
    gauge("waymark_store_writes_waiting", "Writes that wait for the store", |n| {
        n.control(|c| now(c.statistics.writes_waiting))
    }),
    counter("waymark_store_replies_early", "Replies sent before DNS answered with their write", |n| {
        n.control(|c| sum(c.statistics.replies_early))
    }),
    counter("waymark_import_zones", "Zones that imports have made or added records to", |n| {
        n.control(|c| sum(c.statistics.zones_imported))
    }),
    counter("waymark_import_records", "Records that imports have added", |n| {
        n.control(|c| sum(c.statistics.records_imported))
    }),
    counter("waymark_api_answers", "API answers by method, route and class of status", |n| {
        let labels = |method: &str, route: &str, class: u8| {
            vec![("method", method.to_owned()), ("route", route.to_owned()), ("status", format!("{class}xx"))]
        };
        n.control(|c| {
            let answers = c.of.api.answers().into_iter();
            answers.map(|a| (labels(a.method, a.route, a.status_class), Value::Counter(a.count))).collect()
        })
    }),
    Metric {
        name: "waymark_api_duration_seconds",
        help: "How long API answers took",
        kind: MetricType::Histogram,
        read: |n| {
            // The last bucket has no bound; the format writes the largest number as infinity.
            let bounds = DURATION_BOUNDS_SECONDS.into_iter().chain([f64::MAX]);
            n.control(|c| {
                let durations = c.of.api.durations();
                vec![(Vec::new(), Value::Histogram(durations.sum_seconds, bounds.zip(durations.buckets).collect()))]
            })
        },
    },
    counter("waymark_api_rate_limited", "API requests refused because their caller made too many", |n| {
        n.control(|c| sum(c.of.api.rate_limited()))
    }),
    counter("waymark_api_busy", "API requests refused because too many were in flight", |n| {
        n.control(|c| sum(c.of.api.busy()))
    }),
    gauge("waymark_api_in_flight", "API requests being answered", |n| n.control(|c| now(c.of.api.in_flight()))),
    gauge("waymark_api_connections", "Connections to the API open now", |n| now(n.observed.api_server.open())),
    counter(
        "waymark_api_connections_timed_out",
        "Connections to the API whose first request did not come in time",
        |n| sum(n.observed.api_server.timed_out()),
    ),
    counter("waymark_api_tls_handshakes", "TLS handshakes of the API, by what became of them", |n| {
        let [done, failed, timed_out] = n.observed.api_server.handshakes();
        labelled("outcome", [("done", done), ("failed", failed), ("timed_out", timed_out)])
    }),
    counter(
        "waymark_api_tls_certificate_reads",
        "Times that the API's certificate was read, by what came of it",
        |n| {
            let [loaded, refused] =
                n.observed.certificates.as_ref().map_or([0, 0], |certificates| certificates.reads());
            labelled("outcome", [("loaded", loaded), ("refused", refused)])
        },
    ),
    gauge(
        "waymark_api_tls_certificate_expiry_seconds",
        "When the API's certificate is over, in Unix time; 0 without TLS",
        |n| now(n.observed.certificates.as_ref().map_or(0, |certificates| certificates.expires())),
    ),
];

fn now(value: u64) -> Vec<(Labels, Value)> {
    vec![(Vec::new(), Value::Gauge(value))]
}

fn sum(value: u64) -> Vec<(Labels, Value)> {
    vec![(Vec::new(), Value::Counter(value))]
}

fn labelled<const N: usize>(label: &'static str, values: [(&str, u64); N]) -> Vec<(Labels, Value)> {
    values.iter().map(|(text, value)| (vec![(label, (*text).to_owned())], Value::Counter(*value))).collect()
}

fn transports<'n>(numbers: &'n Numbers<'_>) -> [(&'static str, &'n Traffic); 2] {
    [("udp", &numbers.dns.udp), ("tcp", &numbers.dns.tcp)]
}

fn by_transport(numbers: &Numbers<'_>, read: fn(&Traffic) -> u64) -> Vec<(Labels, Value)> {
    labelled("transport", transports(numbers).map(|(name, traffic)| (name, read(traffic))))
}

fn cookies(numbers: &Numbers<'_>) -> Vec<(Labels, Value)> {
    let mut samples = Vec::new();
    for (transport, traffic) in transports(numbers) {
        let cookies = &traffic.cookies;
        for (cookie, count) in [("client_only", cookies.client_only), ("bad", cookies.bad), ("good", cookies.good)] {
            let labels = vec![("transport", transport.to_owned()), ("cookie", cookie.to_owned())];
            samples.push((labels, Value::Counter(count)));
        }
    }
    samples
}

fn answers_by_rcode(numbers: &Numbers<'_>) -> Vec<(Labels, Value)> {
    let mut samples = Vec::new();
    for (transport, traffic) in transports(numbers) {
        for (rcode, &count) in traffic.rcodes.iter().enumerate() {
            // NOERROR is always shown, so that the series is there from the start; others once they occur.
            if count > 0 || rcode == 0 {
                let labels = vec![("transport", transport.to_owned()), ("rcode", rcode_name(rcode))];
                samples.push((labels, Value::Counter(count)));
            }
        }
    }
    samples
}

/// The mnemonic of a response code (IANA "DNS RCODEs").
pub fn rcode_name(rcode: usize) -> String {
    const NAMES: [&str; 12] = [
        "NOERROR",
        "FORMERR",
        "SERVFAIL",
        "NXDOMAIN",
        "NOTIMP",
        "REFUSED",
        "YXDOMAIN",
        "YXRRSET",
        "NXRRSET",
        "NOTAUTH",
        "NOTZONE",
        "DSOTYPENI",
    ];
    match (NAMES.get(rcode), rcode) {
        (Some(name), _) => (*name).to_owned(),
        (None, 16) => "BADVERS".to_owned(),
        (None, RCODES..) => "other".to_owned(),
        (None, code) => format!("RCODE{code}"),
    }
}

fn answers_by_kind(numbers: &Numbers<'_>) -> Vec<(Labels, Value)> {
    let mut samples = Vec::new();
    for (transport, traffic) in transports(numbers) {
        let kinds = &traffic.kinds;
        let rows = [
            ("positive", kinds.positive),
            ("no_data", kinds.no_data),
            ("nx_domain", kinds.nx_domain),
            ("referral", kinds.referral),
            ("refused", kinds.refused),
            ("error", kinds.error),
        ];
        for (kind, count) in rows {
            let labels = vec![("transport", transport.to_owned()), ("kind", kind.to_owned())];
            samples.push((labels, Value::Counter(count)));
        }
    }
    samples
}

struct Table(Arc<Observed>);

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Table")
    }
}

impl Collector for Table {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let dns = self.0.dns.read().ok().and_then(|server| server.as_ref().map(waymark_serve::Server::statistics));
        let numbers = Numbers {
            observed: &self.0,
            dns: dns.unwrap_or_default(),
            catalog: self.0.catalog.statistics(),
            control: self.0.control.as_ref().map(|of| Control { of, statistics: of.control.statistics() }),
        };
        for metric in METRICS {
            let samples = (metric.read)(&numbers);
            // Elsewhere there are none yet.
            if samples.is_empty() && numbers.control.is_none() {
                continue;
            }
            let mut family = encoder.encode_descriptor(metric.name, metric.help, None, metric.kind)?;
            for (labels, value) in samples {
                match labels.is_empty() {
                    true => write(&mut family, &value)?,
                    false => write(&mut family.encode_family(&labels)?, &value)?,
                }
            }
        }
        Ok(())
    }
}

fn write(metric: &mut MetricEncoder<'_>, value: &Value) -> Result<(), std::fmt::Error> {
    match value {
        Value::Counter(count) => metric.encode_counter::<NoLabelSet, _, u64>(count, None),
        Value::Gauge(value) => metric.encode_gauge(value),
        Value::Histogram(sum, buckets) => {
            let count = buckets.iter().map(|(_, count)| count).sum();
            metric.encode_histogram::<NoLabelSet>(*sum, count, buckets, None)
        }
    }
}

/// The answer to `GET /metrics`.
pub(super) fn respond(observed: Arc<Observed>) -> Response {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Table(observed)));
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &registry) {
        Ok(()) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
