//! The HTTP server of the API: connections, counted and timed, with TLS or without, and an end that waits for those in
//! progress.
//!
//! ```text
//!  accept --a place of a bounded number--> [first octet --a place--> TLS handshake, each in its time]
//!         --> HTTP/1.1 or HTTP/2 --> router
//! ```
//!
//! What is answered is the router's business. Here a connection loses its place when its handshake or its first request
//! does not come, or when it has been silent for too long; so that clients who go away without a word, or only drip, do
//! not use up the places. All listeners share the places.
//!
//! - [`certificates`]: the files of TLS, read at the start and again when they change.
//! - `connection`: a stream that ends after a silence.

pub mod certificates;
mod connection;

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use certificates::Certificates;
use connection::Connection;

/// How long requests in progress may take when the server ends.
const FINISH: Duration = Duration::from_secs(10);
/// How long nothing is accepted after the system could not give a connection, for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Requests of one HTTP/2 connection at a time. Clients wait with further ones.
const HTTP2_STREAMS: u32 = 32;
/// Octets of an answer over HTTP/2 that are taken from it before the client's window lets them go.
const HTTP2_SEND_OCTETS: usize = 64 * 1024;

/// Bounds of the server; none: no bound.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Connections at a time.
    pub connections: Option<usize>,
    /// How long one may be silent in both directions; and how long the head of a further request may take.
    pub idle: Option<Duration>,
    /// How long a new connection may take until its first request has begun.
    pub header: Option<Duration>,
    /// How long the first octet of a TLS handshake may take, and then the handshake.
    pub handshake: Option<Duration>,
    /// TLS handshakes at a time.
    pub handshakes: Option<usize>,
}

/// Where the API listens, and what with.
pub struct Face {
    /// The socket.
    pub listener: TcpListener,
    /// The certificate of TLS; none: without TLS.
    pub certificates: Option<Arc<Certificates>>,
}

/// What the connections of the API have come to.
#[derive(Debug, Default)]
pub struct Statistics {
    open: AtomicU64,
    timed_out: AtomicU64,
    handshakes: AtomicU64,
    handshakes_failed: AtomicU64,
    handshakes_timed_out: AtomicU64,
}

impl Statistics {
    /// Connections open now.
    pub fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    /// Connections closed because their first request did not begin in its time.
    pub fn timed_out(&self) -> u64 {
        self.timed_out.load(Ordering::Relaxed)
    }

    /// TLS handshakes that came to an end: done, failed, out of time.
    pub fn handshakes(&self) -> [u64; 3] {
        [&self.handshakes, &self.handshakes_failed, &self.handshakes_timed_out]
            .map(|count| count.load(Ordering::Relaxed))
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// A running server.
pub struct ApiServer {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl ApiServer {
    /// Serves `router` on all faces. `limits` are for all of them together.
    pub fn start(faces: Vec<Face>, router: axum::Router, limits: Limits, statistics: Arc<Statistics>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let places =
            |count: Option<usize>| count.map(|count| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS))));
        let server = Arc::new(Server {
            router,
            limits,
            http: http(&limits),
            places: places(limits.connections),
            handshakes: places(limits.handshakes),
            statistics,
            stopped,
        });
        let serve = |face| tokio::spawn(Arc::clone(&server).serve(face));
        Self { stop, tasks: faces.into_iter().map(serve).collect() }
    }

    /// Takes no further request, and returns when those in progress are answered, or have had their time.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let all = async {
            for task in &mut self.tasks {
                let _ = task.await;
            }
        };
        if tokio::time::timeout(FINISH, all).await.is_err() {
            tracing::warn!("requests were still in progress when the API had to end");
            self.tasks.iter().for_each(JoinHandle::abort);
        }
    }
}

/// What speaks HTTP. Its timer for the heads of requests runs while a connection waits for the next one, too; so it is
/// the bound on silence, and the first head has a shorter one of its own (see [`Server::converse`]).
fn http(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new()).header_read_timeout(limits.idle);
    http.http2().timer(TokioTimer::new()).max_concurrent_streams(HTTP2_STREAMS).max_send_buf_size(HTTP2_SEND_OCTETS);
    http
}

struct Server {
    router: axum::Router,
    limits: Limits,
    http: auto::Builder<TokioExecutor>,
    places: Option<Arc<Semaphore>>,
    handshakes: Option<Arc<Semaphore>>,
    statistics: Arc<Statistics>,
    stopped: watch::Receiver<bool>,
}

impl Server {
    /// Takes connections until the end is wished for, and returns when all of them are over.
    async fn serve(self: Arc<Self>, face: Face) {
        let mut connections = JoinSet::new();
        let mut stopped = self.stopped.clone();
        loop {
            let accepted = tokio::select! {
                accepted = self.accept(&face.listener) => accepted,
                _ = stopped.wait_for(|stopped| *stopped) => break,
            };
            while connections.try_join_next().is_some() {}
            match accepted {
                Ok((stream, place)) => {
                    let (server, certificates) = (Arc::clone(&self), face.certificates.clone());
                    connections.spawn(server.connection(stream, certificates, place));
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "the API cannot take a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(face);
        while connections.join_next().await.is_some() {}
    }

    /// The next connection, and its place. While there is no place, those that come after it wait in the kernel. The
    /// connection comes first: a listener that nobody connects to must not hold a place.
    async fn accept(&self, listener: &TcpListener) -> io::Result<(TcpStream, Option<OwnedSemaphorePermit>)> {
        let stream = listener.accept().await?.0;
        Ok((stream, take_place(self.places.as_ref()).await))
    }

    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        certificates: Option<Arc<Certificates>>,
        _place: Option<OwnedSemaphorePermit>,
    ) {
        count(&self.statistics.open);
        let _open = Open(&self.statistics);
        // A reply is one write; waiting for more to send with it only delays it.
        let _ = stream.set_nodelay(true);
        match certificates {
            None => self.converse(Connection::new(stream, self.limits.idle)).await,
            Some(certificates) => {
                let mut stopped = self.stopped.clone();
                let secured = tokio::select! {
                    secured = self.secure(stream, &certificates) => secured,
                    _ = stopped.wait_for(|stopped| *stopped) => None,
                };
                if let Some(stream) = secured {
                    self.converse(stream).await;
                }
            }
        }
    }

    /// The TLS handshake. Whoever connects and says nothing waits without a place, so that the places are for those
    /// who have begun.
    async fn secure(
        &self,
        stream: TcpStream,
        certificates: &Certificates,
    ) -> Option<tokio_rustls::server::TlsStream<Connection>> {
        if self.in_handshake_time(stream.peek(&mut [0])).await? == 0 {
            count(&self.statistics.handshakes_failed);
            return None;
        }
        let _place = take_place(self.handshakes.as_ref()).await;
        let stream = Connection::new(stream, self.limits.idle);
        let handshake = TlsAcceptor::from(certificates.server_config()).accept(stream);
        let secured = self.in_handshake_time(handshake).await?;
        count(&self.statistics.handshakes);
        Some(secured)
    }

    /// What this gives, if it succeeds in its time; else it is counted why not.
    async fn in_handshake_time<T>(&self, work: impl Future<Output = io::Result<T>>) -> Option<T> {
        let done = match self.limits.handshake {
            Some(limit) => tokio::time::timeout(limit, work).await,
            None => Ok(work.await),
        };
        match done {
            Ok(Ok(done)) => return Some(done),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a TLS handshake failed");
                count(&self.statistics.handshakes_failed);
            }
            Err(_) => count(&self.statistics.handshakes_timed_out),
        }
        None
    }

    /// HTTP, until the client, its silence or the end of the server ends it.
    async fn converse(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let begun = Arc::new(AtomicBool::new(false));
        let begins = Arc::clone(&begun);
        let service = self.router.clone().map_request(move |request| {
            begins.store(true, Ordering::Relaxed);
            request
        });
        let mut connection = pin!(self.http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)));
        let mut stopped = self.stopped.clone();
        let mut header = pin!(tokio::time::sleep(self.limits.header.unwrap_or_default()));
        let (mut waiting, mut ending) = (self.limits.header.is_some(), false);
        loop {
            tokio::select! {
                done = connection.as_mut() => {
                    // What went wrong here is the client's, or is counted by the router.
                    if let Err(error) = done {
                        tracing::debug!(%error, "a connection to the API broke");
                    }
                    return;
                }
                () = header.as_mut(), if waiting => {
                    if !begun.load(Ordering::Relaxed) {
                        return count(&self.statistics.timed_out);
                    }
                    waiting = false;
                }
                _ = stopped.wait_for(|stopped| *stopped), if !ending => {
                    connection.as_mut().graceful_shutdown();
                    ending = true;
                }
            }
        }
    }
}

/// Counts a connection as open for as long as it lives.
struct Open<'s>(&'s Statistics);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn take_place(places: Option<&Arc<Semaphore>>) -> Option<OwnedSemaphorePermit> {
    // The semaphore is never closed.
    Arc::clone(places?).acquire_owned().await.ok()
}

/// Whether only the connection that would have been accepted is affected.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
