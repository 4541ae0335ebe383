//! What the tests of this crate share: a directory that goes with the test, nodes on free ports, and questions.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use waymark_control::{Actor, Grant, Kind, NewRecord, NewZone, Status, Zone};
use waymark_resolve::{Question, Reply};
use waymark_wire::records::row_by_mnemonic;

use crate::config::{Config, Count, Limit};
use crate::{Node, NodeOptions};

/// A directory for one test, removed with it.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let mut id = [0; 8];
        getrandom::fill(&mut id).unwrap();
        let path = std::env::temp_dir().join(format!("waymark-test-{:016x}", u64::from_ne_bytes(id)));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A configuration on free ports, with its data in here.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::default();
        config.data.dir = self.0.join("data");
        config.api.listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        config.dns.listen = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
        config.dns.workers = Count(1);
        config.limits.requests_per_5_minutes = Limit(0);
        config
    }

    pub(crate) fn start(&self) -> Node {
        Node::start(self.config(), NodeOptions::default()).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Makes a zone in the first account, in force.
pub(crate) fn zone(node: &Node, name: &str) -> Zone {
    node.block_on(async {
        let control = node.control();
        let page = waymark_control::Page { page: 1, per_page: 1 };
        let accounts = control.account_list(&Grant::operator(), Default::default(), page).await.unwrap();
        let new = NewZone { account: accounts.items[0].id, name: name.to_owned(), kind: Kind::Full };
        let zone = control.zone_create(&Grant::operator(), new).await.unwrap();
        control.zone_set_status(Actor::Operator, zone.id, Status::Active, false).await.unwrap()
    })
}

/// A record to be made.
pub(crate) fn record(name: &str, record_type: &str, content: &str) -> NewRecord {
    NewRecord {
        name: name.to_owned(),
        record_type: record_type.to_owned(),
        content: content.to_owned(),
        ttl: Some(300),
        ..NewRecord::default()
    }
}

/// Makes a record.
pub(crate) fn put(node: &Node, zone: &Zone, name: &str, record_type: &str, content: &str) {
    let new = record(name, record_type, content);
    node.block_on(node.control().record_create(&Grant::operator(), zone.id, new)).unwrap();
}

/// Asks the node, once.
pub(crate) fn ask(node: &Node, name: &str, mnemonic: &str) -> Reply {
    let record_type = row_by_mnemonic(mnemonic).unwrap().record_type;
    let question = Question { name: name.parse().unwrap(), record_type };
    let options = waymark_resolve::Options::authoritative(Duration::from_secs(20));
    node.block_on(waymark_resolve::ask(node.dns_address(), &question, &options)).unwrap().0
}

/// The data of the answer section.
pub(crate) fn answers(node: &Node, name: &str, mnemonic: &str) -> Vec<String> {
    ask(node, name, mnemonic).answers.iter().map(|record| record.rdata.to_string()).collect()
}

/// Status and body of a GET.
pub(crate) fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Looks again until it is so. What is waited for happens on another thread and says so nowhere else.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = std::time::Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(std::time::Instant::now() < until, "{what}");
        std::thread::yield_now();
    }
}
