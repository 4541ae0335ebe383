//! One reply held against the contract: its endpoint's schema, the envelope, and the table of error codes.

use std::fmt;

use serde_json::Value;

use crate::Contract;
use crate::endpoint::{Endpoint, Envelope, Pagination};
use crate::schema::{Field, Fields, Outcome, Problem, Schemas};

/// A request and its reply.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'x> {
    /// The method, upper case.
    pub method: &'x str,
    /// The request's target, with the base path and perhaps a query string.
    pub target: &'x str,
    /// The status.
    pub status: u16,
    /// The reply's content type.
    pub content_type: Option<&'x str>,
    /// The reply's body.
    pub body: &'x [u8],
}

/// Something in a reply that does not match.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The endpoint, or method and target if there is none.
    pub endpoint: String,
    /// Where.
    pub field: Field,
    /// What.
    pub problem: Problem,
    /// What there was, and what should have been.
    pub told: String,
}

/// What one reply showed.
#[derive(Debug, Default)]
pub struct Verdict {
    /// What does not match, without what `differences.toml` lists.
    pub findings: Vec<Finding>,
    /// The members that were there.
    pub fields: Fields,
    /// The codes of its errors, with their statuses.
    pub codes: Vec<(u32, u16)>,
    /// Which entries of `differences.toml` it needed, for which members.
    pub listed: Vec<(usize, Field)>,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}: {:?}: {}", self.endpoint, self.field, self.problem, self.told)
    }
}

impl Contract {
    /// Judges a reply. What is outside of the API, like `/metrics`, is not judged; nor is what the HTTP library refuses
    /// itself, which has no content type.
    pub fn judge(&self, exchange: &Exchange<'_>) -> Verdict {
        let bare = exchange.content_type.is_none() && exchange.body.is_empty();
        let ours = exchange.target.strip_prefix(self.base_path.as_str());
        if bare
            || exchange.method == "HEAD"
            || !ours.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        {
            return Verdict::default();
        }
        let endpoint = self.find(exchange.method, exchange.target);
        let mut outcome = Outcome::default();
        let codes = self.compare(exchange, endpoint, &mut outcome);
        let name = endpoint.map_or_else(|| format!("{} {}", exchange.method, exchange.target), |e| e.id.clone());
        let mut verdict = Verdict { fields: outcome.fields, codes, ..Verdict::default() };
        for (field, problem, told) in outcome.problems {
            match self.differences.reply(&name, &field, problem) {
                Some(entry) => verdict.listed.push((entry, field)),
                None => verdict.findings.push(Finding { endpoint: name.clone(), field, problem, told }),
            }
        }
        verdict
    }

    fn compare(&self, exchange: &Exchange<'_>, endpoint: Option<&Endpoint>, out: &mut Outcome) -> Vec<(u32, u16)> {
        let success = (200..300).contains(&exchange.status);
        let plain = |kind: &str| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let kind = exchange.content_type.map(plain).unwrap_or_default();
        let expected = endpoint.filter(|_| success).map_or("application/json", Endpoint::content_type);
        if kind != expected {
            out.problems.push((Field::default(), Problem::ContentType, format!("{kind:?} instead of {expected}")));
        }
        match endpoint {
            None if success => out.problems.push((Field::default(), Problem::Status, "not an endpoint".to_owned())),
            Some(endpoint) if success && !endpoint.statuses().contains(&exchange.status) => {
                let told = format!("{} is not one of {:?}", exchange.status, endpoint.statuses());
                out.problems.push((Field::default(), Problem::Status, told));
            }
            _ => {}
        }
        if success && endpoint.is_some_and(|endpoint| endpoint.envelope() == Envelope::None) {
            return Vec::new();
        }
        let Ok(body) = serde_json::from_slice::<Value>(exchange.body) else {
            out.problems.push((Field::default(), Problem::Type, "the body is no JSON".to_owned()));
            return Vec::new();
        };
        let schemas = Schemas(&self.schemas);
        match endpoint.filter(|_| success) {
            Some(endpoint) if matches!(endpoint.envelope(), Envelope::Own | Envelope::Graphql) => {
                if let Some(schema) = endpoint.result() {
                    schemas.compare(schema, &body, &Field::default(), out);
                }
            }
            endpoint => {
                schemas.compare(&self.envelope, &body, &Field::default(), out);
                match endpoint {
                    Some(endpoint) => self.compare_result(endpoint, &body, out),
                    None => return self.compare_errors(exchange.status, &body, out),
                }
            }
        }
        Vec::new()
    }

    fn compare_result(&self, endpoint: &Endpoint, body: &Value, out: &mut Outcome) {
        let schemas = Schemas(&self.schemas);
        let envelope = |told: &str| (Field::default(), Problem::Envelope, told.to_owned());
        if body["success"] != true || body["errors"].as_array().is_some_and(|errors| !errors.is_empty()) {
            out.problems.push(envelope("a success must say so, and have no errors"));
        }
        if let Some(schema) = endpoint.result() {
            schemas.compare(schema, &body["result"], &Field::new("result"), out);
        }
        let info = Field::new("result_info");
        match (endpoint.pagination(), body.get("result_info")) {
            (Some(Pagination::Page), Some(given)) => {
                schemas.compare(&self.page_info, given, &info, out);
                let number = |name: &str| given[name].as_u64().unwrap_or_default();
                let count = body["result"].as_array().map_or(0, Vec::len) as u64;
                let pages = number("total_count").div_ceil(number("per_page").max(1));
                let told = format!("{given} beside {count} items");
                if number("count") != count || count > number("per_page") || number("total_pages") != pages {
                    out.problems.push((info, Problem::Envelope, told));
                }
            }
            (Some(Pagination::Page), None) => {
                out.problems.push((info, Problem::Missing, "missing".to_owned()));
            }
            // A cursor's form is not looked at: no endpoint that is here has one.
            _ => {}
        }
    }

    fn compare_errors(&self, status: u16, body: &Value, out: &mut Outcome) -> Vec<(u32, u16)> {
        let errors = body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        if body["success"] != false || errors.is_empty() || body.get("result").is_none_or(|result| !result.is_null()) {
            let told = "a failure must say so, have an error, and the result null".to_owned();
            out.problems.push((Field::default(), Problem::Envelope, told));
        }
        let mut codes = Vec::new();
        for (index, error) in errors.iter().enumerate() {
            let chain = error["error_chain"].as_array().map(Vec::as_slice).unwrap_or_default();
            let all = std::iter::once((error, (index == 0).then_some(status)));
            for (error, status_of) in all.chain(chain.iter().map(|link| (link, None))) {
                let (code, text) = (error["code"].as_u64().unwrap_or(u64::MAX), error["message"].as_str());
                if let Some(told) = self.codes.mistake(code, status_of, text.unwrap_or_default()) {
                    out.problems.push((Field::new("errors"), Problem::Code, told));
                }
                codes.extend(u32::try_from(code).map(|code| (code, status)));
            }
        }
        codes
    }
}
