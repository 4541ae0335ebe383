use super::*;
use domain::base::Name as Reference;
use proptest::prelude::*;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

#[test]
fn text_is_folded_and_the_last_dot_is_optional() {
    assert_eq!(name("WWW.Example.COM."), name("www.example.com"));
    assert_eq!(name("www.example.com").to_string(), "www.example.com");
}

#[test]
fn unicode_becomes_a_labels_beside_stars_and_underscores() {
    assert_eq!(name("*._tcp.bücher.example").to_string(), "*._tcp.xn--bcher-kva.example");
}

#[test]
fn limits_are_exact() {
    let label = "a".repeat(63);
    assert!(Name::from_text(&label).is_ok());
    assert!(Name::from_text(&"a".repeat(64)).is_err());
    let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
    assert_eq!(name(&longest).as_wire().len(), 255);
    assert!(Name::from_text(&format!("{longest}a")).is_err());
    assert_eq!(name(&longest).prepend("a"), Err(NameError::NameLength));
}

#[test]
fn what_is_not_a_name_is_refused() {
    for text in ["", "a..b", ".a", "a b", "a\\256b", "a\\", "a\tb"] {
        assert!(Name::from_text(text).is_err(), "{text:?}");
    }
}

#[test]
fn below_is_by_labels() {
    assert!(name("www.example.com").is_at_or_below(&name("example.com")));
    assert!(!name("wwwexample.com").is_at_or_below(&name("example.com")));
    assert!(name("example.com").is_at_or_below(&Name::root()));
    // The suffix's bytes occur, but not where a label starts.
    let inside = Name::from_wire(b"\x09a\x07example\0").unwrap();
    assert!(!inside.is_at_or_below(&name("example")));
}

#[test]
fn canonical_order_is_that_of_rfc_4034_section_6_1() {
    let sorted = [
        "example",
        "a.example",
        "yljkjljk.a.example",
        "z.a.example",
        "zabc.a.example",
        "z.example",
        "\\001.z.example",
        "*.z.example",
        "\\200.z.example",
    ];
    let names: Vec<Name> = sorted.iter().map(|text| name(text)).collect();
    assert!(names.is_sorted());
    assert!(names.iter().map(Name::sort_key).is_sorted());
}

prop_compose! {
    fn any_name()(labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 0..8)) -> Name {
        let mut wire = Vec::new();
        for label in labels {
            wire.push(label.len() as u8);
            wire.extend(label);
        }
        wire.push(0);
        Name::from_wire(&wire).unwrap()
    }
}

proptest! {
    #[test]
    fn text_and_back(name in any_name()) {
        prop_assert_eq!(Name::from_text(&name.to_string()).unwrap(), name);
    }

    #[test]
    fn sort_key_and_back(name in any_name()) {
        prop_assert_eq!(Name::from_sort_key(&name.sort_key()).unwrap(), name);
    }

    #[test]
    fn sort_keys_order_as_names_do(a in any_name(), b in any_name()) {
        prop_assert_eq!(a.cmp(&b), a.sort_key().cmp(&b.sort_key()));
    }

    #[test]
    fn order_is_the_reference_order(a in any_name(), b in any_name()) {
        let reference = |name: &Name| Reference::from_octets(name.as_wire().to_vec()).unwrap();
        prop_assert_eq!(a.cmp(&b), reference(&a).cmp(&reference(&b)));
    }

    #[test]
    fn the_reference_reads_what_we_print(name in any_name()) {
        let read: Reference<Vec<u8>> = format!("{name}").parse().unwrap();
        prop_assert_eq!(read.as_slice(), name.as_wire());
    }

    #[test]
    fn any_text_is_a_name_or_an_error(text: String) {
        if let Ok(name) = Name::from_text(&text) {
            prop_assert_eq!(Name::from_text(&name.to_string()).unwrap(), name);
        }
    }
}
