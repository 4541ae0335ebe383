//! The API over TLS, with a client as people have it: both versions of HTTP, files that are wrong, files that change.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use waymark::config::Limit;

use crate::harness::dns;
use crate::harness::program::{Server, run};
use crate::harness::{Certificate, Node, Scratch};

/// How long something that must come may take before the test is broken off.
const WAIT: Duration = Duration::from_secs(60);
/// A Unix time far ahead, when certificates are over.
pub(crate) const LATER: u64 = 4_000_000_000;

/// Metrics that the tests here drive.
pub(crate) const CONNECTIONS: &[&str] = &[
    "waymark_api_connections",
    "waymark_api_connections_timed_out",
    "waymark_api_tls_handshakes",
    "waymark_api_tls_certificate_reads",
    "waymark_api_tls_certificate_expiry_seconds",
];

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).expect("text")
}

fn curl(certificate: &Certificate, arguments: &[&str]) -> Output {
    let mut command = Command::new("curl");
    command.args(["-sS", "--max-time", "60", "--cacert"]).arg(&certificate.authority).args(arguments);
    command.output().expect("curl (bash tools/packages installs it)")
}

/// What curl gets, which must be something.
fn fetched(certificate: &Certificate, arguments: &[&str]) -> String {
    let output = curl(certificate, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// A server with TLS beside the plain API, and the base URL of the former.
pub(crate) fn server(directory: &Scratch, certificate: &Certificate, more: &[&str]) -> (Server, String) {
    let [one, two] = certificate.settings();
    let tls = ["--api-tls-listen", "127.0.0.1:0", "--set", &one, "--set", &two];
    let server = Server::start_with(directory.path(), &[&tls, more].concat());
    let told = server.program.stdout();
    let line = told.lines().find(|line| line.contains("API, TLS")).unwrap_or_else(|| panic!("{told}"));
    let base = line.split_whitespace().last().unwrap().replace("127.0.0.1", "localhost");
    (server, base)
}

#[test]
fn both_versions_of_http_are_spoken_over_tls() {
    let directory = Scratch::new();
    let certificate = Certificate::make(directory.path(), LATER);
    let (server, base) = server(&directory, &certificate, &[]);
    let token = format!("Authorization: Bearer {}", server.bootstrap()["token"].as_str().unwrap());
    for (flag, version, zone) in [("--http1.1", "1.1", "one.example"), ("--http2", "2", "two.example")] {
        let body = format!("{{\"name\":\"{zone}\"}}");
        let url = format!("{base}/zones");
        let told = fetched(&certificate, &[flag, "-H", &token, "--json", &body, "-w", "\n%{http_version}", &url]);
        let (answer, spoken) = told.rsplit_once('\n').unwrap();
        assert_eq!(spoken, version);
        let answer: Value = serde_json::from_str(answer).unwrap();
        assert_eq!(answer["result"]["name"], zone, "{answer}");
        assert_eq!(dns::ask(server.dns(), dns::Over::Udp, zone, "SOA").answers.len(), 1);
    }
    for flag in ["--tlsv1.2", "--tlsv1.3"] {
        let health = base.replace("/client/v4", "/healthz");
        assert!(fetched(&certificate, &[flag, "--tls-max", &flag[6..], &health]).contains("\"ok\""), "{flag}");
    }
    let (status, _, log) = server.end("TERM");
    assert!(status.success() && !log.contains("panicked"), "{log}");
}

#[test]
fn the_plain_face_can_be_switched_off() {
    let directory = Scratch::new();
    let certificate = Certificate::make(directory.path(), LATER);
    let node = Node::start_with(|config, _| {
        config.api.listen = None;
        config.api.tls_listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        config.api.tls_certificate = Some(certificate.certificate.clone());
        config.api.tls_key = Some(certificate.key.clone());
    });
    let base = node.inner().api_base();
    assert_eq!(base, format!("https://{}/client/v4", node.inner().api_tls_address().unwrap()));
    assert_eq!(node.inner().api_address(), node.inner().api_tls_address().unwrap());
    let refused = fetched(&certificate, &["-w", "%{http_code}", "-o", "/dev/null", &format!("{base}/user")]);
    assert_eq!(refused, "400", "nobody has said who asks");
}

#[test]
fn files_that_cannot_be_used_are_one_sentence() {
    let directory = Scratch::new();
    let certificate = Certificate::make(directory.path(), LATER);
    let [one, two] = certificate.settings();
    std::fs::write(directory.join("empty.pem"), "").unwrap();
    let missing = "api.tls_certificate=missing.pem".to_owned();
    let empty = "api.tls_key=empty.pem".to_owned();
    for (settings, parts) in [
        ([&missing, &two], ["missing.pem", "there is no such file"]),
        ([&one, &empty], ["empty.pem", "no private key in it"]),
    ] {
        let arguments =
            ["--api-listen", "127.0.0.1:0", "--dns-listen", "127.0.0.1:0", "--api-tls-listen", "127.0.0.1:0"];
        let set = ["--set", settings[0], "--set", settings[1]];
        let output = run(directory.path(), &[&["serve", "--data-dir", "data"], &arguments[..], &set].concat());
        let told = text(&output.stderr);
        assert_eq!((output.status.code(), told.lines().count()), (Some(1), 1), "{told}");
        assert!(parts.iter().all(|part| told.contains(part)), "{told}");
    }
    assert!(!directory.join("data/waymark.sqlite").exists(), "nothing was made");
    let unset = run(directory.path(), &["serve", "--data-dir", "data", "--api-tls-listen", "127.0.0.1:0"]);
    let told = text(&unset.stderr);
    assert!(told.contains("api.tls_certificate") && told.contains("api.tls_key"), "{told}");
}

#[test]
fn a_renewed_certificate_is_taken_while_it_runs() {
    let directory = Scratch::new();
    let certificate = Certificate::make(directory.path(), LATER);
    let mode = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(&certificate.key, mode).unwrap();
    let (server, base) = server(&directory, &certificate, &["--set", "api.tls_reload_seconds=1"]);
    let health = base.replace("/client/v4", "/healthz");
    assert!(fetched(&certificate, &[&health]).contains("\"ok\""));
    let expiry = |server: &Server| server.metrics().sum("waymark_api_tls_certificate_expiry_seconds", &[]);
    assert_eq!(expiry(&server), LATER as f64);
    // A file that is garbled in between changes nothing.
    std::fs::write(&certificate.certificate, "this is no certificate").unwrap();
    let reads = |server: &Server, outcome: &str| {
        server.metrics().sum("waymark_api_tls_certificate_reads_total", &[("outcome", outcome)])
    };
    let end = Instant::now() + WAIT;
    let until = |what: &str, seen: &dyn Fn() -> bool| {
        while !seen() {
            assert!(Instant::now() < end, "{what} did not come within {WAIT:?}");
            std::thread::yield_now();
        }
    };
    until("the refusal", &|| reads(&server, "refused") == 1.0);
    assert!(fetched(&certificate, &[&health]).contains("\"ok\""), "the old one is still good");
    let renewed = Certificate::make(directory.path(), LATER + 1);
    until("the new certificate", &|| expiry(&server) == (LATER + 1) as f64);
    assert!(fetched(&renewed, &[&health]).contains("\"ok\""));
    let (_, _, log) = server.end("TERM");
    assert!(log.contains("every user of this machine may read or change the private key"), "{log}");
    assert!(log.contains("keeps the certificate"), "{log}");
}

#[test]
fn connections_are_counted() {
    let directory = Scratch::new();
    let certificate = Certificate::make(directory.path(), LATER);
    let node = Node::start_with(|config, _| {
        config.api.tls_listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        config.api.tls_certificate = Some(certificate.certificate.clone());
        config.api.tls_key = Some(certificate.key.clone());
        config.limits.api_header_seconds = Limit(1);
        config.limits.api_handshake_seconds = Limit(1);
    });
    let metrics = node.metrics();
    assert_eq!(metrics.sum("waymark_api_connections", &[]), 1.0, "the one that asks");
    assert_eq!(metrics.sum("waymark_api_tls_certificate_reads_total", &[("outcome", "loaded")]), 1.0);
    assert_eq!(metrics.sum("waymark_api_tls_certificate_expiry_seconds", &[]), LATER as f64);
    let tls = node.inner().api_tls_address().unwrap();
    let mut silent = TcpStream::connect(tls).unwrap();
    let mut plain = TcpStream::connect(tls).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let _ = plain.read_to_end(&mut Vec::new());
    let mut slow = TcpStream::connect(node.inner().api_address()).unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
    for stream in [&mut silent, &mut slow] {
        assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0, "closed when its time is over");
    }
    fetched(&certificate, &[&node.inner().api_tls_base().unwrap().replace("/client/v4", "/healthz")]);
    let metrics = node.metrics();
    for (outcome, count) in [("done", 1.0), ("failed", 1.0), ("timed_out", 1.0)] {
        assert_eq!(metrics.sum("waymark_api_tls_handshakes_total", &[("outcome", outcome)]), count, "{outcome}");
    }
    assert_eq!(metrics.sum("waymark_api_connections_timed_out_total", &[]), 1.0);
}
