//! Questions of one connection whose answers are not ready yet.
//!
//! ```text
//!  Answerer::answer --Later::park--> Ticket, kept by whoever finishes the answer
//!  connection <--Finished-- Ticket::finish, or the ticket is dropped
//! ```
//!
//! A connection has at most [`PARKED_MAX`] questions parked, and so at most that many tickets are about, each of which
//! sends exactly one message over a queue with room for all: finishing never waits. What waits in the queue because
//! the client does not read is bounded in octets, too. When the connection ends, its tickets have nobody to answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::mpsc;

/// Questions that one connection may have parked; further ones wait, unread.
pub(in crate::tcp) const PARKED_MAX: usize = 64;
/// Octets of finished answers that may wait to be written by one connection. One answer always may.
pub(super) const WAITING_OCTETS_MAX: usize = 256 << 10;

/// What became of a parked question.
#[derive(Debug)]
pub(super) enum Finished {
    /// This is its answer, without the length in front.
    Answer(Vec<u8>),
    /// It gets none.
    Dropped,
    /// Its answer would have been more than may wait: the client does not read.
    TooMuch,
}

/// The parked questions of one connection.
#[derive(Default)]
pub(super) struct Parking {
    /// Made for the first question: most connections never park one.
    queue: Option<Queue>,
    parked: usize,
}

struct Queue {
    sender: mpsc::Sender<Finished>,
    receiver: mpsc::Receiver<Finished>,
    waiting_octets: Arc<AtomicUsize>,
}

/// The right to answer a question later, if it cannot be answered now.
pub(in crate::tcp) struct Later<'c>(&'c mut Parking);

/// The duty to answer a parked question, from any thread. Dropped without an answer it frees the question's place, and
/// the question counts as one without an answer.
pub(crate) struct Ticket {
    /// None once it has been used.
    sender: Option<mpsc::Sender<Finished>>,
    waiting_octets: Arc<AtomicUsize>,
}

impl Parking {
    /// The right to park one question; none while as many are parked as may be.
    pub(super) fn later(&mut self) -> Option<Later<'_>> {
        (self.parked < PARKED_MAX).then_some(Later(self))
    }

    /// Questions that are parked.
    pub(super) fn parked(&self) -> usize {
        self.parked
    }

    /// What has been finished already.
    pub(super) fn finished(&mut self) -> Option<Finished> {
        let queue = self.queue.as_mut()?;
        let finished = queue.receiver.try_recv().ok()?;
        Some(self.settle(finished))
    }

    /// What is finished next. Waits for ever if nothing is parked. Dropped while it waits it loses nothing.
    pub(super) async fn next_finished(&mut self) -> Finished {
        let finished = match &mut self.queue {
            Some(queue) => queue.receiver.recv().await,
            None => None,
        };
        match finished {
            Some(finished) => self.settle(finished),
            None => std::future::pending().await,
        }
    }

    /// From now on tickets find nobody; what they have finished before can still be had.
    pub(super) fn close(&mut self) {
        if let Some(queue) = &mut self.queue {
            queue.receiver.close();
        }
    }

    fn settle(&mut self, finished: Finished) -> Finished {
        self.parked = self.parked.saturating_sub(1);
        if let (Finished::Answer(message), Some(queue)) = (&finished, &self.queue) {
            queue.waiting_octets.fetch_sub(message.len(), Relaxed);
        }
        finished
    }
}

impl Later<'_> {
    /// Parks the question: its answer is what the ticket is given.
    pub(in crate::tcp) fn park(self) -> Ticket {
        let queue = self.0.queue.get_or_insert_with(|| {
            let (sender, receiver) = mpsc::channel(PARKED_MAX);
            Queue { sender, receiver, waiting_octets: Arc::default() }
        });
        self.0.parked += 1;
        Ticket { sender: Some(queue.sender.clone()), waiting_octets: queue.waiting_octets.clone() }
    }
}

impl Ticket {
    /// Hands the answer to the connection: a whole message of at most 65,535 octets, without its length in front.
    /// False if the connection has ended; it has then counted the question as one without an answer.
    pub(crate) fn finish(mut self, message: &[u8]) -> bool {
        let waiting = self.waiting_octets.fetch_add(message.len(), Relaxed);
        if waiting > 0 && waiting + message.len() > WAITING_OCTETS_MAX {
            self.waiting_octets.fetch_sub(message.len(), Relaxed);
            return self.send(Finished::TooMuch);
        }
        self.send(Finished::Answer(message.to_vec()))
    }

    /// Whether the connection has ended, so that an answer would be for nobody.
    pub(crate) fn is_void(&self) -> bool {
        self.sender.as_ref().is_none_or(mpsc::Sender::is_closed)
    }

    fn send(&mut self, finished: Finished) -> bool {
        // There is room for as many as there are tickets, so that only a connection that has ended refuses.
        self.sender.take().is_some_and(|sender| sender.try_send(finished).is_ok())
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.send(Finished::Dropped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_made_for_the_first_parked_question_only() {
        let mut parking = Parking::default();
        assert!(parking.later().is_some() && parking.finished().is_none() && parking.queue.is_none());
        drop(parking.later().unwrap().park());
        assert!(parking.queue.is_some());
        assert!(matches!(parking.finished(), Some(Finished::Dropped)) && parking.parked() == 0);
    }

    #[test]
    fn one_answer_of_any_size_may_wait() {
        let mut parking = Parking::default();
        let tickets = [(); 2].map(|()| parking.later().unwrap().park());
        assert!(tickets.into_iter().all(|ticket| ticket.finish(&[0; WAITING_OCTETS_MAX + 1])));
        assert!(matches!(parking.finished(), Some(Finished::Answer(_))));
        assert!(matches!(parking.finished(), Some(Finished::TooMuch)));
        assert!(parking.later().unwrap().park().finish(b"once the first is gone there is room again"));
        assert!(matches!(parking.finished(), Some(Finished::Answer(_))));
    }
}
