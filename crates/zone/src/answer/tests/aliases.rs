//! Chains of CNAME records, inside a zone and into others.

use super::*;

#[test]
fn rfc1034_3_6_2_aliases_are_followed_to_their_end() {
    let server = Server::with(&[
        "a.example CNAME b.example.",
        "b.example CNAME c.example.",
        "c.example A 192.0.2.1",
        "out.example CNAME www.elsewhere.",
    ]);
    assert_eq!(
        server.ask("a.example A"),
        positive(&["a.example 300 CNAME b.example.", "b.example 300 CNAME c.example.", "c.example 300 A 192.0.2.1"])
    );
    assert_eq!(server.ask("a.example CNAME"), positive(&["a.example 300 CNAME b.example."]));
    assert_eq!(server.ask("out.example A"), positive(&["out.example 300 CNAME www.elsewhere."]));
}

#[test]
fn rfc1034_4_3_2_a_loop_is_answered_with_what_it_says_each_once() {
    let server = Server::with(&[
        "loop.example CNAME loop.example.",
        "one.example CNAME two.example.",
        "two.example CNAME one.example.",
        "in.example CNAME one.example.",
    ]);
    assert_eq!(server.ask("loop.example A"), positive(&["loop.example 300 CNAME loop.example."]));
    let two = ["one.example 300 CNAME two.example.", "two.example 300 CNAME one.example."];
    assert_eq!(server.ask("one.example A"), positive(&two));
    assert_eq!(server.ask("in.example A"), positive(&[&["in.example 300 CNAME one.example."], &two[..]].concat()));
}

#[test]
fn chains_without_an_end_are_cut() {
    let links: Vec<String> = (0..100).map(|n| format!("a{n}.example CNAME a{}.example.", n + 1)).collect();
    let server = Server::with(&links.iter().map(String::as_str).collect::<Vec<_>>());
    let reply = server.ask("a0.example A");
    assert_eq!((reply.rcode, reply.answer.len(), reply.authority.len()), (0, 17, 0));
}

#[test]
fn rfc6604_2_and_3_status_bits_are_of_the_first_name_and_the_code_of_the_last() {
    let server = Server::with(&[
        "gone.example CNAME nowhere.example.",
        "twice.example CNAME gone.example.",
        "empty.example CNAME www.example.",
        "www.example A 192.0.2.1",
        "below.example CNAME x.cut.example.",
        "cut.example NS ns.elsewhere.",
    ]);
    let alias = || lines(&["gone.example 300 CNAME nowhere.example."]);
    assert_eq!(server.ask("gone.example A"), Reply { answer: alias(), ..negative(3) });
    assert_eq!(server.ask("twice.example A").rcode, 3);
    assert_eq!(
        server.ask("empty.example AAAA"),
        Reply { answer: lines(&["empty.example 300 CNAME www.example."]), ..negative(0) }
    );
    let below = server.ask("below.example A");
    assert_eq!((below.authoritative, below.rcode), (true, 0));
    assert_eq!(below.authority, ["cut.example 300 NS ns.elsewhere."]);
}

#[test]
fn rfc2181_10_1_only_a_question_for_the_alias_itself_stops_there() {
    let server =
        Server::with(&["a.example CNAME www.example.", "www.example TXT text", "www.example MX 1 www.example."]);
    for (record_type, answers) in [("CNAME", 1), ("ANY", 1), ("TXT", 2), ("MX", 2), ("NS", 1), ("DS", 1), ("SOA", 1)] {
        assert_eq!(server.ask(&format!("a.example {record_type}")).answer.len(), answers, "{record_type}");
    }
}

fn zones(foreign: ZoneHeader) -> Server {
    let here = &[
        "kin.here.test CNAME www.kin.test.",
        "foreign.here.test CNAME www.foreign.test.",
        "gone.here.test CNAME gone.kin.test.",
        "below.here.test CNAME x.cut.kin.test.",
        "stolen.here.test CNAME www.sub.here.test.",
        "www.sub.here.test A 192.0.2.1",
        "there.here.test CNAME back.kin.test.",
        "end.here.test A 192.0.2.9",
    ];
    let kin = &["www.kin.test A 192.0.2.2", "cut.kin.test NS ns.x.", "back.kin.test CNAME end.here.test."];
    let entries = vec![
        delta(1, 1, Some(header("here.test", 1, &[1])), &[], here),
        delta(2, 1, Some(header("kin.test", 1, &[1])), &[], kin),
        delta(3, 1, Some(foreign), &[], &["www.foreign.test A 192.0.2.3"]),
        delta(4, 1, Some(header("sub.here.test", 2, &[1])), &[], &["www.sub.here.test A 192.0.2.66"]),
    ];
    Server::new(entries, vec![])
}

#[test]
fn aliases_cross_into_zones_of_their_own_account() {
    let server = zones(header("foreign.test", 2, &[1]));
    assert_eq!(
        server.ask("kin.here.test A"),
        positive(&["kin.here.test 300 CNAME www.kin.test.", "www.kin.test 300 A 192.0.2.2"])
    );
    assert_eq!(server.ask("there.here.test A").answer.len(), 3, "and back");
    let gone = server.ask("gone.here.test A");
    assert_eq!((gone.rcode, &gone.authority[0][..8]), (3, "kin.test"), "the SOA is of the zone where the chain ends");
    assert_eq!(server.ask("below.here.test A"), positive(&["below.here.test 300 CNAME x.cut.kin.test."]));
}

#[test]
fn aliases_cross_into_zones_of_others_only_if_they_are_proven() {
    let foreign = |server: Server| server.ask("foreign.here.test A").answer;
    let alias = "foreign.here.test 300 CNAME www.foreign.test.";
    assert_eq!(foreign(zones(header("foreign.test", 2, &[1]))), [alias], "pending");
    let trusted = ZoneHeader { proven: false, ..proven(header("foreign.test", 2, &[0, 1])) };
    assert_eq!(foreign(zones(trusted)), [alias], "merely trusted");
    let server = zones(proven(header("foreign.test", 2, &[0, 1])));
    assert_eq!(foreign(server), [alias, "www.foreign.test 300 A 192.0.2.3"]);
}

#[test]
fn a_claim_of_somebody_else_below_our_name_does_not_get_into_our_answers() {
    let server = zones(header("foreign.test", 2, &[1]));
    assert_eq!(server.ask("stolen.here.test A").answer[1], "www.sub.here.test 300 A 192.0.2.1");
}

#[test]
fn rfc4035_3_1_4_1_a_chain_that_asks_for_ds_ends_at_the_parent_of_the_cut() {
    let parent = &[
        "alias.parent.test CNAME sub.parent.test.",
        "sub.parent.test NS ns.elsewhere.",
        "sub.parent.test DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    ];
    let server = Server::new(
        vec![
            delta(1, 1, Some(header("parent.test", 1, &[1])), &[], parent),
            delta(2, 1, Some(header("sub.parent.test", 1, &[1])), &[], &[]),
        ],
        vec![],
    );
    assert_eq!(server.ask("sub.parent.test DS").answer.len(), 1);
    assert_eq!(server.ask("alias.parent.test DS").answer.len(), 2);
    assert_eq!(server.ask("alias.parent.test NS").answer.len(), 3, "other types are the child's");
}
