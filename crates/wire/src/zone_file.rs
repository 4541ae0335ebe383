//! Master files (RFC 1035 section 5): records read from what people and other servers write, and written for them.
//!
//! ```text
//!  octets --lines: quotes, parentheses, comments--> Line --owner, TTL, class, type--> Rdata::read --> Entry
//!                                                    |                                               ^
//!                                                    +-- $GENERATE --template, numbers filled in ----+
//! ```
//!
//! The scanner is our own because the one of the `domain` crate (0.12) keeps no comments, in which the attributes of
//! records travel ([`Attributes`]), stops at the first error, and has no `$GENERATE`. The data of a record is read by
//! the table ([`crate::records`]), here as elsewhere.
//!
//! The reader goes on behind whatever it cannot read. What depends on it is then refused too: records without an owner
//! of their own behind an owner that is not a name, and relative names behind an `$ORIGIN` that is none.

mod attributes;
mod generate;
mod lines;
mod problem;
mod writer;

use crate::name::Name;
use crate::record_type::RecordType;
use crate::records::{self, Rdata, word};

pub use attributes::{Attributes, AttributesError};
pub use problem::{Problem, ZoneFileError};
pub use writer::write_record;

use generate::Generator;
use lines::{Line, Lines};

/// What a reader takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderOptions {
    /// The longest entry in octets, over all of its lines. The data of any record can be written in less than the
    /// default, 1 MiB.
    pub entry_octets_max: usize,
    /// How many records `$GENERATE` may make in one file. The default, 65,536, does for a reverse zone of a /16.
    pub generated_max: u64,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self { entry_octets_max: 1 << 20, generated_max: 65_536 }
    }
}

/// One record as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The line at which it begins, from 1.
    pub line: u32,
    /// The owner name.
    pub owner: Name,
    /// Seconds: its own TTL, else that of `$TTL` (RFC 2308 section 4), else the one last given (RFC 1035 section 5.1),
    /// else none. It is what is written, up to 2^32 - 1.
    pub ttl: Option<u32>,
    /// Type and data.
    pub rdata: Rdata,
    /// The text behind `;` on the record's last line, without blanks around it; none if there is no text. Octets that
    /// are not UTF-8 are replaced.
    pub comment: Option<String>,
}

/// Reads the entries of a master file one after another; goes on behind a bad one.
///
/// Takes what BIND takes but for `$INCLUDE`: line ends of all three kinds, a byte-order mark, a missing last line end,
/// `$ORIGIN`, `$TTL`, `$GENERATE`, the class IN, any type (RFC 3597 section 5), and names in Unicode besides.
///
/// Without an origin at the beginning, the owner of an SOA record is the origin, if it is written in full. The owner of
/// an SOA record that is the origin but for the dot at the end is the origin.
#[derive(Debug)]
pub struct Reader<'t> {
    lines: Lines<'t>,
    origin: Option<Name>,
    owner: Owner,
    /// The wire form of the owner, where it is known.
    owner_wire: Vec<u8>,
    default_ttl: Option<u32>,
    last_ttl: Option<u32>,
    generator: Option<Generator>,
    generated_left: u64,
    options: ReaderOptions,
    /// Room for data.
    wire: Vec<u8>,
}

/// Whose a record is that names no owner.
#[derive(Clone, Copy, Debug)]
enum Owner {
    /// There was no record yet.
    None,
    /// That of the record before.
    Known,
    /// That of a record whose owner is no name.
    Bad,
}

impl<'t> Reader<'t> {
    /// A reader of `text`, whose relative names belong to `origin` until `$ORIGIN` says otherwise.
    pub fn new(text: &'t [u8], origin: Option<Name>, options: ReaderOptions) -> Self {
        Self {
            lines: Lines::new(text, options.entry_octets_max),
            origin,
            owner: Owner::None,
            owner_wire: Vec::new(),
            default_ttl: None,
            last_ttl: None,
            generator: None,
            generated_left: options.generated_max,
            options,
            wire: Vec::new(),
        }
    }

    /// What relative names belong to now.
    pub fn origin(&self) -> Option<&Name> {
        self.origin.as_ref()
    }

    /// What a line says; none for a directive.
    fn entry(&mut self, line: &Line<'_>) -> Result<Option<Entry>, ZoneFileError> {
        let text = line.text()?;
        match line.owner_is_omitted {
            false if text.starts_with('$') => self.directive(line, text).map(|()| None),
            false => {
                let (owner, rest) = word(text);
                self.record(line.number, Some(owner), rest, line.comment()).map(Some)
            }
            true => self.record(line.number, None, text, line.comment()).map(Some),
        }
    }

    /// The record whose owner, if it has one of its own, is `owner`, and whose TTL, class, type and data are `rest`.
    fn record(
        &mut self,
        line: u32,
        owner: Option<&str>,
        rest: &str,
        comment: Option<String>,
    ) -> Result<Entry, ZoneFileError> {
        let absolute = match owner {
            Some(text) => self.read_owner(text)?,
            None => false,
        };
        let head = Head::read(rest)?;
        if head.record_type == RecordType::SOA {
            self.read_apex(owner, absolute);
        }
        self.last_ttl = head.ttl.or(self.last_ttl);
        let owner = match self.owner {
            Owner::Known => Name::from_wire(&self.owner_wire),
            Owner::None => return Err(ZoneFileError::OwnerMissing),
            Owner::Bad => return Err(ZoneFileError::OwnerBad),
        };
        let rdata = Rdata::read(head.record_type, head.data, self.origin.as_ref(), &mut self.wire)
            .map_err(|why| ZoneFileError::Data { record_type: head.record_type, why })?;
        Ok(Entry {
            line,
            owner: owner.map_err(|why| ZoneFileError::Owner { text: String::new(), why })?,
            ttl: head.ttl.or(self.default_ttl).or(self.last_ttl),
            rdata,
            comment,
        })
    }

    /// Makes `text` the owner; gives whether it is absolute.
    fn read_owner(&mut self, text: &str) -> Result<bool, ZoneFileError> {
        self.owner_wire.clear();
        let read = records::name_in_zone_file(text, self.origin.as_ref(), &mut self.owner_wire);
        self.owner = if read.is_ok() { Owner::Known } else { Owner::Bad };
        read.map_err(|why| ZoneFileError::Owner { text: text.to_owned(), why })
    }

    /// Whose SOA record it is says what the zone is. A provider's export may lack the dot behind its name.
    fn read_apex(&mut self, owner: Option<&str>, absolute: bool) {
        match &self.origin {
            None if absolute => self.origin = Name::from_wire(&self.owner_wire).ok(),
            Some(origin) if owner.is_some_and(|text| Name::from_text(text).as_ref() == Ok(origin)) => {
                self.owner_wire.clear();
                self.owner_wire.extend_from_slice(origin.as_wire());
            }
            _ => {}
        }
    }

    fn directive(&mut self, line: &Line<'_>, text: &str) -> Result<(), ZoneFileError> {
        let (directive, arguments) = word(text);
        match directive.to_ascii_uppercase().as_str() {
            "$ORIGIN" => {
                // Whatever is wrong with it, the origin is no longer the one before.
                let origin = self.origin.take();
                self.origin = Some(name_alone(arguments, origin.as_ref())?);
                Ok(())
            }
            "$TTL" => {
                self.default_ttl = Some(ttl_alone(arguments)?);
                Ok(())
            }
            "$GENERATE" => {
                let generator = Generator::read(line.number, arguments, line.comment())?;
                if generator.count() > self.generated_left {
                    return Err(ZoneFileError::GenerateTooMany { limit: self.options.generated_max });
                }
                self.generated_left -= generator.count();
                self.generator = Some(generator);
                Ok(())
            }
            "$INCLUDE" => Err(ZoneFileError::Include),
            _ => Err(ZoneFileError::Directive(directive.to_owned())),
        }
    }

    /// The next record of a `$GENERATE`; none if there is none.
    fn generated(&mut self) -> Option<Result<Entry, Problem>> {
        let mut generator = self.generator.take()?;
        let line = generator.line;
        let filled = generator.next_record()?;
        // The owner of what follows is the one before, as in BIND.
        let before = (self.owner, self.owner_wire.clone());
        let comment = generator.comment.clone();
        let entry = filled.and_then(|(owner, rest)| self.record(line, Some(&owner), &rest, comment));
        (self.owner, self.owner_wire) = before;
        // What is wrong with one number is likely wrong with all.
        self.generator = Some(generator).filter(|_| entry.is_ok());
        Some(entry.map_err(|what| Problem { line, what }))
    }
}

impl Iterator for Reader<'_> {
    type Item = Result<Entry, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.generated() {
                return Some(entry);
            }
            let mut room = self.lines.take_room();
            let line = match self.lines.next_line(&mut room)? {
                Ok(line) => line,
                Err(problem) => {
                    self.lines.give_back(room);
                    return Some(Err(problem));
                }
            };
            let number = line.number;
            let entry = self.entry(&line);
            self.lines.give_back(room);
            if let Some(entry) = entry.transpose() {
                return Some(entry.map_err(|what| Problem { line: number, what }));
            }
        }
    }
}

/// What stands between the owner and the data.
struct Head<'t> {
    ttl: Option<u32>,
    record_type: RecordType,
    data: &'t str,
}

impl<'t> Head<'t> {
    /// Reads `[TTL] [class] type data`, or class before TTL.
    fn read(text: &'t str) -> Result<Self, ZoneFileError> {
        let (mut ttl, mut has_class) = (None, false);
        let mut rest = text;
        loop {
            let (token, after) = word(rest);
            if token.is_empty() {
                return Err(ZoneFileError::TypeMissing);
            }
            // No mnemonic begins with a digit.
            if ttl.is_none() && token.as_bytes()[0].is_ascii_digit() {
                ttl = Some(records::period(token).map_err(|_| ZoneFileError::Ttl(token.to_owned()))?);
            } else if !has_class && is_class(token)? {
                has_class = true;
            } else {
                let record_type = record_type(token)?;
                return Ok(Self { ttl, record_type, data: after });
            }
            rest = after;
        }
    }
}

/// Whether it is the class IN; another one is an error.
fn is_class(token: &str) -> Result<bool, ZoneFileError> {
    let is = |class: &str| token.eq_ignore_ascii_case(class);
    let number = token.get(..5).filter(|prefix| prefix.eq_ignore_ascii_case("CLASS")).map(|_| &token[5..]);
    match number.map(str::parse::<u16>) {
        _ if is("IN") => Ok(true),
        Some(Ok(1)) => Ok(true),
        Some(Ok(_)) => Err(ZoneFileError::Class(token.to_owned())),
        _ if is("CH") || is("HS") || is("CHAOS") || is("HESIOD") => Err(ZoneFileError::Class(token.to_owned())),
        _ => Ok(false),
    }
}

fn record_type(token: &str) -> Result<RecordType, ZoneFileError> {
    let record_type = RecordType::from_mnemonic(token).ok_or_else(|| ZoneFileError::Type(token.to_owned()))?;
    match record_type.is_data_type() {
        true => Ok(record_type),
        false => Err(ZoneFileError::NoData(record_type)),
    }
}

/// The one argument of `$ORIGIN`.
fn name_alone(text: &str, origin: Option<&Name>) -> Result<Name, ZoneFileError> {
    let wrong = |why| ZoneFileError::Owner { text: text.to_owned(), why };
    let (token, rest) = word(text);
    if token.is_empty() || !rest.is_empty() {
        return Err(ZoneFileError::Argument { directive: "$ORIGIN", needed: "one name, such as example.com." });
    }
    let mut wire = Vec::new();
    records::name_in_zone_file(token, origin, &mut wire).map_err(wrong)?;
    Name::from_wire(&wire).map_err(wrong)
}

/// The one argument of `$TTL`.
fn ttl_alone(text: &str) -> Result<u32, ZoneFileError> {
    let (token, rest) = word(text);
    if token.is_empty() || !rest.is_empty() {
        return Err(ZoneFileError::Argument {
            directive: "$TTL",
            needed: "one time in seconds, such as 3600 or 1h30m",
        });
    }
    records::period(token).map_err(|_| ZoneFileError::Ttl(token.to_owned()))
}

#[cfg(test)]
mod tests;
