//! The configuration as a TOML file: every key with what it is for, its default and its variable.
//!
//! The output can be used as a configuration file: reading it gives the same configuration. There are no secrets in
//! it, because no key holds one.

use std::fmt::Write;

use super::{Config, KEYS, SECTIONS};

/// The effective configuration, documented.
pub fn show(config: &Config) -> String {
    let defaults = Config::default();
    let mut text = String::new();
    for (section, doc) in SECTIONS {
        if !text.is_empty() {
            text.push('\n');
        }
        comment(&mut text, doc);
        let _ = writeln!(text, "[{section}]");
        for key in KEYS.iter().filter(|key| key.section == *section) {
            text.push('\n');
            comment(&mut text, key.doc);
            let _ = writeln!(text, "# Default: {}. Environment: {}.", (key.get)(&defaults), key.variable());
            let _ = writeln!(text, "{} = {}", key.name, (key.get)(config));
        }
    }
    text
}

fn comment(text: &mut String, lines: &[&str]) {
    for line in lines {
        let _ = writeln!(text, "# {}", line.trim());
    }
}
