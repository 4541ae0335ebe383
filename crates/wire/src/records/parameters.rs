//! The parameters of SVCB and HTTPS (RFC 9460): keys and values, each key with a form of its own.
//!
//! On the wire keys ascend and none comes twice. In text they come in any order, are printed in wire order, and a key
//! without a name here is `keyNNNNN`. A record in alias mode has no use for parameters, and its readers ignore them
//! (section 2.4.2): they are taken as they are.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{RecordError, binary, number, text};

/// Keys and their names (RFC 9460 section 14.3.2, RFC 9461, RFC 9540).
const KEYS: &[(u16, &str)] = &[
    (MANDATORY, "mandatory"),
    (ALPN, "alpn"),
    (NO_DEFAULT_ALPN, "no-default-alpn"),
    (PORT, "port"),
    (IPV4_HINT, "ipv4hint"),
    (ECH, "ech"),
    (IPV6_HINT, "ipv6hint"),
    (DOH_PATH, "dohpath"),
    (OHTTP, "ohttp"),
];
const MANDATORY: u16 = 0;
const ALPN: u16 = 1;
const NO_DEFAULT_ALPN: u16 = 2;
const PORT: u16 = 3;
const IPV4_HINT: u16 = 4;
const ECH: u16 = 5;
const IPV6_HINT: u16 = 6;
const DOH_PATH: u16 = 7;
const OHTTP: u16 = 8;

/// Whether these are well-formed parameters in ascending order.
pub(super) fn are_parameters(wire: &[u8]) -> bool {
    split(wire).is_some_and(|parameters| check(&parameters).is_ok())
}

/// Reads parameters to the end of the text.
pub(super) fn from_text(text: &str) -> Result<Vec<u8>, RecordError> {
    let mut parameters: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, value, after) = parameter(rest)?;
        if parameters.insert(key, value).is_some() {
            return Err(RecordError::Rule("a parameter comes twice"));
        }
        rest = after;
    }
    let given: Vec<(u16, &[u8])> = parameters.iter().map(|(key, value)| (*key, &value[..])).collect();
    check(&given).map_err(RecordError::Rule)?;
    let mut wire = Vec::new();
    for (key, value) in given {
        let length = u16::try_from(value.len()).map_err(|_| RecordError::TooLong)?;
        wire.extend(key.to_be_bytes());
        wire.extend(length.to_be_bytes());
        wire.extend_from_slice(value);
    }
    Ok(wire)
}

/// Prints parameters in the order of their keys, values in quotes.
pub(super) fn to_text(wire: &[u8]) -> String {
    let parameters = split(wire).unwrap_or_default();
    let texts = parameters.into_iter().map(|(key, value)| match value {
        [] => key_text(key),
        _ => format!("{}={}", key_text(key), text::quoted_text(&value_text(key, value))),
    });
    texts.collect::<Vec<String>>().join(" ")
}

fn split(wire: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let mut parameters: Vec<(u16, &[u8])> = Vec::new();
    let mut rest = wire;
    while let [key_high, key_low, high, low, after @ ..] = rest {
        let key = u16::from_be_bytes([*key_high, *key_low]);
        let (value, after) = after.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))?;
        if parameters.last().is_some_and(|(last, _)| *last >= key) {
            return None;
        }
        parameters.push((key, value));
        rest = after;
    }
    rest.is_empty().then_some(parameters)
}

/// The forms of the values, and what keys ask of each other. `parameters` ascend.
fn check(parameters: &[(u16, &[u8])]) -> Result<(), &'static str> {
    let is_there = |key: u16| parameters.iter().any(|(given, _)| *given == key);
    for (key, value) in parameters {
        match *key {
            MANDATORY => check_mandatory(value, is_there)?,
            ALPN if value.is_empty() || items(value).is_none() => return Err("alpn lists ids of 1 to 255 octets"),
            NO_DEFAULT_ALPN if !value.is_empty() => return Err("no-default-alpn has no value"),
            NO_DEFAULT_ALPN if !is_there(ALPN) => return Err("no-default-alpn needs alpn"),
            PORT if value.len() != 2 => return Err("port is a number of 16 bits"),
            IPV4_HINT if value.is_empty() || value.len() % 4 != 0 => return Err("ipv4hint lists IPv4 addresses"),
            ECH if value.is_empty() => return Err("ech has a value"),
            IPV6_HINT if value.is_empty() || value.len() % 16 != 0 => return Err("ipv6hint lists IPv6 addresses"),
            DOH_PATH if !is_template(value) => return Err("dohpath is a relative URI template with the variable dns"),
            OHTTP if !value.is_empty() => return Err("ohttp has no value"),
            _ => {}
        }
    }
    Ok(())
}

fn check_mandatory(value: &[u8], is_there: impl Fn(u16) -> bool) -> Result<(), &'static str> {
    let (keys, []) = value.as_chunks::<2>() else { return Err("mandatory is a list of keys") };
    let keys: Vec<u16> = keys.iter().map(|key| u16::from_be_bytes(*key)).collect();
    if keys.is_empty() || keys.iter().any(|key| *key == MANDATORY || !is_there(*key)) {
        return Err("mandatory lists one or more other keys, all of them given");
    }
    match keys.is_sorted_by(|a, b| a < b) {
        true => Ok(()),
        false => Err("mandatory lists each key once"),
    }
}

/// The ids of an `alpn`; none if one is empty or cut.
fn items(value: &[u8]) -> Option<Vec<&[u8]>> {
    let mut items = Vec::new();
    let mut rest = value;
    while let Some((&length, after)) = rest.split_first() {
        let (item, after) = after.split_at_checked(usize::from(length)).filter(|(item, _)| !item.is_empty())?;
        items.push(item);
        rest = after;
    }
    Some(items)
}

/// A path with an expression that names `dns` (RFC 9461 section 5, RFC 6570).
fn is_template(value: &[u8]) -> bool {
    let Some(template) = std::str::from_utf8(value).ok().filter(|text| text.starts_with('/')) else { return false };
    let expressions = template.split('{').skip(1).filter_map(|part| part.split_once('}'));
    let mut variables = expressions.flat_map(|(inside, _)| {
        let list = inside.strip_prefix(['+', '#', '.', '/', ';', '?', '&']).unwrap_or(inside);
        list.split(',').map(|variable| variable.split([':', '*']).next().unwrap_or_default())
    });
    variables.any(|variable| variable == "dns")
}

/// One parameter at the start of `text`: its key, its value on the wire, and the text behind it.
fn parameter(text: &str) -> Result<(u16, Vec<u8>, &str), RecordError> {
    let end = text.find([' ', '\t', '=']).unwrap_or(text.len());
    let (key, rest) = text.split_at(end);
    let (number, by_number) = key_from_text(key)?;
    let mut given = Vec::new();
    let rest = match rest.strip_prefix('=') {
        Some(value) if value.is_empty() || value.starts_with([' ', '\t']) => value,
        Some(value) => text::text_from_zone_file(value, &mut given)?,
        None => rest,
    };
    if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
        return Err(RecordError::Quotes);
    }
    let value = if by_number { given } else { value_from_text(number, &given)? };
    Ok((number, value, rest.trim_start()))
}

/// A key, and whether it was written as a number, so that its value is plain octets (RFC 9460 section 2.1).
fn key_from_text(key: &str) -> Result<(u16, bool), RecordError> {
    if let Some((number, _)) = KEYS.iter().find(|(_, name)| *name == key) {
        return Ok((*number, false));
    }
    let digits = key.strip_prefix("key").filter(|digits| *digits == "0" || !digits.starts_with('0'));
    let number = digits.and_then(|digits| number::number(digits, u32::from(u16::MAX)).ok());
    let number = number.ok_or_else(|| RecordError::value(key, "the key of a parameter"))?;
    Ok((number as u16, true))
}

fn key_text(key: u16) -> String {
    let known = KEYS.iter().find(|(number, _)| *number == key);
    known.map_or_else(|| format!("key{key}"), |(_, name)| (*name).to_owned())
}

/// The value of a key with a name from its text, escapes of the character string undone.
fn value_from_text(key: u16, given: &[u8]) -> Result<Vec<u8>, RecordError> {
    let string = || std::str::from_utf8(given).map_err(|_| RecordError::value(&text::quoted_text(given), "text"));
    match key {
        MANDATORY => {
            let keys: Result<Vec<u16>, RecordError> =
                string()?.split(',').map(|key| key_from_text(key).map(|(number, _)| number)).collect();
            let mut keys = keys?;
            keys.sort_unstable();
            Ok(keys.into_iter().flat_map(u16::to_be_bytes).collect())
        }
        ALPN => ids_from_text(given),
        PORT => Ok((number::number(string()?, u32::from(u16::MAX))? as u16).to_be_bytes().to_vec()),
        IPV4_HINT => list(string()?, |item| {
            let address: Ipv4Addr = item.parse().map_err(|_| RecordError::Ipv4(item.to_owned()))?;
            Ok(address.octets().to_vec())
        }),
        IPV6_HINT => list(string()?, |item| {
            let address: Ipv6Addr = item.parse().map_err(|_| RecordError::Ipv6(item.to_owned()))?;
            Ok(address.octets().to_vec())
        }),
        ECH => binary::base64(string()?),
        _ => Ok(given.to_vec()),
    }
}

fn list(text: &str, item: impl Fn(&str) -> Result<Vec<u8>, RecordError>) -> Result<Vec<u8>, RecordError> {
    let items: Result<Vec<Vec<u8>>, RecordError> = text.split(',').map(item).collect();
    items.map(|items| items.concat())
}

/// A list of ids with commas between; inside an id a backslash stands before a comma and a backslash (RFC 9460
/// appendix A.1).
fn ids_from_text(given: &[u8]) -> Result<Vec<u8>, RecordError> {
    let wrong = || RecordError::value(&text::quoted_text(given), "a list of ids of 1 to 255 octets");
    let mut ids: Vec<Vec<u8>> = vec![Vec::new()];
    let mut octets = given.iter();
    while let Some(&octet) = octets.next() {
        match (octet, ids.last_mut()) {
            (b',', _) => ids.push(Vec::new()),
            (b'\\', Some(id)) => match octets.next() {
                Some(&escaped @ (b',' | b'\\')) => id.push(escaped),
                _ => return Err(wrong()),
            },
            (_, Some(id)) => id.push(octet),
            (_, None) => {}
        }
    }
    let mut wire = Vec::new();
    for id in ids {
        wire.push(u8::try_from(id.len()).ok().filter(|length| *length > 0).ok_or_else(wrong)?);
        wire.extend(id);
    }
    Ok(wire)
}

/// The value of a key as text, without the quotes and escapes of the character string.
fn value_text(key: u16, value: &[u8]) -> Vec<u8> {
    let joined = |items: Vec<String>| items.join(",").into_bytes();
    match key {
        MANDATORY => joined(value.as_chunks::<2>().0.iter().map(|key| key_text(u16::from_be_bytes(*key))).collect()),
        ALPN => {
            let escaped = |id: &&[u8]| -> Vec<u8> {
                id.iter()
                    .flat_map(|&octet| match octet {
                        b',' | b'\\' => vec![b'\\', octet],
                        _ => vec![octet],
                    })
                    .collect()
            };
            items(value).unwrap_or_default().iter().map(escaped).collect::<Vec<Vec<u8>>>().join(&b',')
        }
        PORT => joined(value.as_chunks::<2>().0.iter().map(|port| u16::from_be_bytes(*port).to_string()).collect()),
        IPV4_HINT => joined(value.as_chunks::<4>().0.iter().map(|a| Ipv4Addr::from(*a).to_string()).collect()),
        IPV6_HINT => joined(value.as_chunks::<16>().0.iter().map(|a| Ipv6Addr::from(*a).to_string()).collect()),
        ECH => binary::base64_text(value).into_bytes(),
        _ => value.to_vec(),
    }
}
