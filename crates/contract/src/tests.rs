//! The copy of the contract, and whole replies held against it.

use serde_json::json;

use super::*;

fn findings(method: &str, path: &str, status: u16, body: &Value) -> Vec<(String, Problem)> {
    let body = body.to_string();
    let target = format!("/client/v4{path}");
    let exchange = Exchange { method, target: &target, status, content_type: JSON, body: body.as_bytes() };
    let verdict = contract().unwrap().judge(&exchange);
    verdict.findings.into_iter().map(|finding| (finding.field.path, finding.problem)).collect()
}

const JSON: Option<&str> = Some("application/json; charset=UTF-8");
const ID: &str = "0123456789abcdef0123456789abcdef";

fn good(result: Value) -> Value {
    json!({"success": true, "errors": [], "messages": [], "result": result})
}

fn bad(code: u32, message: &str) -> Value {
    json!({"success": false, "errors": [{"code": code, "message": message}], "messages": [], "result": null})
}

#[test]
fn the_whole_contract_is_here() {
    let contract = contract().unwrap();
    assert_eq!(contract.endpoints().len(), 203);
    assert!(contract.codes().rows().len() > 60);
    let schemas = schema::Schemas(&contract.schemas);
    for endpoint in contract.endpoints() {
        let schema = endpoint.result().into_iter().chain(endpoint.request());
        for schema in schema {
            assert!(schemas.resolve(schema).0.get("$ref").is_none(), "{}: {schema} leads nowhere", endpoint.id);
        }
    }
}

#[test]
fn an_endpoint_is_found_by_its_method_and_path_and_words_count_more_than_variables() {
    let id = |method: &str, path: &str| {
        contract().unwrap().find(method, &format!("/client/v4{path}")).map(|endpoint| endpoint.id.as_str())
    };
    assert_eq!(id("GET", "/zones?name=x"), Some("zones.list"));
    assert_eq!(id("GET", "/zones/"), Some("zones.list"));
    assert_eq!(id("GET", &format!("/zones/{ID}")), Some("zones.get"));
    assert_eq!(id("GET", "/user/tokens/verify"), Some("user.tokens.verify"));
    assert_eq!(id("GET", &format!("/zones/{ID}/dns_records/export")), Some("dns.records.export"));
    assert_eq!(id("POST", "/zones/x/y/z"), None);
    assert_eq!(contract().unwrap().find("GET", "/zones"), None, "below the base path only");
}

#[test]
fn a_good_reply_is_held_against_its_schema() {
    let path = format!("/zones/{ID}");
    assert_eq!(findings("DELETE", &path, 200, &good(json!({"id": ID}))), []);
    assert_eq!(findings("DELETE", &path, 200, &good(json!({}))), [("result.id".to_owned(), Problem::Missing)]);
    let more = good(json!({"id": ID, "name": "x"}));
    assert_eq!(findings("DELETE", &path, 200, &more), [("result.name".to_owned(), Problem::Unknown)]);
    let status = [(String::new(), Problem::Status)];
    assert_eq!(findings("DELETE", &path, 204, &good(json!({"id": ID}))), status);
    assert!(findings("GET", "/nothing", 200, &good(json!({}))).starts_with(&status));
}

#[test]
fn a_list_says_which_page_it_is() {
    let list = |info: Value| {
        let mut body = good(json!([]));
        body["result_info"] = info;
        findings("GET", "/accounts", 200, &body)
    };
    let info = json!({"page": 1, "per_page": 20, "count": 0, "total_count": 0, "total_pages": 0});
    assert_eq!(list(info.clone()), []);
    assert_eq!(findings("GET", "/accounts", 200, &good(json!([]))), [("result_info".to_owned(), Problem::Missing)]);
    for (name, value) in [("count", 1), ("total_count", 21), ("total_pages", 1)] {
        let mut wrong = info.clone();
        wrong[name] = json!(value);
        assert_eq!(list(wrong), [("result_info".to_owned(), Problem::Envelope)], "{name}");
    }
    let mut without = info;
    without.as_object_mut().unwrap().remove("page");
    assert_eq!(list(without), [("result_info.page".to_owned(), Problem::Missing)]);
}

#[test]
fn a_failure_has_a_code_of_the_table() {
    let path = format!("/zones/{ID}");
    let failed = |status, body: Value| findings("GET", &path, status, &body);
    assert_eq!(failed(404, bad(1001, "Invalid zone identifier")), []);
    let code = [("errors".to_owned(), Problem::Code)];
    assert_eq!(failed(404, bad(1234, "Invalid zone identifier")), code, "unknown");
    assert_eq!(failed(400, bad(1001, "Invalid zone identifier")), code, "another status");
    assert_eq!(failed(404, bad(1001, "No such zone")), code, "another text");
    let mut chained = bad(6003, "Invalid request headers");
    chained["errors"][0]["error_chain"] = json!([{"code": 6111, "message": "Invalid format for Authorization header"}]);
    assert_eq!(failed(400, chained.clone()), []);
    chained["errors"][0]["error_chain"][0]["code"] = json!(6112);
    assert_eq!(failed(400, chained), code);
    let mut with_result = bad(1001, "Invalid zone identifier");
    with_result["result"] = json!({});
    assert_eq!(failed(404, with_result), [(String::new(), Problem::Envelope)]);
}

#[test]
fn other_bodies_and_content_types_are_noticed_and_other_pages_are_not_judged() {
    let judge = |target, content_type, body: &[u8]| {
        let exchange = Exchange { method: "GET", target, status: 200, content_type, body };
        let findings = contract().unwrap().judge(&exchange).findings;
        findings.into_iter().map(|finding| finding.problem).collect::<Vec<_>>()
    };
    assert_eq!(judge("/client/v4/user", JSON, b"here"), [Problem::Type]);
    let user = good(json!({"id": ID, "email": "admin@example.net"})).to_string();
    assert_eq!(judge("/client/v4/user", JSON, user.as_bytes()), []);
    assert_eq!(judge("/client/v4/user", Some("text/html"), user.as_bytes()), [Problem::ContentType]);
    let export = format!("/client/v4/zones/{ID}/dns_records/export");
    assert_eq!(judge(&export, Some("text/plain; charset=utf-8"), b"@ IN SOA"), []);
    assert_eq!(judge("/metrics", Some("text/plain"), b"up 1"), []);
    assert_eq!(judge("/client/v4", None, b""), [], "refused by the HTTP library");
}

#[test]
fn a_listed_difference_is_none() {
    let body = json!({"id": ID, "status": "active"});
    let mut verified = good(body);
    verified["messages"] = json!([{"code": 10000, "message": "This API Token is valid and active", "type": null}]);
    assert_eq!(findings("GET", "/user/tokens/verify", 200, &verified), []);
    verified["messages"][0]["kind"] = json!(1);
    let found = findings("GET", "/user/tokens/verify", 200, &verified);
    assert_eq!(found, [("messages[].kind".to_owned(), Problem::Unknown)]);
}
