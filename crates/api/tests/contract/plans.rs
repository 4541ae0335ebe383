//! Plans of zones, and what octodns looks for beside records: page rules and views.

use serde_json::{Value, json};
use waymark_control::PLANS;

use crate::harness::Node;

const FREE: &str = "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee";

#[tokio::test]
async fn the_plans_that_a_zone_could_have() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let plans = format!("{zone}/available_plans");
    let all = node.get(&plans).await.result();
    let ids: Vec<&str> = all.as_array().unwrap().iter().map(|plan| plan["id"].as_str().unwrap()).collect();
    assert_eq!(ids, PLANS.map(|terms| terms.id));
    let words: Vec<&str> = all.as_array().unwrap().iter().map(|plan| plan["legacy_id"].as_str().unwrap()).collect();
    assert_eq!(words, ["free", "pro", "business", "enterprise"]);
    for plan in all.as_array().unwrap() {
        let is_own = plan["legacy_id"] == "enterprise";
        assert_eq!((&plan["is_subscribed"], &plan["can_subscribe"]), (&json!(is_own), &json!(!is_own)));
        assert_eq!((&plan["price"], &plan["currency"]), (&json!(0), &json!("USD")));
        assert_eq!((&plan["frequency"], &plan["externally_managed"]), (&json!("monthly"), &json!(false)));
        let one = node.get(&format!("{plans}/{}", plan["id"].as_str().unwrap())).await.result();
        assert_eq!(one, *plan);
    }
    let unknown = node.get(&format!("{plans}/00112233445566778899aabbccddeeff")).await;
    assert_eq!(unknown.refused(), (404, 1001));
    assert_eq!(unknown.message(), "Invalid plan identifier");
    assert_eq!(node.get(&format!("{plans}/free")).await.refused(), (404, 7003));

    let rates = node.get(&format!("{zone}/available_rate_plans")).await.result();
    assert_eq!(rates[0]["id"], "free");
    let first = json!({"id": "free", "name": "Free Website", "currency": "USD", "duration": 1, "frequency": "monthly",
        "components": []});
    assert_eq!(rates[0], first);
    assert_eq!(rates.as_array().unwrap().len(), 4);
}

/// The calls of octodns, with `plan_type` in its configuration.
#[tokio::test]
async fn a_zone_is_given_another_plan_and_its_limits() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let records = format!("{zone}/dns_records");
    let tagged = |name: &str| json!({"type": "A", "name": name, "content": "192.0.2.1", "ttl": 30, "tags": ["a:b"]});
    let record = node.post(&records, tagged("www")).await.result();
    let changed = node.patch(&zone, json!({"plan": {"id": FREE}})).await.result();
    assert_eq!((&changed["plan"]["id"], &changed["plan"]["legacy_id"]), (&json!(FREE), &json!("free")));
    assert_eq!(node.get(&zone).await.result(), changed);

    let shown = node.get(&format!("{records}/{}", record["id"].as_str().unwrap())).await.result();
    assert_eq!(shown, record, "what was there stays");
    assert_eq!(node.post(&records, tagged("other")).await.refused(), (400, 9021));
    let with = async |member: &str, value: Value| {
        let mut body = json!({"type": "A", "name": "other", "content": "192.0.2.1", "ttl": 60});
        body[member] = value;
        node.post(&records, body).await
    };
    let answer = with("tags", json!(["a:b"])).await;
    assert_eq!((answer.refused(), answer.message()), ((400, 9300), "DNS record has 1 tags, exceeding the quota of 0."));
    assert_eq!(with("comment", json!("x".repeat(101))).await.refused(), (400, 9303));
    with("comment", json!("x".repeat(100))).await.result();
}

#[tokio::test]
async fn a_subscription_is_the_same_by_another_name() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let subscription = format!("{zone}/subscription");
    let shown = node.get(&subscription).await.result();
    let wanted = json!({
        "id": zone.strip_prefix("/zones/"), "price": 0, "currency": "USD", "frequency": "monthly",
        "state": "Provisioned",
        "rate_plan": {
            "id": "enterprise", "public_name": "Enterprise Website", "currency": "USD", "scope": "zone", "sets": [],
            "is_contract": false, "externally_managed": false,
        },
    });
    assert_eq!(shown, wanted);
    let pro = json!({"frequency": "monthly", "rate_plan": {"id": "pro", "currency": "USD", "sets": ["x"]}});
    assert_eq!(node.post(&subscription, pro).await.result()["rate_plan"]["id"], "pro");
    assert_eq!(node.get(&zone).await.result()["plan"]["legacy_id"], "pro");
    let free = node.put(&subscription, json!({"rate_plan": {"id": "free"}})).await.result();
    assert_eq!((&free["rate_plan"]["id"], &free["frequency"]), (&json!("free"), &json!("not-applicable")));
    assert_eq!(node.get(&subscription).await.result(), free);
    assert_eq!(node.put(&subscription, json!({})).await.result(), free);
    for bad in [
        json!({"rate_plan": {"id": "lite"}}),
        json!({"rate_plan": {"id": FREE}}),
        json!({"rate_plan": {}}),
        json!({"rate_plan": "pro"}),
        json!({"rate_plan": {"id": "pro"}, "frequency": "daily"}),
        json!({"rate_plan": {"id": "pro"}, "frequency": 1}),
    ] {
        assert_eq!(node.put(&subscription, bad.clone()).await.refused(), (400, 9207), "{bad}");
    }
    assert_eq!(node.get(&subscription).await.result(), free);
}

#[tokio::test]
async fn there_are_no_page_rules_and_no_views() {
    let node = Node::start().await;
    let rules = format!("{}/pagerules", node.zone("example.com").await);
    for query in ["", "?status=active", "?status=disabled&order=status&direction=asc&match=any", "?status=odd"] {
        let answer = node.get(&format!("{rules}{query}")).await;
        assert_eq!(answer.json["result_info"], Value::Null);
        assert_eq!(answer.result(), json!([]));
    }
    assert_eq!(node.post(&rules, json!({})).await.refused(), (405, 7001));
    let views = format!("/accounts/{}/dns_settings/views", node.bootstrap.account_id);
    let answer = node.get(&format!("{views}?page=1&per_page=50")).await;
    let info = json!({"page": 1, "per_page": 50, "count": 0, "total_count": 0, "total_pages": 0});
    assert_eq!(answer.json["result_info"], info);
    assert_eq!(answer.result(), json!([]));
}
