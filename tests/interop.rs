//! Clients and tools of others, unmodified: the scripts of `interop/` against the real program.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use waymark_contract::Exchange;

use crate::harness::program::{self, Server};
use crate::harness::{Certificate, Scratch};
use crate::tidy::root;
use crate::tls;

/// Where the program records what it replies, in its directory.
const REPLIES: &str = "replies.jsonl";
/// What `interop/run` ends with when a tool is not there.
const TOOL_MISSING: i32 = 3;

fn run(name: &str) {
    let directory = Scratch::new();
    let server = Server::start_with(directory.path(), &["--record-replies", REPLIES]);
    started(&mut script(name, &server));
    replies_match(&directory.join(REPLIES));
}

/// A script of `interop/` against this server.
fn script(name: &str, server: &Server) -> Command {
    let mut command = Command::new(root().join("interop/run"));
    command.args([name, "--bootstrap"]).arg(&server.bootstrap_file);
    command
}

/// Every reply that a client got is what the API's contract says.
fn replies_match(file: &Path) {
    let text = std::fs::read_to_string(file).expect("what the program recorded");
    let mut mismatches = BTreeSet::new();
    for line in text.lines() {
        let reply: Value = serde_json::from_str(line).expect("JSON");
        let text = |name: &str| reply[name].as_str().expect("a text").to_owned();
        let (method, target, body) = (text("method"), text("target"), text("body"));
        mismatches.extend(waymark_contract::mismatches(&Exchange {
            method: &method,
            target: &target,
            status: reply["status"].as_u64().expect("a status") as u16,
            content_type: reply["content_type"].as_str(),
            body: body.as_bytes(),
        }));
    }
    assert!(text.lines().count() > 1, "the client asked for nothing");
    assert!(mismatches.is_empty(), "{}", mismatches.into_iter().collect::<Vec<_>>().join("\n"));
}

fn started(command: &mut Command) {
    let output = command.output().expect("interop/run");
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_ne!(output.status.code(), Some(TOOL_MISSING), "a tool is missing; run: bash tools/packages\n{told}");
    assert!(output.status.success(), "{told}");
    println!("{told}");
}

#[test]
fn the_python_sdk() {
    run("python_sdk");
}

#[test]
fn the_python_sdk_of_before() {
    run("legacy_sdk");
}

#[test]
fn the_typescript_sdk() {
    run("typescript_sdk");
}

#[test]
fn lexicon() {
    run("dns_lexicon");
}

#[test]
fn octodns() {
    run("octodns_sync");
}

#[test]
fn certbot() {
    let directory = Scratch::new();
    let server = Server::start_with(directory.path(), &["--record-replies", REPLIES]);
    let order = ["--data-dir", "data", "token", "create", "--permission", "user-read"];
    let token = program::run(directory.path(), &order).stdout;
    let token = String::from_utf8(token).expect("a token");
    started(script("certbot_plugin", &server).args(["--poor-token", token.trim()]));
    replies_match(&directory.join(REPLIES));
}

#[test]
fn ddclient() {
    let directory = Scratch::new();
    let certificate = Certificate::make(directory.path(), tls::LATER);
    let (server, base) = tls::server(&directory, &certificate, &["--record-replies", REPLIES]);
    // It wants a dot in the name.
    started(
        script("ddclient", &server)
            .args(["--tls-base", &base.replace("localhost", "127.0.0.1"), "--authority"])
            .arg(&certificate.authority),
    );
    replies_match(&directory.join(REPLIES));
}

#[test]
fn dig() {
    run("dig");
}

#[test]
fn kdig() {
    run("kdig");
}

#[test]
fn record_encodings() {
    started(Command::new(root().join("interop/run")).arg("record_encodings"));
}

/// dnspython reads zone files, what was exported and dumped of them, and DNS: all say the same.
#[test]
fn zone_files() {
    let directory = Scratch::new();
    let server = Server::start(directory.path());
    crate::zone_files::in_and_out(&directory);
    let mut command = Command::new(root().join("interop/run"));
    started(command.args(["zone_files", "--bootstrap"]).arg(&server.bootstrap_file).arg(directory.path()));
}

/// Generated zones and questions: NSD, Knot, BIND, PowerDNS and Waymark differ in nothing that is not listed.
#[test]
fn references() {
    let mut command = Command::new(root().join("interop/run"));
    started(command.args(["references", "--zone-server"]).arg(zone_server()));
}

/// The example of `crates/serve`, which is built with the tests of the workspace.
fn zone_server() -> PathBuf {
    let tests = std::env::current_exe().expect("the path of this binary");
    let built = tests.ancestors().nth(2).expect("target/PROFILE/deps/TEST").join("examples/zone_server");
    assert!(built.exists(), "run: cargo build -p waymark-serve --example zone_server");
    built
}
