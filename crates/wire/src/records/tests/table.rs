//! The table and what is looked up in it.

use super::*;

#[test]
fn rows_are_sorted_and_mnemonics_unique() {
    assert!(ROWS.windows(2).all(|pair| pair[0].record_type < pair[1].record_type));
    for row in ROWS {
        assert_eq!(row_by_mnemonic(&row.mnemonic.to_lowercase()).unwrap().record_type, row.record_type);
    }
}

#[test]
fn a_row_is_found_by_its_number_and_no_other() {
    for number in 0..=u16::MAX {
        let found = row(RecordType(number)).map(|row| row.record_type.0);
        let expected = ROWS.iter().find(|row| row.record_type.0 == number).map(|row| row.record_type.0);
        assert_eq!(found, expected, "{number}");
    }
}

#[test]
fn only_names_of_rfc_1035_are_compressed() {
    let compressed: Vec<&str> = ROWS.iter().filter(|row| row.has_compressible_name()).map(|row| row.mnemonic).collect();
    assert_eq!(compressed, ["NS", "CNAME", "SOA", "PTR", "MX"]);
}

#[test]
fn the_api_takes_no_more_types_than_it_has_forms_for() {
    let taken: Vec<&str> = ROWS.iter().filter(|row| row.api.is_some()).map(|row| row.mnemonic).collect();
    assert_eq!(
        taken,
        [
            "A",
            "NS",
            "CNAME",
            "PTR",
            "MX",
            "TXT",
            "AAAA",
            "LOC",
            "SRV",
            "NAPTR",
            "CERT",
            "DS",
            "SSHFP",
            "DNSKEY",
            "TLSA",
            "SMIMEA",
            "OPENPGPKEY",
            "SVCB",
            "HTTPS",
            "URI",
            "CAA",
        ]
    );
}

#[test]
fn mnemonics_of_all_kinds_are_read_in_any_case() {
    for (text, number) in [
        ("a", 1),
        ("Nsec3Param", 51),
        ("TYPE1", 1),
        ("type65280", 65280),
        ("any", 255),
        ("AXFR", 252),
        ("ixfr", 251),
        ("hinfo", 13),
        ("TYPE0", 0),
        ("TYPE65535", 65535),
    ] {
        assert_eq!(RecordType::from_mnemonic(text), Some(RecordType(number)), "{text}");
    }
    for text in ["", "TYPE", "TYPE65536", "TYPE-1", "TYPE+1", "TYPE1x", "NOTYPE", "typé1", "*"] {
        assert_eq!(RecordType::from_mnemonic(text), None, "{text}");
    }
    for number in 0..=u16::MAX {
        let record_type = RecordType(number);
        assert_eq!(RecordType::from_mnemonic(&record_type.to_string()), Some(record_type));
    }
    assert_eq!(
        [11, 13, 255, 65280].map(|number| RecordType(number).to_string()),
        ["TYPE11", "HINFO", "ANY", "TYPE65280"]
    );
}

#[test]
fn meta_types_have_no_data() {
    for number in [0, 41, 128, 249, 250, 251, 252, 255] {
        assert!(
            matches!(Rdata::from_text(RecordType(number), "\\# 0", &apex()), Err(RecordError::Type(_))),
            "{number}"
        );
    }
    assert!(Rdata::from_text(RecordType(65280), "\\# 0", &apex()).is_ok());
    assert!(matches!(Rdata::from_text(RecordType(11), "a b", &apex()), Err(RecordError::Type(_))));
}

#[test]
fn names_keep_their_case_where_a_signature_covers_it() {
    for (record_type, text, printed) in [
        (RecordType::NSEC, "Host.Example. A", "Host.Example. A"),
        (RecordType::SVCB, "1 Svc.Example. port=1", "1 Svc.Example. port=\"1\""),
        (RecordType::HTTPS, "1 Svc", "1 Svc.example.com."),
        (RecordType::SRV, "1 2 3 Sip.Example.", "1 2 3 sip.example."),
        (RecordType::DNAME, "Host.Example.", "host.example."),
        (RecordType::NAPTR, "1 2 S A \"\" Sip", "1 2 \"S\" \"A\" \"\" sip.example.com."),
    ] {
        assert_eq!(Rdata::from_text(record_type, text, &apex()).unwrap().to_string(), printed);
    }
    let wire = b"\0\x01\x08\x02\0\0\x01\x2c\0\0\0\0\0\0\0\0\0\x01\x07EXAMPLE\0\x01";
    let signature = Rdata::from_wire(RecordType::RRSIG, wire).unwrap();
    assert_eq!(signature.to_string(), "A 8 2 300 19700101000000 19700101000000 1 example. AQ==");
}

#[test]
fn text_is_printed_as_other_readers_print_it() {
    for (record_type, text, printed) in [
        (
            RecordType::LOC,
            "42 21 54 N 71 06 18 W -24m 30m",
            "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m",
        ),
        (RecordType::CERT, "PKIX 1 RSASHA256 A A==", "1 1 8 AA=="),
        (RecordType::CAA, "0 issue ca.example", "0 issue \"ca.example\""),
        (RecordType::NSEC3, "1 0 0 - 2vptu5timamqttgl4luu9kg21e0aor3s", "1 0 0 - 2VPTU5TIMAMQTTGL4LUU9KG21E0AOR3S"),
        (RecordType::SOA, "ns dns 1 1h 2m 3d 4w", "ns.example.com. dns.example.com. 1 3600 120 259200 2419200"),
        (RecordType::HTTPS, "1 . key9=x port=1 alpn=h2", "1 . alpn=\"h2\" port=\"1\" key9=\"x\""),
        (RecordType::HTTPS, "1 . mandatory=alpn,key9 alpn=a,b key9", "1 . mandatory=\"alpn,key9\" alpn=\"a,b\" key9"),
        (RecordType::CDS, "0 0 0 00", "0 0 0 00"),
        (RecordType::CDNSKEY, "0 3 0 AA==", "0 3 0 AA=="),
        (RecordType(65280), "\\# 2 ab CD", "\\# 2 ABCD"),
        (RecordType(65280), "\\# 0", "\\# 0"),
        (RecordType::URI, "1 2 \"https://example.com/\"", "1 2 \"https://example.com/\""),
    ] {
        assert_eq!(Rdata::from_text(record_type, text, &apex()).unwrap().to_string(), printed);
    }
}

#[test]
fn errors_say_what_is_wrong() {
    for (record_type, text, told) in [
        (RecordType::CAA, "256 issue x", "\"256\" is not a number from 0 to 255"),
        (RecordType::CAA, "0 issue", "value is missing"),
        (RecordType::DS, "1 8 2 AA", "the digest does not have the length of its type"),
        (RecordType::DS, "1 8 9 xx", "\"xx\" is not text in base 16"),
        (RecordType::HTTPS, "1 . no-default-alpn", "no-default-alpn needs alpn"),
        (RecordType::HTTPS, "1 . nothing=1", "\"nothing\" is not the key of a parameter"),
        (RecordType::NSEC, "a.", "the list of types is empty"),
        (RecordType::SRV, "1 2 3 a b", "there is text after the last field: \"b\""),
    ] {
        assert_eq!(Rdata::from_text(record_type, text, &apex()).unwrap_err().to_string(), told, "{text}");
    }
    let too_long = Rdata::from_text(RecordType::TXT, &format!("\"{}\"", "a".repeat(256)), &apex());
    assert_eq!(too_long, Err(RecordError::StringTooLong(256)));
    let too_long = Rdata::from_text(RecordType::TXT, &format!("\"{}\" ", "a".repeat(255)).repeat(256), &apex());
    assert_eq!(too_long, Err(RecordError::TooLong));
}
