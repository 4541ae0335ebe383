//! Wildcards (RFC 4592).

use super::*;

fn example_of_section_2_2_1() -> Server {
    Server::with(&[
        "*.example TXT \"this is a wildcard\"",
        "*.example MX 10 host1.example.",
        "sub.*.example TXT \"this is not a wildcard\"",
        "host1.example A 192.0.2.1",
        "_ssh._tcp.host1.example SRV 0 0 22 host1.example.",
        "_ssh._tcp.host2.example SRV 0 0 22 host2.example.",
        "subdel.example NS ns.example.com.",
        "subdel.example NS ns.example.net.",
    ])
}

#[test]
fn rfc4592_2_2_1_answers_that_are_synthesized() {
    let server = example_of_section_2_2_1();
    let address = || lines(&["host1.example 300 A 192.0.2.1"]);
    let mx = positive(&["host3.example 300 MX 10 host1.example."]);
    assert_eq!(server.ask("host3.example MX"), Reply { additional: address(), ..mx });
    assert_eq!(server.ask("host3.example A"), negative(0), "the wildcard has no A");
    assert_eq!(server.ask("foo.bar.example TXT"), positive(&["foo.bar.example 300 TXT \"this is a wildcard\""]));
}

#[test]
fn rfc4592_2_2_1_answers_that_are_not_synthesized() {
    let server = example_of_section_2_2_1();
    assert_eq!(server.ask("host1.example MX"), negative(0), "the name exists");
    assert_eq!(server.ask("sub.*.example MX"), negative(0), "the name exists");
    assert_eq!(server.ask("_telnet._tcp.host1.example SRV"), negative(3), "_tcp.host1 exists, without data");
    let referral = server.ask("host.subdel.example A");
    assert_eq!((referral.authoritative, referral.answer.len()), (false, 0));
    assert_eq!(referral.authority, ["subdel.example 300 NS ns.example.com.", "subdel.example 300 NS ns.example.net."]);
    assert_eq!(server.ask("ghost.*.example MX"), negative(3), "*.example exists");
}

#[test]
fn rfc4592_2_1_2_an_asterisk_elsewhere_is_a_label_like_others() {
    let server = Server::with(&["sub.*.example A 192.0.2.1", "a*.example A 192.0.2.2", "**.example A 192.0.2.3"]);
    assert_eq!(server.ask("sub.*.example A"), positive(&["sub.*.example 300 A 192.0.2.1"]));
    assert_eq!(server.ask("ab.example A"), negative(0), "only the empty *.example stands for it");
    assert_eq!(server.ask("a*.example A"), positive(&["a*.example 300 A 192.0.2.2"]));
    assert_eq!(server.ask("sub.x.example A"), negative(0));
}

#[test]
fn rfc4592_2_2_2_an_empty_non_terminal_stops_a_wildcard() {
    let server = Server::with(&["*.example A 192.0.2.1", "a.b.c.example TXT text"]);
    assert_eq!(server.ask("c.example A"), negative(0));
    assert_eq!(server.ask("b.c.example A"), negative(0));
    assert_eq!(server.ask("x.c.example A"), negative(3), "the closest encloser is c.example");
    assert_eq!(server.ask("x.example A"), positive(&["x.example 300 A 192.0.2.1"]));
}

#[test]
fn rfc4592_2_3_an_asterisk_that_is_asked_for_is_found() {
    let server = Server::with(&["*.example A 192.0.2.3"]);
    assert_eq!(server.ask("*.example A"), positive(&["*.example 300 A 192.0.2.3"]));
    assert_eq!(server.ask("*.example AAAA"), negative(0));
    assert_eq!(server.ask("x.*.example A"), negative(3));
}

#[test]
fn rfc4592_3_3_1_the_wildcard_below_the_closest_encloser_counts_and_no_other() {
    let server = Server::with(&["*.example A 192.0.2.3", "sub.example TXT text", "*.sub.deep.example A 192.0.2.4"]);
    assert_eq!(server.ask("x.example A"), positive(&["x.example 300 A 192.0.2.3"]));
    assert_eq!(server.ask("x.y.example A"), positive(&["x.y.example 300 A 192.0.2.3"]));
    assert_eq!(server.ask("x.example AAAA"), negative(0));
    assert_eq!(server.ask("sub.example A"), negative(0));
    assert_eq!(server.ask("x.sub.example A"), negative(3));
    assert_eq!(server.ask("x.deep.example A"), negative(3));
    assert_eq!(server.ask("a.b.sub.deep.example A"), positive(&["a.b.sub.deep.example 300 A 192.0.2.4"]));
}

#[test]
fn rfc4592_3_3_2_a_wildcard_below_a_cut_or_a_dname_is_hidden() {
    let server = Server::with(&[
        "cut.example NS ns.elsewhere.",
        "*.cut.example A 192.0.2.1",
        "dname.example DNAME target.elsewhere.",
        "*.dname.example A 192.0.2.2",
    ]);
    assert_eq!(server.ask("x.cut.example A").authority, ["cut.example 300 NS ns.elsewhere."]);
    assert_eq!(server.ask("*.cut.example A").answer.len(), 0);
    assert_eq!(server.ask("x.dname.example A").answer[1], "x.dname.example 300 CNAME x.target.elsewhere.");
}

#[test]
fn rfc4592_3_3_3_and_4_3_a_cname_at_a_wildcard_is_followed() {
    let server = Server::with(&["*.example CNAME www.sub.example.", "www.sub.example A 192.0.2.1"]);
    assert_eq!(
        server.ask("X.example A"),
        positive(&["X.example 300 CNAME www.sub.example.", "www.sub.example 300 A 192.0.2.1"])
    );
    assert_eq!(server.ask("x.example CNAME"), positive(&["x.example 300 CNAME www.sub.example."]));
    assert_eq!(server.ask("x.sub.example A"), negative(3));
    let server = Server::with(&["*.example CNAME x.example."]);
    assert_eq!(
        server.ask("y.example A"),
        positive(&["y.example 300 CNAME x.example.", "x.example 300 CNAME x.example."]),
        "a loop through the wildcard itself"
    );
}

#[test]
fn rfc4592_4_5_a_service_may_be_at_a_wildcard() {
    let server = Server::with(&["*.example SRV 0 0 80 www.example.", "www.example A 192.0.2.1"]);
    let answer = positive(&["_x._tcp.example 300 SRV 0 0 80 www.example"]);
    assert_eq!(
        server.ask("_x._tcp.example SRV"),
        Reply { additional: lines(&["www.example 300 A 192.0.2.1"]), ..answer }
    );
}

#[test]
fn rfc4592_4_9_an_empty_wildcard_stands_for_names_without_data() {
    let server = Server::with(&["a.*.example A 192.0.2.1"]);
    assert_eq!(server.ask("x.example A"), negative(0));
    assert_eq!(server.ask("a.x.example A"), negative(0));
    assert_eq!(server.ask("*.example A"), negative(0));
}
