//! An edge alone: it answers from its own file, needs nobody, and says what it does not have.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::harness::dns::{self, BOTH, Over, line};
use crate::harness::metrics::Metrics;
use crate::harness::program::{Program, Server, command, output, run};
use crate::harness::{Client, Credentials, Scratch};

/// Metrics of an edge whose values a test here holds.
pub(crate) const FEED: &[&str] = &["waymark_feed_connected", "waymark_edge_file_written_seconds"];

/// A running edge, and where it can be asked.
struct Edge {
    program: Program,
    http: SocketAddr,
    dns: SocketAddr,
}

impl Edge {
    fn start(directory: &Path, data: &str) -> Self {
        let program = Program::spawn(&mut serve(directory, data));
        assert!(program.says("feed "), "it did not become ready:\n{}\n{}", program.stdout(), program.stderr());
        let told = program.stdout();
        let behind = |what: &str, end: &str| {
            let rest = told.split(what).nth(1).unwrap_or_else(|| panic!("no {what} in:\n{told}"));
            rest.split(end).next().unwrap().parse().unwrap()
        };
        Self { http: behind("health       http://", "/healthz"), dns: behind("DNS          ", "\n"), program }
    }

    fn get(&self, path: &str) -> (u16, String) {
        let reply = Client::new(self.http, Credentials::Nobody).get(path);
        (reply.status, reply.text())
    }

    fn health(&self) -> Value {
        let (status, body) = self.get("/healthz");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    fn ask(&self, over: Over, name: &str) -> String {
        line(&dns::ask(self.dns, over, name, "A"))
    }

    fn end(mut self) {
        self.program.signal("TERM");
        let status = self.program.wait();
        assert!(status.success(), "{status:?}: {}", self.program.stderr());
    }
}

/// `waymark serve` as an edge, on free ports.
fn serve(directory: &Path, data: &str) -> Command {
    let ports = ["--api-listen", "127.0.0.1:0", "--dns-listen", "0.0.0.0:0"];
    command(directory, &[&["serve", "--roles", "edge", "--data-dir", data], &ports[..]].concat())
}

/// The sentence of a command that failed.
fn sentence(failed: &Output) -> String {
    let told = String::from_utf8_lossy(&failed.stderr).into_owned();
    let sentences: Vec<&str> = told.lines().filter(|line| line.starts_with("waymark: ")).collect();
    assert_eq!((failed.status.code(), failed.stdout.len(), sentences.len()), (Some(1), 0, 1), "{told}");
    assert!(!told.contains("panicked") && sentences[0].len() < 400, "{told}");
    sentences[0].to_owned()
}

/// A server with both roles and a zone in it.
fn both(directory: &Path) -> Server {
    let server = Server::start(directory);
    let mut client = server.first_client();
    let zone = client.post("/zones", &json!({"name": "example.com"})).ok();
    let records = format!("/zones/{}/dns_records", zone["id"].as_str().unwrap());
    client.post(&records, &json!({"type": "A", "name": "www", "content": "192.0.2.1", "ttl": 300})).ok();
    server
}

/// The position in the edge's file, once it has everything.
fn position_in_file(server: &Server) -> u64 {
    loop {
        let metrics = server.metrics();
        let at = |name: &str| metrics.sum(name, &[]) as u64;
        if at("waymark_edge_file_position") == at("waymark_journal_committed_position") {
            return at("waymark_edge_file_position");
        }
    }
}

#[test]
fn an_edge_alone_answers_after_its_control_has_ended_or_was_killed() {
    for signal in ["TERM", "KILL"] {
        let directory = Scratch::new();
        let server = both(directory.path());
        assert_eq!(server.metrics().sum(FEED[0], &[]), 1.0);
        let position = position_in_file(&server);
        server.end(signal);
        let file = directory.join("data/edge.redb");
        // The last copy of its own: no store, and nothing else.
        fs::create_dir(directory.join("alone")).unwrap();
        fs::copy(&file, directory.join("alone/edge.redb")).unwrap();
        for data in ["data", "alone"] {
            let octets = fs::read(&file).unwrap();
            let edge = Edge::start(directory.path(), data);
            for over in BOTH {
                assert_eq!(edge.ask(over, "www.example.com"), "NOERROR, aa, A 192.0.2.1", "{signal} {data}");
                assert_eq!(edge.ask(over, "none.example.com").split(',').next(), Some("NXDOMAIN"));
            }
            let health = edge.health();
            assert_eq!((&health["status"], &health["roles"]), (&json!("ok"), &json!(["edge"])), "{health}");
            assert_eq!(health["journal"]["applied"], position);
            edge.end();
            assert!(fs::read(&file).unwrap() == octets, "the file is as it was");
        }
        let mut left: Vec<_> =
            fs::read_dir(directory.join("alone")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["edge.redb", "lock"]);
        // And control goes on where it was.
        let server = Server::start(directory.path());
        assert_eq!(server.first_client().get("/zones").ok()[0]["name"], "example.com");
    }
}

#[test]
fn an_edge_alone_shows_health_metrics_and_status_and_no_api() {
    let directory = Scratch::new();
    let server = both(directory.path());
    let position = position_in_file(&server);
    server.end("TERM");
    let edge = Edge::start(directory.path(), "data");
    assert_eq!(edge.get("/client/v4/zones").0, 404);
    edge.ask(Over::Udp, "www.example.com");
    let metrics = edge.get("/metrics").1;
    for of_control in ["waymark_store_", "waymark_import_", "waymark_api_answers", "waymark_journal_committed"] {
        assert!(!metrics.contains(of_control), "{of_control}: {metrics}");
    }
    let metrics = Metrics::parse(&metrics);
    assert_eq!(metrics.sum("waymark_dns_queries_total", &[]), 1.0);
    assert_eq!(metrics.sum("waymark_journal_applied_position", &[]) as u64, position);
    assert_eq!(metrics.sum(FEED[0], &[]), 0.0);
    let written = fs::metadata(directory.join("data/edge.redb")).unwrap().modified().unwrap();
    let written = written.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(metrics.sum(FEED[1], &[]) as u64, written);
    let feed = &edge.health()["feed"];
    assert_eq!(feed["connected"], false);
    assert!(feed["since"].is_string() && feed["state_of"].is_string() && feed["state_age_seconds"].is_u64(), "{feed}");
    let status = |more: &[&str]| {
        let told = run(directory.path(), &[&["--data-dir", "data", "status"], more].concat());
        assert!(told.status.success());
        String::from_utf8(told.stdout).unwrap()
    };
    let told = status(&[]);
    for part in ["roles       edge\n", &format!("applied {position}, edge file {position}\n"), "feed        none is "] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("committed") && !told.contains("API"), "{told}");
    let whole: Value = serde_json::from_str(&status(&["--json"])).unwrap();
    let whole = &whole["status"];
    assert_eq!(
        (&whole["roles"], &whole["committed"], &whole["running"]),
        (&json!(["edge"]), &json!(null), &json!(true))
    );
    assert_eq!(whole["feed"], *feed);
}

#[test]
fn commands_for_control_are_answered_with_one_sentence() {
    let directory = Scratch::new();
    both(directory.path()).end("TERM");
    fs::create_dir(directory.join("alone")).unwrap();
    fs::copy(directory.join("data/edge.redb"), directory.join("alone/edge.redb")).unwrap();
    fs::write(directory.join("example.org"), "@ 300 IN A 192.0.2.1\n").unwrap();
    let edge = Edge::start(directory.path(), "alone");
    let refused = |words: &[&str]| sentence(&run(directory.path(), &[&["--data-dir", "alone"], words].concat()));
    let commands: [&[&str]; 7] = [
        &["account", "list"],
        &["token", "create"],
        &["zone", "list"],
        &["zone", "create", "example.net"],
        &["zone", "import", "example.org"],
        &["zone", "export", "example.com"],
        &["zone", "dump", "example.com"],
    ];
    for words in commands {
        let told = refused(words);
        assert!(told.contains("is an edge alone") && told.contains("the role control"), "{words:?}: {told}");
    }
    assert!(refused(&["backup", "copy"]).contains("there is no installation"));
    edge.end();
    let told = refused(&["zone", "list"]);
    assert!(told.contains("no server runs on alone") && told.contains("--roles edge"), "{told}");
    assert!(!directory.join("alone/waymark.sqlite").exists());
}

#[test]
fn a_file_that_cannot_be_answered_from_is_one_sentence_and_stays() {
    let directory = Scratch::new();
    both(directory.path()).end("TERM");
    let whole = fs::read(directory.join("data/edge.redb")).unwrap();
    let refused = || sentence(&output(serve(directory.path(), "alone")));
    let told = refused();
    assert!(told.contains("there is no edge's file alone/edge.redb: copy "), "{told}");
    assert!(!directory.join("alone").exists(), "nothing is made");
    fs::create_dir(directory.join("alone")).unwrap();
    let damaged = [&b"this is no edge file"[..], &whole[..whole.len() / 2], &[0; 8192]];
    let empty = [&b""[..]];
    let cases =
        damaged.iter().map(|octets| (octets, "is damaged")).chain(empty.iter().map(|octets| (octets, "no zones")));
    for (octets, says) in cases {
        fs::write(directory.join("alone/edge.redb"), octets).unwrap();
        let told = refused();
        assert!(told.contains(says) && told.contains("alone/edge.redb") && told.contains("copy edge.redb"), "{told}");
        assert_eq!(fs::read(directory.join("alone/edge.redb")).unwrap(), *octets);
        assert!(!directory.join("alone/edge.redb.damaged").exists());
    }
}

#[test]
fn a_directory_has_one_process_whatever_its_roles() {
    let directory = Scratch::new();
    both(directory.path()).end("TERM");
    let edge = Edge::start(directory.path(), "data");
    let mut second = command(directory.path(), &["serve", "--data-dir", "data", "--api-listen", "127.0.0.1:0"]);
    second.args(["--dns-listen", "127.0.0.1:0"]);
    assert!(sentence(&output(second)).contains("in use by another waymark process"));
    edge.end();
}

#[test]
fn roles_are_set_by_the_environment_and_control_alone_is_not_there() {
    let directory = Scratch::new();
    let mut by_environment = command(directory.path(), &["serve", "--data-dir", "data"]);
    by_environment.env("WAYMARK_NODE__ROLES", "edge");
    assert!(sentence(&output(by_environment)).contains("there is no edge's file"));
    let told = sentence(&run(directory.path(), &["serve", "--data-dir", "data", "--roles", "control"]));
    assert!(told.contains("node.roles must be") && told.contains("control without an edge is not there yet"), "{told}");
    assert!(!directory.join("data").exists());
}
