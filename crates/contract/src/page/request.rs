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
        let declared = self.contract.members(endpoint);
        let mut rows = Vec::new();
        for field in &declared {
            let effect = observed.members.get(field).copied();
            let state = self.state(endpoint, field, effect);
            rows.push(Row::new(field, state));
        }
        for (field, effect) in observed.members.iter().filter(|(field, _)| !declared.contains(field)) {
            match (effect, self.reason("note", endpoint, field)) {
                (Effect::Works, Some(how)) => {
                    rows.push(Row::new(field, State::Differs(format!("not declared: {how}"))))
                }
                _ => self.complaints.push(format!("{}: the contract has no member {field}", endpoint.id)),
            }
        }
        merged(rows)
    }

    fn state(&mut self, endpoint: &Endpoint, field: &Field, effect: Option<Effect>) -> State {
        match effect {
            Some(Effect::Works) => match self.reason("note", endpoint, field) {
                Some(how) => State::Differs(how.to_owned()),
                None => State::Works,
            },
            Some(Effect::Refused) => match self.reason("note", endpoint, field) {
                Some(how) => State::Differs(how.to_owned()),
                None => {
                    self.complaints.push(format!("{}: {field} is refused, and nobody says why", endpoint.id));
                    State::Works
                }
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
    pub(crate) fn is_composite(self, schema: &'s Value) -> bool {
        self.forms(schema).into_iter().any(|(_, form)| {
            let any = form.get("additionalProperties").is_some_and(Value::is_object);
            form.get("properties").is_some() || any || form.get("items").is_some_and(|items| self.is_composite(items))
        })
    }

    /// The innermost members that the schema declares.
    pub(crate) fn leaves(self, schema: &'s Value, at: &Field, out: &mut Vec<Field>) {
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
