//! Kinds of value that only the nameserver has: secrets of cookies, the order of records, and what it tells of itself.

use std::fmt;

use toml::Value;
use waymark_serve::cookies::{SECRET_OCTETS, Secret};
use waymark_zone::answer::RRsetOrder;

use super::Setting;

/// What stands where a secret would.
const HIDDEN: &str = "not shown";

/// What DNS cookies are made with: the first makes them, all of them check. Never shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct CookieSecrets(Vec<Secret>);

impl CookieSecrets {
    /// More than the three of a rollover (RFC 9018 section 5) are a mistake, and each costs time when a cookie is bad.
    pub const MAX: usize = 8;

    /// The secrets; empty: the program makes one up at each start.
    pub fn get(&self) -> &[Secret] {
        &self.0
    }

    fn of<'t>(texts: impl Iterator<Item = Option<&'t str>>) -> Option<Self> {
        let secrets: Vec<Secret> = texts.map(|text| secret(text?)).collect::<Option<_>>()?;
        (secrets.len() <= Self::MAX).then_some(Self(secrets))
    }
}

fn secret(text: &str) -> Option<Secret> {
    let text = text.trim();
    if text.len() != 2 * SECRET_OCTETS || !text.bytes().all(|octet| octet.is_ascii_hexdigit()) {
        return None;
    }
    let mut octets = [0; SECRET_OCTETS];
    for (octet, at) in octets.iter_mut().zip((0..).step_by(2)) {
        *octet = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(Secret::new(octets))
}

impl fmt::Debug for CookieSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CookieSecrets({}, {HIDDEN})", self.0.len())
    }
}

impl Setting for CookieSecrets {
    const KIND: &'static str =
        "a list of at most 8 secrets of 32 hexadecimal digits each, like those of openssl rand -hex 16";
    const SECRET: bool = true;

    fn from_text(text: &str) -> Option<Self> {
        let list = if text.trim().is_empty() { None } else { Some(text.split(',').map(Some)) };
        Self::of(list.into_iter().flatten())
    }

    /// How many there are, and nothing of them: this does not read back.
    fn to_value(&self) -> Value {
        Value::Array(self.0.iter().map(|_| Value::String(HIDDEN.to_owned())).collect())
    }

    fn from_value(value: &Value) -> Option<Self> {
        Self::of(value.as_array()?.iter().map(Value::as_str))
    }
}

impl Setting for RRsetOrder {
    const KIND: &'static str = "\"rotate\" or \"stable\"";

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "rotate" => Some(Self::Rotate),
            "stable" => Some(Self::Stable),
            _ => None,
        }
    }

    fn to_value(&self) -> Value {
        let text = match self {
            Self::Rotate => "rotate",
            Self::Stable => "stable",
        };
        Value::String(text.to_owned())
    }
}

/// A text that an answer can carry: one character string of a TXT record (RFC 1035 section 3.3), or an NSID.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AnswerText(String);

impl AnswerText {
    /// The text, if there is one.
    pub fn get(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(&self.0)
    }
}

impl Setting for AnswerText {
    const KIND: &'static str = "text of at most 255 octets";

    fn from_text(text: &str) -> Option<Self> {
        (text.len() <= 255).then(|| Self(text.to_owned()))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";
    const TWO: &str = "445536BCD2513298075A5D379663C962";

    #[test]
    fn secrets_are_read_in_order() {
        let expected = [
            Secret::new(*b"\xe5\xe9\x73\xe5\xa6\xb2\xa4\x3f\x48\xe7\xdc\x84\x9e\x37\xbf\xcf"),
            Secret::new(*b"\x44\x55\x36\xbc\xd2\x51\x32\x98\x07\x5a\x5d\x37\x96\x63\xc9\x62"),
        ];
        assert_eq!(CookieSecrets::from_text(&format!("{ONE}, {TWO}")).unwrap().get(), expected);
        let list = Value::Array([ONE, TWO].map(|text| Value::String(text.to_owned())).to_vec());
        assert_eq!(CookieSecrets::from_value(&list).unwrap().get(), expected);
        assert_eq!(CookieSecrets::from_text(" ").unwrap().get(), []);
    }

    #[test]
    fn what_is_no_list_of_secrets_is_refused() {
        let long = format!("{ONE}00");
        for wrong in [&ONE[1..], &long, "x5e973e5a6b2a43f48e7dc849e37bfcf", "+5e973e5a6b2a43f48e7dc849e37bfcf", ","] {
            assert_eq!(CookieSecrets::from_text(wrong), None, "{wrong}");
        }
        assert_eq!(CookieSecrets::from_value(&Value::String(ONE.to_owned())), None);
        assert_eq!(CookieSecrets::from_value(&Value::Array(vec![Value::Integer(1)])), None);
        let many = |count| CookieSecrets::from_text(&vec![ONE; count].join(","));
        assert!(many(CookieSecrets::MAX).is_some() && many(CookieSecrets::MAX + 1).is_none());
    }

    #[test]
    fn secrets_are_never_shown() {
        let secrets = CookieSecrets::from_text(ONE).unwrap();
        assert_eq!(format!("{secrets:?} {}", secrets.to_value()), "CookieSecrets(1, not shown) [\"not shown\"]");
    }

    #[test]
    fn a_text_fits_into_one_character_string() {
        assert_eq!(AnswerText::from_text(&"x".repeat(255)).unwrap().get().map(str::len), Some(255));
        assert_eq!(AnswerText::from_text(&"x".repeat(256)), None);
        assert_eq!(AnswerText::default().get(), None);
    }
}
