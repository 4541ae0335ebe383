//! Places on earth (RFC 1876): degrees, minutes, seconds, metres in text and in the API's `data`; 16 octets on the wire.

use serde_json::{Map, Value};

use super::{RecordError, word};

/// Octets of version 0, the only one there is.
pub(super) const OCTETS: usize = 16;

/// Thousandths of a second of arc in a degree.
const DEGREE: u32 = 3_600_000;
/// What stands for the equator and for the prime meridian.
const MIDDLE: u32 = 1 << 31;
/// Centimetres from where altitudes are counted up to the reference spheroid.
const BELOW: i64 = 10_000_000;
/// The largest size and precision, in centimetres.
const SIZE_MAX: u64 = 9_000_000_000;
/// What is meant by leaving size, horizontal and vertical precision away: 1 m, 10 km, 10 m.
const DEFAULTS: [u8; 3] = [0x12, 0x16, 0x13];

/// Whether these are a location of version 0 within its bounds.
pub(super) fn is_location(wire: &[u8]) -> bool {
    let Some(([0, sizes @ ..], [latitude, longitude, _])) = split(wire) else { return false };
    // There is one way to say nothing.
    let is_size = |size: u8| size == 0 || (1..=9).contains(&(size >> 4)) && size & 15 <= 9;
    sizes.into_iter().all(is_size)
        && latitude.abs_diff(MIDDLE) <= 90 * DEGREE
        && longitude.abs_diff(MIDDLE) <= 180 * DEGREE
}

/// Reads a location; gives the text behind it.
pub(super) fn from_text<'t>(text: &'t str, wire: &mut Vec<u8>) -> Result<&'t str, RecordError> {
    let (latitude, rest) = angle(text, 90, ["N", "S"])?;
    let (longitude, rest) = angle(rest, 180, ["E", "W"])?;
    let (token, mut rest) = word(rest);
    let altitude = altitude(token)?;
    let mut sizes = DEFAULTS;
    for size in &mut sizes {
        let (token, after) = word(rest);
        if token.is_empty() {
            break;
        }
        *size = size_of(token)?;
        rest = after;
    }
    wire.push(0);
    wire.extend_from_slice(&sizes);
    wire.extend([latitude, longitude, altitude].into_iter().flat_map(u32::to_be_bytes));
    Ok(rest)
}

/// All fields in full.
pub(super) fn to_text(wire: &[u8]) -> String {
    let Some(([_, sizes @ ..], [latitude, longitude, altitude])) = split(wire) else {
        return String::new();
    };
    let altitude = i64::from(altitude) - BELOW;
    let sign = if altitude < 0 { "-" } else { "" };
    let mut text = format!(
        "{} {} {sign}{}",
        angle_text(latitude, ["N", "S"]),
        angle_text(longitude, ["E", "W"]),
        metres_text(altitude.unsigned_abs())
    );
    for size in sizes {
        text += &format!(" {}", metres_text(u64::from(size >> 4) * 10u64.pow(u32::from(size & 15))));
    }
    text
}

/// The members of the API's `data` and their values; lengths are in metres.
pub(super) fn members(wire: &[u8]) -> Vec<(&'static str, Value)> {
    let Some(([_, sizes @ ..], [latitude, longitude, altitude])) = split(wire) else { return Vec::new() };
    let mut members = Vec::with_capacity(12);
    for (names, angle, directions) in [(&LATITUDE, latitude, ["N", "S"]), (&LONGITUDE, longitude, ["E", "W"])] {
        let thousandths = angle.abs_diff(MIDDLE);
        let direction = if angle >= MIDDLE { directions[0] } else { directions[1] };
        members.push((names[0], (thousandths / DEGREE).into()));
        members.push((names[1], (thousandths / (DEGREE / 60) % 60).into()));
        members.push((names[2], scaled(i64::from(thousandths % (DEGREE / 60)), 1000)));
        members.push((names[3], direction.into()));
    }
    members.push(("altitude", scaled(i64::from(altitude) - BELOW, 100)));
    for (name, size) in SIZES.iter().zip(sizes) {
        members.push((name, scaled(i64::from(size >> 4) * 10i64.pow(u32::from(size & 15)), 100)));
    }
    members
}

/// Reads the members of the API's `data`. Minutes, seconds and sizes may be absent, as in text.
pub(super) fn from_members(data: &Map<String, Value>, wire: &mut Vec<u8>) -> Result<(), RecordError> {
    let given = |name: &str| data.get(name).filter(|value| !value.is_null());
    let member = |name: &'static str, places: usize, range: (f64, f64), absent: Option<&str>| match given(name) {
        Some(value) => decimal_text(value, places, range)
            .ok_or_else(|| RecordError::value(&value.to_string(), "a number in its range").of_member(name)),
        None => absent.map(str::to_owned).ok_or(RecordError::MemberMissing(name)),
    };
    let mut text = String::new();
    for (names, degrees_max, directions) in [(&LATITUDE, 90.0, ["N", "S"]), (&LONGITUDE, 180.0, ["E", "W"])] {
        let direction = given(names[3]).ok_or(RecordError::MemberMissing(names[3]))?;
        let is_direction = |text: &&str| directions.iter().any(|direction| direction.eq_ignore_ascii_case(text));
        let needed = if directions[0] == "N" { "N or S" } else { "E or W" };
        let direction =
            direction.as_str().map(str::trim).filter(is_direction).ok_or_else(|| {
                RecordError::value(direction.as_str().unwrap_or_default(), needed).of_member(names[3])
            })?;
        text += &format!(
            "{} {} {} {direction} ",
            member(names[0], 0, (0.0, degrees_max), None)?,
            member(names[1], 0, (0.0, 59.0), Some("0"))?,
            member(names[2], 3, (0.0, 59.999), Some("0"))?
        );
    }
    text += &member("altitude", 2, (-100_000.0, 42_849_672.95), None)?;
    for (name, absent) in SIZES.into_iter().zip(["1", "10000", "10"]) {
        text += &format!(" {}", member(name, 2, (0.0, 90_000_000.0), Some(absent))?);
    }
    from_text(&text, wire).map(|_| ())
}

/// The members of an angle: degrees, minutes, seconds, direction.
const LATITUDE: [&str; 4] = ["lat_degrees", "lat_minutes", "lat_seconds", "lat_direction"];
const LONGITUDE: [&str; 4] = ["long_degrees", "long_minutes", "long_seconds", "long_direction"];
/// The members that are sizes, as they come on the wire.
const SIZES: [&str; 3] = ["size", "precision_horz", "precision_vert"];

/// A number of parts, `per` of which are one; whole ones as a whole number.
fn scaled(parts: i64, per: i64) -> Value {
    match parts % per {
        0 => (parts / per).into(),
        _ => (parts as f64 / per as f64).into(),
    }
}

/// A number, or a string that holds one (with a unit, as text has it), with so many places behind the point.
fn decimal_text(value: &Value, places: usize, (least, most): (f64, f64)) -> Option<String> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => without_unit(text.trim()).parse().ok()?,
        _ => return None,
    };
    (least..=most).contains(&number).then(|| format!("{number:.places$}"))
}

fn split(wire: &[u8]) -> Option<([u8; 4], [u32; 3])> {
    let (small, large) = <&[u8; OCTETS]>::try_from(wire).ok()?.split_first_chunk::<4>()?;
    let number = |at: usize| large[at..at + 4].iter().fold(0u32, |number, octet| number << 8 | u32::from(*octet));
    Some((*small, [number(0), number(4), number(8)]))
}

/// Degrees, perhaps minutes, perhaps seconds, and one of two directions, the first of which counts up.
fn angle<'t>(text: &'t str, degrees_max: u32, directions: [&str; 2]) -> Result<(u32, &'t str), RecordError> {
    let wrong = || RecordError::value(text, "a location as `d [m [s]] N|S d [m [s]] E|W altitude`");
    let mut thousandths = 0;
    let mut rest = text;
    for (at, unit) in [DEGREE, DEGREE / 60, DEGREE / 3600].into_iter().enumerate() {
        let (token, after) = word(rest);
        if at > 0 && directions.iter().any(|direction| direction.eq_ignore_ascii_case(token)) {
            break;
        }
        let (places, max) = [(0, degrees_max), (0, 59), (3, 59_999)][at];
        let value = decimal(token, places).and_then(|value| u32::try_from(value).ok()).filter(|value| *value <= max);
        thousandths += value.ok_or_else(wrong)? * if at == 2 { 1 } else { unit };
        rest = after;
    }
    let (token, after) = word(rest);
    if thousandths > degrees_max * DEGREE {
        return Err(wrong());
    }
    match directions.iter().position(|direction| direction.eq_ignore_ascii_case(token)) {
        Some(0) => Ok((MIDDLE + thousandths, after)),
        Some(_) => Ok((MIDDLE - thousandths, after)),
        None => Err(wrong()),
    }
}

fn angle_text(angle: u32, directions: [&str; 2]) -> String {
    let direction = if angle >= MIDDLE { directions[0] } else { directions[1] };
    let thousandths = angle.abs_diff(MIDDLE);
    let seconds = thousandths % (DEGREE / 60);
    format!(
        "{} {} {}.{:03} {direction}",
        thousandths / DEGREE,
        thousandths / (DEGREE / 60) % 60,
        seconds / 1000,
        seconds % 1000
    )
}

fn altitude(token: &str) -> Result<u32, RecordError> {
    let (negative, digits) = match token.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, token),
    };
    let centimetres = decimal(without_unit(digits), 2).and_then(|value| i64::try_from(value).ok());
    let above = centimetres.map(|value| BELOW + if negative { -value } else { value });
    let above = above.and_then(|above| u32::try_from(above).ok());
    above.ok_or_else(|| RecordError::value(token, "an altitude from -100000.00m to 42849672.95m"))
}

/// A size as a digit and a power of ten in centimetres, cut, not rounded, to that (RFC 1876 section 2).
fn size_of(token: &str) -> Result<u8, RecordError> {
    let wrong = || RecordError::value(token, "a size from 0m to 90000000.00m");
    let mut digit = decimal(without_unit(token), 2).filter(|size| *size <= SIZE_MAX).ok_or_else(wrong)?;
    let mut power = 0u8;
    while digit > 9 {
        digit /= 10;
        power += 1;
    }
    Ok((digit as u8) << 4 | power)
}

fn metres_text(centimetres: u64) -> String {
    format!("{}.{:02}m", centimetres / 100, centimetres % 100)
}

fn without_unit(token: &str) -> &str {
    token.strip_suffix(['m', 'M']).unwrap_or(token)
}

/// A number with at most `places` digits behind its point, in units of the last of these places.
fn decimal(token: &str, places: usize) -> Option<u64> {
    let (whole, part) = token.split_once('.').unwrap_or((token, ""));
    let are_digits = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
    if whole.is_empty() || !are_digits(whole) || !are_digits(part) || part.len() > places {
        return None;
    }
    format!("{whole}{part:0<places$}").parse().ok()
}
