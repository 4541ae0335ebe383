//! Which names there are, and what there is at them.

use super::*;

#[test]
fn rfc4343_4_1_an_rrset_is_answered_in_the_case_that_was_asked() {
    let server = Server::with(&["www.example A 192.0.2.1", "www.example A 192.0.2.2"]);
    assert_eq!(server.ask("WwW.eXample A"), positive(&["WwW.eXample 300 A 192.0.2.1", "WwW.eXample 300 A 192.0.2.2"]));
}

#[test]
fn rfc4343_3_only_letters_of_ascii_have_a_case() {
    let server = Server::with(&["\\228.example A 192.0.2.1", "{.example A 192.0.2.2", "k.example A 192.0.2.3"]);
    let rcode = |label: u8| {
        let name = [&[1, label][..], b"\x07EXAMPLE\0"].concat();
        let request = request_in_octets(&name, RecordType::A, OPT);
        Reply::read(&server.exchange(&request, Transport::Tcp).unwrap()).rcode
    };
    assert_eq!([rcode(228), rcode(b'{'), rcode(b'K')], [0, 0, 0]);
    // 32 less, as a letter in upper case would be.
    assert_eq!([rcode(196), rcode(b'[')], [3, 3]);
}

#[test]
fn rfc2181_11_a_label_may_have_any_octets() {
    let server = Server::with(&["a\\.b\\000.example A 192.0.2.1"]);
    let rcode = |name: &[u8]| {
        let request = request_in_octets(name, RecordType::A, OPT);
        Reply::read(&server.exchange(&request, Transport::Tcp).unwrap()).rcode
    };
    assert_eq!(rcode(b"\x04a.b\0\x07example\0"), 0);
    assert_eq!(rcode(b"\x01a\x02b\0\x07example\0"), 3);
}

#[test]
fn rfc2308_3_absence_comes_with_the_soa() {
    let server = Server::with(&["www.example A 192.0.2.1"]);
    assert_eq!(server.ask("www.example AAAA"), negative(0));
    assert_eq!(server.ask("ftp.example A"), negative(3));
    assert_eq!(server.ask("a.www.example A"), negative(3));
    assert_eq!(server.ask("example TXT"), negative(0));
}

#[test]
fn rfc2308_3_the_soa_of_absence_lives_as_long_as_the_smaller_of_ttl_and_minimum() {
    for (ttl, minimum, negative) in [(3600, 1800, 1800), (600, 1800, 600), (3600, 0, 0)] {
        let mut header = header("example", 1, &[1]);
        (header.soa.ttl, header.soa.minimum) = (ttl, minimum);
        let server = Server::zone(header, &["www.example A 192.0.2.1"]);
        for question in ["www.example AAAA", "ftp.example A"] {
            assert!(server.ask(question).authority[0].starts_with(&format!("example {negative} SOA ")), "{question}");
        }
        assert!(server.ask("example SOA").answer[0].starts_with(&format!("example {ttl} SOA ")));
    }
}

/// The referral-free forms: type 2 of section 2.1.1, type 2 of section 2.2.1.
#[test]
fn rfc2308_2_the_examples() {
    let server = Server::new(
        vec![
            delta(
                1,
                1,
                Some(header("example", 1, &[1])),
                &[],
                &["an.example CNAME tripple.xx.", "another.example A 10.0.0.1"],
            ),
            delta(2, 1, Some(header("xx", 1, &[1])), &[], &[]),
        ],
        vec![],
    );
    let soa = "xx 1800 SOA a.ns.test. dns.test. 1 10000 2400 604800 1800";
    assert_eq!(
        server.ask("AN.EXAMPLE A"),
        Reply { rcode: 3, authority: lines(&[soa]), ..positive(&["AN.EXAMPLE 300 CNAME tripple.xx."]) }
    );
    let soa = &SOA.replace("example", "EXAMPLE");
    assert_eq!(server.ask("ANOTHER.EXAMPLE MX"), Reply { authority: lines(&[soa]), ..positive(&[]) });
}

#[test]
fn rfc8020_2_nothing_is_below_a_name_that_does_not_exist_and_something_above_one_that_does() {
    let server = Server::with(&["a.b.c.example A 192.0.2.1"]);
    assert_eq!(server.ask("b.c.example A"), negative(0));
    assert_eq!(server.ask("c.example A"), negative(0));
    assert_eq!(server.ask("c.example ANY"), negative(0));
    assert_eq!(server.ask("x.c.example A"), negative(3));
    assert_eq!(server.ask("b.x.c.example A"), negative(3));
    assert_eq!(server.ask("x.a.b.c.example A"), negative(3));
}

#[test]
fn rfc1034_4_2_1_the_apex_has_a_soa_and_the_nameservers() {
    let server = Server::with(&["example A 192.0.2.1"]);
    assert_eq!(
        server.ask("example SOA"),
        positive(&["example 3600 SOA a.ns.test. dns.test. 1 10000 2400 604800 1800"])
    );
    assert_eq!(server.ask("example NS"), positive(&["example 86400 NS a.ns.test.", "example 86400 NS b.ns.test."]));
    assert_eq!(server.ask("example A"), positive(&["example 300 A 192.0.2.1"]));
}

#[test]
fn rfc1035_4_1_1_what_is_not_served_is_refused() {
    let server = Server::with(&["www.example A 192.0.2.1"]);
    for question in ["www.other A", "other A", ". NS", ". SOA", "xexample A", "example.other A"] {
        assert_eq!(server.ask(question), Reply { rcode: 5, authoritative: false, ..positive(&[]) }, "{question}");
    }
}

#[test]
fn rfc8482_4_1_any_gets_one_rrset() {
    let server = Server::with(&[
        "www.example A 192.0.2.1",
        "www.example A 192.0.2.2",
        "www.example TXT text",
        "alias.example CNAME www.example.",
        "*.wild.example TXT text",
        "*.wild.example MX 1 www.example.",
        "empty.non.terminal.example A 192.0.2.1",
        "dname.example DNAME www.example.",
        "cut.example NS ns.elsewhere.",
    ]);
    assert_eq!(
        server.ask("www.example ANY"),
        positive(&["www.example 300 A 192.0.2.1", "www.example 300 A 192.0.2.2"])
    );
    assert_eq!(server.ask("alias.example ANY"), positive(&["alias.example 300 CNAME www.example."]), "not followed");
    assert_eq!(server.ask("x.wild.example ANY").answer, ["x.wild.example 300 MX 1 www.example."]);
    assert_eq!(server.ask("dname.example ANY"), positive(&["dname.example 300 DNAME www.example."]));
    assert_eq!(server.ask("non.terminal.example ANY"), negative(0));
    assert_eq!(server.ask("no.example ANY"), negative(3));
    assert_eq!(server.ask("cut.example ANY").authority, ["cut.example 300 NS ns.elsewhere."]);
    let apex = server.ask("example ANY");
    assert_eq!((apex.answer.len(), apex.answer[0].contains(" SOA ")), (1, true));
}

#[test]
fn rfc3597_3_types_without_a_name_are_answered_like_others() {
    let server = Server::with(&["www.example TYPE65280 \\# 4 0A000001", "*.wild.example TYPE1234 \\# 0"]);
    assert_eq!(server.ask("www.example TYPE65280"), positive(&["www.example 300 TYPE65280 \\# 4 0a 00 00 01"]));
    assert_eq!(server.ask("www.example TYPE65281"), negative(0));
    assert_eq!(server.ask("a.wild.example TYPE1234").answer.len(), 1);
    assert_eq!(server.ask("no.example TYPE65280"), negative(3));
}

#[test]
fn rfc2181_5_an_rrset_is_answered_whole_and_under_one_ttl() {
    let server = Server::with(&["www.example A 192.0.2.3", "www.example A 192.0.2.1", "www.example A 192.0.2.2"]);
    let expected: Vec<String> = [3, 1, 2].iter().map(|last| format!("www.example 300 A 192.0.2.{last}")).collect();
    assert_eq!(server.ask("www.example A").answer, expected);
}

#[test]
fn rotation_begins_with_another_record_and_leaves_none_out() {
    let mut server = Server::with(&["www.example A 192.0.2.1", "www.example A 192.0.2.2", "www.example A 192.0.2.3"]);
    server.settings.rrset_order = RRsetOrder::Rotate;
    let lasts = |id: u16| -> String {
        let mut request = request("www.example A", OPT);
        request[..2].copy_from_slice(&id.to_be_bytes());
        let mut response = server.exchange(&request, Transport::Udp).unwrap();
        response[..2].copy_from_slice(&[0x12, 0x34]);
        Reply::read(&response).answer.iter().map(|line| line.chars().last().unwrap()).collect()
    };
    assert_eq!([lasts(0), lasts(1), lasts(2), lasts(3)], ["123", "231", "312", "123"]);
}

#[test]
fn rfc1034_4_3_1_recursion_is_not_available() {
    let server = Server::with(&["out.example CNAME www.elsewhere."]);
    let response = server.exchange(&request("out.example A", b""), Transport::Udp).unwrap();
    // RD is copied, RA is not set.
    assert_eq!((response[2] & 1, response[3] & 0x80), (1, 0));
}

#[test]
fn the_root_is_a_zone_like_others() {
    let server = Server::zone(header(".", 1, &[1]), &["test NS ns.test.", "ns.test A 192.0.2.1", "*.wild TXT text"]);
    let owners = |section: Vec<String>| section.iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    let root: Vec<String> = owners(server.ask(". NS").answer);
    assert_eq!(root.len(), 2);
    assert_eq!(server.ask(". SOA").answer.len(), 1);
    assert_eq!((server.ask(". DS").rcode, server.ask(". DS").authority.len()), (0, 1));
    assert_eq!(server.ask("gone A").rcode, 3);
    assert_eq!(server.ask("x.wild TXT").answer, ["x.wild 300 TXT \"text\""]);
    let referral = server.ask("www.test A");
    assert_eq!(
        (referral.authority, referral.additional),
        (lines(&["test 300 NS ns.test."]), lines(&["ns.test 300 A 192.0.2.1"]))
    );
    assert!(server.ask("test DS").authority[0].contains(" SOA "));
}

#[test]
fn rfc1035_2_3_4_the_longest_names_of_the_most_labels() {
    let server = Server::with(&["*.example A 192.0.2.1", "d.example DNAME example.", "www.example A 192.0.2.2"]);
    // 123 labels of one octet and `example`: 123 * 2 + 8 + 1.
    let most = format!("{}example", "x.".repeat(123));
    assert_eq!(server.ask(&format!("{most} A")).answer, [format!("{most} 300 A 192.0.2.1")]);
    assert_eq!(server.ask(&format!("{}www.example A", "x.".repeat(121))).rcode, 3);
    let redirected = server.ask(&format!("{}d.example A", "x.".repeat(122)));
    assert_eq!((redirected.rcode, redirected.answer.len()), (0, 3));
    assert_eq!(server.ask(&format!("{}x A", "x.".repeat(126))).rcode, 5);
}
