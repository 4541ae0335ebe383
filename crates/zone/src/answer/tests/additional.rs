//! The additional section of answers: what the asker would ask next, if it fits.

use super::*;

/// `owner type` of each line.
fn sets(lines: &[String]) -> Vec<String> {
    let words = |line: &String| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    lines.iter().map(words).map(|words| format!("{} {}", words[0], words[2])).collect()
}

#[test]
fn rfc1035_3_3_addresses_of_the_hosts_that_an_answer_names() {
    let server = Server::with(&[
        "example MX 10 mail.example.",
        "example MX 20 mail.example.",
        "example MX 30 alias.example.",
        "example MX 40 gone.example.",
        "example MX 50 mail.elsewhere.",
        "example MX 60 x.wild.example.",
        "mail.example A 192.0.2.1",
        "mail.example AAAA 2001:db8::1",
        "alias.example CNAME mail.example.",
        "*.wild.example A 192.0.2.2",
    ]);
    assert_eq!(
        server.ask("example MX").additional,
        ["mail.example 300 A 192.0.2.1", "mail.example 300 AAAA 2001:db8::1", "x.wild.example 300 A 192.0.2.2"],
        "each once, no alias, none that is not here"
    );
}

#[test]
fn rfc2782_addresses_of_the_target_of_a_service() {
    let server = Server::with(&[
        "_x._tcp.example SRV 0 0 80 www.example.",
        "www.example A 192.0.2.1",
        "none.example SRV 0 0 0 .",
    ]);
    assert_eq!(server.ask("_x._tcp.example SRV").additional, ["www.example 300 A 192.0.2.1"]);
    assert_eq!(server.ask("none.example SRV").additional, NOTHING, "the root means that there is no service");
}

#[test]
fn rfc1035_3_3_11_addresses_of_the_nameservers_of_the_apex() {
    let mut header = header("example", 1, &[1]);
    header.nameservers = vec![name("ns1.example"), name("ns.test")];
    let server = Server::zone(header, &["ns1.example A 192.0.2.1", "ns1.example AAAA 2001:db8::1"]);
    assert_eq!(
        server.ask("example NS").additional,
        ["ns1.example 300 A 192.0.2.1", "ns1.example 300 AAAA 2001:db8::1"]
    );
}

#[test]
fn rfc2181_5_4_1_what_lies_below_a_cut_is_given_as_glue_and_for_nothing_else() {
    let server = Server::with(&[
        "example MX 1 mail.sub.example.",
        "sub.example NS ns.sub.example.",
        "ns.sub.example A 192.0.2.1",
        "mail.sub.example A 192.0.2.2",
    ]);
    assert_eq!(server.ask("example MX").additional, NOTHING);
    assert_eq!(server.ask("x.sub.example A").additional, ["ns.sub.example 300 A 192.0.2.1"]);
}

#[test]
fn additional_data_crosses_as_aliases_do() {
    let zones = |foreign: ZoneHeader| {
        let here = &["here.test MX 1 mail.kin.test.", "here.test MX 2 mail.foreign.test."];
        let entries = vec![
            delta(1, 1, Some(header("here.test", 1, &[1])), &[], here),
            delta(2, 1, Some(header("kin.test", 1, &[1])), &[], &["mail.kin.test A 192.0.2.1"]),
            delta(3, 1, Some(foreign), &[], &["mail.foreign.test A 192.0.2.2"]),
        ];
        Server::new(entries, vec![]).ask("here.test MX").additional
    };
    let (kin, foreign) = ("mail.kin.test 300 A 192.0.2.1", "mail.foreign.test 300 A 192.0.2.2");
    assert_eq!(zones(header("foreign.test", 2, &[1])), [kin]);
    assert_eq!(zones(proven(header("foreign.test", 2, &[0, 1]))), [kin, foreign]);
}

#[test]
fn rfc9460_4_1_what_leads_to_the_addresses_of_a_service() {
    let server = Server::with(&[
        "example HTTPS 1 . alpn=h2",
        "example A 192.0.2.1",
        "example AAAA 2001:db8::1",
        "www.example HTTPS 1 svc.example. port=8443",
        "www.example HTTPS 2 svc2.example.",
        "svc.example A 192.0.2.2",
        "svc2.example AAAA 2001:db8::2",
        "out.example HTTPS 1 svc.elsewhere.",
    ]);
    assert_eq!(
        sets(&server.ask("example HTTPS").additional),
        ["example A", "example AAAA"],
        "the root: the owner itself"
    );
    assert_eq!(sets(&server.ask("www.example HTTPS").additional), ["svc.example A", "svc2.example AAAA"]);
    assert_eq!(server.ask("out.example HTTPS").additional, NOTHING);
}

/// The alias forms of section 2.4.2 and 10.2: the apex leads to a name that has the records of the service.
#[test]
fn rfc9460_2_4_2_and_2_5_1_aliases_of_services() {
    let server = Server::with(&[
        "example HTTPS 0 svc.example.",
        "svc.example HTTPS 2 . port=8002",
        "svc.example A 192.0.2.2",
        "svc.example AAAA 2001:db8::2",
        "_8443._foo.api.example SVCB 0 svc4.example.",
        "svc4.example SVCB 3 svc4.example. alpn=bar port=8004",
        "svc4.example A 192.0.2.4",
        "none.example HTTPS 0 .",
        "loop.example HTTPS 0 LOOP.example.",
        "one.example HTTPS 0 two.example.",
        "two.example HTTPS 0 one.example.",
    ]);
    assert_eq!(
        sets(&server.ask("example HTTPS").additional),
        ["svc.example A", "svc.example AAAA", "svc.example HTTPS"]
    );
    assert_eq!(sets(&server.ask("_8443._foo.api.example SVCB").additional), ["svc4.example A", "svc4.example SVCB"]);
    assert_eq!(server.ask("none.example HTTPS").additional, NOTHING, "the root: the service is not available");
    assert_eq!(server.ask("loop.example HTTPS").additional, NOTHING);
    assert_eq!(sets(&server.ask("one.example HTTPS").additional), ["two.example HTTPS"]);
}

#[test]
fn rfc9460_2_5_2_the_owner_of_a_wildcard_is_the_name_that_was_asked() {
    let server = Server::with(&["*.example HTTPS 1 . alpn=h2", "*.example A 192.0.2.1"]);
    assert_eq!(server.ask("x.example HTTPS").additional, ["x.example 300 A 192.0.2.1"]);
}

#[test]
fn rfc2181_9_additional_data_that_does_not_fit_is_left_out_without_tc() {
    let mut records = vec!["example MX 1 a.example.".to_owned(), "example MX 2 b.example.".to_owned()];
    records.extend((0..40).map(|number| format!("a.example A 192.0.2.{number}")));
    records.push("b.example A 192.0.2.1".to_owned());
    let server = Server::with(&records.iter().map(String::as_str).collect::<Vec<_>>());
    let reply = server.ask_udp("example MX", 512);
    assert_eq!((reply.truncated, reply.answer.len()), (false, 2));
    assert_eq!(reply.additional, ["b.example 300 A 192.0.2.1"], "an RRset whole or not at all");
}

#[test]
fn an_answer_that_is_cut_has_no_additional_data() {
    let mut records: Vec<String> = (0..60).map(|number| format!("example MX {number} m{number}.example.")).collect();
    records.push("m0.example A 192.0.2.1".to_owned());
    let server = Server::with(&records.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(server.ask_udp("example MX", 512), Reply { truncated: true, ..positive(&[]) });
}

#[test]
fn so_many_hosts_are_looked_up_and_no_more() {
    // All 20 hosts have addresses; the first 16 are looked up.
    let lines: Vec<String> = (10..30)
        .flat_map(|n| [format!("many.example MX {n} h{n}.example."), format!("h{n}.example A 192.0.2.{n}")])
        .collect();
    let server = Server::with(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let reply = server.ask("many.example MX");
    assert_eq!((reply.answer.len(), reply.additional.len()), (20, 16));
    // One host for a hundred records, then another one: it lies beyond the records that are looked at.
    let mut lines: Vec<String> = (0..100).map(|n| format!("one.example SRV 0 0 {n} a.example.")).collect();
    lines.extend(
        ["one.example SRV 1 0 0 b.example.", "a.example A 192.0.2.1", "b.example A 192.0.2.2"].map(str::to_owned),
    );
    let server = Server::with(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(server.ask("one.example SRV").additional, ["a.example 300 A 192.0.2.1"]);
}
