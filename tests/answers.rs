//! Every kind of answer, through real sockets.
//!
//! What an answer must hold is tested in `zone` without a network; here it is shown that the same comes out over UDP
//! and TCP, from the address that was asked, and within the size that the asker can take.

use std::io::ErrorKind;
use std::net::{Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use waymark_resolve::{Options, Reply, Transport};
use waymark_wire::Rcode;

use crate::harness::dns::{self, BOTH, Over, Stream, line};
use crate::harness::{Node, Zone};

/// Texts of 250 octets each.
fn texts(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("\"{number:0250}\"")).collect()
}

fn zone_with_everything(node: &Node) -> Zone<'_> {
    let mut zone = node.zone("example.com");
    for (name, record_type, content) in [
        ("www", "A", "192.0.2.1"),
        ("www", "A", "192.0.2.2"),
        ("www", "AAAA", "2001:db8::1"),
        ("@", "A", "192.0.2.3"),
        ("@", "MX", "mail.example.com"),
        ("mail", "A", "192.0.2.25"),
        ("alias", "CNAME", "hop.example.com"),
        ("hop", "CNAME", "www.example.com"),
        ("outside", "CNAME", "www.example.org"),
        ("dangling", "CNAME", "nowhere.example.com"),
        ("*.wild", "TXT", "\"any\""),
        ("stop.wild", "A", "192.0.2.4"),
        ("deep.below.empty", "A", "192.0.2.5"),
        ("cut", "NS", "ns.cut.example.com"),
        ("cut", "NS", "ns.elsewhere.test"),
        ("ns.cut", "A", "192.0.2.6"),
    ] {
        zone.record(name, record_type, content);
    }
    zone
}

#[test]
fn every_kind_of_answer_over_udp_and_tcp() {
    let node = Node::start();
    let zone = zone_with_everything(&node);
    let www = "A 192.0.2.1, A 192.0.2.2";
    for over in BOTH {
        for (name, record_type, expected) in [
            ("www", "A", format!("NOERROR, aa, {www}")),
            ("www", "AAAA", "NOERROR, aa, AAAA 2001:db8::1".to_owned()),
            ("@", "A", "NOERROR, aa, A 192.0.2.3".to_owned()),
            ("@", "MX", "NOERROR, aa, MX 10 mail.example.com.".to_owned()),
            ("www", "MX", "NOERROR, aa".to_owned()),
            ("nowhere", "A", "NXDOMAIN, aa".to_owned()),
            ("a.www", "A", "NXDOMAIN, aa".to_owned()),
            ("alias", "A", format!("NOERROR, aa, {www}, CNAME hop.example.com., CNAME www.example.com.")),
            ("alias", "CNAME", "NOERROR, aa, CNAME hop.example.com.".to_owned()),
            ("outside", "A", "NOERROR, aa, CNAME www.example.org.".to_owned()),
            ("dangling", "A", "NXDOMAIN, aa, CNAME nowhere.example.com.".to_owned()),
            ("a.wild", "TXT", "NOERROR, aa, TXT \"any\"".to_owned()),
            ("b.a.wild", "TXT", "NOERROR, aa, TXT \"any\"".to_owned()),
            ("a.wild", "A", "NOERROR, aa".to_owned()),
            ("stop.wild", "TXT", "NOERROR, aa".to_owned()),
            ("below.empty", "A", "NOERROR, aa".to_owned()),
            ("empty", "A", "NOERROR, aa".to_owned()),
            ("other.empty", "A", "NXDOMAIN, aa".to_owned()),
        ] {
            assert_eq!(line(&zone.ask(over, name, record_type)), expected, "{name} {record_type} {over:?}");
        }
    }
}

#[test]
fn absence_is_proved_by_the_soa() {
    let node = Node::start();
    let zone = zone_with_everything(&node);
    for over in BOTH {
        for (name, record_type) in [("nowhere", "A"), ("www", "TXT"), ("empty", "A"), ("a.wild", "A")] {
            let reply = zone.ask(over, name, record_type);
            let soa = &reply.authority[..];
            assert_eq!(soa.len(), 1, "{name} {record_type}: {soa:?}");
            assert_eq!(
                (soa[0].owner.to_string(), soa[0].record_type.to_string()),
                ("example.com".into(), "SOA".into())
            );
        }
    }
}

#[test]
fn the_apex_has_a_soa_and_the_assigned_nameservers() {
    let node = Node::start();
    let zone = node.zone("example.com");
    let mut expected: Vec<String> = zone.name_servers.iter().map(|name| format!("{name}.")).collect();
    expected.sort();
    assert_eq!(expected.len(), 2);
    for over in BOTH {
        assert_eq!(dns::data(&zone.ask(over, "@", "NS").answers, "example.com", "NS"), expected);
        let soa = dns::data(&zone.ask(over, "@", "SOA").answers, "example.com", "SOA");
        assert!(
            soa.len() == 1 && soa[0].starts_with(&format!("{}. dns.waymark.test. ", zone.name_servers[0])),
            "{soa:?}"
        );
    }
}

#[test]
fn a_name_below_a_cut_is_referred_with_glue() {
    let node = Node::start();
    let zone = zone_with_everything(&node);
    for over in BOTH {
        for name in ["cut", "www.cut", "ns.cut"] {
            let reply = zone.ask(over, name, "A");
            assert_eq!(line(&reply), "NOERROR", "no authority, no answer: {name}");
            let servers = dns::data(&reply.authority, "cut.example.com", "NS");
            assert_eq!(servers, ["ns.cut.example.com.", "ns.elsewhere.test."]);
            assert_eq!(dns::data(&reply.additional, "ns.cut.example.com", "A"), ["192.0.2.6"]);
        }
    }
}

#[test]
fn what_is_not_ours_is_refused() {
    let node = Node::start();
    let zone = zone_with_everything(&node);
    let at_home = zone.addresses()[0];
    for over in BOTH {
        for server in [at_home, node.dns()] {
            for name in ["example.org", "com", ".", "xexample.com"] {
                assert_eq!(line(&dns::ask(server, over, name, "A")), "REFUSED", "{name} at {server}");
            }
        }
    }
}

#[test]
fn the_asked_name_comes_back_in_the_case_it_was_asked_in() {
    let node = Node::start();
    let zone = zone_with_everything(&node);
    let mut query = dns::question("www.example.com", "A").to_wire(7, false, None);
    query[12..29].copy_from_slice(b"\x03WwW\x07eXamPle\x03CoM\0");
    for over in BOTH {
        let message = dns::exchange(zone.addresses()[0], over, &query).unwrap();
        let reply = Reply::parse(&message).unwrap();
        assert_eq!(reply.question_name, b"\x03WwW\x07eXamPle\x03CoM\0");
        assert_eq!(line(&reply), "NOERROR, aa, A 192.0.2.1, A 192.0.2.2");
    }
}

#[test]
fn answers_keep_to_the_size_that_the_asker_takes() {
    let node = Node::start();
    let mut zone = node.zone("example.com");
    // With owner, type, class, TTL and lengths a text takes 263 octets.
    for (name, count) in [("three", 3), ("twelve", 12)] {
        for text in texts(count) {
            zone.record(name, "TXT", &text);
        }
    }
    let server = zone.addresses()[0];
    let sizes = |name: &str, over: Over, offered: Option<u16>| {
        let reply = dns::ask_with(server, over, &format!("{name}.example.com"), "TXT", offered);
        let most = if over == Over::Tcp { 65_535 } else { usize::from(offered.unwrap_or(512).clamp(512, 1232)) };
        assert!(reply.octets <= most, "{} octets, {most} allowed", reply.octets);
        assert_eq!(reply.udp_octets.is_some(), offered.is_some(), "an OPT record answers an OPT record");
        (reply.truncated, dns::data(&reply.answers, &format!("{name}.example.com"), "TXT").len())
    };
    assert!(sizes("three", Over::Udp, None).0, "512 octets are the most without EDNS");
    assert!(sizes("three", Over::Udp, Some(512)).0);
    assert!(sizes("three", Over::Udp, Some(100)).0, "less than 512 means 512");
    assert_eq!(sizes("three", Over::Udp, Some(1232)), (false, 3));
    assert!(sizes("twelve", Over::Udp, Some(1232)).0);
    assert!(sizes("twelve", Over::Udp, Some(4096)).0, "the server's own limit is 1232");
    for offered in [None, Some(512), Some(1232)] {
        assert_eq!(sizes("three", Over::Tcp, offered), (false, 3));
        assert_eq!(sizes("twelve", Over::Tcp, offered), (false, 12), "a stream carries all of it");
    }
}

#[test]
fn a_truncated_answer_is_fetched_over_tcp() {
    let node = Node::start();
    let mut zone = node.zone("example.com");
    let mut expected = texts(12);
    for text in &expected {
        zone.record("big", "TXT", text);
    }
    let options = Options::authoritative(Duration::from_secs(20));
    let question = dns::question("big.example.com", "TXT");
    let (reply, transport) = node.block_on(waymark_resolve::ask(zone.addresses()[0], &question, &options)).unwrap();
    expected.sort();
    assert_eq!(transport, Transport::Tcp);
    assert_eq!(dns::data(&reply.answers, "big.example.com", "TXT"), expected);
}

#[test]
fn requests_that_cannot_be_served_get_their_code_and_rubbish_gets_silence() {
    let node = Node::start();
    let zone = zone_with_everything(&node);
    let server = zone.addresses()[0];
    let plain = dns::question("www.example.com", "A").to_wire(7, false, Some(1232));
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut query = plain.clone();
        change(&mut query);
        query
    };
    // The header's third octet holds the opcode; the OPT record's TTL holds the version.
    let version = plain.len() - 5;
    let class = plain.len() - 12;
    for (query, expected) in [
        (with(&|query| query[2] = 4 << 3), Rcode::REFUSED),
        (with(&|query| query[2] = 5 << 3), Rcode::REFUSED),
        (with(&|query| query[2] = 2 << 3), Rcode::NOTIMP),
        (with(&|query| query[version] = 1), Rcode::BADVERS),
        (with(&|query| query.truncate(20)), Rcode::FORMERR),
        (with(&|query| query[5] = 2), Rcode::FORMERR),
    ] {
        for over in BOTH {
            let reply = Reply::parse(&dns::exchange(server, over, &query).unwrap()).unwrap();
            assert_eq!((reply.id, reply.rcode, reply.answers.len()), (7, expected, 0), "{query:x?} {over:?}");
        }
    }
    // Class CH: the answer's question has it too, which no reader of ours takes.
    for over in BOTH {
        let message = dns::exchange(server, over, &with(&|query| query[class] = 3)).unwrap();
        assert_eq!((message[3] & 0xf, message[7]), (5, 0), "REFUSED, without an answer");
    }
    // What has no header, or is a response, is not answered: the next thing that comes back is the next answer.
    let socket = dns::udp_socket(server).unwrap();
    for rubbish in [vec![], vec![1, 2, 3], with(&|query| query[2] = 0x80)] {
        socket.send(&rubbish).unwrap();
    }
    socket.send(&plain).unwrap();
    let mut buffer = [0; 1232];
    let length = socket.recv(&mut buffer).unwrap();
    assert_eq!(line(&Reply::parse(&buffer[..length]).unwrap()), "NOERROR, aa, A 192.0.2.1, A 192.0.2.2");
    socket.set_nonblocking(true).unwrap();
    assert_eq!(socket.recv(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_connection_carries_many_questions_and_answers_in_order() {
    let node = Node::start();
    let zone = zone_with_everything(&node);
    let names = ["www", "alias", "nowhere", "mail", "cut"];
    let queries: Vec<Vec<u8>> = (0..200u16)
        .map(|id| {
            let name = names[usize::from(id) % names.len()];
            dns::question(&zone.full(name), "A").to_wire(id, false, None)
        })
        .collect();
    let mut stream = Stream::connect(zone.addresses()[1]).unwrap();
    stream.send(&queries.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
    let mut message = Vec::new();
    for id in 0..200 {
        stream.receive(&mut message).unwrap();
        assert_eq!(Reply::parse(&message).unwrap().id, id);
    }
}

#[test]
fn the_answer_comes_from_the_address_that_was_asked() {
    let node = Node::start();
    let zone = zone_with_everything(&node);
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    for server in [
        zone.addresses()[0],
        zone.addresses()[1],
        node.dns(),
        SocketAddr::new([127, 9, 9, 9].into(), node.dns().port()),
    ] {
        socket.send_to(&dns::question("www.example.com", "A").to_wire(7, false, None), server).unwrap();
        let (_, from) = socket.recv_from(&mut [0; 512]).unwrap();
        assert_eq!(from, server);
    }
}

#[test]
fn ipv6_is_answered_where_the_machine_has_it() {
    if UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        // A machine without IPv6 cannot show it.
        return;
    }
    let node = Node::start_with(|config, _| config.dns.listen.push(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))));
    zone_with_everything(&node);
    for over in BOTH {
        let server = node.dns_at(Ipv6Addr::LOCALHOST.into());
        let reply = dns::ask(server, over, "www.example.com", "A");
        assert_eq!(line(&reply), "NOERROR, aa, A 192.0.2.1, A 192.0.2.2");
    }
}
