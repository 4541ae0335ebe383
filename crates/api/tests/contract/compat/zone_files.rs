//! `dns_records/import` and `export`.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::probe::{effect, outcome};
use crate::harness::{Answer, Node};

const FILE: &str = "www 300 IN A 192.0.2.1\nwww 300 IN TXT \"some text\"\n";

pub(super) async fn tour(node: &Node) {
    let (plain, proxied) = (imported(node, Some(FILE), None).await, imported(node, Some(FILE), Some("true")).await);
    let nothing = imported(node, None, None).await;
    let saw = |member: &str, with: &Value, without: &Value| {
        let effect = effect(with, without);
        node.seen.lock().unwrap().member("dns.records.import_", member, "", effect);
    };
    saw("file", &plain, &nothing);
    saw("proxied", &proxied, &plain);
}

/// What importing into a new zone comes to: the reply, and the records. The zone is exported, too.
async fn imported(node: &Node, file: Option<&str>, proxied: Option<&str>) -> Value {
    let zone = node.zone("imported.example").await;
    let answer = import(node, &zone, file, proxied).await;
    let records = node.get(&format!("{zone}/dns_records")).await.result();
    let records: Vec<Value> =
        records.as_array().unwrap().iter().map(|record| json!([record["name"], record["proxied"]])).collect();
    let export = node.get(&format!("{zone}/dns_records/export")).await;
    assert_eq!(export.text().contains("192.0.2.1"), file.is_some(), "{}", export.text());
    node.delete(&zone).await.result();
    json!([outcome(&answer), records])
}

async fn import(node: &Node, zone: &str, file: Option<&str>, proxied: Option<&str>) -> Answer {
    let fields = [("file", file), ("proxied", proxied)].into_iter().filter_map(|(name, text)| Some((name, text?)));
    let parts: String = fields
        .map(|(name, text)| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n"))
        .collect();
    let request = Request::post(format!("/client/v4{zone}/dns_records/import"))
        .header("authorization", format!("Bearer {}", node.bootstrap.token))
        .header("content-type", "multipart/form-data; boundary=x");
    node.request(request.body(Body::from(format!("{parts}--x--\r\n"))).unwrap()).await
}
