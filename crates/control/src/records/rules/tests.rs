//! Names, conflicts and values, table by table.

use super::*;
use crate::PublicId;
use crate::testing::{name, record, record_row, zone_row};

#[test]
fn names_are_the_apex_whole_or_relative() {
    let apex = name("example.com");
    for (text, owner) in [
        ("@", "example.com"),
        ("example.com", "example.com"),
        ("example.com.", "example.com"),
        ("WWW", "www.example.com"),
        ("www.example.com", "www.example.com"),
        ("www.example.com.", "www.example.com"),
        ("a.b", "a.b.example.com"),
        ("*", "*.example.com"),
        ("*.www", "*.www.example.com"),
        ("sub.*", "sub.*.example.com"),
        ("*.*", "*.*.example.com"),
        ("_dmarc", "_dmarc.example.com"),
        ("bücher", "xn--bcher-kva.example.com"),
        ("0/25", "0/25.example.com"),
        // These only look like names of the zone, or of another.
        ("notexample.com", "notexample.com.example.com"),
        ("example.com.evil", "example.com.evil.example.com"),
        ("other.test", "other.test.example.com"),
    ] {
        assert_eq!(owner_name(&apex, text).unwrap().to_string(), owner, "{text}");
    }
    let long = "a".repeat(64);
    let longer = ["abcdefgh"; 28].join(".");
    for text in ["", ".", "other.test.", "a..b", "a b", "w*w", "a\\.b", "a\"b", &long, &longer] {
        assert!(matches!(owner_name(&apex, text), Err(Refusal::Invalid(Invalid::RecordName { .. }))), "{text}");
    }
}

/// What is said of `new` beside `there`, at the apex or at www.
fn beside(owner: &str, new: (&str, &str), there: &[(&str, &str)]) -> Option<Refusal> {
    let row = |number, (record_type, content): (&str, &str)| record_row(number, record_type, owner, content);
    let there: Vec<_> = (1..).zip(there).map(|(number, record)| row(number, *record)).collect();
    check_beside(&name("example.com"), u64::MAX, &row(0, new), &there).err()
}

#[test]
fn records_of_one_name_keep_the_rules_between_types() {
    use Conflict::*;
    const A: (&str, &str) = ("A", "192.0.2.1");
    const A2: (&str, &str) = ("A", "192.0.2.2");
    const AAAA: (&str, &str) = ("AAAA", "2001:db8::1");
    const CNAME: (&str, &str) = ("CNAME", "else.test");
    const CNAME2: (&str, &str) = ("CNAME", "other.test");
    const NS: (&str, &str) = ("NS", "ns.else.test");
    const MX: (&str, &str) = ("MX", "mail.test");
    const TXT: (&str, &str) = ("TXT", "text");
    let (www, apex) = ("www.example.com", "example.com");
    for (owner, new, there, conflict) in [
        (www, A2, A, None),
        (www, AAAA, A, None),
        (www, A, A, Some(IdenticalRecord)),
        (www, CNAME, A, Some(AddressOrAliasExists)),
        (www, CNAME, AAAA, Some(AddressOrAliasExists)),
        (www, CNAME2, CNAME, Some(AddressOrAliasExists)),
        (www, CNAME, CNAME, Some(IdenticalRecord)),
        (www, A, CNAME, Some(AliasExists)),
        (www, AAAA, CNAME, Some(AliasExists)),
        (www, A, NS, Some(DelegationExists)),
        (www, AAAA, NS, Some(DelegationExists)),
        (www, CNAME, NS, Some(DelegationExists)),
        (www, NS, A, Some(DelegationBesideAddress)),
        (www, NS, AAAA, Some(DelegationBesideAddress)),
        (www, NS, CNAME, Some(DelegationBesideAddress)),
        (www, TXT, NS, None),
        (www, NS, TXT, None),
        // The API allows these; publishing sees to the rest.
        (www, TXT, CNAME, None),
        (www, MX, CNAME, None),
        (www, CNAME, TXT, None),
        (www, CNAME, MX, None),
        // NS at the apex is no delegation.
        (apex, A, NS, None),
        (apex, NS, A, None),
        (apex, CNAME, NS, None),
        (apex, NS, CNAME, None),
        (apex, CNAME, A, Some(AddressOrAliasExists)),
    ] {
        assert_eq!(beside(owner, new, &[there]), conflict.clone().map(Refusal::Conflict), "{new:?} beside {there:?}");
        assert_eq!(beside(owner, new, &[]), None);
    }
}

#[test]
fn the_same_record_with_other_settings_exists_already() {
    let there = [record_row(1, "A", "www.example.com", "192.0.2.1")];
    let same = RecordRow { id: PublicId([0; 16]), ..there[0].clone() };
    let apex = name("example.com");
    let refused = |new: RecordRow| check_beside(&apex, u64::MAX, &new, &there).unwrap_err();
    assert_eq!(refused(same.clone()), Conflict::IdenticalRecord.into());
    for other in [
        RecordRow { ttl: 120, ..same.clone() },
        RecordRow { proxied: true, ..same.clone() },
        RecordRow { comment: Some("c".to_owned()), ..same.clone() },
        RecordRow { tags: vec!["a:b".to_owned()], ..same.clone() },
    ] {
        assert_eq!(refused(other), Conflict::RecordExists.into());
    }
    // Changing a record is no conflict with itself.
    assert_eq!(check_beside(&apex, u64::MAX, &RecordRow { id: there[0].id, ttl: 60, ..same }, &there), Ok(()));
}

#[test]
fn texts_are_compared_by_value_and_mail_exchanges_with_priority() {
    assert_eq!(beside("example.com", ("TXT", "\"v\""), &[("TXT", "v")]), Some(Conflict::IdenticalRecord.into()));
    assert_eq!(beside("example.com", ("TXT", "\"v\" \"w\""), &[("TXT", "vw")]), None, "two strings are not one");
    let there = [record_row(1, "MX", "example.com", "mail.test")];
    let priority = Some(20);
    let apex = name("example.com");
    let (rdata, _) = Rdata::from_api(RecordType::MX, "mail.test", priority, &apex).unwrap();
    let other = RecordRow { id: PublicId([0; 16]), rdata, priority, ..there[0].clone() };
    assert_eq!(check_beside(&apex, u64::MAX, &other, &there), Ok(()));
}

#[test]
fn the_texts_of_a_name_have_a_limit_together() {
    let text = |letter: &str| letter.repeat(2048);
    let four: Vec<String> = ["a", "b", "c", "d"].map(text).to_vec();
    let there: Vec<(&str, &str)> = four.iter().map(|text| ("TXT", text.as_str())).collect();
    assert_eq!(beside("t.example.com", ("TXT", &text("e")[..1]), &there[..3]), None);
    let limit = TEXTS_CHARACTERS_MAX;
    assert_eq!(beside("t.example.com", ("TXT", "e"), &there), Some(Invalid::TextsTooLong { limit }.into()));
}

fn drafted(new: NewRecord) -> Result<Draft, Refusal> {
    draft(&zone_row("example.com"), new)
}

fn refused(new: NewRecord) -> Refusal {
    drafted(new).unwrap_err()
}

#[test]
fn ttls_are_automatic_or_in_the_range_of_the_plan() {
    let www = || record("A", "www", "192.0.2.1");
    for ttl in [None, Some(1), Some(30), Some(86_400)] {
        assert_eq!(drafted(NewRecord { ttl, ..www() }).unwrap().ttl, ttl.unwrap_or(1));
    }
    for ttl in [0, 2, 29, 86_401, u32::MAX] {
        let refusal = refused(NewRecord { ttl: Some(ttl), ..www() });
        assert_eq!(refusal, Invalid::Ttl { minimum: 30, maximum: 86_400 }.into(), "{ttl}");
    }
    let free = ZoneRow { plan: Plan::Free, ..zone_row("example.com") };
    let refusal = draft(&free, NewRecord { ttl: Some(59), ..www() }).unwrap_err();
    assert_eq!(refusal, Invalid::Ttl { minimum: 60, maximum: 86_400 }.into());
    let proxied = drafted(NewRecord { ttl: Some(120), proxied: Some(true), ..www() }).unwrap();
    assert_eq!((proxied.ttl, proxied.proxied), (1, true));
}

#[test]
fn contents_are_refused_by_type() {
    for (record_type, content) in [
        ("A", "1.1"),
        ("A", "::1"),
        ("A", ""),
        ("AAAA", "192.0.2.1"),
        ("CNAME", "192.0.2.1"),
        ("TXT", "\"a"),
        ("TXT", ""),
    ] {
        let refusal = refused(record(record_type, "www", content));
        assert!(matches!(refusal, Refusal::Invalid(Invalid::Content { .. })), "{record_type} {content}: {refusal}");
    }
    let mx = NewRecord { priority: None, ..record("MX", "www", "mail.test") };
    assert_eq!(refused(mx), Invalid::PriorityMissing.into());
    assert_eq!(refused(record("SOA", "www", "x")), Invalid::RecordType("SOA".to_owned()).into());
    assert_eq!(refused(record("NONE", "www", "x")), Invalid::RecordType("NONE".to_owned()).into());
    let long = record("TXT", "www", &"é".repeat(2049));
    assert_eq!(refused(long), Invalid::TextTooLong { limit: 2048 }.into());
    assert!(drafted(record("TXT", "www", &"é".repeat(2048))).is_ok());
    let txt = NewRecord { proxied: Some(true), ..record("TXT", "www", "x") };
    assert_eq!(refused(txt), Invalid::NotProxiable(RecordType::TXT).into());
}

#[test]
fn comments_and_tags_have_limits_and_forms() {
    let www = || record("A", "www", "192.0.2.1");
    let with_comment = |comment: &str| NewRecord { comment: Some(comment.to_owned()), ..www() };
    assert_eq!(drafted(with_comment("")).unwrap().comment, None);
    assert!(drafted(with_comment(&"é".repeat(500))).is_ok());
    assert_eq!(refused(with_comment(&"é".repeat(501))), Invalid::CommentTooLong { limit: 500 }.into());
    assert_eq!(refused(with_comment("a\nb")), Invalid::CommentLineBreak.into());
    let with_tags = |tags: &[&str]| NewRecord { tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), ..www() };
    assert_eq!(drafted(with_tags(&["a:1", "b-_2:", "a:1", "cf:1"])).unwrap().tags, ["a:1", "b-_2:", "cf:1"]);
    let long = format!("{}:x", "n".repeat(33));
    for tag in ["", ":x", "no colon", "a b:c", "cf-proxied:true", "CF-x:", &long] {
        assert!(matches!(refused(with_tags(&[tag])), Refusal::Invalid(Invalid::TagName { .. })), "{tag}");
    }
    let long = format!("n:{}", "v".repeat(101));
    assert!(matches!(refused(with_tags(&[&long])), Refusal::Invalid(Invalid::TagValue { .. })));
    let many: Vec<String> = (0..21).map(|number| format!("t{number}:")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(refused(with_tags(&many)), Quota::Tags { count: 21, limit: 20 }.into());
    let free = ZoneRow { plan: Plan::Free, ..zone_row("example.com") };
    assert_eq!(draft(&free, with_tags(&["a:1"])).unwrap_err(), Quota::Tags { count: 1, limit: 0 }.into());
}

#[test]
fn only_an_alias_can_be_flattened() {
    let settings = || serde_json::Map::from_iter([("flatten_cname".to_owned(), true.into())]);
    let alias = NewRecord { settings: settings(), ..record("CNAME", "www", "example.net") };
    assert_eq!(drafted(alias).unwrap().settings, settings());
    let address = NewRecord { settings: settings(), ..record("A", "www", "192.0.2.1") };
    assert!(drafted(address).unwrap().settings.is_empty());
}
