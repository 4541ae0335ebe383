//! Parked questions with synthetic needs: a zone whose header asks for signatures, and suppliers that tests make.

use std::io::{Read, Write};
use std::net::{IpAddr, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;
use waymark_wire::{RecordType, Serial};
use waymark_zone::answer::{NEEDS_MAX, SignatureOf};
use waymark_zone::catalog::{Catalog, Writer};
use waymark_zone::published::{Incarnation, Position, Version, ZoneNumber};

use super::*;
use crate::clock::ManualClock;
use crate::cookies::Secret;
use crate::server::{Options as ServerOptions, Server, Surroundings};
use crate::test_zone::{address, header, ip, query};

const PATIENCE: Duration = Duration::from_secs(20);

/// Says of everything that it is signed, with one octet.
struct Signatures(u8, Option<RecordType>);

impl Supplies for Signatures {
    fn signature(&self, of: &SignatureOf<'_>) -> Option<&[u8]> {
        self.1.is_none_or(|only| only == of.record_type).then_some(std::slice::from_ref(&self.0))
    }
}

/// Keeps orders until the test does something about them.
#[derive(Default)]
struct Kept(Mutex<Vec<(Vec<String>, Order)>>);

impl Supplier for Kept {
    fn supply(&self, needs: &Needs, order: Order) {
        let needs = needs.signatures().map(|of| format!("{} {:?}", of.zone.0, of.record_type)).collect();
        self.0.lock().unwrap().push((needs, order));
    }
}

impl Kept {
    /// Waits until an order has come.
    fn next(&self) -> (Vec<String>, Order) {
        loop {
            if let Some(order) = self.0.lock().unwrap().pop() {
                return order;
            }
            std::thread::yield_now();
        }
    }
}

struct Running {
    server: Server,
    supplier: Arc<Kept>,
    clock: Arc<ManualClock>,
    _writer: Writer,
    port: u16,
}

/// Two zones at every address: `signed.test`, whose answers want signatures, and `plain.test`.
fn start(options: Options) -> Running {
    let supplier = Arc::<Kept>::default();
    let running = Running { supplier: supplier.clone(), ..start_with(options, Some(supplier.clone())) };
    running.until_served(&supplier);
    running
}

fn start_with(options: Options, supplier: Option<Arc<dyn Supplier>>) -> Running {
    let (mut writer, catalog) = Catalog::new(7);
    for (number, apex, signed) in [(1, "signed.test", true), (2, "plain.test", false), (3, "other.test", true)] {
        let mut header = header(apex, &[0, 1]);
        header.signed = signed;
        writer.stage_zone(ZoneNumber(number), Version(1), Serial::new(1), header);
        writer.stage_rrsets(ZoneNumber(number), &[address(&format!("www.{apex}"), [192, 0, 2, number as u8])]);
    }
    writer.publish_staged(Incarnation([1; 16]), Position(1), &[]);
    let options = ServerOptions {
        listen: vec![SocketAddr::new(ip("127.0.0.1"), 0)],
        workers: 1,
        parked: options,
        cookie_secrets: vec![Secret::new([1; 16])],
        ..ServerOptions::default()
    };
    let clock = Arc::<ManualClock>::default();
    let surroundings = Surroundings { clock: clock.clone(), seed: [3; 16], supplier };
    let bound = Server::bind(&options).unwrap();
    let port = bound.udp_addresses()[0].port();
    let server = Server::start(bound, catalog, Handle::current(), surroundings).unwrap();
    Running { server, supplier: Arc::default(), clock, _writer: writer, port }
}

/// A question that wants signatures.
fn signed_query(id: u16, owner: &str) -> Vec<u8> {
    let mut request = query(id, owner, RecordType::A);
    request[11] = 1;
    request.extend(b"\0\0\x29\x04\xd0\0\0\x80\0\0\0");
    request
}

impl Running {
    fn client(&self, from: &str) -> UdpSocket {
        let client = UdpSocket::bind((from.parse::<IpAddr>().unwrap(), 0)).unwrap();
        client.connect(("127.0.0.1", self.port)).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client
    }

    /// Waits until the desk runs: before that nothing is parked, and such questions fail.
    fn until_served(&self, supplier: &Kept) {
        let client = self.client("127.0.0.1");
        loop {
            client.send(&signed_query(1, "www.signed.test")).unwrap();
            client.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
            if client.recv(&mut [0; 1500]).is_err() {
                break;
            }
        }
        self.clock.advance(Duration::from_secs(3600));
        while self.counts().now > 0 {
            std::thread::yield_now();
        }
        supplier.0.lock().unwrap().clear();
    }

    fn counts(&self) -> Counts {
        self.server.statistics().parked
    }
}

fn receive(client: &UdpSocket) -> Vec<u8> {
    let mut buffer = [0; 1500];
    let length = client.recv(&mut buffer).unwrap();
    buffer[..length].to_vec()
}

fn receive_tcp(client: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 2];
    client.read_exact(&mut length).unwrap();
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    client.read_exact(&mut message).unwrap();
    message
}

fn answers(message: &[u8]) -> u16 {
    u16::from_be_bytes([message[6], message[7]])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_question_is_answered_when_its_needs_are_supplied() {
    let running = start(Options::default());
    let client = running.client("127.0.0.1");
    client.send(&signed_query(7, "www.signed.test")).unwrap();
    let (needs, order) = running.supplier.next();
    assert_eq!(needs, ["1 A"]);
    // Others are answered meanwhile, also those of the same zone that want no signatures.
    for (id, owner) in [(8, "www.plain.test"), (9, "www.signed.test")] {
        client.send(&query(id, owner, RecordType::A)).unwrap();
        assert_eq!(receive(&client)[..2], id.to_be_bytes());
    }
    let before = running.counts();
    order.supplied(Box::new(Signatures(0xaa, None)));
    let answer = receive(&client);
    assert_eq!((answer[..2].to_vec(), answer[3] & 15, answers(&answer)), (vec![0, 7], 0, 2));
    assert!(answer.windows(3).any(|octets| octets == [0, 1, 0xaa]), "the signature's length and octet");
    while running.counts().now > 0 {
        std::thread::yield_now();
    }
    assert_eq!(running.counts().resumed, before.resumed + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tcp_answers_overtake_a_parked_question() {
    let running = start(Options::default());
    let mut client = TcpStream::connect(("127.0.0.1", running.port)).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    for request in [signed_query(7, "www.signed.test"), signed_query(8, "www.plain.test")] {
        client.write_all(&[&(request.len() as u16).to_be_bytes()[..], &request].concat()).unwrap();
    }
    assert_eq!(receive_tcp(&mut client)[..2], [0, 8]);
    running.supplier.next().1.supplied(Box::new(Signatures(0xaa, None)));
    let answer = receive_tcp(&mut client);
    assert_eq!((answer[..2].to_vec(), answers(&answer)), (vec![0, 7], 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_never_supplied_is_a_server_failure_in_time() {
    let running = start(Options { milliseconds: 700, ..Options::default() });
    let (client, expired) = (running.client("127.0.0.1"), running.counts().expired);
    client.send(&signed_query(7, "www.signed.test")).unwrap();
    let (_, order) = running.supplier.next();
    running.clock.advance(Duration::from_millis(699));
    running.client("127.0.0.1").send(&query(1, "www.plain.test", RecordType::A)).unwrap();
    assert_eq!(running.counts().now, 1, "its time is not over");
    running.clock.advance(Duration::from_millis(1));
    let answer = receive(&client);
    assert_eq!((answer[..2].to_vec(), answer[3] & 15, answers(&answer)), (vec![0, 7], 2, 0));
    assert!(answer.windows(4).any(|octets| octets == [0, 15, 0, 48]), "RFC 8914: an extended error with its text");
    while running.counts().now > 0 {
        std::thread::yield_now();
    }
    assert_eq!(running.counts().expired, expired + 1);
    order.supplied(Box::new(Signatures(0xaa, None)));
    client.send(&query(9, "www.plain.test", RecordType::A)).unwrap();
    assert_eq!(receive(&client)[..2], [0, 9], "supplies that come too late disturb nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_rounds_are_enough_or_it_is_a_server_failure() {
    let running = start(Options::default());
    let client = running.client("127.0.0.1");
    // A negative answer needs the signature of the SOA record: what is supplied is of another type, again and again.
    client.send(&signed_query(7, "no.signed.test")).unwrap();
    for _ in 0..ROUNDS_MAX {
        let (needs, order) = running.supplier.next();
        assert_eq!(needs, ["1 SOA"]);
        order.supplied(Box::new(Signatures(0xaa, Some(RecordType::A))));
    }
    assert_eq!(receive(&client)[3] & 15, 2);
    // The last round may be the one.
    client.send(&signed_query(8, "no.signed.test")).unwrap();
    for round in 0..ROUNDS_MAX {
        let only = if round + 1 == ROUNDS_MAX { None } else { Some(RecordType::A) };
        running.supplier.next().1.supplied(Box::new(Signatures(0xaa, only)));
    }
    assert_eq!(receive(&client)[3] & 15, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_zone_does_not_take_the_room_of_others() {
    let running = start(Options { questions: 64, ..Options::default() });
    let before = running.counts();
    // Many networks ask for one zone; nothing is supplied.
    for network in 0..100 {
        running.client(&format!("127.1.{network}.1")).send(&signed_query(7, "www.signed.test")).unwrap();
    }
    let client = running.client("127.0.0.1");
    client.send(&query(8, "www.plain.test", RecordType::A)).unwrap();
    receive(&client);
    let counts = running.counts();
    assert_eq!((counts.now, counts.refused - before.refused), (32, 68), "half of the boxes");
    client.send(&signed_query(9, "www.other.test")).unwrap();
    while running.counts().now == 32 {
        std::thread::yield_now();
    }
    assert_eq!(running.counts().now, 33);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_too_long_to_be_parked_is_refused_a_box() {
    let running = start(Options::default());
    let client = running.client("127.0.0.1");
    let mut long = signed_query(7, "www.signed.test");
    // An unknown option fills the OPT record.
    let octets = REQUEST_OCTETS_MAX - long.len() - 4 + 1;
    let at = long.len() - 2;
    long[at..].copy_from_slice(&(octets as u16 + 4).to_be_bytes());
    long.extend([0xff, 0xf0]);
    long.extend((octets as u16).to_be_bytes());
    long.resize(REQUEST_OCTETS_MAX + 1, 0);
    let refused = running.counts().refused;
    client.send(&long).unwrap();
    client.send(&query(8, "www.plain.test", RecordType::A)).unwrap();
    assert_eq!(receive(&client)[..2], [0, 8]);
    assert_eq!(running.counts().refused, refused + 1);
}

#[test]
fn needs_and_boxes_are_as_small_as_they_are_said_to_be() {
    const { assert!(size_of::<Question>() < 800) };
    const { assert!(NEEDS_MAX >= 4, "a signed negative answer with NSEC3 needs four") };
}

/// Faults, once asked to.
struct Faulty(Kept);

impl Supplier for Faulty {
    fn supply(&self, needs: &Needs, order: Order) {
        self.0.supply(needs, order);
        panic!("a fault that a test makes");
    }
}

struct FaultySignatures;

impl Supplies for FaultySignatures {
    fn signature(&self, _of: &SignatureOf<'_>) -> Option<&[u8]> {
        panic!("a fault that a test makes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_costs_one_question_and_its_box_is_free_again() {
    let supplier = Arc::new(Faulty(Kept::default()));
    let running = start_with(Options::default(), Some(supplier.clone()));
    running.until_served(&supplier.0);
    let client = running.client("127.0.0.1");
    client.send(&signed_query(7, "www.signed.test")).unwrap();
    supplier.0.next().1.supplied(Box::new(FaultySignatures));
    while running.counts().now > 0 {
        std::thread::yield_now();
    }
    client.send(&signed_query(8, "www.signed.test")).unwrap();
    supplier.0.next().1.supplied(Box::new(Signatures(0xaa, None)));
    assert_eq!(receive(&client)[..2], [0, 8]);
    assert_eq!(running.server.statistics().udp.faults, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_counts_once_whatever_its_question_waits_for() {
    let mut request = signed_query(7, "www.signed.test");
    let at = request.len() - 2;
    request.splice(at.., *b"\0\x0c\0\x0a\0\x08abcdefgh");
    let supplied = start(Options::default());
    let client = supplied.client("127.0.0.1");
    client.send(&request).unwrap();
    supplied.supplier.next().1.supplied(Box::new(Signatures(0xaa, None)));
    assert_eq!(receive(&client)[3] & 15, 0);
    let alone = start_with(Options::default(), None);
    let client = alone.client("127.0.0.1");
    client.send(&request).unwrap();
    assert_eq!(receive(&client)[3] & 15, 2, "where nobody supplies anything, to wait would be for nothing");
    for running in [supplied, alone] {
        assert_eq!(running.server.statistics().udp.cookies.client_only, 1);
    }
}
