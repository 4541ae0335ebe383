//! Cuts: referrals, glue, what lies below, and DS.

use super::*;

const DS: &str = "DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn delegating() -> Server {
    Server::with(&[
        "sub.example NS ns.sub.example.",
        "sub.example NS ns.other.example.",
        "sub.example NS ns.elsewhere.",
        "ns.sub.example A 192.0.2.1",
        "ns.sub.example AAAA 2001:db8::2",
        "ns.other.example AAAA 2001:db8::1",
        "other.example NS ns.other.example.",
        "hidden.sub.example TXT hidden",
        "deep.sub.example NS ns.deep.sub.example.",
        "ns.deep.sub.example A 192.0.2.7",
        "to.example CNAME x.sub.example.",
    ])
}

fn referral(answer: &[&str]) -> Reply {
    Reply {
        authoritative: !answer.is_empty(),
        authority: lines(&[
            "sub.example 300 NS ns.sub.example.",
            "sub.example 300 NS ns.other.example.",
            "sub.example 300 NS ns.elsewhere.",
        ]),
        additional: lines(&[
            "ns.sub.example 300 A 192.0.2.1",
            "ns.sub.example 300 AAAA 2001:db8::2",
            "ns.other.example 300 AAAA 2001:db8::1",
        ]),
        ..positive(answer)
    }
}

#[test]
fn rfc1034_4_3_2_names_at_and_below_a_cut_are_referred() {
    let server = delegating();
    for question in ["sub.example A", "sub.example SOA", "a.b.sub.example A", "sub.example TYPE65280"] {
        assert_eq!(server.ask(question), referral(&[]), "{question}");
    }
    assert_eq!(server.ask("to.example A"), referral(&["to.example 300 CNAME x.sub.example."]));
}

#[test]
fn rfc2181_6_1_the_parent_has_no_authority_over_the_ns_rrset_of_a_cut() {
    assert_eq!(delegating().ask("sub.example NS"), referral(&[]));
}

#[test]
fn what_a_cut_occludes_does_not_leak() {
    let server = delegating();
    for question in [
        "hidden.sub.example TXT",
        "ns.sub.example A",
        "ns.sub.example ANY",
        "x.deep.sub.example A",
        "deep.sub.example NS",
        "deep.sub.example DS",
        "gone.sub.example A",
    ] {
        assert_eq!(server.ask(question), referral(&[]), "{question}");
    }
}

#[test]
fn rfc9471_2_glue_of_every_kind() {
    let server = Server::with(&[
        "own.example NS own.example.",
        "own.example A 192.0.2.1",
        "sibling.example NS ns.own.example.",
        "ns.own.example A 192.0.2.2",
        "plain.example NS ns.example.",
        "ns.example A 192.0.2.3",
        "none.example NS ns.nowhere.example.",
        "apex.example NS example.",
        "example AAAA 2001:db8::3",
        "case.example NS NS.Case.Example.",
        "ns.case.example A 192.0.2.4",
    ]);
    let additional = |question: &str| server.ask(question).additional;
    assert_eq!(additional("x.own.example A"), ["own.example 300 A 192.0.2.1"], "in-domain, at the cut itself");
    assert_eq!(additional("x.sibling.example A"), ["ns.own.example 300 A 192.0.2.2"], "sibling");
    assert_eq!(additional("x.plain.example A"), ["ns.example 300 A 192.0.2.3"], "data of the zone itself");
    assert_eq!(additional("x.none.example A"), NOTHING);
    assert_eq!(additional("x.apex.example A"), ["example 300 AAAA 2001:db8::3"]);
    assert_eq!(additional("x.case.example A"), ["ns.case.example 300 A 192.0.2.4"]);
}

/// The zone's own delegation is asked with a size at which all, all but sibling glue, or not even in-domain glue fits.
#[test]
fn rfc9471_3_1_in_domain_glue_is_not_optional_and_sibling_glue_is() {
    let mut records = vec!["other.example NS ns.elsewhere.".to_owned()];
    for number in 10..22 {
        records.push(format!("sub.example NS n{number}.sub.example."));
        records.push(format!("n{number}.sub.example AAAA 2001:db8::{number}"));
    }
    records.push("sub.example NS ns.other.example.".to_owned());
    records.push("ns.other.example AAAA 2001:db8::1".to_owned());
    let server = Server::with(&records.iter().map(String::as_str).collect::<Vec<_>>());
    let question = "x.sub.example A";
    let whole = server.exchange(&request(question, OPT), Transport::Tcp).unwrap().len() as u16;
    let all = server.ask_udp(question, whole);
    assert_eq!((all.truncated, all.authority.len(), all.additional.len()), (false, 13, 13));
    let without_sibling = server.ask_udp(question, whole - 1);
    assert_eq!((without_sibling.truncated, without_sibling.additional.len()), (false, 12));
    // Owner (a pointer to the NS data), type, class, TTL, length and address.
    let sibling = 2 + 10 + 16;
    assert!(!server.ask_udp(question, whole - sibling).truncated);
    let cut = server.ask_udp(question, whole - sibling - 1);
    assert_eq!((cut.truncated, cut.authority.len(), cut.additional.len()), (true, 13, 11));
}

#[test]
fn rfc9471_3_1_all_addresses_of_an_in_domain_host_must_be_there() {
    let mut records = vec!["sub.example NS ns.sub.example.".to_owned()];
    records.extend((0..20).map(|number| format!("ns.sub.example A 192.0.2.{number}")));
    records.extend((0..20).map(|number| format!("ns.sub.example AAAA 2001:db8::{number:x}")));
    let server = Server::with(&records.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(server.ask_udp("x.sub.example A", 1232).additional.len(), 40);
    let cut = server.ask_udp("x.sub.example A", 512);
    assert_eq!((cut.truncated, cut.additional.len()), (true, 20), "the addresses of one type fit");
    assert_eq!(server.ask("x.sub.example A").additional.len(), 40);
}

#[test]
fn rfc4035_3_1_4_1_ds_belongs_to_the_parent_of_a_cut() {
    let server = Server::with(&[
        "signed.example NS ns.elsewhere.",
        &format!("signed.example {DS}"),
        "unsigned.example NS ns.elsewhere.",
        "www.example A 192.0.2.1",
    ]);
    let signed = server.ask("signed.example DS");
    assert_eq!((signed.authoritative, signed.answer.len(), signed.authority.len()), (true, 1, 0));
    assert_eq!(server.ask("unsigned.example DS"), negative(0));
    assert_eq!(server.ask("www.example DS"), negative(0));
    assert_eq!(server.ask("nowhere.example DS"), negative(3));
    assert!(!server.ask("x.signed.example DS").authoritative, "below the cut it is the child's business");
    assert_eq!(server.ask("example DS"), negative(0), "the parent is not here: the apex answers that there is none");
}

#[test]
fn rfc4035_3_1_4_1_where_parent_and_child_are_served_the_child_answers_but_for_ds() {
    let parent = &["sub.parent.test NS ns.sub.parent.test.", &format!("sub.parent.test {DS}")];
    let server = Server::new(
        vec![
            delta(1, 1, Some(header("parent.test", 1, &[1])), &[], parent),
            delta(2, 1, Some(header("sub.parent.test", 1, &[1])), &[], &["sub.parent.test A 192.0.2.1"]),
        ],
        vec![],
    );
    assert_eq!(server.ask("sub.parent.test A"), positive(&["sub.parent.test 300 A 192.0.2.1"]));
    assert_eq!(server.ask("x.sub.parent.test A").rcode, 3);
    assert_eq!(server.ask("sub.parent.test DS").answer.len(), 1);
    assert!(server.ask("x.sub.parent.test DS").authority[0].starts_with("sub.parent.test 1800 SOA"));
    assert!(server.ask("parent.test DS").authority[0].starts_with("parent.test 1800 SOA"));
}

#[test]
fn rfc4035_3_1_4_a_referral_carries_the_ds_rrset_for_who_wants_it() {
    let lines =
        ["signed.example NS ns.elsewhere.", &format!("signed.example {DS}"), "unsigned.example NS ns.elsewhere."];
    let server = Server::zone(ZoneHeader { signed: true, ..header("example", 1, &[1]) }, &lines);
    assert_eq!(server.ask("x.signed.example A").authority.len(), 1, "without DO");
}
