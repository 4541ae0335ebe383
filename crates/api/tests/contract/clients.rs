//! The requests of real clients, in their order and spelling (`clients.md`).

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::harness::{Answer, Node};

#[tokio::test]
async fn certbot() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    for guess in ["_acme-challenge.www.example.com", "www.example.com"] {
        assert_eq!(node.get(&format!("/zones?name={guess}&per_page=1")).await.result(), json!([]));
    }
    let found = node.get("/zones?name=example.com&per_page=1").await.result();
    assert_eq!(format!("/zones/{}", found[0]["id"].as_str().unwrap()), zone);
    let value = "kZ9_Vq3-Zo0T6cO6Hq8a7yN5rV1mQ2wE4tY6uI8oP0s";
    let name = "_acme-challenge.www.example.com";
    let records = format!("{zone}/dns_records");
    node.post(&records, json!({"type": "TXT", "name": name, "content": value, "ttl": 120})).await.result();
    let query = format!("{records}?type=TXT&name.exact={name}&content.exact={value}&per_page=1");
    let record = node.get(&query).await.result();
    assert_eq!(record[0]["content"], value);
    node.delete(&format!("{records}/{}", record[0]["id"].as_str().unwrap())).await.result();
    assert_eq!(node.get(&query).await.result(), json!([]));
}

/// lexicon sends a JSON body with every request, also on GET and DELETE.
async fn lexicon_sends(node: &Node, method: &str, path: &str, body: Value) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(format!("/client/v4{path}"))
        .header("authorization", format!("Bearer {}", node.bootstrap.token))
        .header("content-type", "application/json");
    node.request(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn lexicon() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let list = lexicon_sends(&node, "GET", "/zones?page=1&per_page=100", json!({})).await;
    assert!(list.json["result_info"]["total_pages"].as_u64().unwrap() >= 1);
    assert!(list.result().as_array().unwrap().iter().any(|zone| zone["name"] == "example.com"));

    let records = format!("{zone}/dns_records");
    let body = json!({"type": "TXT", "name": "_acme.example.com", "content": "challengetoken", "ttl": 3600});
    let record = lexicon_sends(&node, "POST", &records, body.clone()).await.result();
    let again = lexicon_sends(&node, "POST", &records, body).await;
    assert!(matches!(again.refused(), (400, 81057 | 81058)));
    let query = "?per_page=100&type=TXT&name=_acme.example.com&content=challengetoken";
    let found = lexicon_sends(&node, "GET", &format!("{records}{query}"), json!({})).await.result();
    assert_eq!(found[0]["content"], "challengetoken");

    let path = format!("{records}/{}", record["id"].as_str().unwrap());
    let body = json!({"type": "TXT", "name": "_acme.example.com", "content": "other"});
    let put = lexicon_sends(&node, "PUT", &path, body).await.result();
    assert_eq!((&put["content"], &put["ttl"]), (&json!("other"), &json!(1)));
    let mx = json!({"type": "MX", "name": "example.com", "content": "mx.example.com", "priority": "5"});
    assert_eq!(lexicon_sends(&node, "POST", &records, mx).await.result()["priority"], 5);
    lexicon_sends(&node, "DELETE", &path, json!({})).await.result();
}

#[tokio::test]
async fn octodns() {
    let node = Node::start().await;
    let account = node.bootstrap.account_id;
    let list = node.get(&format!("/zones?account.id={account}&page=1&per_page=50")).await;
    assert_eq!(list.json["result_info"]["per_page"], 50);
    let body = json!({"name": "unit.tests", "jump_start": false, "account": {"id": account}});
    let zone = node.post("/zones", body).await.result();
    let records = format!("/zones/{}/dns_records", zone["id"].as_str().unwrap());
    let chunks = format!("\"{}\" \"{}\"", "a".repeat(255), "b".repeat(10));
    let table = [
        (json!({"name": "www.unit.tests", "type": "A", "ttl": 300, "content": "1.2.3.4", "proxied": false}), "1.2.3.4"),
        (
            json!({"name": "unit.tests", "type": "MX", "ttl": 300, "content": "mx.unit.tests.", "priority": 10}),
            "mx.unit.tests",
        ),
        (json!({"name": "sub.unit.tests", "type": "NS", "ttl": 300, "content": "ns1.unit.tests."}), "ns1.unit.tests"),
        (json!({"name": "cn.unit.tests", "type": "CNAME", "ttl": 300, "content": "www.unit.tests."}), "www.unit.tests"),
        (json!({"name": "txt.unit.tests", "type": "TXT", "ttl": 300, "content": chunks}), chunks.as_str()),
    ];
    for (body, content) in &table {
        assert_eq!(node.post(&records, body.clone()).await.result()["content"], *content);
    }
    // It goes on while a page is full.
    let (mut page, mut seen) = (1, 0);
    loop {
        let answer = node.get(&format!("{records}?page={page}&per_page=5")).await;
        let info = answer.json["result_info"].clone();
        seen += answer.result().as_array().unwrap().len();
        if info["count"] != info["per_page"] {
            break;
        }
        page += 1;
    }
    assert_eq!((page, seen), (2, table.len()));
    let www = node.get(&format!("{records}?name=www.unit.tests")).await.result();
    let path = format!("{records}/{}", www[0]["id"].as_str().unwrap());
    let body = json!({"name": "www.unit.tests", "type": "A", "ttl": 600, "content": "1.2.3.4", "proxied": false});
    assert_eq!(node.put(&path, body).await.result()["ttl"], 600);
    assert_eq!(node.delete(&path).await.status, 200);
}

#[tokio::test]
async fn ddclient() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    node.post(&format!("{zone}/dns_records"), json!({"type": "A", "name": "home", "content": "192.0.2.1"}))
        .await
        .result();
    let found = node.get("/zones/?name=example.com").await.result();
    let zone = found[0]["id"].as_str().unwrap();
    let record = node.get(&format!("/zones/{zone}/dns_records?type=A&name=home.example.com")).await.result();
    let path = format!("/zones/{zone}/dns_records/{}", record[0]["id"].as_str().unwrap());
    let patched = node.patch(&path, json!({"content": "192.0.2.77"})).await;
    assert_eq!(patched.json["success"], true);
    assert_eq!(patched.result()["content"], "192.0.2.77");
}
