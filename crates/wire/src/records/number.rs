//! Numbers as people write them: digits, mnemonics, periods, times.

use super::RecordError;

/// Algorithms of DNSSEC keys (IANA "DNS Security Algorithm Numbers").
const ALGORITHMS: &[(u16, &str)] = &[
    (1, "RSAMD5"),
    (2, "DH"),
    (3, "DSA"),
    (5, "RSASHA1"),
    (6, "DSA-NSEC3-SHA1"),
    (7, "RSASHA1-NSEC3-SHA1"),
    (8, "RSASHA256"),
    (10, "RSASHA512"),
    (12, "ECC-GOST"),
    (13, "ECDSAP256SHA256"),
    (14, "ECDSAP384SHA384"),
    (15, "ED25519"),
    (16, "ED448"),
    (252, "INDIRECT"),
    (253, "PRIVATEDNS"),
    (254, "PRIVATEOID"),
];

/// Types of certificate (RFC 4398 section 2.1).
const CERTIFICATE_TYPES: &[(u16, &str)] = &[
    (1, "PKIX"),
    (2, "SPKI"),
    (3, "PGP"),
    (4, "IPKIX"),
    (5, "ISPKI"),
    (6, "IPGP"),
    (7, "ACPKIX"),
    (8, "IACPKIX"),
    (253, "URI"),
    (254, "OID"),
];

/// Units of a period and their seconds.
const UNITS: &[(u8, u32)] = &[(b's', 1), (b'm', 60), (b'h', 3600), (b'd', 86_400), (b'w', 604_800)];

const SECONDS_OF_DAY: i64 = 86_400;

/// A number from 0 to `max`, of digits alone.
pub(super) fn number(token: &str, max: u32) -> Result<u32, RecordError> {
    let digits = !token.is_empty() && token.bytes().all(|octet| octet.is_ascii_digit());
    let parsed = digits.then(|| token.parse().ok()).flatten().filter(|number| *number <= max);
    parsed.ok_or_else(|| RecordError::Number { text: token.to_owned(), max })
}

/// An algorithm: a number of 8 bits or a mnemonic.
pub(super) fn algorithm(token: &str) -> Result<u8, RecordError> {
    match by_mnemonic(ALGORITHMS, token) {
        Some(found) => Ok(found as u8),
        None => number(token, u32::from(u8::MAX)).map(|number| number as u8),
    }
}

/// A type of certificate: a number of 16 bits or a mnemonic.
pub(super) fn certificate_type(token: &str) -> Result<u16, RecordError> {
    match by_mnemonic(CERTIFICATE_TYPES, token) {
        Some(found) => Ok(found),
        None => number(token, u32::from(u16::MAX)).map(|number| number as u16),
    }
}

/// Seconds: a number of 32 bits, or numbers with units such as `1h30m`, as every reader of zone files takes them.
pub(crate) fn period(token: &str) -> Result<u32, RecordError> {
    let plain = number(token, u32::MAX);
    if plain.is_ok() {
        return plain;
    }
    let mut seconds = 0u32;
    let mut rest = token;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let unit = rest.as_bytes().get(digits).map(u8::to_ascii_lowercase);
        let unit = UNITS.iter().find(|(letter, _)| Some(*letter) == unit);
        let part = unit.and_then(|(_, each)| rest[..digits].parse::<u32>().ok()?.checked_mul(*each));
        seconds = match part.and_then(|part| seconds.checked_add(part)) {
            Some(sum) => sum,
            None => return plain,
        };
        rest = &rest[digits + 1..];
    }
    match token.is_empty() {
        true => plain,
        false => Ok(seconds),
    }
}

/// A time of a signature: seconds since 1970 as a number of 32 bits, or `YYYYMMDDHHmmSS` in UTC (RFC 4034 section 3.2).
pub(super) fn time(token: &str) -> Result<u32, RecordError> {
    if token.len() != 14 {
        return number(token, u32::MAX);
    }
    seconds_of(token).ok_or_else(|| RecordError::value(token, "a time as YYYYMMDDHHmmSS from 1970 to 2106"))
}

/// A time as `YYYYMMDDHHmmSS`.
pub(super) fn time_text(seconds: u32) -> String {
    let seconds = i64::from(seconds);
    let (year, month, day) = date_of(seconds / SECONDS_OF_DAY);
    let second = seconds % SECONDS_OF_DAY;
    format!("{year:04}{month:02}{day:02}{:02}{:02}{:02}", second / 3600, second / 60 % 60, second % 60)
}

fn seconds_of(token: &str) -> Option<u32> {
    if !token.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| token.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    let days = days_before(year, month, day);
    if date_of(days) != (year, month, day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    u32::try_from(days * SECONDS_OF_DAY + hour * 3600 + minute * 60 + second).ok()
}

/// Days from 1970-01-01 to a date. A year is counted from March, so that the leap day is its last.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let month = (month + 9) % 12;
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468
}

/// Year, month and day of the day that many days after 1970-01-01.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

fn by_mnemonic(table: &[(u16, &str)], token: &str) -> Option<u16> {
    table.iter().find(|(_, mnemonic)| mnemonic.eq_ignore_ascii_case(token)).map(|(number, _)| *number)
}
