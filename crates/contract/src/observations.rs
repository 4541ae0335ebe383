//! What a tour through the API has shown, endpoint by endpoint.

use std::collections::{BTreeMap, BTreeSet};

use crate::Contract;
use crate::judge::{Exchange, Finding};
use crate::schema::{Field, Fields};

/// What a parameter or a member of a request did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing changed with it.
    Ignored,
    /// The request was refused with it, and not without it.
    Refused,
    /// The reply was another one.
    Works,
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Observations {
    pub(crate) endpoints: BTreeMap<String, Observed>,
    /// Codes that came, with their statuses.
    pub(crate) codes: BTreeSet<(u32, u16)>,
    /// Codes that the API's source has.
    pub(crate) own_codes: BTreeSet<u32>,
    /// Entries of the list of differences that were needed.
    pub(crate) listed: BTreeSet<usize>,
}

/// What was seen of an endpoint that is there.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    pub(crate) successes: u64,
    pub(crate) fields: Fields,
    /// Entries of the list of differences that a member needed.
    pub(crate) listed: BTreeSet<(usize, Field)>,
    pub(crate) parameters: BTreeMap<String, Effect>,
    pub(crate) members: BTreeMap<Field, Effect>,
}

impl Observations {
    /// Judges a reply and remembers what it shows. Gives what does not match.
    pub fn reply(&mut self, contract: &Contract, exchange: &Exchange<'_>) -> Vec<Finding> {
        let verdict = contract.judge(exchange);
        self.codes.extend(verdict.codes);
        self.listed.extend(verdict.listed.iter().map(|(entry, _)| *entry));
        if let Some(endpoint) = contract.find(exchange.method, exchange.target)
            && (200..300).contains(&exchange.status)
        {
            let observed = self.endpoints.entry(endpoint.id.clone()).or_default();
            observed.successes += 1;
            observed.fields.merge(verdict.fields);
            observed.listed.extend(verdict.listed);
        }
        verdict.findings
    }

    /// An endpoint answers.
    pub fn implemented(&mut self, endpoint: &str) {
        self.endpoints.entry(endpoint.to_owned()).or_default();
    }

    /// What a query parameter did.
    pub fn parameter(&mut self, endpoint: &str, name: &str, effect: Effect) {
        let parameters = &mut self.endpoints.entry(endpoint.to_owned()).or_default().parameters;
        let known = parameters.entry(name.to_owned()).or_insert(effect);
        *known = effect.max(*known);
    }

    /// What a member of a request did, in a body of this form.
    pub fn member(&mut self, endpoint: &str, path: &str, form: &str, effect: Effect) {
        let members = &mut self.endpoints.entry(endpoint.to_owned()).or_default().members;
        let field = Field { path: path.to_owned(), form: form.to_owned() };
        let known = members.entry(field).or_insert(effect);
        *known = effect.max(*known);
    }

    /// Adds what was seen elsewhere.
    pub fn merge(&mut self, other: Self) {
        for (id, observed) in other.endpoints {
            let own = self.endpoints.entry(id).or_default();
            own.successes += observed.successes;
            own.fields.merge(observed.fields);
            own.listed.extend(observed.listed);
            own.parameters.extend(observed.parameters);
            own.members.extend(observed.members);
        }
        self.codes.extend(other.codes);
        self.own_codes.extend(other.own_codes);
        self.listed.extend(other.listed);
    }

    /// A code that the API's source has.
    pub fn own_code(&mut self, code: u32) {
        self.own_codes.insert(code);
    }
}
