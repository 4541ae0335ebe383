//! `/zones/{zone_id}/dns_records`, with every type of record and every member that its body can have.

mod bodies;

use serde_json::{Value, json};
use waymark_contract::{Effect, contract};

use super::probe::{self, effect, outcome, with, without};
use crate::harness::Node;
use bodies::BODIES;

const ENTERPRISE: &str = "94f3b7b768b0458b56d2cac4fe5ec0f9";
/// The parameter that changes replies to writes, if anything does.
const SHADOWS: &str = "include_shadow_metadata";

pub(super) async fn tour(node: &Node) {
    lists(node).await;
    let zone = node.zone("written.example").await;
    // Tags need a plan that has them.
    node.patch(&zone, json!({"plan": {"id": ENTERPRISE}})).await.result();
    let records = format!("{zone}/dns_records");
    for (record_type, data) in BODIES {
        let body = full(record_type, &serde_json::from_str(data).unwrap());
        shown(node, &records, record_type, &body).await;
        members(node, &records, record_type, &body).await;
    }
    writes_with_shadows(node, &records).await;
}

/// A body that has every member which is no refusal.
fn full(record_type: &str, data: &Value) -> Value {
    let mut body = json!({"name": "tour", "type": record_type, "ttl": 3600, "comment": "a tour", "tags": ["tour:one"]});
    for (name, value) in data.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// Records of this type in all endpoints, with everything that they can show.
async fn shown(node: &Node, records: &str, record_type: &str, body: &Value) {
    let (mut ids, mut bodies) = (Vec::new(), Vec::new());
    for (name, set) in [("one", true), ("two", false)] {
        let mut settings = json!({"ipv4_only": set, "ipv6_only": set});
        if record_type == "CNAME" {
            settings["flatten_cname"] = json!(set);
        }
        let body = with(&with(body, "name", json!(name)), "settings", settings);
        let made = node.post(records, body.clone()).await.result();
        ids.push(format!("{records}/{}", made["id"].as_str().unwrap()));
        bodies.push(body);
    }
    for (id, body) in ids.iter().zip(bodies) {
        node.put(id, body.clone()).await.result();
        node.patch(id, json!({"settings": body["settings"]})).await.result();
        node.get(id).await.result();
    }
    node.get(records).await.result();
    if matches!(record_type, "A" | "AAAA" | "CNAME") {
        node.patch(&ids[0], json!({"proxied": true})).await.result();
        node.get(&ids[0]).await.result();
        node.get(records).await.result();
    }
    for id in ids {
        node.delete(&id).await.result();
    }
}

/// Every declared member of a body, in POST, PUT and PATCH.
async fn members(node: &Node, records: &str, record_type: &str, body: &Value) {
    for endpoint in ["dns.records.create", "dns.records.update", "dns.records.edit"] {
        let declared = contract().unwrap().members(contract().unwrap().endpoint(endpoint).unwrap());
        for field in declared.iter().filter(|field| field.form == record_type) {
            let base = base(body, &field.path);
            let value = value(&field.path, &base);
            let with = written(node, endpoint, record_type, records, with(&base, &field.path, value)).await;
            let without = written(node, endpoint, record_type, records, without(&base, &field.path)).await;
            node.seen.lock().unwrap().member(endpoint, &field.path, record_type, effect(&with, &without));
        }
    }
}

/// The body that a member is tried in: `content` and `data` say the same, so only one of them is there.
fn base(body: &Value, path: &str) -> Value {
    if path.starts_with("data.") { without(body, "content") } else { body.clone() }
}

/// What a member is set to: what the body has, or a value that is not the default.
fn value(path: &str, body: &Value) -> Value {
    let own = path.split('.').try_fold(body, |value, name| value.get(name)).cloned();
    own.unwrap_or_else(|| match path {
        "proxied" | "private_routing" => json!(true),
        path if path.starts_with("settings.") => json!(true),
        _ => panic!("no value for {path}"),
    })
}

/// What a write comes to, from the same beginning every time: nothing, or a record of another type with other values.
async fn written(node: &Node, endpoint: &str, record_type: &str, records: &str, body: Value) -> Value {
    let before = match record_type {
        "TXT" => json!({"type": "A", "name": "before", "content": "192.0.2.77", "ttl": 120}),
        _ => json!({"type": "TXT", "name": "before", "content": "before", "ttl": 120}),
    };
    let (method, path) = match endpoint {
        "dns.records.create" => ("POST", records.to_owned()),
        _ => {
            let made = node.post(records, before).await.result();
            let method = if endpoint == "dns.records.update" { "PUT" } else { "PATCH" };
            (method, format!("{records}/{}", made["id"].as_str().unwrap()))
        }
    };
    let answer = node.send(method, &path, Some(body)).await;
    match answer.json["result"]["id"].as_str() {
        Some(id) => node.delete(&format!("{records}/{id}")).await.result(),
        None if method == "POST" => Value::Null,
        None => node.delete(&path).await.result(),
    };
    outcome(&answer)
}

async fn writes_with_shadows(node: &Node, records: &str) {
    let body = |ttl: u32| json!({"type": "A", "name": "shadow", "content": "192.0.2.1", "ttl": ttl});
    let asked = format!("?{SHADOWS}=true");
    let saw = |endpoint: &str, effect: Effect| node.seen.lock().unwrap().parameter(endpoint, SHADOWS, effect);
    let mut made = Vec::new();
    for query in ["", asked.as_str()] {
        let answer = node.post(&format!("{records}{query}"), body(300)).await;
        let path = format!("{records}/{}", answer.json["result"]["id"].as_str().unwrap());
        let put = outcome(&node.put(&format!("{path}{query}"), body(600)).await);
        let patch = outcome(&node.patch(&format!("{path}{query}"), json!({"ttl": 900})).await);
        let get = outcome(&node.get(&format!("{path}{query}")).await);
        node.delete(&path).await.result();
        made.push([outcome(&answer), put, patch, get]);
    }
    let endpoints = ["dns.records.create", "dns.records.update", "dns.records.edit", "dns.records.get"];
    for (index, endpoint) in endpoints.iter().enumerate() {
        saw(endpoint, effect(&made[1][index], &made[0][index]));
    }
}

/// Four records that every filter tells apart.
async fn lists(node: &Node) {
    let zone = node.zone("listed.example").await;
    node.patch(&zone, json!({"plan": {"id": ENTERPRISE}})).await.result();
    let records = format!("{zone}/dns_records");
    for body in [
        json!({"type": "A", "name": "w", "content": "192.0.2.1", "proxied": true, "comment": "first", "tags": ["a:x"]}),
        json!({"type": "A", "name": "m", "content": "192.0.2.2", "ttl": 600, "comment": "second", "tags": ["b:y"]}),
        json!({"type": "TXT", "name": "t", "content": "text", "ttl": 300}),
        json!({"type": "TXT", "name": "u", "content": "more", "ttl": 900}),
    ] {
        node.post(&records, body).await.result();
    }
    let names: [String; 4] = ["m", "w", "t", "u"].map(|name| format!("{name}.listed.example"));
    let [m, w, t, u] = names.each_ref().map(String::as_str);
    let all = &[m, w, t, u][..];
    let any = "name.exact=t.listed.example&content.exact=192.0.2.1";
    let both = "tag.present=a&tag.exact=b:y";
    let rows: &[probe::Parameter<'_>] = &[
        ("name=w.listed.example", "", &[w]),
        ("name.exact=w.listed.example", "", &[w]),
        ("name.contains=.list", "type=A&name.startswith=w", &[w]),
        ("name.contains=w.", "", &[w]),
        ("name.startswith=u", "", &[u]),
        ("name.endswith=w.listed.example", "", &[w]),
        ("content=192.0.2.1", "", &[w]),
        ("content.exact=192.0.2.1", "", &[w]),
        ("content.contains=ex", "", &[t]),
        ("content.startswith=mo", "", &[u]),
        ("content.endswith=xt", "", &[t]),
        ("type=TXT", "", &[t, u]),
        ("proxied=true", "", &[w]),
        ("search=192.0.2.2", "", &[m]),
        ("match=any", any, &[w, t]),
        ("order=name", "", &[m, t, u, w]),
        ("direction=desc", "order=name", &[w, u, t, m]),
        ("per_page=3", "", &[m, w, t]),
        ("page=2", "per_page=3", &[u]),
        ("comment=first", "", &[w]),
        ("comment.exact=first", "", &[w]),
        ("comment.contains=ir", "", &[w]),
        ("comment.startswith=se", "", &[m]),
        ("comment.endswith=nd", "", &[m]),
        ("comment.present=", "", &[m, w]),
        ("comment.present=true", "", &[m, w]),
        ("comment.absent=true", "", &[t, u]),
        ("tag=a:x", "", &[w]),
        ("tag.exact=a:x", "", &[w]),
        ("tag.contains=a:x", "", &[w]),
        ("tag.startswith=a:x", "", &[w]),
        ("tag.endswith=a:x", "", &[w]),
        ("tag.present=a", "", &[w]),
        ("tag.absent=a", "", &[m, t, u]),
        ("tag_match=any", both, &[m, w]),
        ("include_shadow_metadata=true", "", all),
        ("shadowed_by_name=w.listed.example", "", all),
        ("shadowing_name=w.listed.example", "", all),
        ("name=absent.listed.example", "", &[]),
    ];
    probe::parameters(node, "dns.records.list", &records, "name", rows).await;
}
