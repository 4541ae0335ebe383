use std::time::Duration;

use super::conversation::{Hearing, Saying};
use super::frames::Frame;
use super::*;
use crate::directory::control_socket;
use crate::operator::exchange::{Patience, Said, Told, ZoneImport, ZoneQuery};
use crate::operator::{AccountLine, TokenOrder, ZoneLine};
use crate::scratch::{Scratch, ask, zone};

#[test]
fn every_operation_passes_through() {
    let scratch = Scratch::new();
    let node = scratch.start();
    zone(&node, "example.com");
    let socket = control_socket(&scratch.config().data.dir);
    let ask_for = |operation: Operation| request(&socket, &operation).unwrap();
    let Outcome::Accounts(before) = ask_for(Operation::AccountList) else { panic!() };
    let made = ask_for(Operation::AccountCreate { name: "second".to_owned(), member: None });
    let Outcome::Accounts(made) = made else { panic!() };
    let Outcome::Accounts(after) = ask_for(Operation::AccountList) else { panic!() };
    assert_eq!((before.len(), after.len()), (1, 2));
    let AccountLine { id, name } = &made[0];
    assert_eq!(name, "second");
    let token = Operation::TokenCreate(TokenOrder { account: Some(id.clone()), ..TokenOrder::default() });
    let Outcome::Token { token, .. } = ask_for(token) else { panic!() };
    node.block_on(node.control().authenticate_token(&token)).unwrap();
    let zones = zones(&socket);
    let found: Vec<&ZoneLine> = zones.iter().filter(|zone| zone.name == "example.com").collect();
    assert_eq!((found.len(), found[0].status.as_str(), found[0].name_servers.len()), (1, "active", 2));
    let octets: u64 = zones.iter().filter_map(|zone| zone.octets).sum();
    let Outcome::Status(status) = ask_for(Operation::Status) else { panic!() };
    assert!(octets > 0 && status.octets == octets, "{} octets in the list, {} in all", octets, status.octets);
    assert!(
        status.running && status.api_base == node.api_base() && status.committed == Some(status.applied),
        "{status:?}"
    );
    node.stop();
    assert!(matches!(request(&socket, &Operation::Status), Err(RequestError::NobodyThere)));
}

/// All zones, as an exchange lists them.
fn zones(socket: &Path) -> Vec<ZoneLine> {
    let (_saying, mut hearing) = begin(socket, &Exchange::ZoneList(ZoneQuery::default()));
    let mut zones = Vec::new();
    loop {
        match hearing.frame().unwrap() {
            Frame::Message(Told::Zone(line)) => zones.push(line),
            Frame::Message(Told::Done) => return zones,
            other => panic!("{other:?}"),
        }
    }
}

fn begin(socket: &Path, exchange: &Exchange) -> (Saying, Hearing) {
    conversation::begin(connect(socket).unwrap(), exchange).unwrap()
}

#[test]
fn an_exchange_that_cannot_be_ends_with_a_sentence() {
    let scratch = Scratch::new();
    let node = scratch.start();
    let socket = control_socket(&scratch.config().data.dir);
    let failed = |exchange: Exchange| {
        let (_saying, mut hearing) = begin(&socket, &exchange);
        let Frame::Message(Told::Failed(sentence)) = hearing.frame().unwrap() else { panic!() };
        assert!(hearing.frame().is_err(), "the last word");
        sentence
    };
    let missing = || "missing.example".to_owned();
    assert_eq!(failed(Exchange::ZoneDump { zone: missing() }), "there is no zone missing.example");
    assert_eq!(failed(Exchange::ZoneExport { zone: Some(missing()) }), "there is no zone missing.example");
    let query = |account: Option<&str>, status: Option<&str>| {
        let (account, status) = (account.map(str::to_owned), status.map(str::to_owned));
        Exchange::ZoneList(ZoneQuery { name: None, account, status })
    };
    assert_eq!(failed(query(Some("x"), None)), "there is no account \"x\": `waymark account list` shows names and ids");
    assert_eq!(failed(query(None, Some("x"))), "\"x\" is not the status of a zone");
    let import = ZoneImport { account: Some("x".to_owned()), ..ZoneImport::default() };
    assert_eq!(
        failed(Exchange::ZoneImport(import)),
        "there is no account \"x\": `waymark account list` shows names and ids"
    );
    node.stop();
}

#[test]
fn frames_out_of_place_end_the_exchange_and_nothing_else() {
    let scratch = Scratch::new();
    let node = scratch.start();
    let socket = control_socket(&scratch.config().data.dir);
    let file = || Said::File { name: "f".to_owned(), origin: None };
    for wrong in [vec![Said::FileEnd], vec![file(), file()], vec![file(), Said::End]] {
        let (mut saying, mut hearing) = begin(&socket, &Exchange::ZoneImport(ZoneImport::default()));
        wrong.iter().for_each(|said| saying.say(said).unwrap());
        saying.send().unwrap();
        assert!(hearing.frame().is_err());
    }
    assert!(request(&socket, &Operation::Status).is_ok());
    node.stop();
}

#[test]
fn a_status_given_by_the_operator_is_answered_at_once() {
    let scratch = Scratch::new();
    let node = scratch.start();
    zone(&node, "example.com");
    let socket = control_socket(&scratch.config().data.dir);
    for (active, expected) in [(false, "pending"), (true, "active")] {
        let operation = Operation::ZoneStatus { zone: "example.com".to_owned(), active };
        let Outcome::Zones(zones) = request(&socket, &operation).unwrap() else { panic!() };
        assert_eq!(zones[0].status, expected);
        // The address of no nameserver: all zones answer there, whatever their status.
        assert!(ask(&node, "example.com", "SOA").authoritative);
    }
    node.stop();
}

#[test]
fn refusals_are_sentences() {
    let scratch = Scratch::new();
    let node = scratch.start();
    let socket = control_socket(&scratch.config().data.dir);
    let sentence = |operation: Operation| match request(&socket, &operation) {
        Err(RequestError::Refused(sentence)) => sentence,
        other => panic!("{other:?}"),
    };
    let zone = Operation::ZoneStatus { zone: "missing.example".to_owned(), active: true };
    assert_eq!(sentence(zone), "there is no zone missing.example");
    let token = Operation::TokenCreate(TokenOrder { account: Some("x".to_owned()), ..TokenOrder::default() });
    assert_eq!(sentence(token), "there is no account \"x\": `waymark account list` shows names and ids");
    let token = Operation::TokenCreate(TokenOrder { user: Some("no@body".to_owned()), ..TokenOrder::default() });
    assert_eq!(sentence(token), "there is no user \"no@body\": give the email address of one there is");
    let zone = Operation::ZoneStatus { zone: "waymark.test".to_owned(), active: false };
    assert!(sentence(zone).contains("its status cannot be changed"));
    let name = "two\nlines".to_owned();
    assert!(sentence(Operation::AccountCreate { name, member: None }).contains("no control characters"));
    node.stop();
}

#[test]
fn the_socket_is_private_and_survives_what_it_does_not_understand() {
    let scratch = Scratch::new();
    let node = scratch.start();
    let path = control_socket(&scratch.config().data.dir);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut stream = BlockingUnixStream::connect(&path).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    for (request, answer) in [("nonsense\n", "{\"error\":"), ("{\"operation\":\"status\"}\n", "{\"ok\":")] {
        stream.write_all(request.as_bytes()).unwrap();
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert!(line.starts_with(answer), "{line}");
    }
    node.stop();
}

#[test]
fn a_long_path_is_no_obstacle() {
    let scratch = Scratch::new();
    let mut config = scratch.config();
    config.data.dir = scratch.path().join("d".repeat(120));
    let node = crate::Node::start(config.clone(), crate::NodeOptions::default()).unwrap();
    assert!(request(&control_socket(&config.data.dir), &Operation::Status).is_ok());
    node.stop();
}

/// A target without a server around it.
struct Bare(Control);

impl Target for Bare {
    fn control(&self) -> Result<&Control, String> {
        Ok(&self.0)
    }

    fn catalog(&self) -> Option<&Catalog> {
        None
    }

    fn status(&self) -> Status {
        panic!("nobody asks for it")
    }

    async fn edge_file(&self) -> Result<Option<Snapshot>, EdgeFileError> {
        Ok(None)
    }
}

#[test]
fn who_is_silent_gives_his_place_and_his_turn() {
    let scratch = Scratch::new();
    let node = scratch.start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let converse_with = |patience: Patience| {
        let (near, far) = BlockingUnixStream::pair().unwrap();
        far.set_nonblocking(true).unwrap();
        let control = node.control().clone();
        runtime.spawn(async move {
            let mut desk = Desk::new(0);
            desk.patience = patience;
            let _ = converse(UnixStream::from_std(far).unwrap(), &Bare(control), &desk).await;
        });
        near
    };
    let (short, long) = (Duration::from_millis(20), Duration::from_secs(3600));
    let mut answer = String::new();
    BufReader::new(converse_with(Patience { request: short, import: long })).read_line(&mut answer).unwrap();
    assert_eq!(answer, "", "closed without a word");

    let near = converse_with(Patience { request: long, import: short });
    let (mut saying, mut hearing) = conversation::begin(near, &Exchange::ZoneImport(ZoneImport::default())).unwrap();
    saying.say(&Said::File { name: "f".to_owned(), origin: None }).unwrap();
    saying.send().unwrap();
    let Frame::Message(Told::Failed(sentence)) = hearing.frame().unwrap() else { panic!() };
    assert!(sentence.starts_with("the command has sent nothing for 0.02 s"), "{sentence}");
    node.stop();
}
