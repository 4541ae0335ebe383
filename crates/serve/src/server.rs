//! The nameserver as a whole: bind, start, count, stop.
//!
//! ```text
//!  Options --bind--> Bound (every socket held, nothing answered) --start--> Server --shutdown--> nothing left
//! ```
//!
//! Binding and starting are two steps, so that a port that is taken is known before anything else has begun, and so
//! that nothing is answered before the catalog is filled.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use waymark_zone::answer::{Needs, RRsetOrder, Settings};
use waymark_zone::catalog::Catalog;

use crate::clock::Clock;
use crate::cookies::{Cookies, Secret};
use crate::events::{self, Drain, Events};
use crate::handler::Handler;
use crate::parked::{self, Desk, Slab, Supplier};
use crate::rate_limit::{self, RateLimiter};
use crate::sockets::{self, BindError, Bound};
use crate::statistics::{Block, Statistics, Traffic};
use crate::tcp;
use crate::udp;

/// What to listen on, how to answer, and within which limits.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Addresses to answer on, over UDP and TCP. Port 0: any free port, one for all addresses with port 0.
    pub listen: Vec<SocketAddr>,
    /// UDP workers: each has one socket, and one thread, per listen address. 0: one per core.
    pub workers: usize,
    /// Limits.
    pub limits: Limits,
    /// In which order the records of an RRset are written.
    pub rrset_order: RRsetOrder,
    /// What the server says of itself; nothing by default.
    pub identity: Identity,
    /// What DNS cookies are made and checked with; the first makes. None: no cookies.
    pub cookie_secrets: Vec<Secret>,
    /// How often one network is told the same thing; without limit by default.
    pub rate_limit: rate_limit::Options,
    /// Questions that have to wait.
    pub parked: parked::Options,
    /// Records of answers.
    pub events: events::Options,
}

/// What the server says of itself to who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// By NSID (RFC 5001).
    pub nsid: Option<Box<[u8]>>,
    /// To `version.bind` and `version.server`, at most 255 octets.
    pub version: Option<Box<str>>,
    /// To `id.server` and `hostname.bind` (RFC 4892), at most 255 octets.
    pub server_id: Option<Box<str>>,
}

/// What the server has from outside.
#[derive(Clone)]
pub struct Surroundings {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random octets, so that nobody can choose with whom he shares a place in a table.
    pub seed: [u8; 16],
    /// Who supplies what answers lack. Without one such questions are answered SERVFAIL at once.
    pub supplier: Option<Arc<dyn Supplier>>,
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
    /// The largest answer over UDP that is ever written.
    pub(crate) fn udp_octets(&self) -> u16 {
        let most = udp::RESPONSE_OCTETS_MAX as u16;
        // RFC 1035 section 4.2.1: every resolver takes 512.
        if self.udp_octets_max == 0 { most } else { self.udp_octets_max.clamp(512, most) }
    }
}

/// The running nameserver. Dropped without [`Server::shutdown`] it stops as well, and waits for nothing.
pub struct Server {
    addresses: Vec<SocketAddr>,
    /// By worker, then by socket.
    udp: Vec<Vec<Arc<Block>>>,
    tcp: Arc<tcp::Shared>,
    /// Answers to parked questions, over UDP and TCP.
    parked_blocks: [Arc<Block>; 2],
    slab: Arc<Slab>,
    events: Arc<Events>,
    stop: Stopper,
    /// Ends when every worker, listener and connection has gone.
    all_gone: mpsc::Receiver<()>,
}

/// Says to everybody that it is over, at the latest when it is dropped.
struct Stopper {
    flag: Arc<AtomicBool>,
    tasks: watch::Sender<bool>,
    drain: Option<Drain>,
}

/// What all that answer share.
struct Answering {
    catalog: Arc<Catalog>,
    handler: Arc<Handler>,
    slab: Arc<Slab>,
    events: Arc<Events>,
}

impl Answering {
    fn new(options: &Options, catalog: &Arc<Catalog>, surroundings: &Surroundings) -> Self {
        let Identity { nsid, version, server_id } = options.identity.clone();
        let udp_octets_max = options.limits.udp_octets();
        let settings = Settings { udp_octets_max, rrset_order: options.rrset_order, nsid, version, server_id };
        let cookies = options.cookie_secrets.split_first().map(|(first, others)| Cookies::new(first, others));
        let limiter = RateLimiter::new(&options.rate_limit, surroundings.seed);
        let bits = u128::from_ne_bytes(surroundings.seed);
        let seed = (bits ^ (bits >> 64)) as u64;
        Self {
            catalog: catalog.clone(),
            handler: Arc::new(Handler::new(settings, cookies, limiter)),
            slab: Arc::new(Slab::new(&options.parked, seed)),
            events: Events::new(options.events),
        }
    }

    /// Starts the thread for parked questions, if somebody supplies what they lack.
    fn start_desk(
        &self,
        options: &Options,
        surroundings: &Surroundings,
        sockets: &[Vec<UdpSocket>],
        blocks: &[Arc<Block>; 2],
        stop: &Arc<AtomicBool>,
        alive: &mpsc::Sender<()>,
    ) -> io::Result<()> {
        let Some(supplier) = surroundings.supplier.clone() else { return Ok(()) };
        let desk = Desk {
            slab: self.slab.clone(),
            handler: self.handler.clone(),
            supplier,
            reader: self.catalog.reader(),
            recorder: self.events.recorder(),
            blocks: blocks.clone(),
            sockets: sockets.iter().flatten().map(UdpSocket::try_clone).collect::<io::Result<_>>()?,
            clock: surroundings.clock.clone(),
            patience: Duration::from_millis(options.parked.milliseconds),
            stop: stop.clone(),
        };
        let alive = alive.clone();
        thread::Builder::new().name("dns-parked".to_owned()).spawn(move || {
            desk.run();
            drop(alive);
        })?;
        Ok(())
    }

    /// The thread for one socket.
    fn worker(
        &self,
        socket_number: usize,
        socket: UdpSocket,
        surroundings: &Surroundings,
        block: Arc<Block>,
        stop: Arc<AtomicBool>,
    ) -> udp::Worker {
        udp::Worker {
            socket,
            socket_number,
            reader: self.catalog.reader(),
            handler: self.handler.clone(),
            slab: self.slab.clone(),
            clock: surroundings.clock.clone(),
            block,
            recorder: self.events.recorder(),
            needs: Needs::new(),
            stop,
        }
    }

    fn readers(&self, surroundings: &Surroundings) -> tcp::Readers {
        let (handler, slab) = (self.handler.clone(), self.slab.clone());
        tcp::Readers::new(&self.catalog, handler, slab, surroundings.clock.clone(), &self.events)
    }
}

impl Server {
    /// Binds every socket. Nothing is answered yet; what arrives waits in the kernel.
    pub fn bind(options: &Options) -> Result<Bound, BindError> {
        let workers = match options.workers {
            0 => thread::available_parallelism().map_or(1, NonZero::get),
            workers => workers,
        };
        sockets::bind(options, workers)
    }

    /// Answers from `catalog`: UDP on threads of its own, TCP on `runtime`. Fails only if the system gives no thread
    /// or descriptor.
    pub fn start(bound: Bound, catalog: Arc<Catalog>, runtime: Handle, surroundings: Surroundings) -> io::Result<Self> {
        let addresses = bound.udp_addresses().to_vec();
        let Bound { udp, tcp, options, .. } = bound;
        let (tasks, stopped) = watch::channel(false);
        let (alive, all_gone) = mpsc::channel(1);
        // From here on dropping `stop` ends whatever has been started.
        let mut stop = Stopper { flag: Arc::default(), tasks, drain: None };
        let answering = Answering::new(&options, &catalog, &surroundings);
        stop.drain = Some(Drain::start(answering.events.clone())?);
        let parked_blocks = [Arc::<Block>::default(), Arc::default()];
        answering.start_desk(&options, &surroundings, &udp, &parked_blocks, &stop.flag, &alive)?;
        let mut blocks: Vec<Vec<Arc<Block>>> = Vec::new();
        let mut socket_numbers = 0..;
        for (worker_number, sockets) in udp.into_iter().enumerate() {
            let of_worker: Vec<Arc<Block>> = sockets.iter().map(|_| Arc::default()).collect();
            for ((socket, block), number) in sockets.into_iter().zip(&of_worker).zip(&mut socket_numbers) {
                let worker = answering.worker(number, socket, &surroundings, block.clone(), stop.flag.clone());
                let alive = alive.clone();
                thread::Builder::new().name(format!("dns-udp-{worker_number}")).spawn(move || {
                    worker.run();
                    drop(alive);
                })?;
            }
            blocks.push(of_worker);
        }
        let shared = tcp::Shared::new(answering.readers(&surroundings), options.limits, stopped);
        let _entered = runtime.enter();
        for listener in tcp {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            runtime.spawn(tcp::accept(listener, shared.clone(), alive.clone()));
        }
        let Answering { slab, events, .. } = answering;
        Ok(Self { addresses, udp: blocks, tcp: shared, parked_blocks, slab, events, stop, all_gone })
    }

    /// Workers that are driven by hand: the first of each of `bound`, in one nameserver with the options of the first.
    /// Nothing else of it runs; who drains the events is up to the caller.
    pub fn by_hand(
        bound: Vec<Bound>,
        catalog: &Arc<Catalog>,
        surroundings: &Surroundings,
    ) -> (Vec<udp::ByHand>, Arc<Events>) {
        let options = bound.first().map(|bound| bound.options.clone()).unwrap_or_default();
        let answering = Answering::new(&options, catalog, surroundings);
        let sockets = bound.into_iter().filter_map(|bound| {
            let address = *bound.udp_addresses().first()?;
            Some((bound.udp.into_iter().flatten().next()?, address))
        });
        let workers = sockets.enumerate().map(|(number, (socket, address))| {
            let worker = answering.worker(number, socket, surroundings, Arc::default(), Arc::default());
            udp::ByHand::new(worker, address)
        });
        (workers.collect(), answering.events.clone())
    }

    /// The addresses that are answered on, over UDP and TCP.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What has been counted so far.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            udp: Traffic::sum(self.udp.iter().flatten().chain([&self.parked_blocks[0]]).map(|block| &**block)),
            udp_worker_queries: self
                .udp
                .iter()
                .map(|of_worker| of_worker.iter().map(|block| block.queries()).sum())
                .collect(),
            tcp: self.tcp.traffic(&self.parked_blocks[1]),
            connections: self.tcp.connections(),
            parked: self.slab.counts(),
            events: self.events.counts(),
        }
    }

    /// Stops: no request is read any more, answers under way are written (for at most a second), then every thread,
    /// connection and socket is gone.
    pub async fn shutdown(mut self) {
        self.stop.stop();
        // Nobody sends: this ends when the last sender is dropped.
        let _ended = self.all_gone.recv().await;
        // Last, so that every event is drained.
        if let Some(drain) = self.stop.drain.take() {
            drain.stop();
        }
    }
}

impl Stopper {
    fn stop(&mut self) {
        self.flag.store(true, Relaxed);
        self.tasks.send_replace(true);
    }
}

impl Drop for Stopper {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests;
