//! `/zones`: lists, and what is made, changed and deleted.

use serde_json::{Value, json};
use waymark_control::{Actor, NewAccount, PublicId, Status};

use super::probe::{self, effect, outcome, with, without};
use crate::harness::Node;

const FREE: &str = "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee";
const PRO: &str = "1ac039f6c29b691475c3d74fe588d1ae";

pub(super) async fn tour(node: &Node) {
    list(node).await;
    create(node).await;
    edit(node).await;
}

/// Six zones; `b` is another account's and active.
async fn list(node: &Node) {
    let new = NewAccount { name: "Zebra".to_owned(), member: Some(node.bootstrap.email.clone()) };
    let zebra = node.control.account_create(Actor::Operator, new).await.unwrap().id;
    for name in ["a.example", "c.example", "d.example", "e.example", "f.example"] {
        node.zone(name).await;
    }
    let free = node.zone("free.example").await;
    node.patch(&free, json!({"plan": {"id": FREE}})).await.result();
    node.get(&free).await.result();
    node.get("/zones").await.result();
    node.delete(&free).await.result();
    let body = json!({"account": {"id": zebra}, "name": "b.example"});
    let active = node.post("/zones", body).await.result();
    let id = PublicId::parse(active["id"].as_str().unwrap()).unwrap();
    node.control.zone_set_status(Actor::Operator, id, Status::Active, false).await.unwrap();
    let (all, b) = (["a", "b", "c", "d", "e", "f"].map(|name| format!("{name}.example")), ["b.example"]);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let falling: Vec<&str> = all.iter().rev().copied().collect();
    let b_first = [&b[..], &all[..1], &all[2..]].concat();
    let account = format!("account.id={zebra}");
    let rows: [probe::Parameter<'_>; 10] = [
        ("name=c.example", "", &all[2..3]),
        ("status=active", "", &b),
        ("account.id=", "", &all),
        ("account.name=Zebra", "", &b),
        ("type=partial", "", &[]),
        ("match=any", "status=active&name=a.example", &all[..2]),
        ("order=status", "", &b_first),
        ("direction=desc", "", &falling),
        ("per_page=5", "", &all[..5]),
        ("page=2", "per_page=5", &all[5..]),
    ];
    let rows = rows.map(|row| if row.0 == "account.id=" { (account.as_str(), "", &b[..]) } else { row });
    probe::parameters(node, "zones.list", "/zones", "name", &rows).await;
    node.get(&format!("/zones/{id}")).await.result();
}

/// Each member of a new zone, with the zone deleted again.
async fn create(node: &Node) {
    let account = node.bootstrap.account_id;
    let full = json!({"account": {"id": account}, "name": "new.example", "type": "full", "jump_start": true});
    let send = async |body: Value| {
        let answer = node.post("/zones", body).await;
        if let Some(id) = answer.json["result"]["id"].as_str() {
            node.delete(&format!("/zones/{id}")).await.result();
        }
        let mut outcome = outcome(&answer);
        // A pair of nameservers is drawn for each zone.
        if let Some(zone) = outcome[2].as_object_mut() {
            zone.remove("name_servers");
        }
        outcome
    };
    for (path, value) in [
        ("account.id", json!(account)),
        ("name", json!("new.example")),
        ("type", json!("partial")),
        ("jump_start", json!(true)),
    ] {
        let effect = effect(&send(with(&full, path, value)).await, &send(without(&full, path)).await);
        node.seen.lock().unwrap().member("zones.create", path, "", effect);
    }
}

async fn edit(node: &Node) {
    let zone = node.zone("edited.example").await;
    let rows = [
        ("paused", json!(true)),
        ("type", json!("partial")),
        ("vanity_name_servers", json!(["ns1.edited.example", "ns2.edited.example"])),
        ("plan.id", json!(PRO)),
    ];
    for (path, value) in rows {
        let before = outcome(&node.get(&zone).await);
        let after = outcome(&node.patch(&zone, with(&json!({}), path, value)).await);
        node.seen.lock().unwrap().member("zones.edit", path, "", effect(&after, &before));
    }
    assert_eq!(node.get(&zone).await.result()["plan"]["id"], PRO);
    node.delete(&zone).await.result();
}
