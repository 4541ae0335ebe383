//! The thread that asks for what parked questions lack, and answers them again when it has come.
//!
//! It may allocate and lock, but it never waits for a supplier. A question is kept under a running number; since all
//! may wait equally long, the lowest number is the one that expires first.

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use crossbeam_queue::ArrayQueue;
use waymark_wire::Request;
use waymark_zone::answer::{Needs, SignatureOf, Supplies, Transport, Way};
use waymark_zone::catalog::Reader;

use super::{Question, ROUNDS_MAX, ReplyTo, Slab, Supplied, Supplier};
use crate::clock::{Clock, Now};
use crate::events::Recorder;
use crate::handler::{Books, Handled, Handler};
use crate::statistics::Block;
use crate::udp;

/// How long the thread sleeps at most while questions wait.
const PAUSE: Duration = Duration::from_millis(20);
/// How long it sleeps at most while none does: how soon it notices that it shall end.
const IDLE: Duration = Duration::from_millis(500);
const RESPONSE_OCTETS_MAX: usize = u16::MAX as usize;

/// The right to supply one question.
pub struct Order {
    number: u64,
    inbox: Arc<Inbox>,
}

impl Order {
    /// Hands in what was needed. Nothing happens if the question has expired.
    pub fn supplied(self, supplies: Supplied) {
        // Orders of questions that have expired are for nobody, and the others are no more than there are boxes: there
        // is room for each of them.
        if self.number < self.inbox.oldest.load(Relaxed) {
            return;
        }
        let _has_room = self.inbox.supplied.push((self.number, supplies));
        self.inbox.desk.unpark();
    }
}

/// What has been supplied and not yet been used.
struct Inbox {
    supplied: ArrayQueue<(u64, Supplied)>,
    /// The lowest number that is still held: whatever is below it has expired or been answered.
    oldest: AtomicU64,
    desk: thread::Thread,
}

/// Everything that the thread owns.
pub(crate) struct Desk {
    pub(crate) slab: Arc<Slab>,
    pub(crate) handler: Arc<Handler>,
    pub(crate) supplier: Arc<dyn Supplier>,
    pub(crate) reader: Reader,
    pub(crate) recorder: Recorder,
    /// Traffic over UDP and TCP.
    pub(crate) blocks: [Arc<Block>; 2],
    /// The workers' sockets, by number.
    pub(crate) sockets: Vec<UdpSocket>,
    pub(crate) clock: Arc<dyn Clock>,
    /// How long a question may wait.
    pub(crate) patience: Duration,
    pub(crate) stop: Arc<AtomicBool>,
}

/// A question that waits for its supplies.
struct Held {
    question: Box<Question>,
    supplies: Vec<Supplied>,
    rounds: usize,
}

/// All that was supplied for one question, in several rounds.
struct All<'s>(&'s [Supplied]);

impl Supplies for All<'_> {
    fn signature(&self, of: &SignatureOf<'_>) -> Option<&[u8]> {
        self.0.iter().find_map(|supplies| supplies.signature(of))
    }
}

impl Desk {
    /// Works until told to stop. What is parked then gets no answer.
    pub(crate) fn run(mut self) {
        let inbox = Arc::new(Inbox {
            supplied: ArrayQueue::new(self.slab.free.capacity() * 2),
            oldest: AtomicU64::new(0),
            desk: thread::current(),
        });
        if self.slab.desk.set(thread::current()).is_err() {
            return;
        }
        let mut held: BTreeMap<u64, Held> = BTreeMap::new();
        let (mut number, mut needs) = (0, Needs::new());
        let mut out = vec![0; RESPONSE_OCTETS_MAX].into_boxed_slice();
        while !self.stop.load(Relaxed) {
            let now = self.clock.now();
            let mut idle = true;
            while let Some((number, supplies)) = inbox.supplied.pop() {
                idle = false;
                let Some(mut waiting) = held.remove(&number) else { continue };
                waiting.supplies.push(supplies);
                if let Some(waiting) = self.answer(waiting, now, &mut needs, &mut out) {
                    self.ask(number, waiting, &needs, &inbox, &mut held);
                }
            }
            while let Some(question) = self.slab.waiting.pop() {
                idle = false;
                number += 1;
                let waiting = Held { question, supplies: Vec::new(), rounds: 0 };
                if let Some(waiting) = self.answer(waiting, now, &mut needs, &mut out) {
                    self.ask(number, waiting, &needs, &inbox, &mut held);
                }
            }
            self.expire(&mut held, now, &mut needs, &mut out);
            inbox.oldest.store(held.first_key_value().map_or(number + 1, |(first, _)| *first), Relaxed);
            if idle {
                thread::park_timeout(if held.is_empty() { IDLE } else { PAUSE });
            }
        }
    }

    /// Keeps a question and asks for what it lacks.
    fn ask(&self, number: u64, mut waiting: Held, needs: &Needs, inbox: &Arc<Inbox>, held: &mut BTreeMap<u64, Held>) {
        waiting.rounds += 1;
        held.insert(number, waiting);
        let order = Order { number, inbox: inbox.clone() };
        if catch_unwind(AssertUnwindSafe(|| self.supplier.supply(needs, order))).is_err() {
            tracing::error!("a fault while what answers lack was asked for; the question waits in vain");
        }
    }

    /// Answers with what has been supplied; gives the question back if that is not enough yet.
    fn answer(&mut self, waiting: Held, now: Now, needs: &mut Needs, out: &mut [u8]) -> Option<Held> {
        if matches!(&waiting.question.reply, Some(ReplyTo::Tcp(ticket)) if ticket.is_void()) {
            self.slab.free(waiting.question);
            return None;
        }
        let request = Request::parse(waiting.question.octets());
        let asking = waiting.question.asking(&request);
        let block = &self.blocks[block_of(asking.transport)];
        let mut books = Books { block, recorder: &mut self.recorder, needs };
        let all = All(&waiting.supplies);
        let (handler, reader) = (&self.handler, &mut self.reader);
        let handled = guarded(block, || handler.handle(Way::from(&reader.view()), &asking, now, &all, &mut books, out));
        match handled {
            Handled::Wait(_) if waiting.rounds < ROUNDS_MAX => return Some(waiting),
            Handled::Wait(_) => self.fail(waiting.question, now, needs, out),
            handled => {
                self.slab.resumed.fetch_add(1, Relaxed);
                self.finish(waiting.question, handled, out);
            }
        }
        None
    }

    fn expire(&mut self, held: &mut BTreeMap<u64, Held>, now: Now, needs: &mut Needs, out: &mut [u8]) {
        let patience = u64::try_from(self.patience.as_micros()).unwrap_or(u64::MAX);
        while let Some(first) = held.first_entry() {
            if now.micros_since(first.get().question.received) < patience {
                return;
            }
            let waiting = first.remove();
            self.fail(waiting.question, now, needs, out);
        }
    }

    fn fail(&mut self, question: Box<Question>, now: Now, needs: &mut Needs, out: &mut [u8]) {
        let request = Request::parse(question.octets());
        let asking = question.asking(&request);
        let block = &self.blocks[block_of(asking.transport)];
        let mut books = Books { block, recorder: &mut self.recorder, needs };
        let handled = guarded(block, || self.handler.fail(&asking, now, &mut books, out));
        self.slab.expired.fetch_add(1, Relaxed);
        self.finish(question, handled, out);
    }

    /// Sends what was written, if anything was, and frees the box.
    fn finish(&self, mut question: Box<Question>, handled: Handled, out: &[u8]) {
        let message = match handled {
            Handled::Send(length) => out.get(..length),
            Handled::Suppressed | Handled::Silent | Handled::Wait(_) => None,
        };
        let sent = match (question.reply.take(), message) {
            (Some(ReplyTo::Udp(socket, asked)), Some(message)) => self
                .sockets
                .get(socket)
                .is_some_and(|socket| udp::send(socket.as_fd(), question.client, asked, message).is_ok()),
            (Some(ReplyTo::Tcp(ticket)), Some(message)) => ticket.finish(message),
            // A ticket that is dropped tells its connection that there will be no answer.
            _ => true,
        };
        if !sent {
            self.blocks[block_of(question.transport)].unsent(1);
        }
        self.slab.free(question);
    }
}

/// Does something for one question. A fault of ours costs that question alone: its box is freed, and it gets no answer.
fn guarded(block: &Block, work: impl FnOnce() -> Handled) -> Handled {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        block.fault();
        tracing::error!("a fault while a parked question was answered");
        Handled::Silent
    })
}

fn block_of(transport: Transport) -> usize {
    match transport {
        Transport::Udp => 0,
        Transport::Tcp => 1,
    }
}
