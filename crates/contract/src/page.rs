//! `docs/compat.md`: what the API here has of the contract, endpoint by endpoint and field by field.
//!
//! Everything on the page was observed by a tour, or is a reason that somebody gave for what was not observed. What is
//! neither is a complaint, and there is no page then. The page has nothing that two runs could disagree on.

mod request;
mod table;

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

use crate::endpoint::Endpoint;
use crate::observations::{Observations, Observed};
use crate::schema::{Field, Problem, Schemas, Seen};
use crate::{Contract, codes::Code};
use table::{Row, State};

/// The head of the page.
const HEAD: &str = "\
# Compatibility

How the API here compares with the v4 API as `crates/contract/data/dns-api.json` declares it. A test writes this page: it
goes through every endpoint that is there, with every parameter, every member of a request and every type of record, and
notes what comes back (`crates/api/tests/contract/compat`). The rulings are written by hand, in `docs/compat/rulings.md`;
reasons for what differs are in `crates/contract/data/differences.toml`. To write the page anew:

```sh
WAYMARK_COMPAT=write cargo nextest run -p waymark-api compat
```
";

/// A page.
#[derive(Debug)]
pub struct Page(String);

/// What keeps the page from being written, a sentence each.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct PageError(pub Vec<String>);

/// What the parts of the page are written with.
struct Writer<'w> {
    contract: &'w Contract,
    observations: &'w Observations,
    complaints: Vec<String>,
    /// Entries of the list of differences that were of use: part, place in the part, and field.
    used: BTreeSet<(&'static str, usize, String)>,
}

/// The tables of an endpoint that is there.
struct Section {
    title: String,
    id: String,
    query: Vec<Row>,
    request: Vec<Row>,
    reply: Vec<Row>,
}

impl Page {
    /// Makes the page of what was observed, with the rulings in it.
    pub fn new(contract: &Contract, observations: &Observations, rulings: &str) -> Result<Self, PageError> {
        let mut writer = Writer { contract, observations, complaints: Vec::new(), used: BTreeSet::new() };
        let sections: Vec<Section> = contract.endpoints().iter().filter_map(|e| writer.section(e)).collect();
        let codes = writer.codes();
        writer.complain_of_idle_entries();
        if !writer.complaints.is_empty() {
            return Err(PageError(writer.complaints));
        }
        let mut text = HEAD.to_owned();
        endpoints(&mut text, contract, &sections);
        let _ = write!(text, "\n{}\n", rulings.trim());
        fields(&mut text, &sections);
        let _ = write!(text, "\n{codes}");
        Ok(Self(text))
    }

    /// The text, in Markdown.
    pub fn text(&self) -> &str {
        &self.0
    }
}

fn endpoints(text: &mut String, contract: &Contract, sections: &[Section]) {
    let (here, all) = (sections.len(), contract.endpoints().len());
    let _ = write!(text, "\n## Endpoints\n\n{here} of {all} are here. What differs is said below, field by field.\n\n");
    text.push_str("| group | endpoint | request | here |\n| --- | --- | --- | --- |\n");
    for endpoint in contract.endpoints() {
        let Endpoint { group, id, method, path, .. } = endpoint;
        let state = match sections.iter().find(|section| section.id == *id) {
            None => "not yet".to_owned(),
            Some(section) => {
                let rows = || section.query.iter().chain(&section.request).chain(&section.reply);
                match (rows().filter(|row| row.state.differs()).count(), rows().count()) {
                    (0, _) => "works".to_owned(),
                    (count, of) => format!("differs in {count} of {of} fields"),
                }
            }
        };
        let _ = writeln!(text, "| {group} | `{id}` | `{method} {path}` | {state} |");
    }
}

fn fields(text: &mut String, sections: &[Section]) {
    text.push_str("\n## Fields\n\n");
    text.push_str(
        "`result[]` is an item of a list, `*` a member of any name; \"of\" says for which types of records.\n",
    );
    for (index, section) in sections.iter().enumerate() {
        let _ = write!(text, "\n### {}\n", section.title);
        let before = &sections[..index];
        type Part = fn(&Section) -> &Vec<Row>;
        let parts: [(&str, &str, Part); 3] = [
            ("Query", "parameter", |section| &section.query),
            ("Request", "member", |section| &section.request),
            ("Reply", "member", |section| &section.reply),
        ];
        if parts.iter().all(|(.., part)| part(section).is_empty()) {
            text.push_str("\nA text, not JSON.\n");
        }
        for (name, column, part) in parts {
            let rows = part(section);
            table::write(text, name, column, rows, before.iter().map(|earlier| (&*earlier.id, &**part(earlier))));
        }
    }
}

impl<'w> Writer<'w> {
    fn section(&mut self, endpoint: &'w Endpoint) -> Option<Section> {
        let observed = self.observations.endpoints.get(&endpoint.id)?;
        if observed.successes == 0 {
            self.complaints.push(format!("{} is there, and the tour gets no good reply from it", endpoint.id));
        }
        Some(Section {
            title: format!("`{} {}` ({})", endpoint.method, endpoint.path, endpoint.id),
            id: endpoint.id.clone(),
            query: self.query(endpoint, observed),
            request: self.request(endpoint, observed),
            reply: self.reply(endpoint, observed),
        })
    }

    fn reply(&mut self, endpoint: &'w Endpoint, observed: &Observed) -> Vec<Row> {
        let mut rows = Vec::new();
        if let Some(schema) = endpoint.result() {
            self.visit(endpoint, observed, schema, &Field::new("result"), &mut rows);
        }
        for (index, field) in &observed.listed {
            let entry = &self.contract.differences().reply[*index];
            if entry.what == Problem::Unknown {
                rows.push(Row::new(field, State::Differs(format!("not declared: {}", entry.why))));
            }
        }
        table::merged(rows)
    }

    fn visit(&mut self, endpoint: &Endpoint, observed: &Observed, schema: &'w Value, at: &Field, rows: &mut Vec<Row>) {
        let schemas = Schemas(&self.contract.schemas);
        let state = match observed.fields.seen(at) {
            Some(Seen::Value) if schemas.is_composite(schema) => {
                return self.descend(endpoint, observed, schema, at, rows);
            }
            Some(Seen::Value) => match observed.fields.constant(at) {
                Some(value) => State::Constant(value.to_string()),
                None => State::Works,
            },
            seen => {
                let what = match seen {
                    Some(Seen::Null) => "always null",
                    Some(_) => "always empty",
                    None => "never there",
                };
                let known = self.contract.differences().reply(&endpoint.id, at, Problem::Null);
                let known = known.filter(|_| seen == Some(Seen::Null));
                let why = match known {
                    Some(index) => Some(self.contract.differences().reply[index].why.as_str()),
                    None => self.reason("never", endpoint, at),
                };
                let told = why.unwrap_or_else(|| {
                    self.complaints.push(format!("{}: {at} is {what}, and nobody says why", endpoint.id));
                    ""
                });
                State::Differs(format!("{what}: {told}"))
            }
        };
        rows.push(Row::new(at, state));
    }

    /// The members of what is an object, the items of what is an array.
    fn descend(
        &mut self,
        endpoint: &Endpoint,
        observed: &Observed,
        schema: &'w Value,
        at: &Field,
        rows: &mut Vec<Row>,
    ) {
        for (form, schema) in Schemas(&self.contract.schemas).forms(schema) {
            let at = at.of_form(&form);
            if !form.is_empty() && observed.fields.seen(&at).is_none() {
                let told = format!("{}: no reply has {at}", endpoint.id);
                self.complaints.push(told);
                continue;
            }
            for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                self.visit(endpoint, observed, schema, &at.member(name), rows);
            }
            if let Some(any @ Value::Object(_)) = schema.get("additionalProperties") {
                self.visit(endpoint, observed, any, &at.member("*"), rows);
            }
            if let Some(items) = schema.get("items") {
                self.descend(endpoint, observed, items, &at.items(), rows);
            }
        }
    }

    /// Why a field is not there or has no effect, from the part of the list with this name.
    fn reason(&mut self, part: &'static str, endpoint: &Endpoint, field: &Field) -> Option<&'w str> {
        let differences = self.contract.differences();
        let (index, why) = match part {
            "never" => differences.never(&endpoint.id, field),
            "ignored" => differences.ignored(&endpoint.id, field),
            _ => differences.note(&endpoint.id, field),
        }?;
        let path = field.path.strip_prefix("result[]").map_or(field.path.clone(), |rest| format!("result{rest}"));
        self.used.insert((part, index, path));
        Some(why)
    }

    fn complain_of_idle_entries(&mut self) {
        let differences = self.contract.differences();
        let never = differences.never.iter().map(|entry| ("never", &entry.fields, &entry.why));
        let ignored = differences.ignored.iter().map(|entry| ("ignored", &entry.fields, &entry.why));
        let note = differences.note.iter().map(|entry| ("note", &entry.fields, &entry.how));
        let parts = never.enumerate().chain(ignored.enumerate()).chain(note.enumerate());
        for (index, (part, fields, why)) in parts {
            for field in fields.iter().filter(|field| !self.used.contains(&(part, index, (*field).clone()))) {
                self.complaints.push(format!("differences.toml: {part} {field} ({why}): that is not so any more"));
            }
        }
        for (index, entry) in differences.reply.iter().enumerate() {
            if !self.observations.listed.contains(&index) {
                let told = format!("differences.toml: reply {} {:?}: no reply differs in it", entry.field, entry.what);
                self.complaints.push(told);
            }
        }
    }

    fn codes(&mut self) -> String {
        let mut text = "## Error codes\n\n".to_owned();
        text.push_str("`*` stands for anything. \"known\" says how sure the contract is of the code.\n\n");
        text.push_str("| code | status | text | when | known | here |\n| --- | --- | --- | --- | --- | --- |\n");
        let rows = self.contract.codes().rows();
        for code in &self.observations.own_codes {
            if !rows.iter().any(|row| row.code == *code) {
                self.complaints.push(format!("errors.toml: the API has the code {code}, the table has not"));
            }
        }
        for row in rows {
            let Code { code, status, also, text: message, when, confidence, .. } = row;
            let statuses: Vec<String> = status.iter().chain(also).map(u16::to_string).collect();
            let here = self.code_is_here(row);
            let (statuses, known) = (statuses.join(", "), confidence.as_str());
            let _ = writeln!(text, "| {code} | {statuses} | {message} | {when} | {known} | {here} |");
        }
        text
    }

    /// What the page says of a code.
    fn code_is_here(&mut self, row: &Code) -> String {
        let reached = self.observations.codes.iter().any(|(code, _)| *code == row.code);
        let own = self.observations.own_codes.contains(&row.code);
        match (&row.unreached, reached, own) {
            (None, true, _) => "works".to_owned(),
            (None, false, false) => "not used".to_owned(),
            (Some(why), false, true) => format!("works; not in the tour: {why}"),
            (None, false, true) => {
                self.complaints
                    .push(format!("errors.toml: no request of the tour gets {}, and nobody says why", row.code));
                String::new()
            }
            (Some(_), true, _) | (Some(_), false, false) => {
                self.complaints.push(format!("errors.toml: {} need not be unreached any more", row.code));
                String::new()
            }
        }
    }
}
