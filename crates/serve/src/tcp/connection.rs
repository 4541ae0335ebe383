//! One connection: requests in, answers out, in the order in which they were asked (RFC 7766 sections 6.2 and 7).
//!
//! ```text
//!  read what is there -> answer every whole request -> write all their answers at once -> read again
//! ```
//!
//! While answers are written nothing is read, so that a client that does not read its answers has to wait with its
//! questions. Memory per connection: one request buffer, and the answers to what was read at once, cut into writes of
//! bounded size. Three clocks run: for silence between requests, for a request that has begun, for a client that takes
//! its answers too slowly.

use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::readers::Readers;
use crate::{Limits, REQUEST_OCTETS_MAX};

/// The length in front of each message (RFC 1035 section 4.2.2).
const PREFIX_OCTETS: usize = 2;
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
    /// The server stops.
    Stopped,
}

/// How long a connection may take for what; none: as long as it likes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    idle: Option<Duration>,
    message: Option<Duration>,
    write: Option<Duration>,
}

impl Times {
    pub(super) fn new(limits: &Limits) -> Self {
        let time = |milliseconds| (milliseconds > 0).then(|| Duration::from_millis(milliseconds));
        Self { idle: time(limits.tcp_idle_ms), message: time(limits.tcp_message_ms), write: time(limits.tcp_write_ms) }
    }
}

/// Serves a connection until it ends. `asked` is the address that the client connected to.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    asked: IpAddr,
    readers: &Readers,
    times: &Times,
    stop: impl Future<Output = ()>,
) -> End {
    let mut stop = pin!(stop);
    let mut inbox = Inbox::new();
    let mut out = Vec::new();
    let mut clock = Clock { waiting_for: WaitingFor::Request, deadline: deadline_in(times.idle) };
    loop {
        let outcome = answer_all(&mut inbox, asked, readers, &mut out);
        if outcome.answers > 0 {
            let written = write(&mut stream, &mut out, times).await;
            if let Err(end) = written {
                readers.unsent(outcome.answers);
                return end;
            }
        }
        match outcome.next {
            Next::Refuse => return End::Refused,
            Next::Write => continue,
            Next::Read => clock.turn(inbox.is_empty(), outcome.answers > 0, times),
        }
        let read = tokio::select! {
            read = within(clock.deadline, stream.read(inbox.space())) => read,
            () = &mut stop => return End::Stopped,
        };
        match read {
            Ok(Ok(octets)) if octets > 0 => inbox.end += octets,
            Ok(_) => return End::Closed,
            Err(TimedOut) => return End::TimedOut,
        }
    }
}

/// What a connection waits for, and until when.
struct Clock {
    waiting_for: WaitingFor,
    deadline: Option<Instant>,
}

#[derive(PartialEq, Eq)]
enum WaitingFor {
    Request,
    RestOfRequest,
}

impl Clock {
    /// Before a read: starts anew when something was answered or a request has begun, and goes on otherwise, so that a
    /// request that comes octet by octet does not buy time with each.
    fn turn(&mut self, empty: bool, answered: bool, times: &Times) {
        let waiting_for = if empty { WaitingFor::Request } else { WaitingFor::RestOfRequest };
        if answered || waiting_for != self.waiting_for {
            self.deadline = deadline_in(if empty { times.idle } else { times.message });
            self.waiting_for = waiting_for;
        }
    }
}

/// What comes after answering.
enum Next {
    /// Everything whole has been answered.
    Read,
    /// There is more to answer once this has been written.
    Write,
    /// The client does not speak DNS, or not as we read it.
    Refuse,
}

struct Outcome {
    answers: usize,
    next: Next,
}

/// Answers whole requests until there is none left or there is enough to write.
fn answer_all(inbox: &mut Inbox, asked: IpAddr, readers: &Readers, out: &mut Vec<u8>) -> Outcome {
    let mut answers = 0;
    let next = loop {
        if out.len() >= WRITE_OCTETS {
            break Next::Write;
        }
        match inbox.next() {
            Ok(Some(request)) if readers.answer(request, asked, out) => answers += 1,
            Ok(None) => break Next::Read,
            // Whoever sends responses or runts over a connection is no resolver: better to free the place.
            Ok(Some(_)) => break Next::Refuse,
            Err(TooLong(octets)) => {
                readers.refuse(octets);
                break Next::Refuse;
            }
        }
    };
    Outcome { answers, next }
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, out: &mut Vec<u8>, times: &Times) -> Result<(), End> {
    let work = async {
        stream.write_all(out).await?;
        stream.flush().await
    };
    let written: Result<io::Result<()>, TimedOut> = match times.write {
        Some(limit) => timeout(limit, work).await.map_err(|_| TimedOut),
        None => Ok(work.await),
    };
    out.clear();
    out.shrink_to(KEPT_OCTETS);
    match written {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Closed),
        Err(TimedOut) => Err(End::TimedOut),
    }
}

struct TimedOut;

fn deadline_in(time: Option<Duration>) -> Option<Instant> {
    Some(Instant::now() + time?)
}

async fn within<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Result<T, TimedOut> {
    match deadline {
        Some(deadline) => timeout_at(deadline, work).await.map_err(|_| TimedOut),
        None => Ok(work.await),
    }
}

/// A request longer than is read.
struct TooLong(usize);

/// What has been read and not yet answered.
struct Inbox {
    buffer: Box<[u8; PREFIX_OCTETS + REQUEST_OCTETS_MAX]>,
    start: usize,
    end: usize,
}

impl Inbox {
    fn new() -> Self {
        Self { buffer: Box::new([0; PREFIX_OCTETS + REQUEST_OCTETS_MAX]), start: 0, end: 0 }
    }

    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// The next whole request, taken out.
    fn next(&mut self) -> Result<Option<&[u8]>, TooLong> {
        let rest = &self.buffer[self.start..self.end];
        let Some((prefix, rest)) = rest.split_first_chunk::<PREFIX_OCTETS>() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes(*prefix));
        if length > REQUEST_OCTETS_MAX {
            return Err(TooLong(length));
        }
        let Some(request) = rest.get(..length) else { return Ok(None) };
        self.start += PREFIX_OCTETS + length;
        Ok(Some(request))
    }

    /// Where the next octets go; never empty, because a request that has begun fits the buffer.
    fn space(&mut self) -> &mut [u8] {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        &mut self.buffer[self.end..]
    }
}

#[cfg(test)]
mod tests;
