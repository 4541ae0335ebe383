//! Questions whose answers come later.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::{mpsc, oneshot};
use tokio::time::{advance, sleep};

use super::*;
use crate::tcp::connection::parking::{PARKED_MAX, Ticket, WAITING_OCTETS_MAX};

/// Requests up to this one are answered with what they ask; later ones are parked.
const LAST_READY: u16 = 999;

/// Answers a request with itself: at once, or by the ticket that the test is given.
struct Parker {
    parked: mpsc::UnboundedSender<(u16, Ticket)>,
    unsent: AtomicUsize,
    unanswered: AtomicUsize,
}

impl Answerer for Parker {
    fn answer(&self, request: &[u8], session: &Session, out: &mut Vec<u8>, later: Later<'_>) -> Reply {
        assert_eq!((session.client.ip(), session.asked), (ip(CLIENT), ip(ASKED)));
        let id = id(request);
        if id > LAST_READY {
            self.parked.send((id, later.park())).unwrap();
            return Reply::Parked;
        }
        out.extend_from_slice(&framed(request));
        Reply::Answered
    }

    fn too_long(&self, _: usize) {}

    fn unsent(&self, answers: usize) {
        self.unsent.fetch_add(answers, Relaxed);
    }

    fn unanswered(&self, questions: usize) {
        self.unanswered.fetch_add(questions, Relaxed);
    }
}

fn id(message: &[u8]) -> u16 {
    u16::from_be_bytes([message[0], message[1]])
}

/// A connection to a [`Parker`].
struct Fixture {
    client: DuplexStream,
    served: JoinHandle<End>,
    parked: mpsc::UnboundedReceiver<(u16, Ticket)>,
    parker: Arc<Parker>,
    stop: Mutex<Option<oneshot::Sender<()>>>,
}

impl Fixture {
    fn new(limits: Limits, room: usize) -> Self {
        Self::at(&Places::new(0, 0), limits, room)
    }

    fn at(places: &Arc<Places>, limits: Limits, room: usize) -> Self {
        let (sender, parked) = mpsc::unbounded_channel();
        let parker = Arc::new(Parker { parked: sender, unsent: AtomicUsize::new(0), unanswered: AtomicUsize::new(0) });
        let (near, client) = duplex(room);
        let (stop, stopped) = oneshot::channel();
        let stopped = async { drop(stopped.await) };
        let served = serve_at(places, near, parker.clone(), limits, stopped);
        Self { client, served, parked, parker, stop: Mutex::new(Some(stop)) }
    }

    async fn ask(&mut self, ids: &[u16]) {
        let requests: Vec<u8> = ids.iter().flat_map(|id| framed(&id.to_be_bytes())).collect();
        self.client.write_all(&requests).await.unwrap();
    }

    async fn ticket(&mut self) -> (u16, Ticket) {
        self.parked.recv().await.unwrap()
    }

    async fn tickets(&mut self, count: usize) -> Vec<(u16, Ticket)> {
        let mut tickets = Vec::new();
        while tickets.len() < count {
            tickets.push(self.ticket().await);
        }
        tickets
    }

    async fn answer(&mut self) -> u16 {
        id(&read_message(&mut self.client).await)
    }

    /// How it ended, and what was counted: answers unsent, questions unanswered.
    async fn end(self) -> (End, usize, usize) {
        let end = self.served.await.unwrap();
        (end, self.parker.unsent.load(Relaxed), self.parker.unanswered.load(Relaxed))
    }
}

fn finish((id, ticket): (u16, Ticket)) {
    assert!(ticket.finish(&id.to_be_bytes()));
}

/// RFC 7766 section 7: responses are sent as soon as they are there, out of order.
#[tokio::test]
async fn answers_come_in_the_order_in_which_they_are_ready() {
    let mut connection = Fixture::new(Limits::default(), 4096);
    connection.ask(&[1000, 1, 1001, 2, 1002]).await;
    assert_eq!([connection.answer().await, connection.answer().await], [1, 2]);
    let mut tickets = connection.tickets(3).await;
    assert_eq!(tickets.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1000, 1001, 1002]);
    finish(tickets.remove(1));
    assert_eq!(connection.answer().await, 1001);
    connection.ask(&[3]).await;
    assert_eq!(connection.answer().await, 3, "the connection goes on meanwhile");
    finish(tickets.remove(1));
    assert_eq!(connection.answer().await, 1002);
    finish(tickets.remove(0));
    assert_eq!(connection.answer().await, 1000);
    connection.client.shutdown().await.unwrap();
    assert_eq!(connection.end().await, (End::Closed, 0, 0));
}

#[tokio::test]
async fn a_question_may_be_finished_by_any_thread() {
    let mut connection = Fixture::new(Limits::default(), 4096);
    connection.ask(&[1000]).await;
    let ticket = connection.ticket().await;
    let other = std::thread::spawn(move || finish(ticket));
    assert_eq!(connection.answer().await, 1000);
    other.join().unwrap();
}

#[tokio::test]
async fn with_as_many_parked_as_may_be_further_questions_wait() {
    let mut connection = Fixture::new(Limits::default(), 4096);
    let ids: Vec<u16> = (1000..1000 + PARKED_MAX as u16).collect();
    connection.ask(&ids[1..]).await;
    let mut tickets = connection.tickets(PARKED_MAX - 1).await;
    connection.ask(&[1]).await;
    assert_eq!(connection.answer().await, 1, "one below the limit");
    connection.ask(&[ids[0], 2, 2000, 3]).await;
    tickets.push(connection.ticket().await);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(connection.parked.try_recv().is_err());
    finish(tickets.remove(0));
    let answers = [connection.answer().await, connection.answer().await];
    assert_eq!(answers, [1001, 2]);
    let last = connection.ticket().await;
    assert_eq!(last.0, 2000);
    drop(tickets);
    assert_eq!(connection.answer().await, 3, "a ticket that is dropped frees the place as well");
    finish(last);
    assert_eq!(connection.answer().await, 2000);
    drop(connection.client);
    assert_eq!(connection.served.await.unwrap(), End::Closed);
    assert_eq!(connection.parker.unanswered.load(Relaxed), PARKED_MAX - 1);
}

/// While nothing is read, what a client sends stays in the network.
#[tokio::test]
async fn a_client_with_too_many_parked_questions_is_not_read_from() {
    let mut connection = Fixture::new(Limits::default(), 64);
    let ids: Vec<u16> = (1000..1000 + PARKED_MAX as u16).collect();
    connection.ask(&ids).await;
    let mut tickets = connection.tickets(PARKED_MAX).await;
    let request = [0; 2 + REQUEST_OCTETS_MAX];
    let writing = connection.client.write_all(&request);
    let blocked = tokio::time::timeout(Duration::ZERO, writing).await;
    assert!(blocked.is_err());
    finish(tickets.remove(0));
    assert_eq!(connection.answer().await, 1000);
}

/// RFC 1035 section 4.2.2: closing waits until all outstanding requests have been satisfied.
#[tokio::test]
async fn a_client_that_closed_its_side_gets_the_answers_that_were_parked() {
    let mut connection = Fixture::new(Limits::default(), 1 << 16);
    let ids: Vec<u16> = [1].into_iter().chain(1000..1000 + 2 * PARKED_MAX as u16).collect();
    connection.ask(&ids).await;
    connection.client.shutdown().await.unwrap();
    let mut answered = vec![connection.answer().await];
    for _ in 0..2 * PARKED_MAX {
        let ticket = connection.ticket().await;
        finish(ticket);
        answered.push(connection.answer().await);
    }
    assert_eq!(answered, ids, "twice as many as can be parked at a time");
    assert!(is_at_its_end(&mut connection.client).await);
    assert_eq!(connection.end().await, (End::Closed, 0, 0));
}

#[tokio::test]
async fn a_half_closed_connection_ends_when_the_last_ticket_is_dropped() {
    let mut connection = Fixture::new(Limits::default(), 4096);
    connection.ask(&[1000]).await;
    connection.client.shutdown().await.unwrap();
    drop(connection.ticket().await);
    assert!(is_at_its_end(&mut connection.client).await);
    assert_eq!(connection.end().await, (End::Closed, 0, 1));
}

/// RFC 7766 section 6.2.4: no attempt is made to send to a client that has gone.
#[tokio::test]
async fn the_end_of_a_connection_voids_what_is_parked() {
    let mut connection = Fixture::new(Limits::default(), 4096);
    connection.ask(&[1000, 1001, 1002]).await;
    let mut tickets = connection.tickets(3).await;
    assert!(!tickets[0].1.is_void());
    drop(std::mem::replace(&mut connection.client, duplex(1).0));
    // The client is seen to have gone by the first write that fails.
    finish(tickets.remove(0));
    assert_eq!((&mut connection.served).await.unwrap(), End::Closed);
    let (_, ticket) = tickets.remove(0);
    assert!(ticket.is_void());
    assert!(!ticket.finish(b"an answer for nobody"));
    assert_eq!(connection.parker.unsent.load(Relaxed), 1);
    assert_eq!(connection.parker.unanswered.load(Relaxed), 2);
}

#[tokio::test]
async fn a_server_that_stops_waits_for_what_is_parked_and_reads_no_more() {
    let mut connection = Fixture::new(Limits::default(), 4096);
    connection.ask(&[1000]).await;
    let ticket = connection.ticket().await;
    drop(connection.stop.lock().unwrap().take());
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    connection.ask(&[1]).await;
    finish(ticket);
    assert_eq!(connection.answer().await, 1000);
    assert!(is_at_its_end(&mut connection.client).await);
    assert_eq!(connection.end().await, (End::Stopped, 0, 0));
}

#[tokio::test]
async fn a_connection_that_is_cut_counts_what_it_leaves() {
    let mut connection = Fixture::new(Limits::default(), 4096);
    connection.ask(&[1000, 1001]).await;
    let mut tickets = connection.tickets(2).await;
    connection.served.abort();
    while !connection.served.is_finished() {
        tokio::task::yield_now().await;
    }
    assert!(!tickets.remove(0).1.finish(b"late"));
    drop(tickets);
    assert_eq!(connection.parker.unanswered.load(Relaxed), 2);
}

fn times(idle: u64, message: u64, write: u64) -> Limits {
    Limits { tcp_idle_ms: idle, tcp_message_ms: message, tcp_write_ms: write, ..Limits::default() }
}

/// RFC 7766 section 6.2.3: who waits for an answer is not idle.
#[tokio::test(start_paused = true)]
async fn a_connection_is_not_idle_while_a_question_is_parked() {
    let places = Places::new(0, 1);
    let mut connection = Fixture::at(&places, times(10_000, 2_000, 2_000), 4096);
    connection.ask(&[1000]).await;
    let ticket = connection.ticket().await;
    advance(Duration::from_secs(3600)).await;
    assert!(Places::take(&places, ip(CLIENT)).is_err(), "nor does it lose its place");
    finish(ticket);
    assert_eq!(connection.answer().await, 1000);
    let start = Instant::now();
    sleep(Duration::from_millis(9_000)).await;
    assert!(!connection.served.is_finished());
    assert_eq!(connection.end().await, (End::TimedOut, 0, 0));
    assert_eq!(start.elapsed().as_secs(), 10, "its idle time begins with the answer");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_has_begun_must_end_in_time_whatever_is_parked() {
    let mut connection = Fixture::new(times(10_000, 2_000, 2_000), 4096);
    connection.ask(&[1000, 1001]).await;
    let mut tickets = connection.tickets(2).await;
    let start = Instant::now();
    connection.client.write_all(&[0]).await.unwrap();
    sleep(Duration::from_millis(1_500)).await;
    finish(tickets.remove(0));
    assert_eq!(connection.answer().await, 1000);
    assert_eq!(connection.end().await, (End::TimedOut, 0, 1));
    assert_eq!(start.elapsed().as_secs(), 2, "an answer to an earlier question buys no time");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_an_answer_that_came_later_is_cut() {
    let mut connection = Fixture::new(times(0, 0, 3_000), 16);
    connection.ask(&[1000]).await;
    let (_, ticket) = connection.ticket().await;
    advance(Duration::from_secs(60)).await;
    let start = Instant::now();
    assert!(ticket.finish(&[0; 100]));
    assert_eq!((&mut connection.served).await.unwrap(), End::TimedOut);
    assert_eq!(start.elapsed().as_secs(), 3);
    assert_eq!(connection.parker.unsent.load(Relaxed), 1);
}

#[tokio::test]
async fn what_is_no_request_ends_the_connection_after_the_answers_that_were_parked_before_it() {
    let mut connection = Fixture::new(Limits::default(), 1 << 16);
    connection.ask(&[1000]).await;
    let too_long = [&(REQUEST_OCTETS_MAX as u16 + 1).to_be_bytes()[..], &framed(&[0, 1])].concat();
    connection.client.write_all(&too_long).await.unwrap();
    let ticket = connection.ticket().await;
    tokio::task::yield_now().await;
    finish(ticket);
    assert_eq!(connection.answer().await, 1000);
    assert!(is_at_its_end(&mut connection.client).await);
    assert_eq!(connection.end().await, (End::Refused, 0, 0));
}

/// Every question gets its one answer, whatever is ready when, however the octets are cut.
#[test]
fn every_question_is_answered_once() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let questions = proptest::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 1..200);
    proptest!(ProptestConfig::with_cases(200), |(questions in questions, room in 1usize..600)| {
        runtime.block_on(async {
            let Fixture { client, mut parked, served, parker, stop } = Fixture::new(Limits::default(), room);
            let id = |number: usize, ready: bool| if ready { number as u16 } else { 1000 + number as u16 };
            let mut ids: Vec<u16> = (0..).zip(&questions).map(|(number, (ready, _))| id(number, *ready)).collect();
            let requests: Vec<u8> = ids.iter().flat_map(|id| framed(&id.to_be_bytes())).collect();
            let (mut answers, mut asking) = tokio::io::split(client);
            tokio::spawn(async move {
                asking.write_all(&requests).await.unwrap();
                asking.shutdown().await.unwrap();
            });
            tokio::spawn(async move {
                let mut tickets = Vec::new();
                for (_, choice) in questions.iter().filter(|(ready, _)| !ready) {
                    if tickets.is_empty() {
                        tickets.push(parked.recv().await.unwrap());
                    }
                    while let Ok(ticket) = parked.try_recv() {
                        tickets.push(ticket);
                    }
                    finish(tickets.swap_remove(choice.index(tickets.len())));
                    tokio::task::yield_now().await;
                }
            });
            let mut octets = Vec::new();
            answers.read_to_end(&mut octets).await.unwrap();
            let mut got: Vec<u16> = octets.chunks(4).map(|answer| u16::from_be_bytes([answer[2], answer[3]])).collect();
            got.sort_unstable();
            ids.sort_unstable();
            assert_eq!(got, ids);
            assert_eq!(served.await.unwrap(), End::Closed);
            drop((parker, stop));
        });
    });
}

/// While one answer is being written, the others wait within their bound.
#[tokio::test]
async fn answers_that_nobody_reads_wait_only_up_to_a_bound() {
    const LARGE: usize = 60_000;
    let fits = WAITING_OCTETS_MAX / LARGE;
    for excess in [0, 1] {
        let mut connection = Fixture::new(Limits::default(), 1024);
        let ids: Vec<u16> = (1000..1000 + 1 + (fits + excess) as u16).collect();
        connection.ask(&ids).await;
        let mut tickets = connection.tickets(ids.len()).await;
        let first = tickets.remove(0);
        assert!(first.1.finish(&[0; WRITE_OCTETS - 2]));
        // The first answer is being written as soon as the client sees some of it.
        let _ = connection.client.read_u8().await.unwrap();
        for (_, ticket) in tickets {
            assert!(ticket.finish(&[0; LARGE]));
        }
        let mut rest = Vec::new();
        connection.client.shutdown().await.unwrap();
        connection.client.read_to_end(&mut rest).await.unwrap();
        if excess == 0 {
            assert_eq!(rest.len() + 1, WRITE_OCTETS + fits * (2 + LARGE));
            assert_eq!(connection.end().await, (End::Closed, 0, 0));
        } else {
            assert_eq!(connection.end().await.0, End::Overrun);
        }
    }
}
