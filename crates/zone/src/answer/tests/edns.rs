//! EDNS: versions, flags, options, and the list of tests of RFC 8906.

use super::*;

const DO: u16 = 0x8000;

fn opt_of(server: &Server, opt: &[u8]) -> Option<Opt> {
    Opt::read(&server.exchange(&request("example SOA", opt), Transport::Udp).unwrap())
}

#[test]
fn rfc6891_6_1_1_an_opt_record_is_answered_with_one_and_only_then() {
    let server = Server::with(&[]);
    let bare = Opt { udp_size: 1232, version: 0, flags: 0, options: vec![] };
    assert_eq!(opt_of(&server, OPT), Some(bare));
    assert_eq!(opt_of(&server, b""), None);
    for question in ["www.example A", "www.other A", "example AXFR", "example TYPE41"] {
        let response = server.exchange(&request(question, OPT), Transport::Udp).unwrap();
        assert!(Opt::read(&response).is_some(), "{question}");
    }
}

#[test]
fn rfc6891_6_1_2_unknown_options_are_ignored() {
    let server = Server::with(&[]);
    let response =
        server.exchange(&request("example SOA", &opt(1232, 0, 0, b"\xff\xfe\0\x03abc\0\x64\0\0")), Transport::Udp);
    let response = response.unwrap();
    assert_eq!((Reply::read(&response).answer.len(), Opt::read(&response).unwrap().options), (1, vec![]));
}

#[test]
fn rfc6891_6_1_3_another_version_is_badvers_and_nothing_more() {
    let mut server = Server::with(&[]);
    server.settings.nsid = Some((*b"ns1").into());
    let cookie = Cookie::Reply([7; 24]);
    let circumstances = Circumstances { cookie, keepalive: Some(9), ..from_stranger(Transport::Tcp) };
    for version in [1, 255] {
        for question in ["example SOA", "nowhere.example A", "www.other A", "example AXFR", "example TYPE41"] {
            let opt = opt(1232, version, DO, b"\0\x03\0\0\0\x0a\0\x08abcdefgh\0\x0b\0\0");
            let response = server.answer(&request(question, &opt), &circumstances).unwrap();
            assert_eq!(
                Reply::read(&response),
                Reply { rcode: 16, authoritative: false, ..positive(&[]) },
                "{question}"
            );
            let expected = Opt { udp_size: 1232, version: 0, flags: DO, options: vec![] };
            assert_eq!(Opt::read(&response), Some(expected), "{question}");
        }
    }
}

#[test]
fn rfc6891_6_1_4_do_is_copied_and_the_other_flags_are_not() {
    let server = Server::with(&[]);
    for (asked, answered) in [(0, 0), (DO, DO), (0x7fff, 0), (0xffff, DO)] {
        assert_eq!(opt_of(&server, &opt(1232, 0, asked, b"")).unwrap().flags, answered, "{asked:#x}");
    }
}

#[test]
fn rfc6891_7_a_request_whose_opt_is_malformed_is_formerr_with_an_opt() {
    let server = Server::with(&[]);
    for options in [&b"\0"[..], b"\0\x03\0\x01", b"\0\x0a\0\x01x"] {
        let response = server.exchange(&request("example SOA", &opt(1232, 0, 0, options)), Transport::Udp).unwrap();
        assert_eq!(Reply::read(&response).rcode, 1);
        assert_eq!(Opt::read(&response), Some(Opt { udp_size: 1232, version: 0, flags: 0, options: vec![] }));
    }
}

#[test]
fn rfc7828_3_3_keepalive_is_answered_over_tcp_to_who_has_it_and_ignored_over_udp() {
    let server = Server::with(&[]);
    let options = |circumstances: &Circumstances, options: &[u8]| {
        let request = request("example SOA", &opt(1232, 0, 0, options));
        Opt::read(&server.answer(&request, circumstances).unwrap()).unwrap().options
    };
    let stream = Circumstances { keepalive: Some(300), ..from_stranger(Transport::Tcp) };
    assert_eq!(options(&stream, b"\0\x0b\0\0"), b"\0\x0b\0\x02\x01\x2c");
    assert_eq!(
        options(&stream, b"\0\x0b\0\x02\0\x07"),
        b"\0\x0b\0\x02\x01\x2c",
        "a time-out of the client's is ignored"
    );
    assert_eq!(options(&stream, b""), b"");
    assert_eq!(options(&from_stranger(Transport::Udp), b"\0\x0b\0\0"), b"");
}

#[test]
fn rfc7873_5_2_a_cookie_goes_into_every_response() {
    let server = Server::with(&["www.example A 192.0.2.1"]);
    let asked = opt(1232, 0, 0, b"\0\x0a\0\x08abcdefgh");
    let expected = [&b"\0\x0a\0\x18"[..], &[7; 24]].concat();
    for (cookie, question, rcode) in [
        (Cookie::Reply([7; 24]), "www.example A", 0),
        (Cookie::ReplyToBad([7; 24]), "www.example A", 0),
        (Cookie::Reply([7; 24]), "gone.example A", 3),
        (Cookie::Reply([7; 24]), "www.other A", 5),
        (Cookie::Reply([7; 24]), "example TYPE41", 1),
    ] {
        let circumstances = Circumstances { cookie, ..from_stranger(Transport::Udp) };
        let response = server.answer(&request(question, &asked), &circumstances).unwrap();
        assert_eq!(Reply::read(&response).rcode, rcode, "{question}");
        let options = Opt::read(&response).unwrap().options;
        assert!(options.starts_with(&expected), "{question}");
    }
}

#[test]
fn rfc7873_5_4_a_cookie_alone_gets_a_cookie_and_badcookie_if_it_was_bad() {
    let server = Server::with(&[]);
    let mut asked = vec![0x12, 0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    asked.extend(opt(1232, 0, 0, b"\0\x0a\0\x08abcdefgh"));
    for (cookie, rcode) in [(Cookie::Reply([7; 24]), 0), (Cookie::ReplyToBad([7; 24]), 23), (Cookie::None, 1)] {
        let circumstances = Circumstances { cookie, ..from_stranger(Transport::Udp) };
        let response = server.answer(&asked, &circumstances).unwrap();
        assert_eq!((Reply::read(&response).rcode, response[5]), (rcode, 0), "no question");
        assert_eq!(Opt::read(&response).unwrap().options.is_empty(), cookie == Cookie::None);
    }
}

#[test]
fn rfc8914_2_an_extended_error_says_why() {
    let server = Server::with(&[]);
    let code = |request: &[u8]| -> Option<u16> {
        let options = Opt::read(&server.exchange(request, Transport::Udp).unwrap()).map(|opt| opt.options)?;
        let &[0, 15, _, _, high, low, ..] = &options[..] else { return None };
        Some(u16::from_be_bytes([high, low]))
    };
    assert_eq!(code(&request("www.other A", OPT)), Some(20), "not authoritative");
    assert_eq!(code(&request("example AXFR", OPT)), Some(18), "prohibited");
    let mut hesiod = request("example A", OPT);
    let class_at = hesiod.len() - OPT.len() - 1;
    hesiod[class_at] = 4;
    assert_eq!(code(&hesiod), Some(21), "not supported");
    assert_eq!(code(&request("example SOA", OPT)), None);
    let response = server.exchange(&request("www.other A", b""), Transport::Udp).unwrap();
    assert_eq!(Opt::read(&response), None, "nothing without EDNS");
}

/// A request of RFC 8906 section 8, and what has to come back beside what has to come back always.
struct Case {
    section: &'static str,
    request: Vec<u8>,
    rcode: u16,
    soa: bool,
    opt: Option<u16>,
}

/// Section 8, in its order. `dig` is asked without RD; flags are the third and fourth octet of the header.
fn tests_of_rfc8906_section_8() -> Vec<Case> {
    let dig = |question: &str, header: [u8; 2], opt: &[u8]| {
        let mut request = request(question, opt);
        request[2..4].copy_from_slice(&header);
        request
    };
    let case = |section, request, rcode, soa, opt| Case { section, request, rcode, soa, opt };
    let plain = |header| dig("example SOA", header, b"");
    let edns = |version, flags, options: &[u8]| dig("example SOA", [0, 0], &opt(4096, version, flags, options));
    let unknown = b"\0\x64\0\0";
    // Cookie, NSID, EXPIRE and a client subnet of 0.0.0.0/0.
    let known = b"\0\x0a\0\x08abcdefgh\0\x03\0\0\0\x09\0\0\0\x08\0\x04\0\x01\0\0";
    let mut opcode = vec![0x12, 0x34, 15 << 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    opcode.truncate(12);
    vec![
        case("8.1.1 is the zone there", plain([0, 0]), 0, true, None),
        case("8.1.2 unknown types", dig("example TYPE1000", [0, 0], b""), 0, false, None),
        case("8.1.3.1 CD=1", plain([0, 0x10]), 0, true, None),
        case("8.1.3.2 AD=1", plain([0, 0x20]), 0, true, None),
        case("8.1.3.3 reserved bit", plain([0, 0x40]), 0, true, None),
        case("8.1.3.4 RD=1", plain([1, 0]), 0, true, None),
        case("8.1.4 unknown opcodes", opcode, 4, false, None),
        case("8.2.1 minimal EDNS", edns(0, 0, b""), 0, true, Some(0)),
        case("8.2.2 EDNS version", edns(1, 0, b""), 16, false, Some(0)),
        case("8.2.3 unknown options", edns(0, 0, unknown), 0, true, Some(0)),
        case("8.2.4 unknown flags", edns(0, 0x40, b""), 0, true, Some(0)),
        case("8.2.5 version and flags", edns(1, 0x40, b""), 16, false, Some(0)),
        case("8.2.6 version and options", edns(1, 0, unknown), 16, false, Some(0)),
        case("8.2.7 truncated", dig("big.example TXT", [0, 0], &opt(512, 0, DO, b"")), 0, false, Some(DO)),
        case("8.2.8 DO=1", edns(0, DO, b""), 0, true, Some(DO)),
        case("8.2.9 version and DO=1", edns(1, DO, b""), 16, false, Some(DO)),
        case("8.2.10 several options", edns(0, 0, known), 0, true, Some(0)),
    ]
}

#[test]
fn rfc8906_8_the_list_of_tests() {
    let text = "x".repeat(250);
    let texts: Vec<String> = (0..10).map(|number| format!("big.example TXT {number}{text}")).collect();
    let server = Server::with(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    // 8.1.5: all of it over TCP as well.
    for transport in [Transport::Udp, Transport::Tcp] {
        for Case { section, request, rcode, soa, opt } in tests_of_rfc8906_section_8() {
            let response = server.exchange(&request, transport).expect(section);
            let reply = Reply::read(&response);
            assert_eq!((reply.rcode, reply.authoritative), (rcode, rcode == 0), "{section}");
            assert_eq!(reply.answer.iter().any(|line| line.contains(" SOA ")), soa, "{section}");
            assert_eq!(response[2] & 0xf9, 0x80 | request[2], "{section}: QR, opcode and RD");
            assert_eq!(response[3] & 0xf0, 0, "{section}: neither RA, Z, AD nor CD");
            let expected = opt.map(|flags| Opt { udp_size: 1232, version: 0, flags, options: vec![] });
            assert_eq!(Opt::read(&response), expected, "{section}");
            let truncated = section.contains("truncated") && transport == Transport::Udp;
            assert_eq!(reply.truncated, truncated, "{section}");
        }
    }
}
