//! Bodies: what is refused, what is tolerated, and that nothing breaks the envelope.

use std::sync::OnceLock;

use axum::body::Body;
use axum::http::Request;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::harness::{Answer, Node};

async fn raw(node: &Node, method: &str, path: &str, body: impl Into<Body>) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(format!("/client/v4{path}"))
        .header("authorization", format!("Bearer {}", node.bootstrap.token));
    node.request(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn what_is_no_json_object_is_9207() {
    let node = Node::start().await;
    let records = format!("{}/dns_records", node.zone("example.com").await);
    let bomb = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
    let deep_objects = r#"{"a":"#.repeat(40) + "1" + &"}".repeat(40);
    for body in [
        "",
        " ",
        "null",
        "7",
        "[]",
        "\"x\"",
        "{",
        "{\"type\":}",
        "name=www",
        "{}{}",
        "\u{feff}{}",
        &bomb,
        &deep_objects,
    ] {
        for path in [&records, "/zones"] {
            let answer = raw(&node, "POST", path, body.to_owned()).await;
            assert_eq!(answer.refused(), (400, 9207), "{:.40}", body);
            assert!(answer.message().starts_with("Request body is invalid."), "{}", answer.message());
        }
    }
    assert_eq!(raw(&node, "POST", &records, &b"\xff\xfe{}"[..]).await.refused(), (400, 9207));
}

#[tokio::test]
async fn members_that_nobody_knows_are_ignored_however_they_look() {
    let node = Node::start().await;
    let records = format!("{}/dns_records", node.zone("example.com").await);
    let nested = serde_json::from_str::<Value>(&("[".repeat(30) + &"]".repeat(30))).unwrap();
    let body = json!({"type": "A", "name": "www", "content": "192.0.2.1", "data": null, "zone_name": 7, "odd": nested});
    node.post(&records, body).await.result();
}

#[tokio::test]
async fn a_body_where_none_is_needed_and_any_content_type_are_tolerated() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    for body in ["{}", "not json", "[[[["] {
        assert_eq!(raw(&node, "GET", &zone, body).await.status, 200);
    }
    let request = Request::builder()
        .method("POST")
        .uri(format!("/client/v4{zone}/dns_records"))
        .header("authorization", format!("Bearer {}", node.bootstrap.token))
        .header("content-type", "text/plain");
    let body = Body::from(r#"{"type":"A","name":"www","content":"192.0.2.1"}"#);
    assert_eq!(node.request(request.body(body).unwrap()).await.status, 200);
    assert_eq!(raw(&node, "DELETE", &zone, "[not json").await.status, 200);
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let node = Node::with(|options| options.limits.body_octets_max = 1000).await;
    let records = format!("{}/dns_records", node.zone("example.com").await);
    let padded = |octets: usize| {
        let body = json!({"type": "A", "name": "www", "content": "192.0.2.1"}).to_string();
        format!("{body}{}", " ".repeat(octets - body.len()))
    };
    assert_eq!(raw(&node, "POST", &records, padded(1001)).await.refused(), (413, 9207));
    assert_eq!(raw(&node, "POST", &records, padded(1000)).await.status, 200);
}

/// One node for all cases: a store for each would measure the disk.
fn shared() -> &'static (Runtime, Node, String) {
    static SHARED: OnceLock<(Runtime, Node, String)> = OnceLock::new();
    SHARED.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (node, records) = runtime.block_on(async {
            let node = Node::start().await;
            let zone = node.zone("example.com").await;
            (node, format!("{zone}/dns_records"))
        });
        (runtime, node, records)
    })
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        "[a-z0-9.@*\"\\\\-]{0,300}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// `Node::request` checks the envelope of every answer.
    #[test]
    fn any_bytes_as_a_record_give_an_envelope(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let (runtime, node, records) = shared();
        let answer = runtime.block_on(raw(node, "POST", records, body));
        prop_assert!(answer.status == 200 || answer.status == 400, "{}", answer.json);
    }

    #[test]
    fn any_members_of_a_record_give_an_envelope(
        kind in prop::sample::select(vec!["A", "AAAA", "CNAME", "MX", "TXT", "NS", "SRV", "", "a"]),
        member in prop::sample::select(
            vec!["name", "content", "ttl", "proxied", "priority", "comment", "tags", "settings", "data", "type"],
        ),
        value in json_value(),
        method in prop::sample::select(vec!["POST", "PUT", "PATCH"]),
    ) {
        let (runtime, node, records) = shared();
        let mut body = json!({"type": kind, "name": "fuzz", "content": "target.example.net", "priority": 1});
        body[member] = value;
        let path = match method {
            "POST" => records.clone(),
            _ => format!("{records}/00112233445566778899aabbccddeeff"),
        };
        let answer = runtime.block_on(raw(node, method, &path, body.to_string()));
        prop_assert!([200, 400, 404].contains(&answer.status), "{}", answer.json);
    }

    #[test]
    fn any_query_gives_a_list(query in "[a-z_.%&=0-9-]{0,60}") {
        let (runtime, node, records) = shared();
        let answer = runtime.block_on(raw(node, "GET", &format!("{records}?{query}"), Body::empty()));
        prop_assert_eq!(answer.status, 200);
    }
}
