//! The configuration as a TOML file: every key with what it is for, its default and its variable.
//!
//! The output can be used as a configuration file: reading it gives the same configuration, but for secrets. One that
//! is set is a comment that says so.

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
            let (value, default) = ((key.get)(config), (key.get)(&defaults));
            let _ = writeln!(text, "# Default: {default}. Environment: {}.", key.variable());
            let mark = if key.secret && value != default { "# " } else { "" };
            let _ = writeln!(text, "{mark}{} = {value}", key.name);
        }
    }
    text
}

fn comment(text: &mut String, lines: &[&str]) {
    for line in lines {
        let _ = writeln!(text, "# {}", line.trim());
    }
}
