//! The attributes of a record that travel in its comment: comment, tags, and the tags that are settings (docs:
//! dns/manage-dns-records/how-to/import-and-export, "DNS record attributes" and "Reserved cf- tags").
//!
//! ```text
//!  ; the comment cf_tags=name,name:value,name:"value, as a JSON string",cf-proxied:true
//! ```
//!
//! The tags begin behind the last `cf_tags=` behind which a list of tags stands. Inside a tag's value it is always in
//! quotation marks, so that what follows it there is no list; and a comment that has it gets another one behind it.

use crate::records::shortened;

/// What stands before the tags.
const MARK: &str = "cf_tags=";
/// Whether the record is proxied.
const PROXIED: &str = "cf-proxied";
/// That the record, a CNAME, is flattened.
const FLATTEN: &str = "cf-flatten-cname";

/// Attributes that a comment carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// The record's comment, without blanks around it.
    pub comment: Option<String>,
    /// The tags, `name:value`; the value may be empty. Those that are settings are not among them.
    pub tags: Vec<String>,
    /// What `cf-proxied` says; none if it is not there.
    pub proxied: Option<bool>,
    /// Whether `cf-flatten-cname` is there.
    pub flatten_cname: bool,
}

/// Why a comment's tags cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttributesError {
    /// Something else where the name of a tag must stand.
    #[error(
        "{} behind cf_tags= is not the name of a tag: letters, digits, - and _ are needed, and commas between tags; if \
         it is part of the comment, end the comment with another cf_tags=", shortened(.0)
    )]
    Name(String),
    /// A value that must stand in quotation marks, and does not.
    #[error("the value of the tag {0} has one of \" = \\ in it: write it in quotation marks, as a JSON string")]
    Value(String),
    /// A value in quotation marks that is no JSON string, or has text behind it.
    #[error("the value of the tag {0} is not one JSON string: \\\" and \\\\ are needed inside, and a comma behind it")]
    Quoted(String),
    /// A value of `cf-proxied` or `cf-flatten-cname`.
    #[error("the tag {0} takes true or false")]
    Truth(&'static str),
}

impl Attributes {
    /// Reads the text behind the semicolon.
    pub fn from_comment(text: &str) -> Result<Self, AttributesError> {
        let mut refused = None;
        for (at, _) in text.rmatch_indices(MARK) {
            if !text[..at].chars().next_back().is_none_or(char::is_whitespace) {
                continue;
            }
            match Self::with_tags(&text[at + MARK.len()..]) {
                Ok(attributes) => return Ok(Self { comment: comment_of(&text[..at]), ..attributes }),
                // The last one is what was meant.
                Err(why) => refused = refused.or(Some(why)),
            }
        }
        refused.map_or_else(|| Ok(Self { comment: comment_of(text), ..Self::default() }), Err)
    }

    /// The text behind the semicolon; none if there is nothing to say.
    pub fn to_comment(&self) -> Option<String> {
        let comment = self.comment.as_deref().map(str::trim).unwrap_or_default();
        let mut tags: Vec<String> = self.tags.iter().map(|tag| tag_text(tag)).collect();
        if self.flatten_cname {
            tags.push(FLATTEN.to_owned());
        }
        tags.extend(self.proxied.map(|proxied| format!("{PROXIED}:{proxied}")));
        let tags = tags.join(",");
        match (comment.is_empty(), tags.is_empty()) {
            (true, true) => None,
            (true, false) => Some(format!("{MARK}{tags}")),
            (false, true) if !comment.contains(MARK) => Some(comment.to_owned()),
            (false, _) => Some(format!("{comment} {MARK}{tags}")),
        }
    }

    /// Reads a list of tags.
    fn with_tags(text: &str) -> Result<Self, AttributesError> {
        let mut attributes = Self::default();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (name, value, after) = tag(rest)?;
            let truth = |tag, empty: Option<bool>| match value.as_str() {
                "true" => Ok(true),
                "false" => Ok(false),
                "" => empty.ok_or(AttributesError::Truth(tag)),
                _ => Err(AttributesError::Truth(tag)),
            };
            match () {
                () if name.eq_ignore_ascii_case(PROXIED) => attributes.proxied = Some(truth(PROXIED, None)?),
                () if name.eq_ignore_ascii_case(FLATTEN) => attributes.flatten_cname = truth(FLATTEN, Some(true))?,
                () => attributes.tags.push(format!("{name}:{value}")),
            }
            rest = match after.strip_prefix(',').map(str::trim_start) {
                Some("") => return Err(AttributesError::Name(String::new())),
                Some(next) => next,
                None => after,
            };
        }
        Ok(attributes)
    }
}

fn comment_of(text: &str) -> Option<String> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The tag at the start of `text`: name, value, and what follows it, which begins with a comma or is empty.
fn tag(text: &str) -> Result<(&str, String, &str), AttributesError> {
    let (written, rest) = text.split_at(text.find([':', ',']).unwrap_or(text.len()));
    let name = written.trim_end();
    let is_name = |name: &str| name.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'));
    if name.is_empty() || !is_name(name) {
        return Err(AttributesError::Name(written.to_owned()));
    }
    let Some(value) = rest.strip_prefix(':') else { return Ok((name, String::new(), rest)) };
    let value = value.trim_start();
    if value.starts_with('"') {
        return quoted(name, value);
    }
    let (value, rest) = value.split_at(value.find(',').unwrap_or(value.len()));
    match value.contains(['"', '=', '\\']) {
        true => Err(AttributesError::Value(name.to_owned())),
        false => Ok((name, value.trim_end().to_owned(), rest)),
    }
}

fn quoted<'t>(name: &'t str, text: &'t str) -> Result<(&'t str, String, &'t str), AttributesError> {
    let wrong = || AttributesError::Quoted(name.to_owned());
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let value = values.next().and_then(Result::ok).ok_or_else(wrong)?;
    let rest = text.get(values.byte_offset()..).unwrap_or_default().trim_start();
    match rest.is_empty() || rest.starts_with(',') {
        true => Ok((name, value, rest)),
        false => Err(wrong()),
    }
}

/// A tag as the list has it: no colon without a value, quotation marks where the value needs them.
fn tag_text(tag: &str) -> String {
    let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
    let is_special = |character: char| matches!(character, '"' | '=' | ',' | '\\') || character.is_control();
    match value {
        "" => name.to_owned(),
        _ if value.contains(is_special) || value != value.trim() => {
            format!("{name}:{}", serde_json::Value::from(value))
        }
        _ => format!("{name}:{value}"),
    }
}
