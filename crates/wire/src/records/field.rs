//! The kinds of field that record data is made of: how long a value is, how it is read and how it is printed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{RecordError, text};
use crate::name::{self, Name};

/// A kind of field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// An IPv4 address, 4 octets.
    Ipv4,
    /// An IPv6 address, 16 octets.
    Ipv6,
    /// A number of 16 bits.
    U16,
    /// A number of 32 bits.
    U32,
    /// A domain name.
    Name {
        /// Whether it may be compressed in a message (RFC 3597 section 4).
        compress: bool,
    },
    /// One or more character strings, to the end of the data (RFC 1035 section 3.3).
    Strings,
    /// Octets without a known structure, to the end of the data (RFC 3597).
    Opaque,
}

impl Field {
    /// A host name in a type of RFC 1035, which may be compressed.
    pub(super) const HOST: Self = Self::Name { compress: true };

    /// How many octets the value at the start of `wire` has; none if it is malformed.
    pub fn wire_len(self, wire: &[u8]) -> Option<usize> {
        let length = match self {
            Self::Ipv4 | Self::U32 => 4,
            Self::Ipv6 => 16,
            Self::U16 => 2,
            Self::Name { .. } => name::wire_len(wire).ok()?,
            Self::Strings => return text::strings_are_whole(wire).then_some(wire.len()),
            Self::Opaque => wire.len(),
        };
        (length <= wire.len()).then_some(length)
    }

    /// Reads the value at the start of `text` into `wire`; gives the text behind it. Without an `origin` every name
    /// is absolute.
    pub(super) fn read_text<'t>(
        self,
        field: &'static str,
        text: &'t str,
        origin: Option<&Name>,
        wire: &mut Vec<u8>,
    ) -> Result<&'t str, RecordError> {
        if let Self::Strings = self {
            wire.extend(text::strings_from_zone_file(text)?);
            return Ok("");
        }
        let (token, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        if token.is_empty() {
            return Err(RecordError::Missing(field));
        }
        match self {
            Self::Ipv4 => {
                let address: Ipv4Addr = token.parse().map_err(|_| RecordError::Ipv4(token.to_owned()))?;
                wire.extend_from_slice(&address.octets());
            }
            Self::Ipv6 => {
                let address: Ipv6Addr = token.parse().map_err(|_| RecordError::Ipv6(token.to_owned()))?;
                wire.extend_from_slice(&address.octets());
            }
            Self::U16 => wire.extend_from_slice(&number::<u16>(token, u32::from(u16::MAX))?.to_be_bytes()),
            Self::U32 => wire.extend_from_slice(&number::<u32>(token, u32::MAX)?.to_be_bytes()),
            Self::Name { .. } => wire.extend_from_slice(host(token, origin)?.as_wire()),
            Self::Strings | Self::Opaque => return Err(RecordError::Type(field.to_owned())),
        }
        Ok(rest.trim_start())
    }

    /// Prints a value; `dot` says whether names end in one.
    pub(super) fn to_text(self, value: &[u8], dot: bool) -> String {
        let octets = |value: &[u8]| value.iter().fold(0u32, |number, &octet| number << 8 | u32::from(octet));
        match self {
            Self::Ipv4 => <[u8; 4]>::try_from(value).map(Ipv4Addr::from).map_or(String::new(), |a| a.to_string()),
            Self::Ipv6 => <[u8; 16]>::try_from(value).map(Ipv6Addr::from).map_or(String::new(), |a| a.to_string()),
            Self::U16 | Self::U32 => octets(value).to_string(),
            Self::Name { .. } => match Name::from_wire(value) {
                Ok(name) if dot && !name.is_root() => format!("{name}."),
                Ok(name) => name.to_string(),
                Err(_) => String::new(),
            },
            Self::Strings => text::strings_to_text(value),
            Self::Opaque => {
                let hex: String = value.iter().map(|octet| format!("{octet:02X}")).collect();
                format!("\\# {} {hex}", value.len())
            }
        }
    }
}

fn number<T: std::str::FromStr>(token: &str, max: u32) -> Result<T, RecordError> {
    let digits = token.bytes().all(|octet| octet.is_ascii_digit());
    digits.then(|| token.parse().ok()).flatten().ok_or_else(|| RecordError::Number { text: token.to_owned(), max })
}

fn host(token: &str, origin: Option<&Name>) -> Result<Name, RecordError> {
    if token.parse::<IpAddr>().is_ok() {
        return Err(RecordError::AddressAsHost(token.to_owned()));
    }
    let name = match origin {
        Some(origin) if token == "@" => return Ok(origin.clone()),
        Some(origin) if !token.ends_with('.') => origin.prepend(token),
        _ => Name::from_text(token),
    };
    let name = name.map_err(|why| RecordError::Host { text: token.to_owned(), why })?;
    // An address with a dot at the end, or with escapes, is still one: it would be printed as one.
    match name.to_string().parse::<IpAddr>() {
        Ok(_) => Err(RecordError::AddressAsHost(token.to_owned())),
        Err(_) => Ok(name),
    }
}
