//! The kinds of field that record data is made of: how long a value is, how it is read and how it is printed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{RecordError, binary, location, number, parameters, text, types, word};
use crate::name::{self, NAME_OCTETS_MAX, Name, NameError};
use crate::record_type::RecordType;

/// A kind of field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// An IPv4 address, 4 octets.
    Ipv4,
    /// An IPv6 address, 16 octets.
    Ipv6,
    /// A number of 8 bits.
    U8,
    /// A number of 16 bits.
    U16,
    /// A number of 32 bits.
    U32,
    /// Seconds in 32 bits, which a zone file may write with units (`1h30m`).
    Period,
    /// Seconds since 1970 in 32 bits, written as `YYYYMMDDHHmmSS` (RFC 4034 section 3.2).
    Time,
    /// An algorithm of DNSSEC, 8 bits, which may be written as a mnemonic (RFC 4034 appendix A.1).
    Algorithm,
    /// A type of certificate, 16 bits, which may be written as a mnemonic (RFC 4398 section 2.1).
    CertificateType,
    /// A record type, 16 bits, written as a mnemonic.
    Type,
    /// A list of record types, perhaps empty, to the end of the data (RFC 4034 section 4.1.2).
    Types,
    /// A domain name, in lower case (RFC 4034 section 6.2).
    Name {
        /// Whether it may be compressed in a message (RFC 3597 section 4).
        compress: bool,
    },
    /// A domain name that is never compressed, in the case in which it came: canonical form leaves it as it is
    /// (NSEC: RFC 6840 section 5.1; SVCB and HTTPS, which RFC 4034 section 6.2 does not list), so a signature that
    /// somebody else made would break if it was folded. Fold it before looking it up.
    ExactName,
    /// One character string (RFC 1035 section 3.3).
    String,
    /// One or more character strings, to the end of the data (RFC 1035 section 3.3).
    Strings,
    /// Text without a length before it, perhaps empty, to the end of the data.
    Text,
    /// The tag of a CAA property: 1 to 255 letters and digits behind their length (RFC 8659 section 4.1).
    Tag,
    /// One or more octets written in base 16, to the end of the data.
    Hex,
    /// One or more octets written in base 64, to the end of the data.
    Base64,
    /// The salt of hashed names, perhaps empty, behind its length (RFC 5155 section 3.3).
    Salt,
    /// A hashed name, behind its length (RFC 5155 section 3.3).
    Hash,
    /// A place on earth, 16 octets (RFC 1876).
    Location,
    /// The parameters of a service binding, perhaps none, to the end of the data (RFC 9460 section 2.2).
    Parameters,
    /// Octets without a known structure, to the end of the data (RFC 3597).
    Opaque,
}

impl Field {
    /// A host name in a type of RFC 1035, which may be compressed.
    pub(super) const HOST: Self = Self::Name { compress: true };
    /// A host name in a later type, which may not.
    pub(super) const WHOLE_HOST: Self = Self::Name { compress: false };

    /// How many octets the value at the start of `wire` has; none if it is malformed.
    pub fn wire_len(self, wire: &[u8]) -> Option<usize> {
        let whole = |is: bool| is.then_some(wire.len());
        let length = match self {
            Self::U8 | Self::Algorithm => 1,
            Self::U16 | Self::CertificateType | Self::Type => 2,
            Self::Ipv4 | Self::U32 | Self::Period | Self::Time => 4,
            Self::Ipv6 => 16,
            Self::Name { .. } | Self::ExactName => name::wire_len(wire).ok()?,
            Self::String | Self::Salt => usize::from(*wire.first()?) + 1,
            Self::Hash => usize::from(*wire.first().filter(|length| **length > 0)?) + 1,
            Self::Tag => {
                let length = usize::from(*wire.first()?) + 1;
                return is_tag(wire.get(1..length)?).then_some(length);
            }
            Self::Strings => return whole(text::strings_are_whole(wire)),
            Self::Types => return whole(types::is_list(wire)),
            Self::Location => return whole(location::is_location(wire)),
            Self::Parameters => return whole(parameters::are_parameters(wire)),
            Self::Hex | Self::Base64 => return whole(!wire.is_empty()),
            Self::Text | Self::Opaque => wire.len(),
        };
        (length <= wire.len()).then_some(length)
    }

    /// Reads the value at the start of `text` onto `wire`; gives the text behind it.
    pub(super) fn read_text<'t>(
        self,
        field: &'static str,
        text: &'t str,
        names: Names<'_>,
        wire: &mut Vec<u8>,
    ) -> Result<&'t str, RecordError> {
        if text.is_empty() && !matches!(self, Self::Strings | Self::Types | Self::Parameters) {
            return Err(RecordError::Missing(field));
        }
        match self {
            Self::Strings => text::strings_from_zone_file(text, wire)?,
            Self::Types => wire.extend(types::list_from_text(text)?),
            Self::Parameters => wire.extend(parameters::from_text(text)?),
            Self::Hex => wire.extend(binary::hex(text)?),
            Self::Base64 => wire.extend(binary::base64(text)?),
            Self::String => return text::string_from_zone_file(text, wire),
            Self::Location => return location::from_text(text, wire),
            Self::Text => return text::text_from_zone_file(text, wire).map(str::trim_start),
            _ => {
                let (token, rest) = word(text);
                self.read_token(token, names, wire)?;
                return Ok(rest);
            }
        }
        Ok("")
    }

    /// Reads a value that has no blanks in it.
    pub(super) fn read_token(self, token: &str, names: Names<'_>, wire: &mut Vec<u8>) -> Result<(), RecordError> {
        match self {
            Self::Ipv4 => {
                let address: Ipv4Addr = token.parse().map_err(|_| RecordError::Ipv4(token.to_owned()))?;
                wire.extend(address.octets());
            }
            Self::Ipv6 => {
                let address: Ipv6Addr = token.parse().map_err(|_| RecordError::Ipv6(token.to_owned()))?;
                wire.extend(address.octets());
            }
            Self::U8 => wire.push(number::number(token, u32::from(u8::MAX))? as u8),
            Self::U16 => wire.extend((number::number(token, u32::from(u16::MAX))? as u16).to_be_bytes()),
            Self::U32 => wire.extend(number::number(token, u32::MAX)?.to_be_bytes()),
            Self::Period => wire.extend(number::period(token)?.to_be_bytes()),
            Self::Time => wire.extend(number::time(token)?.to_be_bytes()),
            Self::Algorithm => wire.push(number::algorithm(token)?),
            Self::CertificateType => wire.extend(number::certificate_type(token)?.to_be_bytes()),
            Self::Type => wire.extend(types::type_from_text(token)?.0.to_be_bytes()),
            Self::Name { .. } => {
                let start = wire.len();
                names.read(token, wire)?;
                // Length octets are at most 63 and so are never letters.
                wire[start..].make_ascii_lowercase();
            }
            Self::ExactName => names.read(token, wire)?,
            Self::Tag => {
                let length = u8::try_from(token.len()).ok().filter(|_| is_tag(token.as_bytes()));
                wire.push(length.ok_or_else(|| RecordError::value(token, "a tag of 1 to 255 letters and digits"))?);
                wire.extend_from_slice(token.as_bytes());
            }
            Self::Salt => wire.extend(binary::salt(token)?),
            Self::Hash => wire.extend(binary::hash(token)?),
            Self::Strings
            | Self::String
            | Self::Text
            | Self::Types
            | Self::Parameters
            | Self::Location
            | Self::Hex
            | Self::Base64
            | Self::Opaque => return Err(RecordError::value(token, "a value without blanks")),
        }
        Ok(())
    }

    /// Prints a value; `dot` says whether names end in one.
    pub(super) fn to_text(self, value: &[u8], dot: bool) -> String {
        let octets = |value: &[u8]| value.iter().fold(0u32, |number, &octet| number << 8 | u32::from(octet));
        match self {
            Self::Ipv4 => <[u8; 4]>::try_from(value).map(Ipv4Addr::from).map_or(String::new(), |a| a.to_string()),
            Self::Ipv6 => <[u8; 16]>::try_from(value).map(Ipv6Addr::from).map_or(String::new(), |a| a.to_string()),
            Self::U8 | Self::U16 | Self::U32 | Self::Period | Self::Algorithm | Self::CertificateType => {
                octets(value).to_string()
            }
            Self::Time => number::time_text(octets(value)),
            Self::Type => RecordType(octets(value) as u16).to_string(),
            Self::Types => types::list_to_text(value),
            Self::Name { .. } | Self::ExactName => name_text(value, dot),
            Self::String | Self::Strings => text::strings_to_text(value),
            Self::Text => text::quoted_text(value),
            Self::Tag => String::from_utf8_lossy(value.get(1..).unwrap_or_default()).into_owned(),
            Self::Hex => binary::hex_text(value),
            Self::Base64 => binary::base64_text(value),
            Self::Salt => binary::salt_text(value),
            Self::Hash => binary::hash_text(value),
            Self::Location => location::to_text(value),
            Self::Parameters => parameters::to_text(value),
            Self::Opaque => binary::generic_text(value),
        }
    }
}

fn is_tag(octets: &[u8]) -> bool {
    !octets.is_empty() && octets.iter().all(u8::is_ascii_alphanumeric)
}

pub(super) fn name_text(wire: &[u8], dot: bool) -> String {
    let mut text = String::with_capacity(wire.len() + 1);
    // Writing to a string cannot fail.
    let _ = name::write_text(wire, &mut text);
    if dot && wire != [0] {
        text.push('.');
    }
    text
}

/// What names in text are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Names<'o> {
    /// Host names as the API takes them: absolute, and no addresses; `@` is this apex.
    Hosts(&'o Name),
    /// Names of a zone file: relative to this origin, if there is one, unless they end in a dot.
    RelativeTo(Option<&'o Name>),
}

impl Names<'_> {
    /// Reads a name onto `wire`.
    fn read(self, token: &str, wire: &mut Vec<u8>) -> Result<(), RecordError> {
        match self {
            Self::Hosts(apex) if token == "@" => wire.extend_from_slice(apex.as_wire()),
            Self::Hosts(_) => wire.extend_from_slice(host(token)?.as_wire()),
            Self::RelativeTo(origin) => name_in_zone_file(token, origin, wire)
                .map(|_| ())
                .map_err(|why| RecordError::Host { text: token.to_owned(), why })?,
        }
        Ok(())
    }
}

/// A name of a zone file onto `wire`, its case kept: relative to `origin` unless a dot that is not escaped ends it.
/// Gives whether it was absolute.
pub(crate) fn name_in_zone_file(token: &str, origin: Option<&Name>, wire: &mut Vec<u8>) -> Result<bool, NameError> {
    let start = wire.len();
    let absolute = match name::push_plain(token, wire) {
        Some(absolute) => absolute,
        None if token == "@" => false,
        None => push_unusual(token, wire)?,
    };
    if !absolute {
        wire.extend_from_slice(origin.ok_or(NameError::NoOrigin)?.as_wire());
    }
    match wire.len() - start {
        0..=NAME_OCTETS_MAX => Ok(absolute),
        _ => Err(NameError::NameLength),
    }
}

/// The labels of a name with escapes or Unicode onto `wire`, and the root if it is absolute.
fn push_unusual(token: &str, wire: &mut Vec<u8>) -> Result<bool, NameError> {
    if has_quote(token) {
        return Err(NameError::Character);
    }
    // A blank in a token has a backslash before it.
    let parsed = name::text_to_wire(&token.replace("\\ ", "\\032").replace("\\\t", "\\009"))?;
    let is_escaped = |before: &str| before.bytes().rev().take_while(|octet| *octet == b'\\').count() % 2 == 1;
    let absolute = !token.strip_suffix('.').is_none_or(is_escaped);
    let root = usize::from(!absolute);
    wire.extend_from_slice(&parsed[..parsed.len() - root]);
    Ok(absolute)
}

/// Whether there is a quotation mark without a backslash before it.
fn has_quote(token: &str) -> bool {
    let mut escaped = false;
    token.bytes().any(|octet| {
        let is_quote = octet == b'"' && !escaped;
        escaped = octet == b'\\' && !escaped;
        is_quote
    })
}

/// A host name as the API takes it: absolute, and no address.
fn host(token: &str) -> Result<Name, RecordError> {
    if token.parse::<IpAddr>().is_ok() {
        return Err(RecordError::AddressAsHost(token.to_owned()));
    }
    let name = Name::from_text(token).map_err(|why| RecordError::Host { text: token.to_owned(), why })?;
    // An address with a dot at the end, or with escapes, is still one: it would be printed as one.
    match name.to_string().parse::<IpAddr>() {
        Ok(_) => Err(RecordError::AddressAsHost(token.to_owned())),
        Err(_) => Ok(name),
    }
}
