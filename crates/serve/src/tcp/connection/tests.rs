use std::future::pending;
use std::sync::Arc;

use tokio::io::{DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance, sleep};
use waymark_wire::RecordType;

use waymark_zone::answer::Settings;

use super::*;
use crate::handler::Handler;
use crate::test_zone::{catalog, ip, is_address, query, rcode};

const ASKED: &str = "192.0.2.53";
const ADDRESS: [u8; 4] = [192, 0, 2, 80];

/// A connection whose far end is the stream; `room` octets are on the way in each direction.
fn connect(limits: Limits, room: usize) -> (DuplexStream, JoinHandle<End>) {
    let (near, far) = duplex(room);
    let (_writer, catalog) = catalog(&[(ASKED, ADDRESS)]);
    let readers = Arc::new(Readers::new(&catalog, Arc::new(Handler::new(Settings::default()))));
    let served = tokio::spawn(async move { serve(near, ip(ASKED), &readers, &Times::new(&limits), pending()).await });
    (far, served)
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes()[..], message].concat()
}

fn www(id: u16) -> Vec<u8> {
    framed(&query(id, "www.example.test", RecordType::A))
}

async fn read_message(stream: &mut DuplexStream) -> Vec<u8> {
    let length = stream.read_u16().await.unwrap();
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await.unwrap();
    message
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let (mut client, served) = connect(Limits::default(), 1 << 20);
    let requests: Vec<u8> = (0..500).flat_map(www).collect();
    client.write_all(&requests).await.unwrap();
    for id in 0..500 {
        assert!(is_address(&read_message(&mut client).await, id, ADDRESS), "answer {id}");
    }
    drop(client);
    assert_eq!(served.await.unwrap(), End::Closed);
}

#[tokio::test]
async fn a_request_may_come_octet_by_octet() {
    let (mut client, _served) = connect(Limits::default(), 1);
    for id in [1, 2] {
        for octet in www(id) {
            client.write_u8(octet).await.unwrap();
        }
        assert!(is_address(&read_message(&mut client).await, id, ADDRESS));
    }
}

#[tokio::test]
async fn what_was_asked_before_the_client_closed_its_side_is_answered() {
    let (mut client, served) = connect(Limits::default(), 4096);
    client.write_all(&[www(1), www(2)].concat()).await.unwrap();
    client.shutdown().await.unwrap();
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(&ADDRESS) && rest[2..4] == [0, 1]);
    assert_eq!(served.await.unwrap(), End::Closed);
}

#[tokio::test]
async fn answers_too_large_for_a_datagram_are_whole() {
    let (mut client, _served) = connect(Limits::default(), 1 << 20);
    client.write_all(&framed(&query(9, "big.example.test", RecordType::TXT))).await.unwrap();
    let message = read_message(&mut client).await;
    assert_eq!((message[2] & 2, message[7]), (0, 40), "TC is clear and all 40 records are there");
}

#[tokio::test]
async fn a_request_that_cannot_be_read_gets_its_code_and_the_next_its_answer() {
    let (mut client, _served) = connect(Limits::default(), 4096);
    let mut malformed = query(1, "www.example.test", RecordType::A);
    malformed[5] = 2;
    client.write_all(&[framed(&malformed), www(2)].concat()).await.unwrap();
    assert_eq!(rcode(&read_message(&mut client).await), 1);
    assert!(is_address(&read_message(&mut client).await, 2, ADDRESS));
}

#[tokio::test]
async fn what_is_no_request_ends_the_connection_after_the_answers_before_it() {
    let mut response = query(2, "www.example.test", RecordType::A);
    response[2] |= 0x80;
    for foreign in [framed(&response), framed(b"runt"), framed(b""), b"GET / HTTP/1.1\r\n\r\n".to_vec()] {
        let (mut client, served) = connect(Limits::default(), 4096);
        client.write_all(&[www(1), foreign, www(3)].concat()).await.unwrap();
        assert!(is_address(&read_message(&mut client).await, 1, ADDRESS));
        assert_eq!(served.await.unwrap(), End::Refused);
        assert_eq!(client.read(&mut [0; 9]).await.unwrap(), 0, "nothing more is answered");
    }
}

#[tokio::test]
async fn a_request_of_the_greatest_length_is_read_and_a_longer_one_is_not() {
    let mut longest = query(1, "www.example.test", RecordType::A);
    longest.resize(REQUEST_OCTETS_MAX, 0);
    let (mut client, served) = connect(Limits::default(), 1 << 16);
    client.write_all(&[framed(&longest), www(2)].concat()).await.unwrap();
    assert!(is_address(&read_message(&mut client).await, 1, ADDRESS));
    assert!(is_address(&read_message(&mut client).await, 2, ADDRESS));
    longest.push(0);
    client.write_all(&framed(&longest)).await.unwrap();
    assert_eq!(served.await.unwrap(), End::Refused);
}

fn times(idle: u64, message: u64, write: u64) -> Limits {
    Limits { tcp_idle_ms: idle, tcp_message_ms: message, tcp_write_ms: write, ..Limits::default() }
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_ends_when_its_idle_time_is_over() {
    let (mut client, served) = connect(times(10_000, 2_000, 2_000), 4096);
    let start = Instant::now();
    sleep(Duration::from_millis(9_000)).await;
    client.write_all(&www(1)).await.unwrap();
    read_message(&mut client).await;
    assert_eq!(served.await.unwrap(), End::TimedOut);
    assert_eq!(start.elapsed().as_secs(), 19, "a request starts the idle time anew");
}

#[tokio::test(start_paused = true)]
async fn octets_that_trickle_in_buy_no_time() {
    let (mut client, served) = connect(times(10_000, 2_000, 2_000), 4096);
    let start = Instant::now();
    let trickle = async {
        for octet in www(1) {
            if client.write_u8(octet).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(500)).await;
        }
        panic!("the whole request was waited for");
    };
    trickle.await;
    assert_eq!(served.await.unwrap(), End::TimedOut);
    assert!(start.elapsed() < Duration::from_millis(2_600));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_comes_in_time_is_answered_however_long_the_silence_before() {
    let (mut client, _served) = connect(times(10_000, 2_000, 2_000), 4096);
    for id in 0..3 {
        sleep(Duration::from_millis(9_000)).await;
        let request = www(id);
        client.write_all(&request[..5]).await.unwrap();
        sleep(Duration::from_millis(1_500)).await;
        client.write_all(&request[5..]).await.unwrap();
        assert!(is_address(&read_message(&mut client).await, id, ADDRESS));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_its_answers_is_cut() {
    let (mut client, served) = connect(times(0, 0, 3_000), 1024);
    let start = Instant::now();
    let asked: Vec<u8> = (0..200).flat_map(|id| framed(&query(id, "big.example.test", RecordType::TXT))).collect();
    assert!(client.write_all(&asked).await.is_err(), "the connection is closed while the client still writes");
    assert_eq!(served.await.unwrap(), End::TimedOut);
    assert_eq!(start.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn zero_lifts_the_time_outs() {
    let (mut client, served) = connect(times(0, 0, 0), 4096);
    let request = www(1);
    for half in [&request[..3], &request[3..]] {
        tokio::task::yield_now().await;
        advance(Duration::from_secs(86_400)).await;
        client.write_all(half).await.unwrap();
    }
    assert!(is_address(&read_message(&mut client).await, 1, ADDRESS));
    assert!(!served.is_finished());
}

#[test]
fn many_large_answers_are_written_in_bounded_pieces() {
    let (_writer, catalog) = catalog(&[(ASKED, ADDRESS)]);
    let readers = Readers::new(&catalog, Arc::new(Handler::new(Settings::default())));
    let mut inbox = Inbox::new();
    let request = framed(&query(1, "big.example.test", RecordType::TXT));
    let count = inbox.buffer.len() / request.len();
    let asked = request.repeat(count);
    inbox.space()[..asked.len()].copy_from_slice(&asked);
    inbox.end = asked.len();
    let (mut out, mut answers, mut pieces) = (Vec::new(), 0, 0);
    loop {
        let outcome = answer_all(&mut inbox, ip(ASKED), &readers, &mut out);
        assert!(out.len() < WRITE_OCTETS + PREFIX_OCTETS + usize::from(u16::MAX));
        out.clear();
        answers += outcome.answers;
        pieces += 1;
        match outcome.next {
            Next::Write => {}
            Next::Read => break,
            Next::Refuse => panic!("these are requests"),
        }
    }
    assert_eq!(answers, count);
    assert!(pieces > 1);
}
