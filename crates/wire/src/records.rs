//! The record-type table, and everything that is derived from it.
//!
//! One [`Row`] per type says which fields its data has and how the API shows it. From the rows come parsing of zone
//! files and of API input, the canonical wire form, presentation text, the API's `content` and `priority`, and name
//! compression. A new type is a new row (`records/table.rs`); only a new *kind of field* needs code
//! (`records/field.rs` and the files beside it, one per family of fields).
//!
//! ```text
//!  zone-file text --words--> Field::read_text  \
//!  API content    ---------> Field::read_text   >-- rule of the row --> Rdata --Field::to_text--> text
//!  API data       ---------> Field::read_json  |                             `--Field::to_json--> API data
//!  wire, `\# n hex` -------> Field::wire_len   /
//! ```
//!
//! [`Rdata`] is data of one record in canonical form: uncompressed, and names in lower case where canonical form has
//! them so (RFC 4034 section 6.2, RFC 6840 section 5.1).

mod api;
mod binary;
mod field;
mod location;
mod number;
mod parameters;
mod rules;
mod table;
mod text;
mod types;

use std::fmt;

pub use api::Content;
pub use field::Field;
pub(crate) use field::{Names, name_in_zone_file};
pub(crate) use number::period;
pub use table::{Api, Priority, ROWS, Row, row, row_by_mnemonic};
pub use types::{list_of, types_of};

use crate::name::{Name, NameError};
use crate::record_type::RecordType;

/// What is wrong with a record's data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// No type of this name that users may write.
    #[error("{0} is not a record type that can be written here")]
    Type(String),
    /// Not an IPv4 address in dotted-quad form.
    #[error("{} is not an IPv4 address: four numbers from 0 to 255 with dots are needed", shortened(.0))]
    Ipv4(String),
    /// Not an IPv6 address.
    #[error("{} is not an IPv6 address: hexadecimal numbers with colons, such as 2001:db8::1, are needed", shortened(.0))]
    Ipv6(String),
    /// Not a host name where one is needed.
    #[error("{} is not a host name: {why}", shortened(.text))]
    Host {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: NameError,
    },
    /// An address where a host name is needed.
    #[error("{} is an address, and a host name is needed", shortened(.0))]
    AddressAsHost(String),
    /// A number out of its range or no number.
    #[error("{} is not a number from 0 to {max}", shortened(.text))]
    Number {
        /// What was given.
        text: String,
        /// The largest value.
        max: u32,
    },
    /// A value that is not what its field takes.
    #[error("{} is not {needed}", shortened(.text))]
    Value {
        /// What was given.
        text: String,
        /// What is needed.
        needed: &'static str,
    },
    /// Fields that do not go together.
    #[error("{0}")]
    Rule(&'static str),
    /// A character string of more octets than its length can say.
    #[error("a string of {0} octets: a string has at most 255, and a longer text is written as several")]
    StringTooLong(usize),
    /// Quotes that do not pair up, or text between quoted strings.
    #[error(
        "the quotation marks of the text do not match: a string needs one before and one behind it, and \\\" for each inside"
    )]
    Quotes,
    /// The data is longer than a record can hold (65,535 octets).
    #[error("the data is longer than 65535 octets")]
    TooLong,
    /// A field is absent.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A member of the API's `data` is absent.
    #[error("{0} is missing in data")]
    MemberMissing(&'static str),
    /// A member of the API's `data` has no value that its field can have.
    #[error("{name} in data: {why}")]
    Member {
        /// The member.
        name: &'static str,
        /// What is wrong with it.
        why: Box<RecordError>,
    },
    /// More text than the type has fields.
    #[error("there is text after the last field: {}", shortened(.0))]
    Trailing(String),
    /// The wire form is cut or has octets left over.
    #[error("the data's wire form is malformed")]
    Wire,
}

impl RecordError {
    fn value(text: &str, needed: &'static str) -> Self {
        Self::Value { text: text.to_owned(), needed }
    }

    /// The same of a member of the API's `data`.
    fn of_member(self, name: &'static str) -> Self {
        Self::Member { name, why: Box::new(self) }
    }
}

/// The data of one record, checked, in canonical wire form.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rdata {
    record_type: RecordType,
    wire: Box<[u8]>,
}

impl Rdata {
    /// Checks data in uncompressed wire form. Data of a type without a row is opaque (RFC 3597).
    pub fn from_wire(record_type: RecordType, wire: &[u8]) -> Result<Self, RecordError> {
        if wire.len() > usize::from(u16::MAX) {
            return Err(RecordError::TooLong);
        }
        let mut canonical = wire.to_vec();
        if let Some(row) = row(record_type) {
            let mut at = 0;
            for (_, field) in row.fields {
                let length = field.wire_len(&wire[at..]).ok_or(RecordError::Wire)?;
                if matches!(field, Field::Name { .. }) {
                    canonical[at..at + length].make_ascii_lowercase();
                }
                at += length;
            }
            if at != wire.len() {
                return Err(RecordError::Wire);
            }
            row.check(wire)?;
        }
        Ok(Self { record_type, wire: canonical.into_boxed_slice() })
    }

    /// Reads data in presentation form (RFC 1035 section 5.1), on one line and without comments. Names are relative to
    /// `origin` unless they end in a dot. Data of any type may be written as `\# length hex` (RFC 3597 section 5), and
    /// is checked like any other.
    pub fn from_text(record_type: RecordType, text: &str, origin: &Name) -> Result<Self, RecordError> {
        Self::read(record_type, text, Some(origin), &mut Vec::new())
    }

    /// As [`from_text`](Self::from_text), where there may be no origin; `wire` is room to read into.
    pub(crate) fn read(
        record_type: RecordType,
        text: &str,
        origin: Option<&Name>,
        wire: &mut Vec<u8>,
    ) -> Result<Self, RecordError> {
        let not_here = || RecordError::Type(record_type.to_string());
        if !record_type.is_data_type() {
            return Err(not_here());
        }
        let mut rest = text.trim_start();
        if let ("\\#", octets) = word(rest) {
            return Self::from_wire(record_type, &binary::generic(octets.trim_end())?);
        }
        let row = row(record_type).ok_or_else(not_here)?;
        wire.clear();
        for (name, field) in row.fields {
            rest = field.read_text(name, rest, Names::RelativeTo(origin), wire)?;
        }
        let rdata = Self::finish(record_type, wire, rest)?;
        row.check(&rdata.wire)?;
        Ok(rdata)
    }

    /// The type.
    pub fn record_type(&self) -> RecordType {
        self.record_type
    }

    /// The canonical wire form.
    pub fn wire(&self) -> &[u8] {
        &self.wire
    }

    /// The fields' values in wire form; one opaque value for a type without a row.
    pub fn fields(&self) -> Vec<(&'static str, Field, &[u8])> {
        let Some(row) = row(self.record_type) else { return vec![("data", Field::Opaque, &self.wire)] };
        let mut rest = &self.wire[..];
        let mut values = Vec::with_capacity(row.fields.len());
        for (name, field) in row.fields {
            let (value, after) = rest.split_at(field.wire_len(rest).unwrap_or(rest.len()));
            values.push((*name, *field, value));
            rest = after;
        }
        values
    }

    fn finish(record_type: RecordType, wire: &[u8], rest: &str) -> Result<Self, RecordError> {
        if !rest.trim().is_empty() {
            return Err(RecordError::Trailing(rest.trim().to_owned()));
        }
        if wire.len() > usize::from(u16::MAX) {
            return Err(RecordError::TooLong);
        }
        Ok(Self { record_type, wire: wire.into() })
    }
}

/// A text as an error quotes it: not more of it than a reader needs to find it again.
pub(crate) fn shortened(text: &str) -> String {
    const CHARACTERS_MAX: usize = 80;
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// The token at the start of `text`, up to a blank without a backslash before it, and what follows the blanks.
pub(crate) fn word(text: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = text.bytes().position(|octet| {
        let ends = matches!(octet, b' ' | b'\t') && !escaped;
        escaped = octet == b'\\' && !escaped;
        ends
    });
    let (token, rest) = text.split_at(end.unwrap_or(text.len()));
    (token, rest.trim_start())
}

impl fmt::Display for Rdata {
    /// Presentation form, as a zone file has it: names absolute, with the dot at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for (_, field, value) in self.fields() {
            let text = field.to_text(value, true);
            // Lists may be empty.
            if !text.is_empty() {
                write!(f, "{between}{text}")?;
                between = " ";
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Rdata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {self}", self.record_type)
    }
}

#[cfg(test)]
pub(crate) mod tests;
