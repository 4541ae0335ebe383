//! The laws as data: per crate, what it may depend on and what its source may not name. A change here is a change of
//! the architecture: see ARCHITECTURE.md.

use toml::Table;

use super::Source;
use super::rules::{names_path, program_code};

/// The law of one crate.
pub(crate) struct Law {
    /// Its directory in `crates`.
    pub(crate) krate: &'static str,
    /// Crates of ours that it may depend on.
    pub(crate) ours: &'static [&'static str],
    /// Crates of others that it may not depend on.
    pub(crate) not_depend: &'static [&'static [&'static str]],
    /// Paths that its program code may not name; its tests may.
    pub(crate) not_name: &'static [&'static [&'static str]],
}

const SQL: &[&str] = &["rusqlite", "sqlx", "libsqlite3-sys", "diesel"];
const HTTP: &[&str] = &["axum", "hyper", "hyper-util", "http", "tower", "tower-http", "reqwest"];
const SOCKETS: &[&str] = &["tokio", "mio", "socket2", "libc", "async-std", "smol"];
const CLOCKS: &[&str] = &["jiff", "chrono", "time"];
const RANDOMNESS: &[&str] = &["getrandom", "rand", "fastrand"];
/// What a pure crate may not touch: files, sockets, clocks, the process.
const WORLD: &[&str] = &[
    "std::fs",
    "std::io",
    "std::process",
    "std::env",
    "std::thread",
    "std::time",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "SystemTime",
    "Instant",
];
/// `domain` is named in `wire` and nowhere else.
const DOMAIN: &[&str] = &["domain"];

/// Crates that are there for tests alone: any crate's tests may depend on them, and no program may.
const FOR_TESTS: &[&str] = &["contract"];

/// One law per crate.
pub(crate) static LAWS: &[Law] = &[
    Law {
        krate: "wire",
        ours: &[],
        not_depend: &[SQL, HTTP, SOCKETS, CLOCKS, RANDOMNESS],
        not_name: &[SQL, HTTP, SOCKETS, CLOCKS, RANDOMNESS, WORLD],
    },
    Law {
        krate: "zone",
        ours: &["wire"],
        not_depend: &[SQL, HTTP, SOCKETS, CLOCKS, RANDOMNESS, DOMAIN],
        not_name: &[SQL, HTTP, SOCKETS, CLOCKS, RANDOMNESS, WORLD, DOMAIN],
    },
    Law { krate: "resolve", ours: &["wire", "zone"], not_depend: &[SQL, HTTP, DOMAIN], not_name: &[SQL, HTTP, DOMAIN] },
    Law {
        krate: "serve",
        ours: &["wire", "zone", "resolve"],
        not_depend: &[SQL, HTTP, DOMAIN],
        not_name: &[SQL, HTTP, DOMAIN],
    },
    Law {
        krate: "control",
        ours: &["wire", "zone", "resolve"],
        not_depend: &[HTTP, DOMAIN],
        not_name: &[HTTP, DOMAIN],
    },
    Law { krate: "api", ours: &["wire", "control"], not_depend: &[SQL, DOMAIN], not_name: &[SQL, DOMAIN] },
    Law {
        krate: "waymark",
        ours: &["wire", "zone", "resolve", "serve", "control", "api"],
        not_depend: &[SQL, DOMAIN],
        not_name: &[SQL, DOMAIN],
    },
    Law {
        krate: "contract",
        ours: &[],
        not_depend: &[SQL, HTTP, SOCKETS, CLOCKS, RANDOMNESS, DOMAIN],
        not_name: &[SQL, HTTP, SOCKETS, CLOCKS, RANDOMNESS, WORLD, DOMAIN],
    },
];

/// Files and directories of program code that may hold `unsafe`.
pub(crate) static UNSAFE_MODULES: &[&str] =
    &["crates/zone/src/catalog", "crates/serve/src/sockets", "crates/serve/src/udp", "crates/serve/src/huge_pages"];

/// Program files that are one declarative table, and may be as long as it.
pub(crate) static TABLES: &[&str] = &[];

impl Law {
    /// What is wrong with the crate's Cargo.toml. Dependencies of its tests alone may be anything but crates of ours
    /// that it may not see.
    pub(crate) fn manifest(&self, text: &str) -> Vec<String> {
        let table: Table = text.parse().expect("Cargo.toml is TOML");
        let names = |section: &str| -> Vec<String> {
            let section = table.get(section).and_then(toml::Value::as_table);
            section.map(|section| section.keys().cloned().collect()).unwrap_or_default()
        };
        let dependencies = [names("dependencies"), names("build-dependencies")].concat();
        let unlawful = |names: &[String], besides: &[&str]| -> Vec<String> {
            let ours = names.iter().filter_map(|name| name.strip_prefix("waymark-"));
            let unlawful = ours.filter(|name| !self.ours.contains(name) && !besides.contains(name));
            unlawful.map(|name| format!("waymark-{name}")).collect()
        };
        let ours = [unlawful(&dependencies, &[]), unlawful(&names("dev-dependencies"), FOR_TESTS)].concat();
        let foreign = dependencies.iter().filter(|name| self.not_depend.concat().contains(&name.as_str())).cloned();
        ours.into_iter().chain(foreign).map(|name| format!("crates/{} may not depend on {name}", self.krate)).collect()
    }

    /// What a file of the crate names that it may not.
    pub(crate) fn source(&self, source: &Source) -> Vec<String> {
        let ours = LAWS.iter().map(|law| law.krate).filter(|name| *name != self.krate && !self.ours.contains(name));
        let mut forbidden: Vec<String> = ours.map(|name| format!("waymark_{name}")).collect();
        forbidden.extend(self.not_name.concat().iter().map(|path| path.replace('-', "_")));
        let mut complaints = Vec::new();
        for (number, line) in program_code(source) {
            for path in forbidden.iter().filter(|path| names_path(line, path)) {
                complaints.push(format!("{}:{number}: crates/{} may not name {path}", source.path, self.krate));
            }
        }
        complaints
    }
}
