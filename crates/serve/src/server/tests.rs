//! The whole nameserver over loopback: what it does with sockets and workers here, the protocol below.

mod protocol;

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use waymark_wire::{RecordType, Serial};
use waymark_zone::catalog::Writer;
use waymark_zone::published::{Change, Commit, Entry, Incarnation, Position, Version, ZoneNumber};

use super::*;
use crate::clock::SystemClock;
use crate::sockets::BindCause;
use crate::test_zone::{address, catalog, ip, is_address, query, rcode};

/// Long enough for a loaded machine; a test that passes does not wait for it.
const PATIENCE: Duration = Duration::from_secs(10);

struct Running {
    server: Server,
    writer: Writer,
    port: u16,
}

fn options(listen: &[&str], workers: usize, limits: Limits) -> Options {
    let listen = listen.iter().map(|address| SocketAddr::new(ip(address), 0)).collect();
    Options { listen, workers, limits, ..Options::default() }
}

fn start(listen: &[&str], workers: usize, limits: Limits, asked: &[(&str, [u8; 4])]) -> Running {
    start_with(&options(listen, workers, limits), asked)
}

fn start_with(options: &Options, asked: &[(&str, [u8; 4])]) -> Running {
    let (writer, catalog) = catalog(asked);
    let bound = Server::bind(options).unwrap();
    let port = bound.udp_addresses()[0].port();
    Running { server: Server::start(bound, catalog, Handle::current(), surroundings()).unwrap(), writer, port }
}

fn surroundings() -> Surroundings {
    Surroundings { clock: Arc::new(SystemClock::new()), seed: [7; 16], supplier: None }
}

impl Running {
    /// A UDP client that hears only what comes from the address it asks.
    fn udp(&self, asked: &str) -> UdpSocket {
        let local = if ip(asked).is_ipv4() { ip("127.0.0.1") } else { ip("::1") };
        let client = UdpSocket::bind((local, 0)).unwrap();
        client.connect((ip(asked), self.port)).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client
    }

    fn tcp(&self, asked: &str) -> TcpStream {
        let client = TcpStream::connect((ip(asked), self.port)).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client
    }
}

fn ask_udp(client: &UdpSocket, request: &[u8]) -> Vec<u8> {
    client.send(request).unwrap();
    let mut buffer = [0; 4096];
    let length = client.recv(&mut buffer).unwrap();
    buffer[..length].to_vec()
}

fn ask_tcp(client: &mut TcpStream, request: &[u8]) -> Vec<u8> {
    client.write_all(&[&(request.len() as u16).to_be_bytes()[..], request].concat()).unwrap();
    read_tcp(client)
}

/// Asks, and begins a further request in the same segment, so that the connection is not idle when this returns.
fn ask_and_go_on(client: &mut TcpStream, request: &[u8]) -> Vec<u8> {
    client.write_all(&[&(request.len() as u16).to_be_bytes()[..], request, &[0]].concat()).unwrap();
    read_tcp(client)
}

fn read_tcp(client: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 2];
    client.read_exact(&mut length).unwrap();
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    client.read_exact(&mut message).unwrap();
    message
}

fn www(id: u16) -> Vec<u8> {
    query(id, "www.example.test", RecordType::A)
}

/// Whether the server has closed this connection.
fn is_closed(client: &mut TcpStream) -> bool {
    !matches!(client.read(&mut [0; 9]), Ok(octets) if octets > 0)
}

/// Waits until the statistics show what `reached` looks for.
async fn until(server: &Server, reached: impl Fn(&Statistics) -> bool) {
    let start = Instant::now();
    while !reached(&server.statistics()) {
        assert!(start.elapsed() < PATIENCE, "not reached: {:?}", server.statistics());
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_asked_decides_and_answers_over_both_transports() {
    let zones = [("127.0.0.11", [192, 0, 2, 11]), ("127.0.0.12", [192, 0, 2, 12]), ("::1", [192, 0, 2, 13])];
    for (listen, asked) in [
        (&["0.0.0.0", "::"][..], &zones[..]),
        (&["0.0.0.0"], &zones[..2]),
        (&["::"], &zones[2..]),
        (&["127.0.0.11", "127.0.0.12", "::1"], &zones[..]),
    ] {
        let running = start(listen, 2, Limits::default(), &zones);
        for (asked, address) in asked {
            for id in 0..20 {
                assert!(is_address(&ask_udp(&running.udp(asked), &www(id)), id, *address), "{asked} by {listen:?}");
            }
            assert!(is_address(&ask_tcp(&mut running.tcp(asked), &www(7)), 7, *address), "{asked} by {listen:?}");
        }
        running.server.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_nobody_refuses() {
    let running = start(&["0.0.0.0"], 1, Limits::default(), &[("127.0.0.11", [1; 4])]);
    assert_eq!(rcode(&ask_udp(&running.udp("127.0.0.99"), &www(1))), 5);
    let statistics = running.server.statistics();
    assert_eq!((statistics.udp.kinds.refused, statistics.udp.rcodes[5]), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_counted() {
    let running = start(&["0.0.0.0"], 2, Limits::default(), &[("127.0.0.11", [192, 0, 2, 1])]);
    let udp = running.udp("127.0.0.11");
    let (hit, missing) = (www(1), query(2, "missing.example.test", RecordType::A));
    let (no_data, big) = (query(3, "www.example.test", RecordType::TXT), query(4, "big.example.test", RecordType::TXT));
    let answers: Vec<Vec<u8>> = [&hit, &missing, &no_data, &big].iter().map(|request| ask_udp(&udp, request)).collect();
    udp.send(b"runt").unwrap();
    udp.send(&[0; REQUEST_TOO_LONG]).unwrap();
    let mut tcp = running.tcp("127.0.0.11");
    let whole = ask_tcp(&mut tcp, &big);
    until(&running.server, |statistics| statistics.udp.dropped == 2).await;
    let Statistics { udp, tcp, connections, udp_worker_queries, .. } = running.server.statistics();
    assert_eq!((udp.queries, udp.answers, udp.dropped, udp.truncated, udp.unsent), (6, 4, 2, 1, 0));
    assert_eq!((udp.kinds.positive, udp.kinds.nx_domain, udp.kinds.no_data), (2, 1, 1));
    assert_eq!((udp.rcodes[0], udp.rcodes[3], udp.faults), (3, 1, 0));
    assert_eq!(udp.answered_octets, answers.iter().map(|answer| answer.len() as u64).sum::<u64>());
    let asked = [&hit, &missing, &no_data, &big].iter().map(|request| request.len() as u64).sum::<u64>();
    assert_eq!(udp.received_octets, asked + 4 + crate::REQUEST_OCTETS_MAX as u64);
    assert_eq!((tcp.queries, tcp.answers, tcp.truncated, tcp.answered_octets), (1, 1, 0, whole.len() as u64));
    assert_eq!((connections.accepted, connections.open), (1, 1));
    assert_eq!((udp_worker_queries.len(), udp_worker_queries.iter().sum::<u64>()), (2, 6));
}

const REQUEST_TOO_LONG: usize = crate::REQUEST_OCTETS_MAX + 100;

#[tokio::test(flavor = "multi_thread")]
async fn no_input_stops_a_worker() {
    const WORKERS: usize = 3;
    let running =
        start(&["0.0.0.0", "::"], WORKERS, Limits::default(), &[("127.0.0.11", [192, 0, 2, 1]), ("::1", [2; 4])]);
    let clients: Vec<UdpSocket> =
        (0..48).map(|number| running.udp(if number % 2 == 0 { "127.0.0.11" } else { "::1" })).collect();
    let mut runner = TestRunner::new(Config { cases: 6000, failure_persistence: None, ..Config::default() });
    // Random octets, and requests with octets changed, which reach further.
    let anything = prop::collection::vec(any::<u8>(), 0..600);
    let changed = (0usize..34, any::<u8>(), 0usize..40).prop_map(|(at, octet, length)| {
        let mut request = www(1);
        request[at] = octet;
        request.truncate(length);
        request
    });
    let next = std::cell::Cell::new(0);
    runner
        .run(&prop_oneof![anything, changed], |datagram| {
            next.set((next.get() + 1) % clients.len());
            clients[next.get()].send(&datagram).unwrap();
            Ok(())
        })
        .unwrap();
    // The kernel spreads clients over the workers: with a worker gone some of these would wait in vain.
    for number in 0..64u16 {
        let (asked, address) = if number % 2 == 0 { ("127.0.0.11", [192, 0, 2, 1]) } else { ("::1", [2; 4]) };
        assert!(is_address(&ask_udp(&running.udp(asked), &www(number)), number, address));
    }
    let idle = running.server.udp.iter().flatten().filter(|block| Traffic::sum([&***block]).answers == 0).count();
    assert_eq!((idle, running.server.statistics().udp.faults), (0, 0));
    running.server.shutdown().await;
}

/// Gives www.example.test of zone 1 another address.
fn change(writer: &mut Writer, position: u64, old: [u8; 4], new: [u8; 4]) {
    let entry = Entry {
        zone: ZoneNumber(1),
        version: Version(position),
        serial: Serial::new(position as u32),
        change: Change::Delta {
            header: None,
            removed: vec![address("www.example.test", old)],
            added: vec![address("www.example.test", new)],
        },
    };
    let commit = Commit {
        incarnation: Incarnation([1; 16]),
        position: Position(position),
        entries: vec![entry],
        scopes: vec![],
    };
    writer.apply(&[commit]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_question_after_a_change_sees_it() {
    let mut running = start(&["0.0.0.0"], 3, Limits::default(), &[("127.0.0.11", [0; 4])]);
    let udp: Vec<UdpSocket> = (0..16).map(|_| running.udp("127.0.0.11")).collect();
    let mut tcp = running.tcp("127.0.0.11");
    let mut address = [0; 4];
    for step in 1..2000u32 {
        let new = step.to_be_bytes();
        change(&mut running.writer, u64::from(step) + 1, address, new);
        address = new;
        let id = step as u16;
        let answer = match step % 17 {
            16 => ask_tcp(&mut tcp, &www(id)),
            worker => ask_udp(&udp[worker as usize], &www(id)),
        };
        assert!(is_address(&answer, id, address), "step {step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_has_only_so_many_connections() {
    let limits = Limits { tcp_connections_per_client_max: 2, tcp_message_ms: 0, ..Limits::default() };
    let running = start(&["0.0.0.0"], 1, limits, &[("127.0.0.11", [192, 0, 2, 1])]);
    let mut held: Vec<TcpStream> = (0..2).map(|_| running.tcp("127.0.0.11")).collect();
    for client in &mut held {
        assert!(is_address(&ask_and_go_on(client, &www(1)), 1, [192, 0, 2, 1]));
    }
    assert!(is_closed(&mut running.tcp("127.0.0.11")));
    // Another client is not the first one's business.
    let other = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    other.bind(&SocketAddr::new(ip("127.0.0.77"), 0).into()).unwrap();
    other.connect(&SocketAddr::new(ip("127.0.0.11"), running.port).into()).unwrap();
    assert!(is_address(&ask_tcp(&mut other.into(), &www(2)), 2, [192, 0, 2, 1]));
    until(&running.server, |statistics| statistics.connections.open == 2).await;
    assert_eq!(running.server.statistics().connections.refused_per_client, 1);
    held.pop();
    until(&running.server, |statistics| statistics.connections.open == 1).await;
    assert!(is_address(&ask_tcp(&mut running.tcp("127.0.0.11"), &www(3)), 3, [192, 0, 2, 1]));
    running.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_only_so_many_connections_in_all() {
    let limits =
        Limits { tcp_connections_max: 3, tcp_connections_per_client_max: 0, tcp_message_ms: 0, ..Limits::default() };
    let running = start(&["0.0.0.0"], 1, limits, &[("127.0.0.11", [192, 0, 2, 1])]);
    let mut held: Vec<TcpStream> = (0..3).map(|_| running.tcp("127.0.0.11")).collect();
    for client in &mut held {
        assert!(is_address(&ask_and_go_on(client, &www(1)), 1, [192, 0, 2, 1]));
    }
    assert!(is_closed(&mut running.tcp("127.0.0.11")));
    assert_eq!(running.server.statistics().connections.refused_in_all, 1);
    assert!(is_address(&ask_udp(&running.udp("127.0.0.11"), &www(2)), 2, [192, 0, 2, 1]), "UDP answers meanwhile");
    // The first octet of its length is there already.
    held[0].write_all(&[&[www(3).len() as u8][..], &www(3)].concat()).unwrap();
    assert!(is_address(&read_tcp(&mut held[0]), 3, [192, 0, 2, 1]), "and so do open connections");
    assert_eq!(running.server.statistics().connections.evicted_idle, 0);
}

/// RFC 9210 section 4.2.
#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_makes_room_for_a_new_one() {
    for (in_all, per_client) in [(3, 0), (0, 3)] {
        let limits = Limits {
            tcp_connections_max: in_all,
            tcp_connections_per_client_max: per_client,
            tcp_idle_ms: 0,
            tcp_message_ms: 0,
            ..Limits::default()
        };
        let running = start(&["0.0.0.0"], 1, limits, &[("127.0.0.11", [192, 0, 2, 1])]);
        let mut held: Vec<TcpStream> = (0..3).map(|_| running.tcp("127.0.0.11")).collect();
        assert!(is_address(&ask_and_go_on(&mut held[0], &www(1)), 1, [192, 0, 2, 1]));
        assert!(is_address(&ask_tcp(&mut held[2], &www(1)), 1, [192, 0, 2, 1]));
        let mut new = running.tcp("127.0.0.11");
        assert!(is_address(&ask_and_go_on(&mut new, &www(2)), 2, [192, 0, 2, 1]));
        assert!(is_closed(&mut held[1]), "it never asked anything");
        until(&running.server, |statistics| statistics.connections.evicted_idle == 1).await;
        let connections = running.server.statistics().connections;
        let refused = connections.refused_in_all + connections.refused_per_client;
        assert_eq!((connections.open, connections.accepted, refused, connections.timed_out), (3, 4, 0, 0));
    }
}

/// RFC 7828 section 3.3.1.
#[tokio::test(flavor = "multi_thread")]
async fn over_udp_nobody_is_told_an_idle_time() {
    let running = start(&["0.0.0.0"], 1, Limits::default(), &[("127.0.0.11", [192, 0, 2, 1])]);
    let mut request = www(1);
    request[11] = 1;
    let without = [&request[..], &[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]].concat();
    let with = [&request[..], &[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4, 0, 11, 0, 0]].concat();
    let answers = [without, with].map(|request| ask_udp(&running.udp("127.0.0.11"), &request));
    assert_eq!(answers[0], answers[1]);
    assert_eq!((answers[0][3], answers[0][11]), (0, 1), "an answer with an OPT record");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_connection_is_closed_and_counted() {
    let limits = Limits { tcp_idle_ms: 50, ..Limits::default() };
    let running = start(&["127.0.0.1"], 1, limits, &[]);
    assert!(is_closed(&mut running.tcp("127.0.0.1")));
    until(&running.server, |statistics| statistics.connections.timed_out == 1).await;
    until(&running.server, |statistics| statistics.connections.open == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_is_cut() {
    let limits = Limits { tcp_write_ms: 100, tcp_idle_ms: 0, tcp_message_ms: 0, ..Limits::default() };
    let running = start(&["0.0.0.0"], 1, limits, &[("127.0.0.11", [192, 0, 2, 1])]);
    let mut client = running.tcp("127.0.0.11");
    client.set_write_timeout(Some(PATIENCE)).unwrap();
    let request = query(1, "big.example.test", RecordType::TXT);
    let requests = [&(request.len() as u16).to_be_bytes()[..], &request].concat().repeat(1000);
    while client.write_all(&requests).is_ok() {}
    until(&running.server, |statistics| statistics.connections.timed_out == 1).await;
    assert!(running.server.statistics().tcp.unsent > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_leaves_nothing() {
    for listen in [&["0.0.0.0", "::"][..], &["0.0.0.0"]] {
        let running = start(listen, 2, Limits::default(), &[("127.0.0.11", [192, 0, 2, 1])]);
        let mut client = running.tcp("127.0.0.11");
        assert!(is_address(&ask_tcp(&mut client, &www(1)), 1, [192, 0, 2, 1]));
        let addresses = running.server.addresses().to_vec();
        running.server.shutdown().await;
        assert!(is_closed(&mut client));
        Server::bind(&Options { listen: addresses, workers: 2, limits: Limits::default(), ..Options::default() })
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_dropped_frees_its_port() {
    let running = start(&["0.0.0.0", "::"], 2, Limits::default(), &[]);
    let listen = running.server.addresses().to_vec();
    drop(running.server);
    let start = Instant::now();
    let options = Options { listen, workers: 1, limits: Limits::default(), ..Options::default() };
    while let Err(error) = Server::bind(&options) {
        assert!(matches!(error.cause, BindCause::InUse) && start.elapsed() < PATIENCE, "{error}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn zero_workers_means_one_per_core() {
    let running = start(&["127.0.0.1"], 0, Limits::default(), &[]);
    assert_eq!(running.server.udp.len(), thread::available_parallelism().unwrap().get());
}

#[test]
fn the_udp_limit_is_kept_within_what_resolvers_and_buffers_take() {
    let of = |udp_octets_max| Limits { udp_octets_max, ..Limits::default() }.udp_octets();
    assert_eq!([of(0), of(1), of(512), of(1232), of(4096), of(65535)], [4096, 512, 512, 1232, 4096, 4096]);
}
