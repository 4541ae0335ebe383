//! The HTTP server of the API: connections, counted and timed, and an end that waits for those in progress.
//!
//! What is answered is the router's business. Here a connection gets one of a bounded number of places, and loses it
//! when it has been silent for too long; so that clients who go away without a word do not use up the places.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep};

/// How long requests in progress may take when the server ends.
const FINISH: Duration = Duration::from_secs(10);

/// Bounds of the server; none: no bound.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time.
    pub connections: Option<usize>,
    /// How long one may be silent in both directions.
    pub idle: Option<Duration>,
}

/// A running server.
pub struct ApiServer {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl ApiServer {
    /// Serves `router` on `listener`.
    pub fn start(listener: TcpListener, router: axum::Router, limits: Limits) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let places = limits.connections.map(|count| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS))));
        let listener = Listener { listener, places, idle: limits.idle };
        let task = tokio::spawn(async move {
            let ending = async move {
                let _ = stopped.wait_for(|stopped| *stopped).await;
            };
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(ending).await {
                tracing::error!(%error, "the API has stopped");
            }
        });
        Self { stop, task }
    }

    /// Takes no further request, and returns when those in progress are answered, or have had their time.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(FINISH, &mut self.task).await.is_err() {
            tracing::warn!("requests were still in progress when the API had to end");
            self.task.abort();
        }
    }
}

struct Listener {
    listener: TcpListener,
    places: Option<Arc<Semaphore>>,
    idle: Option<Duration>,
}

impl axum::serve::Listener for Listener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // Without a place nothing is accepted: who comes waits in the kernel.
        let place = match &self.places {
            Some(places) => Arc::clone(places).acquire_owned().await.ok(),
            None => None,
        };
        let (stream, address) = axum::serve::Listener::accept(&mut self.listener).await;
        // A reply is one write; waiting for more to send with it only delays it.
        let _ = stream.set_nodelay(true);
        let silence = self.idle.map(|idle| Box::pin(tokio::time::sleep(idle)));
        (Connection { stream, silence, idle: self.idle.unwrap_or_default(), _place: place }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends after a silence.
struct Connection {
    stream: TcpStream,
    /// None: it may be silent for ever.
    silence: Option<Pin<Box<Sleep>>>,
    idle: Duration,
    _place: Option<OwnedSemaphorePermit>,
}

impl Connection {
    fn heard<T>(&mut self, context: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        let Some(silence) = &mut self.silence else { return done };
        match done {
            Poll::Ready(done) => {
                silence.as_mut().reset(Instant::now() + self.idle);
                Poll::Ready(done)
            }
            Poll::Pending => silence.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into())),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.heard(context, done)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(context, octets);
        self.heard(context, done)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write_vectored(context, octets);
        self.heard(context, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn server(limits: Limits) -> (ApiServer, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = axum::Router::new().route("/", axum::routing::get(|| async { "here" }));
        (ApiServer::start(listener, router, limits), address)
    }

    async fn get(stream: &mut TcpStream) -> String {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut buffer = [0; 1024];
        let length = stream.read(&mut buffer).await.unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[tokio::test]
    async fn a_silent_connection_is_closed_and_gives_its_place() {
        let limits = Limits { connections: Some(1), idle: Some(Duration::from_millis(50)) };
        let (server, address) = server(limits).await;
        let mut silent = TcpStream::connect(address).await.unwrap();
        let mut next = TcpStream::connect(address).await.unwrap();
        assert!(get(&mut next).await.ends_with("here"), "answered once the silent one is gone");
        assert_eq!(silent.read(&mut [0; 8]).await.unwrap_or(0), 0);
        server.stop().await;
    }

    #[tokio::test]
    async fn an_ended_server_takes_nobody() {
        let (server, address) = server(Limits { connections: None, idle: None }).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert!(get(&mut stream).await.ends_with("here"));
        server.stop().await;
        assert!(TcpStream::connect(address).await.is_err());
    }
}
