//! TCP: connections taken in within limits, each served by a task (RFC 7766).
//!
//! ```text
//!  accept -> a place, if there is one or an idle connection can lose its own -> connection::serve -> the place is free
//! ```
//!
//! Sockets are bounded by the places, and by the few connections that have lost theirs and are still closing; memory by
//! what one connection may need ([`connection`]) times that.
//!
//! Not here: TLS and HTTPS, which will serve their streams by the same `connection`.

mod connection;
mod places;
mod readers;
mod times;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use crate::Limits;
use crate::statistics::{Block, Connections, Traffic};
pub(crate) use connection::Ticket;
use connection::{End, Session};
use places::{Full, Places};
pub(crate) use readers::Readers;
use times::Times;

/// How long accepting rests when the system is out of descriptors or memory: until some connection has ended.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(50);
/// How long a connection may go on writing after the server was told to stop.
const GRACE: Duration = Duration::from_secs(1);

/// What all listeners and connections share.
pub(crate) struct Shared {
    readers: Readers,
    places: Arc<Places>,
    times: Times,
    stopped: watch::Receiver<bool>,
    accepted: AtomicU64,
    refused_in_all: AtomicU64,
    refused_per_client: AtomicU64,
    evicted_idle: AtomicU64,
    timed_out: AtomicU64,
}

impl Shared {
    pub(crate) fn new(readers: Readers, limits: Limits, stopped: watch::Receiver<bool>) -> Arc<Self> {
        let places = Places::new(limits.tcp_connections_max, limits.tcp_connections_per_client_max);
        Arc::new(Self {
            readers,
            times: Times::new(&limits, places.clone()),
            places,
            stopped,
            accepted: AtomicU64::new(0),
            refused_in_all: AtomicU64::new(0),
            refused_per_client: AtomicU64::new(0),
            evicted_idle: AtomicU64::new(0),
            timed_out: AtomicU64::new(0),
        })
    }

    /// Messages so far.
    pub(crate) fn traffic(&self, parked: &Block) -> Traffic {
        Traffic::sum(self.readers.blocks().chain([parked]))
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> Connections {
        Connections {
            open: self.places.taken() as u64,
            accepted: self.accepted.load(Relaxed),
            refused_in_all: self.refused_in_all.load(Relaxed),
            refused_per_client: self.refused_per_client.load(Relaxed),
            evicted_idle: self.evicted_idle.load(Relaxed),
            timed_out: self.timed_out.load(Relaxed),
        }
    }

    /// Ends when the server has been told to stop.
    async fn stop(&self) {
        let mut stopped = self.stopped.clone();
        // An error means that the server is gone, which is the same.
        let _stopped = stopped.wait_for(|stopped| *stopped).await;
    }
}

/// Takes in connections until the server stops. `alive` goes when the last connection does.
pub(crate) async fn accept(listener: TcpListener, shared: Arc<Shared>, alive: mpsc::Sender<()>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.stop() => return,
        };
        match accepted {
            Ok((stream, client)) => admit(stream, client, &shared, &alive),
            // The client has gone before it was its turn.
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                sleep(PAUSE_AFTER_ERROR).await;
            }
        }
    }
}

/// Serves the connection in a task of its own, or closes it if there is no place for it.
fn admit(stream: TcpStream, client: SocketAddr, shared: &Arc<Shared>, alive: &mpsc::Sender<()>) {
    let place = match Places::take(&shared.places, client.ip()) {
        Ok(place) => place,
        Err(Full::InAll) => return add_one(&shared.refused_in_all),
        Err(Full::Client) => return add_one(&shared.refused_per_client),
    };
    let Ok(asked) = prepare(&stream) else { return };
    add_one(&shared.accepted);
    let session = Session { client, asked, idle: shared.times.idle() };
    let (shared, alive) = (shared.clone(), alive.clone());
    tokio::spawn(async move {
        let cut = async {
            shared.stop().await;
            sleep(GRACE).await;
        };
        let end = tokio::select! {
            end = connection::serve(stream, session, &shared.readers, &place, &shared.times, shared.stop()) => end,
            () = cut => End::Stopped,
        };
        match end {
            End::TimedOut | End::Overrun => add_one(&shared.timed_out),
            End::Evicted => add_one(&shared.evicted_idle),
            End::Closed | End::Refused | End::Stopped => {}
        }
        drop(place);
        drop(alive);
    });
}

/// The address that was asked: the connection's own end.
fn prepare(stream: &TcpStream) -> io::Result<IpAddr> {
    // Answers are whole messages; waiting for more to send would only delay them.
    stream.set_nodelay(true)?;
    Ok(stream.local_addr()?.ip().to_canonical())
}

fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

fn add_one(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
