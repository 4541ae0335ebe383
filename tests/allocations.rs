//! The workers allocate nothing: whatever 100,000 datagrams ask, well or badly, answered, cut, parked or dropped.
//!
//! ```text
//!  a client, 40 datagrams of all kinds at a time, then one that is surely answered --UDP--> workers, watched
//!  meanwhile the catalog changes
//! ```

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use waymark_serve::clock::SystemClock;
use waymark_serve::cookies::Secret;
use waymark_serve::parked::{Order, Supplier};
use waymark_serve::{Identity, Options, Server, Surroundings, rate_limit};
use waymark_wire::{Name, Rdata, Serial};
use waymark_zone::Catalog;
use waymark_zone::answer::Needs;
use waymark_zone::catalog::Writer;
use waymark_zone::published::{
    AccountNumber, Change, Commit, Entry, Incarnation, RRset, ScopeId, Soa, Version, ZoneHeader, ZoneNumber, ZoneStatus,
};

use crate::harness::allocator::Watch;

/// Datagrams that are watched.
const DATAGRAMS: usize = 100_000;
/// Sent before an answer is waited for: few enough for the buffers of both sides.
const WINDOW: usize = 40;
/// Names that are asked in turn, so that none of them reaches the limit of answers.
const NAMES: usize = 4_000;
/// Answers a second about one thing to one network.
const ANSWERS_PER_SECOND: u32 = 200;
/// How long the test waits for an answer before it gives up.
const PATIENCE: Duration = Duration::from_secs(20);

const PLAIN: ZoneNumber = ZoneNumber(1);

fn name(text: &str) -> Name {
    Name::from_text(text).unwrap()
}

fn rrset(owner: &str, mnemonic: &str, data: &[&str]) -> RRset {
    let record_type = crate::harness::dns::record_type(mnemonic);
    let data = data.iter().map(|data| Rdata::from_text(record_type, data, &Name::root()).unwrap()).collect();
    RRset { owner: name(owner), record_type, ttl: 300, data }
}

fn header(apex: &str, signed: bool) -> ZoneHeader {
    let nameservers = vec![name(&format!("ns.{apex}"))];
    let (mname, rname) = (nameservers[0].clone(), name("dns.test"));
    ZoneHeader {
        apex: name(apex),
        account: AccountNumber(1),
        status: ZoneStatus::Active,
        proven: true,
        scopes: vec![ScopeId::ACTIVE, ScopeId::ALL],
        soa: Soa { mname, rname, refresh: 10_000, retry: 2_400, expire: 604_800, minimum: 1_800, ttl: 3_600 },
        nameservers,
        ns_ttl: 86_400,
        signed,
    }
}

/// `plain.test` with a bit of everything, and `signed.test`, whose answers want signatures.
fn catalog() -> (Writer, Arc<Catalog>) {
    let (mut writer, catalog) = Catalog::new(7);
    writer.stage_zone(PLAIN, Version(1), Serial::new(1), header("plain.test", false));
    for n in 0..NAMES {
        writer.stage_rrsets(PLAIN, &[rrset(&format!("n{n}.plain.test"), "A", &["192.0.2.1", "192.0.2.2"])]);
    }
    let long: Vec<String> = (0..60).map(|n| format!("\"{n}-{}\"", "x".repeat(60))).collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    for rrset in [
        rrset("ns.plain.test", "A", &["192.0.2.53"]),
        rrset("*.wild.plain.test", "A", &["192.0.2.3"]),
        rrset("cut.plain.test", "NS", &["ns.cut.plain.test.", "ns.plain.test.", "ns.elsewhere."]),
        rrset("ns.cut.plain.test", "AAAA", &["2001:db8::1"]),
        rrset("alias.plain.test", "CNAME", &["second.plain.test."]),
        rrset("second.plain.test", "CNAME", &["n1.plain.test."]),
        rrset("loop.plain.test", "CNAME", &["loop.plain.test."]),
        rrset("old.plain.test", "DNAME", &["wild.plain.test."]),
        rrset("mail.plain.test", "MX", &["10 n1.plain.test.", "20 n2.plain.test."]),
        rrset("service.plain.test", "HTTPS", &["1 n1.plain.test. alpn=h2"]),
        rrset("big.plain.test", "TXT", &long),
        rrset("flood.plain.test", "A", &["192.0.2.4"]),
    ] {
        writer.stage_rrsets(PLAIN, &[rrset]);
    }
    writer.stage_zone(ZoneNumber(2), Version(1), Serial::new(1), header("signed.test", true));
    writer.stage_rrsets(ZoneNumber(2), &[rrset("www.signed.test", "A", &["192.0.2.5"])]);
    writer.publish_staged(Incarnation::default(), waymark_zone::Position(1), &[]);
    (writer, catalog)
}

/// Supplies nothing, ever.
struct Nobody;

impl Supplier for Nobody {
    fn supply(&self, _needs: &Needs, order: Order) {
        drop(order);
    }
}

/// A question of class IN; `options` none: without EDNS.
fn query(id: u16, owner: &str, mnemonic: &str, options: Option<&[u8]>) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(options.is_some())]);
    message.extend(name(owner).as_wire());
    message.extend(crate::harness::dns::record_type(mnemonic).0.to_be_bytes());
    message.extend([0, 1]);
    if let Some(options) = options {
        message.extend([0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0]);
        message.extend((options.len() as u16).to_be_bytes());
        message.extend(options);
    }
    message
}

fn cookie(octets: &[u8]) -> Vec<u8> {
    [&[0, 10, 0, octets.len() as u8], octets].concat()
}

/// The kinds of datagram, one of each. `good` is a cookie that the server has made.
fn kinds(round: usize, good: &[u8]) -> Vec<Vec<u8>> {
    let ask = |owner: &str, mnemonic: &str| query(7, &format!("{owner}.plain.test"), mnemonic, Some(&[]));
    let hit = format!("n{}", round % NAMES);
    let changed = |at: usize, octet: u8| {
        let mut message = ask(&hit, "A");
        message[at] = octet;
        message
    };
    let version = {
        let mut message = ask(&hit, "A");
        let at = message.len() - 5;
        message[at] = 1;
        message
    };
    let chaos = [&b"\0\x07\0\0\0\x01\0\0\0\0\0\0\x07version\x04bind\0\0\x10\0\x03"[..]].concat();
    let cookie_alone =
        [&b"\0\x07\0\0\0\0\0\0\0\0\0\x01\0\0\x29\x04\xd0\0\0\0\0\0\x0c"[..], &cookie(b"12345678")].concat();
    let with = |options: &[u8]| query(7, &format!("{hit}.plain.test"), "A", Some(options));
    vec![
        ask(&hit, "A"),
        query(7, &format!("{hit}.plain.test"), "A", None),
        ask(&hit, "AAAA"),
        ask(&hit, "ANY"),
        ask(&format!("absent-{round}"), "A"),
        ask(&format!("a.b.{hit}"), "A"),
        ask(&format!("w{round}.wild"), "A"),
        ask("wild", "A"),
        ask(&format!("x{round}.cut"), "A"),
        ask("cut", "DS"),
        ask("alias", "A"),
        ask("loop", "A"),
        ask(&format!("r{round}.old"), "A"),
        ask(&["q".repeat(60).as_str(); 3].join("."), "A"),
        ask(&format!("{}.old", ["q".repeat(60).as_str(); 3].join(".")), "A"),
        ask("mail", "MX"),
        ask("service", "HTTPS"),
        ask("big", "TXT"),
        query(7, "plain.test", "SOA", Some(&[])),
        query(7, "plain.test", "NS", Some(&[])),
        query(7, "elsewhere", "A", Some(&[])),
        // Held back: always the same.
        ask("flood", "A"),
        ask("flood", "A"),
        // Malformed, not served, or no request at all.
        ask(&hit, "A")[..20].to_vec(),
        changed(2, 0x80),
        changed(2, 0x20),
        changed(2, 0x28),
        changed(5, 9),
        changed(12, 0xc0),
        changed(12, 0xff),
        version,
        vec![],
        vec![0; 5],
        vec![0; 5_000],
        [ask(&hit, "A"), vec![1; 400]].concat(),
        // Cookies, NSID, the server itself.
        with(&cookie(b"12345678")),
        with(&cookie(b"12345678-no-cookie-of-ours")),
        with(&cookie(good)),
        with(&cookie(b"short")),
        with(&[0, 3, 0, 0]),
        with(&[0, 3, 0, 9]),
        cookie_alone,
        chaos,
        // Waits for signatures.
        query(7, "www.signed.test", "A", Some(&[])),
        query(7, &format!("w{round}.signed.test"), "A", Some(&[])),
    ]
}

struct Client {
    socket: UdpSocket,
    /// A name that nobody else asks for so soon.
    turn: usize,
}

impl Client {
    fn new(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.connect(server).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, turn: 0 }
    }

    /// Waits until everything that was sent has been dealt with: what comes last over one socket is answered last.
    fn settle(&mut self) {
        self.turn += 1;
        let id = 0x8000 | self.turn as u16 & 0x7fff;
        let owner = format!("n{}.plain.test", self.turn * 7 % NAMES);
        self.socket.send(&query(id, &owner, "A", None)).unwrap();
        let mut buffer = [0; 4096];
        loop {
            let length = self.socket.recv(&mut buffer).unwrap();
            if buffer[..length].starts_with(&id.to_be_bytes()) {
                return;
            }
        }
    }

    /// A cookie that the server makes for this client.
    fn cookie(&self) -> Vec<u8> {
        let asked = query(1, "n1.plain.test", "A", Some(&cookie(b"12345678")));
        self.socket.send(&asked).unwrap();
        let mut buffer = [0; 4096];
        let length = self.socket.recv(&mut buffer).unwrap();
        let at = buffer[..length].windows(8).position(|octets| octets == b"12345678").expect("a cookie");
        buffer[at..at + 24].to_vec()
    }
}

fn options() -> Options {
    Options {
        listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
        workers: 2,
        identity: Identity {
            nsid: Some(b"here".as_slice().into()),
            version: Some("any".into()),
            server_id: Some("this".into()),
        },
        cookie_secrets: vec![Secret::new([9; 16])],
        rate_limit: rate_limit::Options { per_second: ANSWERS_PER_SECOND, ..rate_limit::Options::default() },
        ..Options::default()
    }
}

/// A change of one record.
fn change(writer: &mut Writer) {
    let position = writer.position().next();
    let added = vec![rrset("changing.plain.test", "TXT", &[&position.0.to_string()])];
    let change = Change::Delta { header: None, removed: Vec::new(), added };
    let entry = Entry { zone: PLAIN, version: Version(position.0), serial: Serial::new(position.0 as u32), change };
    let commit = Commit { incarnation: Incarnation::default(), position, entries: vec![entry], scopes: Vec::new() };
    writer.apply(&[commit]).unwrap();
}

#[test]
fn the_workers_allocate_nothing() {
    let watch = Watch::threads("dns-udp");
    let (mut writer, catalog) = catalog();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bound = Server::bind(&options()).unwrap();
    let address = bound.udp_addresses()[0];
    let surroundings =
        Surroundings { clock: Arc::new(SystemClock::new()), seed: [7; 16], supplier: Some(Arc::new(Nobody)) };
    let server = Server::start(bound, catalog, runtime.handle().clone(), surroundings).unwrap();
    // Each has its own port, so that both workers have work.
    let mut clients: Vec<Client> = (0..8).map(|_| Client::new(address)).collect();
    clients.iter_mut().for_each(Client::settle);
    let good = clients[0].cookie();
    let at_start = watch.allocations();
    assert!(at_start > 0, "the workers make their buffers when they begin: who is watched?");
    let mut sent = 0;
    for round in 0.. {
        if sent >= DATAGRAMS {
            break;
        }
        let number = round % clients.len();
        let client = &mut clients[number];
        let datagrams = kinds(round, &good);
        for datagrams in datagrams.chunks(WINDOW) {
            datagrams.iter().for_each(|datagram| assert_eq!(client.socket.send(datagram).unwrap(), datagram.len()));
            client.settle();
            sent += datagrams.len() + 1;
        }
        change(&mut writer);
    }
    let allocations = watch.allocations() - at_start;
    let seen = server.statistics();
    println!("{sent} datagrams: {seen:?}");
    assert_eq!(allocations, 0, "allocations of the workers during {sent} datagrams");
    let (udp, parked) = (&seen.udp, &seen.parked);
    for (what, count) in [
        ("positive", udp.kinds.positive),
        ("no data", udp.kinds.no_data),
        ("no name", udp.kinds.nx_domain),
        ("referral", udp.kinds.referral),
        ("refused", udp.kinds.refused),
        ("error", udp.kinds.error),
        ("truncated", udp.truncated),
        ("dropped", udp.dropped),
        ("suppressed", udp.suppressed),
        ("sent truncated in its place", udp.slipped),
        ("parked", parked.admitted),
        ("with a cookie for the first time", udp.cookies.client_only),
        ("with a bad cookie", udp.cookies.bad),
        ("with a good cookie", udp.cookies.good),
    ] {
        assert!(count > 0, "nothing was {what}: {seen:?}");
    }
    assert!(seen.udp_worker_queries.iter().all(|queries| *queries > 1000), "{:?}", seen.udp_worker_queries);
    assert_eq!(udp.faults, 0);
    runtime.block_on(server.shutdown());
}
