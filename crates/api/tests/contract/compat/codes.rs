//! A request for every code of the API's table of errors.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::Request;
use http_body::Frame;
use serde_json::{Value, json};
use waymark_contract::Observations;
use waymark_control::Permission;

use super::NOBODY;
use crate::harness::Node;

/// The API's table, in which every code stands as a number.
const TABLE: &str = include_str!("../../../src/errors.rs");

pub(super) async fn tour() -> Observations {
    let node = Node::with(|options| options.limits.requests_per_5_minutes = 0).await;
    credentials(&node).await;
    paths_and_bodies(&node).await;
    zones(&node).await;
    records(&node).await;
    let mut seen = node.seen.into_inner().unwrap();
    seen.merge(too_often().await);
    seen.merge(too_many_at_a_time().await);
    for code in codes(TABLE) {
        seen.own_code(code);
    }
    seen
}

/// A body that never comes.
struct Endless;

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

async fn too_often() -> Observations {
    let node = Node::with(|options| options.limits.requests_per_5_minutes = 1).await;
    node.get("/user").await.result();
    node.get("/user").await.refused();
    node.seen.into_inner().unwrap()
}

async fn too_many_at_a_time() -> Observations {
    let node = Node::with(|options| options.limits.requests_in_flight_max = 1).await;
    let first = Request::get("/client/v4/user").header("authorization", format!("Bearer {}", node.bootstrap.token));
    tokio::select! {
        biased;
        _ = node.request(first.body(Body::new(Endless)).unwrap()) => panic!("its body never comes"),
        second = node.get("/user") => second.refused(),
    };
    node.seen.into_inner().unwrap()
}

async fn credentials(node: &Node) {
    let email = node.bootstrap.email.as_str();
    let key = "0123456789abcdef0123456789abcdef01234";
    for headers in [
        &[][..],
        &[("authorization", "Bearer not a token")],
        &[("authorization", "Bearer unknown")],
        &[("x-auth-email", email)],
        &[("x-auth-email", "admin"), ("x-auth-key", key)],
        &[("x-auth-email", email), ("x-auth-key", "0 1")],
        &[("x-auth-email", email), ("x-auth-key", key)],
    ] {
        node.send_with(headers, "GET", "/user").await.refused();
        node.send_with(headers, "GET", "/user/tokens/verify").await.refused();
    }
    let own = [("x-auth-email", email), ("x-auth-key", node.bootstrap.key.as_str())];
    node.send_with(&own, "GET", "/user/tokens/verify").await.refused();
    let token = node.token_with(&[Permission::AccountRead]).await.token;
    for path in ["/zones", "/user", &format!("/zones/{NOBODY}")] {
        node.send_as(&token, "GET", path, None).await.refused();
    }
}

async fn paths_and_bodies(node: &Node) {
    for (method, path) in [("GET", "/nothing"), ("GET", "/zones/short"), ("PUT", "/zones")] {
        node.send(method, path, None).await.refused();
    }
    let bearer = format!("Bearer {}", node.bootstrap.token);
    let request = Request::post("/client/v4/zones").header("authorization", bearer);
    node.request(request.body(Body::from("{")).unwrap()).await.refused();
    for path in [format!("/zones/{NOBODY}"), format!("/accounts/{NOBODY}")] {
        node.get(&path).await.refused();
    }
}

async fn zones(node: &Node) {
    let account = json!({"id": node.bootstrap.account_id});
    node.zone("taken.example").await;
    for name in ["no domain", "taken.example", "waymark.test"] {
        node.post("/zones", json!({"account": account, "name": name})).await.refused();
    }
}

async fn records(node: &Node) {
    let records = format!("{}/dns_records", node.zone("example.com").await);
    let good = [
        json!({"type": "A", "name": "a", "content": "192.0.2.1"}),
        json!({"type": "CNAME", "name": "c", "content": "example.net"}),
        json!({"type": "NS", "name": "n", "content": "ns.example.net"}),
    ];
    for body in &good {
        node.post(&records, body.clone()).await.result();
    }
    node.get(&format!("{records}/{NOBODY}")).await.refused();
    let bad = [
        json!({"type": "A", "name": "x", "content": "192.0.2"}),
        json!({"type": "AAAA", "name": "x", "content": "192.0.2.1"}),
        json!({"type": "CNAME", "name": "x", "content": "a..b"}),
        json!({"type": "MX", "name": "x", "content": "192.0.2.1", "priority": 1}),
        json!({"type": "MX", "name": "x", "content": "mx.example.net"}),
        json!({"type": "TXT", "name": "x", "content": "\"open"}),
        json!({"type": "SRV", "name": "x", "data": {"port": 1, "priority": 1, "weight": 1}}),
        json!({"type": "A", "name": "a..b", "content": "192.0.2.1"}),
        json!({"type": "A", "name": "x", "content": "192.0.2.1", "ttl": 2}),
        json!({"type": "A", "name": "x", "content": "192.0.2.1", "proxied": "yes"}),
        json!({"type": "TXT", "name": "x", "content": "t", "proxied": true}),
        json!({"type": "A", "name": "x", "content": "192.0.2.1", "comment": "a\nb"}),
        json!({"type": "A", "name": "x", "content": "192.0.2.1", "comment": "a".repeat(501)}),
        json!({"type": "A", "name": "x", "content": "192.0.2.1", "tags": ["no colon"]}),
        json!({"type": "A", "name": "x", "content": "192.0.2.1", "tags": [format!("t:{}", "v".repeat(101))]}),
        json!({"type": "A", "name": "x", "content": "192.0.2.1", "tags": vec!["t:v"; 21]}),
        json!({"type": "CNAME", "name": "a", "content": "example.net"}),
        json!({"type": "A", "name": "c", "content": "192.0.2.1"}),
        json!({"type": "NS", "name": "a", "content": "ns.example.net"}),
        json!({"type": "A", "name": "n", "content": "192.0.2.1"}),
        json!({"type": "A", "name": "a", "content": "192.0.2.1"}),
        json!({"type": "A", "name": "a", "content": "192.0.2.1", "ttl": 600}),
    ];
    for body in bad {
        node.post(&records, body).await.refused();
    }
    // As many octets in one RRset as fit into no message.
    let long = [&*"x".repeat(60); 3].join(".");
    let mut last = Value::Null;
    for number in 0..500 {
        let content = format!("mx{number}.{long}.example.net");
        let body = json!({"type": "MX", "name": "long", "content": content, "priority": 1});
        last = node.post(&records, body).await.json;
        if last["success"] == false {
            break;
        }
    }
    assert_eq!(last["errors"][0]["code"], 81045, "{last}");
}

/// The numbers that the table's functions are called with. Status codes are names there, so no other number of the file
/// stands in such a place.
fn codes(source: &str) -> Vec<u32> {
    let mut codes = Vec::new();
    for start in ["bad(", "chained(", "beside(", "headers(", "StatusCode::"] {
        for (at, _) in source.match_indices(start) {
            let mut rest = &source[at + start.len()..];
            if start == "StatusCode::" {
                rest = rest.split_once(", ").map_or("", |(_, rest)| rest);
            }
            let digits = rest.trim_start().chars().take_while(char::is_ascii_digit).collect::<String>();
            codes.extend(digits.parse::<u32>());
        }
    }
    // `(code, text)` of what is not found.
    for line in source.lines().filter(|line| line.trim_start().starts_with("Noun::")) {
        let digits = line.split("=> (").nth(1).map(|rest| rest.split(',').next().unwrap_or_default());
        codes.extend(digits.and_then(|digits| digits.parse::<u32>().ok()));
    }
    assert!(codes.len() > 40, "the table was not found: {codes:?}");
    codes
}
