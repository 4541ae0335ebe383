//! `/zones/{zone_id}/dns_records`: the types that are described by `data`, and what clients make of them.

use serde_json::{Value, json};

use crate::harness::Node;

async fn zone() -> (Node, String) {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let records = format!("{zone}/dns_records");
    (node, records)
}

fn path(records: &str, record: &Value) -> String {
    format!("{records}/{}", record["id"].as_str().unwrap())
}

/// What can be sent of an answer: what describes the record.
fn described(record: &Value) -> Value {
    let mut sent = json!({});
    for member in ["type", "name", "content", "data", "priority", "ttl"] {
        if let Some(value) = record.get(member) {
            sent[member] = value.clone();
        }
    }
    sent
}

/// A body, and what must be shown of it: content, data, priority.
fn table() -> Vec<(Value, Value)> {
    let data = |record_type: &str, data: Value, content: &str| {
        (json!({"type": record_type, "name": "x", "data": data}), json!({"content": content, "data": data}))
    };
    let content = |record_type: &str, content: &str| {
        (json!({"type": record_type, "name": "x", "content": content}), json!({"content": content}))
    };
    vec![
        content("A", "192.0.2.1"),
        content("AAAA", "2001:db8::1"),
        data("CAA", json!({"flags": 0, "tag": "issue", "value": "ca.example"}), "0 issue \"ca.example\""),
        data("CERT", json!({"type": 1, "key_tag": 0, "algorithm": 0, "certificate": "AAEC"}), "1 0 0 AAEC"),
        content("CNAME", "www.example.net"),
        data("DNSKEY", json!({"flags": 256, "protocol": 3, "algorithm": 13, "public_key": "AAEC"}), "256 3 13 AAEC"),
        data("DS", json!({"key_tag": 0, "algorithm": 8, "digest_type": 9, "digest": "aaBB"}), "0 8 9 aaBB"),
        data(
            "HTTPS",
            json!({"priority": 1, "target": ".", "value": "alpn=\"h3,h2\" port=\"443\""}),
            "1 . alpn=\"h3,h2\" port=\"443\"",
        ),
        data(
            "LOC",
            json!({"lat_degrees": 31, "lat_minutes": 58, "lat_seconds": 52.1, "lat_direction": "S", "long_degrees": 115,
                "long_minutes": 49, "long_seconds": 11.7, "long_direction": "E", "altitude": 20, "size": 10,
                "precision_horz": 10, "precision_vert": 2}),
            "31 58 52.100 S 115 49 11.700 E 20.00m 10.00m 10.00m 2.00m",
        ),
        (
            json!({"type": "MX", "name": "x", "content": "mx.example.com.", "priority": 0}),
            json!({"content": "mx.example.com", "priority": 0}),
        ),
        data(
            "NAPTR",
            json!({"order": 30, "preference": 0, "flags": "S", "service": "SIP+D2T", "regex": "",
                "replacement": "_sip._tls.example.com."}),
            "30 0 \"S\" \"SIP+D2T\" \"\" _sip._tls.example.com.",
        ),
        content("NS", "ns.example.net"),
        content("OPENPGPKEY", "AAECAwQF"),
        content("PTR", "host.example.net"),
        data("SMIMEA", json!({"usage": 3, "selector": 0, "matching_type": 0, "certificate": "0aFF"}), "3 0 0 0aFF"),
        (
            json!({"type": "SRV", "name": "_xmpp._tcp", "data": {"priority": 10, "weight": 0, "port": 5223,
                "target": "server.example.com"}}),
            json!({"content": "0 5223 server.example.com", "priority": 10,
                "data": {"priority": 10, "weight": 0, "port": 5223, "target": "server.example.com"}}),
        ),
        data(
            "SSHFP",
            json!({"algorithm": 1, "type": 1, "fingerprint": "859be6ed04643db411f067b6c1da1d75fe08b672"}),
            "1 1 859be6ed04643db411f067b6c1da1d75fe08b672",
        ),
        data("SVCB", json!({"priority": 0, "target": "svc.example.net.", "value": ""}), "0 svc.example.net."),
        data("TLSA", json!({"usage": 0, "selector": 0, "matching_type": 0, "certificate": "00"}), "0 0 0 00"),
        content("TXT", "\"v=spf1\" \" -all\""),
        (
            json!({"type": "URI", "name": "x", "priority": 0, "data": {"weight": 0, "target": "https://example.com/"}}),
            json!({"content": "0 \"https://example.com/\"", "priority": 0,
                "data": {"weight": 0, "target": "https://example.com/"}}),
        ),
    ]
}

#[tokio::test]
async fn what_is_shown_of_each_type_can_be_sent_and_says_the_same() {
    assert_eq!(table().len(), 21);
    for (body, shown) in table() {
        let (node, records) = zone().await;
        let record = node.post(&records, body.clone()).await.result();
        for member in ["content", "data", "priority"] {
            assert_eq!(record.get(member), shown.get(member), "{member} of {body}");
        }
        assert_eq!(record["proxiable"], json!(["A", "AAAA", "CNAME"].contains(&body["type"].as_str().unwrap())));
        let path = path(&records, &record);
        // The same in every way there is, so that nothing changes.
        node.clock.advance_seconds(5);
        let mut by_content = described(&record);
        by_content["data"] = Value::Null;
        let mut by_data = described(&record);
        if record.get("data").is_some() {
            by_data["content"] = Value::Null;
        }
        for sent in [described(&record), by_content, by_data] {
            assert_eq!(node.put(&path, sent.clone()).await.result(), record, "{sent}");
            assert_eq!(node.patch(&path, sent.clone()).await.result(), record, "{sent}");
            assert_eq!(node.post(&records, sent.clone()).await.refused(), (400, 81058), "{sent}");
        }
        assert_eq!(node.get(&path).await.result(), record);
        assert_eq!(node.get(&records).await.result(), json!([record]));
    }
}

#[tokio::test]
async fn spellings_of_clients_are_one_record() {
    let (node, records) = zone().await;
    let octodns = json!({"type": "SRV", "name": "_sip._tcp", "data": {"service": "_sip", "proto": "_tcp",
        "name": "example.com", "priority": 1, "weight": 2, "port": 3, "target": "a.example.com"}});
    node.post(&records, octodns).await.result();
    let lexicon = json!({"type": "SRV", "name": "_sip._tcp", "content": null, "data": {"priority": "1", "weight": "2",
        "port": "3", "target": "A.example.com."}});
    assert_eq!(node.post(&records, lexicon).await.refused(), (400, 81058));
    for content in ["1 2 3 a.example.com", "1 2 3 a.example.com."] {
        let body = json!({"type": "SRV", "name": "_sip._tcp", "content": content});
        assert_eq!(node.post(&records, body).await.refused(), (400, 81058));
    }
    let body =
        json!({"type": "HTTPS", "name": "h", "data": {"priority": 1, "target": ".", "value": " port=443 alpn=h2"}});
    let https = node.post(&records, body).await.result();
    assert_eq!(https["data"]["value"], "alpn=\"h2\" port=\"443\"");
    assert_eq!((&https["content"], https.get("priority")), (&json!("1 . alpn=\"h2\" port=\"443\""), None));
    // Found by its content, however a name in it ends, and by its type.
    for (query, found) in [
        ("content.exact=2 3 a.example.com", 1),
        ("content.exact=2 3 A.example.com.", 1),
        ("content=1 . alpn=\"h2\" port=\"443\"", 1),
        ("content.contains=alpn", 1),
        ("type=SRV", 1),
        ("type=srv&match=any", 1),
        ("type=TLSA", 0),
        ("type=TYPE65", 1),
    ] {
        let query = query.replace(' ', "%20").replace('"', "%22");
        let listed = node.get(&format!("{records}?{query}")).await;
        assert_eq!(listed.json["result_info"]["total_count"], found, "{query}");
    }
}

#[tokio::test]
async fn a_member_that_is_missing_or_wrong_has_its_code() {
    let (node, records) = zone().await;
    let table = [
        (
            json!({"type": "CAA", "data": {"tag": "issue", "value": "x"}}),
            9101,
            "flags is a required data field.",
            "/data/flags",
        ),
        (
            json!({"type": "CAA", "data": {"flags": 0, "tag": null, "value": "x"}}),
            9101,
            "tag is a required data field.",
            "/data/tag",
        ),
        (json!({"type": "CAA"}), 9101, "flags is a required data field.", "/data/flags"),
        (json!({"type": "CAA", "content": null, "data": null}), 9101, "flags is a required data field.", "/data/flags"),
        (
            json!({"type": "SRV", "data": {"priority": 0, "weight": 0, "target": "a"}}),
            9101,
            "port is a required data field.",
            "/data/port",
        ),
        (
            json!({"type": "CAA", "data": {"flags": 256, "tag": "issue", "value": "x"}}),
            9102,
            "flags is an invalid value. \"256\" is not a number from 0 to 255.",
            "/data/flags",
        ),
        (
            json!({"type": "SRV", "data": {"priority": 0, "weight": "x", "port": 1, "target": "a"}}),
            9102,
            "weight is an invalid value. \"x\" is not a number from 0 to 65535.",
            "/data/weight",
        ),
        (
            json!({"type": "SRV", "data": {"priority": 0, "weight": 1, "port": 1, "target": "192.0.2.1"}}),
            9102,
            "target is an invalid value. \"192.0.2.1\" is an address, and a host name is needed.",
            "/data/target",
        ),
        (
            json!({"type": "TLSA", "data": {"usage": true, "selector": 0, "matching_type": 0, "certificate": "00"}}),
            9102,
            "usage is an invalid value. \"true\" is not a number.",
            "/data/usage",
        ),
        (
            json!({"type": "DS", "data": {"key_tag": 1, "algorithm": 8, "digest_type": 2, "digest": "00"}}),
            9102,
            "data is an invalid value. The digest does not have the length of its type.",
            "/data",
        ),
        (
            json!({"type": "DS", "content": "1 8 2 00"}),
            9102,
            "content is an invalid value. The digest does not have the length of its type.",
            "/content",
        ),
        (
            json!({"type": "URI", "data": {"weight": 0, "target": "https://a/"}}),
            9100,
            "priority is a required field.",
            "/priority",
        ),
        (
            json!({"type": "URI", "priority": 1, "data": {"target": "https://a/"}}),
            9101,
            "weight is a required data field.",
            "/data/weight",
        ),
        (json!({"type": "SRV", "content": "1 2 a.example.com"}), 9100, "priority is a required field.", "/priority"),
        (
            json!({"type": "PTR", "content": "192.0.2.1"}),
            9102,
            "content is an invalid value. \"192.0.2.1\" is an address, and a host name is needed.",
            "/content",
        ),
        (
            json!({"type": "CAA", "data": [0, "issue", "x"]}),
            9207,
            "Request body is invalid. data must be an object.",
            "/data",
        ),
    ];
    for (mut body, code, message, pointer) in table {
        body["name"] = json!("x");
        let answer = node.post(&records, body.clone()).await;
        assert_eq!(answer.refused(), (400, code), "{body}: {}", answer.json);
        assert_eq!(
            (answer.message(), &answer.json["errors"][0]["source"]["pointer"]),
            (message, &json!(pointer)),
            "{body}"
        );
    }
    assert_eq!(node.get(&records).await.json["result_info"]["total_count"], 0, "nothing of a refused request is kept");
}

#[tokio::test]
async fn patch_changes_members_priority_content_or_type() {
    let (node, records) = zone().await;
    let body = json!({"type": "SRV", "name": "s", "ttl": 300,
        "data": {"priority": 1, "weight": 2, "port": 3, "target": "a.example.com"}});
    let path = path(&records, &node.post(&records, body).await.result());
    for (change, content, priority) in [
        (json!({"data": {"weight": 0}}), "0 3 a.example.com", json!(1)),
        (json!({"data": {"port": null, "target": "b.example.com."}}), "0 3 b.example.com", json!(1)),
        (json!({"priority": 9}), "0 3 b.example.com", json!(9)),
        (json!({"priority": 8, "data": {"weight": 7}}), "7 3 b.example.com", json!(8)),
        (json!({"priority": 8, "data": {"priority": 6}}), "7 3 b.example.com", json!(6)),
        (json!({"content": "5 4 c.example.com"}), "5 4 c.example.com", json!(6)),
        (json!({"content": "1 2 3 d.example.com"}), "2 3 d.example.com", json!(1)),
        (json!({"comment": "ours"}), "2 3 d.example.com", json!(1)),
        (json!({"data": {}, "content": null}), "2 3 d.example.com", json!(1)),
        (json!({"type": "TXT", "content": "text"}), "text", Value::Null),
        (json!({"type": "CAA", "data": {"flags": 0, "tag": "issue", "value": "a"}}), "0 issue \"a\"", Value::Null),
        (json!({"type": "URI", "priority": 4, "data": {"weight": 0, "target": "x:"}}), "0 \"x:\"", json!(4)),
        (json!({"priority": 5}), "0 \"x:\"", json!(5)),
        (json!({"type": "MX", "content": "mx.example.com", "priority": 3}), "mx.example.com", json!(3)),
        (json!({"type": "A", "content": "192.0.2.1", "data": {"flags": 0}}), "192.0.2.1", Value::Null),
    ] {
        let patched = node.patch(&path, change.clone()).await.result();
        assert_eq!((&patched["content"], &patched["priority"]), (&json!(content), &priority), "{change}");
        assert_eq!(patched["ttl"], 300);
        assert_eq!(node.get(&path).await.result(), patched);
    }
    // Of another type nothing stays.
    let refused = node.patch(&path, json!({"type": "CAA", "data": {"flags": 0, "tag": "issue"}})).await;
    assert_eq!(refused.message(), "value is a required data field.");
    assert_eq!(node.get(&path).await.result()["type"], "A");
}
