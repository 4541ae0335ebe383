//! Data as the API takes and shows it: `content`, `data`, `priority` (`dns-api.json`, dns.record_response.*).
//!
//! ```text
//!  content, priority --\                     /--> content, priority
//!                       >--> Rdata, Spelling -
//!  data, priority -----/                     \--> data
//! ```
//!
//! What is shown can be sent, and means the same. It is derived from the data but for two things that declarative
//! clients compare letter by letter, and that mean nothing: the case of digits in base 16, and, in some types, the dot
//! at the end of a name. They are shown as they were written ([`Spelling`]), and kept in `content` alone.

use serde_json::{Map, Value};

use super::field::name_text;
use super::table::Priority;
use super::{Field, Names, Rdata, RecordError, Row, location, parameters, row, text, word};
use crate::name::Name;
use crate::record_type::RecordType;

/// Data as the API takes and returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The `content` member: canonical, but for TXT, which is kept as it was written, and for spelling that means
    /// nothing.
    pub content: String,
    /// The top-level `priority` of MX and URI, and the copy that SRV has.
    pub priority: Option<u16>,
}

/// What of a text has no meaning, and is shown as it was written.
#[derive(Clone, Debug)]
struct Spelling {
    /// Whether a name ends in a dot.
    dot: bool,
    /// Digits in base 16 in their case, without blanks.
    hex: Option<String>,
}

impl Rdata {
    /// Reads `content`, and the top-level `priority` where the type has it there. Names are absolute, with or without
    /// the dot at the end; `@` is `apex`.
    pub fn from_api(
        record_type: RecordType,
        content: &str,
        priority: Option<u16>,
        apex: &Name,
    ) -> Result<(Self, Content), RecordError> {
        let (row, api) = api_row(record_type)?;
        if row.fields.iter().any(|(_, field)| matches!(field, Field::Strings)) {
            let rdata = Self::finish(record_type, &text::strings_from_api(content)?, "")?;
            return Ok((rdata, Content { content: content.to_owned(), priority: None }));
        }
        let content = content.trim();
        let mut wire = Vec::new();
        let fields = match api.priority {
            Priority::Copied if words(content) == row.fields.len() => row.fields,
            Priority::Copied | Priority::TopLevel => {
                wire.extend_from_slice(&priority.ok_or(RecordError::Missing("priority"))?.to_be_bytes());
                &row.fields[1..]
            }
            Priority::None => row.fields,
        };
        let mut rest = content;
        for (name, field) in fields {
            rest = field.read_text(name, rest, Names::Hosts(apex), &mut wire)?;
        }
        let rdata = Self::finish(record_type, &wire, rest)?;
        row.check(&rdata.wire)?;
        let shown = rdata.content_as(&Spelling::of_content(row, fields.len(), content));
        Ok((rdata, shown))
    }

    /// Reads `data`, and the top-level `priority` where the type has it there. Numbers may come as strings; members
    /// that the type does not have mean nothing, and null is no value.
    pub fn from_data(
        record_type: RecordType,
        data: &Map<String, Value>,
        priority: Option<u16>,
        apex: &Name,
    ) -> Result<(Self, Content), RecordError> {
        let (row, api) = api_row(record_type)?;
        let mut wire = Vec::new();
        for (at, (name, field)) in row.fields.iter().enumerate() {
            let given = data.get(*name).filter(|value| !value.is_null());
            let at_top = (at == 0 && api.priority != Priority::None).then_some(priority).flatten();
            match (given, at_top) {
                _ if matches!(field, Field::Location) => location::from_members(data, &mut wire)?,
                (_, Some(priority)) if api.priority == Priority::TopLevel || given.is_none() => {
                    wire.extend_from_slice(&priority.to_be_bytes());
                }
                (Some(value), _) => field.read_json(value, apex, &mut wire).map_err(|why| why.of_member(name))?,
                (None, _) if api.priority == Priority::TopLevel && at == 0 => {
                    return Err(RecordError::Missing("priority"));
                }
                // A service needs no parameters.
                (None, _) if matches!(field, Field::Parameters) => {}
                (None, _) => return Err(RecordError::MemberMissing(name)),
            }
        }
        let whole = |why: RecordError| why.of_member("data");
        let rdata = Self::finish(record_type, &wire, "").map_err(whole)?;
        row.check(&rdata.wire).map_err(whole)?;
        let shown = rdata.content_as(&Spelling::of_data(row, data));
        Ok((rdata, shown))
    }

    /// The data as the API shows it where nobody has written it there. That of a type which the API does not take is
    /// shown as in a zone file, but for the dots of names.
    pub fn content(&self) -> Content {
        let dot = row(self.record_type).and_then(|row| row.api.as_ref()).is_some_and(|api| api.dot);
        self.content_as(&Spelling { dot, hex: None })
    }

    /// The `data` of a record with this `content`; none for the types that are described by `content` alone.
    pub fn data(&self, content: &str) -> Option<Map<String, Value>> {
        let row = row(self.record_type)?;
        let api = row.api.as_ref().filter(|api| api.data)?;
        let at_top = usize::from(api.priority != Priority::None);
        let spelling = Spelling::of_content(row, row.fields.len() - at_top, content);
        let mut data = Map::new();
        for (name, field, value) in self.fields() {
            match field {
                Field::Location => {
                    data.extend(location::members(value).into_iter().map(|(name, value)| (name.to_owned(), value)))
                }
                _ if name == "priority" && api.priority == Priority::TopLevel => {}
                _ => drop(data.insert(name.to_owned(), field.to_json(value, &spelling))),
            }
        }
        Some(data)
    }

    fn content_as(&self, spelling: &Spelling) -> Content {
        let api = row(self.record_type).and_then(|row| row.api.as_ref());
        let mut fields = self.fields();
        let at_top = api.is_some_and(|api| api.priority != Priority::None);
        let priority = at_top.then(|| {
            let (_, _, value) = fields.remove(0);
            u16::from_be_bytes([value[0], value[1]])
        });
        let text = |(_, field, value): &(&str, Field, &[u8])| match field {
            Field::Hex => spelling.hex(value),
            _ => field.to_text(value, spelling.dot),
        };
        // Lists may be empty.
        let parts: Vec<String> = fields.iter().map(text).filter(|text| !text.is_empty()).collect();
        Content { content: parts.join(" "), priority }
    }
}

impl Spelling {
    /// That of a `content` which has the last `fields` fields of its type.
    fn of_content(row: &Row, fields: usize, content: &str) -> Self {
        let (mut dot, mut hex) = (row.api.as_ref().is_some_and(|api| api.dot), None);
        let mut rest = content.trim();
        for (_, field) in &row.fields[row.fields.len() - fields..] {
            let token = match field {
                Field::Hex => {
                    hex = Some(rest);
                    break;
                }
                Field::String | Field::Text => {
                    let behind = text::text_from_zone_file(rest, &mut Vec::new()).unwrap_or_default();
                    rest = behind.trim_start();
                    continue;
                }
                _ => {
                    let (token, behind) = word(rest);
                    rest = behind;
                    token
                }
            };
            if matches!(field, Field::Name { .. } | Field::ExactName) {
                dot &= token.ends_with('.');
            }
        }
        Self { dot, hex: hex.map(without_blanks) }
    }

    fn of_data(row: &Row, data: &Map<String, Value>) -> Self {
        let (mut dot, mut hex) = (row.api.as_ref().is_some_and(|api| api.dot), None);
        for (name, field) in row.fields {
            let text = data.get(*name).and_then(Value::as_str).unwrap_or_default().trim();
            match field {
                Field::Hex => hex = Some(without_blanks(text)),
                Field::Name { .. } | Field::ExactName => dot &= text.ends_with('.'),
                _ => {}
            }
        }
        Self { dot, hex }
    }

    /// Octets in base 16.
    fn hex(&self, octets: &[u8]) -> String {
        let canonical = Field::Hex.to_text(octets, false);
        self.hex.clone().filter(|written| written.eq_ignore_ascii_case(&canonical)).unwrap_or(canonical)
    }
}

impl Field {
    /// Reads the value of a member of `data` onto `wire`.
    fn read_json(self, value: &Value, apex: &Name, wire: &mut Vec<u8>) -> Result<(), RecordError> {
        let text = match (self, value) {
            (_, Value::String(text)) => text.as_str(),
            (Self::U8 | Self::U16 | Self::U32 | Self::Algorithm | Self::CertificateType, Value::Number(number)) => {
                let exact = number.as_f64().filter(|number| number.fract() == 0.0 && *number >= 0.0);
                let digits = exact.map_or_else(|| number.to_string(), |number| format!("{number:.0}"));
                return self.read_token(&digits, Names::Hosts(apex), wire);
            }
            _ => return Err(RecordError::value(&value.to_string(), self.json_needed())),
        };
        let trimmed = text.trim();
        match self {
            Self::Text => text::octets_of_json(text, wire),
            Self::String => {
                let start = wire.len();
                wire.push(0);
                text::octets_of_json(text, wire)?;
                let length = wire.len() - start - 1;
                wire[start] = u8::try_from(length).map_err(|_| RecordError::StringTooLong(length))?;
                Ok(())
            }
            Self::Parameters => parameters::from_text(trimmed).map(|parameters| wire.extend(parameters)),
            Self::Hex | Self::Base64 => self.read_text("value", trimmed, Names::Hosts(apex), wire).map(|_| ()),
            _ => self.read_token(trimmed, Names::Hosts(apex), wire),
        }
    }

    fn json_needed(self) -> &'static str {
        match self {
            Self::U8 | Self::U16 | Self::U32 | Self::Algorithm | Self::CertificateType => "a number",
            _ => "a string",
        }
    }

    /// The value as a member of `data`.
    fn to_json(self, value: &[u8], spelling: &Spelling) -> Value {
        match self {
            Self::U8 | Self::U16 | Self::U32 | Self::Algorithm | Self::CertificateType => {
                value.iter().fold(0u32, |number, &octet| number << 8 | u32::from(octet)).into()
            }
            Self::Name { .. } | Self::ExactName => name_text(value, spelling.dot).into(),
            Self::String => text::json_text(value.get(1..).unwrap_or_default()).into(),
            Self::Text => text::json_text(value).into(),
            Self::Hex => spelling.hex(value).into(),
            _ => self.to_text(value, spelling.dot).into(),
        }
    }
}

fn api_row(record_type: RecordType) -> Result<(&'static Row, &'static super::Api), RecordError> {
    row(record_type)
        .and_then(|row| Some((row, row.api.as_ref()?)))
        .ok_or_else(|| RecordError::Type(record_type.to_string()))
}

/// How many words a text has.
fn words(text: &str) -> usize {
    let (mut count, mut rest) = (0, text);
    while !rest.is_empty() {
        rest = word(rest).1;
        count += 1;
    }
    count
}

fn without_blanks(text: &str) -> String {
    text.chars().filter(|character| !matches!(character, ' ' | '\t')).collect()
}
