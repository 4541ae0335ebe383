//! The contract of the v4 API as data, and replies held against it. Only tests depend on this crate.
//!
//! ```text
//!  data/dns-api.json --Contract::endpoint--> Endpoint
//!  a request and its reply (Exchange) --Contract::judge--> Verdict: what does not match (Finding), what was seen
//!  data/errors.toml       every error code, with its statuses and texts
//!  data/differences.toml  where we differ on purpose, and why: such findings are not reported
//!  many verdicts (Observations) --Page--> docs/compat.md
//! ```
//!
//! Pure: text goes in, findings come out. Who sends requests is the affair of the tests (`crates/api/tests/contract`,
//! `tests/harness/http.rs`, and `tests/interop.rs` with what the program recorded).

mod codes;
mod differences;
mod endpoint;
mod format;
mod judge;
mod observations;
mod page;
mod schema;

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value};

pub use codes::{Code, Codes};
pub use differences::{Difference, Differences, Ignored, Never, Note};
pub use endpoint::{Endpoint, Envelope, Pagination};
pub use judge::{Exchange, Finding, Verdict};
pub use observations::{Effect, Observations};
pub use page::{Page, PageError};
pub use schema::{Field, Fields, Problem, Seen};

const API: &str = include_str!("../data/dns-api.json");
const ERRORS: &str = include_str!("../data/errors.toml");
const DIFFERENCES: &str = include_str!("../data/differences.toml");

/// The contract, and how we differ from it.
#[derive(Debug)]
pub struct Contract {
    base_path: String,
    envelope: Value,
    page_info: Value,
    endpoints: Vec<Endpoint>,
    schemas: Map<String, Value>,
    codes: Codes,
    differences: Differences,
}

/// Data of this crate that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// `dns-api.json`.
    #[error("dns-api.json: {0}")]
    Api(#[from] serde_json::Error),
    /// One of the tables.
    #[error("{file}: {why}")]
    Table {
        /// Which.
        file: &'static str,
        /// What is wrong.
        why: toml::de::Error,
    },
    /// A name in `differences.toml` that the contract does not have.
    #[error("differences.toml: {0}")]
    Unknown(String),
}

#[derive(Deserialize)]
struct Document {
    conventions: Conventions,
    endpoints: Vec<Endpoint>,
    schemas: Map<String, Value>,
}

#[derive(Deserialize)]
struct Conventions {
    base_path: String,
    envelope: Value,
    result_info_page: Value,
}

/// The contract of this copy, read once.
pub fn contract() -> Result<&'static Contract, &'static ContractError> {
    static CONTRACT: LazyLock<Result<Contract, ContractError>> = LazyLock::new(Contract::load);
    CONTRACT.as_ref()
}

/// What is wrong with a reply, a sentence each: what tests that send requests assert to be nothing.
pub fn mismatches(exchange: &Exchange<'_>) -> Vec<String> {
    match contract() {
        Ok(contract) => contract.judge(exchange).findings.iter().map(ToString::to_string).collect(),
        Err(why) => vec![why.to_string()],
    }
}

impl Contract {
    /// Reads the data of this crate.
    pub fn load() -> Result<Self, ContractError> {
        let document: Document = serde_json::from_str(API)?;
        let codes = toml::from_str(ERRORS).map_err(|why| ContractError::Table { file: "errors.toml", why })?;
        let differences: Differences =
            toml::from_str(DIFFERENCES).map_err(|why| ContractError::Table { file: "differences.toml", why })?;
        let mut endpoints = document.endpoints;
        for endpoint in &mut endpoints {
            endpoint.complete();
        }
        if let Some(unknown) =
            differences.endpoints().find(|name| *name != "*" && !endpoints.iter().any(|endpoint| endpoint.id == *name))
        {
            return Err(ContractError::Unknown(format!("there is no endpoint {unknown}")));
        }
        Ok(Self {
            base_path: document.conventions.base_path,
            envelope: document.conventions.envelope,
            page_info: document.conventions.result_info_page,
            endpoints,
            schemas: document.schemas,
            codes,
            differences,
        })
    }

    /// Every endpoint, in the order of the data: by group.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The endpoint with this id.
    pub fn endpoint(&self, id: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.id == id)
    }

    /// The endpoint that a request meets. `target` is the request's, with the base path and perhaps a query string.
    pub fn find(&self, method: &str, target: &str) -> Option<&Endpoint> {
        let path = target.split(['?', '#']).next()?.strip_prefix(&self.base_path)?;
        let path = path.strip_suffix('/').unwrap_or(path);
        let met = self.endpoints.iter().filter(|endpoint| endpoint.method == method);
        met.filter_map(|endpoint| Some((endpoint.meets(path)?, endpoint)))
            .max_by_key(|(words, _)| *words)
            .map(|(_, e)| e)
    }

    /// The innermost members that the body of a request can have, in each of its forms.
    pub fn members(&self, endpoint: &Endpoint) -> Vec<Field> {
        let mut members = Vec::new();
        if let Some(schema) = endpoint.request() {
            schema::Schemas(&self.schemas).leaves(schema, &Field::default(), &mut members);
        }
        members
    }

    /// The error codes.
    pub fn codes(&self) -> &Codes {
        &self.codes
    }

    /// How we differ.
    pub fn differences(&self) -> &Differences {
        &self.differences
    }
}

#[cfg(test)]
mod tests;
