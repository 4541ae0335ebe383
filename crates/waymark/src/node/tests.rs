use std::net::TcpListener;

use waymark_wire::Rcode;

use super::*;
use crate::directory::DirectoryError;
use crate::observe::metrics::METRICS;
use crate::scratch::{Scratch, answers, ask, get, put, zone};

#[test]
fn a_node_answers_what_was_just_written() {
    let scratch = Scratch::new();
    let node = scratch.start();
    assert!(node.bootstrap().is_some());
    let zone = zone(&node, "example.com");
    for number in 1..=20 {
        put(&node, &zone, &format!("n{number}"), "A", &format!("192.0.2.{number}"));
        assert_eq!(answers(&node, &format!("n{number}.example.com"), "A"), [format!("192.0.2.{number}")]);
    }
    assert_eq!(ask(&node, "missing.example.com", "A").rcode, Rcode::NXDOMAIN);
    assert_eq!(ask(&node, "example.org", "A").rcode, Rcode::REFUSED);
    node.stop();
}

#[test]
fn a_second_start_knows_everything_and_shows_no_secrets() {
    let scratch = Scratch::new();
    let node = scratch.start();
    let example = zone(&node, "example.com");
    put(&node, &example, "www", "A", "192.0.2.1");
    let applied = node.progress().applied();
    node.stop();
    let node = scratch.start();
    assert!(node.bootstrap().is_none());
    assert_eq!(node.progress().applied(), applied);
    assert_eq!(node.progress().edge_file(), applied, "the first stop left a whole edge file");
    assert_eq!(node.progress().edge_file_fills(), 0, "which was loaded, not made anew");
    assert_eq!(answers(&node, "www.example.com", "A"), ["192.0.2.1"]);
    node.stop();
}

#[test]
fn a_directory_has_one_node() {
    let scratch = Scratch::new();
    let node = scratch.start();
    let options = NodeOptions { directory_wait: std::time::Duration::ZERO, ..NodeOptions::default() };
    let refused = Node::start(scratch.config(), options).err().unwrap();
    assert!(matches!(&refused, StartError::Directory(DirectoryError::InUse { .. })), "{refused}");
    node.stop();
    scratch.start().stop();
}

#[test]
fn a_taken_port_leaves_nothing_behind() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let scratch = Scratch::new();
    let mut config = scratch.config();
    config.api.listen = Some(address);
    let refused = Node::start(config, NodeOptions::default()).err().unwrap();
    assert!(matches!(&refused, StartError::ApiListen { .. }), "{refused}");
    assert!(refused.to_string().contains(&address.to_string()) && refused.to_string().contains("--api-listen"));
    let mut config = scratch.config();
    config.dns.listen = vec![address];
    let refused = Node::start(config, NodeOptions::default()).err().unwrap();
    assert!(matches!(&refused, StartError::DnsListen(_)), "{refused}");
    assert!(refused.to_string().contains("--dns-listen"));
    let node = scratch.start();
    assert!(node.bootstrap().is_some(), "still a first start");
    node.stop();
}

#[test]
fn a_damaged_store_is_one_sentence() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path().join("data")).unwrap();
    std::fs::write(scratch.path().join("data/waymark.sqlite"), vec![b'x'; 8192]).unwrap();
    let refused = Node::start(scratch.config(), NodeOptions::default()).err().unwrap();
    assert!(matches!(&refused, StartError::Damaged(_)), "{refused}");
    assert_eq!(refused.to_string().lines().count(), 1);
}

#[test]
fn a_bootstrap_file_is_written_once_and_never_over_another() {
    let scratch = Scratch::new();
    let path = scratch.path().join("bootstrap.json");
    std::fs::write(&path, "another's").unwrap();
    let options = NodeOptions { bootstrap_file: Some(path.clone()), ..NodeOptions::default() };
    let refused = Node::start(scratch.config(), options.clone()).err().unwrap();
    assert!(matches!(&refused, StartError::BootstrapFile { .. }), "{refused}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "another's");
    std::fs::remove_file(&path).unwrap();
    let node = Node::start(scratch.config(), options.clone()).unwrap();
    let written: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(written["token"], node.bootstrap().unwrap().token);
    assert_eq!(written["api_base"], node.api_base());
    assert_eq!(written["dns_address"], node.dns_address().to_string());
    node.stop();
    let node = Node::start(scratch.config(), options).unwrap();
    assert!(node.bootstrap().is_none());
    node.stop();
}

#[test]
fn health_is_well_and_every_metric_is_there() {
    let scratch = Scratch::new();
    let node = scratch.start();
    let (status, body) = get(node.api_address(), "/healthz");
    let health: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &health["status"]), (200, &serde_json::json!("ok")), "{body}");
    assert_eq!(health["journal"]["committed"], health["journal"]["applied"]);
    assert_eq!(health["dns"]["answering"], true);
    ask(&node, "example.org", "A");
    assert_eq!(get(node.api_address(), "/client/v4/nothing").0, 404);
    let (status, text) = get(node.api_address(), "/metrics");
    assert_eq!(status, 200);
    for metric in METRICS {
        let name = metric.sample_name();
        let starts = |line: &str| line.strip_prefix(&name).is_some_and(|rest| rest.starts_with([' ', '{']));
        assert!(text.lines().any(starts), "{name} has no sample:\n{text}");
        assert!(text.contains(&format!("# HELP {} {}\n", metric.name, metric.help)), "{name}");
    }
    assert!(text.contains(r#"waymark_dns_answers_total{transport="udp",rcode="REFUSED"} 1"#), "{text}");
    assert!(text.ends_with("# EOF\n"));
    node.stop();
}

#[test]
fn the_wildcard_is_reached_over_loopback() {
    let text = |address: &str| reachable(address.parse().unwrap()).to_string();
    assert_eq!(text("0.0.0.0:1053"), "127.0.0.1:1053");
    assert_eq!(text("[::]:1053"), "[::1]:1053");
    assert_eq!(text("192.0.2.1:53"), "192.0.2.1:53");
}
