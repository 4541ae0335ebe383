//! The laws of the workspace: who may import whom, where `unsafe` may stand, how large files and papers may grow.
//!
//! ```text
//!  files of the clone --read--> Source, Manifest --rules (pure)--> one sentence per break
//! ```
//!
//! Every rule is a function from text to complaints, so that each is also shown to complain, on a small bad input
//! (`rules`). What a compiler or clippy says already is not here.

mod law;
mod rfc;
mod rules;

use std::fs;
use std::path::{Path, PathBuf};

use law::{LAWS, TABLES, UNSAFE_MODULES};

/// A text file of the clone; the path is relative to its root.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The crate it is a part of, if it is program code.
    fn krate(&self) -> Option<&str> {
        let (krate, rest) = self.path.strip_prefix("crates/")?.split_once('/')?;
        rest.starts_with("src/").then_some(krate)
    }
}

/// The root of the clone that the tests were built from.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every text file that git would take, in order of paths. What is not tracked yet counts as well.
fn sources() -> Vec<Source> {
    let ignored = fs::read_to_string(root().join(".gitignore")).expect("the clone has a .gitignore");
    let mut found = Vec::new();
    let mut directories = vec![String::new()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(root().join(&directory)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().expect("file names are Unicode");
            let path = if directory.is_empty() { name.clone() } else { format!("{directory}/{name}") };
            if name == ".git" || rules::is_ignored(&ignored, &path) {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                directories.push(path);
            } else if let Ok(text) = fs::read_to_string(entry.path()) {
                found.push(Source { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 100, "the clone was not found: {} files", found.len());
    found
}

fn text_of(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|why| panic!("{path}: {why}"))
}

fn nothing(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn crates_depend_only_on_what_their_law_allows() {
    let mut crates: Vec<_> =
        fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    crates.sort();
    let mut lawful: Vec<_> = LAWS.iter().map(|law| std::ffi::OsString::from(law.krate)).collect();
    lawful.sort();
    assert_eq!(crates, lawful, "every crate has a law, and every law a crate");
    nothing(LAWS.iter().flat_map(|law| law.manifest(&text_of(&format!("crates/{}/Cargo.toml", law.krate)))).collect());
}

#[test]
fn sources_name_only_what_the_law_of_their_crate_allows() {
    let mut complaints = Vec::new();
    for source in sources().iter().filter(|source| source.is_rust()) {
        let law = source.krate().and_then(|krate| LAWS.iter().find(|law| law.krate == krate));
        complaints.extend(law.into_iter().flat_map(|law| law.source(source)));
    }
    nothing(complaints);
}

#[test]
fn unsafe_code_is_where_it_may_be_and_says_why() {
    nothing(sources().iter().flat_map(|source| rules::unsafe_code(source, UNSAFE_MODULES)).collect());
}

#[test]
fn every_rust_file_says_first_what_it_is_for() {
    nothing(sources().iter().filter_map(rules::opens_with_its_purpose).collect());
}

#[test]
fn files_stay_short() {
    nothing(sources().iter().filter_map(|source| rules::length(source, TABLES)).collect());
}

#[test]
fn no_crate_is_empty() {
    let sources = sources();
    nothing(LAWS.iter().filter_map(|law| rules::not_empty(law.krate, &sources)).collect());
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    nothing(sources().iter().flat_map(rules::machine_paths).collect());
}

#[test]
fn every_test_file_is_part_of_the_test_binary() {
    let sources = sources();
    let main = text_of("tests/main.rs");
    nothing(sources.iter().filter_map(|source| rules::is_in_the_test_binary(&source.path, &main)).collect());
}

#[test]
fn every_section_of_an_rfc_that_is_obeyed_has_its_test() {
    nothing(rfc::list(&text_of(rfc::LIST), &sources()));
}

#[test]
fn the_papers_are_there_and_in_shape() {
    for path in
        ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "docs/compat.md", ".ci/run", "tools/packages", "tools/test"]
    {
        assert!(!text_of(path).trim().is_empty(), "{path} is empty");
    }
    nothing(rules::architecture(&text_of("ARCHITECTURE.md")));
    nothing(rules::readme(&text_of("README.md")));
    nothing(rules::task_file(&text_of("Makefile")));
}
