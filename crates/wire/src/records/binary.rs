//! Octets that people write as digits: hex (RFC 3597, RFC 4034), base64 (RFC 4034), base32hex (RFC 5155).

use data_encoding::{BASE32HEX_NOPAD, BASE64, HEXUPPER};

use super::{RecordError, word};

/// Base 16, blanks allowed, to the end of the text.
pub(super) fn hex(text: &str) -> Result<Vec<u8>, RecordError> {
    HEXUPPER.decode(&digits(text)).map_err(|_| RecordError::value(text, "text in base 16"))
}

/// Base 64 with padding, blanks allowed, to the end of the text.
pub(super) fn base64(text: &str) -> Result<Vec<u8>, RecordError> {
    let digits: Vec<u8> = text.bytes().filter(|octet| !is_blank(*octet)).collect();
    BASE64.decode(&digits).map_err(|_| RecordError::value(text, "text in base 64"))
}

/// Octets as text in base 16.
pub(super) fn hex_text(octets: &[u8]) -> String {
    HEXUPPER.encode(octets)
}

/// Octets as text in base 64.
pub(super) fn base64_text(octets: &[u8]) -> String {
    BASE64.encode(octets)
}

/// What follows `\#`: a length and as many octets in base 16 (RFC 3597 section 5).
pub(super) fn generic(text: &str) -> Result<Vec<u8>, RecordError> {
    let (length, rest) = word(text);
    let wrong = || RecordError::value(text, "a length and as many octets in base 16");
    let length: u16 = match length.bytes().all(|octet| octet.is_ascii_digit()) {
        true => length.parse().map_err(|_| wrong())?,
        false => return Err(wrong()),
    };
    let octets = hex(rest)?;
    match octets.len() == usize::from(length) {
        true => Ok(octets),
        false => Err(wrong()),
    }
}

/// Octets of any type as text (RFC 3597 section 5).
pub(super) fn generic_text(octets: &[u8]) -> String {
    match octets {
        [] => "\\# 0".to_owned(),
        _ => format!("\\# {} {}", octets.len(), hex_text(octets)),
    }
}

/// The salt of NSEC3, behind its length; `-` is none (RFC 5155 section 3.3).
pub(super) fn salt(token: &str) -> Result<Vec<u8>, RecordError> {
    let octets = match token {
        "-" => Vec::new(),
        _ => hex(token)?,
    };
    with_length(octets).ok_or_else(|| RecordError::value(token, "a salt of at most 255 octets"))
}

/// A salt behind its length, as text.
pub(super) fn salt_text(value: &[u8]) -> String {
    match value {
        [_, octets @ ..] if !octets.is_empty() => hex_text(octets),
        _ => "-".to_owned(),
    }
}

/// A hashed owner name, behind its length (RFC 5155 section 3.3: base 32, extended hex alphabet, no padding).
pub(super) fn hash(token: &str) -> Result<Vec<u8>, RecordError> {
    let octets = BASE32HEX_NOPAD.decode(token.to_ascii_uppercase().as_bytes()).ok();
    let octets = octets.filter(|octets| !octets.is_empty()).and_then(with_length);
    octets.ok_or_else(|| RecordError::value(token, "a hash in base 32"))
}

/// A hashed owner name behind its length, as text.
pub(super) fn hash_text(value: &[u8]) -> String {
    BASE32HEX_NOPAD.encode(value.get(1..).unwrap_or_default())
}

fn with_length(octets: Vec<u8>) -> Option<Vec<u8>> {
    let length = u8::try_from(octets.len()).ok()?;
    Some([vec![length], octets].concat())
}

fn digits(text: &str) -> Vec<u8> {
    text.bytes().filter(|octet| !is_blank(*octet)).map(|octet| octet.to_ascii_uppercase()).collect()
}

fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}
