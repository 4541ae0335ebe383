//! The nameserver as a whole: bind, start, count, stop.
//!
//! ```text
//!  Options --bind--> Bound (every socket held, nothing answered) --start--> Server --shutdown--> nothing left
//! ```
//!
//! Binding and starting are two steps, so that a port that is taken is known before anything else has begun, and so
//! that nothing is answered before the catalog is filled.

use std::io;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use waymark_zone::answer;
use waymark_zone::catalog::Catalog;

use crate::sockets::{self, BindError, Bound};
use crate::statistics::{Block, Statistics, Traffic};
use crate::tcp;
use crate::udp;

/// What to listen on, and within which limits.
#[derive(Clone, Debug)]
pub struct Options {
    /// Addresses to answer on, over UDP and TCP. Port 0: any free port, one for all addresses with port 0.
    pub listen: Vec<SocketAddr>,
    /// UDP threads; 0: one per core.
    pub workers: usize,
    /// Limits.
    pub limits: Limits,
}

/// The limits of the nameserver. 0 lifts a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// TCP connections at a time. When all places are taken, a new connection gets that of the one that has been idle
    /// longest (RFC 9210 section 4.2); while none is idle it is closed at once.
    pub tcp_connections_max: usize,
    /// TCP connections at a time from one IPv4 address, or from one IPv6 network of 64 bits. A client that opens more
    /// loses the one that has been idle longest.
    pub tcp_connections_per_client_max: usize,
    /// How long a TCP connection may stay without a request, in milliseconds (RFC 7766 section 6.2.3); a quarter of it
    /// while more than three quarters of all places are taken.
    pub tcp_idle_ms: u64,
    /// How long a TCP request may take from its first octet to its last, in milliseconds.
    pub tcp_message_ms: u64,
    /// How long a TCP client may take to accept the answers to what it has asked at once, in milliseconds.
    pub tcp_write_ms: u64,
    /// The largest answer over UDP, in octets; at most [`udp::RESPONSE_OCTETS_MAX`], which 0 means too.
    pub udp_octets_max: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tcp_connections_max: 4096,
            tcp_connections_per_client_max: 64,
            tcp_idle_ms: 10_000,
            tcp_message_ms: 5_000,
            tcp_write_ms: 5_000,
            // DNS flag day 2020: what passes without fragments nearly everywhere.
            udp_octets_max: 1232,
        }
    }
}

impl Limits {
    /// The limits that `zone` keeps to while it writes an answer.
    pub(crate) fn of_answers(&self) -> answer::Limits {
        let most = udp::RESPONSE_OCTETS_MAX as u16;
        // RFC 1035 section 4.2.1: every resolver takes 512.
        let udp_octets_max = if self.udp_octets_max == 0 { most } else { self.udp_octets_max.clamp(512, most) };
        answer::Limits { udp_octets_max }
    }
}

/// The running nameserver. Dropped without [`Server::shutdown`] it stops as well, and waits for nothing.
pub struct Server {
    addresses: Vec<SocketAddr>,
    udp: Vec<Arc<Block>>,
    tcp: Arc<tcp::Shared>,
    stop: Stopper,
    /// Ends when every worker, listener and connection has gone.
    all_gone: mpsc::Receiver<()>,
}

/// Says to everybody that it is over, at the latest when it is dropped.
struct Stopper {
    flag: Arc<AtomicBool>,
    tasks: watch::Sender<bool>,
    /// Dropped to wake the workers.
    pipe: Option<io::PipeWriter>,
}

impl Server {
    /// Binds every socket. Nothing is answered yet; what arrives waits in the kernel.
    pub fn bind(options: &Options) -> Result<Bound, BindError> {
        let workers = match options.workers {
            0 => thread::available_parallelism().map_or(1, NonZero::get),
            workers => workers,
        };
        sockets::bind(&options.listen, workers, options.limits)
    }

    /// Answers from `catalog`: UDP on threads of its own, TCP on `runtime`. Fails only if the system gives no thread
    /// or descriptor.
    pub fn start(bound: Bound, catalog: Arc<Catalog>, runtime: Handle) -> io::Result<Self> {
        let addresses = bound.udp_addresses().to_vec();
        let (pipe_reader, pipe_writer) = io::pipe()?;
        let (tasks, stopped) = watch::channel(false);
        let (alive, all_gone) = mpsc::channel(1);
        // From here on dropping `stop` ends whatever has been started.
        let stop = Stopper { flag: Arc::default(), tasks, pipe: Some(pipe_writer) };
        let mut blocks = Vec::new();
        for (number, sockets) in bound.udp.into_iter().enumerate() {
            let block = Arc::new(Block::default());
            blocks.push(block.clone());
            let worker = udp::Worker {
                sockets,
                reader: catalog.reader(),
                limits: bound.limits.of_answers(),
                block,
                stop: udp::Stop { flag: stop.flag.clone(), pipe: pipe_reader.try_clone()? },
            };
            let alive = alive.clone();
            thread::Builder::new().name(format!("dns-udp-{number}")).spawn(move || {
                worker.run();
                drop(alive);
            })?;
        }
        let tcp = tcp::Shared::new(&catalog, bound.limits, stopped);
        let _entered = runtime.enter();
        for listener in bound.tcp {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            runtime.spawn(tcp::accept(listener, tcp.clone(), alive.clone()));
        }
        Ok(Self { addresses, udp: blocks, tcp, stop, all_gone })
    }

    /// The addresses that are answered on, over UDP and TCP.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What has been counted so far.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            udp: Traffic::sum(self.udp.iter().map(|block| &**block)),
            udp_worker_queries: self.udp.iter().map(|block| block.queries()).collect(),
            tcp: self.tcp.traffic(),
            connections: self.tcp.connections(),
        }
    }

    /// Stops: no request is read any more, answers under way are written (for at most a second), then every thread,
    /// connection and socket is gone.
    pub async fn shutdown(mut self) {
        self.stop.stop();
        // Nobody sends: this ends when the last sender is dropped.
        let _ended = self.all_gone.recv().await;
    }
}

impl Stopper {
    fn stop(&mut self) {
        self.flag.store(true, Relaxed);
        self.tasks.send_replace(true);
        self.pipe = None;
    }
}

impl Drop for Stopper {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests;
