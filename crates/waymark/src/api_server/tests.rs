use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::certificates::Looked;
use super::testing::{Pair, pair, pair_until};
use super::*;
use crate::scratch::Scratch;

struct Running {
    server: ApiServer,
    address: SocketAddr,
    statistics: Arc<Statistics>,
}

impl Running {
    async fn start(limits: Limits, certificates: Option<Arc<Certificates>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = axum::Router::new().route("/", axum::routing::get(|| async { "here" }));
        let statistics = Arc::new(Statistics::default());
        let faces = vec![Face { listener, certificates }];
        Self { server: ApiServer::start(faces, router, limits, Arc::clone(&statistics)), address, statistics }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

async fn get(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> String {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut buffer = [0; 1024];
    let length = stream.read(&mut buffer).await.unwrap();
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    stream.read(&mut [0; 8]).await.unwrap_or(0) == 0
}

fn load(pair: &Pair) -> Arc<Certificates> {
    Arc::new(Certificates::load(pair.files.clone(), Arc::new(waymark_control::SystemClock)).unwrap())
}

/// A client that trusts the issuer of this pair alone.
fn connector(pair: &Pair) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pair.authority.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

async fn secure(stream: TcpStream, pair: &Pair) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    connector(pair).connect("localhost".try_into().unwrap(), stream).await
}

#[tokio::test]
async fn a_silent_connection_is_closed_and_gives_its_place() {
    let limits = Limits { connections: Some(1), idle: Some(Duration::from_millis(50)), ..Limits::default() };
    let running = Running::start(limits, None).await;
    let mut silent = running.connect().await;
    let mut next = running.connect().await;
    assert!(get(&mut next).await.ends_with("here"), "answered once the silent one is gone");
    assert!(is_closed(&mut silent).await);
    running.server.stop().await;
}

#[tokio::test]
async fn faces_share_the_places() {
    let limits = Limits { connections: Some(1), ..Limits::default() };
    let listener = || async { TcpListener::bind("127.0.0.1:0").await.unwrap() };
    let faces = [listener().await, listener().await];
    let addresses = [faces[0].local_addr().unwrap(), faces[1].local_addr().unwrap()];
    let router = axum::Router::new().route("/", axum::routing::get(|| async { "here" }));
    let faces = faces.map(|listener| Face { listener, certificates: None });
    let server = ApiServer::start(faces.into(), router, limits, Arc::default());
    for address in [addresses[0], addresses[1], addresses[0]] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert!(get(&mut stream).await.ends_with("here"));
    }
    server.stop().await;
}

#[tokio::test]
async fn an_ended_server_takes_nobody() {
    let running = Running::start(Limits::default(), None).await;
    let mut stream = running.connect().await;
    assert!(get(&mut stream).await.ends_with("here"));
    assert_eq!(running.statistics.open(), 1);
    running.server.stop().await;
    assert!(TcpStream::connect(running.address).await.is_err());
    assert_eq!(running.statistics.open(), 0);
}

#[tokio::test]
async fn a_first_request_has_its_time() {
    let limits = Limits { header: Some(Duration::from_millis(50)), ..Limits::default() };
    let running = Running::start(limits, None).await;
    // What HTTP/1.1 begins with, and HTTP/2; neither goes on.
    for begun in [&b"GET / HTTP/1.1\r\nhost: x\r\n"[..], b"PRI * HT", b""] {
        let mut slow = running.connect().await;
        slow.write_all(begun).await.unwrap();
        assert!(is_closed(&mut slow).await);
    }
    assert_eq!(running.statistics.timed_out(), 3);
    // One that has been answered may wait longer than that.
    let mut kept = running.connect().await;
    assert!(get(&mut kept).await.ends_with("here"));
    assert!(is_closed(&mut running.connect().await).await, "the time is over for one that came later");
    assert!(get(&mut kept).await.ends_with("here"));
    running.server.stop().await;
}

#[tokio::test]
async fn requests_are_answered_over_tls() {
    let scratch = Scratch::new();
    let pair = pair(scratch.path());
    let running = Running::start(Limits::default(), Some(load(&pair))).await;
    let mut stream = secure(running.connect().await, &pair).await.unwrap();
    assert!(get(&mut stream).await.ends_with("here"));
    assert!(get(&mut stream).await.ends_with("here"), "and again on the same connection");
    let stranger = Scratch::new();
    let other = super::testing::pair(stranger.path());
    assert!(secure(running.connect().await, &other).await.is_err(), "another issuer's certificate is not trusted");
    running.server.stop().await;
    assert_eq!(running.statistics.handshakes()[0], 1);
}

#[tokio::test]
async fn what_is_no_handshake_is_counted_and_disturbs_nobody() {
    let scratch = Scratch::new();
    let pair = pair(scratch.path());
    let limits = Limits { handshake: Some(Duration::from_millis(50)), ..Limits::default() };
    let running = Running::start(limits, Some(load(&pair))).await;
    let mut silent = running.connect().await;
    let mut plain = running.connect().await;
    plain.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut stream = secure(running.connect().await, &pair).await.unwrap();
    assert!(get(&mut stream).await.ends_with("here"), "answered while another does not go on");
    plain.read_to_end(&mut Vec::new()).await.ok();
    assert!(is_closed(&mut silent).await);
    running.server.stop().await;
    assert_eq!(running.statistics.handshakes(), [1, 1, 1]);
}

#[tokio::test]
async fn handshakes_that_do_not_go_on_give_their_places() {
    let scratch = Scratch::new();
    let pair = pair(scratch.path());
    let limits = Limits { handshake: Some(Duration::from_millis(50)), handshakes: Some(1), ..Limits::default() };
    let running = Running::start(limits, Some(load(&pair))).await;
    let mut begun = [running.connect().await, running.connect().await];
    for stream in &mut begun {
        stream.write_all(&[22]).await.unwrap();
    }
    let mut stream = secure(running.connect().await, &pair).await.unwrap();
    assert!(get(&mut stream).await.ends_with("here"));
    drop(begun);
    running.server.stop().await;
}

#[tokio::test]
async fn silence_before_a_handshake_takes_no_place() {
    let scratch = Scratch::new();
    let pair = pair(scratch.path());
    // No limit of time: a silent one that had the place would have it for ever.
    let limits = Limits { handshakes: Some(1), ..Limits::default() };
    let running = Running::start(limits, Some(load(&pair))).await;
    let silent = [running.connect().await, running.connect().await];
    let mut stream = secure(running.connect().await, &pair).await.unwrap();
    assert!(get(&mut stream).await.ends_with("here"));
    drop((silent, stream));
    running.server.stop().await;
}

#[tokio::test]
async fn a_connection_of_http2_has_so_many_requests_at_a_time() {
    let running = Running::start(Limits::default(), None).await;
    let mut stream = running.connect().await;
    // The preface, and SETTINGS without a setting (RFC 9113, section 3.4).
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    let mut settings = vec![0; usize::from(head[2])];
    stream.read_exact(&mut settings).await.unwrap();
    // SETTINGS_MAX_CONCURRENT_STREAMS is 3 (section 6.5.2).
    let most = [&[0, 3][..], &HTTP2_STREAMS.to_be_bytes()].concat();
    assert!(head[3] == 4 && settings.chunks(6).any(|setting| setting == most), "{settings:?}");
    drop(stream);
    running.server.stop().await;
}

#[tokio::test]
async fn a_renewed_certificate_is_for_those_who_come_then() {
    let scratch = Scratch::new();
    let before = pair(scratch.path());
    let certificates = load(&before);
    let running = Running::start(Limits::default(), Some(Arc::clone(&certificates))).await;
    let mut old = secure(running.connect().await, &before).await.unwrap();
    let after = pair_until(scratch.path(), 4_000_000_001);
    assert!(matches!(certificates.look_again(), Looked::Loaded));
    assert!(secure(running.connect().await, &before).await.is_err());
    let mut new = secure(running.connect().await, &after).await.unwrap();
    assert!(get(&mut new).await.ends_with("here"));
    assert!(get(&mut old).await.ends_with("here"), "a connection goes on with what it began with");
    running.server.stop().await;
}
