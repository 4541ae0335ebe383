//! Parked questions: answers that have to wait for something (DESIGN, "Parked answers").
//!
//! ```text
//!  worker --Wait--> Slab: a free box, filled and queued ----> desk thread --needs--> Supplier
//!                   (no lock, no allocation, or no room)         ^                      |
//!  client <---------- answered at the then current generation ---+------ Supplies -----+
//! ```
//!
//! The slab is a fixed number of boxes. A zone, and a client's network, may fill as many of them as are still free: one
//! that asks for everything gets half, and there is always room for others. What does not fit is dropped, for that
//! zone and source alone. A question that gets no supplies in time, or needs more than [`ROUNDS_MAX`] rounds, is
//! answered SERVFAIL.
//!
//! - `shares`: who has how many boxes.
//! - `desk`: the thread that asks for supplies and answers again.

mod desk;
mod shares;

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::Thread;

use crossbeam_queue::ArrayQueue;
use waymark_wire::{Reject, Request};
use waymark_zone::answer::{Needs, Supplies, Transport};
use waymark_zone::published::ZoneNumber;

use crate::clock::Now;
use crate::handler::Asking;
use crate::tcp::Ticket;
use crate::udp::Asked;
pub(crate) use desk::Desk;
pub use desk::Order;
use shares::Shares;

/// How often supplies may be asked for, for one question.
pub const ROUNDS_MAX: usize = 3;
/// The longest request that can be parked, in octets; real ones have up to 300.
pub const REQUEST_OCTETS_MAX: usize = 512;

/// How many questions may be parked, and for how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Questions at a time; at least 1. Each takes about 700 octets, whether it is used or not.
    pub questions: usize,
    /// How long one may wait, in milliseconds.
    pub milliseconds: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { questions: 4096, milliseconds: 2000 }
    }
}

/// Gets what answers lack.
pub trait Supplier: Send + Sync {
    /// Begins to get what `needs` says, and never waits for it: whoever has it hands it in by `order`, at any later
    /// time and from any thread. An order that is dropped supplies nothing.
    fn supply(&self, needs: &Needs, order: Order);
}

/// What has been supplied for one question.
pub type Supplied = Box<dyn Supplies + Send>;

/// What became of parked questions so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Parked now.
    pub now: u64,
    /// Parked.
    pub admitted: u64,
    /// Not parked, for want of room for their zone or source.
    pub refused: u64,
    /// Answered with what was supplied.
    pub resumed: u64,
    /// Answered SERVFAIL, because nothing was supplied in time or too much was lacking.
    pub expired: u64,
}

/// Where the answer to a parked question goes.
pub(crate) enum ReplyTo {
    /// From the socket with this number, from the address that was asked.
    Udp(usize, Asked),
    /// To the connection that holds the other end of the ticket.
    Tcp(Ticket),
}

/// A parked question.
struct Question {
    octets: [u8; REQUEST_OCTETS_MAX],
    length: usize,
    client: SocketAddr,
    transport: Transport,
    asked: std::net::IpAddr,
    keepalive: Option<u16>,
    received: Now,
    zone: ZoneNumber,
    /// None while the box is free.
    reply: Option<ReplyTo>,
}

impl Question {
    fn empty() -> Self {
        let nowhere = std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
        Self {
            octets: [0; REQUEST_OCTETS_MAX],
            length: 0,
            client: SocketAddr::new(nowhere, 0),
            transport: Transport::Udp,
            asked: nowhere,
            keepalive: None,
            received: Now::default(),
            zone: ZoneNumber(0),
            reply: None,
        }
    }

    fn octets(&self) -> &[u8] {
        &self.octets[..self.length]
    }

    /// What is asked; `request` is what the octets say.
    fn asking<'q>(&'q self, request: &'q Result<Request<'q>, Reject<'q>>) -> Asking<'q> {
        Asking {
            octets: self.octets(),
            request,
            client: self.client,
            asked: self.asked,
            transport: self.transport,
            keepalive: self.keepalive,
            received: self.received,
            parked: true,
        }
    }
}

/// The boxes, shared by all workers and the desk.
pub(crate) struct Slab {
    free: ArrayQueue<Box<Question>>,
    /// Filled, and not yet seen by the desk.
    waiting: ArrayQueue<Box<Question>>,
    shares: Shares,
    /// None until the desk runs; without one nothing is parked.
    desk: OnceLock<Thread>,
    admitted: AtomicU64,
    refused: AtomicU64,
    resumed: AtomicU64,
    expired: AtomicU64,
}

impl Slab {
    /// All boxes, made now. `seed` keeps others from choosing with whom they share.
    pub(crate) fn new(options: &Options, seed: u64) -> Self {
        let questions = options.questions.max(1);
        let free = ArrayQueue::new(questions);
        for _ in 0..questions {
            // There is room for exactly so many.
            let _never_full = free.push(Box::new(Question::empty()));
        }
        Self {
            free,
            waiting: ArrayQueue::new(questions),
            shares: Shares::new(seed),
            desk: OnceLock::new(),
            admitted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            resumed: AtomicU64::new(0),
            expired: AtomicU64::new(0),
        }
    }

    /// Parks a question of `zone`; false if there is no room for it. `reply` is called only if there is.
    pub(crate) fn park(&self, asking: &Asking<'_>, zone: ZoneNumber, reply: impl FnOnce() -> ReplyTo) -> bool {
        let parked = self.try_park(asking, zone, reply);
        let counter = if parked { &self.admitted } else { &self.refused };
        counter.fetch_add(1, Relaxed);
        parked
    }

    /// Whether somebody supplies what questions wait for.
    pub(crate) fn is_served(&self) -> bool {
        self.desk.get().is_some()
    }

    /// What has become of questions so far.
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            now: (self.free.capacity() - self.free.len()) as u64,
            admitted: self.admitted.load(Relaxed),
            refused: self.refused.load(Relaxed),
            resumed: self.resumed.load(Relaxed),
            expired: self.expired.load(Relaxed),
        }
    }

    fn try_park(&self, asking: &Asking<'_>, zone: ZoneNumber, reply: impl FnOnce() -> ReplyTo) -> bool {
        let Some(desk) = self.desk.get() else { return false };
        let client = asking.client.ip();
        if asking.octets.len() > REQUEST_OCTETS_MAX || !self.shares.enter(zone, client, self.free.len()) {
            return false;
        }
        let Some(mut question) = self.free.pop() else {
            self.shares.leave(zone, client);
            return false;
        };
        question.octets[..asking.octets.len()].copy_from_slice(asking.octets);
        question.length = asking.octets.len();
        (question.client, question.asked, question.transport) = (asking.client, asking.asked, asking.transport);
        (question.keepalive, question.received, question.zone) = (asking.keepalive, asking.received, zone);
        question.reply = Some(reply());
        // There is a place in the queue for every box.
        let _never_full = self.waiting.push(question);
        desk.unpark();
        true
    }

    /// Takes a box back.
    fn free(&self, mut question: Box<Question>) {
        self.shares.leave(question.zone, question.client.ip());
        question.reply = None;
        let _never_full = self.free.push(question);
    }
}

#[cfg(test)]
mod tests;
