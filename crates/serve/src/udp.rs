//! UDP: a thread for each socket of each worker, with buffers of its own.
//!
//! ```text
//!  receive a batch -> read the generation -> read a group -> answer each, count -> next group -> send the batch
//! ```
//!
//! A worker never allocates, locks or waits for anything but its socket. It reads the catalog's generation after the
//! batch has been received and keeps it for the batch: whoever asks after a change was acknowledged is answered by a
//! generation that has the change. Requests are read in groups before the first of them is answered (`group`).
//!
//! The wait is the receive itself. With one thread for each socket (IPv4 and IPv6 have one each) no other call is
//! needed to learn which of them has something.
//!
//! What the network sends cannot end a worker. Requests that cannot be read are dropped or refused by `zone::answer`,
//! answers that the kernel does not take are counted, and a fault of our own costs the batch in which it happened.
//!
//! Not here: what becomes of a request (`handler`), and what becomes of one that has to wait (`parked`).

mod batch;
mod by_hand;
mod control_message;
mod group;
mod send;

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use waymark_zone::answer::{Needs, NoSupplies, Transport, Way};
use waymark_zone::catalog::{Reader, SearchName};

use crate::clock::{Clock, Now};
use crate::events::Recorder;
use crate::handler::{Asking, Books, Handled, Handler};
use crate::parked::{ReplyTo, Slab};
use crate::statistics::Block;
use batch::{BATCH, Batch};
pub use by_hand::ByHand;
pub(crate) use control_message::Asked;
use group::{GROUP, Group, LastScope, Received};
pub(crate) use send::send;

/// The largest answer over UDP, in octets, whatever the asker offers.
pub const RESPONSE_OCTETS_MAX: usize = 4096;

/// How long a worker lets its socket be after an error that it cannot name, so that it does not spin on it.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(10);

/// One thread's share of the UDP work.
pub(crate) struct Worker {
    pub(crate) socket: UdpSocket,
    /// Its number among those of all workers.
    pub(crate) socket_number: usize,
    pub(crate) reader: Reader,
    pub(crate) handler: Arc<Handler>,
    pub(crate) slab: Arc<Slab>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) block: Arc<Block>,
    pub(crate) recorder: Recorder,
    pub(crate) needs: Needs,
    /// Tells it to end; looked at after each receive, which waits for [`crate::sockets::WAIT`] at most.
    pub(crate) stop: Arc<AtomicBool>,
}

impl Worker {
    /// Answers until told to stop.
    pub(crate) fn run(mut self) {
        let mut batch = Batch::new();
        let mut names = Box::new([const { SearchName::empty() }; GROUP]);
        let (stop, block) = (self.stop.clone(), self.block.clone());
        keep_going(&stop, &block, || {
            while !self.stop.load(Relaxed) {
                let _answered = self.turn(&mut batch, &mut names);
            }
        });
    }

    /// Receives what the socket has, at most a batch, answers it, and gives how many datagrams that were. `names` are
    /// places for the names of a group.
    fn turn(&mut self, batch: &mut Batch, names: &mut [SearchName; GROUP]) -> usize {
        let received = match batch.receive(self.socket.as_fd()) {
            Ok(received) => received,
            Err(error) => {
                self.rest_after(&error);
                return 0;
            }
        };
        debug_assert!(received <= BATCH);
        self.answer(received, batch, names);
        let unsent = batch.send(self.socket.as_fd());
        if unsent > 0 {
            self.block.unsent(unsent);
        }
        received
    }

    /// The part that is not the kernel's: `bench/instructions.py` counts what is done here.
    #[inline(never)]
    fn answer(&mut self, received: usize, batch: &mut Batch, names: &mut [SearchName; GROUP]) {
        // Now, and not before the batch was received: see the module's description.
        let view = self.reader.view();
        let now = self.clock.now();
        let books = Books { block: &self.block, recorder: &mut self.recorder, needs: &mut self.needs };
        let (handler, slab, socket_number) = (&self.handler, &self.slab, self.socket_number);
        let mut turn = Turn { handler, slab, socket_number, now, books };
        let (incoming, mut outgoing) = batch.halves();
        let mut scopes = LastScope::default();
        for start in (0..received).step_by(GROUP) {
            let numbers = start..received.min(start + GROUP);
            let group = Group::read(&view, handler, incoming, numbers.clone(), names, &mut scopes);
            for number in numbers {
                turn.books.block.received(incoming.octets(number));
                let outcome = match group.get(&view, names, number - start) {
                    Some((received, way)) => {
                        outgoing.answer(number, &received.datagram, |out| turn.answer(received, way, out))
                    }
                    None => Done::Silent,
                };
                if let Done::Silent = outcome {
                    turn.books.block.dropped();
                }
            }
        }
    }

    fn rest_after(&self, error: &io::Error) {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::TimedOut => {}
            _ => {
                tracing::warn!(%error, "cannot receive over UDP");
                std::thread::sleep(PAUSE_AFTER_ERROR);
            }
        }
    }
}

/// What became of a datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Done {
    /// So many octets are sent.
    Send(usize),
    /// It waits for what its answer lacks.
    Kept,
    /// It gets no answer.
    Silent,
}

/// What the answers of a batch have in common.
struct Turn<'t> {
    handler: &'t Handler,
    slab: &'t Slab,
    socket_number: usize,
    now: Now,
    books: Books<'t>,
}

impl Turn<'_> {
    fn answer(&mut self, received: &Received<'_>, way: Way<'_, '_, '_>, out: &mut [u8]) -> Done {
        let Received { datagram, request } = received;
        let asking = Asking {
            octets: datagram.octets,
            request,
            client: datagram.client,
            asked: datagram.asked.address,
            transport: Transport::Udp,
            keepalive: None,
            received: self.now,
            parked: false,
        };
        let mut handled = self.handler.handle(way, &asking, self.now, &NoSupplies, &mut self.books, out);
        if let Handled::Wait(zone) = handled {
            if self.slab.park(&asking, zone, || ReplyTo::Udp(self.socket_number, datagram.asked)) {
                return Done::Kept;
            }
            // Where nobody supplies anything, to wait would be for nothing.
            if self.slab.is_served() {
                return Done::Silent;
            }
            handled = self.handler.fail(&asking, self.now, &mut self.books, out);
        }
        match handled {
            Handled::Send(length) => Done::Send(length),
            Handled::Suppressed | Handled::Silent | Handled::Wait(_) => Done::Silent,
        }
    }
}

/// Runs `work` again whenever it ends by a fault of ours, until told to stop: a bug that one request meets must not
/// take a core's share of the answers away. What `work` has in hand is lost, and whatever it begins anew.
fn keep_going(stop: &AtomicBool, block: &Block, mut work: impl FnMut()) {
    while !stop.load(Relaxed) {
        if catch_unwind(AssertUnwindSafe(&mut work)).is_err() {
            block.fault();
            tracing::error!("a fault while answering over UDP; the requests in hand are lost");
        }
    }
}

#[cfg(test)]
mod tests;
