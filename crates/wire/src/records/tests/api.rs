//! `content`, `data` and `priority` of all types that the API takes.

use serde_json::{Map, Value, json};

use super::properties::any_rdata;
use super::*;

fn data(record_type: RecordType, data: Value, priority: Option<u16>) -> Result<(Rdata, Content), RecordError> {
    Rdata::from_data(record_type, data.as_object().unwrap(), priority, &apex())
}

/// What is sent, the content that is shown, and the data.
fn table() -> Vec<(RecordType, Value, Option<u16>, &'static str, Value)> {
    let of = |record_type, data: Value, content| (record_type, data.clone(), None, content, data);
    vec![
        of(
            RecordType::CAA,
            json!({"flags": 0, "tag": "issue", "value": "ca.example; account=\"1\""}),
            "0 issue \"ca.example; account=\\\"1\\\"\"",
        ),
        of(RecordType::CAA, json!({"flags": 128, "tag": "issuewild", "value": ""}), "128 issuewild \"\""),
        of(RecordType::CERT, json!({"type": 1, "key_tag": 0, "algorithm": 8, "certificate": "AAEC"}), "1 0 8 AAEC"),
        of(
            RecordType::DNSKEY,
            json!({"flags": 257, "protocol": 3, "algorithm": 13, "public_key": "AAEC"}),
            "257 3 13 AAEC",
        ),
        of(
            RecordType::DS,
            json!({"key_tag": 1, "algorithm": 8, "digest_type": 1, "digest": "00112233445566778899AABBCCDDEEFF00112233"}),
            "1 8 1 00112233445566778899AABBCCDDEEFF00112233",
        ),
        of(
            RecordType::HTTPS,
            json!({"priority": 1, "target": ".", "value": "alpn=\"h2,h3\" port=\"443\""}),
            "1 . alpn=\"h2,h3\" port=\"443\"",
        ),
        of(RecordType::SVCB, json!({"priority": 0, "target": "svc.example.net.", "value": ""}), "0 svc.example.net."),
        of(RecordType::SVCB, json!({"priority": 0, "target": "svc.example.net", "value": ""}), "0 svc.example.net"),
        of(
            RecordType::LOC,
            json!({"lat_degrees": 31, "lat_minutes": 58, "lat_seconds": 52.1, "lat_direction": "S", "long_degrees": 115,
                "long_minutes": 49, "long_seconds": 11.7, "long_direction": "E", "altitude": 20, "size": 10,
                "precision_horz": 10, "precision_vert": 2}),
            "31 58 52.100 S 115 49 11.700 E 20.00m 10.00m 10.00m 2.00m",
        ),
        of(
            RecordType::LOC,
            json!({"lat_degrees": 0, "lat_minutes": 0, "lat_seconds": 0, "lat_direction": "N", "long_degrees": 0,
                "long_minutes": 0, "long_seconds": 0.001, "long_direction": "W", "altitude": -99999.99, "size": 0,
                "precision_horz": 0.09, "precision_vert": 90000000}),
            "0 0 0.000 N 0 0 0.001 W -99999.99m 0.00m 0.09m 90000000.00m",
        ),
        of(
            RecordType::NAPTR,
            json!({"order": 30, "preference": 100, "flags": "S", "service": "SIP+D2T", "regex": "!^(.*)$!sip:\\1@x!",
                "replacement": "_sip._tls.example.com."}),
            "30 100 \"S\" \"SIP+D2T\" \"!^(.*)$!sip:\\\\1@x!\" _sip._tls.example.com.",
        ),
        of(
            RecordType::NAPTR,
            json!({"order": 0, "preference": 0, "flags": "", "service": "", "regex": "", "replacement": "."}),
            "0 0 \"\" \"\" \"\" .",
        ),
        of(
            RecordType::SMIMEA,
            json!({"usage": 3, "selector": 1, "matching_type": 0, "certificate": "00aaFF"}),
            "3 1 0 00aaFF",
        ),
        (
            RecordType::SRV,
            json!({"priority": 10, "weight": 5, "port": 5223, "target": "server.example.com"}),
            Some(10),
            "5 5223 server.example.com",
            json!({"priority": 10, "weight": 5, "port": 5223, "target": "server.example.com"}),
        ),
        (
            RecordType::SRV,
            json!({"priority": 0, "weight": 0, "port": 0, "target": "."}),
            Some(0),
            "0 0 .",
            json!({"priority": 0, "weight": 0, "port": 0, "target": "."}),
        ),
        of(
            RecordType::SSHFP,
            json!({"algorithm": 1, "type": 1, "fingerprint": "859be6ed04643db411f067b6c1da1d75fe08b672"}),
            "1 1 859be6ed04643db411f067b6c1da1d75fe08b672",
        ),
        of(RecordType::TLSA, json!({"usage": 0, "selector": 0, "matching_type": 0, "certificate": "00"}), "0 0 0 00"),
        (
            RecordType::URI,
            json!({"weight": 1, "target": "https://example.com/?a=\"b\""}),
            Some(10),
            "1 \"https://example.com/?a=\\\"b\\\"\"",
            json!({"weight": 1, "target": "https://example.com/?a=\"b\""}),
        ),
    ]
}

#[test]
fn data_is_shown_as_it_was_sent_and_its_content_can_be_sent_too() {
    for (record_type, sent, priority, content, shown) in table() {
        let (rdata, made) = data(record_type, sent.clone(), priority).unwrap_or_else(|why| panic!("{sent}: {why}"));
        assert_eq!(made, Content { content: content.to_owned(), priority }, "{sent}");
        assert_eq!(rdata.data(content).map(Value::Object), Some(shown), "{sent}");
        assert_eq!(api(record_type, content, priority), Ok((rdata, made)), "{content}");
    }
    let structured: Vec<_> = ROWS.iter().filter(|row| row.api.as_ref().is_some_and(|api| api.data)).collect();
    assert_eq!(structured.len(), 13);
    assert!(structured.iter().all(|row| table().iter().any(|(record_type, ..)| *record_type == row.record_type)));
}

#[test]
fn what_clients_send_besides_means_the_same() {
    for (record_type, sent, priority, meant) in [
        // Numbers as strings, members of other clients, blanks before parameters, quotation marks, dots.
        (
            RecordType::SRV,
            json!({"priority": "10", "weight": "5", "port": "5223", "target": "Server.example.com.", "service": "_xmpp",
                "proto": "_tcp", "name": "example.com"}),
            None,
            "5 5223 server.example.com",
        ),
        (RecordType::SRV, json!({"weight": 5.0, "port": 1, "target": "@"}), Some(7), "5 1 example.com"),
        (
            RecordType::CAA,
            json!({"flags": "0", "tag": "issue", "value": "\"ca.example\""}),
            None,
            "0 issue \"ca.example\"",
        ),
        (
            RecordType::HTTPS,
            json!({"priority": 1, "target": ".", "value": " alpn=h2 port=1"}),
            None,
            "1 . alpn=\"h2\" port=\"1\"",
        ),
        (RecordType::SVCB, json!({"priority": 0, "target": "a.b."}), None, "0 a.b."),
        (RecordType::SVCB, json!({"priority": 0, "target": "a.b.", "value": null}), None, "0 a.b."),
        (
            RecordType::CERT,
            json!({"type": "PKIX", "key_tag": 1, "algorithm": "RSASHA256", "certificate": "AA EC"}),
            None,
            "1 1 8 AAEC",
        ),
        (
            RecordType::TLSA,
            json!({"usage": 3, "selector": 1, "matching_type": 0, "certificate": "AA bb"}),
            None,
            "3 1 0 AAbb",
        ),
        (
            RecordType::LOC,
            json!({"lat_degrees": "42", "lat_direction": "n", "long_degrees": 71, "long_direction": "w", "altitude": "-24m"}),
            None,
            "42 0 0.000 N 71 0 0.000 W -24.00m 1.00m 10000.00m 10.00m",
        ),
        (RecordType::URI, json!({"weight": 1, "target": "\"ftp://a/\"", "priority": 3}), None, "1 \"ftp://a/\""),
        (
            RecordType::NAPTR,
            json!({"order": "1", "preference": "2", "flags": "\"S\"", "service": "\"x\"", "regex": "\"\"", "replacement": "A.b"}),
            None,
            "1 2 \"S\" \"x\" \"\" a.b",
        ),
    ] {
        let read = data(record_type, sent.clone(), priority);
        assert_eq!(read.map(|(_, content)| content.content), Ok(meant.to_owned()), "{sent}");
    }
}

#[test]
fn content_of_the_types_with_data_is_read_as_well() {
    for (record_type, sent, priority, content, shown_priority) in [
        (RecordType::SRV, "1 2 3 a.b.", None, "2 3 a.b", Some(1)),
        (RecordType::SRV, "2 3 a.b", Some(1), "2 3 a.b", Some(1)),
        (RecordType::CAA, "0 issue ca.example", None, "0 issue \"ca.example\"", None),
        (
            RecordType::DS,
            "1 8 1 0011223344 5566778899aabbccddeeff 00112233",
            None,
            "1 8 1 00112233445566778899aabbccddeeff00112233",
            None,
        ),
        (RecordType::HTTPS, "1 . alpn=h2", None, "1 . alpn=\"h2\"", None),
        (RecordType::PTR, "Host.example.com.", None, "host.example.com", None),
        (RecordType::OPENPGPKEY, "AAEC AwQF", None, "AAECAwQF", None),
        (RecordType::URI, "1 https://a/", Some(9), "1 \"https://a/\"", Some(9)),
    ] {
        let read = api(record_type, sent, priority).map(|(_, content)| content);
        assert_eq!(read, Ok(Content { content: content.to_owned(), priority: shown_priority }), "{sent}");
    }
    assert_eq!(api(RecordType::SRV, "2 3 a.b", None), Err(RecordError::Missing("priority")));
    assert_eq!(api(RecordType::URI, "2 x", None), Err(RecordError::Missing("priority")));
    assert!(matches!(api(RecordType::DS, "1 8 2 AA", None), Err(RecordError::Rule(_))), "rules hold here too");
    assert!(matches!(api(RecordType::SRV, "1 2 3 192.0.2.1", None), Err(RecordError::AddressAsHost(_))));
}

#[test]
fn a_member_that_is_missing_or_wrong_is_named() {
    let full = json!({"priority": 10, "weight": 5, "port": 5223, "target": "server.example.com"});
    let with = |name: &str, value: Value| {
        let mut changed = full.clone();
        changed[name] = value;
        data(RecordType::SRV, changed, None)
    };
    for name in ["priority", "weight", "port", "target"] {
        assert_eq!(with(name, Value::Null), Err(RecordError::MemberMissing(name)));
        for wrong in [json!(true), json!([1]), json!({}), json!(-1), json!(1.5), json!(65536), json!(""), json!("a b")]
        {
            let read = with(name, wrong.clone());
            assert!(
                matches!(&read, Err(RecordError::Member { name: named, .. }) if *named == name),
                "{name} {wrong}: {read:?}"
            );
        }
    }
    assert_eq!(
        with("weight", json!(0)).map(|(_, content)| content.content),
        Ok("0 5223 server.example.com".to_owned())
    );
    for (record_type, sent, named) in [
        (RecordType::CAA, json!({"flags": 256, "tag": "issue", "value": "x"}), "flags"),
        (RecordType::CAA, json!({"flags": 0, "tag": "is sue", "value": "x"}), "tag"),
        (RecordType::CAA, json!({"flags": 0, "tag": "issue", "value": 7}), "value"),
        (RecordType::CAA, json!({"flags": 0, "tag": "issue", "value": "\"a\" \"b\""}), "value"),
        (RecordType::TLSA, json!({"usage": 3, "selector": 1, "matching_type": 1, "certificate": "xyz"}), "certificate"),
        (RecordType::TLSA, json!({"usage": 3, "selector": 1, "matching_type": 1, "certificate": ""}), "certificate"),
        (RecordType::HTTPS, json!({"priority": 1, "target": ".", "value": "alpn"}), "value"),
        (RecordType::DS, json!({"key_tag": 1, "algorithm": 8, "digest_type": 2, "digest": "AA"}), "data"),
        (RecordType::URI, json!({"weight": 1, "target": "", "priority": 1}), "data"),
        (
            RecordType::NAPTR,
            json!({"order": 1, "preference": 2, "flags": "x".repeat(256), "service": "", "regex": "", "replacement": "."}),
            "flags",
        ),
        (
            RecordType::LOC,
            json!({"lat_degrees": 91, "lat_direction": "N", "long_degrees": 1, "long_direction": "W", "altitude": 0}),
            "lat_degrees",
        ),
        (
            RecordType::LOC,
            json!({"lat_degrees": 1, "lat_direction": "E", "long_degrees": 1, "long_direction": "W", "altitude": 0}),
            "lat_direction",
        ),
    ] {
        let read = data(record_type, sent.clone(), None);
        assert!(matches!(&read, Err(RecordError::Member { name, .. }) if *name == named), "{sent}: {read:?}");
    }
    let missing = data(RecordType::LOC, json!({"lat_degrees": 1, "lat_direction": "N"}), None);
    assert_eq!(missing, Err(RecordError::MemberMissing("long_direction")));
    assert_eq!(data(RecordType::URI, json!({"weight": 1, "target": "x"}), None), Err(RecordError::Missing("priority")));
    assert!(matches!(data(RecordType::DNAME, json!({}), None), Err(RecordError::Type(_))));
}

#[test]
fn types_outside_the_api_are_shown_as_text() {
    for (record_type, text, shown) in [
        (RecordType::DNAME, "Target.example.net.", "target.example.net"),
        (RecordType(65280), "\\# 2 ABCD", "\\# 2 ABCD"),
        (RecordType::CDS, "0 0 0 00", "0 0 0 00"),
    ] {
        let rdata = Rdata::from_text(record_type, text, &apex()).unwrap();
        assert_eq!(rdata.content(), Content { content: shown.to_owned(), priority: None });
        assert_eq!(rdata.data(shown), None);
    }
}

/// What the API would have refused: a host name that looks like an address, which other ways in take.
fn has_address_as_host(rdata: &Rdata) -> bool {
    let is_address = |text: &str| text.trim_end_matches('.').parse::<std::net::IpAddr>().is_ok();
    rdata.to_string().split(' ').any(|word| word.ends_with('.') && is_address(word))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn what_comes_out_goes_in_again(rdata in any_rdata()) {
        let taken = row(rdata.record_type()).is_some_and(|row| row.api.is_some());
        if !taken || has_address_as_host(&rdata) {
            return Ok(());
        }
        let shown = rdata.content();
        let (back, again) = api(rdata.record_type(), &shown.content, shown.priority).unwrap();
        // What the API shows has the names of SVCB in lower case.
        prop_assert_eq!(back.to_string().to_lowercase(), rdata.to_string().to_lowercase());
        prop_assert_eq!(api(back.record_type(), &again.content, again.priority), Ok((back.clone(), again.clone())));
        if let Some(data) = back.data(&again.content) {
            let read = Rdata::from_data(back.record_type(), &data, again.priority, &apex());
            prop_assert_eq!(read, Ok((back, again)), "{:?}", data);
        }
    }

    #[test]
    fn any_data_is_read_or_refused(
        at in 0..ROWS.len(),
        values in prop::collection::vec(prop_oneof![
            any::<u32>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[0-9a-f]{1,3}".prop_map(Value::from),
            "\\PC{0,6}".prop_map(Value::from),
            "[\"\\\\0-9 .=@a-z]{0,8}".prop_map(Value::from),
            Just(Value::Null),
        ], 7),
    ) {
        let row = &ROWS[at];
        let data: Map<String, Value> = row.fields.iter().map(|(name, _)| (*name).to_owned()).zip(values).collect();
        if let Ok((rdata, content)) = Rdata::from_data(row.record_type, &data, Some(1), &apex()) {
            let shown = rdata.data(&content.content);
            let again = shown.map(|data| Rdata::from_data(row.record_type, &data, content.priority, &apex()));
            prop_assert!(again.is_none_or(|again| again == Ok((rdata, content))), "{:?}", data);
        }
    }
}
