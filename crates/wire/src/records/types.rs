//! Lists of record types, as windows of bits (RFC 4034 section 4.1.2).

use std::collections::BTreeSet;

use super::RecordError;
use crate::record_type::RecordType;

/// The most octets of bits in a window: one bit for each of its 256 types.
const WINDOW_OCTETS_MAX: usize = 32;

/// Whether `wire` is a list: windows in ascending order, none empty, none with a zero octet at its end.
pub(super) fn is_list(wire: &[u8]) -> bool {
    let mut rest = wire;
    let mut least = 0u16;
    while let [window, length, after @ ..] = rest {
        let length = usize::from(*length);
        if u16::from(*window) < least || !(1..=WINDOW_OCTETS_MAX).contains(&length) || after.len() < length {
            return false;
        }
        let (bits, after) = after.split_at(length);
        if bits[length - 1] == 0 {
            return false;
        }
        least = u16::from(*window) + 1;
        rest = after;
    }
    rest.is_empty()
}

/// The types of a list, in ascending order.
pub fn types_of(wire: &[u8]) -> Vec<RecordType> {
    let mut types = Vec::new();
    let mut rest = wire;
    while let [window, length, after @ ..] = rest {
        let (bits, after) = after.split_at(usize::from(*length).min(after.len()));
        for (at, octet) in bits.iter().enumerate() {
            let set = (0..8u16).filter(|bit| octet & (0x80 >> bit) != 0);
            types.extend(set.map(|bit| RecordType(u16::from(*window) << 8 | (at as u16) << 3 | bit)));
        }
        rest = after;
    }
    types
}

/// The list of `types`, whatever their order.
pub fn list_of(types: impl IntoIterator<Item = RecordType>) -> Vec<u8> {
    let types: Vec<u16> = types.into_iter().map(|of| of.0).collect::<BTreeSet<u16>>().into_iter().collect();
    let mut wire = Vec::new();
    for window in types.chunk_by(|a, b| a >> 8 == b >> 8) {
        let mut bits = [0u8; WINDOW_OCTETS_MAX];
        let mut octets = 0;
        for &number in window {
            let at = usize::from(number & 0xff);
            bits[at / 8] |= 0x80 >> (at % 8);
            octets = at / 8 + 1;
        }
        wire.extend([(window[0] >> 8) as u8, octets as u8]);
        wire.extend_from_slice(&bits[..octets]);
    }
    wire
}

/// Mnemonics to the end of the text, perhaps none.
pub(super) fn list_from_text(text: &str) -> Result<Vec<u8>, RecordError> {
    let types: Result<Vec<RecordType>, RecordError> =
        text.split([' ', '\t']).filter(|token| !token.is_empty()).map(type_from_text).collect();
    types.map(list_of)
}

/// Mnemonics, a blank between them.
pub(super) fn list_to_text(wire: &[u8]) -> String {
    let types: Vec<String> = types_of(wire).into_iter().map(|of| of.to_string()).collect();
    types.join(" ")
}

/// One mnemonic.
pub(super) fn type_from_text(token: &str) -> Result<RecordType, RecordError> {
    RecordType::from_mnemonic(token).ok_or_else(|| RecordError::value(token, "the mnemonic of a record type"))
}
