//! Requests with and without a thing: if the reply is another one, the thing works.

use serde_json::{Value, json};
use waymark_contract::Effect;

use crate::harness::{Answer, Node};

/// A row about a query parameter: its name and value, what else is asked with it, and the names that come then.
pub(super) type Parameter<'p> = (&'p str, &'p str, &'p [&'p str]);

/// Asks a list with and without each parameter. `path` is the list's; names are told apart by the member `by`.
pub(super) async fn parameters(node: &Node, endpoint: &str, path: &str, by: &str, rows: &[Parameter<'_>]) {
    for (pair, others, expected) in rows {
        let without = node.get(&format!("{path}?{others}")).await;
        let with = node.get(&format!("{path}?{others}&{pair}")).await;
        assert_eq!(names(&with, by), *expected, "{path}?{others}&{pair}");
        let parameter = pair.split('=').next().unwrap();
        node.seen.lock().unwrap().parameter(endpoint, parameter, effect(&outcome(&with), &outcome(&without)));
    }
}

/// Asks something else with and without each parameter.
pub(super) async fn flags(node: &Node, endpoint: &str, path: &str, pairs: &[&str]) {
    let without = outcome(&node.get(path).await);
    for pair in pairs {
        let with = outcome(&node.get(&format!("{path}?{pair}")).await);
        node.seen.lock().unwrap().parameter(endpoint, pair.split('=').next().unwrap(), effect(&with, &without));
    }
}

pub(super) fn effect(with: &Value, without: &Value) -> Effect {
    // An outcome begins with the status, also where more was put beside it.
    let refused = |outcome: &Value| outcome[0].as_u64().or_else(|| outcome[0][0].as_u64()) != Some(200);
    match (with == without, refused(with) && !refused(without)) {
        (true, _) => Effect::Ignored,
        (_, true) => Effect::Refused,
        _ => Effect::Works,
    }
}

/// What a reply says, without what is different every time: the object's id, and times.
pub(super) fn outcome(answer: &Answer) -> Value {
    let mut result = answer.json["result"].clone();
    if let Some(members) = result.as_object_mut() {
        members.retain(|name, _| name != "id" && !name.ends_with("_on"));
    }
    let codes: Vec<&Value> = answer.json["errors"].as_array().unwrap().iter().map(|error| &error["code"]).collect();
    json!([answer.status, codes, result, answer.json["result_info"]])
}

/// A body without the member at this path, which has dots between the names.
pub(super) fn without(body: &Value, path: &str) -> Value {
    let mut body = body.clone();
    let (parent, name) = parent(&mut body, path);
    parent.as_object_mut().unwrap().remove(name);
    body
}

/// A body with this member.
pub(super) fn with(body: &Value, path: &str, value: Value) -> Value {
    let mut body = body.clone();
    let (parent, name) = parent(&mut body, path);
    parent[name] = value;
    body
}

/// The object that a path's last name is in; made if it is not there.
fn parent<'b, 'p>(body: &'b mut Value, path: &'p str) -> (&'b mut Value, &'p str) {
    let (parents, name) = path.rsplit_once('.').map_or(("", path), |(parents, name)| (parents, name));
    let parent = parents.split('.').filter(|name| !name.is_empty()).fold(body, |parent, name| {
        if !parent[name].is_object() {
            parent[name] = json!({});
        }
        &mut parent[name]
    });
    (parent, name)
}

fn names(answer: &Answer, by: &str) -> Vec<String> {
    let items = answer.json["result"].as_array().unwrap_or_else(|| panic!("no list: {}", answer.json));
    items.iter().map(|item| item[by].as_str().unwrap().to_owned()).collect()
}
