//! Plans and subscriptions of a zone.

use serde_json::json;

use super::probe::{effect, outcome, with, without};
use crate::harness::Node;

pub(super) async fn tour(node: &Node) {
    let zone = node.zone("planned.example").await;
    let plans = node.get(&format!("{zone}/available_plans")).await.result();
    for plan in plans.as_array().unwrap() {
        let id = plan["id"].as_str().unwrap();
        node.get(&format!("{zone}/available_plans/{id}")).await.result();
        node.patch(&zone, json!({"plan": {"id": id}})).await.result();
        for part in ["available_plans", "available_plans/94f3b7b768b0458b56d2cac4fe5ec0f9", "subscription"] {
            node.get(&format!("{zone}/{part}")).await.result();
        }
    }
    node.get(&format!("{zone}/available_rate_plans")).await.result();
    subscription(node, &format!("{zone}/subscription")).await;
}

/// Each member against a zone that is on the free plan.
async fn subscription(node: &Node, path: &str) {
    let full = json!({"frequency": "monthly", "rate_plan": {"id": "pro"}});
    let rows = [
        ("frequency", json!("yearly")),
        ("rate_plan.id", json!("business")),
        ("rate_plan.currency", json!("EUR")),
        ("rate_plan.externally_managed", json!(true)),
        ("rate_plan.is_contract", json!(true)),
        ("rate_plan.public_name", json!("Mine")),
        ("rate_plan.scope", json!("account")),
        ("rate_plan.sets", json!(["a"])),
    ];
    for (method, endpoint) in [("POST", "zones.subscriptions.create"), ("PUT", "zones.subscriptions.update")] {
        let send = async |body| {
            node.put(path, json!({"rate_plan": {"id": "free"}})).await.result();
            outcome(&node.send(method, path, Some(body)).await)
        };
        for (member, value) in &rows {
            let effect = effect(&send(with(&full, member, value.clone())).await, &send(without(&full, member)).await);
            node.seen.lock().unwrap().member(endpoint, member, "", effect);
        }
    }
}
