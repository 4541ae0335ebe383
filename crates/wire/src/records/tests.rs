//! Record data between the API's form, zone files and the wire.

mod api;
mod encodings;
pub(crate) mod properties;
mod table;

use super::*;
use domain::base::ParseRecordData;
use domain::base::iana::Rtype;
use domain::dep::octseq::Parser;
use domain::rdata::AllRecordData;
use proptest::prelude::*;

fn apex() -> Name {
    "example.com".parse().unwrap()
}

fn api(record_type: RecordType, content: &str, priority: Option<u16>) -> Result<(Rdata, Content), RecordError> {
    Rdata::from_api(record_type, content, priority, &apex())
}

#[test]
fn api_content_comes_back_canonical() {
    for (record_type, given, priority, canonical) in [
        (RecordType::A, "192.0.2.1", None, "192.0.2.1"),
        (RecordType::AAAA, "FE80::0:0:1", None, "fe80::1"),
        (RecordType::CNAME, "WWW.Example.NET.", None, "www.example.net"),
        (RecordType::CNAME, "@", None, "example.com"),
        (RecordType::NS, "ns1.example.net", None, "ns1.example.net"),
        (RecordType::MX, "mail.example.net.", Some(0), "mail.example.net"),
        (RecordType::MX, ".", Some(0), "."),
        (RecordType::TXT, "v=spf1 -all", None, "v=spf1 -all"),
        (RecordType::TXT, "\"a\" \"b\"", None, "\"a\" \"b\""),
    ] {
        let (_, content) = api(record_type, given, priority).unwrap();
        assert_eq!(content, Content { content: canonical.to_owned(), priority }, "{record_type} {given}");
    }
}

#[test]
fn api_content_that_is_wrong_is_refused_with_its_reason() {
    assert!(matches!(api(RecordType::A, "1.1", None), Err(RecordError::Ipv4(_))));
    assert!(matches!(api(RecordType::A, "01.2.3.4", None), Err(RecordError::Ipv4(_))));
    assert!(matches!(api(RecordType::AAAA, "192.0.2.1", None), Err(RecordError::Ipv6(_))));
    assert!(matches!(api(RecordType::MX, "mail.example", None), Err(RecordError::Missing("priority"))));
    assert!(matches!(api(RecordType::MX, "192.0.2.1", Some(1)), Err(RecordError::AddressAsHost(_))));
    assert!(matches!(api(RecordType::CNAME, "a..b", None), Err(RecordError::Host { .. })));
    assert!(matches!(api(RecordType::CNAME, "a b", None), Err(RecordError::Trailing(_))));
    assert!(matches!(api(RecordType::CNAME, "", None), Err(RecordError::Missing(_))));
    assert!(matches!(api(RecordType::SOA, "x", None), Err(RecordError::Type(_))));
    for content in ["\"this", "\"these\" ones\"", "a\"b", "\"a\"b"] {
        assert_eq!(api(RecordType::TXT, content, None), Err(RecordError::Quotes), "{content}");
    }
}

#[test]
fn text_is_cut_into_strings_of_255_octets() {
    let (rdata, content) = api(RecordType::TXT, &"x".repeat(300), None).unwrap();
    assert_eq!((rdata.wire()[0], rdata.wire()[256], rdata.wire().len()), (255, 45, 302));
    assert_eq!(content.content.len(), 300);
    let (rdata, _) = api(RecordType::TXT, "\"\"", None).unwrap();
    assert_eq!(rdata.wire(), [0]);
}

#[test]
fn quoted_and_unquoted_text_have_the_same_value() {
    let (quoted, _) = api(RecordType::TXT, "\"a \\\"b\\\" \\233\"", None).unwrap();
    assert_eq!(quoted.wire(), b"\x07a \"b\" \xe9");
    assert_eq!(api(RecordType::TXT, "plain", None).unwrap().0, api(RecordType::TXT, "\"plain\"", None).unwrap().0);
}

#[test]
fn zone_file_names_are_relative_to_the_origin() {
    let mx = Rdata::from_text(RecordType::MX, "10 Mail", &apex()).unwrap();
    assert_eq!(mx.to_string(), "10 mail.example.com.");
    assert_eq!(Rdata::from_text(RecordType::NS, "@", &apex()).unwrap().to_string(), "example.com.");
    assert_eq!(Rdata::from_text(RecordType::TXT, "a \"b c\"", &apex()).unwrap().to_string(), "\"a\" \"b c\"");
}

fn any_rdata() -> impl Strategy<Value = Rdata> {
    let host = "([a-z0-9_-]{1,9}\\.){0,3}[a-z]{1,9}";
    prop_oneof![
        any::<[u8; 4]>().prop_map(|a| Rdata::from_wire(RecordType::A, &a).unwrap()),
        any::<[u8; 16]>().prop_map(|a| Rdata::from_wire(RecordType::AAAA, &a).unwrap()),
        host.prop_map(|h| Rdata::from_text(RecordType::CNAME, &format!("{h}."), &Name::root()).unwrap()),
        host.prop_map(|h| Rdata::from_text(RecordType::NS, &format!("{h}."), &Name::root()).unwrap()),
        (any::<u16>(), host)
            .prop_map(|(p, h)| { Rdata::from_text(RecordType::MX, &format!("{p} {h}."), &Name::root()).unwrap() }),
        (host, host, any::<[u32; 5]>()).prop_map(|(m, r, [a, b, c, d, e])| {
            Rdata::from_text(RecordType::SOA, &format!("{m}. {r}. {a} {b} {c} {d} {e}"), &Name::root()).unwrap()
        }),
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..256), 1..4).prop_map(|strings| {
            let wire: Vec<u8> = strings.into_iter().flat_map(|s| [vec![s.len() as u8], s].concat()).collect();
            Rdata::from_wire(RecordType::TXT, &wire).unwrap()
        }),
    ]
}

proptest! {
    #[test]
    fn text_and_back(rdata in any_rdata()) {
        let back = Rdata::from_text(rdata.record_type(), &rdata.to_string(), &Name::root()).unwrap();
        prop_assert_eq!(back, rdata);
    }

    #[test]
    fn api_and_back(rdata in any_rdata()) {
        prop_assume!(rdata.record_type() != RecordType::SOA);
        let shown = rdata.content();
        let (back, again) = api(rdata.record_type(), &shown.content, shown.priority).unwrap();
        prop_assert_eq!(&back, &rdata);
        prop_assert_eq!(again, shown);
    }

    #[test]
    fn the_reference_prints_the_same_text(rdata in any_rdata()) {
        let mut parser = Parser::from_ref(rdata.wire());
        let rtype = Rtype::from_int(rdata.record_type().0);
        let reference = AllRecordData::<_, domain::base::ParsedName<_>>::parse_rdata(rtype, &mut parser);
        let reference = reference.unwrap().unwrap().to_string();
        let again = Rdata::from_text(rdata.record_type(), &reference, &Name::root()).unwrap();
        prop_assert_eq!(again, rdata);
    }
}
