//! Connections without a network: framing and order here; what is parked, and what reaches a limit, below.

mod limits;
mod parked;

use std::future::pending;
use std::sync::Arc;

use proptest::collection;
use proptest::prelude::*;
use tokio::io::{DuplexStream, duplex};
use tokio::task::JoinHandle;
use waymark_wire::RecordType;

use super::*;
use crate::tcp::places::Places;
use crate::test_zone::{catalog, ip, is_address, query, rcode, readers_of};
use crate::{Limits, REQUEST_OCTETS_MAX};

const CLIENT: &str = "192.0.2.7";
const ASKED: &str = "192.0.2.53";
const ADDRESS: [u8; 4] = [192, 0, 2, 80];

/// A connection to the catalog's readers, whose far end is the stream; `room` octets are on the way in each direction.
fn connect(limits: Limits, room: usize) -> (DuplexStream, JoinHandle<End>) {
    let (_writer, catalog) = catalog(&[(ASKED, ADDRESS)]);
    let readers = Arc::new(readers_of(&catalog));
    let (near, far) = duplex(room);
    (far, serve_from(near, readers, limits, pending()))
}

/// Serves a stream that nobody else needs a place for.
fn serve_from<S, A>(
    stream: S,
    answerer: Arc<A>,
    limits: Limits,
    stop: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<End>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Answerer + Send + 'static,
{
    serve_at(&Places::new(0, 0), stream, answerer, limits, stop)
}

/// Serves a stream that has taken one of these places.
fn serve_at<S, A>(
    places: &Arc<Places>,
    stream: S,
    answerer: Arc<A>,
    limits: Limits,
    stop: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<End>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Answerer + Send + 'static,
{
    let place = Places::take(places, ip(CLIENT)).unwrap();
    let times = Times::new(&limits, places.clone());
    tokio::spawn(async move {
        let session = Session { client: (ip(CLIENT), 5353).into(), asked: ip(ASKED), idle: times.idle() };
        serve(stream, session, &*answerer, &place, &times, stop).await
    })
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes()[..], message].concat()
}

fn www(id: u16) -> Vec<u8> {
    framed(&query(id, "www.example.test", RecordType::A))
}

async fn read_message(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let length = stream.read_u16().await.unwrap();
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await.unwrap();
    message
}

async fn is_at_its_end(stream: &mut (impl AsyncRead + Unpin)) -> bool {
    stream.read(&mut [0; 9]).await.unwrap() == 0
}

/// RFC 7766 section 6.2.1.1: all pipelined queries are answered, even if they come in quick succession.
#[tokio::test]
async fn ten_thousand_requests_in_one_burst_are_all_answered() {
    const COUNT: u16 = 10_000;
    let (client, served) = connect(Limits::default(), 1 << 16);
    let (mut answers, mut requests) = tokio::io::split(client);
    let burst: Vec<u8> = (0..COUNT).flat_map(www).collect();
    let sent = tokio::spawn(async move {
        requests.write_all(&burst).await.unwrap();
        requests.shutdown().await.unwrap();
    });
    for id in 0..COUNT {
        assert!(is_address(&read_message(&mut answers).await, id, ADDRESS), "answer {id}");
    }
    assert!(is_at_its_end(&mut answers).await);
    sent.await.unwrap();
    assert_eq!(served.await.unwrap(), End::Closed);
}

/// RFC 7766 section 6.2.1: one connection serves many queries.
#[tokio::test]
async fn a_connection_is_kept_for_the_next_question() {
    let (mut client, _served) = connect(Limits::default(), 4096);
    for id in 0..10 {
        client.write_all(&www(id)).await.unwrap();
        assert!(is_address(&read_message(&mut client).await, id, ADDRESS));
    }
}

/// RFC 7766 section 8: a read need not carry a whole message.
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

/// A stream that notes what each write carries.
struct Writes(DuplexStream, tokio::sync::mpsc::UnboundedSender<Vec<u8>>);

impl AsyncRead for Writes {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Writes {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        octets: &[u8],
    ) -> std::task::Poll<io::Result<usize>> {
        self.1.send(octets.to_vec()).unwrap();
        std::task::Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}

/// RFC 7766 section 8: the length and its message are passed to TCP at the same time.
#[tokio::test]
async fn every_write_carries_whole_messages_with_their_lengths() {
    let (_writer, catalog) = catalog(&[(ASKED, ADDRESS)]);
    let readers = Arc::new(readers_of(&catalog));
    let (mut client, near) = duplex(1 << 16);
    let (sender, mut writes) = tokio::sync::mpsc::unbounded_channel();
    let served = serve_from(Writes(near, sender), readers, Limits::default(), pending());
    let big = framed(&query(3, "big.example.test", RecordType::TXT));
    client.write_all(&[www(1), www(2), big.repeat(300)].concat()).await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(served.await.unwrap(), End::Closed);
    let mut messages = 0;
    while let Some(octets) = writes.recv().await {
        let mut rest = &octets[..];
        while let Some((prefix, after)) = rest.split_first_chunk() {
            rest = &after[usize::from(u16::from_be_bytes(*prefix))..];
            messages += 1;
        }
        assert!(rest.is_empty() && octets.len() < WRITE_OCTETS + 2 + usize::from(u16::MAX));
    }
    assert_eq!(messages, 302);
}

/// RFC 1035 section 4.2.2: closing waits until all outstanding requests have been satisfied.
#[tokio::test]
async fn what_was_asked_before_the_client_closed_its_side_is_answered() {
    let (mut client, served) = connect(Limits::default(), 4096);
    client.write_all(&[www(1), www(2), www(3)[..7].to_vec()].concat()).await.unwrap();
    client.shutdown().await.unwrap();
    for id in [1, 2] {
        assert!(is_address(&read_message(&mut client).await, id, ADDRESS));
    }
    assert!(is_at_its_end(&mut client).await);
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
    let runts = (0..12).map(|octets| framed(&query(2, "www.example.test", RecordType::A)[..octets]));
    for foreign in runts.chain([framed(&response), b"GET / HTTP/1.1\r\n\r\n".to_vec()]) {
        let (mut client, served) = connect(Limits::default(), 4096);
        client.write_all(&[www(1), foreign, www(3)].concat()).await.unwrap();
        assert!(is_address(&read_message(&mut client).await, 1, ADDRESS));
        assert_eq!(served.await.unwrap(), End::Refused);
        assert!(is_at_its_end(&mut client).await, "nothing more is answered");
    }
}

/// Whatever comes in whatever pieces: the connection ends when its client does, and without a fault.
#[test]
fn any_octets_in_any_pieces_are_survived() {
    let (_writer, catalog) = catalog(&[(ASKED, ADDRESS)]);
    let readers = Arc::new(readers_of(&catalog));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let piece = prop_oneof![
        any::<u16>().prop_map(www),
        collection::vec(any::<u8>(), 0..40),
        collection::vec(any::<u8>(), 12..60).prop_map(|message| framed(&message)),
    ];
    proptest!(ProptestConfig::with_cases(300), |(pieces in collection::vec(piece, 0..20), room in 1usize..300)| {
        runtime.block_on(async {
            let (near, client) = duplex(room);
            let served = serve_from(near, readers.clone(), Limits::default(), pending());
            let (mut answers, mut requests) = tokio::io::split(client);
            let sent = tokio::spawn(async move {
                for piece in pieces {
                    // An error: the connection has ended at something that is no request.
                    if requests.write_all(&piece).await.is_err() {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
                requests.shutdown().await.unwrap();
            });
            let mut all = Vec::new();
            answers.read_to_end(&mut all).await.unwrap();
            sent.await.unwrap();
            assert!(matches!(served.await.unwrap(), End::Closed | End::Refused));
        });
    });
}
