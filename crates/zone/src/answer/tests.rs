use std::sync::Arc;

use domain::base::Message;
use domain::base::iana::Rtype;
use domain::rdata::AllRecordData;

use super::*;
use crate::catalog::Catalog;
use crate::published::{Commit, Entry, ScopeChange};
use crate::testing::*;

struct Server {
    catalog: Arc<Catalog>,
}

/// What the tests compare: response code, AA, TC, and the lines of the three sections.
#[derive(Debug, PartialEq)]
struct Reply {
    rcode: u16,
    authoritative: bool,
    truncated: bool,
    answer: Vec<String>,
    authority: Vec<String>,
    additional: Vec<String>,
}

impl Server {
    fn new(entries: Vec<Entry>, scopes: Vec<ScopeChange>) -> Self {
        let (mut writer, catalog) = Catalog::new(7);
        writer.apply(&[Commit { scopes, ..commit(1, entries) }]).unwrap();
        Self { catalog }
    }

    /// One zone, `example`, at every address.
    fn with(lines: &[&str]) -> Self {
        Self::new(vec![delta(1, 1, Some(header("example", 1, &[1])), &[], lines)], vec![])
    }

    fn ask(&self, question: &str) -> Reply {
        self.ask_at(question, "192.0.2.53", Transport::Tcp)
    }

    fn ask_at(&self, question: &str, address: &str, transport: Transport) -> Reply {
        let request = request(question, true);
        let mut out = vec![0; 65_535];
        let mut reader = self.catalog.reader();
        let address = address.parse().unwrap();
        let answered = answer_bytes(&reader.view(), &request, address, transport, &mut out).unwrap();
        let message = Message::from_octets(&out[..answered.length]).unwrap();
        assert_eq!(message.header().id(), 0x1234);
        assert_eq!(message.header().tc(), answered.truncated);
        let section = |section: &str| -> Vec<String> {
            let records = match section {
                "answer" => message.answer(),
                "authority" => message.authority(),
                _ => message.additional(),
            };
            records
                .unwrap()
                .map(Result::unwrap)
                .filter(|record| record.rtype() != Rtype::OPT)
                .map(|record| {
                    let owner = record.owner().to_string();
                    let record = record.to_record::<AllRecordData<_, _>>().unwrap().unwrap();
                    format!("{owner} {} {} {}", record.ttl().as_secs(), record.rtype(), record.data())
                })
                .collect()
        };
        Reply {
            rcode: answered.rcode.0,
            authoritative: message.header().aa(),
            truncated: answered.truncated,
            answer: section("answer"),
            authority: section("authority"),
            additional: section("additional"),
        }
    }
}

/// The answer to a request in bytes, RRsets in their stable order, nothing supplied.
fn answer_bytes(
    view: &View<'_>,
    request: &[u8],
    asked: IpAddr,
    transport: Transport,
    out: &mut [u8],
) -> Option<Answered> {
    let circumstances = Circumstances { asked, transport, cookie: Cookie::None, keepalive: None };
    let settings = Settings { rrset_order: RRsetOrder::Stable, ..Settings::default() };
    let request = Request::parse(request);
    answer(view, &request, &circumstances, &settings, &NoSupplies, &mut Needs::new(), out).answered()
}

fn request(question: &str, edns: bool) -> Vec<u8> {
    let (owner, kind) = question.split_once(' ').unwrap();
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(edns)];
    for label in owner.split('.').filter(|label| !label.is_empty()) {
        message.push(label.len() as u8);
        message.extend_from_slice(label.as_bytes());
    }
    message.push(0);
    message.extend(record_type(kind).0.to_be_bytes());
    message.extend([0, 1]);
    if edns {
        message.extend(b"\0\0\x29\x04\xd0\0\0\0\0\0\0");
    }
    message
}

const SOA: &str = "example 1800 SOA a.ns.test. dns.test. 1 10000 2400 604800 1800";

fn positive(lines: &[&str]) -> Reply {
    Reply {
        rcode: 0,
        authoritative: true,
        truncated: false,
        answer: lines.iter().map(|line| line.to_string()).collect(),
        authority: vec![],
        additional: vec![],
    }
}

fn negative(rcode: u16) -> Reply {
    Reply { rcode, authority: vec![SOA.into()], ..positive(&[]) }
}

#[test]
fn an_rrset_is_answered_in_the_case_that_was_asked() {
    let server = Server::with(&["www.example A 192.0.2.1", "www.example A 192.0.2.2"]);
    assert_eq!(server.ask("WwW.eXample A"), positive(&["WwW.eXample 300 A 192.0.2.1", "WwW.eXample 300 A 192.0.2.2"]));
}

#[test]
fn absence_comes_with_the_soa_and_its_negative_ttl() {
    let server = Server::with(&["www.example A 192.0.2.1"]);
    assert_eq!(server.ask("www.example AAAA"), negative(0));
    assert_eq!(server.ask("ftp.example A"), negative(3));
    assert_eq!(server.ask("a.www.example A"), negative(3));
}

#[test]
fn empty_non_terminals_exist() {
    let server = Server::with(&["a.b.c.example A 192.0.2.1"]);
    assert_eq!(server.ask("b.c.example A"), negative(0));
    assert_eq!(server.ask("c.example A"), negative(0));
    assert_eq!(server.ask("x.c.example A"), negative(3));
}

#[test]
fn wildcards_stand_for_names_that_do_not_exist() {
    let server = Server::with(&["*.example A 192.0.2.3", "sub.example TXT text", "*.deep.example CNAME www.elsewhere"]);
    assert_eq!(server.ask("x.example A"), positive(&["x.example 300 A 192.0.2.3"]));
    assert_eq!(server.ask("x.y.example A"), positive(&["x.y.example 300 A 192.0.2.3"]));
    assert_eq!(server.ask("x.example AAAA"), negative(0));
    // RFC 4592 section 2.2.1: a name that exists stops the wildcard for itself and all below it.
    assert_eq!(server.ask("sub.example A"), negative(0));
    assert_eq!(server.ask("x.sub.example A"), negative(3));
    assert_eq!(server.ask("x.deep.example A").answer, ["x.deep.example 300 CNAME www.elsewhere."]);
    assert_eq!(server.ask("*.example A"), positive(&["*.example 300 A 192.0.2.3"]));
}

#[test]
fn the_apex_is_given_by_the_header() {
    let server = Server::with(&["example A 192.0.2.1"]);
    assert_eq!(
        server.ask("example SOA"),
        positive(&["example 3600 SOA a.ns.test. dns.test. 1 10000 2400 604800 1800"])
    );
    assert_eq!(server.ask("example NS"), positive(&["example 86400 NS a.ns.test.", "example 86400 NS b.ns.test."]));
    assert_eq!(server.ask("example A"), positive(&["example 300 A 192.0.2.1"]));
    assert_eq!(server.ask("example TXT"), negative(0));
}

#[test]
fn aliases_are_followed_to_their_end() {
    let server = Server::with(&[
        "a.example CNAME b.example.",
        "b.example CNAME c.example.",
        "c.example A 192.0.2.1",
        "gone.example CNAME nowhere.example.",
        "out.example CNAME www.elsewhere.",
        "loop.example CNAME loop.example.",
        "one.example CNAME two.example.",
        "two.example CNAME one.example.",
    ]);
    assert_eq!(
        server.ask("a.example A"),
        positive(&["a.example 300 CNAME b.example.", "b.example 300 CNAME c.example.", "c.example 300 A 192.0.2.1"])
    );
    assert_eq!(server.ask("a.example CNAME"), positive(&["a.example 300 CNAME b.example."]));
    let alias = vec!["gone.example 300 CNAME nowhere.example.".to_owned()];
    assert_eq!(server.ask("gone.example A"), Reply { answer: alias, ..negative(3) });
    assert_eq!(server.ask("out.example A"), positive(&["out.example 300 CNAME www.elsewhere."]));
    assert_eq!(server.ask("loop.example A"), positive(&["loop.example 300 CNAME loop.example."]));
    assert_eq!(
        server.ask("one.example A"),
        positive(&["one.example 300 CNAME two.example.", "two.example 300 CNAME one.example."])
    );
}

#[test]
fn names_at_and_below_a_cut_are_referred() {
    let server = Server::with(&[
        "sub.example NS ns.sub.example.",
        "sub.example NS ns.other.example.",
        "sub.example NS ns.elsewhere.",
        "ns.sub.example A 192.0.2.1",
        "ns.other.example AAAA 2001:db8::1",
        "hidden.sub.example TXT hidden",
        "to.example CNAME x.sub.example.",
    ]);
    let referral = |answer: &[&str]| Reply {
        authoritative: !answer.is_empty(),
        authority: vec![
            "sub.example 300 NS ns.sub.example.".into(),
            "sub.example 300 NS ns.other.example.".into(),
            "sub.example 300 NS ns.elsewhere.".into(),
        ],
        additional: vec!["ns.sub.example 300 A 192.0.2.1".into(), "ns.other.example 300 AAAA 2001:db8::1".into()],
        ..positive(answer)
    };
    assert_eq!(server.ask("sub.example A"), referral(&[]));
    assert_eq!(server.ask("sub.example NS"), referral(&[]));
    assert_eq!(server.ask("a.b.sub.example A"), referral(&[]));
    assert_eq!(server.ask("hidden.sub.example TXT"), referral(&[]), "occluded data does not leak");
    assert_eq!(server.ask("to.example A"), referral(&["to.example 300 CNAME x.sub.example."]));
    assert_eq!(server.ask("sub.example DS"), negative(0), "DS belongs to this side of the cut");
}

#[test]
fn what_is_not_served_is_refused() {
    let server = Server::with(&["www.example A 192.0.2.1"]);
    assert_eq!(server.ask("www.other A"), Reply { rcode: 5, authoritative: false, ..positive(&[]) });
    assert_eq!(server.ask("example AXFR").rcode, 5);
    assert_eq!(server.ask(". NS").rcode, 5);
}

#[test]
fn any_gets_one_rrset() {
    let server = Server::with(&["www.example A 192.0.2.1", "www.example TXT text"]);
    assert_eq!(server.ask("www.example ANY"), positive(&["www.example 300 A 192.0.2.1"]));
    assert_eq!(server.ask("no.example ANY"), negative(3));
}

#[test]
fn what_does_not_fit_is_cut_by_whole_rrsets() {
    let lines: Vec<String> = (0..90).map(|n| format!("big.example A 192.0.2.{n}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let server = Server::with(&lines);
    let cut = server.ask_at("big.example A", "192.0.2.53", Transport::Udp);
    assert_eq!(cut, Reply { truncated: true, ..positive(&[]) });
    assert_eq!(server.ask("big.example A").answer.len(), 90);
}

#[test]
fn the_server_keeps_to_what_the_asker_can_take() {
    let lines: Vec<String> = (0..40).map(|n| format!("big.example A 192.0.2.{n}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let server = Server::with(&lines);
    // 40 records are 640 octets: too much for 512, not for the 1232 of the asker with EDNS.
    assert!(!server.ask_at("big.example A", "192.0.2.53", Transport::Udp).truncated);
    let mut out = [0; 1232];
    let mut reader = server.catalog.reader();
    let plain = request("big.example A", false);
    let address = "192.0.2.53".parse().unwrap();
    let answered = answer_bytes(&reader.view(), &plain, address, Transport::Udp, &mut out).unwrap();
    assert!(answered.truncated && answered.length <= 512);
}

fn two_accounts() -> Server {
    // Two accounts claim `shop.test`; each has its own scope. The first is the oldest claim.
    Server::new(
        vec![
            delta(1, 1, Some(header("shop.test", 1, &[1, 2])), &[], &["www.shop.test A 192.0.2.1"]),
            delta(2, 1, Some(header("shop.test", 2, &[3])), &[], &["www.shop.test A 192.0.2.2"]),
        ],
        vec![addresses(2, &["127.53.0.2", "fd53::2"]), addresses(3, &["127.53.0.3"])],
    )
}

#[test]
fn the_address_asked_decides_between_zones_of_one_name() {
    let server = two_accounts();
    for (address, data) in [
        ("127.53.0.2", "192.0.2.1"),
        ("fd53::2", "192.0.2.1"),
        ("127.53.0.3", "192.0.2.2"),
        ("198.51.100.1", "192.0.2.1"),
    ] {
        let reply = server.ask_at("www.shop.test A", address, Transport::Udp);
        assert_eq!(reply, positive(&[&format!("www.shop.test 300 A {data}")]), "at {address}");
    }
}

#[test]
fn active_zones_answer_everywhere_and_pending_ones_at_home() {
    let active = proven(header("active.test", 1, &[0, 1, 2]));
    let server = Server::new(
        vec![
            delta(1, 1, Some(active), &[], &["www.active.test A 192.0.2.1"]),
            delta(2, 1, Some(header("www.active.test", 2, &[1, 3])), &[], &["www.active.test A 192.0.2.66"]),
            delta(3, 1, Some(header("pending.test", 2, &[1, 3])), &[], &["www.pending.test A 192.0.2.3"]),
        ],
        vec![addresses(2, &["127.53.0.2"]), addresses(3, &["127.53.0.3"]), addresses(4, &["127.53.0.4"])],
    );
    let data = |question: &str, address: &str| server.ask_at(question, address, Transport::Udp).answer.concat();
    for address in ["127.53.0.2", "127.53.0.4", "198.51.100.1"] {
        assert_eq!(data("www.active.test A", address), "www.active.test 300 A 192.0.2.1", "at {address}");
    }
    assert_eq!(server.ask_at("www.pending.test A", "127.53.0.4", Transport::Udp).rcode, 5);
    assert_eq!(data("www.pending.test A", "127.53.0.3"), "www.pending.test 300 A 192.0.2.3");
    assert_eq!(data("www.pending.test A", "198.51.100.1"), "www.pending.test 300 A 192.0.2.3");
    // The claim on a name below somebody's active zone answers in its own scope only.
    assert_eq!(data("www.active.test A", "127.53.0.3"), "www.active.test 300 A 192.0.2.66");
}

#[test]
fn a_child_in_the_same_scope_answers_but_for_ds() {
    let server = Server::new(
        vec![
            delta(1, 1, Some(header("parent.test", 1, &[1])), &[], &["sub.parent.test NS ns.sub.parent.test."]),
            delta(2, 1, Some(header("sub.parent.test", 1, &[1])), &[], &["sub.parent.test A 192.0.2.1"]),
        ],
        vec![],
    );
    assert_eq!(server.ask("sub.parent.test A"), positive(&["sub.parent.test 300 A 192.0.2.1"]));
    assert!(server.ask("sub.parent.test DS").authority[0].starts_with("parent.test 1800 SOA"));
}

#[test]
fn aliases_cross_only_into_kin_and_proven_zones() {
    let entries = |foreign: crate::ZoneHeader| {
        vec![
            delta(
                1,
                1,
                Some(header("here.test", 1, &[1])),
                &[],
                &[
                    "kin.here.test CNAME www.kin.test.",
                    "foreign.here.test CNAME www.foreign.test.",
                    "below.here.test CNAME x.cut.kin.test.",
                    "stolen.here.test CNAME www.sub.here.test.",
                    "www.sub.here.test A 192.0.2.1",
                ],
            ),
            delta(2, 1, Some(header("kin.test", 1, &[1])), &[], &["www.kin.test A 192.0.2.2", "cut.kin.test NS ns.x."]),
            delta(3, 1, Some(foreign), &[], &["www.foreign.test A 192.0.2.3"]),
            delta(4, 1, Some(header("sub.here.test", 2, &[1])), &[], &["www.sub.here.test A 192.0.2.66"]),
        ]
    };
    let server = Server::new(entries(header("foreign.test", 2, &[1])), vec![]);
    assert_eq!(
        server.ask("kin.here.test A"),
        positive(&["kin.here.test 300 CNAME www.kin.test.", "www.kin.test 300 A 192.0.2.2"])
    );
    assert_eq!(server.ask("foreign.here.test A"), positive(&["foreign.here.test 300 CNAME www.foreign.test."]));
    assert_eq!(server.ask("below.here.test A"), positive(&["below.here.test 300 CNAME x.cut.kin.test."]));
    // Somebody else's claim on a name below ours does not get into our answers.
    assert_eq!(server.ask("stolen.here.test A").answer[1], "www.sub.here.test 300 A 192.0.2.1");
    let server = Server::new(entries(proven(header("foreign.test", 2, &[0, 1]))), vec![]);
    assert_eq!(server.ask("foreign.here.test A").answer[1], "www.foreign.test 300 A 192.0.2.3");
}

#[test]
fn edns_of_another_version_is_refused_as_rfc_6891_says() {
    let server = Server::with(&[]);
    let mut message = request("example SOA", true);
    let at = message.len() - 5;
    message[at] = 1;
    let mut out = [0; 512];
    let mut reader = server.catalog.reader();
    let address = "192.0.2.53".parse().unwrap();
    let answered = answer_bytes(&reader.view(), &message, address, Transport::Udp, &mut out).unwrap();
    assert_eq!(answered.rcode, Rcode::BADVERS);
}

#[test]
fn requests_that_are_no_queries_get_a_header_or_nothing() {
    let server = Server::with(&[]);
    let mut out = [0; 512];
    let mut reader = server.catalog.reader();
    let mut reply = |message: &[u8]| {
        let address = "192.0.2.53".parse().unwrap();
        answer_bytes(&reader.view(), message, address, Transport::Udp, &mut out).map(|a| (a.length, a.rcode))
    };
    assert_eq!(reply(b"short"), None);
    assert_eq!(reply(&[0, 1, 0x28, 0, 0, 1, 0, 0, 0, 0, 0, 0]), Some((12, Rcode::REFUSED)));
    assert_eq!(reply(&[0, 1, 0x10, 0, 0, 1, 0, 0, 0, 0, 0, 0]), Some((12, Rcode::NOTIMP)));
    assert_eq!(reply(&[0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]), Some((12, Rcode::FORMERR)));
}
