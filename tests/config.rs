//! Configuration through the real program: what wins over what, and what a mistake says.

use std::process::{Command, Output};

use crate::harness::Scratch;
use crate::harness::program::{command, output};

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).expect("text")
}

/// `waymark` with these arguments, in a directory whose `waymark.toml` is `file`.
fn waymark(directory: &Scratch, file: &str, arguments: &[&str]) -> Command {
    std::fs::write(directory.join("waymark.toml"), file).unwrap();
    command(directory.path(), arguments)
}

fn show(command: Command) -> toml::Table {
    let output = output(command);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).parse().expect("config show prints TOML")
}

/// A failure is one sentence per mistake on standard error, and nothing else.
fn refused(output: &Output) -> String {
    assert!(!output.status.success() && output.stdout.is_empty(), "{}", text(&output.stdout));
    text(&output.stderr)
}

#[test]
fn show_prints_the_defaults_and_documents_every_key() {
    let directory = Scratch::new();
    let output = output(command(directory.path(), &["config", "show"]));
    let told = text(&output.stdout);
    let table: toml::Table = told.parse().unwrap();
    assert_eq!(table["api"]["listen"].as_str(), Some("127.0.0.1:8053"));
    assert_eq!(table["dns"]["listen"][0].as_str(), Some("0.0.0.0:1053"));
    assert_eq!(table["pools"]["nameserver_v4"].as_str(), Some("127.53.0.0/16"));
    assert_eq!(table["brand"]["domain"].as_str(), Some("waymark.test"));
    assert_eq!(table["limits"]["requests_per_5_minutes"].as_integer(), Some(12_000));
    assert!(table["limits"]["imports_per_minute"].is_integer());
    let lines: Vec<&str> = told.lines().collect();
    let mut keys = 0;
    for (index, line) in lines.iter().enumerate() {
        if line.contains(" = ") && !line.starts_with('#') {
            keys += 1;
            let above = lines[..index].iter().rev().take_while(|line| line.starts_with('#')).count();
            assert!(above > 0, "{line} is not documented");
        }
    }
    let all: usize = table.values().filter_map(toml::Value::as_table).map(toml::Table::len).sum();
    assert_eq!(keys, all);
}

#[test]
fn flags_win_over_the_environment_and_the_environment_over_the_file() {
    let directory = Scratch::new();
    let file = "[api]\nlisten = '127.0.0.1:1'\n[brand]\ndomain = 'file.test'\n[log]\nlevel = 'warn'\n";
    let mut all = waymark(&directory, file, &["config", "show", "--set", "api.listen=127.0.0.1:3"]);
    all.env("WAYMARK_API__LISTEN", "127.0.0.1:2").env("WAYMARK_BRAND__DOMAIN", "environment.test");
    let table = show(all);
    assert_eq!(table["api"]["listen"].as_str(), Some("127.0.0.1:3"), "the flag");
    assert_eq!(table["brand"]["domain"].as_str(), Some("environment.test"), "the environment");
    assert_eq!(table["log"]["level"].as_str(), Some("warn"), "the file");
    assert_eq!(table["dns"]["workers"].as_integer(), Some(0), "the default");
}

#[test]
fn what_show_prints_is_a_configuration_file() {
    let directory = Scratch::new();
    let first = text(&output(waymark(&directory, "[limits]\nbody_depth = 7\n", &["config", "show"])).stdout);
    let again = text(&output(waymark(&directory, &first, &["config", "show"])).stdout);
    assert_eq!(first, again);
    assert!(output(waymark(&directory, &first, &["config", "check"])).status.success());
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    let directory = Scratch::new();
    for (file, nearest) in [
        ("[api]\nlistn = '127.0.0.1:1'\n", "api.listen"),
        ("[limits]\nrequests_per_minute = 1\n", "limits.requests_per_5_minutes"),
        ("[dns]\nworker = 1\n", "dns.workers"),
    ] {
        for arguments in [&["config", "check"][..], &["config", "show"], &["serve", "--data-dir", "data"]] {
            let told = refused(&output(waymark(&directory, file, arguments)));
            assert!(told.contains(nearest) && told.lines().count() == 1, "{arguments:?}: {told}");
        }
    }
    let mut by_variable = waymark(&directory, "", &["config", "check"]);
    by_variable.env("WAYMARK_API__LISTN", "127.0.0.1:1");
    assert!(refused(&output(by_variable)).contains("api.listen"));
    let by_flag = waymark(&directory, "", &["config", "check", "--set", "api.listn=127.0.0.1:1"]);
    assert!(refused(&output(by_flag)).contains("api.listen"));
    assert!(!directory.join("data").exists(), "a mistaken configuration starts nothing");
}

#[test]
fn every_mistake_is_listed() {
    let directory = Scratch::new();
    let file = "[api]\nlisten = 'nowhere'\n[dns]\nworkers = -1\n[log]\nformat = 'xml'\n";
    let told = refused(&output(waymark(&directory, file, &["config", "check"])));
    for key in ["api.listen", "dns.workers", "log.format"] {
        assert!(told.contains(key), "{key}: {told}");
    }
    assert_eq!(told.lines().count(), 3, "{told}");
}

#[test]
fn a_named_file_takes_the_place_of_the_default_one() {
    let directory = Scratch::new();
    std::fs::write(directory.join("other.toml"), "[log]\nlevel = 'debug'\n").unwrap();
    let table = show(waymark(&directory, "[log]\nlevel = 'warn'\n", &["config", "show", "--config", "other.toml"]));
    assert_eq!(table["log"]["level"].as_str(), Some("debug"));
    let missing = refused(&output(waymark(&directory, "", &["config", "check", "--config", "missing.toml"])));
    assert!(missing.contains("missing.toml") && missing.lines().count() == 1, "{missing}");
}
