//! Bodies of record writes, member by member.
//!
//! Only types are judged here, because their failures have codes of their own; whether a value is allowed is control's
//! to say. A member that is null counts as absent, but for `comment` and `tags`, which null takes away. Whatever is
//! unknown is ignored.

use serde_json::{Map, Value};
use waymark_control::{Invalid, NewRecord, RecordEdit, Refusal};

use crate::body::{member_object, member_text};
use crate::errors::Failure;

type Members = Map<String, Value>;

/// The settings a record can have (`dns-api.json`, dns.cname_record.Settings and its like).
const SETTINGS: [&str; 3] = ["flatten_cname", "ipv4_only", "ipv6_only"];

/// The body of POST and PUT.
pub(super) fn new_record(members: &Members) -> Result<NewRecord, Failure> {
    Ok(NewRecord {
        record_type: member_text(members, "type")?
            .ok_or(Failure::Member { name: "type", needed: "the type of a DNS record" })?,
        name: member_text(members, "name")?.ok_or_else(name_missing)?,
        content: member_text(members, "content")?.unwrap_or_default(),
        data: member_object(members, "data")?.cloned(),
        priority: priority(members)?,
        ttl: ttl(members)?,
        proxied: proxied(members)?,
        comment: comment(members)?.flatten(),
        tags: tags(members)?.unwrap_or_default(),
        settings: settings(members)?.unwrap_or_default(),
    })
}

/// The body of PATCH.
pub(super) fn record_edit(members: &Members) -> Result<RecordEdit, Failure> {
    Ok(RecordEdit {
        record_type: member_text(members, "type")?,
        name: member_text(members, "name")?,
        content: member_text(members, "content")?,
        data: member_object(members, "data")?.cloned(),
        priority: priority(members)?,
        ttl: ttl(members)?,
        proxied: proxied(members)?,
        comment: comment(members)?,
        tags: tags(members)?,
        settings: settings(members)?,
    })
}

fn name_missing() -> Failure {
    Refusal::from(Invalid::RecordName { name: String::new(), why: "it is missing".to_owned() }).into()
}

/// A whole number of JSON; `300.0` is one. A string is none, for a TTL.
fn ttl(members: &Members) -> Result<Option<u32>, Failure> {
    let Some(value) = present(members, "ttl") else { return Ok(None) };
    whole(value).and_then(|number| u32::try_from(number).ok()).map(Some).ok_or(Failure::Ttl)
}

/// A number, or a string that holds one, as lexicon sends it.
fn priority(members: &Members) -> Result<Option<u16>, Failure> {
    let number = match present(members, "priority") {
        None => return Ok(None),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(value) => whole(value),
    };
    number.and_then(|number| u16::try_from(number).ok()).map(Some).ok_or(Failure::Priority)
}

fn proxied(members: &Members) -> Result<Option<bool>, Failure> {
    match present(members, "proxied") {
        None => Ok(None),
        Some(Value::Bool(proxied)) => Ok(Some(*proxied)),
        Some(_) => Err(Failure::Proxied),
    }
}

/// `Some(None)` takes the comment away.
fn comment(members: &Members) -> Result<Option<Option<String>>, Failure> {
    match members.get("comment") {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(None)),
        Some(Value::String(text)) => Ok(Some(Some(text.clone()).filter(|text| !text.is_empty()))),
        Some(_) => Err(Failure::Member { name: "comment", needed: "a string" }),
    }
}

fn tags(members: &Members) -> Result<Option<Vec<String>>, Failure> {
    const NEEDED: Failure = Failure::Member { name: "tags", needed: "an array of strings" };
    match members.get("tags") {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(Vec::new())),
        Some(Value::Array(tags)) => {
            tags.iter().map(|tag| tag.as_str().map(str::to_owned)).collect::<Option<_>>().map(Some).ok_or(NEEDED)
        }
        Some(_) => Err(NEEDED),
    }
}

fn settings(members: &Members) -> Result<Option<Members>, Failure> {
    let Some(given) = member_object(members, "settings")? else { return Ok(None) };
    let mut settings = Members::new();
    for name in SETTINGS {
        match given.get(name) {
            None | Some(Value::Null) => {}
            Some(value @ Value::Bool(_)) => {
                settings.insert(name.to_owned(), value.clone());
            }
            Some(_) => return Err(Failure::Member { name: "settings", needed: "an object of truth values" }),
        }
    }
    Ok(Some(settings))
}

fn present<'m>(members: &'m Members, name: &str) -> Option<&'m Value> {
    members.get(name).filter(|value| !value.is_null())
}

fn whole(value: &Value) -> Option<u64> {
    let exact =
        |number: f64| (number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number)).then_some(number);
    value.as_u64().or_else(|| value.as_f64().and_then(exact).map(|number| number as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn members(value: Value) -> Members {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn numbers_in_their_spellings() {
        let table = [
            (json!({"ttl": 300}), Ok(Some(300))),
            (json!({"ttl": 300.0}), Ok(Some(300))),
            (json!({"ttl": 0}), Ok(Some(0))),
            (json!({"ttl": null}), Ok(None)),
            (json!({}), Ok(None)),
            (json!({"ttl": "300"}), Err(Failure::Ttl)),
            (json!({"ttl": 300.5}), Err(Failure::Ttl)),
            (json!({"ttl": -1}), Err(Failure::Ttl)),
            (json!({"ttl": 4_294_967_296u64}), Err(Failure::Ttl)),
            (json!({"ttl": true}), Err(Failure::Ttl)),
        ];
        for (body, expected) in table {
            assert_eq!(ttl(&members(body.clone())), expected, "{body}");
        }
        let table = [
            (json!({"priority": 10}), Ok(Some(10))),
            (json!({"priority": "10"}), Ok(Some(10))),
            (json!({"priority": 0}), Ok(Some(0))),
            (json!({"priority": null}), Ok(None)),
            (json!({"priority": 65536}), Err(Failure::Priority)),
            (json!({"priority": "ten"}), Err(Failure::Priority)),
            (json!({"priority": [10]}), Err(Failure::Priority)),
        ];
        for (body, expected) in table {
            assert_eq!(priority(&members(body.clone())), expected, "{body}");
        }
    }

    #[test]
    fn absent_and_null_differ_for_comment_and_tags_alone() {
        let edit = record_edit(&members(json!({}))).unwrap();
        assert_eq!(edit, RecordEdit::default());
        let nulls = json!({"name": null, "type": null, "content": null, "ttl": null, "proxied": null, "priority": null,
            "comment": null, "tags": null, "settings": null, "data": null});
        let edit = record_edit(&members(nulls)).unwrap();
        assert_eq!(edit, RecordEdit { comment: Some(None), tags: Some(Vec::new()), ..RecordEdit::default() });
    }

    #[test]
    fn what_is_unknown_is_ignored_and_what_is_known_must_have_its_type() {
        let body = json!({"type": "A", "name": "www", "content": "192.0.2.1", "id": 7, "zone_name": {}, "x": 1,
            "settings": {"ipv4_only": true, "flatten_cname": null, "other": []}, "comment": ""});
        let new = new_record(&members(body)).unwrap();
        assert_eq!(Value::Object(new.settings), json!({"ipv4_only": true}));
        assert_eq!((new.comment, new.ttl), (None, None));
        for (member, value) in [
            ("type", json!(1)),
            ("content", json!(1)),
            ("tags", json!("a:b")),
            ("tags", json!([1])),
            ("comment", json!(1)),
            ("settings", json!([])),
            ("data", json!([])),
            ("data", json!("1 2 3")),
            ("settings", json!({"ipv6_only": "yes"})),
        ] {
            let mut body = members(json!({"type": "A", "name": "www", "content": "192.0.2.1"}));
            body.insert(member.to_owned(), value);
            let failure = new_record(&body).err();
            assert!(matches!(failure, Some(Failure::Member { name, .. }) if name == member), "{member}: {failure:?}");
        }
    }
}
