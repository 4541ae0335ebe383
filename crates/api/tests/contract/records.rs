//! `/zones/{zone_id}/dns_records`: shapes, rules, conflicts, PUT and PATCH.

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

#[tokio::test]
async fn a_record_of_each_type_comes_back_as_clients_need_it() {
    let (node, records) = zone().await;
    let table = [
        (json!({"type": "A", "name": "WWW", "content": "192.0.2.1"}), "www.example.com", "192.0.2.1", true),
        (
            json!({"type": "AAAA", "name": "@", "content": "2001:DB8::0:1", "ttl": 300}),
            "example.com",
            "2001:db8::1",
            true,
        ),
        (
            json!({"type": "CNAME", "name": "a.Example.com.", "content": "Target.example.NET."}),
            "a.example.com",
            "target.example.net",
            true,
        ),
        (
            json!({"type": "MX", "name": "example.com", "content": "mx.example.com.", "priority": "10"}),
            "example.com",
            "mx.example.com",
            false,
        ),
        (json!({"type": "TXT", "name": "t", "content": "v=Spf1 -all"}), "t.example.com", "v=Spf1 -all", false),
        (
            json!({"type": "NS", "name": "sub", "content": "ns1.example.net."}),
            "sub.example.com",
            "ns1.example.net",
            false,
        ),
        (
            json!({"type": "A", "name": "bücher", "content": "192.0.2.1"}),
            "xn--bcher-kva.example.com",
            "192.0.2.1",
            true,
        ),
        (json!({"type": "A", "name": "*.w", "content": "192.0.2.1"}), "*.w.example.com", "192.0.2.1", true),
    ];
    for (body, name, content, proxiable) in table {
        let record = node.post(&records, body.clone()).await.result();
        assert_eq!((&record["name"], &record["content"]), (&json!(name), &json!(content)), "{body}");
        assert_eq!((&record["type"], &record["proxied"]), (&body["type"], &json!(false)));
        assert_eq!(record["proxiable"], json!(proxiable));
        assert_eq!((&record["settings"], &record["meta"]), (&json!({}), &json!({})));
        assert_eq!((&record["comment"], &record["tags"]), (&Value::Null, &json!([])));
        assert_eq!(record["ttl"], body.get("ttl").cloned().unwrap_or(json!(1)));
        assert!(record["ttl"].is_u64());
        assert_eq!(record.get("priority").cloned(), (body["type"] == "MX").then(|| json!(10)));
        assert_eq!(record["created_on"], "2025-06-15T15:06:40.123456Z");
        assert_eq!(record["modified_on"], record["created_on"]);
        for absent in ["comment_modified_on", "tags_modified_on", "zone_id", "zone_name", "locked", "data"] {
            assert!(record.get(absent).is_none(), "{absent}");
        }
        assert_eq!(node.get(&path(&records, &record)).await.result(), record);
    }
}

#[tokio::test]
async fn bad_values_have_their_codes() {
    let (node, records) = zone().await;
    let table = [
        (json!({"type": "A", "name": "x", "content": "192.0.2"}), 9005),
        (json!({"type": "A", "name": "x", "content": "2001:db8::1"}), 9005),
        (json!({"type": "A", "name": "x", "content": null}), 9005),
        (json!({"type": "A", "name": "x"}), 9005),
        (json!({"type": "AAAA", "name": "x", "content": "192.0.2.1"}), 9006),
        (json!({"type": "CNAME", "name": "x", "content": "192.0.2.1"}), 9007),
        (json!({"type": "CNAME", "name": "x", "content": "a..b"}), 9007),
        (json!({"type": "MX", "name": "x", "content": "192.0.2.1", "priority": 1}), 9009),
        (json!({"type": "MX", "name": "x", "content": "mx.example.com"}), 9100),
        (json!({"type": "MX", "name": "x", "content": "mx.example.com", "priority": null}), 9100),
        (json!({"type": "MX", "name": "x", "content": "mx.example.com", "priority": 65536}), 9102),
        (json!({"type": "MX", "name": "x", "content": "mx.example.com", "priority": "ten"}), 9102),
        (json!({"type": "TXT", "name": "x", "content": "\"open"}), 9102),
        (json!({"type": "A", "name": "a..b", "content": "192.0.2.1"}), 9000),
        (json!({"type": "A", "name": "x".repeat(64), "content": "192.0.2.1"}), 9000),
        (json!({"type": "A", "content": "192.0.2.1"}), 9000),
        (json!({"type": "A", "name": "x", "content": "192.0.2.1", "ttl": 29}), 9021),
        (json!({"type": "A", "name": "x", "content": "192.0.2.1", "ttl": 86401}), 9021),
        (json!({"type": "A", "name": "x", "content": "192.0.2.1", "ttl": 0}), 9021),
        (json!({"type": "A", "name": "x", "content": "192.0.2.1", "ttl": "300"}), 9021),
        (json!({"type": "A", "name": "x", "content": "192.0.2.1", "proxied": "true"}), 9003),
        (json!({"type": "TXT", "name": "x", "content": "t", "proxied": true}), 9004),
        (json!({"type": "MX", "name": "x", "content": "mx.example.com", "priority": 1, "proxied": true}), 9004),
        (json!({"type": "A", "name": "x", "content": "192.0.2.1", "comment": "a\nb"}), 9304),
        (json!({"type": "A", "name": "x", "content": "192.0.2.1", "comment": "a".repeat(501)}), 9303),
        (json!({"type": "A", "name": "x", "content": "192.0.2.1", "tags": ["no colon"]}), 9301),
        (json!({"type": "A", "name": "x", "content": "192.0.2.1", "tags": [format!("t:{}", "v".repeat(101))]}), 9302),
        (json!({"type": "A", "name": "x", "content": "192.0.2.1", "tags": vec!["t:v"; 21]}), 9300),
        (json!({"type": "BOGUS", "name": "x", "content": "t"}), 9207),
        (json!({"type": "SOA", "name": "@", "content": "a. b. 1 2 3 4 5"}), 9207),
        (json!({"name": "x", "content": "192.0.2.1"}), 9207),
        (json!({"type": "A", "name": 7, "content": "192.0.2.1"}), 9207),
        (json!({"type": "A", "name": "x", "content": 7}), 9207),
    ];
    for (body, code) in table {
        assert_eq!(node.post(&records, body.clone()).await.refused(), (400, code), "{body}");
    }
    assert_eq!(node.get(&records).await.json["result_info"]["total_count"], 0, "nothing of a refused request is kept");
}

#[tokio::test]
async fn what_cannot_stand_side_by_side_is_a_conflict() {
    let (node, records) = zone().await;
    for body in [
        json!({"type": "A", "name": "a", "content": "192.0.2.1", "ttl": 300}),
        json!({"type": "CNAME", "name": "c", "content": "a.example.com"}),
        json!({"type": "NS", "name": "ns", "content": "ns.example.net"}),
        json!({"type": "TXT", "name": "t", "content": "text"}),
    ] {
        node.post(&records, body).await.result();
    }
    let table = [
        (json!({"type": "CNAME", "name": "a", "content": "b.example.com"}), 81053),
        (json!({"type": "CNAME", "name": "c", "content": "b.example.com"}), 81053),
        (json!({"type": "A", "name": "c", "content": "192.0.2.1"}), 81054),
        (json!({"type": "AAAA", "name": "c.example.com", "content": "2001:db8::1"}), 81054),
        (json!({"type": "NS", "name": "a", "content": "ns.example.net"}), 81055),
        (json!({"type": "A", "name": "ns", "content": "192.0.2.1"}), 81056),
        (json!({"type": "A", "name": "a", "content": "192.0.2.1", "ttl": 600}), 81057),
        (json!({"type": "A", "name": "A.example.com.", "content": "192.0.2.1", "ttl": 300}), 81058),
        (json!({"type": "TXT", "name": "t", "content": "\"text\""}), 81057),
        (json!({"type": "TXT", "name": "t", "content": "text"}), 81058),
    ];
    for (body, code) in table {
        let answer = node.post(&records, body.clone()).await;
        let (status, given) = answer.refused();
        // A TXT record in another spelling is the same record, and may be called either.
        let same = given == code || (body["type"] == "TXT" && [81057, 81058].contains(&given));
        assert!(status == 400 && same, "{body}: {}", answer.json);
    }
}

#[tokio::test]
async fn put_resets_what_is_absent_and_patch_keeps_it() {
    let (node, records) = zone().await;
    let body = json!({"type": "A", "name": "www", "content": "192.0.2.1", "ttl": 300, "comment": "why"});
    let record = node.post(&records, body).await.result();
    assert_eq!((&record["comment"], &record["comment_modified_on"]), (&json!("why"), &record["created_on"]));
    let path = path(&records, &record);

    node.clock.advance_seconds(5);
    let patched = node.patch(&path, json!({"content": "192.0.2.2"})).await.result();
    assert_eq!((&patched["content"], &patched["ttl"]), (&json!("192.0.2.2"), &json!(300)));
    assert_eq!((&patched["comment"], &patched["id"]), (&json!("why"), &record["id"]));
    assert_eq!(patched["created_on"], record["created_on"]);
    assert_eq!(patched["modified_on"], "2025-06-15T15:06:45.123456Z");
    assert_eq!(patched["comment_modified_on"], record["comment_modified_on"]);

    let uncommented = node.patch(&path, json!({"comment": null})).await.result();
    assert_eq!((&uncommented["comment"], uncommented.get("comment_modified_on")), (&Value::Null, None));

    node.patch(&path, json!({"comment": "again"})).await.result();
    let put = node.put(&path, json!({"type": "A", "name": "www", "content": "192.0.2.3"})).await.result();
    assert_eq!((&put["content"], &put["ttl"], &put["comment"]), (&json!("192.0.2.3"), &json!(1), &Value::Null));
    assert_eq!((&put["id"], &put["created_on"]), (&record["id"], &record["created_on"]));
    assert_eq!(node.get(&path).await.result(), put);

    assert_eq!(node.put(&path, json!({"content": "192.0.2.4"})).await.status, 400);
    assert_eq!(node.patch(&path, json!({"ttl": 5})).await.refused(), (400, 9021));
    assert_eq!(node.patch(&path, json!([])).await.refused(), (400, 9207));
    assert_eq!(node.get(&path).await.result(), put);
}

#[tokio::test]
async fn tags_have_a_time_of_their_own_and_put_takes_them_away() {
    let (node, records) = zone().await;
    let body = json!({"type": "A", "name": "www", "content": "192.0.2.1", "tags": ["team:web", "Owner:Ann"]});
    let record = node.post(&records, body).await.result();
    assert_eq!(
        (&record["tags"], &record["tags_modified_on"]),
        (&json!(["team:web", "Owner:Ann"]), &record["created_on"])
    );
    let path = path(&records, &record);
    let patched = node.patch(&path, json!({"ttl": 300, "settings": {"ipv4_only": true}})).await.result();
    assert_eq!((&patched["tags"], &patched["settings"]), (&record["tags"], &json!({"ipv4_only": true})));
    let put = node.put(&path, json!({"type": "A", "name": "www", "content": "192.0.2.1"})).await.result();
    assert_eq!((&put["tags"], put.get("tags_modified_on"), &put["settings"]), (&json!([]), None, &json!({})));
}

#[tokio::test]
async fn a_proxied_record_always_answers_ttl_1() {
    let (node, records) = zone().await;
    let body = json!({"type": "A", "name": "www", "content": "192.0.2.1", "ttl": 300, "proxied": true});
    let record = node.post(&records, body).await.result();
    assert_eq!((&record["ttl"], &record["proxied"]), (&json!(1), &json!(true)));
}

#[tokio::test]
async fn an_unknown_record_is_81044() {
    let (node, records) = zone().await;
    let other = node.zone("example.org").await;
    let elsewhere = node
        .post(&format!("{other}/dns_records"), json!({"type": "A", "name": "www", "content": "192.0.2.1"}))
        .await
        .result();
    for path in [format!("{records}/00112233445566778899aabbccddeeff"), path(&records, &elsewhere)] {
        assert_eq!(node.get(&path).await.refused(), (404, 81044));
        assert_eq!(node.delete(&path).await.refused(), (404, 81044));
        assert_eq!(node.patch(&path, json!({"ttl": 300})).await.refused(), (404, 81044));
        let body = json!({"type": "A", "name": "www", "content": "192.0.2.1"});
        assert_eq!(node.put(&path, body).await.refused(), (404, 81044));
    }
}

#[tokio::test]
async fn a_deleted_record_is_gone() {
    let (node, records) = zone().await;
    let record = node.post(&records, json!({"type": "A", "name": "www", "content": "192.0.2.1"})).await.result();
    let path = path(&records, &record);
    assert_eq!(node.delete(&path).await.result(), json!({"id": record["id"]}));
    assert_eq!(node.get(&path).await.refused(), (404, 81044));
    assert_eq!(node.get(&records).await.result(), json!([]));
}
