//! What an operator sets about the nameserver is what it does: cookies, identity, the order of records.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use waymark::config::{AnswerText, Config, CookieSecrets, Setting};
use waymark_zone::answer::RRsetOrder;

use crate::harness::Node;
use crate::harness::dns::{self, Over};

const SECRET: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";
const NEXT_SECRET: &str = "445536bcd2513298075a5d379663c962";
const CLIENT_COOKIE: &[u8; 8] = b"a client";

const COOKIE: u8 = 10;
const NSID: u8 = 3;

fn node(change: impl FnOnce(&mut Config)) -> Node {
    Node::start_with(|config, _| change(config))
}

/// The data of the option with this code in the answer to a question that has the option with `data`.
fn option(server: SocketAddr, code: u8, data: &[u8]) -> Option<Vec<u8>> {
    let mut query = dns::question("nowhere.test", "A").to_wire(dns::random_id(), false, None);
    query[11] = 1;
    query.extend([0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, data.len() as u8 + 4, 0, code, 0, data.len() as u8]);
    query.extend(data);
    let reply = dns::exchange(server, Over::Udp, &query).expect("an answer");
    // The answer is REFUSED: a header, the question and the OPT record.
    let question_end = 12 + b"\x07nowhere\x04test\0".len() + 4;
    let mut options = &reply[question_end + 11..];
    while let [0, found, high, low, rest @ ..] = options {
        let (value, after) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        if *found == code {
            return Some(value.to_vec());
        }
        options = after;
    }
    None
}

/// The text in class CH under this name, or the response code.
fn chaos(server: SocketAddr, owner: &str) -> Result<String, u8> {
    let mut query = dns::question(owner, "TXT").to_wire(dns::random_id(), false, None);
    let class = query.len() - 1;
    query[class] = 3;
    let reply = dns::exchange(server, Over::Udp, &query).expect("an answer");
    match reply[3] & 0x0f {
        // A pointer, type, class, TTL and length, and the one string.
        0 => Ok(String::from_utf8(reply[query.len() + 13..].to_vec()).unwrap()),
        rcode => Err(rcode),
    }
}

#[test]
fn servers_with_one_secret_take_each_others_cookies_through_a_rollover() {
    let with = |secrets: &str| {
        let secrets = CookieSecrets::from_text(secrets).unwrap();
        node(|config| config.dns.cookie_secrets = secrets)
    };
    let ask = |node: &Node, cookie: &[u8]| option(node.dns(), COOKIE, cookie).expect("a cookie");
    let (old, both, other) = (with(SECRET), with(&format!("{NEXT_SECRET},{SECRET}")), with(NEXT_SECRET));
    let counted = |node: &Node, kind: &str| node.metrics().sum("waymark_dns_cookies_total", &[("cookie", kind)]);
    let made = ask(&old, CLIENT_COOKIE);
    let renewed = ask(&both, &made);
    assert_eq!((counted(&both, "good"), renewed != made), (1.0, true), "the first secret makes a new one");
    ask(&other, &renewed);
    ask(&other, &made);
    assert_eq!((counted(&other, "good"), counted(&other, "bad")), (1.0, 1.0));
}

#[test]
fn a_server_without_a_secret_makes_one_up() {
    let (one, other) = (node(|_| {}), node(|_| {}));
    let made = option(one.dns(), COOKIE, CLIENT_COOKIE).expect("a cookie");
    assert_eq!(option(one.dns(), COOKIE, &made).as_ref(), Some(&made), "its own");
    let theirs = option(other.dns(), COOKIE, &made).expect("a cookie");
    assert_ne!(theirs, made, "another server's is none of ours");
}

#[test]
fn without_cookies_none_is_given() {
    let node = node(|config| config.dns.cookies = false);
    assert_eq!(option(node.dns(), COOKIE, CLIENT_COOKIE), None);
}

#[test]
fn the_server_says_of_itself_what_is_set_and_nothing_else() {
    let questions = ["version.bind", "version.server", "id.server", "hostname.bind"];
    let silent = node(|_| {});
    for question in questions {
        assert_eq!(chaos(silent.dns(), question), Err(5), "{question}");
    }
    assert_eq!(option(silent.dns(), NSID, b""), None);
    let text = |text: &str| AnswerText::from_text(text).unwrap();
    let open = node(|config| {
        config.dns.version = text("Waymark of today");
        config.dns.server_id = text("edge-7");
        config.dns.nsid = text("edge-7.example");
    });
    let said = questions.map(|question| chaos(open.dns(), question).unwrap());
    assert_eq!(said, ["Waymark of today", "Waymark of today", "edge-7", "edge-7"]);
    assert_eq!(option(open.dns(), NSID, b"").as_deref(), Some(&b"edge-7.example"[..]));
}

#[test]
fn records_are_rotated_or_stay_in_their_order() {
    let firsts = |order: RRsetOrder| -> BTreeSet<String> {
        let node = node(|config| config.dns.rrset_order = order);
        let mut zone = node.zone("example.com");
        for last in 1..=3 {
            zone.record("www", "A", &format!("192.0.2.{last}"));
        }
        let ask = |_| dns::ask(node.dns(), Over::Udp, "www.example.com", "A").answers[0].rdata.to_string();
        (0..60).map(ask).collect()
    };
    assert_eq!(firsts(RRsetOrder::Rotate).len(), 3, "each of them comes first");
    assert_eq!(firsts(RRsetOrder::Stable).len(), 1);
}
