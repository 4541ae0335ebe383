//! The page's rows about requests: query parameters, and the members of bodies.

use serde_json::Value;

use super::Writer;
use super::table::{Row, State, merged};
use crate::endpoint::Endpoint;
use crate::observations::{Effect, Observed};
use crate::schema::{Field, Schemas};

impl<'w> Writer<'w> {
    pub(super) fn query(&mut self, endpoint: &Endpoint, observed: &Observed) -> Vec<Row> {
        let undeclared = observed.parameters.keys().filter(|name| !endpoint.query.contains_key(*name));
        self.complaints.extend(undeclared.map(|name| format!("{}: the contract has no parameter {name}", endpoint.id)));
        let names = endpoint.query.keys().map(Field::new);
        let rows = names.map(|field| {
            let effect = observed.parameters.get(&field.path).copied();
            let state = self.state(endpoint, &field, effect);
            Row::new(&field, state)
        });
        rows.collect()
    }

    pub(super) fn request(&mut self, endpoint: &'w Endpoint, observed: &Observed) -> Vec<Row> {
        let mut declared = Vec::new();
        if let Some(schema) = endpoint.request() {
            Schemas(&self.contract.schemas).leaves(schema, &Field::default(), &mut declared);
        }
        let undeclared = observed.members.keys().filter(|field| !declared.contains(field));
        self.complaints.extend(undeclared.map(|field| format!("{}: the contract has no member {field}", endpoint.id)));
        let rows = declared.iter().map(|field| {
            let effect = observed.members.get(field).copied();
            let state = self.state(endpoint, field, effect);
            Row::new(field, state)
        });
        let rows = rows.collect();
        merged(rows)
    }

    fn state(&mut self, endpoint: &Endpoint, field: &Field, effect: Option<Effect>) -> State {
        match effect {
            Some(Effect::Works) => match self.reason("note", endpoint, field) {
                Some(how) => State::Differs(how.to_owned()),
                None => State::Works,
            },
            Some(Effect::Ignored) => match self.reason("ignored", endpoint, field) {
                Some(why) => State::Differs(format!("ignored: {why}")),
                None => {
                    self.complaints.push(format!("{}: {field} changes nothing, and nobody says why", endpoint.id));
                    State::Works
                }
            },
            None => {
                self.complaints.push(format!("{}: the tour does not try {field}", endpoint.id));
                State::Works
            }
        }
    }
}

impl<'s> Schemas<'s> {
    /// Whether a value of the schema has declared members, or items that have.
    pub(super) fn is_composite(self, schema: &'s Value) -> bool {
        self.forms(schema).into_iter().any(|(_, form)| {
            let any = form.get("additionalProperties").is_some_and(Value::is_object);
            form.get("properties").is_some() || any || form.get("items").is_some_and(|items| self.is_composite(items))
        })
    }

    /// The innermost members that the schema declares.
    fn leaves(self, schema: &'s Value, at: &Field, out: &mut Vec<Field>) {
        if !self.is_composite(schema) {
            return out.push(at.clone());
        }
        for (form, schema) in self.forms(schema) {
            let at = at.of_form(&form);
            for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                self.leaves(schema, &at.member(name), out);
            }
            if let Some(items) = schema.get("items") {
                self.leaves(items, &at.items(), out);
            }
        }
    }
}
