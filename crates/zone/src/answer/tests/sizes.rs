//! How long a response may be, and what is left out of one that would be longer.

use super::*;

/// A zone in which `big.example` has one TXT RRset; the response to who asks for it with an OPT record has `octets`.
fn answering_with(octets: usize) -> Server {
    // Header, question (11 + 2 for the name, type, class) and OPT record; each record 12 octets and its data.
    let mut left = octets - 12 - 17 - 11;
    let mut records = Vec::new();
    while left > 0 {
        // A record takes at least 14 octets here, and at most 12 + 5 strings.
        let data = if left > 1200 { 1000 } else { left - 12 };
        left -= 12 + data;
        let number = records.len() as u32;
        let mut text = Vec::new();
        let mut rest = data;
        while rest > 0 {
            let string = (rest - 1).min(255);
            let string = if rest - 1 - string == 1 { string - 1 } else { string };
            let mut octets = vec![b'x'; string];
            for (octet, digit) in octets.iter_mut().zip(number.to_string().bytes()) {
                *octet = digit;
            }
            text.push(format!("\"{}\"", String::from_utf8(octets).unwrap()));
            rest -= 1 + string;
        }
        records.push(format!("big.example TXT {}", text.join(" ")));
    }
    Server::with(&records.iter().map(String::as_str).collect::<Vec<_>>())
}

fn asked(server: &Server, opt: &[u8], transport: Transport) -> (bool, usize) {
    let response = server.exchange(&request("big.example TXT", opt), transport).unwrap();
    let reply = Reply::read(&response);
    assert_eq!(reply.answer.is_empty(), reply.truncated || reply.rcode != 0, "whole or not at all");
    (reply.truncated, response.len())
}

const CUT: usize = 12 + 17 + 11;

#[test]
fn rfc6891_6_2_3_a_response_may_have_as_many_octets_as_the_asker_takes() {
    for octets in [513, 600, 1000, 1232] {
        let server = answering_with(octets);
        let udp = |size| asked(&server, &opt(size, 0, 0, b""), Transport::Udp);
        assert_eq!(udp(octets as u16), (false, octets));
        assert_eq!(udp(octets as u16 - 1), (true, CUT));
    }
}

#[test]
fn rfc6891_6_2_3_less_than_512_means_512() {
    for size in [0, 100, 511, 512] {
        let opt = opt(size, 0, 0, b"");
        assert_eq!(asked(&answering_with(512), &opt, Transport::Udp), (false, 512), "{size}");
        assert_eq!(asked(&answering_with(513), &opt, Transport::Udp), (true, CUT), "{size}");
    }
}

#[test]
fn rfc1035_4_2_1_without_edns_a_datagram_has_at_most_512_octets() {
    assert_eq!(asked(&answering_with(512 + 11), b"", Transport::Udp), (false, 512));
    assert_eq!(asked(&answering_with(513 + 11), b"", Transport::Udp), (true, CUT - 11));
}

#[test]
fn rfc6891_6_2_4_the_server_has_a_limit_of_its_own() {
    let server = answering_with(1232);
    assert_eq!(asked(&server, &opt(4096, 0, 0, b""), Transport::Udp), (false, 1232));
    let mut server = answering_with(1233);
    assert_eq!(asked(&server, &opt(65_535, 0, 0, b""), Transport::Udp), (true, CUT));
    server.settings.udp_octets_max = 1400;
    assert_eq!(asked(&server, &opt(65_535, 0, 0, b""), Transport::Udp), (false, 1233));
}

#[test]
fn rfc7766_8_a_stream_carries_65535_octets() {
    assert_eq!(asked(&answering_with(1233), b"", Transport::Tcp), (false, 1233 - 11));
    assert_eq!(asked(&answering_with(65_535), OPT, Transport::Tcp), (false, 65_535));
}

#[test]
fn what_no_message_can_carry_is_a_server_failure_over_tcp_and_truncated_over_udp() {
    let server = answering_with(65_536);
    let response = server.exchange(&request("big.example TXT", OPT), Transport::Tcp).unwrap();
    assert_eq!(Reply::read(&response), Reply { rcode: 2, authoritative: false, ..positive(&[]) });
    assert_eq!(Opt::read(&response).unwrap().options[..2], [0, 15], "an extended error says why");
    assert_eq!(asked(&server, OPT, Transport::Udp), (true, CUT));
}

#[test]
fn rfc2181_9_what_is_cut_is_cut_by_whole_rrsets() {
    let mut records: Vec<String> = (0..90).map(|number| format!("big.example A 192.0.2.{number}")).collect();
    records.push("alias.example CNAME big.example.".to_owned());
    let server = Server::with(&records.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(server.ask_udp("big.example A", 1232), Reply { truncated: true, ..positive(&[]) });
    let alias = positive(&["alias.example 300 CNAME big.example."]);
    assert_eq!(server.ask_udp("alias.example A", 1232), Reply { truncated: true, ..alias }, "the alias fits");
    assert_eq!(server.ask("big.example A").answer.len(), 90);
}

#[test]
fn rfc2181_9_a_denial_without_its_soa_is_truncated() {
    let mut header = header("example", 1, &[1]);
    let label = "x".repeat(63);
    header.soa.mname = name(&format!("{label}.{label}.{label}"));
    header.soa.rname = name(&format!("y.{label}.{label}.{}", &label[..60]));
    let server = Server::zone(header, &[]);
    let long = format!("{label}.{label}.example A");
    let whole = server.exchange(&request(&long, b""), Transport::Tcp).unwrap().len();
    assert!(whole > 512);
    let request = request(&long, b"");
    let reply = Reply::read(&server.exchange(&request, Transport::Udp).unwrap());
    assert_eq!((reply.rcode, reply.truncated, reply.authority.len()), (3, true, 0));
}

#[test]
fn options_count_for_the_size() {
    let mut server = answering_with(600);
    server.settings.nsid = Some((*b"ns1").into());
    let asking = |size| opt(size, 0, 0, b"\0\x03\0\0");
    assert_eq!(asked(&server, &asking(607), Transport::Udp), (false, 607));
    assert_eq!(asked(&server, &asking(606), Transport::Udp), (true, CUT + 7));
}

#[test]
fn every_size_and_no_more_for_every_kind_of_answer() {
    let mut records = vec!["alias.example CNAME www.example.".to_owned(), "d.example DNAME example.".to_owned()];
    records.extend((0..30).map(|number| format!("www.example A 192.0.2.{number}")));
    records.extend((0..9).map(|number| format!("example MX {number} m{number}.example.")));
    records.extend((0..9).map(|number| format!("m{number}.example AAAA 2001:db8::{number}")));
    records.extend((0..9).map(|number| format!("cut.example NS n{number}.cut.example.")));
    records.extend((0..9).map(|number| format!("n{number}.cut.example A 192.0.2.{number}")));
    let mut server = Server::with(&records.iter().map(String::as_str).collect::<Vec<_>>());
    server.settings.udp_octets_max = 4096;
    for question in
        ["www.example A", "alias.example A", "www.d.example A", "example MX", "x.cut.example A", "no.example A"]
    {
        let whole = server.exchange(&request(question, OPT), Transport::Tcp).unwrap();
        for size in 512..1500 {
            let response = server.exchange(&request(question, &opt(size, 0, 0, b"")), Transport::Udp).unwrap();
            assert!(response.len() <= usize::from(size), "{question} {size}");
            let fits = whole.len() <= usize::from(size);
            assert_eq!(fits, response.len() == whole.len(), "{question} {size}");
            let reply = Reply::read(&response);
            // Every RRset of the answer is whole: 30 addresses, 9 exchanges, 9 nameservers.
            let count = |section: &[String], set: &str| section.iter().filter(|line| line.contains(set)).count();
            assert!([0, 30].contains(&count(&reply.answer, " A ")) && [0, 9].contains(&count(&reply.answer, " MX ")));
            assert!([0, 9].contains(&count(&reply.authority, " NS ")));
        }
    }
}
