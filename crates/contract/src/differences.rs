//! Where we differ from the contract on purpose (`data/differences.toml`).

use serde::Deserialize;

use crate::schema::{Field, Problem};

/// The list, in its four parts.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Differences {
    /// Replies that do not match.
    #[serde(default)]
    pub reply: Vec<Difference>,
    /// Declared members that no reply has, or that are always null or empty.
    #[serde(default)]
    pub never: Vec<Never>,
    /// Parameters and members of requests without an effect.
    #[serde(default)]
    pub ignored: Vec<Ignored>,
    /// Parameters and members of requests that do something, but not all, or not the same.
    #[serde(default)]
    pub note: Vec<Note>,
}

/// A reply that does not match.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The endpoints; `*` for all.
    pub endpoints: Vec<String>,
    /// The member. `result` stands for the result and for each item of a list.
    pub field: String,
    /// What does not match.
    pub what: Problem,
    /// Why that is right.
    pub why: String,
}

/// Declared members that no reply has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Never {
    /// The endpoints; `*` for all.
    pub endpoints: Vec<String>,
    /// The members, as in [`Difference::field`].
    pub fields: Vec<String>,
    /// The forms it is about, like record types; empty for all.
    #[serde(default)]
    pub forms: Vec<String>,
    /// Why.
    pub why: String,
}

/// Parameters and members of requests without an effect.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ignored {
    /// The endpoints; `*` for all.
    pub endpoints: Vec<String>,
    /// Names of parameters, or of members.
    pub fields: Vec<String>,
    /// The forms it is about, like record types; empty for all.
    #[serde(default)]
    pub forms: Vec<String>,
    /// Why.
    pub why: String,
}

/// A parameter or member of a request that does not do all that was declared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// The endpoints; `*` for all.
    pub endpoints: Vec<String>,
    /// Names of parameters, or of members.
    pub fields: Vec<String>,
    /// The forms it is about, like record types; empty for all.
    #[serde(default)]
    pub forms: Vec<String>,
    /// How it differs.
    pub how: String,
}

impl Differences {
    /// Every endpoint that is named.
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = &str> {
        let reply = self.reply.iter().flat_map(|entry| &entry.endpoints);
        let never = self.never.iter().flat_map(|entry| &entry.endpoints);
        let ignored = self.ignored.iter().flat_map(|entry| &entry.endpoints);
        let note = self.note.iter().flat_map(|entry| &entry.endpoints);
        reply.chain(never).chain(ignored).chain(note).map(String::as_str)
    }

    /// The entry that allows a problem of a reply, by its place in the list.
    pub(crate) fn reply(&self, endpoint: &str, field: &Field, problem: Problem) -> Option<usize> {
        let path = general(&field.path);
        self.reply
            .iter()
            .position(|entry| entry.what == problem && entry.field == path && includes(&entry.endpoints, endpoint))
    }

    /// Why no reply of an endpoint has a member.
    pub(crate) fn never(&self, endpoint: &str, field: &Field) -> Option<(usize, &str)> {
        let path = general(&field.path);
        let entries = self.never.iter().enumerate();
        let mut of = entries.filter(|(_, entry)| {
            includes(&entry.endpoints, endpoint) && of_form(&entry.forms, field) && entry.fields.contains(&path)
        });
        of.next().map(|(index, entry)| (index, entry.why.as_str()))
    }

    /// Why a parameter or member of a request has no effect.
    pub(crate) fn ignored(&self, endpoint: &str, field: &Field) -> Option<(usize, &str)> {
        let entries = self.ignored.iter().enumerate();
        let mut of = entries.filter(|(_, entry)| {
            includes(&entry.endpoints, endpoint) && of_form(&entry.forms, field) && entry.fields.contains(&field.path)
        });
        of.next().map(|(index, entry)| (index, entry.why.as_str()))
    }

    /// How a parameter or member of a request differs.
    pub(crate) fn note(&self, endpoint: &str, field: &Field) -> Option<(usize, &str)> {
        let entries = self.note.iter().enumerate();
        let mut of = entries.filter(|(_, entry)| {
            includes(&entry.endpoints, endpoint) && of_form(&entry.forms, field) && entry.fields.contains(&field.path)
        });
        of.next().map(|(index, entry)| (index, entry.how.as_str()))
    }
}

fn includes(endpoints: &[String], endpoint: &str) -> bool {
    endpoints.iter().any(|name| name == "*" || name == endpoint)
}

fn of_form(forms: &[String], field: &Field) -> bool {
    forms.is_empty() || forms.contains(&field.form)
}

/// The item of a list has the members that a single result has.
fn general(path: &str) -> String {
    match path.strip_prefix("result[]") {
        Some(rest) => format!("result{rest}"),
        None => path.to_owned(),
    }
}
