//! The formats of strings that the contract names.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Whether a string has this format. A format that is not known here is met by every string.
pub(crate) fn is(format: &str, text: &str) -> bool {
    match format {
        "date-time" => is_date_time(text),
        "date" => is_date(text),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "hostname" => is_host_name(text),
        "email" => text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && is_host_name(host)),
        "uri" => text.split_once(':').is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty()),
        _ => true,
    }
}

/// RFC 3339, in UTC and with a capital T, as the service writes it.
fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once('T') else { return false };
    let Some(time) = time.strip_suffix('Z') else { return false };
    let (seconds, fraction) = time.split_once('.').map_or((time, None), |(whole, fraction)| (whole, Some(fraction)));
    let digits = |fraction: &str| !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    is_date(date) && is_numbers(seconds, ':', [(2, 23), (2, 59), (2, 60)]) && fraction.is_none_or(digits)
}

fn is_date(text: &str) -> bool {
    is_numbers(text, '-', [(4, 9999), (2, 12), (2, 31)])
}

/// Three numbers with these lengths and maxima.
fn is_numbers(text: &str, between: char, parts: [(usize, u32); 3]) -> bool {
    let given: Vec<&str> = text.split(between).collect();
    let is_part = |(part, (length, maximum)): (&&str, (usize, u32))| {
        part.len() == length
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && part.parse::<u32>().is_ok_and(|number| number <= maximum)
    };
    given.len() == parts.len() && given.iter().zip(parts).all(is_part)
}

/// Labels of letters, digits and hyphens (RFC 1123 section 2.1), without a dot at the end.
fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::is;

    #[test]
    fn formats() {
        let good = [
            ("date-time", "2026-07-31T23:59:60.123456Z"),
            ("date-time", "2026-07-31T00:00:00Z"),
            ("date", "2026-07-31"),
            ("ipv4", "192.0.2.1"),
            ("ipv6", "2001:db8::1"),
            ("hostname", "ns1.example.com"),
            ("email", "admin@example.net"),
            ("uri", "https://example.com/"),
            ("float", "whatever"),
        ];
        let bad = [
            ("date-time", "2026-07-31 00:00:00Z"),
            ("date-time", "2026-07-31T00:00:00"),
            ("date-time", "2026-07-31T24:00:00Z"),
            ("date-time", "2026-07-31T00:00:00.Z"),
            ("date-time", "1750000000"),
            ("date", "2026-13-01"),
            ("date", "26-01-01"),
            ("ipv4", "192.0.2"),
            ("ipv6", "192.0.2.1"),
            ("hostname", "ns1.example.com."),
            ("hostname", "a..b"),
            ("hostname", "-a.example"),
            ("email", "admin"),
            ("uri", "example"),
        ];
        for (format, text) in good {
            assert!(is(format, text), "{format} {text}");
        }
        for (format, text) in bad {
            assert!(!is(format, text), "{format} {text}");
        }
    }
}
