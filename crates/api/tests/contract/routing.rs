//! Paths, methods, slashes, and headers that every answer has.

use std::collections::HashSet;

use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use serde_json::json;
use tower::ServiceExt;

use crate::harness::Node;

const ID: &str = "00112233445566778899aabbccddeeff";

#[tokio::test]
async fn what_is_no_route_gets_7003_and_7000() {
    let node = Node::start().await;
    let long = format!("/zones/{}", "a".repeat(4000));
    for path in [
        "",
        "/",
        "/nothing",
        "/zones/xyz",
        "/zones/00112233445566778899AABBCCDDEEFF",
        "/zones/00112233445566778899aabbccddeeff0",
        "/zones/%ff%fe",
        "/zones/%2e%2e/user",
        "/zones//dns_records",
        "/zones/xyz/dns_records",
        "/accounts/me",
        "/user/tokens",
        "/zones/00112233445566778899aabbccddeeff/dns_records/xyz",
        "/zones/00112233445566778899aabbccddeeff/nothing",
        &long,
    ] {
        for headers in [&[][..], &[("authorization", "Bearer x")]] {
            let answer = node.send_with(headers, "GET", path).await;
            assert_eq!(answer.refused(), (404, 7003), "{path}");
            assert_eq!(answer.json["errors"][1]["code"], 7000);
        }
    }
    let answer = node.get("/zones/xyz").await;
    let text = "Could not route to /client/v4/zones/xyz, perhaps your object identifier is invalid?";
    assert_eq!(answer.message(), text);
    let outside = Request::builder().uri("/elsewhere").body(Body::empty()).unwrap();
    assert_eq!(node.request(outside).await.refused(), (404, 7003));
}

#[tokio::test]
async fn a_wrong_method_gets_7001() {
    let node = Node::start().await;
    let (zone, record) = (format!("/zones/{ID}"), format!("/zones/{ID}/dns_records/{ID}"));
    for (method, path) in [
        ("POST", "/user"),
        ("DELETE", "/user/tokens/verify"),
        ("PUT", "/zones"),
        ("PUT", "/zones/"),
        ("POST", &zone),
        ("POST", &record),
        ("OPTIONS", &record),
        ("TRACE", "/zones"),
    ] {
        let answer = node.send(method, path, None).await;
        assert_eq!(answer.refused(), (405, 7001), "{method} {path}");
        assert_eq!(answer.message(), format!("Method {method} not available for that URI."));
        assert!(answer.header("allow").contains("GET"));
    }
}

#[tokio::test]
async fn every_path_is_there_with_and_without_the_slash_at_the_end() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let new = json!({"type": "A", "name": "www", "content": "192.0.2.1"});
    let record = node.post(&format!("{zone}/dns_records/"), new).await.result();
    let records = format!("{zone}/dns_records");
    let record = format!("{records}/{}", record["id"].as_str().unwrap());
    let account = format!("/accounts/{}", node.bootstrap.account_id);
    for path in ["/user", "/user/tokens/verify", "/accounts", &account, "/zones", &zone, &records, &record] {
        let (plain, slash) = (node.get(path).await, node.get(&format!("{path}/")).await);
        assert_eq!(plain.status, 200, "{path}");
        assert_eq!(plain.json, slash.json, "{path}");
    }
    assert_eq!(node.get("/zones/?name=example.com").await.result()[0]["name"], "example.com");
    assert_eq!(node.patch(&format!("{record}/"), json!({"ttl": 300})).await.result()["ttl"], 300);
    assert_eq!(node.delete(&format!("{record}/")).await.status, 200);
    assert_eq!(node.delete(&format!("{zone}/")).await.status, 200);
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let node = Node::start().await;
    assert_eq!(node.send("HEAD", "/zones", None).await.status, 200);
}

#[tokio::test]
async fn every_answer_has_a_ray_of_its_own() {
    let node = Node::start().await;
    let mut rays = HashSet::new();
    for (method, path) in [("GET", "/user"), ("GET", "/user"), ("GET", "/nothing"), ("PATCH", "/zones")] {
        let answer = node.send(method, path, None).await;
        assert!(answer.header("cf-ray").ends_with("-WMK"));
        rays.insert(answer.header("cf-ray").to_owned());
    }
    assert_eq!(rays.len(), 4);
}

#[tokio::test]
async fn the_program_can_merge_routes_of_its_own() {
    let node = Node::start().await;
    let program = axum::Router::new().route("/healthz", get(|| async { "ok" }));
    let merged = program.merge(node.router.clone());
    for (path, status) in [("/healthz", 200), ("/client/v4/nothing", 404), ("/client/v4/user", 400)] {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        assert_eq!(merged.clone().oneshot(request).await.unwrap().status(), status, "{path}");
    }
}

#[tokio::test]
async fn answers_are_counted_by_route_and_status() {
    let node = Node::start().await;
    node.get("/user").await;
    node.get("/user/").await;
    node.get(&format!("/zones/{ID}")).await;
    node.get("/nothing").await;
    let rows = node.statistics.answers();
    let count = |method: &str, route: &str, class: u8| {
        let row = rows.iter().find(|row| (row.method, row.route, row.status_class) == (method, route, class));
        row.map_or(0, |row| row.count)
    };
    assert_eq!(count("GET", "/user", 2), 2);
    assert_eq!(count("GET", "/zones/{zone_id}", 4), 1);
    assert_eq!(count("*", "*", 4), 1);
    assert_eq!(node.statistics.durations().count, 4);
    assert_eq!(node.statistics.in_flight(), 0);
}
