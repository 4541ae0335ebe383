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
//! Not here: what to answer, limits on rates, and events.

mod batch;
mod control_message;
mod wait;

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use waymark_zone::answer::{Needs, Transport};
use waymark_zone::catalog::Reader;

use crate::handler::Handler;
use crate::statistics::Block;
use batch::{BATCH, Batch, Wait};
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
    pub(crate) reader: Reader,
    pub(crate) handler: Arc<Handler>,
    pub(crate) block: Arc<Block>,
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
        {
            // Now, and not before the batch was received: see the module's description.
            let view = self.reader.view();
            let mut needs = Needs::new();
            for number in 0..received {
                self.block.received(batch.octets(number));
                let answered = batch.answer(number, |request, asked, out| {
                    let outcome = self.handler.answer(&view, request, asked, Transport::Udp, &mut needs, out);
                    let answered = outcome.answered()?;
                    self.block.answered(&answered);
                    Some(answered.length)
                });
                if !answered {
                    self.block.dropped();
                }
            }
        }
        let unsent = batch.send(self.sockets[index].as_fd());
        if unsent > 0 {
            self.block.unsent(unsent);
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
