//! The thread that empties the rings: woken by time alone, stopped with the server.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Events;

/// How long the thread sleeps between two rounds.
pub const PAUSE: Duration = Duration::from_millis(50);

/// The running thread. Dropped without [`Drain::stop`] it ends as well, and is not waited for.
pub struct Drain {
    /// Nothing is ever sent: the thread ends when this is gone.
    running: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Drain {
    /// Empties the rings of `events` again and again. Fails only if the system gives no thread.
    pub fn start(events: Arc<Events>) -> io::Result<Self> {
        let (running, stopped) = mpsc::channel();
        let thread = thread::Builder::new().name("dns-events".to_owned()).spawn(move || run(&events, &stopped))?;
        Ok(Self { running, thread })
    }

    /// Empties the rings a last time and ends. What recorders write after that is not drained: stop them first.
    pub fn stop(self) {
        drop(self.running);
        if self.thread.join().is_err() {
            tracing::error!("the thread that drains events had ended by a fault");
        }
    }
}

fn run(events: &Events, stopped: &mpsc::Receiver<()>) {
    loop {
        let wait = stopped.recv_timeout(PAUSE);
        events.drain(|_| {});
        if wait == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}
