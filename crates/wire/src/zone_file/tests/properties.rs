//! What holds for all files and for all records.

use proptest::prelude::*;

use super::*;
use crate::records::tests::properties::any_rdata;

fn any_name() -> impl Strategy<Value = Name> {
    let label = prop_oneof![
        "[a-z0-9_-]{1,12}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 1..64),
        Just(b"*".to_vec()),
        Just(b"@".to_vec()),
        Just(b"$ttl".to_vec()),
    ];
    prop::collection::vec(label, 0..6).prop_filter_map("too long", |labels| {
        let wire: Vec<u8> = labels.into_iter().flat_map(|label| [vec![label.len() as u8], label].concat()).collect();
        Name::from_wire(&[wire, vec![0]].concat()).ok()
    })
}

/// Text in which what means something is likely.
fn any_file() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("a A 192.0.2.1\n".to_owned()),
        Just("$ORIGIN ".to_owned()),
        Just("$TTL ".to_owned()),
        Just("$GENERATE 1-3 ".to_owned()),
        Just("a${0,2,n} ".to_owned()),
        Just(" TXT ".to_owned()),
        Just(" CNAME ".to_owned()),
        "[\"\\\\();$@. \tA-B0-9]{1,4}",
        "\\PC{0,4}",
    ];
    prop::collection::vec(part, 0..20).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn records_of_all_types_are_read_as_they_are_written(
        owner in any_name(),
        ttl: u32,
        rdata in any_rdata(),
        comment in prop::option::of("[^\n\r]{1,20}"),
    ) {
        let mut line = String::new();
        write_record(&mut line, &owner, ttl, &rdata, comment.as_deref());
        let comment = comment.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let entry = Entry { line: 1, owner, ttl: Some(ttl), rdata, comment };
        prop_assert_eq!(read_with(&line, None), [Ok(entry)], "{}", line);
    }

    #[test]
    fn any_text_is_read_or_refused_and_what_is_read_survives(text in any_file()) {
        let read = read_with(&text, Some("example.com"));
        let lines = text.split(['\n', '\r']).count() as u32;
        for entry in read {
            match entry {
                Ok(entry) => {
                    prop_assert!((1..=lines).contains(&entry.line));
                    let mut line = String::new();
                    write_record(&mut line, &entry.owner, 5, &entry.rdata, entry.comment.as_deref());
                    let again = Entry { line: 1, ttl: Some(5), ..entry };
                    prop_assert_eq!(read_with(&line, None), [Ok(again)], "{}", line);
                }
                Err(problem) => prop_assert!((1..=lines).contains(&problem.line)),
            }
        }
    }
}
