//! Each limit, reached and not reached.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::time::{advance, sleep};

use super::*;

#[tokio::test]
async fn a_request_of_the_greatest_length_is_read_and_a_longer_one_is_not() {
    let mut longest = query(1, "www.example.test", RecordType::A);
    // An unknown option fills the OPT record; the answer ends with an OPT record of 11 octets.
    let padding = REQUEST_OCTETS_MAX - longest.len() - 15;
    longest[11] = 1;
    longest.extend(b"\0\0\x29\x04\xd0\0\0\0\0");
    longest.extend((padding as u16 + 4).to_be_bytes());
    longest.extend([0xff, 0xf0]);
    longest.extend((padding as u16).to_be_bytes());
    longest.resize(REQUEST_OCTETS_MAX, 0);
    let (mut client, served) = connect(Limits::default(), 1 << 16);
    client.write_all(&[framed(&longest), www(2)].concat()).await.unwrap();
    let answer = read_message(&mut client).await;
    assert!(is_address(&answer[..answer.len() - 11], 1, ADDRESS));
    assert!(is_address(&read_message(&mut client).await, 2, ADDRESS));
    longest.push(0);
    client.write_all(&framed(&longest)).await.unwrap();
    assert_eq!(served.await.unwrap(), End::Refused);
}

fn times(idle: u64, message: u64, write: u64) -> Limits {
    Limits { tcp_idle_ms: idle, tcp_message_ms: message, tcp_write_ms: write, ..Limits::default() }
}

/// RFC 7766 section 6.2.3.
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

/// RFC 7766 section 6.2.3: the idle time is about whole messages.
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
async fn a_client_that_reads_its_answers_slowly_but_in_time_is_not_cut() {
    let (mut client, served) = connect(times(10_000, 2_000, 3_000), 256);
    client.write_all(&framed(&query(1, "big.example.test", RecordType::TXT))).await.unwrap();
    // About 2.9 KiB in steps of 256 octets, with 100 milliseconds between them.
    let mut read = 0;
    let mut piece = [0; 256];
    while read < 2 + 40 * 60 {
        sleep(Duration::from_millis(100)).await;
        read += client.read(&mut piece).await.unwrap();
    }
    assert!(!served.is_finished());
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

#[tokio::test]
async fn an_idle_connection_makes_room_and_says_nothing() {
    let places = Places::new(1, 0);
    let (_writer, catalog) = catalog(&[(ASKED, ADDRESS)]);
    let readers = Arc::new(readers_of(&catalog));
    let (near, mut client) = duplex(4096);
    let served = serve_at(&places, near, readers, Limits::default(), pending());
    client.write_all(&www(1)).await.unwrap();
    read_message(&mut client).await;
    // The answer is out before the connection is idle.
    while Places::take(&places, ip("192.0.2.9")).is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(served.await.unwrap(), End::Evicted);
    assert!(is_at_its_end(&mut client).await);
}

#[tokio::test]
async fn a_connection_keeps_its_place_while_a_request_has_begun() {
    let places = Places::new(1, 0);
    let (_writer, catalog) = catalog(&[(ASKED, ADDRESS)]);
    let readers = Arc::new(readers_of(&catalog));
    let (near, mut client) = duplex(4096);
    let _served = serve_at(&places, near, readers, Limits::default(), pending());
    client.write_all(&[&www(1)[..], &www(2)[..1]].concat()).await.unwrap();
    read_message(&mut client).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
        assert!(Places::take(&places, ip("192.0.2.9")).is_err());
    }
    client.write_all(&www(2)[1..]).await.unwrap();
    assert!(is_address(&read_message(&mut client).await, 2, ADDRESS));
}

/// Answers with the idle time that it is told, in one octet, and then makes places scarce or plenty.
struct Announcer {
    places: Arc<Places>,
    next_is_scarce: AtomicBool,
    held: std::sync::Mutex<Vec<crate::tcp::places::Place>>,
}

impl Answerer for Announcer {
    fn answer(&self, _: &[u8], session: &Session, out: &mut Vec<u8>, _: Later<'_>) -> Reply {
        out.extend_from_slice(&framed(&session.keepalive().to_be_bytes()));
        let mut held = self.held.lock().unwrap();
        held.clear();
        if self.next_is_scarce.fetch_xor(true, Relaxed) {
            held.extend((0..7).map(|_| Places::take(&self.places, ip("192.0.2.9")).unwrap()));
        }
        Reply::Answered
    }

    fn too_long(&self, _: usize) {}

    fn unsent(&self, _: usize) {}

    fn unanswered(&self, _: usize) {}
}

/// RFC 7828 section 3.3.2: what is announced is the time that is associated with the session.
#[tokio::test(start_paused = true)]
async fn the_idle_time_that_was_announced_holds_whatever_happens_to_the_places() {
    for scarce_at_first in [true, false] {
        let places = Places::new(8, 0);
        let answerer = Announcer {
            places: places.clone(),
            next_is_scarce: AtomicBool::new(scarce_at_first),
            held: Vec::new().into(),
        };
        let answerer = Arc::new(answerer);
        let (near, mut client) = duplex(4096);
        let served = serve_at(&places, near, answerer, times(10_000, 0, 0), pending());
        let mut announced = Vec::new();
        // The second request is told what the first one has changed.
        for request in [www(1), www(2)] {
            client.write_all(&request).await.unwrap();
            let message = read_message(&mut client).await;
            announced.push(u16::from_be_bytes([message[0], message[1]]));
        }
        let start = Instant::now();
        assert_eq!(announced, if scarce_at_first { [100, 25] } else { [100, 100] });
        assert_eq!(served.await.unwrap(), End::TimedOut);
        assert_eq!(start.elapsed().as_millis() / 100, u128::from(announced[1]));
    }
}

/// Asks with an OPT record that carries edns-tcp-keepalive without a time (RFC 7828 section 3.2.1), or no option.
fn with_edns(keepalive: bool) -> Vec<u8> {
    let mut request = query(1, "www.example.test", RecordType::A);
    request[11] = 1;
    let options: &[u8] = if keepalive { &[0, 11, 0, 0] } else { &[] };
    request.extend([&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, options.len() as u8][..], options].concat());
    framed(&request)
}

/// RFC 7828 section 3.3.2.
#[tokio::test]
async fn who_asks_for_the_idle_time_is_told_it() {
    let (mut client, _served) = connect(times(10_000, 0, 0), 4096);
    client.write_all(&[with_edns(true), with_edns(false)].concat()).await.unwrap();
    let told = read_message(&mut client).await;
    assert!(told.ends_with(&[0, 6, 0, 11, 0, 2, 0, 100]), "{told:?}");
    let not_told = read_message(&mut client).await;
    assert_eq!(not_told.len() + 6, told.len());
}

/// RFC 7828 section 3.1: units of 100 milliseconds in 16 bits.
#[test]
fn the_idle_time_is_announced_in_tenths_of_a_second() {
    let keepalive = |idle: Option<u64>| {
        let session =
            Session { client: (ip(CLIENT), 5353).into(), asked: ip(ASKED), idle: idle.map(Duration::from_millis) };
        session.keepalive()
    };
    let times = [Some(10_000), Some(2_599), Some(99), Some(0), Some(6_553_500), Some(6_553_600), Some(u64::MAX), None];
    assert_eq!(times.map(keepalive), [100, 25, 0, 0, 65535, 65535, 65535, 65535]);
}
