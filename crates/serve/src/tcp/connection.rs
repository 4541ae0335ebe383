//! One connection: requests in, answers out, each as soon as it is ready (RFC 7766 sections 6.2 and 7).
//!
//! ```text
//!  read what is there -> answer every whole request -> write all their answers at once -> read again
//!                             |                          ^
//!                             +-> parked: not ready yet -+  written when it comes, in whatever order
//! ```
//!
//! While answers are written nothing is read, so that a client that does not read its answers has to wait with its
//! questions; nor is anything read while as many questions are parked as may be. Three clocks run: for silence while
//! nothing is asked, for a request that has begun, for a client that takes its answers too slowly.
//!
//! A client that closes its side has asked its last question and still gets every answer (RFC 1035 section 4.2.2: the
//! server delays closing until all outstanding requests have been satisfied). Whether it has closed the other side as
//! well only a write can tell; once one fails nothing more is sent (RFC 7766 section 6.2.4).
//!
//! Memory per connection: 4 KiB for requests and 4 KiB for answers that are being written, as long as answers are
//! small and ready. At most about half a MiB: the requests, 128 KiB of answers being written (64 KiB, and one answer
//! more) in a buffer of up to twice that, and 256 KiB of answers to parked questions, of which there are at most 64.

mod inbox;
mod parking;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::places::{Evicted, Place};
use super::times::Times;
use inbox::{Inbox, TooLong};
use parking::{Finished, Parking};

pub(in crate::tcp) use parking::Later;
pub(crate) use parking::Ticket;

/// Answers are written when there are this many octets of them, even if more requests have been read.
const WRITE_OCTETS: usize = 64 << 10;
/// Room for answers that a connection keeps between writes; what a large answer needed beyond it is given back.
const KEPT_OCTETS: usize = 4 << 10;

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The client closed it, or the network did.
    Closed,
    /// The client sent what is no DNS request, or a longer one than is read.
    Refused,
    /// One of the clocks ran out.
    TimedOut,
    /// The client left more answers waiting than are kept for it.
    Overrun,
    /// It was idle, and another one needed its place.
    Evicted,
    /// The server stops.
    Stopped,
}

/// What an answer may depend on besides the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Session {
    /// The client's address.
    pub(super) client: SocketAddr,
    /// The address that the client connected to.
    pub(super) asked: IpAddr,
    /// How long the connection stays without a further request once everything is answered; none: without limit.
    pub(super) idle: Option<Duration>,
}

impl Session {
    /// The idle time as edns-tcp-keepalive says it, in units of 100 ms (RFC 7828 section 3.1), rounded down, so that
    /// the connection stays open for at least as long as announced; a time beyond what can be said is the longest.
    pub(super) fn keepalive(&self) -> u16 {
        self.idle.map_or(u16::MAX, |idle| u16::try_from(idle.as_millis() / 100).unwrap_or(u16::MAX))
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// The answer has been appended.
    Answered,
    /// There is none to give: this is no request.
    Silent,
    /// A ticket was taken, by which the answer will come.
    Parked,
}

/// Whoever knows the answers, for all connections, and counts what became of the requests.
pub(super) trait Answerer: Sync {
    /// Answers `request`: appends a message with its length in front to `out`, or parks the question with `later`.
    fn answer(&self, request: &[u8], session: &Session, out: &mut Vec<u8>, later: Later<'_>) -> Reply;

    /// A request of so many octets was not read because of its length.
    fn too_long(&self, octets: usize);

    /// So many answers were made that the connection did not take.
    fn unsent(&self, answers: usize);

    /// So many parked questions get no answer.
    fn unanswered(&self, questions: usize);
}

/// Serves a connection until it ends. What was parked and unanswered then is counted, also if this is dropped before.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin, A: Answerer>(
    stream: S,
    session: Session,
    answerer: &A,
    place: &Place,
    times: &Times,
    stop: impl Future<Output = ()>,
) -> End {
    let clock = Clock { waiting_for: WaitingFor::Request, deadline: deadline_in(session.idle) };
    let mut connection = Connection {
        stream,
        place,
        times,
        inbox: Inbox::new(),
        answers: Answers { answerer, session, out: Vec::new(), count: 0, parking: Parking::default() },
        clock,
        closing: None,
    };
    connection.run(pin!(stop)).await
}

struct Connection<'c, S, A: Answerer> {
    stream: S,
    place: &'c Place,
    times: &'c Times,
    inbox: Inbox,
    answers: Answers<'c, A>,
    clock: Clock,
    /// Nothing is read any more; when everything that was asked is answered, the connection ends with this.
    closing: Option<End>,
}

/// Answers on their way: those that are ready to be written, and those that will come.
struct Answers<'c, A: Answerer> {
    answerer: &'c A,
    session: Session,
    out: Vec<u8>,
    /// How many are in `out`.
    count: usize,
    parking: Parking,
}

/// What comes after answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Every whole request has been answered or parked.
    Read,
    /// There may be whole requests left, and no further one can be parked now.
    WaitForParked,
    /// There is more to answer once this has been written.
    Write,
    /// The client does not speak DNS, or not as we read it.
    Refuse,
}

/// What a connection wakes up for.
enum Woken {
    Read(io::Result<usize>),
    Finished(Finished),
    Evicted,
    Stopped,
}

impl<S: AsyncRead + AsyncWrite + Unpin, A: Answerer> Connection<'_, S, A> {
    async fn run(&mut self, mut stop: Pin<&mut impl Future<Output = ()>>) -> End {
        let place = self.place;
        let mut evicted = pin!(place.evicted());
        loop {
            let next = match self.round().await {
                Ok(Next::Write) => continue,
                Ok(Next::Refuse) => {
                    self.inbox.clear();
                    self.closing = Some(End::Refused);
                    continue;
                }
                Ok(next) => next,
                Err(end) => return end,
            };
            if let (Some(end), Next::Read, 0) = (self.closing, next, self.answers.parking.parked()) {
                return end;
            }
            let woken = match self.wait(next, stop.as_mut(), evicted.as_mut()).await {
                Ok(woken) => woken,
                Err(TimedOut) => return End::TimedOut,
            };
            // A request may have come in the instant in which the place was given away: the client will ask again.
            if let Err(Evicted) = place.busy() {
                return End::Evicted;
            }
            match woken {
                Woken::Read(Ok(0)) => self.closing = Some(End::Closed),
                Woken::Read(Ok(octets)) => self.inbox.filled(octets),
                Woken::Read(Err(_)) => return End::Closed,
                Woken::Finished(finished) => {
                    if let Err(end) = self.answers.take(finished) {
                        return end;
                    }
                }
                Woken::Evicted => return End::Evicted,
                Woken::Stopped => self.closing = Some(End::Stopped),
            }
        }
    }

    /// Takes in what has been finished, answers what has been read, and writes all of it.
    async fn round(&mut self) -> Result<Next, End> {
        self.answers.take_finished()?;
        let (requests, next) = self.answers.answer_all(&mut self.inbox, self.times);
        if !self.answers.out.is_empty() {
            self.answers.write(&mut self.stream, self.times.write).await?;
        }
        let waiting_for = match (next, self.inbox.is_empty(), self.answers.parking.parked()) {
            _ if self.closing.is_some() => WaitingFor::Answers,
            (Next::Read, false, _) => WaitingFor::RestOfRequest,
            (Next::Read, true, 0) => WaitingFor::Request,
            _ => WaitingFor::Answers,
        };
        let time = match waiting_for {
            WaitingFor::Request => self.answers.session.idle,
            WaitingFor::RestOfRequest => self.times.message,
            WaitingFor::Answers => None,
        };
        self.clock.turn(waiting_for, requests > 0, time);
        Ok(next)
    }

    async fn wait(
        &mut self,
        next: Next,
        stop: Pin<&mut impl Future<Output = ()>>,
        evicted: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Woken, TimedOut> {
        let idle = self.clock.waiting_for == WaitingFor::Request;
        if idle {
            self.place.idle();
        }
        let open = self.closing.is_none();
        let reads = open && next == Next::Read;
        let parking = &mut self.answers.parking;
        let work = async {
            tokio::select! {
                finished = parking.next_finished() => Woken::Finished(finished),
                read = self.stream.read(self.inbox.space()), if reads => Woken::Read(read),
                () = evicted, if idle => Woken::Evicted,
                () = stop, if open => Woken::Stopped,
            }
        };
        within(self.clock.deadline, work).await
    }
}

impl<A: Answerer> Answers<'_, A> {
    /// Answers whole requests until there is none left or there is enough to write. Says how many it took.
    fn answer_all(&mut self, inbox: &mut Inbox, times: &Times) -> (usize, Next) {
        let mut requests = 0;
        let next = loop {
            if self.out.len() >= WRITE_OCTETS {
                break Next::Write;
            }
            let Some(later) = self.parking.later() else { break Next::WaitForParked };
            let request = match inbox.next() {
                Ok(Some(request)) => request,
                Ok(None) => break Next::Read,
                Err(TooLong(octets)) => {
                    self.answerer.too_long(octets);
                    break Next::Refuse;
                }
            };
            if requests == 0 {
                self.session.idle = times.idle();
            }
            requests += 1;
            match self.answerer.answer(request, &self.session, &mut self.out, later) {
                Reply::Answered => self.count += 1,
                Reply::Parked => {}
                // Whoever sends responses or runts over a connection is no resolver: better to free the place.
                Reply::Silent => break Next::Refuse,
            }
        };
        (requests, next)
    }

    /// Takes in what has been finished, until there is enough to write.
    fn take_finished(&mut self) -> Result<(), End> {
        while self.out.len() < WRITE_OCTETS {
            let Some(finished) = self.parking.finished() else { break };
            self.take(finished)?;
        }
        Ok(())
    }

    fn take(&mut self, finished: Finished) -> Result<(), End> {
        match finished {
            Finished::Answer(message) => {
                let length = message.len().min(usize::from(u16::MAX));
                self.out.extend_from_slice(&(length as u16).to_be_bytes());
                self.out.extend_from_slice(&message[..length]);
                self.count += 1;
            }
            Finished::Dropped => self.answerer.unanswered(1),
            Finished::TooMuch => {
                self.answerer.unsent(1);
                return Err(End::Overrun);
            }
        }
        Ok(())
    }

    async fn write<S: AsyncWrite + Unpin>(&mut self, stream: &mut S, time: Option<Duration>) -> Result<(), End> {
        let out = &self.out;
        let work = async {
            stream.write_all(out).await?;
            stream.flush().await
        };
        match within(deadline_in(time), work).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(End::Closed),
            Err(TimedOut) => return Err(End::TimedOut),
        }
        self.count = 0;
        self.out.clear();
        self.out.shrink_to(KEPT_OCTETS);
        Ok(())
    }
}

impl<A: Answerer> Drop for Answers<'_, A> {
    /// Counts what was not sent and what will not be answered.
    fn drop(&mut self) {
        self.parking.close();
        let mut unsent = self.count;
        let mut unanswered = 0;
        while let Some(finished) = self.parking.finished() {
            match finished {
                Finished::Answer(_) | Finished::TooMuch => unsent += 1,
                Finished::Dropped => unanswered += 1,
            }
        }
        unanswered += self.parking.parked();
        if unsent > 0 {
            self.answerer.unsent(unsent);
        }
        if unanswered > 0 {
            self.answerer.unanswered(unanswered);
        }
    }
}

/// What a connection waits for, and until when.
struct Clock {
    waiting_for: WaitingFor,
    deadline: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WaitingFor {
    /// It is idle.
    Request,
    RestOfRequest,
    /// The client has nothing to do with how long that takes.
    Answers,
}

impl Clock {
    /// Before waiting: starts anew when a whole request has come or something else is waited for, and goes on
    /// otherwise, so that a request that comes octet by octet does not buy time with each (RFC 7766 section 6.2.3).
    fn turn(&mut self, waiting_for: WaitingFor, requests: bool, time: Option<Duration>) {
        if requests || waiting_for != self.waiting_for {
            self.deadline = deadline_in(time);
            self.waiting_for = waiting_for;
        }
    }
}

struct TimedOut;

fn deadline_in(time: Option<Duration>) -> Option<Instant> {
    // A time beyond what the clock can say is none.
    Instant::now().checked_add(time?)
}

async fn within<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Result<T, TimedOut> {
    match deadline {
        Some(deadline) => timeout_at(deadline, work).await.map_err(|_| TimedOut),
        None => Ok(work.await),
    }
}

#[cfg(test)]
mod tests;
