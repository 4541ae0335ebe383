//! DNAME (RFC 6672).

use super::*;

/// A server with the DNAME at the apex of `owner`'s zone, or in the zone above it.
fn redirecting(zone: &str, owner: &str, target: &str) -> Server {
    Server::zone(header(zone, 1, &[1]), &[&format!("{owner} DNAME {target}")])
}

/// The table of section 2.2: QNAME, owner, target, and what is made of it; none: no match.
#[test]
fn rfc6672_2_2_the_table_of_substitutions() {
    for (asked, owner, target, made) in [
        ("com", "example.com", "example.net.", None),
        ("example.com", "example.com", "example.net.", None),
        ("a.example.com", "example.com", "example.net.", Some("a.example.net.")),
        ("a.b.example.com", "example.com", "example.net.", Some("a.b.example.net.")),
        ("ab.example.com", "b.example.com", "example.net.", None),
        ("foo.example.com", "example.com", "example.net.", Some("foo.example.net.")),
        ("a.x.example.com", "x.example.com", "example.net.", Some("a.example.net.")),
        ("a.example.com", "example.com", "y.example.net.", Some("a.y.example.net.")),
        ("cyc.example.com", "example.com", "example.com.", Some("cyc.example.com.")),
        ("cyc.example.com", "example.com", "c.example.com.", Some("cyc.c.example.com.")),
        ("shortloop.x.x", "x", ".", Some("shortloop.x.")),
        ("shortloop.x", "x", ".", Some("shortloop.")),
    ] {
        for zone in [owner, owner.split_once('.').map_or(owner, |(_, parent)| parent)] {
            let answer = redirecting(zone, owner, target).ask(&format!("{asked} A")).answer;
            let expected = made.map(|made| format!("{asked} 300 CNAME {made}"));
            assert_eq!(answer.get(1), expected.as_ref(), "{asked} in {zone}");
            let dname = made.map(|_| format!("{owner} 300 DNAME {target}"));
            assert_eq!(answer.first(), dname.as_ref(), "{asked} in {zone}");
        }
    }
}

#[test]
fn rfc6672_2_2_a_loop_ends() {
    let same = redirecting("example.com", "example.com", "example.com.").ask("cyc.example.com A");
    assert_eq!((same.rcode, same.answer.len()), (0, 2));
    let short = redirecting("x", "x", ".").ask("shortloop.x.x A");
    assert_eq!(
        short.answer,
        ["x 300 DNAME .", "shortloop.x.x 300 CNAME shortloop.x.", "shortloop.x 300 CNAME shortloop."]
    );
    let growing = redirecting("example.com", "example.com", "c.example.com.").ask("cyc.example.com A");
    assert_eq!((growing.rcode, growing.answer.len()), (0, 1 + 17), "as long as a chain may be");
}

#[test]
fn rfc6672_2_2_a_name_that_would_be_too_long_is_yxdomain() {
    let label = |length: usize| "x".repeat(length);
    // The target has 3 * 64 + 1 octets; what is put before it may have 62, with its length.
    let target = format!("{0}.{0}.{0}.", label(63));
    let server = redirecting("example", "d.example", &target);
    let fits = format!("{}.d.example", label(61));
    assert_eq!(server.ask(&format!("{fits} A")).answer.len(), 2);
    let long = format!("{}.d.example", label(62));
    let reply = server.ask(&format!("{long} A"));
    assert_eq!(reply, Reply { rcode: 6, ..positive(&[&format!("d.example 300 DNAME {target}")]) });
}

#[test]
fn rfc6672_2_3_the_owner_itself_is_not_redirected() {
    let server = Server::with(&["d.example DNAME t.example.", "d.example A 192.0.2.1", "t.example A 192.0.2.2"]);
    assert_eq!(server.ask("d.example A"), positive(&["d.example 300 A 192.0.2.1"]));
    assert_eq!(server.ask("d.example AAAA"), negative(0));
    assert_eq!(server.ask("d.example DNAME"), positive(&["d.example 300 DNAME t.example."]));
    let apex = Server::with(&["example DNAME other.", "example A 192.0.2.1"]);
    assert_eq!(apex.ask("example A"), positive(&["example 300 A 192.0.2.1"]));
    assert_eq!(apex.ask("example SOA").answer.len(), 1);
    assert_eq!(apex.ask("x.example A").answer.len(), 2);
}

#[test]
fn rfc6672_2_4_what_lies_below_the_owner_is_hidden() {
    let server = Server::with(&[
        "d.example DNAME t.elsewhere.",
        "www.d.example A 192.0.2.1",
        "cut.d.example NS ns.cut.d.example.",
        "ns.cut.d.example A 192.0.2.2",
        "mx.example MX 1 www.d.example.",
        "del.example NS ns.cut.d.example.",
    ]);
    for name in ["www.d.example", "x.cut.d.example", "cut.d.example"] {
        let (label, _) = name.split_once(".d.").unwrap();
        let made = format!("{name} 300 CNAME {label}.t.elsewhere.");
        assert_eq!(server.ask(&format!("{name} A")), positive(&["d.example 300 DNAME t.elsewhere.", &made]), "{name}");
    }
    assert_eq!(server.ask("mx.example MX").additional, NOTHING, "nor does it get into the additional section");
    assert_eq!(server.ask("del.example A").additional, NOTHING, "nor as glue");
}

#[test]
fn rfc6672_3_1_the_cname_has_the_name_that_was_asked_and_the_ttl_of_the_dname() {
    // Compression leaves one way of writing `example`: the first one.
    let server = Server::with(&["d.example DNAME t.example.", "a.t.example A 192.0.2.1"]);
    assert_eq!(
        server.ask("A.D.eXample A"),
        positive(&[
            "D.eXample 300 DNAME t.example.",
            "A.D.eXample 300 CNAME A.t.eXample.",
            "A.t.eXample 300 A 192.0.2.1"
        ])
    );
}

#[test]
fn rfc6672_3_2_the_search_goes_on_at_the_new_name() {
    let server = Server::with(&[
        "d.example DNAME t.example.",
        "e.example DNAME d.example.",
        "www.t.example CNAME end.example.",
        "end.example A 192.0.2.1",
        "alias.example CNAME www.e.example.",
        "*.wild.t.example A 192.0.2.2",
        "cut.t.example NS ns.elsewhere.",
    ]);
    let types: Vec<String> = server.ask("alias.example A").answer;
    let types: Vec<&str> = types.iter().filter_map(|line| line.split(' ').nth(2)).collect();
    assert_eq!(types, ["CNAME", "DNAME", "CNAME", "DNAME", "CNAME", "CNAME", "A"]);
    let gone = server.ask("gone.d.example A");
    assert_eq!((gone.rcode, gone.answer.len(), gone.authority.len()), (3, 2, 1));
    assert_eq!(server.ask("x.wild.d.example A").answer[2], "x.wild.t.example 300 A 192.0.2.2");
    assert_eq!(server.ask("x.cut.d.example A").authority, ["cut.t.example 300 NS ns.elsewhere."]);
    // The type makes no difference: a question for CNAME goes on as well.
    assert_eq!(server.ask("www.d.example CNAME").answer.len(), 3);
    assert_eq!(server.ask("www.d.example DNAME").answer.len(), 3);
}

#[test]
fn a_dname_that_two_links_use_is_said_once() {
    let server =
        Server::with(&["d.example DNAME t.example.", "a.t.example CNAME b.d.example.", "b.t.example A 192.0.2.1"]);
    let answer = server.ask("a.d.example A").answer;
    assert_eq!(answer.iter().filter(|line| line.contains(" DNAME ")).count(), 1, "{answer:?}");
    assert_eq!(answer.len(), 5);
}

#[test]
fn rfc6672_3_2_a_cut_above_a_dname_comes_first() {
    let server = Server::with(&[
        "cut.example NS ns.elsewhere.",
        "d.cut.example DNAME t.example.",
        "cut.example DNAME t.example.",
    ]);
    assert_eq!(server.ask("x.d.cut.example A").authority, ["cut.example 300 NS ns.elsewhere."]);
    assert_eq!(server.ask("x.cut.example A").answer, NOTHING);
}
