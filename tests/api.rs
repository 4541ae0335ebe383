//! The HTTP API from outside, through real sockets: what clients send, what they get.
//!
//! Every code and member has its table test in the `api` crate; here are flows as clients go through them.

use serde_json::{Value, json};
use waymark::config::Limit;

use crate::harness::node::text;
use crate::harness::{Client, Credentials, Node};

/// An id that nothing has.
const NO_ID: &str = "0123456789abcdef0123456789abcdef";

fn names(listed: &Value) -> Vec<String> {
    listed["result"].as_array().expect("a list").iter().map(|item| text(&item["name"])).collect()
}

#[test]
fn a_record_lives_its_life() {
    let node = Node::start();
    let mut zone = node.zone("example.com");
    let path = zone.records();
    let made = zone.client.post(&path, &json!({"type": "A", "name": "WWW", "content": "192.0.2.1"})).ok();
    for (member, expected) in [
        ("name", json!("www.example.com")),
        ("type", json!("A")),
        ("content", json!("192.0.2.1")),
        ("ttl", json!(1)),
        ("proxied", json!(false)),
        ("proxiable", json!(true)),
        ("comment", Value::Null),
        ("tags", json!([])),
        ("settings", json!({})),
        ("meta", json!({})),
    ] {
        assert_eq!(made[member], expected, "{member}");
    }
    let id = text(&made["id"]);
    assert!(id.len() == 32 && id.chars().all(|digit| digit.is_ascii_digit() || ('a'..='f').contains(&digit)), "{id}");
    let one = format!("{path}/{id}");
    assert_eq!(zone.client.get(&one).ok(), made);
    let changed = zone.client.patch(&one, &json!({"comment": "hello", "ttl": 300})).ok();
    assert_eq!(
        (&changed["content"], &changed["comment"], &changed["ttl"]),
        (&json!("192.0.2.1"), &json!("hello"), &json!(300))
    );
    let replaced = zone.client.put(&one, &json!({"type": "A", "name": "www", "content": "192.0.2.2"})).ok();
    assert_eq!((&replaced["comment"], &replaced["ttl"]), (&Value::Null, &json!(1)), "what PUT lacks gets its default");
    assert_eq!((&replaced["id"], &replaced["created_on"]), (&made["id"], &made["created_on"]));
    assert_eq!(zone.client.delete(&one).ok(), json!({"id": id}));
    for gone in [zone.client.get(&one), zone.client.delete(&one), zone.client.patch(&one, &json!({"ttl": 60}))] {
        assert_eq!((gone.status, gone.codes()), (404, vec![81044]));
    }
}

#[test]
fn a_zone_lives_its_life() {
    let node = Node::start();
    let mut client = node.client();
    let body = json!({"name": "Example.COM", "account": {"id": node.first().id}, "type": "full"});
    let zone = client.post("/zones", &body).ok();
    assert_eq!(
        (&zone["name"], &zone["status"], &zone["type"]),
        (&json!("example.com"), &json!("pending"), &json!("full"))
    );
    assert_eq!(zone["account"]["id"], json!(node.first().id));
    assert_eq!(zone["name_servers"].as_array().map(Vec::len), Some(2));
    let path = format!("/zones/{}", text(&zone["id"]));
    assert_eq!(client.get(&path).ok(), zone);
    let again = client.post("/zones", &body);
    assert_eq!((again.status, again.codes()), (400, vec![1061]), "SDKs retry 409");
    assert_eq!(names(&client.get("/zones?name=example.com").json()), ["example.com"]);
    assert_eq!(client.delete(&path).ok(), json!({"id": zone["id"]}));
    let gone = client.get(&path);
    assert_eq!((gone.status, gone.codes()), (404, vec![1001]));
    assert_eq!(names(&client.get("/zones").json()), Vec::<String>::new());
    assert_ne!(client.post("/zones", &body).ok()["id"], zone["id"], "the name is free again, the id is not");
}

#[test]
fn both_ways_to_say_who_one_is() {
    let node = Node::start();
    let made = node.inner().bootstrap().expect("a first start");
    let (email, key) = (made.email.clone(), made.key.clone());
    let by_key = Credentials::Key { email: email.clone(), key };
    let mut client = node.client_of(&by_key);
    let user = client.get("/user").ok();
    assert_eq!(user["email"], json!(email));
    assert_eq!(node.client().get("/user").ok(), user);
    assert_eq!(client.get("/accounts").ok()[0]["id"], json!(node.first().id));
    let verified = node.client().get("/user/tokens/verify").ok();
    assert_eq!(verified["status"], json!("active"));
    for (credentials, path, status, codes) in [
        (Credentials::Nobody, "/zones", 400, vec![9106]),
        (Credentials::Token("x".repeat(40)), "/zones", 403, vec![9109]),
        (Credentials::Token("x".repeat(40)), "/user/tokens/verify", 401, vec![1000]),
        (Credentials::Key { email, key: "0".repeat(37) }, "/zones", 403, vec![9103]),
        (Credentials::Key { email: "nobody@example.net".into(), key: "0".repeat(37) }, "/zones", 403, vec![9103]),
    ] {
        let refused = node.client_of(&credentials).get(path);
        assert_eq!((refused.status, refused.codes()), (status, codes), "{credentials:?} {path}");
        let body = refused.json();
        assert_eq!((&body["success"], &body["result"], &body["messages"]), (&json!(false), &Value::Null, &json!([])));
    }
}

#[test]
fn anothers_objects_are_not_found_and_not_changed() {
    let node = Node::start();
    let stranger = node.account("stranger");
    let mut zone = node.zone("example.com");
    let record = text(&zone.record("www", "A", "192.0.2.1")["id"]);
    let mut client = node.client_of(&stranger.credentials);
    let (zone_path, records) = (format!("/zones/{}", zone.id), zone.records());
    let new = json!({"type": "A", "name": "x", "content": "192.0.2.9"});
    let one = format!("{records}/{record}");
    for refused in [
        client.get(&zone_path),
        client.delete(&zone_path),
        client.get(&records),
        client.post(&records, &new),
        client.get(&one),
        client.put(&one, &new),
        client.patch(&one, &new),
        client.delete(&one),
    ] {
        assert_eq!((refused.status, refused.codes()), (404, vec![1001]));
    }
    let refused = client.post("/zones", &json!({"name": "x.example", "account": {"id": node.first().id}}));
    assert_eq!(refused.status, 404, "into another's account: {}", refused.text());
    let refused = client.get(&format!("/accounts/{}", node.first().id));
    assert_eq!((refused.status, refused.codes()), (404, vec![1001]));
    assert_eq!(names(&client.get("/zones").json()), Vec::<String>::new());
    // A zone of one's own is no way to another's record either.
    let own = node.zone_of(&stranger, "own.test");
    let refused = client.delete(&format!("{}/{record}", own.records()));
    assert_eq!((refused.status, refused.codes()), (404, vec![81044]));
    assert_eq!(zone.client.get(&one).ok()["content"], json!("192.0.2.1"));
}

#[test]
fn paths_with_and_without_a_slash_and_paths_to_nowhere() {
    let node = Node::start();
    let mut zone = node.zone("example.com");
    zone.record("www", "A", "192.0.2.1");
    let client = &mut zone.client;
    for path in ["/user", "/zones", "/accounts", "/zones?name=example.com", &format!("/zones/{}/dns_records", zone.id)]
    {
        let (path_only, query) = path.split_once('?').unwrap_or((path, ""));
        let plain = client.get(path).ok();
        assert_eq!(client.get(&format!("{path_only}/?{query}")).ok(), plain, "{path}");
    }
    for (path, codes) in [
        ("/nowhere", vec![7003, 7000]),
        ("/zones/not-an-id", vec![7003, 7000]),
        ("/zones/0123456789ABCDEF0123456789ABCDEF", vec![7003, 7000]),
        (&format!("/zones/{NO_ID}/nowhere"), vec![7003, 7000]),
        (&format!("/zones/{NO_ID}"), vec![1001]),
        (&format!("/zones/{}/dns_records/{NO_ID}", zone.id), vec![81044]),
    ] {
        let missed = client.get(path);
        assert_eq!((missed.status, missed.codes()), (404, codes), "{path}");
    }
    let wrong = client.send("PATCH", "/user/tokens/verify", Some(b"{}"));
    assert_eq!((wrong.status, wrong.codes()), (405, vec![7001]));
    let response = client.get("/user");
    assert!(response.header("cf-ray").is_some_and(|ray| !ray.is_empty()), "SDK users log it");
    assert!(response.header("content-type").is_some_and(|kind| kind.starts_with("application/json")));
}

#[test]
fn listings_come_in_pages_that_end() {
    let node = Node::start();
    let mut zone = node.zone("example.com");
    for number in 0..25 {
        zone.record(&format!("r{number:02}"), "A", "192.0.2.1");
    }
    let path = zone.records();
    let client = &mut zone.client;
    let mut seen = Vec::new();
    for page in 1..=4 {
        let listed = client.get(&format!("{path}?per_page=10&page={page}&order=name")).json();
        let found = names(&listed);
        let info = &listed["result_info"];
        let expected = json!({"page": page, "per_page": 10, "count": found.len(), "total_count": 25, "total_pages": 3});
        assert_eq!(*info, expected);
        assert_eq!(found.len(), [10, 10, 5, 0][page - 1], "a page past the end is empty, not an error");
        seen.extend(found);
    }
    let expected: Vec<String> = (0..25).map(|number| format!("r{number:02}.example.com")).collect();
    assert_eq!(seen, expected, "each once, in order");
    // certbot sends 1 to /zones, and lexicon 100: neither is refused.
    for (asked, applied) in [(1, 5), (100, 50)] {
        let listed = client.get(&format!("/zones?per_page={asked}")).json();
        assert_eq!(
            (listed["success"].as_bool(), listed["result_info"]["per_page"].as_u64()),
            (Some(true), Some(applied))
        );
    }
    let filtered = client.get(&format!("{path}?type=A&name.exact=R07.example.com&content.exact=192.0.2.1")).json();
    assert_eq!(names(&filtered), ["r07.example.com"]);
    assert_eq!(names(&client.get(&format!("{path}?type=TXT")).json()), Vec::<String>::new());
}

#[test]
fn a_refused_request_says_why_and_leaves_nothing() {
    let node = Node::start();
    let mut zone = node.zone("example.com");
    zone.record("www", "A", "192.0.2.1");
    zone.record("alias", "CNAME", "www.example.com");
    let path = zone.records();
    let client = &mut zone.client;
    let before = client.get(&path).json();
    for (body, status, code) in [
        (json!({"type": "A", "name": "x", "content": "not an address"}), 400, 9005),
        (json!({"type": "AAAA", "name": "x", "content": "192.0.2.1"}), 400, 9006),
        (json!({"type": "MX", "name": "x", "content": "mail.example.com"}), 400, 9100),
        (json!({"type": "A", "name": "x..y", "content": "192.0.2.1"}), 400, 9000),
        (json!({"type": "A", "name": "x", "content": "192.0.2.1", "ttl": 5}), 400, 9021),
        (json!({"type": "TXT", "name": "x", "content": "x", "proxied": true}), 400, 9004),
        (json!({"type": "A", "name": "www", "content": "192.0.2.1", "ttl": 300}), 400, 81058),
        (json!({"type": "A", "name": "www", "content": "192.0.2.1", "ttl": 600}), 400, 81057),
        (json!({"type": "CNAME", "name": "www", "content": "x.example.com"}), 400, 81053),
        (json!({"type": "A", "name": "alias", "content": "192.0.2.1"}), 400, 81054),
        (json!({"type": "A", "content": "192.0.2.1"}), 400, 9000),
        (json!([]), 400, 9207),
    ] {
        let refused = client.post(&path, &body);
        let told = refused.json();
        assert_eq!((refused.status, refused.codes()), (status, vec![code]), "{body}: {told}");
        assert!(text(&told["errors"][0]["message"]).len() > 10, "{told}");
    }
    for body in [&b"{"[..], b"", b"null", b"\xff"] {
        let refused = client.send("POST", &path, Some(body));
        assert_eq!((refused.status, refused.codes()), (400, vec![9207]), "{body:?}");
    }
    assert_eq!(client.get(&path).json(), before, "nothing of a refused request is kept");
}

#[test]
fn bodies_are_limited_in_size_and_depth() {
    let node = Node::start_with(|config, _| {
        config.limits.body_octets = Limit(2_000);
        config.limits.body_depth = Limit(8);
    });
    let mut zone = node.zone("example.com");
    let path = zone.records();
    let body = |comment: usize| {
        let comment = "x".repeat(comment);
        json!({"type": "A", "name": "x", "content": "192.0.2.1", "unknown": comment})
    };
    let large = zone.client.another().post(&path, &body(2_000));
    assert_eq!((large.status, large.codes()), (413, vec![9207]));
    let deep = format!(
        "{{\"type\":\"A\",\"name\":\"x\",\"content\":\"192.0.2.1\",\"deep\":{}{}}}",
        "[".repeat(8),
        "]".repeat(8)
    );
    let deep = zone.client.send("POST", &path, Some(deep.as_bytes()));
    assert_eq!((deep.status, deep.codes()), (400, vec![9207]));
    zone.client.post(&path, &body(1_000)).ok();
}

#[test]
fn who_asks_too_often_is_told_when_to_come_again() {
    let node = Node::start_with(|config, _| config.limits.requests_per_5_minutes = Limit(5));
    let mut client = node.client();
    for _ in 0..5 {
        client.get("/user").ok();
    }
    let refused = client.get("/user");
    assert_eq!((refused.status, refused.codes()), (429, vec![971]));
    let after: u64 = refused.header("retry-after").expect("when").parse().expect("seconds");
    assert!((1..=300).contains(&after), "{after}");
    // Another caller has a count of its own.
    let other = node.account("other");
    node.client_of(&other.credentials).get("/user").ok();
}

#[test]
fn the_programs_own_pages_need_no_credentials() {
    let node = Node::start();
    let mut client = Client::new(node.inner().api_address(), Credentials::Nobody);
    assert_eq!(client.get("/healthz").json()["status"], "ok");
    assert_eq!(client.get("/metrics").status, 200);
    let missed = client.get("/client/v3/zones");
    assert_eq!((missed.status, missed.codes()), (404, vec![7003, 7000]));
}
