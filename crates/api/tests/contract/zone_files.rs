//! Zone files in and out: `dns_records/import` and `dns_records/export`.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use waymark_control::Permission;

use crate::harness::{Answer, Node};

const BOUNDARY: &str = "boundary-of-a-test";

/// A form whose fields are plain text, or files where a name of one is given.
fn form(fields: &[(&str, Option<&str>, &str)]) -> Body {
    let mut text = String::new();
    for (name, file, value) in fields {
        let file = file.map(|file| format!("; filename=\"{file}\"\r\nContent-Type: text/plain")).unwrap_or_default();
        text += &format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n");
    }
    Body::from(text + &format!("--{BOUNDARY}--\r\n"))
}

fn request(token: &str, method: &str, path: &str, body: Body) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(format!("/client/v4{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
        .body(body)
        .unwrap()
}

async fn send(node: &Node, zone: &str, body: Body) -> Answer {
    node.request(request(&node.bootstrap.token, "POST", &format!("{zone}/dns_records/import"), body)).await
}

async fn import(node: &Node, zone: &str, text: &str) -> Answer {
    send(node, zone, form(&[("file", Some("zone.txt"), text)])).await
}

/// Added and parsed.
fn counts(result: &Value) -> (u64, u64) {
    (result["recs_added"].as_u64().unwrap(), result["total_records_parsed"].as_u64().unwrap())
}

async fn export(node: &Node, zone: &str) -> String {
    let path = format!("{zone}/dns_records/export");
    let answer = node.request(request(&node.bootstrap.token, "GET", &path, Body::empty())).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/plain; charset=utf-8"));
    assert!(answer.headers.contains_key("cf-ray"));
    answer.text().to_owned()
}

/// A node whose users may import as often as they like.
async fn node() -> Node {
    Node::with(|options| {
        options.limits.requests_per_5_minutes = 0;
        options.limits.imports_per_minute = 0;
    })
    .await
}

#[tokio::test]
async fn a_file_is_imported_whether_it_is_a_file_or_a_plain_field() {
    let node = node().await;
    for (name, file) in [("one.test", Some("one.txt")), ("two.test", None)] {
        let zone = node.zone(name).await;
        let text = "www 300 IN A 192.0.2.1 ; first cf_tags=a:b,cf-proxied:true\n\
                    mail.example 1 IN MX 10 mx.example.net.\n";
        let answer = send(&node, &zone, form(&[("file", file, text)])).await;
        let timing = &answer.json["timing"];
        assert!(timing["start_time"].is_string() && timing["end_time"].is_string(), "{timing}");
        assert!(timing["process_time"].is_number(), "{timing}");
        assert_eq!(counts(&answer.result()), (2, 2));
        let records = node.get(&format!("{zone}/dns_records?order=name")).await.result();
        let [mx, www] = &records.as_array().unwrap()[..] else { panic!("{records}") };
        assert_eq!(
            (&mx["name"], &mx["ttl"], &mx["priority"]),
            (&json!(format!("mail.example.{name}")), &json!(1), &json!(10))
        );
        assert_eq!((&www["comment"], &www["tags"], &www["proxied"]), (&json!("first"), &json!(["a:b"]), &json!(true)));
    }
}

#[tokio::test]
async fn proxied_is_a_text_and_what_a_record_says_itself_comes_first() {
    let node = node().await;
    let text = "a A 192.0.2.1\nb A 192.0.2.1 ; cf_tags=cf-proxied:false\nc TXT \"not for proxies\"\n";
    for (number, (value, expected)) in [("true", true), ("false", false)].into_iter().enumerate() {
        let zone = node.zone(&format!("zone{number}.test")).await;
        send(&node, &zone, form(&[("proxied", None, value), ("file", None, text)])).await.result();
        let records = node.get(&format!("{zone}/dns_records?order=name")).await.result();
        let proxied: Vec<_> = records.as_array().unwrap().iter().map(|record| record["proxied"] == true).collect();
        assert_eq!(proxied, [expected, false, false]);
    }
    let zone = node.zone("bad.test").await;
    let answer = send(&node, &zone, form(&[("proxied", None, "maybe"), ("file", None, text)])).await;
    assert_eq!(answer.refused(), (400, 9003));
}

#[tokio::test]
async fn what_is_no_form_or_has_no_file_is_refused() {
    let node = node().await;
    let zone = node.zone("example.com").await;
    for body in [form(&[("proxied", None, "true")]), Body::from("--x"), Body::empty()] {
        assert_eq!(send(&node, &zone, body).await.refused(), (400, 9207));
    }
    let answer = node.post(&format!("{zone}/dns_records/import"), json!({"file": "www A 192.0.2.1"})).await;
    assert_eq!(answer.refused(), (400, 9207));
    assert!(answer.message().contains("multipart/form-data"), "{}", answer.message());
}

#[tokio::test]
async fn a_file_has_a_size_limit_of_its_own() {
    let node = Node::with(|options| options.limits.zone_file_octets_max = 100).await;
    let zone = node.zone("example.com").await;
    let line = "www A 192.0.2.1\n";
    let padded = |octets: usize| format!("{line};{}", "x".repeat(octets - line.len() - 1));
    let answer = import(&node, &zone, &padded(101)).await;
    assert_eq!(answer.refused(), (413, 9207));
    assert!(answer.message().contains("100 bytes"), "{}", answer.message());
    assert_eq!(counts(&import(&node, &zone, &padded(100)).await.result()), (1, 1));
    assert_eq!(waymark_api::ApiOptions::default().limits.zone_file_octets_max, 262_144, "as documented");
}

#[tokio::test]
async fn an_error_of_syntax_refuses_all_with_the_line() {
    let node = node().await;
    let zone = node.zone("example.com").await;
    for (text, part) in [
        ("www A 192.0.2.1\nbad A 192.0.2.300\n", "line 2"),
        ("www A 192.0.2.1\n\n$INCLUDE other\n", "$INCLUDE directive not allowed"),
        ("www A 192.0.2.1\nwww MX 10\n", "line 2"),
    ] {
        let answer = import(&node, &zone, text).await;
        assert_eq!(answer.status, 400, "{text}: {}", answer.json);
        let message = answer.message().to_lowercase();
        assert!(message.contains(&part.to_lowercase()), "{text}: {message}");
        assert_eq!(node.get(&format!("{zone}/dns_records")).await.result(), json!([]), "nothing of it is kept");
    }
}

#[tokio::test]
async fn lines_that_break_a_rule_are_left_out_and_told() {
    let node = node().await;
    let zone = node.zone("example.com").await;
    let text = "@ SOA ns.example.net. host.example.net. 1 2 3 4 5\n\
                www A 192.0.2.1\n\
                www CNAME other.example.net.\n\
                odd DNAME example.net.\n\
                low 5 A 192.0.2.2\n\
                www.other.test. A 192.0.2.1\n";
    let answer = import(&node, &zone, text).await;
    let messages = answer.json["messages"].as_array().unwrap().clone();
    assert_eq!(answer.json["success"], true);
    assert_eq!(counts(&answer.result()).0, 2);
    let told = |line: &str| {
        let found = messages.iter().find(|message| message["message"].as_str().unwrap().contains(line));
        found.unwrap_or_else(|| panic!("{line}: {messages:?}"))["code"].as_u64().unwrap()
    };
    assert_eq!(told("line 3: "), 81053, "the code of the rule");
    assert_eq!(told("line 4: "), 9207, "a type that the API does not write");
    assert_eq!(told("line 5: "), 9207, "adjusted");
    assert_eq!(told("line 6: "), 9000, "of another zone");
    let again = import(&node, &zone, text).await;
    assert_eq!(counts(&again.result()).0, 0, "what is there already stays");
}

#[tokio::test]
async fn an_export_is_a_zone_file_that_can_be_imported_again() {
    let node = node().await;
    let zone = node.zone("example.com").await;
    let text = "www 300 A 192.0.2.1 ; für alle cf_tags=x\n_dmarc TXT \"v=DMARC1; p=none\"\n";
    import(&node, &zone, text).await.result();
    let first = export(&node, &zone).await;
    assert!(first.contains("für alle"), "{first}");
    node.delete(&zone).await.result();
    let zone = node.zone("example.com").await;
    assert_eq!(counts(&import(&node, &zone, &first).await.result()).0, 2);
    assert_eq!(export(&node, &zone).await, first);
}

#[tokio::test]
async fn an_export_that_is_not_granted_is_an_envelope() {
    let node = node().await;
    let zone = node.zone("example.com").await;
    let path = format!("{zone}/dns_records/export");
    let other = node.other("other@example.net").await;
    assert_eq!(node.send_as(&other.token, "GET", &path, None).await.refused(), (404, 1001));
    let blind = node.token_with(&[Permission::ZoneRead]).await;
    assert_eq!(node.send_as(&blind.token, "GET", &path, None).await.refused(), (403, 10000));
    let reader = node.token_with(&[Permission::DnsRead]).await;
    let import = format!("{zone}/dns_records/import");
    let body = form(&[("file", None, "www A 192.0.2.1\n")]);
    assert_eq!(node.request(request(&reader.token, "POST", &import, body)).await.refused(), (403, 10000));
    assert_eq!(node.request(request(&reader.token, "GET", &path, Body::empty())).await.status, 200);
}

#[tokio::test]
async fn a_user_has_so_many_imports_in_a_minute_whatever_his_credentials() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let second = node.token_with(&[Permission::DnsEdit]).await.token;
    let path = format!("{zone}/dns_records/import");
    let body = || form(&[("file", None, "www A 192.0.2.1\n")]);
    for token in [&node.bootstrap.token, &second, &node.bootstrap.token] {
        assert_eq!(node.request(request(token, "POST", &path, body())).await.status, 200);
    }
    node.clock.advance_seconds(20);
    let answer = node.request(request(&second, "POST", &path, body())).await;
    assert_eq!(answer.refused(), (429, 971));
    let text = "More than 3 requests per 60 seconds reached. Please wait and consider throttling your request speed";
    assert_eq!((answer.message(), answer.header("retry-after")), (text, "40"));
    assert_eq!(node.get(&zone).await.status, 200, "other requests are not held back");
    node.clock.advance_seconds(40);
    assert_eq!(node.request(request(&second, "POST", &path, body())).await.status, 200);
}
