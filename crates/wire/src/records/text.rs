//! Character strings (RFC 1035 section 3.3) between the text that people write and the octets on the wire.
//!
//! The API takes TXT content in two spellings (docs: dns/manage-dns-records/reference/dns-record-types, "TXT"): with
//! quotes it is a sequence of strings, each cut where the writer cut it; without any it is the text itself, cut every
//! 255 octets. A quote in between is inconsistent, and refused.

use super::RecordError;

/// The longest character string (RFC 1035 section 3.3).
const STRING_OCTETS_MAX: usize = 255;

/// API `content` to wire form.
pub(super) fn strings_from_api(content: &str) -> Result<Vec<u8>, RecordError> {
    if content.is_empty() {
        return Err(RecordError::Missing("content"));
    }
    let trimmed = content.trim();
    if trimmed.starts_with('"') {
        return quoted(trimmed);
    }
    if content.contains('"') {
        return Err(RecordError::Quotes);
    }
    Ok(cut(content.as_bytes()))
}

/// Zone-file text onto `wire`: quoted strings and bare words, each a string of its own.
pub(super) fn strings_from_zone_file(text: &str, wire: &mut Vec<u8>) -> Result<(), RecordError> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(RecordError::Missing("text"));
    }
    while !rest.is_empty() {
        rest = string_from_zone_file(rest, wire)?;
    }
    Ok(())
}

/// One string at the start of zone-file text, onto `wire` behind its length; gives the text behind it.
pub(super) fn string_from_zone_file<'t>(text: &'t str, wire: &mut Vec<u8>) -> Result<&'t str, RecordError> {
    let start = wire.len();
    wire.push(0);
    let rest = text_from_zone_file(text, wire)?;
    let length = wire.len() - start - 1;
    wire[start] = u8::try_from(length).map_err(|_| RecordError::StringTooLong(length))?;
    Ok(rest.trim_start())
}

/// A quoted string or a bare word of any length at the start of zone-file text, onto `value`; gives the text behind it.
pub(super) fn text_from_zone_file<'t>(text: &'t str, value: &mut Vec<u8>) -> Result<&'t str, RecordError> {
    match text.strip_prefix('"') {
        Some(inside) => until_quote(inside, Escapes::Strict, value),
        None => bare_word(text, value),
    }
}

/// Wire form to quoted strings, as both a zone file and the API understand them.
pub(super) fn strings_to_text(wire: &[u8]) -> String {
    let mut texts = Vec::new();
    let mut rest = wire;
    while let Some((&length, after)) = rest.split_first() {
        let (string, after) = after.split_at(usize::from(length).min(after.len()));
        texts.push(quoted_text(string));
        rest = after;
    }
    texts.join(" ")
}

/// Octets in quotes, with escapes for what is not plain ASCII.
pub(super) fn quoted_text(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len() + 2);
    text.push('"');
    for &octet in octets {
        match octet {
            b'"' | b'\\' => text.extend(['\\', octet as char]),
            0x20..=0x7e => text.push(octet as char),
            _ => text.push_str(&format!("\\{octet:03}")),
        }
    }
    text.push('"');
    text
}

/// Octets as a string of the API's `data`: the text itself. What JSON or [`octets_of_json`] would take for something else
/// is written as `\DDD`.
pub(super) fn json_text(octets: &[u8]) -> String {
    let is_text = std::str::from_utf8(octets).is_ok();
    let is_quoted = octets.len() > 1 && octets.starts_with(b"\"") && octets.ends_with(b"\"");
    let mut text = Vec::with_capacity(octets.len());
    for (at, &octet) in octets.iter().enumerate() {
        let is_escape = || octet == b'\\' && matches!(octets[at + 1..], [a, b, c, ..] if are_digits([a, b, c]));
        match octet {
            b'"' if at == 0 && is_quoted => text.extend(b"\\034"),
            128.. if !is_text => text.extend(format!("\\{octet:03}").bytes()),
            _ if is_escape() => text.extend(b"\\092"),
            _ => text.push(octet),
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The octets of a string of the API's `data`: the text itself, but that `\DDD` is one octet, and that a text in
/// quotation marks is read as a zone file has it (lexicon sends the words of one).
pub(super) fn octets_of_json(text: &str, octets: &mut Vec<u8>) -> Result<(), RecordError> {
    if let Some(inside) = text.strip_prefix('"').filter(|inside| inside.ends_with('"')) {
        return match until_quote(inside, Escapes::Lenient, octets)? {
            "" => Ok(()),
            _ => Err(RecordError::Quotes),
        };
    }
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let (octet, behind) = match after {
            [a, b, c, behind @ ..] if *first == b'\\' && are_digits([*a, *b, *c]) => (code([*a, *b, *c])?, behind),
            _ => (*first, after),
        };
        octets.push(octet);
        rest = behind;
    }
    Ok(())
}

fn are_digits(octets: [u8; 3]) -> bool {
    octets.iter().all(u8::is_ascii_digit)
}

/// The octet with this number in decimal.
fn code(digits: [u8; 3]) -> Result<u8, RecordError> {
    let code = digits.iter().fold(0, |code, digit| code * 10 + u32::from(digit - b'0'));
    u8::try_from(code).map_err(|_| RecordError::Number { text: code.to_string(), max: 255 })
}

/// Whether `wire` is one or more whole strings.
pub(super) fn strings_are_whole(wire: &[u8]) -> bool {
    let mut at = 0;
    while let Some(&length) = wire.get(at) {
        at += usize::from(length) + 1;
    }
    at == wire.len() && at > 0
}

fn quoted(text: &str) -> Result<Vec<u8>, RecordError> {
    let mut wire = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let inside = rest.strip_prefix('"').ok_or(RecordError::Quotes)?;
        let mut value = Vec::new();
        let after = until_quote(inside, Escapes::Lenient, &mut value)?;
        wire.extend(cut(&value));
        rest = after.trim_start();
    }
    Ok(wire)
}

/// What a backslash before a digit may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    /// The digit itself, unless three digits follow, as the API takes it.
    Lenient,
    /// The first of three digits (RFC 1035 section 5.1).
    Strict,
}

fn until_quote<'t>(text: &'t str, escapes: Escapes, value: &mut Vec<u8>) -> Result<&'t str, RecordError> {
    let at = unescape(text, escapes, |octet| octet == b'"', value)?;
    match text.as_bytes().get(at) {
        Some(_) => Ok(&text[at + 1..]),
        None => Err(RecordError::Quotes),
    }
}

fn bare_word<'t>(text: &'t str, value: &mut Vec<u8>) -> Result<&'t str, RecordError> {
    let at = unescape(text, Escapes::Strict, |octet| matches!(octet, b' ' | b'\t' | b'"'), value)?;
    match text.as_bytes().get(at) {
        Some(b'"') => Err(RecordError::Quotes),
        _ => Ok(&text[at..]),
    }
}

/// Octets up to the first unescaped one that `ends` the value, onto `value`; gives where that is.
fn unescape(
    text: &str,
    escapes: Escapes,
    ends: impl Fn(u8) -> bool,
    value: &mut Vec<u8>,
) -> Result<usize, RecordError> {
    let octets = text.as_bytes();
    let mut at = 0;
    loop {
        let plain = octets[at..].iter().position(|octet| *octet == b'\\' || ends(*octet));
        let end = plain.map_or(octets.len(), |length| at + length);
        value.extend_from_slice(&octets[at..end]);
        at = end;
        if octets.get(at) != Some(&b'\\') {
            return Ok(at);
        }
        match octets[at + 1..] {
            [a, b, c, ..] if are_digits([a, b, c]) => {
                value.push(code([a, b, c])?);
                at += 4;
            }
            [digit, ..] if digit.is_ascii_digit() && escapes == Escapes::Strict => {
                return Err(RecordError::value(text, "text in which three digits follow a backslash and a digit"));
            }
            [escaped, ..] => {
                value.push(escaped);
                at += 2;
            }
            [] => return Err(RecordError::Quotes),
        }
    }
}

fn cut(value: &[u8]) -> Vec<u8> {
    if value.is_empty() {
        return vec![0];
    }
    let mut wire = Vec::with_capacity(value.len() + value.len() / STRING_OCTETS_MAX + 1);
    for chunk in value.chunks(STRING_OCTETS_MAX) {
        wire.push(chunk.len() as u8);
        wire.extend_from_slice(chunk);
    }
    wire
}
