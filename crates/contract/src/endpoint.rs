//! An endpoint as `dns-api.json` has it.

use serde::Deserialize;
use serde_json::{Map, Value};

/// An endpoint.
#[derive(Debug, PartialEq, Deserialize)]
pub struct Endpoint {
    /// Its name, like `zones.list`.
    pub id: String,
    /// What it belongs to, like `dns_records`.
    pub group: String,
    /// Upper case.
    pub method: String,
    /// Below the base path, with `{name}` for each variable segment.
    pub path: String,
    /// Its query parameters: name to schema.
    #[serde(default)]
    pub query: Map<String, Value>,
    request: Option<Request>,
    response: Response,
    #[serde(default)]
    success_status: Option<Vec<String>>,
    #[serde(skip)]
    statuses: Vec<u16>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Request {
    schema: Option<Value>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Response {
    envelope: Envelope,
    pagination: Option<Pagination>,
    content_type: Option<String>,
    result: Option<Value>,
    body: Option<Value>,
}

/// What is around a result (`conventions.envelope_kinds`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Envelope {
    /// The envelope, with one object.
    Single,
    /// The envelope, with an array.
    List,
    /// The schema describes the whole body.
    #[serde(rename = "self")]
    Own,
    /// No JSON.
    None,
    /// `data` and `errors`.
    Graphql,
}

/// How a list is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pagination {
    /// Numbered pages.
    Page,
    /// Not at all.
    Single,
    /// By a cursor.
    Cursor,
    /// By a cursor, in another form.
    CursorAfter,
}

impl Endpoint {
    /// What is around its result.
    pub fn envelope(&self) -> Envelope {
        self.response.envelope
    }

    /// How its list is cut.
    pub fn pagination(&self) -> Option<Pagination> {
        self.response.pagination
    }

    /// The schema of `result`, or of the whole body if it has no envelope.
    pub fn result(&self) -> Option<&Value> {
        self.response.result.as_ref().or(self.response.body.as_ref())
    }

    /// The schema of the request's body.
    pub fn request(&self) -> Option<&Value> {
        self.request.as_ref()?.schema.as_ref()
    }

    /// The statuses of a success.
    pub fn statuses(&self) -> &[u16] {
        &self.statuses
    }

    /// The content type of a success, without parameters.
    pub(crate) fn content_type(&self) -> &str {
        self.response.content_type.as_deref().unwrap_or("application/json")
    }

    /// Reads the statuses once.
    pub(crate) fn complete(&mut self) {
        let declared = self.success_status.iter().flatten().filter_map(|status| status.parse().ok());
        self.statuses = declared.collect();
        if self.statuses.is_empty() {
            self.statuses.push(200);
        }
    }

    /// How many segments of this path are the template's own words; none if the path is not of this form.
    pub(crate) fn meets(&self, path: &str) -> Option<usize> {
        let (mut template, mut given) = (self.path.split('/'), path.split('/'));
        let mut words = 0;
        loop {
            match (template.next(), given.next()) {
                (None, None) => return Some(words),
                (Some(variable), Some(segment)) if variable.starts_with('{') && !segment.is_empty() => {}
                (Some(word), Some(segment)) if word == segment => words += 1,
                _ => return None,
            }
        }
    }
}
