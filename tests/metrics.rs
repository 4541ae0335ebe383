//! `/metrics` and `/healthz`: every metric is driven, and must move.
//!
//! Each test drives some metrics and says which; together they say the whole table of the program, so that a metric
//! that nothing moves cannot be added. What takes a fault of the program itself is in [`FAULTS`], and counted in
//! `serve`'s own tests. What answering counts beside the answers themselves is driven in `nameserver`.

mod nameserver;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::TcpSocket;
use waymark::config::Limit;
use waymark::observe::metrics::METRICS;
use waymark_control::{Action, Actor, Control, Grant, NewRecord, Permission, PublicId, Refusal, Tx, records, zones};

use crate::harness::dns::{self, BOTH, Over};
use crate::harness::metrics::Metrics;
use crate::harness::program::{Server, binary};
use crate::harness::{Client, Credentials, Node, Scratch};
use crate::{edge, tls};

/// How long something that must come may take before the test is broken off.
const WAIT: Duration = Duration::from_secs(60);

const TRAFFIC: &[&str] = &[
    "waymark_dns_queries",
    "waymark_dns_worker_queries",
    "waymark_dns_answers",
    "waymark_dns_answers_by_kind",
    "waymark_dns_dropped",
    "waymark_dns_truncated",
    "waymark_dns_received_octets",
    "waymark_dns_answered_octets",
];
const CONNECTIONS: &[&str] = &[
    "waymark_dns_tcp_connections",
    "waymark_dns_tcp_accepted",
    "waymark_dns_tcp_refused",
    "waymark_dns_tcp_evicted",
    "waymark_dns_tcp_timed_out",
    "waymark_dns_unsent",
];
const CHANGES: &[&str] = &[
    "waymark_catalog_generation",
    "waymark_catalog_zones",
    "waymark_catalog_names",
    "waymark_catalog_rrsets",
    "waymark_catalog_bytes",
    "waymark_journal_committed_position",
    "waymark_journal_applied_position",
    "waymark_journal_entries",
    "waymark_edge_file_position",
    "waymark_edge_file_commits",
    "waymark_follow_commits",
    "waymark_follow_steps",
    "waymark_store_writes",
    "waymark_store_commits",
    "waymark_api_answers",
    "waymark_api_duration_seconds",
];
const EDGE_FILE_BEHIND: &[&str] = &["waymark_edge_file_lag"];
const WAITING: &[&str] = &["waymark_store_writes_waiting", "waymark_api_in_flight", "waymark_api_busy"];
const RATE: &[&str] = &["waymark_api_rate_limited"];
const EARLY: &[&str] = &["waymark_store_replies_early"];
const TOO_FAR_BEHIND: &[&str] = &["waymark_follow_snapshots"];
const DAMAGED_EDGE_FILE: &[&str] = &["waymark_edge_file_errors", "waymark_edge_file_fills"];
const IMPORTS: &[&str] = &["waymark_import_zones", "waymark_import_records"];
const FULL_DISK: &[&str] = &["waymark_store_commits_failed"];
/// Constant: it is there, and 1.
const CONSTANT: &[&str] = &["waymark_build_info"];
/// Moved by a mistake of the program alone; `serve` counts one in `udp::tests`. It is there, and 0.
const FAULTS: &[&str] = &["waymark_dns_faults"];

/// The sum of a metric's samples, as the program names them.
fn sum(metrics: &Metrics, name: &str) -> f64 {
    let metric = METRICS.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("there is no {name}"));
    metrics.sum(&metric.sample_name(), &[])
}

/// Asks until `seen` is true of the metrics. Panics if it does not become so.
fn until(ask: impl Fn() -> Metrics, what: &str, seen: impl Fn(&Metrics) -> bool) -> Metrics {
    let end = Instant::now() + WAIT;
    loop {
        let metrics = ask();
        if seen(&metrics) {
            return metrics;
        }
        assert!(Instant::now() < end, "{what} did not come within {WAIT:?}");
    }
}

fn all_moved(before: &Metrics, after: &Metrics, names: &[&str]) {
    for name in names {
        assert_ne!(sum(before, name), sum(after, name), "{name} stands still");
    }
}

#[test]
fn imports_are_counted() {
    let node = Node::start();
    let before = node.metrics();
    node.block_on(async {
        let control = node.control();
        let page = waymark_control::Page { page: 1, per_page: 1 };
        let accounts = control.account_list(&Grant::operator(), Default::default(), page).await.unwrap();
        let (files, mut events) = control.import_start(Grant::operator(), accounts.items[0].id, Default::default());
        let text = b"example.com. SOA ns dns 1 2 3 4 5\nwww A 192.0.2.1\nmail A 192.0.2.2\n".to_vec();
        files.push(waymark_control::ZoneFile { name: "db".to_owned(), origin: None, text }).await.unwrap();
        drop(files);
        while events.next().await.is_some() {}
    });
    let after = node.metrics();
    all_moved(&before, &after, IMPORTS);
    assert_eq!(sum(&after, "waymark_import_records"), 2.0);
}

#[test]
fn every_metric_is_driven_by_a_test() {
    let driven = [
        TRAFFIC,
        CONNECTIONS,
        CHANGES,
        EDGE_FILE_BEHIND,
        WAITING,
        RATE,
        EARLY,
        TOO_FAR_BEHIND,
        DAMAGED_EDGE_FILE,
        FULL_DISK,
        IMPORTS,
        CONSTANT,
        FAULTS,
        nameserver::COOKIES,
        nameserver::RATE_LIMIT,
        nameserver::EVENTS,
        nameserver::EVENTS_LOST,
        nameserver::PARKED,
        tls::CONNECTIONS,
        edge::FEED,
    ]
    .concat();
    let all: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(driven.len(), driven.iter().collect::<BTreeSet<_>>().len());
    assert_eq!(driven.iter().collect::<BTreeSet<_>>(), all.iter().collect::<BTreeSet<_>>());
}

#[test]
fn every_metric_is_shown_from_the_start_with_its_help() {
    let node = Node::start();
    let response = Client::new(node.inner().api_address(), Credentials::Nobody).get("/metrics");
    assert!(response.header("content-type").is_some_and(|kind| kind.starts_with("application/openmetrics-text")));
    let (text, metrics) = (response.text(), Metrics::parse(&response.text()));
    for metric in METRICS {
        assert!(text.contains(&format!("# HELP {} {}", metric.name, metric.help)), "{}", metric.name);
        // A route that nobody has asked has no sample yet.
        let shown = metric.name == "waymark_api_answers" || metrics.of(&metric.sample_name(), &[]).next().is_some();
        assert!(shown, "{}", metric.name);
    }
    assert_eq!(metrics.sum("waymark_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);
    assert_eq!(sum(&metrics, "waymark_dns_faults"), 0.0);
}

#[test]
fn what_is_asked_is_counted() {
    let node = Node::start();
    let mut zone = node.zone("example.com");
    zone.record("www", "A", "192.0.2.1");
    zone.record("cut", "NS", "ns.elsewhere.test");
    for number in 0..4 {
        zone.record("big", "TXT", &format!("\"{number:0250}\""));
    }
    let server = zone.addresses()[0];
    let before = node.metrics();
    let grown =
        |after: &Metrics, name: &str, labels: &[(&str, &str)]| after.sum(name, labels) - before.sum(name, labels);
    let mut asked = 0.0;
    for over in BOTH {
        for (name, record_type, udp_octets) in [
            ("www.example.com", "A", Some(1232)),
            ("www.example.com", "AAAA", Some(1232)),
            ("nowhere.example.com", "A", Some(1232)),
            ("cut.example.com", "A", Some(1232)),
            ("example.org", "A", Some(1232)),
            ("big.example.com", "TXT", None),
        ] {
            dns::ask_with(server, over, name, record_type, udp_octets);
        }
        let mut status = dns::question("example.com", "SOA").to_wire(7, false, None);
        status[2] = 2 << 3;
        dns::exchange(server, over, &status).unwrap();
        // A response is no request: over UDP nothing comes back, over TCP the connection ends.
        status[2] = 0x80;
        match over {
            Over::Udp => drop(dns::udp_socket(server).unwrap().send(&status)),
            Over::Tcp => drop(dns::exchange(server, over, &status).unwrap_err()),
        }
        asked += 8.0;
    }
    let counted = |metrics: &Metrics| grown(metrics, "waymark_dns_queries_total", &[]) >= asked;
    let after = until(|| node.metrics(), "the last request", counted);
    all_moved(&before, &after, TRAFFIC);
    for transport in ["udp", "tcp"] {
        let of =
            |name: &str, label: &str, value: &str| grown(&after, name, &[("transport", transport), (label, value)]);
        for kind in ["no_data", "nx_domain", "referral", "refused", "error"] {
            assert_eq!(of("waymark_dns_answers_by_kind_total", "kind", kind), 1.0, "{transport} {kind}");
        }
        assert_eq!(of("waymark_dns_answers_by_kind_total", "kind", "positive"), 2.0);
        for (rcode, count) in [("NOERROR", 4.0), ("NXDOMAIN", 1.0), ("REFUSED", 1.0), ("NOTIMP", 1.0)] {
            assert_eq!(of("waymark_dns_answers_total", "rcode", rcode), count, "{transport} {rcode}");
        }
        let labels = [("transport", transport)];
        assert_eq!(grown(&after, "waymark_dns_queries_total", &labels), 8.0);
        assert_eq!(grown(&after, "waymark_dns_dropped_total", &labels), 1.0);
    }
    assert_eq!(grown(&after, "waymark_dns_truncated_total", &[("transport", "udp")]), 1.0);
    assert_eq!(grown(&after, "waymark_dns_truncated_total", &[("transport", "tcp")]), 0.0);
    let by_workers = grown(&after, "waymark_dns_worker_queries_total", &[]);
    assert_eq!(by_workers, grown(&after, "waymark_dns_queries_total", &[("transport", "udp")]));
}

#[test]
fn tcp_connections_are_counted_and_limited() {
    let node = Node::start_with(|config, _| {
        config.limits.tcp_connections = Limit(3);
        config.limits.tcp_connections_per_client = Limit(2);
        config.limits.tcp_idle_seconds = Limit(1);
        config.limits.tcp_message_seconds = Limit(0);
        config.limits.tcp_write_seconds = Limit(1);
    });
    let mut zone = node.zone("example.com");
    for number in 0..12 {
        zone.record("big", "TXT", &format!("\"{number:0250}\""));
    }
    let before = node.metrics();
    let from = |last: u8| {
        let connect = async {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0))).unwrap();
            socket.connect(node.dns()).await.unwrap().into_std().unwrap()
        };
        let stream = node.block_on(connect);
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(WAIT)).unwrap();
        stream
    };
    // The second request has begun when the first is answered, so that the connection is not idle.
    let query = dns::question("big.example.com", "TXT").to_wire(7, false, None);
    let framed = [&(query.len() as u16).to_be_bytes()[..], &query].concat();
    let busy_from = |last: u8| {
        let mut stream = from(last);
        stream.write_all(&[&framed[..], &[0]].concat()).unwrap();
        stream.read_exact(&mut [0; 12]).unwrap();
        stream
    };
    let closed_at_once = |mut stream: TcpStream| assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
    let open = |metrics: &Metrics| sum(metrics, "waymark_dns_tcp_connections");
    let held = [busy_from(1), busy_from(1), busy_from(2)];
    until(|| node.metrics(), "three connections", |metrics| open(metrics) == 3.0);
    closed_at_once(from(3));
    drop(held);
    until(|| node.metrics(), "their end", |metrics| open(metrics) == 0.0);
    let held = [busy_from(1), busy_from(1)];
    closed_at_once(from(1));
    drop(held);
    let idle = from(6);
    let after = until(
        || node.metrics(),
        "the end of the idle one",
        |metrics| open(metrics) == 0.0 && sum(metrics, "waymark_dns_tcp_timed_out") >= 1.0,
    );
    drop(idle);
    for limit in ["in_all", "per_client"] {
        assert_eq!(after.sum("waymark_dns_tcp_refused_total", &[("limit", limit)]), 1.0, "{limit}");
    }
    let three_of_one_client = || {
        let _idle = [from(5), from(5), from(5)];
        node.metrics()
    };
    until(three_of_one_client, "an idle one that makes room", |metrics| sum(metrics, "waymark_dns_tcp_evicted") > 0.0);
    // Much is asked and nothing read: at some point the connection does not take the answers.
    let mut unread = from(4);
    unread.set_write_timeout(Some(WAIT)).unwrap();
    let _ = unread.write_all(&framed.repeat(8_000));
    let unsent =
        until(|| node.metrics(), "an answer that is not taken", |metrics| sum(metrics, "waymark_dns_unsent") > 0.0);
    drop(unread);
    all_moved(&before, &unsent, &CONNECTIONS[1..]);
}

#[test]
fn changes_are_counted_all_along_their_way() {
    let node = Node::start();
    let before = node.metrics();
    let mut zone = node.zone("example.com");
    zone.record("www", "A", "192.0.2.1");
    let body = json!({"type": "A", "name": "www", "content": "192.0.2.1", "ttl": 300});
    assert_eq!(zone.client.post(&zone.records(), &body).status, 400);
    let caught_up = |metrics: &Metrics| {
        sum(metrics, "waymark_edge_file_position") == sum(metrics, "waymark_journal_committed_position")
    };
    let after = until(|| node.metrics(), "the edge file", caught_up);
    all_moved(&before, &after, CHANGES);
    let grown = |name: &str, labels: &[(&str, &str)]| after.sum(name, labels) - before.sum(name, labels);
    assert_eq!(grown("waymark_store_writes_total", &[("outcome", "committed")]), 2.0);
    assert_eq!(grown("waymark_store_writes_total", &[("outcome", "refused")]), 1.0);
    assert_eq!(grown("waymark_journal_committed_position", &[]), 2.0);
    assert_eq!(grown("waymark_catalog_zones", &[]), 1.0);
    let route = [("method", "POST"), ("route", "/zones/{zone_id}/dns_records")];
    assert_eq!(grown("waymark_api_answers_total", &[&route[..], &[("status", "2xx")]].concat()), 1.0);
    assert_eq!(grown("waymark_api_answers_total", &[&route[..], &[("status", "4xx")]].concat()), 1.0);
    zone.delete();
    assert_eq!(
        sum(&node.metrics(), "waymark_catalog_zones"),
        sum(&before, "waymark_catalog_zones") + 1.0,
        "a deleted zone stays, without scopes"
    );
}

#[test]
fn how_far_the_edge_file_is_behind_is_shown() {
    let node = Node::start();
    let mut zone = node.zone("example.com");
    let end = Instant::now() + WAIT;
    for number in 0.. {
        zone.record(&format!("r{number}"), "A", "192.0.2.1");
        if sum(&node.metrics(), EDGE_FILE_BEHIND[0]) > 0.0 {
            break;
        }
        assert!(Instant::now() < end, "the edge file is never behind");
    }
    until(|| node.metrics(), "the edge file", |metrics| sum(metrics, EDGE_FILE_BEHIND[0]) == 0.0);
}

/// A write that holds the store's writer until the sender is used or dropped.
fn hold(node: &Node) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel();
    let (begun, has_begun) = mpsc::channel();
    let control = node.control().clone();
    let held = move |_: &mut Tx<'_>| {
        let _ = begun.send(());
        let _ = released.recv();
        Ok::<(), Refusal>(())
    };
    node.inner().handle().spawn(async move { control.write(Actor::Operator, Action::RecordEdit, held).await });
    has_begun.recv_timeout(WAIT).expect("the writer has begun");
    release
}

#[test]
fn waiting_and_refused_for_want_of_room_is_counted() {
    let node = Node::start_with(|config, _| {
        config.limits.write_queue = Limit(1);
        config.limits.requests_in_flight = Limit(2);
    });
    let before = node.metrics();
    let release = hold(&node);
    let write = |name: &str| {
        let (mut client, body) = (node.client(), json!({"name": name, "account": {"id": node.first().id}}));
        std::thread::spawn(move || client.post("/zones", &body))
    };
    let first = write("first.test");
    until(|| node.metrics(), "a write that waits", |metrics| sum(metrics, "waymark_store_writes_waiting") >= 1.0);
    let full = node.client().post("/zones", &json!({"name": "second.test", "account": {"id": node.first().id}}));
    assert_eq!(full.status, 503, "the queue has one place: {}", full.text());
    // A request that is not whole yet is in flight, and so is the write that waits.
    let mut half = TcpStream::connect(node.inner().api_address()).unwrap();
    let Credentials::Token(token) = &node.first().credentials else { panic!("the first account has a token") };
    write!(
        half,
        "POST /client/v4/zones HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 9\r\n\r\n"
    )
    .unwrap();
    until(|| node.metrics(), "two in flight", |metrics| sum(metrics, "waymark_api_in_flight") == 2.0);
    let busy = node.client().get("/user");
    assert_eq!(busy.status, 503, "{}", busy.text());
    assert!(busy.header("retry-after").is_some());
    let after = node.metrics();
    all_moved(&before, &after, WAITING);
    drop(half);
    drop(release);
    first.join().unwrap().ok();
    let after = until(|| node.metrics(), "the end", |metrics| sum(metrics, "waymark_api_in_flight") == 0.0);
    assert_eq!(after.sum("waymark_store_writes_total", &[("outcome", "unavailable")]), 1.0);
    assert_eq!(sum(&after, "waymark_store_writes_waiting"), 0.0);
}

#[test]
fn refusals_for_asking_too_often_are_counted() {
    let node = Node::start_with(|config, _| config.limits.requests_per_5_minutes = Limit(1));
    let before = node.metrics();
    let mut client = node.client();
    client.get("/user").ok();
    assert_eq!(client.get("/user").status, 429);
    all_moved(&before, &node.metrics(), RATE);
}

/// Makes so many records in one write.
async fn many(control: Control, zone: PublicId, prefix: &'static str, count: usize) {
    let work = move |tx: &mut Tx<'_>| {
        let row = zones::open(tx, &Grant::operator(), zone, Permission::DnsEdit)?;
        for number in 0..count {
            let new = NewRecord {
                name: format!("{prefix}{number}"),
                record_type: "A".to_owned(),
                content: "192.0.2.1".to_owned(),
                ..NewRecord::default()
            };
            records::create(tx, &row, new)?;
        }
        Ok(())
    };
    control.write(Actor::Operator, Action::RecordCreate, work).await.expect("the write is committed");
}

#[test]
fn a_reply_before_dns_has_the_change_is_counted() {
    let node = Node::start_with(|config, _| config.limits.reply_wait_milliseconds = Limit(1));
    let zone = node.zone("example.com");
    let before = node.metrics();
    // More than is carried inline: DNS has to fetch the zone, which takes longer than a millisecond.
    node.block_on(many(node.control().clone(), PublicId::parse(&zone.id).unwrap(), "r", 9_000));
    let after = node.metrics();
    all_moved(&before, &after, EARLY);
    let served = |metrics: &Metrics| sum(metrics, "waymark_catalog_names") > 9_000.0;
    until(|| node.metrics(), "the records", served);
    assert_eq!(dns::line(&zone.ask(Over::Udp, "r8999", "A")), "NOERROR, aa, A 192.0.2.1");
}

#[test]
fn a_snapshot_because_the_journal_is_too_short_is_counted() {
    let node = Node::start_with(|config, _| {
        config.limits.commits_waiting = Limit(1);
        config.limits.journal_entries_kept = Limit(1);
        config.limits.writes_per_commit = Limit(1024);
    });
    let zone = node.zone("example.com");
    let before = node.metrics();
    let (control, id) = (node.control().clone(), PublicId::parse(&zone.id).unwrap());
    let end = Instant::now() + WAIT;
    let mut round = 0;
    while sum(&node.metrics(), TOO_FAR_BEHIND[0]) == sum(&before, TOO_FAR_BEHIND[0]) {
        assert!(Instant::now() < end, "the follower never lies behind");
        // A write that the follower needs a while for, and many behind it, which are not kept meanwhile.
        let release = hold(&node);
        let large = node.inner().handle().spawn(large(control.clone(), id, round));
        until(|| node.metrics(), "the large write", |metrics| sum(metrics, "waymark_store_writes_waiting") >= 1.0);
        let writes: Vec<_> = (0..WRITES_BEHIND)
            .map(|number| node.inner().handle().spawn(one(control.clone(), id, format!("small{round}-{number}"))))
            .collect();
        let all = 1.0 + WRITES_BEHIND as f64;
        until(|| node.metrics(), "the writes", |metrics| sum(metrics, "waymark_store_writes_waiting") >= all);
        drop(release);
        node.block_on(large).unwrap();
        writes.into_iter().for_each(|write| node.block_on(write).unwrap());
        round += 1;
    }
    assert_eq!(dns::line(&zone.ask(Over::Udp, &format!("small{}-0", round - 1), "A")), "NOERROR, aa, A 192.0.2.1");
}

/// More commits than the journal prunes at once (512), so that they are gone when the follower comes for them.
const WRITES_BEHIND: usize = 700;

async fn large(control: Control, zone: PublicId, round: usize) {
    let work = move |tx: &mut Tx<'_>| {
        let zone = zones::open(tx, &Grant::operator(), zone, Permission::DnsEdit)?;
        for number in 0..8_000 {
            let name = format!("large{round}-{number}");
            let record_type = "A".to_owned();
            let new = NewRecord { name, record_type, content: "192.0.2.1".to_owned(), ..NewRecord::default() };
            records::create(tx, &zone, new)?;
        }
        Ok(())
    };
    control.write(Actor::Operator, Action::RecordBatch, work).await.expect("the write is committed");
}

async fn one(control: Control, zone: PublicId, name: String) {
    let new = NewRecord { name, record_type: "A".to_owned(), content: "192.0.2.1".to_owned(), ..NewRecord::default() };
    control.record_create(&Grant::operator(), zone, new).await.expect("the write is committed");
}

#[test]
fn trouble_with_the_edge_file_is_counted() {
    let directory = Scratch::new();
    Server::start(directory.path()).end("TERM");
    let whole = Server::start(directory.path());
    let before = whole.metrics();
    whole.end("TERM");
    std::fs::write(directory.join("data/edge.redb"), "this is no edge file").unwrap();
    let damaged = Server::start(directory.path());
    all_moved(&before, &damaged.metrics(), DAMAGED_EDGE_FILE);
    let health = damaged.client(Credentials::Nobody).get("/healthz");
    assert_eq!(health.status, 200, "DNS does not depend on the edge file: {}", health.text());
}

#[test]
fn a_store_that_cannot_be_written_is_counted_and_unhealthy_until_it_can() {
    let directory = Scratch::new();
    // The kernel refuses to let any file of the process grow beyond a limit: to the program that is a full disk.
    let server = Server::start_by(directory.path(), &[], |command| {
        let mut wrapped = Command::new("sh");
        wrapped.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", binary()]).args(command.get_args());
        wrapped.current_dir(directory.path());
        wrapped
    });
    let limit = |octets: &str| {
        let pid = server.program.id().to_string();
        let status = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={octets}:")]).status();
        assert!(status.expect("prlimit; run: bash tools/packages").success());
    };
    let health = || -> (u16, Value) {
        let response = server.client(Credentials::Nobody).get("/healthz");
        (response.status, response.json())
    };
    let zone = |name: &str| server.first_client().post("/zones", &json!({"name": name}));
    zone("before.test").ok();
    let before = server.metrics();
    assert_eq!(health().0, 200);
    limit("1");
    let refused = zone("full.test");
    assert!((500..600).contains(&refused.status) && !refused.codes().is_empty(), "{}", refused.text());
    let after = server.metrics();
    all_moved(&before, &after, FULL_DISK);
    assert!(after.sum("waymark_store_writes_total", &[("outcome", "unavailable")]) >= 1.0);
    let (status, told) = health();
    assert_eq!((status, &told["status"], &told["store"]["writable"]), (503, &json!("failing"), &json!(false)));
    assert_eq!(dns::line(&dns::ask(server.dns(), Over::Udp, "full.test", "A")), "REFUSED", "nothing half-done");
    assert_eq!(dns::line(&dns::ask(server.dns(), Over::Udp, "before.test", "A")), "NOERROR, aa", "DNS goes on");
    limit("unlimited");
    zone("after.test").ok();
    assert_eq!(health().0, 200);
    assert_eq!(dns::line(&dns::ask(server.dns(), Over::Udp, "after.test", "A")), "NOERROR, aa");
}
