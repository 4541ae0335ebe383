//! A JSON value beside its schema: what does not match, and which members were there.
//!
//! The contract's schemas use a part of JSON Schema, with OpenAPI's `nullable`: `type`, `enum`, `anyOf`, `$ref`,
//! `properties`, `required`, `additionalProperties`, `items`, `format`, and the bounds of lengths and numbers. Other
//! keywords say nothing about a value that is judged here (`default`, `readOnly`, `note`), or occur in schemas of nothing
//! that is here yet (`pattern`). A member that an object's schema does not name is a problem: a reply should hold what was
//! declared.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde_json::{Map, Value};

use crate::format;

/// Where in a body a value is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field {
    /// Names of members with dots between them; `[]` stands for the items of an array, `*` for members of any name.
    pub path: String,
    /// Which of several forms the object around it has, like the type of a record; empty if there is one form.
    pub form: String,
}

/// What can be wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// A member that was not declared.
    Unknown,
    /// A member is not there.
    Missing,
    /// Null, where it may not be.
    Null,
    /// Another type of JSON value.
    Type,
    /// Not one of the values that were listed.
    Value,
    /// A string of another form.
    Format,
    /// Too long, too short, too large, too small.
    Range,
    /// The status is not one of a success.
    Status,
    /// Another content type.
    ContentType,
    /// The parts of the envelope do not fit each other.
    Envelope,
    /// An error code, or a text or status of it, that is not in the table.
    Code,
}

/// How much was seen of a member in replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// Null.
    Null,
    /// An array or an object with nothing in it.
    Empty,
    /// A value.
    Value,
}

/// The members that were there, with the values of those that have few of them.
#[derive(Clone, Debug, Default)]
pub struct Fields(pub(crate) BTreeMap<Field, (Seen, Option<Value>)>);

/// What a comparison came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) problems: Vec<(Field, Problem, String)>,
    pub(crate) fields: Fields,
}

/// The schemas that others refer to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schemas<'s>(pub(crate) &'s Map<String, Value>);

impl Field {
    /// A member of the top level.
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), form: String::new() }
    }

    pub(crate) fn member(&self, name: &str) -> Self {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Self { path, form: self.form.clone() }
    }

    pub(crate) fn items(&self) -> Self {
        Self { path: format!("{}[]", self.path), form: self.form.clone() }
    }

    pub(crate) fn of_form(&self, form: &str) -> Self {
        let form = if form.is_empty() { &self.form } else { form };
        Self { path: self.path.clone(), form: form.to_owned() }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.form.as_str() {
            "" => write!(out, "{}", self.path),
            form => write!(out, "{} ({form})", self.path),
        }
    }
}

impl Fields {
    /// Adds what was seen elsewhere.
    pub(crate) fn merge(&mut self, other: Self) {
        for (field, (seen, value)) in other.0 {
            self.saw(field, seen, value);
        }
    }

    /// How much was seen of a member.
    pub(crate) fn seen(&self, field: &Field) -> Option<Seen> {
        self.0.get(field).map(|(seen, _)| *seen)
    }

    /// The truth value or zero that a member had every time.
    pub(crate) fn constant(&self, field: &Field) -> Option<&Value> {
        let value = self.0.get(field).and_then(|(_, value)| value.as_ref());
        value.filter(|value| value.is_boolean() || value.as_f64() == Some(0.0))
    }

    fn saw(&mut self, field: Field, seen: Seen, value: Option<Value>) {
        match self.0.entry(field) {
            Entry::Vacant(place) => {
                place.insert((seen, value));
            }
            Entry::Occupied(mut place) => {
                let known = place.get_mut();
                if known.1 != value {
                    known.1 = None;
                }
                known.0 = known.0.max(seen);
            }
        }
    }
}

impl Outcome {
    fn problem(&mut self, at: &Field, problem: Problem, told: impl Into<String>) {
        self.problems.push((at.clone(), problem, told.into()));
    }
}

impl<'s> Schemas<'s> {
    /// Holds a value against a schema.
    pub(crate) fn compare(self, schema: &'s Value, value: &Value, at: &Field, out: &mut Outcome) {
        let (schema, nullable) = self.resolve(schema);
        let seen = match value {
            Value::Null => Seen::Null,
            Value::Array(items) if items.is_empty() => Seen::Empty,
            Value::Object(members) if members.is_empty() => Seen::Empty,
            _ => Seen::Value,
        };
        let simple = !value.is_array() && !value.is_object();
        out.fields.saw(at.clone(), seen, simple.then(|| value.clone()));
        if value.is_null() {
            if !nullable && !self.allows_null(schema) {
                out.problem(at, Problem::Null, "null");
            }
            return;
        }
        if let Some(forms) = schema.get("anyOf").and_then(Value::as_array) {
            return self.compare_forms(forms, value, at, out);
        }
        if !has_type(schema, value) {
            return out.problem(at, Problem::Type, format!("{value} is not of type {}", schema["type"]));
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array)
            && !values.contains(value)
        {
            out.problem(at, Problem::Value, format!("{value} is not one of {}", Value::Array(values.clone())));
        }
        match value {
            Value::String(text) => string(schema, text, at, out),
            Value::Number(number) => bounded(schema, ["minimum", "maximum"], number.as_f64(), value, at, out),
            Value::Array(items) => {
                bounded(schema, ["minItems", "maxItems"], Some(items.len() as f64), value, at, out);
                for item in items.iter().filter(|_| schema.get("items").is_some()) {
                    self.compare(&schema["items"], item, &at.items(), out);
                }
            }
            Value::Object(members) => self.compare_members(schema, members, at, out),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Every form that a value of the schema can have, with its name: the one value of the member that tells them
    /// apart, like `type`; empty if nothing does.
    pub(crate) fn forms(self, schema: &'s Value) -> Vec<(String, &'s Value)> {
        let (schema, _) = self.resolve(schema);
        match schema.get("anyOf").and_then(Value::as_array) {
            Some(forms) => forms.iter().map(|form| self.resolve(form).0).map(|form| (name(form), form)).collect(),
            None => vec![(String::new(), schema)],
        }
    }

    /// Follows references; also says whether null is allowed on the way.
    pub(crate) fn resolve(self, mut schema: &'s Value) -> (&'s Value, bool) {
        let mut nullable = false;
        loop {
            nullable |= schema.get("nullable").and_then(Value::as_bool).unwrap_or(false);
            nullable |=
                schema.get("type").and_then(Value::as_array).is_some_and(|types| types.contains(&"null".into()));
            nullable |= schema.get("type").is_some_and(|name| name == "null");
            let to = schema.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix("#/schemas/"));
            match to.and_then(|to| self.0.get(to)) {
                Some(next) => schema = next,
                None => return (schema, nullable),
            }
        }
    }

    fn allows_null(self, schema: &'s Value) -> bool {
        let (schema, nullable) = self.resolve(schema);
        let any = schema.as_object().is_some_and(Map::is_empty);
        let forms = schema.get("anyOf").and_then(Value::as_array);
        nullable || any || forms.into_iter().flatten().any(|form| self.allows_null(form))
    }

    /// The form that fits best. Forms that name themselves are chosen by their name alone.
    fn compare_forms(self, forms: &'s [Value], value: &Value, at: &Field, out: &mut Outcome) {
        let forms: Vec<&Value> = forms.iter().map(|form| self.resolve(form).0).collect();
        let possible: Vec<&Value> = forms.iter().copied().filter(|form| may_be(form, value)).collect();
        let candidates = if possible.is_empty() { &forms } else { &possible };
        let best = candidates.iter().map(|form| {
            let mut outcome = Outcome::default();
            self.compare(form, value, &at.of_form(&name(form)), &mut outcome);
            outcome
        });
        let Some(best) = best.min_by_key(|outcome| outcome.problems.len()) else { return };
        out.problems.extend(best.problems);
        out.fields.merge(best.fields);
    }

    fn compare_members(self, schema: &'s Value, members: &Map<String, Value>, at: &Field, out: &mut Outcome) {
        let declared = schema.get("properties").and_then(Value::as_object);
        for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(name) {
                out.problem(&at.member(name), Problem::Missing, "missing");
            }
        }
        for (name, value) in members {
            match (declared.and_then(|declared| declared.get(name)), schema.get("additionalProperties")) {
                (Some(schema), _) => self.compare(schema, value, &at.member(name), out),
                (None, Some(any @ Value::Object(_))) => self.compare(any, value, &at.member("*"), out),
                (None, Some(Value::Bool(true))) => {}
                (None, _) if declared.is_none() => {}
                (None, _) => out.problem(&at.member(name), Problem::Unknown, format!("{value}, not declared")),
            }
        }
    }
}

fn has_type(schema: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => true,
    };
    match schema.get("type") {
        Some(Value::String(name)) => is(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(is),
        _ => true,
    }
}

fn string(schema: &Value, text: &str, at: &Field, out: &mut Outcome) {
    let length = text.chars().count() as f64;
    bounded(schema, ["minLength", "maxLength"], Some(length), &Value::from(text), at, out);
    if let Some(format) = schema.get("format").and_then(Value::as_str)
        && !format::is(format, text)
    {
        out.problem(at, Problem::Format, format!("{text:?} is no {format}"));
    }
}

fn bounded(schema: &Value, bounds: [&str; 2], number: Option<f64>, value: &Value, at: &Field, out: &mut Outcome) {
    let [minimum, maximum] = bounds.map(|bound| schema.get(bound).and_then(Value::as_f64));
    let Some(number) = number else { return };
    if minimum.is_some_and(|minimum| number < minimum) || maximum.is_some_and(|maximum| number > maximum) {
        let told = bounds.map(|bound| format!("{bound} {}", schema.get(bound).unwrap_or(&Value::Null))).join(", ");
        out.problem(at, Problem::Range, format!("{value} is not within {told}"));
    }
}

/// The members of an object's schema that can have one value only.
fn fixed(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let members = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    members.filter_map(|(name, schema)| match schema.get("enum").and_then(Value::as_array).map(Vec::as_slice) {
        Some([only]) => Some((name, only)),
        _ => None,
    })
}

fn name(schema: &Value) -> String {
    let of = |wanted: &str| fixed(schema).find(|(name, _)| *name == wanted).and_then(|(_, value)| value.as_str());
    of("type").or_else(|| of("id")).unwrap_or_default().to_owned()
}

fn may_be(schema: &Value, value: &Value) -> bool {
    has_type(schema, value) && fixed(schema).all(|(name, only)| value.get(name).is_none_or(|value| value == only))
}

#[cfg(test)]
mod tests;
