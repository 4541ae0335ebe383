use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;

use super::*;
use crate::sockets::Bound;
use crate::test_zone::ip;

/// A worker's socket on this address.
fn socket(address: &str) -> (Bound, u16) {
    let listening = crate::Options { listen: vec![SocketAddr::new(ip(address), 0)], ..crate::Options::default() };
    let bound = crate::sockets::bind(&listening, 1).unwrap();
    let port = bound.udp_addresses()[0].port();
    (bound, port)
}

/// A client that hears only what comes from the address it asks.
fn client(asked: &str, port: u16) -> UdpSocket {
    let asked = ip(asked);
    let local = if asked.is_ipv4() { ip("127.0.0.1") } else { ip("::1") };
    let client = UdpSocket::bind((local, 0)).unwrap();
    client.connect((asked, port)).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    client
}

/// Receives until `count` datagrams have come, and answers each with the address that was asked, as text.
fn echo_asked(batch: &mut Batch, socket: &UdpSocket, count: usize) {
    let mut seen = 0;
    while seen < count {
        let received = batch.receive(socket.as_fd()).unwrap();
        for number in 0..received {
            assert!(batch.answer(number, |datagram, out| {
                let text = datagram.asked.address.to_string();
                out[..text.len()].copy_from_slice(text.as_bytes());
                Some(text.len())
            }));
        }
        assert_eq!(batch.send(socket.as_fd()), 0);
        seen += received;
    }
}

impl Batch {
    /// Has one datagram answered, if it can be; `write` gives the answer's length.
    fn answer(&mut self, number: usize, write: impl FnOnce(&Datagram<'_>, &mut [u8]) -> Option<usize>) -> bool {
        let (incoming, mut outgoing) = self.halves();
        let Some(datagram) = incoming.datagram(number) else { return false };
        let write = |out: &mut [u8]| write(&datagram, out).map_or(Done::Silent, Done::Send);
        outgoing.answer(number, &datagram, write) != Done::Silent
    }
}

fn heard(client: &UdpSocket) -> String {
    let mut buffer = [0; 100];
    let length = client.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

#[test]
fn answers_come_from_the_address_that_was_asked() {
    for (listen, addresses) in
        [("0.0.0.0", &["127.0.0.1", "127.0.0.2", "127.53.9.200"][..]), ("::", &["::1"]), ("127.0.0.7", &["127.0.0.7"])]
    {
        let (bound, port) = socket(listen);
        let mut batch = Batch::new();
        for asked in addresses {
            let client = client(asked, port);
            client.send(b"who?").unwrap();
            echo_asked(&mut batch, &bound.udp[0][0], 1);
            assert_eq!(heard(&client), *asked);
        }
    }
}

#[test]
fn more_datagrams_than_a_batch_holds_are_all_answered() {
    let (bound, port) = socket("0.0.0.0");
    let clients: Vec<UdpSocket> = (0..BATCH + 9).map(|number| client(&format!("127.0.1.{number}"), port)).collect();
    clients.iter().for_each(|client| assert_eq!(client.send(b"who?").unwrap(), 4));
    echo_asked(&mut Batch::new(), &bound.udp[0][0], clients.len());
    for (number, client) in clients.iter().enumerate() {
        assert_eq!(heard(client), format!("127.0.1.{number}"));
    }
}

#[test]
fn requests_keep_their_octets() {
    let (bound, port) = socket("127.0.0.1");
    let client = client("127.0.0.1", port);
    let requests = [vec![], vec![7], vec![8; REQUEST_OCTETS_MAX]];
    requests.iter().for_each(|request| assert_eq!(client.send(request).unwrap(), request.len()));
    let mut batch = Batch::new();
    let mut seen = Vec::new();
    while seen.len() < requests.len() {
        for number in 0..batch.receive(bound.udp[0][0].as_fd()).unwrap() {
            batch.answer(number, |datagram, _| {
                assert_eq!(datagram.client, client.local_addr().unwrap());
                seen.push(datagram.octets.to_vec());
                None
            });
        }
    }
    assert_eq!(seen, requests);
    assert_eq!(batch.send(bound.udp[0][0].as_fd()), 0);
}

#[test]
fn a_request_that_does_not_fit_is_not_answered() {
    let (bound, port) = socket("127.0.0.1");
    client("127.0.0.1", port).send(&[1; REQUEST_OCTETS_MAX + 1]).unwrap();
    let mut batch = Batch::new();
    assert_eq!(batch.receive(bound.udp[0][0].as_fd()).unwrap(), 1);
    assert!(!batch.answer(0, |_, _| panic!("half a request was answered")));
}

#[test]
fn an_answer_that_cannot_be_sent_does_not_keep_the_others_back() {
    let (bound, port) = socket("127.0.0.1");
    let clients: Vec<UdpSocket> = (0..3).map(|_| client("127.0.0.1", port)).collect();
    clients.iter().for_each(|client| assert_eq!(client.send(b"who?").unwrap(), 4));
    let mut batch = Batch::new();
    let mut received = 0;
    while received < 3 {
        received = batch.receive(bound.udp[0][0].as_fd()).unwrap();
        assert!(received == 3, "loopback delivers before send returns");
    }
    let broadcast = libc::in_addr { s_addr: u32::MAX };
    // SAFETY: number 1 was received just now from an IPv4 source; nothing else refers to the storage.
    unsafe {
        let source = (&raw mut (*batch.storage.as_ptr()).sources[1]).cast::<sockaddr_in>();
        (*source).sin_addr = broadcast;
    }
    for number in 0..3 {
        assert!(batch.answer(number, |_, out| {
            out[0] = b'x';
            Some(1)
        }));
    }
    assert_eq!(batch.send(bound.udp[0][0].as_fd()), 1, "a datagram to everybody is not permitted");
    assert_eq!((heard(&clients[0]), heard(&clients[2])), ("x".to_owned(), "x".to_owned()));
}

#[test]
fn a_source_without_port_or_of_another_family_is_not_answered() {
    // SAFETY: all octets zero is a value.
    let mut source: sockaddr_storage = unsafe { std::mem::zeroed() };
    let v4 = size_of::<sockaddr_in>() as socklen_t;
    source.ss_family = libc::AF_INET as _;
    assert!(super::client(&source, v4).is_none(), "port 0");
    // SAFETY: the storage is large enough and aligned.
    unsafe { (*(&raw mut source).cast::<sockaddr_in>()).sin_port = 53 };
    assert!(super::client(&source, v4).is_some());
    assert!(super::client(&source, v4 - 1).is_none(), "cut short");
    source.ss_family = libc::AF_UNIX as _;
    assert!(super::client(&source, v4).is_none());
}

#[test]
fn a_receive_without_datagrams_gives_nothing_and_the_next_one_works() {
    let (bound, port) = socket("127.0.0.1");
    let socket = &bound.udp[0][0];
    let mut batch = Batch::new();
    let nothing = batch.receive(socket.as_fd()).unwrap_err();
    assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
    assert_eq!(batch.send(socket.as_fd()), 0);
    let client = client("127.0.0.1", port);
    client.send(b"who?").unwrap();
    echo_asked(&mut batch, socket, 1);
    assert_eq!(heard(&client), "127.0.0.1");
}
