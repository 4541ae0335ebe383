use proptest::prelude::*;
use serde_json::json;

use super::*;

fn problems(schema: &Value, value: &Value) -> Vec<(String, Problem)> {
    let schemas = json!({"Name": {"type": "string", "maxLength": 3, "nullable": true}});
    let mut outcome = Outcome::default();
    Schemas(schemas.as_object().unwrap()).compare(schema, value, &Field::default(), &mut outcome);
    outcome.problems.into_iter().map(|(field, problem, _)| (field.path, problem)).collect()
}

#[test]
fn each_rule_finds_what_it_is_there_for() {
    let object = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    let list = json!({"type": "array", "items": {"type": "integer"}, "minItems": 1});
    let any = json!({"type": "object", "additionalProperties": {"type": "boolean"}});
    let table = [
        (json!({}), json!(null), None),
        (object.clone(), json!({"a": "x"}), None),
        (object.clone(), json!({}), Some(("a", Problem::Missing))),
        (object.clone(), json!({"a": null}), Some(("a", Problem::Null))),
        (object.clone(), json!({"a": 1}), Some(("a", Problem::Type))),
        (object, json!({"a": "x", "b": 1}), Some(("b", Problem::Unknown))),
        (list.clone(), json!([1, 2.0]), None),
        (list.clone(), json!([1, 2.5]), Some(("[]", Problem::Type))),
        (list, json!([]), Some(("", Problem::Range))),
        (any.clone(), json!({"x": true, "y": false}), None),
        (any, json!({"x": 1}), Some(("*", Problem::Type))),
        (json!({"type": "string", "enum": ["a"]}), json!("b"), Some(("", Problem::Value))),
        (json!({"type": "string", "format": "ipv4"}), json!("::1"), Some(("", Problem::Format))),
        (json!({"type": "number", "minimum": 1, "maximum": 2}), json!(3), Some(("", Problem::Range))),
        (json!({"type": ["string", "null"]}), json!(null), None),
        (json!({"type": "string", "nullable": true}), json!(null), None),
        (json!({"$ref": "#/schemas/Name"}), json!(null), None),
        (json!({"$ref": "#/schemas/Name"}), json!("long"), Some(("", Problem::Range))),
        (json!({"anyOf": [{"type": "number"}, {"type": "integer", "enum": [1]}]}), json!(1), None),
        (json!({"anyOf": [{"type": "number"}, {"type": "boolean"}]}), json!("x"), Some(("", Problem::Type))),
    ];
    for (schema, value, expected) in table {
        let expected: Vec<_> = expected.into_iter().map(|(path, problem)| (path.to_owned(), problem)).collect();
        assert_eq!(problems(&schema, &value), expected, "{schema} {value}");
    }
}

#[test]
fn a_form_is_chosen_by_its_name_and_what_was_seen_is_kept_by_form() {
    let form = |name: &str, member: &str| json!({"type": "object", "properties": {"type": {"type": "string", "enum": [name]}, member: {"type": "number"}}});
    let schema = json!({"anyOf": [form("A", "a"), form("B", "b")]});
    let schemas = Map::new();
    let mut outcome = Outcome::default();
    Schemas(&schemas).compare(&schema, &json!({"type": "B", "b": 1}), &Field::new("x"), &mut outcome);
    assert_eq!(outcome.problems, []);
    let of = |form: &str, path: &str| Field { path: path.to_owned(), form: form.to_owned() };
    assert_eq!(outcome.fields.seen(&of("B", "x.b")), Some(Seen::Value));
    assert_eq!(outcome.fields.seen(&of("A", "x.a")), None);
    assert_eq!(problems(&schema, &json!({"type": "B", "a": 1})), [("a".to_owned(), Problem::Unknown)]);
    assert_eq!(problems(&schema, &json!({"type": "C"})), [("type".to_owned(), Problem::Value)]);
}

#[test]
fn the_same_value_every_time_is_a_constant() {
    let mut fields = Fields::default();
    fields.saw(Field::new("a"), Seen::Value, Some(json!(false)));
    fields.saw(Field::new("a"), Seen::Value, Some(json!(false)));
    fields.saw(Field::new("b"), Seen::Value, Some(json!(1)));
    fields.saw(Field::new("b"), Seen::Null, Some(json!(null)));
    assert_eq!(fields.constant(&Field::new("a")), Some(&json!(false)));
    assert_eq!(fields.constant(&Field::new("b")), None);
}

/// A schema and a value that it allows.
fn pair() -> impl Strategy<Value = (Value, Value)> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(|value| (json!({"type": "boolean"}), json!(value))),
        (any::<u16>(), 0..9u16).prop_map(|(value, more)| (
            json!({"type": "integer", "maximum": value.saturating_add(more)}),
            json!(value)
        )),
        "[a-z]{0,5}".prop_map(|value| (json!({"type": "string", "maxLength": 5}), json!(value))),
        "[a-z]{1,5}".prop_map(|value| (json!({"type": "string", "enum": ["Q", value]}), json!(value))),
        Just((json!({"type": "number", "nullable": true}), json!(null))),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let members = proptest::collection::btree_map("[a-z]{1,4}", (inner.clone(), any::<bool>()), 0..4);
        prop_oneof![
            inner.clone().prop_map(|(schema, value)| (json!({"type": "array", "items": schema}), json!([value]))),
            // A form that does not fit beside one that does.
            inner.prop_map(|(schema, value)| (json!({"anyOf": [{"type": "string", "enum": ["Q"]}, schema]}), value)),
            members.prop_map(|members| {
                let required: Vec<&String> =
                    members.iter().filter(|(_, (_, required))| *required).map(|(name, _)| name).collect();
                let schemas: Map<_, _> =
                    members.iter().map(|(name, ((schema, _), _))| (name.clone(), schema.clone())).collect();
                let values: Map<_, _> =
                    members.iter().map(|(name, ((_, value), _))| (name.clone(), value.clone())).collect();
                (json!({"type": "object", "properties": schemas, "required": required}), Value::Object(values))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn a_value_of_a_schema_matches_it_and_one_with_more_or_less_does_not((schema, value) in pair()) {
        let wrapped = json!({"type": "object", "properties": {"v": schema}, "required": ["v"]});
        prop_assert_eq!(problems(&wrapped, &json!({"v": value})), vec![]);
        prop_assert_eq!(problems(&wrapped, &json!({})), vec![("v".to_owned(), Problem::Missing)]);
        let more = problems(&wrapped, &json!({"v": value, "w": 1}));
        prop_assert_eq!(more, vec![("w".to_owned(), Problem::Unknown)]);
        // Each alone is too simple for a list of one of them to be of its type.
        let nested = problems(&json!({"type": "boolean"}), &json!([value]));
        prop_assert_eq!(nested, vec![(String::new(), Problem::Type)]);
    }
}
