//! UDP: one worker per core, each with its own sockets and buffers.
//!
//! ```text
//!  wait -> receive a batch -> read the generation -> answer each -> count -> send the batch
//! ```
//!
//! A worker never allocates, locks or waits for anything but its sockets. It reads the catalog's generation after the
//! batch has been received and keeps it for the batch: whoever asks after a change was acknowledged is answered by a
//! generation that has the change.
//!
//! What the network sends cannot end a worker. Requests that cannot be read are dropped or refused by `zone::answer`,
//! answers that the kernel does not take are counted, and a fault of our own costs the batch in which it happened.
//!
//! Not here: what becomes of a request (`handler`), and what becomes of one that has to wait (`parked`).

mod batch;
mod control_message;
mod send;
mod wait;

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use waymark_zone::answer::{Needs, NoSupplies, Transport};
use waymark_zone::catalog::Reader;

use crate::clock::Clock;
use crate::events::Recorder;
use crate::handler::{Asking, Books, Handled, Handler};
use crate::parked::{ReplyTo, Slab};
use crate::statistics::Block;
use batch::{BATCH, Batch, Wait};
pub(crate) use control_message::Asked;
pub(crate) use send::send;
use wait::Waiter;

/// The largest answer over UDP, in octets, whatever the asker offers.
pub const RESPONSE_OCTETS_MAX: usize = 4096;

/// How long a worker lets its socket be after an error that it cannot name, so that it does not spin on it.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(10);

/// Tells workers to end; the read end of the pipe becomes readable when the server lets go of the write end.
pub(crate) struct Stop {
    pub(crate) flag: Arc<AtomicBool>,
    pub(crate) pipe: io::PipeReader,
}

/// One thread's share of the UDP work.
pub(crate) struct Worker {
    pub(crate) sockets: Vec<UdpSocket>,
    /// The number of the first of them among those of all workers.
    pub(crate) first_socket: usize,
    pub(crate) reader: Reader,
    pub(crate) handler: Arc<Handler>,
    pub(crate) slab: Arc<Slab>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) block: Arc<Block>,
    pub(crate) recorder: Recorder,
    pub(crate) needs: Needs,
    pub(crate) stop: Stop,
}

impl Worker {
    /// Answers until told to stop.
    pub(crate) fn run(mut self) {
        let mut batch = Batch::new();
        let (stop, block) = (self.stop.flag.clone(), self.block.clone());
        keep_going(&stop, &block, || match self.sockets.len() {
            1 => self.run_one(&mut batch),
            _ => self.run_several(&mut batch),
        });
    }

    /// With one socket the wait is the receive itself: one system call less when there is little to do.
    fn run_one(&mut self, batch: &mut Batch) {
        while !self.stopped() {
            self.turn(0, batch, Wait::ForOne);
        }
    }

    fn run_several(&mut self, batch: &mut Batch) {
        let mut waiter = Waiter::new(&self.sockets, &self.stop.pipe);
        while !self.stopped() {
            if let Err(error) = waiter.wait() {
                self.rest_after(&error);
                continue;
            }
            for index in 0..self.sockets.len() {
                if waiter.is_ready(index) {
                    self.turn(index, batch, Wait::No);
                }
            }
        }
    }

    fn stopped(&self) -> bool {
        self.stop.flag.load(Relaxed)
    }

    /// Receives what one socket has, at most a batch, and answers it.
    fn turn(&mut self, index: usize, batch: &mut Batch, wait: Wait) {
        let received = match batch.receive(self.sockets[index].as_fd(), wait) {
            Ok(received) => received,
            Err(error) => return self.rest_after(&error),
        };
        debug_assert!(received <= BATCH);
        self.answer(index, received, batch);
        let unsent = batch.send(self.sockets[index].as_fd());
        if unsent > 0 {
            self.block.unsent(unsent);
        }
    }

    /// Answers a batch that came over the socket with this index.
    fn answer(&mut self, index: usize, received: usize, batch: &mut Batch) {
        // Now, and not before the batch was received: see the module's description.
        let view = self.reader.view();
        let now = self.clock.now();
        let mut books = Books { block: &self.block, recorder: &mut self.recorder, needs: &mut self.needs };
        for number in 0..received {
            self.block.received(batch.octets(number));
            let mut kept = false;
            let answered = batch.answer(number, |datagram, out| {
                let asking = Asking {
                    octets: datagram.octets,
                    client: datagram.client,
                    asked: datagram.asked.address,
                    transport: Transport::Udp,
                    keepalive: None,
                    received: now,
                    parked: false,
                };
                let handled = match self.handler.handle(&view, &asking, now, &NoSupplies, &mut books, out) {
                    Handled::Wait(zone) => {
                        kept =
                            self.slab.park(&asking, zone, || ReplyTo::Udp(self.first_socket + index, datagram.asked));
                        // Where nobody supplies anything, to wait would be for nothing.
                        match self.slab.is_served() {
                            true => return None,
                            false => self.handler.fail(&asking, now, &mut books, out),
                        }
                    }
                    handled => handled,
                };
                match handled {
                    Handled::Send(length) => Some(length),
                    Handled::Suppressed | Handled::Silent | Handled::Wait(_) => None,
                }
            });
            if !answered && !kept {
                self.block.dropped();
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
