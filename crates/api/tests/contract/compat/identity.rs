//! `/user`, `/user/tokens/verify`, `/accounts`.

use waymark_control::{Actor, NewAccount, NewToken, Policy, Time};

use super::probe;
use crate::harness::Node;

pub(super) async fn tour(node: &Node) {
    node.get("/user").await.result();
    verify(node).await;
    accounts(node).await;
}

/// An active token, and one whose times are known and over.
async fn verify(node: &Node) {
    node.get("/user/tokens/verify").await.result();
    let soon = |seconds: i64| Some(Time(1_750_000_000_000_000 + seconds * 1_000_000));
    let new = NewToken {
        user: node.bootstrap.email.clone(),
        name: "for a while".to_owned(),
        policies: vec![Policy::everything()],
        not_before: soon(0),
        expires_on: soon(60),
    };
    let token = node.control.token_create(Actor::Operator, new).await.unwrap().token;
    assert_eq!(node.send_as(&token, "GET", "/user/tokens/verify", None).await.result()["status"], "active");
}

async fn accounts(node: &Node) {
    for number in 1..=6 {
        let new = NewAccount { name: format!("Another {number}"), member: Some(node.bootstrap.email.clone()) };
        node.control.account_create(Actor::Operator, new).await.unwrap();
    }
    let all = node.get("/accounts").await.result();
    let all: Vec<&str> = all.as_array().unwrap().iter().map(|account| account["name"].as_str().unwrap()).collect();
    assert_eq!(all.len(), 7);
    let falling: Vec<&str> = all.iter().rev().copied().collect();
    let rows: [probe::Parameter<'_>; 4] = [
        ("name=Another 3", "", &["Another 3"]),
        ("direction=desc", "", &falling),
        ("per_page=5", "", &all[..5]),
        ("page=2", "per_page=5", &all[5..]),
    ];
    let rows = rows.map(|(pair, others, names)| (pair.replace(' ', "%20"), others, names));
    let rows: Vec<_> = rows.iter().map(|(pair, others, names)| (pair.as_str(), *others, *names)).collect();
    probe::parameters(node, "accounts.list", "/accounts", "name", &rows).await;
    node.get(&format!("/accounts/{}", node.bootstrap.account_id)).await.result();
}
