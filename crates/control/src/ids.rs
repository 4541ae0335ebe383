//! Public ids: what the API shows of an object. 128 bits, kept as 16 bytes, written as 32 lower-case hex digits.
//!
//! Inside, keys are integers; a public id is random and says nothing about how many objects there are.

use std::fmt;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Time;
use crate::random::Random;

/// The id of an object as the API shows it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicId(pub [u8; 16]);

impl PublicId {
    /// A new id.
    pub fn new(random: &dyn Random) -> Self {
        let mut octets = [0; 16];
        random.fill(&mut octets);
        Self(octets)
    }

    /// New ids for objects that are made together: all begin with the time, in microseconds, so that they stand together
    /// in an index; the other half is random, and each its own.
    pub(crate) fn neighbours(random: &dyn Random, now: Time, count: usize) -> Vec<Self> {
        let mut octets = vec![0; count * 8];
        random.fill(&mut octets);
        let time = now.0.to_be_bytes();
        let id = |own: &[u8; 8]| {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&time);
            id[8..].copy_from_slice(own);
            Self(id)
        };
        octets.as_chunks::<8>().0.iter().map(id).collect()
    }

    /// Reads exactly 32 lower-case hex digits; none for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 32 {
            return None;
        }
        let mut octets = [0; 16];
        for (octet, pair) in octets.iter_mut().zip(digits.chunks_exact(2)) {
            *octet = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(octets))
    }
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PublicId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("an id has 32 lower-case hex digits"))
    }
}

impl ToSql for PublicId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(&self.0)))
    }
}

impl FromSql for PublicId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let octets = value.as_blob()?;
        octets
            .try_into()
            .map(Self)
            .map_err(|_| FromSqlError::InvalidBlobSize { expected_size: 16, blob_size: octets.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_exactly_32_lower_case_hex_digits() {
        let text = "00112233445566778899aabbccddeeff";
        assert_eq!(PublicId::parse(text).unwrap().to_string(), text);
        for refused in ["", "0011", "00112233445566778899AABBCCDDEEFF", "00112233445566778899aabbccddeefg"] {
            assert_eq!(PublicId::parse(refused), None, "{refused}");
        }
        assert_eq!(PublicId::parse(&format!("{text}0")), None);
    }
}
