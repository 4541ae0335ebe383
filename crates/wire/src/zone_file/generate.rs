//! `$GENERATE`: many records from one line, in each of which a number takes the place of `$` (BIND 9 Administrator
//! Reference Manual, "$GENERATE").
//!
//! ```text
//!  1-3/2 host-$ A 192.0.2.${10,0,d}   ->   host-1 A 192.0.2.11, host-3 A 192.0.2.13
//! ```
//!
//! `${offset,width,base}` adds the offset, fills up with zeros to the width, and writes the number in decimal (`d`),
//! octal (`o`), hexadecimal (`x`, `X`), or as hexadecimal digits with dots between, the last digit first (`n`, `N`),
//! where the width counts the dots too. `$$` and `\$` are dollar signs.

use std::fmt::Write;

use super::problem::ZoneFileError;
use crate::records::word;

/// The longest line of a `$GENERATE`, and the longest record that it makes, in octets.
const OCTETS_MAX: usize = 4096;
/// The largest number.
const NUMBER_MAX: i64 = i32::MAX as i64;

/// A `$GENERATE` that is under way.
#[derive(Debug)]
pub(super) struct Generator {
    pub(super) line: u32,
    pub(super) comment: Option<String>,
    next: i64,
    stop: i64,
    step: i64,
    owner: String,
    /// TTL, class, type and data.
    rest: String,
}

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    Decimal,
    Octal,
    Hexadecimal { upper: bool },
    Nibbles { upper: bool },
}

impl Generator {
    /// Reads what follows `$GENERATE`.
    pub(super) fn read(line: u32, text: &str, comment: Option<String>) -> Result<Self, ZoneFileError> {
        if text.len() > OCTETS_MAX {
            return Err(ZoneFileError::GenerateTooLong { limit: OCTETS_MAX });
        }
        let (range, rest) = word(text);
        let (owner, rest) = word(rest);
        if owner.is_empty() || rest.is_empty() {
            return Err(ZoneFileError::GenerateIncomplete);
        }
        let (next, stop, step) = read_range(range).ok_or_else(|| ZoneFileError::GenerateRange(range.to_owned()))?;
        Ok(Self { line, comment, next, stop, step, owner: owner.to_owned(), rest: rest.to_owned() })
    }

    /// How many records are left.
    pub(super) fn count(&self) -> u64 {
        match self.next > self.stop {
            true => 0,
            false => ((self.stop - self.next) / self.step + 1) as u64,
        }
    }

    /// The next record: its owner, and the rest of its line. None at the end.
    pub(super) fn next_record(&mut self) -> Option<Result<(String, String), ZoneFileError>> {
        let number = self.next;
        if number > self.stop {
            return None;
        }
        self.next += self.step;
        Some(fill_in(&self.owner, number).and_then(|owner| Ok((owner, fill_in(&self.rest, number)?))))
    }
}

fn read_range(text: &str) -> Option<(i64, i64, i64)> {
    let (range, step) = text.split_once('/').unwrap_or((text, "1"));
    let (start, stop) = range.split_once('-')?;
    let (start, stop, step) = (number(start)?, number(stop)?, number(step)?);
    (start <= stop && step > 0).then_some((start, stop, step))
}

fn number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|number| *number <= NUMBER_MAX)
}

/// The template with `number` in it. Escapes stay: whoever reads the record undoes them.
fn fill_in(template: &str, number: i64) -> Result<String, ZoneFileError> {
    let mut filled = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some(at) = rest.find(['$', '\\']) {
        filled.push_str(&rest[..at]);
        let (special, after) = rest[at..].split_at(1);
        rest = match after.chars().next() {
            Some(escaped) if special == "\\" => {
                filled.extend(['\\', escaped]);
                &after[escaped.len_utf8()..]
            }
            None if special == "\\" => {
                filled.push('\\');
                after
            }
            Some('$') => {
                // In front of a name, a dollar sign on its own would be a directive.
                filled.push_str("\\$");
                &after[1..]
            }
            Some('{') => {
                let (inside, behind) =
                    after[1..].split_once('}').ok_or_else(|| ZoneFileError::GenerateNumber(rest[at..].to_owned()))?;
                write_number(inside, number, &mut filled)?;
                behind
            }
            _ => {
                write_decimal(number, 0, &mut filled);
                after
            }
        };
        if filled.len() > OCTETS_MAX {
            return Err(ZoneFileError::GenerateTooLong { limit: OCTETS_MAX });
        }
    }
    filled.push_str(rest);
    match filled.len() {
        0..=OCTETS_MAX => Ok(filled),
        _ => Err(ZoneFileError::GenerateTooLong { limit: OCTETS_MAX }),
    }
}

/// Writes `number` as `offset[,width[,base]]` says.
fn write_number(inside: &str, number: i64, out: &mut String) -> Result<(), ZoneFileError> {
    let wrong = || ZoneFileError::GenerateNumber(format!("${{{inside}}}"));
    let mut parts = inside.split(',').map(str::trim);
    let offset = parts.next().unwrap_or_default();
    let offset = match offset.strip_prefix(['-', '+']) {
        Some(digits) if offset.starts_with('-') => -self::number(digits).ok_or_else(wrong)?,
        Some(digits) => self::number(digits).ok_or_else(wrong)?,
        None => self::number(offset).ok_or_else(wrong)?,
    };
    let width = match parts.next() {
        Some(width) => self::number(width).ok_or_else(wrong)?,
        None => 0,
    };
    let base = match parts.next() {
        None | Some("d") => Base::Decimal,
        Some("o") => Base::Octal,
        Some("x") => Base::Hexadecimal { upper: false },
        Some("X") => Base::Hexadecimal { upper: true },
        Some("n") => Base::Nibbles { upper: false },
        Some("N") => Base::Nibbles { upper: true },
        Some(_) => return Err(wrong()),
    };
    if parts.next().is_some() {
        return Err(wrong());
    }
    let number = Some(number + offset).filter(|number| (0..=NUMBER_MAX).contains(number));
    let number = number.ok_or(ZoneFileError::GenerateOffset)?;
    let width = usize::try_from(width).ok().filter(|width| *width <= OCTETS_MAX);
    let width = width.ok_or(ZoneFileError::GenerateTooLong { limit: OCTETS_MAX })?;
    write_in_base(number, width, base, out);
    Ok(())
}

fn write_decimal(number: i64, width: usize, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{number:0width$}");
}

fn write_in_base(number: i64, width: usize, base: Base, out: &mut String) {
    let _ = match base {
        Base::Decimal => write!(out, "{number:0width$}"),
        Base::Octal => write!(out, "{number:0width$o}"),
        Base::Hexadecimal { upper: false } => write!(out, "{number:0width$x}"),
        Base::Hexadecimal { upper: true } => write!(out, "{number:0width$X}"),
        Base::Nibbles { upper } => {
            write_nibbles(number, width, upper, out);
            Ok(())
        }
    };
}

/// Hexadecimal digits from the last on, a dot between two of them; digits and dots are at least `width` together.
fn write_nibbles(mut number: i64, width: usize, upper: bool, out: &mut String) {
    let mut left = width;
    loop {
        let digit = char::from_digit((number & 15) as u32, 16).unwrap_or('0');
        out.push(if upper { digit.to_ascii_uppercase() } else { digit });
        left = left.saturating_sub(1);
        number >>= 4;
        if number == 0 && left == 0 {
            return;
        }
        out.push('.');
        left = left.saturating_sub(1);
        if number == 0 && left == 0 {
            return;
        }
    }
}
