//! What is wrong with a master file, and what would be right.

use crate::name::NameError;
use crate::record_type::RecordType;
use crate::records::{RecordError, row, shortened};

/// What is wrong with one entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Problem {
    /// The line, from 1: where the entry begins, or where its open quotation mark or parenthesis is.
    pub line: u32,
    /// What is wrong.
    #[source]
    pub what: ZoneFileError,
}

/// Why an entry cannot be read. Its text says what is wrong and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZoneFileError {
    /// The owner, or the argument of `$ORIGIN`, is not a name.
    #[error("{} is not a name here: {why}", shortened(.text))]
    Owner {
        /// What is written.
        text: String,
        /// Why it is none.
        why: NameError,
    },
    /// The first record has no owner.
    #[error(
        "the line begins with a blank, so the record belongs to the owner before it, and there is none: write a name first"
    )]
    OwnerMissing,
    /// The owner before is not a name.
    #[error("the line begins with a blank, so the record belongs to the owner before it, which is not a name")]
    OwnerBad,
    /// A word that begins with a digit, where no data is yet.
    #[error("{} is not a TTL: seconds, such as 3600, or numbers with the units s, m, h, d and w, such as 1h30m, are needed", shortened(.0))]
    Ttl(String),
    /// Another class than IN.
    #[error("the class {0} is not served: leave it out, or write IN")]
    Class(String),
    /// A word where a type is needed.
    #[error("{} is not a record type: NAME [TTL] [IN] TYPE DATA is needed, and a type without a name is TYPE with its number", shortened(.0))]
    Type(String),
    /// The entry ends before its type.
    #[error("the record has no type: NAME [TTL] [IN] TYPE DATA is needed")]
    TypeMissing,
    /// A type that is asked for and never kept.
    #[error("{0} is a type of questions or messages, and no record of a zone can have it")]
    NoData(RecordType),
    /// The data does not fit the type.
    #[error("{}", data(*.record_type, .why))]
    Data {
        /// The type.
        record_type: RecordType,
        /// What is wrong.
        why: RecordError,
    },
    /// A quoted string does not end on its line.
    #[error("a quotation mark has no other one on this line: a string ends on the line on which it begins")]
    Quote,
    /// The file, or the longest entry, ends inside parentheses.
    #[error("a parenthesis that is opened on this line is never closed: write ) behind the record's last value")]
    OpenParenthesis,
    /// A parenthesis closes that was never opened.
    #[error(
        "a parenthesis is closed that was not opened: take it away, or write ( before the record's first line ends"
    )]
    ClosingParenthesis,
    /// An octet with the value 0.
    #[error("an octet with the value 0: this is not a text file, or a string lacks the escape \\000")]
    Zero,
    /// Octets outside of comments that are not UTF-8.
    #[error("octets that are not UTF-8: save the file as UTF-8, or write them as \\DDD in decimal")]
    NotUtf8,
    /// The entry is too long.
    #[error("the entry is longer than {limit} octets")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// Other files are not read.
    #[error("$INCLUDE directive not allowed")]
    Include,
    /// A word that begins with a dollar sign and is no directive.
    #[error("{} is not a directive: $ORIGIN, $TTL and $GENERATE are; a name that begins with $ is written with \\$", shortened(.0))]
    Directive(String),
    /// A directive has no argument, or too many.
    #[error("{directive} needs {needed}")]
    Argument {
        /// The directive.
        directive: &'static str,
        /// What must follow it.
        needed: &'static str,
    },
    /// The range of a `$GENERATE`.
    #[error("{} is not a range: START-STOP or START-STOP/STEP with numbers up to 2147483647 is needed, START not above STOP, STEP not 0", shortened(.0))]
    GenerateRange(String),
    /// Braces of a `$GENERATE`.
    #[error("{} is not a number of $GENERATE: ${{OFFSET,WIDTH,BASE}} is needed, BASE one of d, o, x, X, n, N", shortened(.0))]
    GenerateNumber(String),
    /// An offset takes a number of a `$GENERATE` below zero, or above what it can be.
    #[error("an offset takes a number of $GENERATE out of its range, 0 to 2147483647")]
    GenerateOffset,
    /// A `$GENERATE` lacks its owner, type or data.
    #[error("$GENERATE needs START-STOP NAME [TTL] [IN] TYPE DATA")]
    GenerateIncomplete,
    /// A line of a `$GENERATE`, or what it makes, is too long.
    #[error("a line of $GENERATE, and each record that it makes, must have at most {limit} octets")]
    GenerateTooLong {
        /// The limit.
        limit: usize,
    },
    /// A file generates too much.
    #[error("a file may generate {limit} records: make the range smaller, or the step larger")]
    GenerateTooMany {
        /// The limit for the whole file.
        limit: u64,
    },
}

/// What is wrong with data. Where a field is missing or one too many is there, what the type needs says more.
fn data(record_type: RecordType, why: &RecordError) -> String {
    let needed = || match row(record_type) {
        Some(row) => row.fields.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
        None => "\\# LENGTH HEX".to_owned(),
    };
    match why {
        RecordError::Missing(_) | RecordError::Trailing(_) => format!("{why}; {record_type} needs {}", needed()),
        RecordError::Type(_) => {
            format!("the data of {record_type} is read in its generic form alone: \\# LENGTH HEX is needed")
        }
        _ => why.to_string(),
    }
}
