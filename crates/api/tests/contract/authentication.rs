//! Both schemes, their failures, and what a credential may do (`errors.md`, "Authentication and permission").

use serde_json::{Value, json};
use waymark_control::{Actor, NewToken, Permission, Policy, Resource, Time};

use crate::harness::Node;

/// Headers, status and code, and the code of the error chain (0: there is none).
type Case<'a> = (&'a [(&'a str, &'a str)], (u16, u64), u64);

#[tokio::test]
async fn each_way_to_fail_has_its_code() {
    let node = Node::start().await;
    let email = node.bootstrap.email.as_str();
    let table: &[Case<'_>] = &[
        (&[], (400, 9106), 0),
        (&[("Authorization", "Bearer not a token")], (400, 6003), 6111),
        (&[("Authorization", "Bearer ")], (400, 6003), 6111),
        (&[("Authorization", "Token abc")], (400, 6003), 6111),
        (&[("Authorization", "Bearer short")], (403, 9109), 0),
        (&[("Authorization", "Bearer 0123456789012345678901234567890123456789")], (403, 9109), 0),
        (&[("X-Auth-Email", email)], (400, 9107), 0),
        (&[("X-Auth-Key", "0123")], (400, 9107), 0),
        (&[("X-Auth-Email", "admin"), ("X-Auth-Key", "0123")], (400, 6003), 6102),
        (&[("X-Auth-Email", email), ("X-Auth-Key", "0 1")], (400, 6003), 6103),
        (&[("X-Auth-Email", email), ("X-Auth-Key", "0123456789abcdef0123456789abcdef01234")], (403, 9103), 0),
        (&[("X-Auth-Email", "nobody@example.net"), ("X-Auth-Key", &node.bootstrap.key)], (403, 9103), 0),
    ];
    for (headers, refused, chain) in table {
        for path in ["/user", "/zones", "/accounts"] {
            let answer = node.send_with(headers, "GET", path).await;
            assert_eq!(answer.refused(), *refused, "{headers:?}");
            assert_eq!(answer.json["errors"][0]["error_chain"][0]["code"].as_u64().unwrap_or(0), *chain, "{headers:?}");
        }
    }
}

#[tokio::test]
async fn both_schemes_let_the_user_in_and_a_token_counts_first() {
    let node = Node::start().await;
    let bearer = format!("Bearer {}", node.bootstrap.token);
    let (email, key) = (node.bootstrap.email.as_str(), node.bootstrap.key.as_str());
    let pair = [("x-auth-email", email), ("x-auth-key", key)];
    for headers in [&[("authorization", bearer.as_str())][..], &pair] {
        let user = node.send_with(headers, "GET", "/user").await.result();
        assert_eq!(user["email"], email);
        assert_eq!(user["organizations"][0]["id"], json!(node.bootstrap.account_id));
        assert_eq!(user["first_name"], Value::Null);
    }
    // The SDKs send all that their environment holds.
    let good_token = [("authorization", bearer.as_str()), ("x-auth-email", email), ("x-auth-key", "0123")];
    assert_eq!(node.send_with(&good_token, "GET", "/user").await.status, 200);
    let token_and_email = [("authorization", bearer.as_str()), ("x-auth-email", email)];
    assert_eq!(node.send_with(&token_and_email, "GET", "/user").await.status, 200);
    let bad_token = [("authorization", "Bearer unknown"), pair[0], pair[1]];
    assert_eq!(node.send_with(&bad_token, "GET", "/user").await.refused(), (403, 9109));
}

#[tokio::test]
async fn a_token_can_be_verified() {
    let node = Node::start().await;
    let answer = node.get("/user/tokens/verify").await;
    let message = json!([{"code": 10000, "message": "This API Token is valid and active", "type": null}]);
    assert_eq!(answer.json["messages"], message);
    let result = answer.result();
    assert_eq!(result["status"], "active");
    assert_eq!(result["id"].as_str().unwrap().len(), 32);

    let verify = async |headers: &[(&str, &str)]| node.send_with(headers, "GET", "/user/tokens/verify").await.refused();
    assert_eq!(verify(&[("authorization", "Bearer unknown")]).await, (401, 1000));
    assert_eq!(verify(&[("authorization", "Bearer a b")]).await, (400, 6003));
    assert_eq!(verify(&[]).await, (400, 9106));
    let pair = [("x-auth-email", node.bootstrap.email.as_str()), ("x-auth-key", node.bootstrap.key.as_str())];
    assert_eq!(verify(&pair).await, (405, 10405));
}

#[tokio::test]
async fn a_token_whose_time_is_over_says_so_and_opens_nothing() {
    let node = Node::start().await;
    let new = NewToken {
        user: node.bootstrap.email.clone(),
        name: "short".to_owned(),
        policies: vec![Policy::everything()],
        not_before: None,
        expires_on: Some(Time(1_750_000_000_123_456 + 60_000_000)),
    };
    let token = node.control.token_create(Actor::Operator, new).await.unwrap().token;
    let status = node.send_as(&token, "GET", "/user/tokens/verify", None).await.result();
    assert_eq!((&status["status"], &status["expires_on"]), (&json!("active"), &json!("2025-06-15T15:07:40.123456Z")));
    node.clock.advance_seconds(61);
    assert_eq!(node.send_as(&token, "GET", "/user", None).await.refused(), (403, 9109));
    let answer = node.send_as(&token, "GET", "/user/tokens/verify", None).await;
    assert_eq!(answer.json["messages"], json!([]));
    assert_eq!(answer.result()["status"], "expired");
}

#[tokio::test]
async fn one_s_own_without_the_permission_is_denied() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let records = format!("{zone}/dns_records");
    let account = format!("/accounts/{}", node.bootstrap.account_id);
    let record = json!({"type": "A", "name": "www", "content": "192.0.2.1"});

    let dns = node.token_with(&[Permission::DnsEdit]).await;
    let found = node.send_as(&dns.token, "GET", "/zones?name=example.com&per_page=1", None).await.result();
    assert_eq!(format!("/zones/{}", found[0]["id"].as_str().unwrap()), zone, "all that certbot's token may do");
    let new = json!({"name": "example.org", "account": {"id": node.bootstrap.account_id}});
    assert_eq!(node.send_as(&dns.token, "POST", "/zones", Some(new)).await.refused(), (403, 10000));
    assert_eq!(node.send_as(&dns.token, "GET", "/user", None).await.refused(), (403, 9109));
    assert_eq!(node.send_as(&dns.token, "GET", &account, None).await.refused(), (403, 9109));
    assert_eq!(node.send_as(&dns.token, "DELETE", &zone, None).await.refused(), (403, 10000));
    for path in ["available_plans", "available_rate_plans", "subscription", "pagerules"] {
        assert_eq!(node.send_as(&dns.token, "GET", &format!("{zone}/{path}"), None).await.status, 200, "{path}");
    }
    let plan = || Some(json!({"plan": {"id": "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee"}, "rate_plan": {"id": "free"}}));
    assert_eq!(node.send_as(&dns.token, "PATCH", &zone, plan()).await.refused(), (403, 10000));
    let subscription = format!("{zone}/subscription");
    for method in ["POST", "PUT"] {
        assert_eq!(node.send_as(&dns.token, method, &subscription, plan()).await.refused(), (403, 10000));
    }
    let views = format!("{account}/dns_settings/views");
    assert_eq!(node.send_as(&dns.token, "GET", &views, None).await.refused(), (403, 9109));
    assert_eq!(node.send_as(&dns.token, "POST", &records, Some(record.clone())).await.status, 200);

    let user = node.token_with(&[Permission::UserRead]).await;
    let answer = node.send_as(&user.token, "GET", "/zones", None).await;
    assert_eq!(answer.refused(), (403, 0));
    assert!(answer.message().contains("com.cloudflare.api.account.zone.list"), "{}", answer.message());
    assert!(answer.message().contains(&user.id.to_string()));
    for path in ["", "/available_plans", "/available_rate_plans", "/subscription", "/pagerules"] {
        let path = format!("{zone}{path}");
        assert_eq!(node.send_as(&user.token, "GET", &path, None).await.refused(), (403, 10000), "{path}");
    }
    assert_eq!(node.send_as(&user.token, "GET", "/user", None).await.status, 200);

    let reader = node.token_with(&[Permission::ZoneRead, Permission::DnsRead]).await.token;
    assert_eq!(node.send_as(&reader, "GET", "/zones", None).await.status, 200);
    assert_eq!(node.send_as(&reader, "GET", &zone, None).await.status, 200);
    assert_eq!(node.send_as(&reader, "GET", &records, None).await.status, 200);
    assert_eq!(node.send_as(&reader, "POST", &records, Some(record)).await.refused(), (403, 10000));
    let new = json!({"name": "example.org", "account": {"id": node.bootstrap.account_id}});
    assert_eq!(node.send_as(&reader, "POST", "/zones", Some(new)).await.refused(), (403, 10000));
}

#[tokio::test]
async fn a_token_for_one_zone_opens_that_zone_alone() {
    let node = Node::start().await;
    let (one, two) = (node.zone("one.example").await, node.zone("two.example").await);
    let id = one.strip_prefix("/zones/").and_then(waymark_control::PublicId::parse).unwrap();
    let policy = Policy { permissions: vec![Permission::DnsEdit], resources: vec![Resource::Zone(id)] };
    let token = node.token(&node.bootstrap.email, vec![policy]).await.token;
    let body = || Some(json!({"type": "A", "name": "www", "content": "192.0.2.1"}));
    assert_eq!(node.send_as(&token, "POST", &format!("{one}/dns_records"), body()).await.status, 200);
    assert_eq!(node.send_as(&token, "POST", &format!("{two}/dns_records"), body()).await.refused(), (403, 10000));
}

#[tokio::test]
async fn another_s_zone_is_not_found() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let record = node
        .post(&format!("{zone}/dns_records"), json!({"type": "A", "name": "www", "content": "192.0.2.1"}))
        .await
        .result();
    let (records, record) =
        (format!("{zone}/dns_records"), format!("{zone}/dns_records/{}", record["id"].as_str().unwrap()));
    let other = node.other("other@example.net").await;
    let body = || Some(json!({"type": "A", "name": "x", "content": "192.0.2.1"}));
    for (method, path, body) in [
        ("GET", &zone, None),
        ("PATCH", &zone, Some(json!({}))),
        ("GET", &format!("{zone}/available_plans"), None),
        ("GET", &format!("{zone}/available_plans/0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee"), None),
        ("GET", &format!("{zone}/available_rate_plans"), None),
        ("GET", &format!("{zone}/subscription"), None),
        ("POST", &format!("{zone}/subscription"), Some(json!({}))),
        ("PUT", &format!("{zone}/subscription"), Some(json!({}))),
        ("GET", &format!("{zone}/pagerules"), None),
        ("DELETE", &zone, None),
        ("GET", &records, None),
        ("POST", &records, body()),
        ("GET", &record, None),
        ("PUT", &record, body()),
        ("PATCH", &record, body()),
        ("DELETE", &record, None),
    ] {
        let answer = node.send_as(&other.token, method, path, body).await;
        assert_eq!(answer.refused(), (404, 1001), "{method} {path}");
    }
    let account = format!("/accounts/{}", node.bootstrap.account_id);
    let views = format!("{account}/dns_settings/views");
    assert_eq!(node.send_as(&other.token, "GET", &account, None).await.refused(), (404, 1001));
    assert_eq!(node.send_as(&other.token, "GET", &views, None).await.refused(), (404, 1001));
    let new = json!({"name": "example.org", "account": {"id": node.bootstrap.account_id}});
    assert_eq!(node.send_as(&other.token, "POST", "/zones", Some(new)).await.refused(), (404, 1001));
    assert_eq!(node.send_as(&other.token, "GET", "/zones", None).await.result(), json!([]));
    assert_eq!(node.get(&record).await.result()["content"], "192.0.2.1");
}

#[tokio::test]
async fn accounts_are_shown_to_their_members() {
    let node = Node::start().await;
    let other = node.other("other@example.net").await;
    let pair = [("x-auth-email", other.email.as_str()), ("x-auth-key", other.key.as_str())];
    let list = node.send_with(&pair, "GET", "/accounts").await.result();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(list[0]["id"], json!(other.account));
    let one = node.send_with(&pair, "GET", &format!("/accounts/{}", other.account)).await.result();
    assert_eq!(one, list[0]);
    assert_eq!(one["name"], "Account of other@example.net");
    assert!(matches!(one["type"].as_str(), Some("standard" | "enterprise")));
    // A token without the permission sees none, and that is no failure (`dns-api.json`, accounts.list).
    let token = node.token_with(&[Permission::DnsEdit]).await.token;
    assert_eq!(node.send_as(&token, "GET", "/accounts", None).await.result(), json!([]));
}
