//! `/zones`: made, shown, filtered, deleted.

use serde_json::{Value, json};

use crate::harness::Node;

#[tokio::test]
async fn a_zone_is_made_and_has_every_member_of_the_schema() {
    let node = Node::start().await;
    let account = node.bootstrap.account_id;
    let body =
        json!({"account": {"id": account, "other": 1}, "name": "Example.COM.", "type": "full", "jump_start": true});
    let zone = node.post("/zones", body).await.result();
    assert_eq!(zone["name"], "example.com");
    assert_eq!((&zone["status"], &zone["type"], &zone["paused"]), (&json!("pending"), &json!("full"), &json!(false)));
    assert_eq!(zone["account"]["id"], json!(account));
    assert_eq!(zone["owner"]["type"], "organization");
    let name_servers = zone["name_servers"].as_array().unwrap();
    assert_eq!(name_servers.len(), 2);
    assert!(name_servers.iter().all(|name| name.as_str().unwrap().ends_with(".ns.waymark.test")));
    for member in [
        "id",
        "activated_on",
        "created_on",
        "development_mode",
        "modified_on",
        "original_dnshost",
        "original_name_servers",
        "original_registrar",
        "permissions",
        "tenant",
        "tenant_unit",
        "vanity_name_servers",
        "vanity_name_servers_ips",
    ] {
        assert!(zone.as_object().unwrap().contains_key(member), "{member}");
    }
    for member in [
        "cdn_only",
        "custom_certificate_quota",
        "dns_only",
        "foundation_dns",
        "page_rule_quota",
        "phishing_detected",
        "step",
    ] {
        assert!(!zone["meta"][member].is_null(), "{member}");
    }
    let plan = [
        "id",
        "can_subscribe",
        "currency",
        "externally_managed",
        "frequency",
        "is_subscribed",
        "legacy_discount",
        "legacy_id",
        "name",
        "price",
    ];
    assert!(plan.iter().all(|member| !zone["plan"][member].is_null()), "{}", zone["plan"]);
    assert_eq!(zone["activated_on"], Value::Null);
    assert_eq!(zone["created_on"], "2025-06-15T15:06:40.123456Z");
    let shown = node.get(&format!("/zones/{}", zone["id"].as_str().unwrap())).await.result();
    assert_eq!(shown, zone);
}

#[tokio::test]
async fn names_that_cannot_be_zones_are_refused() {
    let node = Node::start().await;
    node.zone("example.com").await;
    let account = json!({"id": node.bootstrap.account_id});
    let create = async |name: Value| node.post("/zones", json!({"account": account, "name": name})).await;
    let answer = create(json!("EXAMPLE.com")).await;
    assert_eq!(answer.refused(), (400, 1061));
    assert_eq!(answer.message(), "example.com already exists");
    for name in ["", ".", "com", "-", "a b.example", "a..example", "*.example.org", "192.0.2.1"] {
        assert_eq!(create(json!(name)).await.refused(), (400, 1002), "{name:?}");
    }
    assert_eq!(create(json!("x".repeat(64) + ".example")).await.refused(), (400, 1002));
    for name in [json!(7), json!(null), json!(["example.org"])] {
        assert_eq!(create(name.clone()).await.refused(), (400, 9207), "{name}");
    }
    assert_eq!(create(json!("waymark.test")).await.status, 400);
}

#[tokio::test]
async fn two_accounts_may_have_the_same_name() {
    let node = Node::start().await;
    node.zone("example.com").await;
    let other = node.other("other@example.net").await;
    let body = json!({"account": {"id": other.account}, "name": "example.com"});
    let zone = node.send_as(&other.token, "POST", "/zones", Some(body)).await.result();
    let first = node.get("/zones?name=example.com").await.result();
    assert_ne!(zone["id"], first[0]["id"]);
    assert_ne!(zone["name_servers"], first[0]["name_servers"]);
}

#[tokio::test]
async fn the_account_may_be_left_out_by_who_has_one() {
    let node = Node::start().await;
    let other = node.other("other@example.net").await;
    let zone = node.send_as(&other.token, "POST", "/zones", Some(json!({"name": "example.org"}))).await.result();
    assert_eq!(zone["account"]["id"], json!(other.account));
    for account in [json!({}), json!("x"), json!({"id": 7}), json!({"id": "xyz"})] {
        let body = json!({"account": account, "name": "example.net"});
        assert_eq!(node.post("/zones", body).await.refused(), (400, 9207), "{account}");
    }
    let body = json!({"account": {"id": "00112233445566778899aabbccddeeff"}, "name": "example.net"});
    assert_eq!(node.post("/zones", body).await.refused(), (404, 1001));
}

#[tokio::test]
async fn kinds_that_are_not_there_yet_are_refused() {
    let node = Node::start().await;
    for kind in ["partial", "secondary", "internal", "odd"] {
        let body = json!({"account": {"id": node.bootstrap.account_id}, "name": "example.com", "type": kind});
        assert_eq!(node.post("/zones", body).await.refused().0, 400, "{kind}");
    }
    assert_eq!(node.get("/zones?name=example.com").await.result(), json!([]));
}

#[tokio::test]
async fn a_zone_is_deleted_and_not_found_any_more() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let id = zone.strip_prefix("/zones/").unwrap();
    assert_eq!(node.delete(&zone).await.result(), json!({"id": id}));
    assert_eq!(node.get(&zone).await.refused(), (404, 1001));
    assert_eq!(node.delete(&zone).await.refused(), (404, 1001));
    assert_eq!(node.get(&format!("{zone}/dns_records")).await.refused(), (404, 1001));
    assert_eq!(node.get("/zones?name=example.com").await.result(), json!([]));
    assert_ne!(node.zone("example.com").await, zone, "the name is free again");
}

#[tokio::test]
async fn a_zone_is_changed_as_far_as_it_can_be() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let before = node.get(&zone).await.result();
    for same in [
        json!({}),
        json!({"paused": false}),
        json!({"type": "full"}),
        json!({"vanity_name_servers": []}),
        json!({"paused": null, "type": null, "vanity_name_servers": null, "plan": null, "name_servers": ["x"]}),
    ] {
        assert_eq!(node.patch(&zone, same.clone()).await.result(), before, "{same}");
    }
    for (unavailable, words) in [
        (json!({"paused": true}), "paused"),
        (json!({"type": "partial"}), "type"),
        (json!({"vanity_name_servers": ["ns1.example.com"]}), "vanity_name_servers"),
        (json!({"paused": "yes"}), "paused must be"),
        (json!({"type": "odd"}), "type must be"),
        (json!({"vanity_name_servers": [7]}), "vanity_name_servers must be"),
        (json!({"vanity_name_servers": "ns1.example.com"}), "vanity_name_servers must be"),
        (json!({"plan": "free"}), "plan must be"),
        (json!({"plan": {}}), "plan must be"),
        (json!({"plan": {"id": "free"}}), "available_plans"),
        (json!({"plan": {"id": "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee"}, "paused": true}), "paused"),
    ] {
        let answer = node.patch(&zone, unavailable.clone()).await;
        assert_eq!(answer.refused(), (400, 9207), "{unavailable}");
        assert!(answer.message().contains(words), "{unavailable}: {}", answer.message());
        assert_eq!(node.get(&zone).await.result(), before, "{unavailable}");
    }
    let unknown = node.patch("/zones/00112233445566778899aabbccddeeff", json!({"paused": false})).await;
    assert_eq!(unknown.refused(), (404, 1001));
}

#[tokio::test]
async fn zones_are_filtered() {
    let node = Node::start().await;
    let other = node.other("other@example.net").await;
    for name in ["one.example", "two.example"] {
        let body = json!({"account": {"id": other.account}, "name": name});
        node.send_as(&other.token, "POST", "/zones", Some(body)).await.result();
    }
    let names = async |query: &str| {
        let list = node.send_as(&other.token, "GET", &format!("/zones?{query}"), None).await.result();
        list.as_array().unwrap().iter().map(|zone| zone["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let account = format!("account.id={}", other.account);
    let foreign = format!("account.id={}", node.bootstrap.account_id);
    let both = ["one.example", "two.example"];
    assert_eq!(names("").await, both);
    assert_eq!(names("name=").await, both);
    assert_eq!(names("name=ONE.example").await, ["one.example"]);
    assert_eq!(names("name=example").await, [""; 0]);
    assert_eq!(names("status=pending&type=full&type=partial").await, both);
    assert_eq!(names("status=active").await, [""; 0]);
    assert_eq!(names("type=secondary").await, [""; 0]);
    assert_eq!(names("type=odd").await, [""; 0]);
    assert_eq!(names(&account).await, both);
    assert_eq!(names(&foreign).await, [""; 0]);
    assert_eq!(names("account.id=xyz").await, [""; 0]);
    assert_eq!(names("account.name=Account%20of%20other%40example.net").await, both);
    assert_eq!(names("order=name&direction=desc").await, ["two.example", "one.example"]);
    let two = node.send_as(&other.token, "GET", "/zones?name=two.example", None).await.result();
    let path = format!("/zones/{}", two[0]["id"].as_str().unwrap());
    let free = json!({"plan": {"id": "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee"}});
    node.send_as(&other.token, "PATCH", &path, Some(free)).await.result();
    assert_eq!(names("order=plan.id").await, ["two.example", "one.example"]);
    assert_eq!(names("name=one.example&status=active&match=any").await, ["one.example"]);
    assert_eq!(names("unknown=1&order=odd&direction=odd").await, both);
}
