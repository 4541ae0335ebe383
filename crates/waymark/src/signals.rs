//! SIGINT, SIGTERM and SIGHUP (a terminal that closes): the first asks for a clean end, the second ends at once.

use std::io;
use std::sync::mpsc;

use tokio::signal::unix::{SignalKind, signal};

/// The exit code of a process that was told twice.
const TOLD_TWICE: i32 = 130;

/// The wish to end, from outside.
pub struct Signals(mpsc::Receiver<()>);

impl Signals {
    /// Takes over the signals for this process. Call once, before anything starts: a signal that comes during the
    /// start is kept until [`Self::wait`].
    pub fn take_over() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let (mut interrupt, mut terminate, mut hangup) = {
            let _entered = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?)
        };
        let (sender, receiver) = mpsc::channel();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async move {
                for told in 1.. {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                        _ = hangup.recv() => {}
                    }
                    // The receiver is gone when the process is about to end anyway.
                    let _ = sender.send(());
                    if told == 2 {
                        std::process::exit(TOLD_TWICE);
                    }
                }
            });
        })?;
        Ok(Self(receiver))
    }

    /// Waits until somebody wants this process to end. Blocks.
    pub fn wait(&self) {
        let _ = self.0.recv();
    }
}
