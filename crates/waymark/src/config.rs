//! Configuration: a TOML file, then the environment, then flags, each overriding the one before.
//!
//! ```text
//!  KEYS (config/keys.rs) --defaults--> Config <--file-- <--WAYMARK_SECTION__KEY-- <--flags--
//!                                        |--show--> TOML with every key documented
//! ```
//!
//! The file is the one that `--config` names, else `waymark.toml` in the working directory if there is one. All
//! mistakes are found at once, and each is a sentence that says where it is. An unknown key is a mistake: it would
//! otherwise be a setting that silently does nothing.

mod keys;
mod setting;
mod show;

use std::path::{Path, PathBuf};

use waymark_serve::rate_limit::{PER_SECOND_MAX, SLIP_MAX};

pub use keys::{Api, Brand, Config, Data, Dns, KEYS, Key, Limits, Log, Node, Pools, SECTIONS};
pub use setting::{
    AnswerText, Bounded, CookieSecrets, Count, Limit, LogFormat, LogLevel, Network, Reachable, Roles, Setting,
};
pub use show::show;

/// The file that is read when none is named.
pub const DEFAULT_FILE: &str = "waymark.toml";
const PREFIX: &str = "WAYMARK_";

/// Where configuration comes from, in order of precedence, the last winning.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The TOML file.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// What flags say: `section.key` and the value as text.
    pub flags: Vec<(String, String)>,
}

/// One mistake.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Problem {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The file is no TOML.
    #[error("{} is not valid TOML: {why}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What the parser said, with the line.
        why: String,
    },
    /// There is no such key.
    #[error("{source_name}: there is no key {key}; the nearest is {nearest}")]
    Unknown {
        /// File, variable or flag.
        source_name: String,
        /// What was written.
        key: String,
        /// What was perhaps meant.
        nearest: String,
    },
    /// The value is not of the key's kind, or does not go with the others.
    #[error("{source_name}: {key} must be {kind}, and is {value}")]
    Value {
        /// File, variable or flag.
        source_name: String,
        /// The key.
        key: String,
        /// What it must be.
        kind: String,
        /// What it is.
        value: String,
    },
}

/// Every mistake of a configuration, one per line.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError {
    /// The mistakes; at least one.
    pub problems: Vec<Problem>,
}

impl Sources {
    /// The process's own: the file named, or the default one if it is there; its environment; these flags.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<(String, String)>) -> Self {
        let default = || Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists());
        // Names and values that are no Unicode cannot be meant for us.
        let unicode = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self { file: file.or_else(default), environment: std::env::vars_os().filter_map(unicode).collect(), flags }
    }
}

impl Config {
    /// Reads all sources. Only the file system is touched, and only for the file.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut loading = Loading { config: Self::default(), problems: Vec::new() };
        if let Some(path) = &sources.file {
            loading.file(path);
        }
        for (name, value) in &sources.environment {
            loading.variable(name, value);
        }
        for (key, value) in &sources.flags {
            loading.text(&format!("the flag for {key}"), key, value);
        }
        if loading.problems.is_empty() {
            loading.together();
        }
        match loading.problems.is_empty() {
            true => Ok(loading.config),
            false => Err(ConfigError { problems: loading.problems }),
        }
    }
}

struct Loading {
    config: Config,
    problems: Vec<Problem>,
}

impl Loading {
    fn file(&mut self, path: &Path) {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(why) => {
                return self.problems.push(Problem::Unreadable { path: path.to_owned(), why: why.to_string() });
            }
        };
        let table: toml::Table = match toml::from_str(&text) {
            Ok(table) => table,
            Err(why) => {
                // Not the text around it, which may hold a secret.
                let line = why.span().map_or(1, |at| text[..at.start].matches('\n').count() + 1);
                let why = format!("line {line}: {}", why.message());
                return self.problems.push(Problem::Syntax { path: path.to_owned(), why });
            }
        };
        let source_name = path.display().to_string();
        for (section, value) in &table {
            match value.as_table() {
                None => self.unknown(&source_name, section),
                Some(keys) if keys.is_empty() && !SECTIONS.iter().any(|(known, _)| known == section) => {
                    self.unknown(&source_name, section);
                }
                Some(keys) => {
                    for (name, value) in keys {
                        self.value(&source_name, &format!("{section}.{name}"), value);
                    }
                }
            }
        }
    }

    /// A variable is ours when it starts with WAYMARK_ and has the two underscores between section and key. One
    /// underscore too few is the likeliest slip, so a variable that would be a key with two is a mistake as well.
    fn variable(&mut self, name: &str, value: &str) {
        let Some(rest) = name.strip_prefix(PREFIX) else { return };
        match rest.split_once("__") {
            Some((section, key)) => {
                let path = format!("{section}.{key}").to_lowercase();
                self.text(&format!("the environment variable {name}"), &path, value);
            }
            None => {
                let slip = KEYS.iter().find(|key| key.variable().replacen("__", "_", 1) == *name);
                if let Some(key) = slip {
                    self.problems.push(Problem::Unknown {
                        source_name: "the environment".to_owned(),
                        key: name.to_owned(),
                        nearest: key.variable(),
                    });
                }
            }
        }
    }

    fn value(&mut self, source_name: &str, path: &str, value: &toml::Value) {
        let Some(key) = find(path) else { return self.unknown(source_name, path) };
        if !(key.set_value)(&mut self.config, value) {
            self.wrong(source_name, key, value.to_string());
        }
    }

    fn text(&mut self, source_name: &str, path: &str, text: &str) {
        let Some(key) = find(path) else { return self.unknown(source_name, path) };
        if !(key.set_text)(&mut self.config, text) {
            self.wrong(source_name, key, format!("{text:?}"));
        }
    }

    fn unknown(&mut self, source_name: &str, path: &str) {
        let (source_name, key) = (source_name.to_owned(), path.to_owned());
        self.problems.push(Problem::Unknown { source_name, key, nearest: nearest(path) });
    }

    fn wrong(&mut self, source_name: &str, key: &Key, mut value: String) {
        if key.secret {
            value = "something else (it is a secret and not shown)".to_owned();
        }
        let (source_name, kind) = (source_name.to_owned(), key.kind.to_owned());
        self.problems.push(Problem::Value { source_name, key: key.path(), kind, value });
    }

    /// What a single value cannot tell.
    fn together(&mut self) {
        let mut wrong = |key: &str, kind: &str, value: String| {
            let (source_name, key, kind) = ("configuration".to_owned(), key.to_owned(), kind.to_owned());
            self.problems.push(Problem::Value { source_name, key, kind, value });
        };
        let config = &self.config;
        if config.dns.listen.is_empty() {
            wrong("dns.listen", "a list of at least one address", "empty".to_owned());
        }
        if config.data.store_readers.0 == 0 {
            wrong("data.store_readers", "1 or more", "0".to_owned());
        }
        let api = &config.api;
        if api.listen.is_none() && api.tls_listen.is_none() {
            wrong("api.listen", "an address with a port, as long as api.tls_listen is empty", "empty".to_owned());
        }
        for (key, file) in [("api.tls_certificate", &api.tls_certificate), ("api.tls_key", &api.tls_key)] {
            if api.tls_listen.is_some() && file.is_none() {
                wrong(key, "the path of a PEM file, as api.tls_listen is set", "empty".to_owned());
            }
        }
        let url = &config.api.base_url;
        let is_http = url.starts_with("http://") || url.starts_with("https://");
        if !url.is_empty() && (!is_http || url.ends_with('/') || url.contains(['\'', ' ', '\n', '\t'])) {
            wrong("api.base_url", "an http or https URL without a slash at the end", format!("{url:?}"));
        }
        // RFC 6891 section 6.2.5 makes 512 the least; a datagram cannot carry more than 65,535.
        if config.limits.udp_octets.get().is_some_and(|octets| !(512..=65535).contains(&octets)) {
            let value = config.limits.udp_octets.0.to_string();
            wrong("limits.udp_octets", "0 or from 512 to 65535", value);
        }
        for (key, count, least, most) in [
            ("limits.responses_per_second", config.limits.responses_per_second.0, 0, u64::from(PER_SECOND_MAX)),
            ("limits.response_slip", config.limits.response_slip.0, 0, u64::from(SLIP_MAX)),
            // At 8 octets each, 128 MiB.
            ("limits.response_table_entries", config.limits.response_table_entries.0, 8, 1 << 24),
            // At about 700 octets each, 700 MiB.
            ("limits.parked_questions", config.limits.parked_questions.0, 0, 1 << 20),
            ("limits.parked_milliseconds", config.limits.parked_milliseconds.0, 1, 60_000),
            ("limits.event_ring_octets", config.limits.event_ring_octets.0, 1024, 1 << 30),
            ("dns.event_sample", config.dns.event_sample.0, 0, u64::from(u32::MAX)),
        ] {
            if !(least..=most).contains(&count) {
                wrong(key, &format!("from {least} to {most}"), count.to_string());
            }
        }
        for network in &config.pools.extra_addresses {
            let least = if network.address.is_ipv4() { 8 } else { 16 };
            if network.prefix < least {
                let kind = format!("addresses of this machine: networks of /{least} or smaller");
                wrong("pools.extra_addresses", &kind, network.to_string());
            }
        }
        // Two nameservers for a zone need two addresses, and a pool of millions would only slow the first start.
        if config.pools.nameserver_v4.prefix > 30 {
            wrong(
                "pools.nameserver_v4",
                "a network of /30 or larger",
                format!("/{}", config.pools.nameserver_v4.prefix),
            );
        }
        if config.pools.nameserver_v6.prefix > 112 {
            wrong(
                "pools.nameserver_v6",
                "a network of /112 or larger",
                format!("/{}", config.pools.nameserver_v6.prefix),
            );
        }
    }
}

fn find(path: &str) -> Option<&'static Key> {
    let (section, name) = path.split_once('.')?;
    KEYS.iter().find(|key| key.section == section && key.name == name)
}

/// The known key that is most like `path`; without a dot, the best of the bare names as well.
fn nearest(path: &str) -> String {
    let likeness = |key: &Key| {
        let whole = strsim::normalized_damerau_levenshtein(path, &key.path());
        let name = strsim::normalized_damerau_levenshtein(path.rsplit('.').next().unwrap_or(path), key.name);
        // The right name in the wrong section is nearer than a wrong name in the right one.
        whole.max(name * 0.95)
    };
    let best = KEYS.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    best.map_or_else(String::new, Key::path)
}

#[cfg(test)]
mod tests;
