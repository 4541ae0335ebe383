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
            [a, b, c, ..] if a.is_ascii_digit() && b.is_ascii_digit() && c.is_ascii_digit() => {
                let code = u32::from(a - b'0') * 100 + u32::from(b - b'0') * 10 + u32::from(c - b'0');
                let too_big = RecordError::Number { text: code.to_string(), max: 255 };
                value.push(u8::try_from(code).map_err(|_| too_big)?);
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
