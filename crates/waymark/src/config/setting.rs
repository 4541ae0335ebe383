//! The kinds of value that a key can have: how each is read from TOML and from text, and how it is shown.
//!
//! Text is what environment variables and flags carry. A list is written there with commas.
//!
//! - [`dns`]: those that only the nameserver has.
//! - [`roles`]: what a process does.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use toml::Value;
use waymark_wire::Name;

mod dns;
mod roles;

pub use dns::{AnswerText, CookieSecrets};
pub use roles::Roles;

/// A type that a key's value can have.
pub trait Setting: Sized {
    /// What to write, in words: completes "must be ...".
    const KIND: &'static str;
    /// Whether the value must not be shown: neither when it is right nor when it is wrong.
    const SECRET: bool = false;
    /// Reads text, as environment variables and flags carry it.
    fn from_text(text: &str) -> Option<Self>;
    /// Shows the value as TOML; what [`Self::from_value`] reads back.
    fn to_value(&self) -> Value;
    /// Reads TOML: by default, a string that holds the text.
    fn from_value(value: &Value) -> Option<Self> {
        Self::from_text(value.as_str()?)
    }
}

impl Setting for PathBuf {
    const KIND: &'static str = "a path";

    fn from_text(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self::from(text))
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string_lossy().into_owned())
    }
}

impl Setting for String {
    const KIND: &'static str = "text";

    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn to_value(&self) -> Value {
        Value::String(self.clone())
    }
}

impl Setting for bool {
    const KIND: &'static str = "true or false";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn to_value(&self) -> Value {
        Value::Boolean(*self)
    }

    fn from_value(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

impl Setting for SocketAddr {
    const KIND: &'static str = "an address with a port, like 127.0.0.1:8053 or [::1]:8053";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}

/// What may be left out: empty text.
macro_rules! optional {
    ($($of:ty: $kind:literal),+) => {$(
        impl Setting for Option<$of> {
            const KIND: &'static str = $kind;

            fn from_text(text: &str) -> Option<Self> {
                if text.is_empty() { Some(None) } else { <$of>::from_text(text).map(Some) }
            }

            fn to_value(&self) -> Value {
                self.as_ref().map_or_else(|| Value::String(String::new()), Setting::to_value)
            }
        }
    )+};
}

optional!(
    SocketAddr: "an address with a port, like 127.0.0.1:8053 or [::1]:8053, or empty",
    PathBuf: "a path, or empty"
);

impl Setting for Vec<SocketAddr> {
    const KIND: &'static str = "a list of addresses with ports, like [\"0.0.0.0:1053\", \"[::]:1053\"]";

    fn from_text(text: &str) -> Option<Self> {
        text.split(',').map(|part| part.trim().parse().ok()).collect()
    }

    fn to_value(&self) -> Value {
        Value::Array(self.iter().map(Setting::to_value).collect())
    }

    fn from_value(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(SocketAddr::from_value).collect()
    }
}

impl Setting for Vec<String> {
    const KIND: &'static str = "a list of words";

    fn from_text(text: &str) -> Option<Self> {
        Some(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }

    fn to_value(&self) -> Value {
        Value::Array(self.iter().map(Setting::to_value).collect())
    }

    fn from_value(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(String::from_value).collect()
    }
}

impl Setting for Name {
    const KIND: &'static str = "a domain name";

    fn from_text(text: &str) -> Option<Self> {
        Self::from_text(text).ok().filter(|name| !name.is_root())
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}

/// A count of things. Zero has the meaning that the key's documentation gives it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Count(pub u64);

impl Setting for Count {
    const KIND: &'static str = "a whole number, 0 or more";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().filter(|&count| count <= i64::MAX as u64).map(Self)
    }

    fn to_value(&self) -> Value {
        Value::Integer(i64::try_from(self.0).unwrap_or(i64::MAX))
    }

    fn from_value(value: &Value) -> Option<Self> {
        u64::try_from(value.as_integer()?).ok().map(Self)
    }
}

/// A limit. Zero lifts it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit(pub u64);

impl Limit {
    /// The limit, if there is one.
    pub fn get(self) -> Option<u64> {
        (self.0 > 0).then_some(self.0)
    }

    /// The limit, or the largest number of the type.
    pub fn or_max<N: TryFrom<u64> + Bounded>(self) -> N {
        self.get().and_then(|limit| N::try_from(limit).ok()).unwrap_or(N::MAX)
    }
}

/// A number type with a largest value.
pub trait Bounded {
    /// The largest value.
    const MAX: Self;
}

macro_rules! bounded {
    ($($number:ty),+) => { $(impl Bounded for $number { const MAX: Self = <$number>::MAX; })+ };
}

bounded!(u8, u16, u32, u64, usize);

impl Setting for Limit {
    const KIND: &'static str = "a whole number, 0 for no limit";

    fn from_text(text: &str) -> Option<Self> {
        Count::from_text(text).map(|count| Self(count.0))
    }

    fn to_value(&self) -> Value {
        Count(self.0).to_value()
    }

    fn from_value(value: &Value) -> Option<Self> {
        Count::from_value(value).map(|count| Self(count.0))
    }
}

/// A run of addresses: those that share the first `prefix` bits with `address`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network<A> {
    /// The lowest address.
    pub address: A,
    /// How many bits are fixed.
    pub prefix: u8,
}

impl<A: Copy + Into<IpAddr> + FromStr> Network<A> {
    /// Reads `address/prefix`; the bits behind the prefix must be zero.
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let (address, prefix) = (address.parse::<A>().ok()?, prefix.parse::<u8>().ok()?);
        let (bits, width) = match address.into() {
            IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, 32),
            IpAddr::V6(address) => (u128::from(address), 128),
        };
        let behind = bits.checked_shl(u32::from(prefix)).unwrap_or(0);
        (prefix <= width && behind == 0).then_some(Self { address, prefix })
    }

    fn to_value(self) -> Value {
        Value::String(self.to_string())
    }
}

impl Setting for Network<Ipv4Addr> {
    const KIND: &'static str = "an IPv4 network, like 127.53.0.0/16";

    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    fn to_value(&self) -> Value {
        Network::to_value(*self)
    }
}

impl Setting for Network<Ipv6Addr> {
    const KIND: &'static str = "an IPv6 network, like fd53::/64";

    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    fn to_value(&self) -> Value {
        Network::to_value(*self)
    }
}

impl<A: Copy + Into<IpAddr>> Network<A> {
    /// The same without saying which version it is of.
    pub fn of_any_version(self) -> Network<IpAddr> {
        Network { address: self.address.into(), prefix: self.prefix }
    }

    /// Whether this is a single address.
    pub fn is_one_address(&self) -> bool {
        let width = if self.address.into().is_ipv4() { 32 } else { 128 };
        self.prefix >= width
    }

    /// Whether every address of `other` is in this network.
    pub fn covers<B: Copy + Into<IpAddr>>(&self, other: &Network<B>) -> bool {
        let (own, others) = match (self.address.into(), other.address.into()) {
            (IpAddr::V4(own), IpAddr::V4(others)) => {
                (u128::from(own.to_bits()) << 96, u128::from(others.to_bits()) << 96)
            }
            (IpAddr::V6(own), IpAddr::V6(others)) => (own.to_bits(), others.to_bits()),
            _ => return false,
        };
        let behind = |bits: u128| bits.checked_shr(128 - u32::from(self.prefix)).unwrap_or(0);
        self.prefix <= other.prefix && behind(own) == behind(others)
    }

    /// Whether this address is in the network.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.covers(&Network { address, prefix: if address.is_ipv4() { 32 } else { 128 } })
    }
}

impl<A: Copy + Into<IpAddr>> fmt::Display for Network<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address.into(), self.prefix)
    }
}

impl Setting for Vec<Network<IpAddr>> {
    const KIND: &'static str = "a list of networks, like [\"192.0.2.53/32\", \"2001:db8:53::/64\"]";

    fn from_text(text: &str) -> Option<Self> {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Network::parse).collect()
    }

    fn to_value(&self) -> Value {
        Value::Array(self.iter().map(|network| network.to_value()).collect())
    }

    fn from_value(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(|item| Network::parse(item.as_str()?)).collect()
    }
}

/// Whether a network leads to this machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reachable {
    /// As it is found to be.
    Auto,
    /// It is said to.
    Yes,
    /// It is said not to.
    No,
}

impl Setting for Reachable {
    const KIND: &'static str = "\"auto\", true or false";

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "true" => Some(Self::Yes),
            "false" => Some(Self::No),
            _ => None,
        }
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Auto => Value::String("auto".to_owned()),
            Self::Yes => Value::Boolean(true),
            Self::No => Value::Boolean(false),
        }
    }

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Boolean(yes) => Self::from_text(&yes.to_string()),
            other => Self::from_text(other.as_str()?),
        }
    }
}

/// How log lines are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

impl Setting for LogFormat {
    const KIND: &'static str = "\"text\" or \"json\"";

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    fn to_value(&self) -> Value {
        let text = match self {
            Self::Text => "text",
            Self::Json => "json",
        };
        Value::String(text.to_owned())
    }
}

/// What is logged: a level, or levels by module, as `tracing` filters read them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogLevel(pub String);

impl Setting for LogLevel {
    const KIND: &'static str = "error, warn, info, debug or trace, or a filter like \"info,waymark_serve=debug\"";

    fn from_text(text: &str) -> Option<Self> {
        let known = ["off", "error", "warn", "info", "debug", "trace"];
        // The filter takes any word for a module's name; a misspelled level should not pass for one.
        let misspelled = |part: &str| !part.contains('=') && !known.contains(&part);
        if text.is_empty() || text.split(',').any(misspelled) {
            return None;
        }
        tracing_subscriber::EnvFilter::builder().parse(text).ok().map(|_| Self(text.to_owned()))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn networks_have_no_bits_behind_their_prefix() {
        type V4 = Network<Ipv4Addr>;
        assert_eq!(V4::from_text("127.53.0.0/16"), Some(Network { address: Ipv4Addr::new(127, 53, 0, 0), prefix: 16 }));
        assert!(V4::from_text("0.0.0.0/0").is_some() && V4::from_text("192.0.2.1/32").is_some());
        for wrong in ["127.53.0.1/16", "127.53.0.0", "127.53.0.0/33", "fd53::/64", "/16", "127.53.0.0/"] {
            assert_eq!(V4::from_text(wrong), None, "{wrong}");
        }
        type V6 = Network<Ipv6Addr>;
        assert!(V6::from_text("fd53::/64").is_some() && V6::from_text("fd53::1/128").is_some());
        assert_eq!(V6::from_text("fd53::1/64"), None);
    }

    #[test]
    fn networks_cover_networks() {
        let network = |text: &str| Network::<IpAddr>::parse(text).unwrap();
        for (one, other, covers) in [
            ("127.0.0.0/8", "127.53.0.0/16", true),
            ("127.53.0.0/16", "127.0.0.0/8", false),
            ("0.0.0.0/0", "192.0.2.1/32", true),
            ("0.0.0.0/0", "::/0", false),
            ("fd53::/64", "fd53::1/128", true),
            ("fd53::/64", "fd53:0:0:1::/64", false),
            ("::/0", "fd53::/64", true),
        ] {
            assert_eq!(network(one).covers(&network(other)), covers, "{one} {other}");
        }
        assert!(network("fd53::/64").contains("fd53::9".parse().unwrap()));
        assert!(network("192.0.2.1/32").is_one_address() && !network("192.0.2.0/31").is_one_address());
        type Networks = Vec<Network<IpAddr>>;
        assert_eq!(Networks::from_text(""), Some(Vec::new()));
        assert_eq!(Networks::from_text("192.0.2.1/32, fd53::/64").map(|networks| networks.len()), Some(2));
        assert_eq!(Networks::from_text("192.0.2.1"), None);
    }

    #[test]
    fn a_level_is_a_level_or_a_filter() {
        for good in ["info", "warn,waymark_serve=debug", "off"] {
            assert!(LogLevel::from_text(good).is_some(), "{good}");
        }
        for wrong in ["", "inof", "info,waymark=loud"] {
            assert_eq!(LogLevel::from_text(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_limit_of_zero_is_none() {
        assert_eq!((Limit(0).get(), Limit(3).get()), (None, Some(3)));
        assert_eq!(
            (Limit(0).or_max::<u16>(), Limit(3).or_max::<u16>(), Limit(70000).or_max::<u16>()),
            (65535, 3, 65535)
        );
    }

    proptest! {
        #[test]
        fn counts_survive_being_shown(count in 0u64..=i64::MAX as u64) {
            prop_assert_eq!(Count::from_value(&Count(count).to_value()), Some(Count(count)));
            prop_assert_eq!(Count::from_text(&count.to_string()), Some(Count(count)));
        }
    }
}
