//! Each rule complains of what it is there for, and of nothing else.

use super::super::law::LAWS;
use super::*;

fn source(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

fn law(krate: &str) -> &'static super::super::law::Law {
    LAWS.iter().find(|law| law.krate == krate).unwrap()
}

fn manifest(krate: &str, dependencies: &[&str]) -> Vec<String> {
    let lines: Vec<String> = dependencies.iter().map(|name| format!("{name}.workspace = true\n")).collect();
    law(krate).manifest(&format!("[package]\nname = 'x'\n[dependencies]\n{}", lines.concat()))
}

fn named(krate: &str, code: &str) -> Vec<String> {
    law(krate).source(&source(&format!("crates/{krate}/src/x.rs"), code))
}

#[test]
fn the_planes_do_not_meet() {
    assert_eq!(manifest("serve", &["waymark-control"]), ["crates/serve may not depend on waymark-control"]);
    assert_eq!(manifest("control", &["waymark-serve"]), ["crates/control may not depend on waymark-serve"]);
    assert_eq!(manifest("api", &["waymark-zone", "waymark-serve"]).len(), 2);
    assert_eq!(manifest("zone", &["waymark-control"]).len(), 1);
    assert_eq!(manifest("wire", &["waymark-zone"]).len(), 1);
    assert_eq!(manifest("control", &["waymark-wire", "waymark-zone", "rusqlite"]), Vec::<String>::new());
    let in_tests = law("serve").manifest("[dependencies]\n[dev-dependencies]\nwaymark-control.workspace = true\n");
    assert_eq!(in_tests.len(), 1, "not even a test of the one sees the other");
    let contract = |section: &str| law("api").manifest(&format!("[{section}]\nwaymark-contract.workspace = true\n"));
    assert_eq!((contract("dev-dependencies").len(), contract("dependencies").len()), (0, 1), "it is for tests");
}

#[test]
fn heavy_crates_stay_behind_their_fences() {
    for krate in ["wire", "zone", "resolve", "serve", "api", "waymark"] {
        assert_eq!(manifest(krate, &["rusqlite"]).len(), 1, "SQL lives in control and nowhere else: {krate}");
    }
    for krate in ["zone", "resolve", "serve", "control", "api", "waymark"] {
        assert_eq!(manifest(krate, &["domain"]).len(), 1, "domain lives in wire and nowhere else: {krate}");
        let only_tests = law(krate).manifest("[dev-dependencies]\ndomain.workspace = true\n");
        assert_eq!(only_tests, Vec::<String>::new());
    }
    for krate in ["wire", "zone"] {
        assert_eq!(manifest(krate, &["tokio", "jiff", "getrandom", "socket2"]).len(), 4, "{krate}");
    }
    assert_eq!(manifest("control", &["axum", "tower-http"]).len(), 2);
    assert_eq!(manifest("serve", &["axum"]).len(), 1);
}

#[test]
fn sources_are_held_to_the_law_as_well() {
    assert_eq!(
        named("zone", "fn f() {}\nuse tokio::net;\n"),
        ["crates/zone/src/x.rs:2: crates/zone may not name tokio"]
    );
    for code in ["let t = Instant::now();", "std::fs::read(x)", "use std::time::SystemTime;", "use std::io;"] {
        assert!(!named("zone", code).is_empty(), "{code}");
        assert!(!named("wire", code).is_empty(), "{code}");
    }
    for code in ["use waymark_control::Control;", "rusqlite::params![]", "domain::base::Name", "axum::Router"] {
        assert_eq!(named("serve", code).len(), 1, "{code}");
    }
    assert_eq!(named("api", "use waymark_zone::Catalog;").len(), 1);
    assert_eq!(named("control", "waymark_serve::Server").len(), 1);
}

#[test]
fn what_only_looks_like_a_breach_is_none() {
    for code in [
        "// tokio::spawn would be wrong here",
        "let domain = brand.domain;",
        "self.domain::<u8>()",
        "crate::domain::x()",
        "struct InstantCoffee;",
        "fn time() { self.time() }",
        "#[cfg(test)]\nmod tests {\n    use tokio::net;\n}",
    ] {
        assert_eq!(named("zone", code), Vec::<String>::new(), "{code}");
    }
    let tests = source("crates/zone/src/catalog/tests.rs", "use std::fs;");
    assert_eq!(law("zone").source(&tests), Vec::<String>::new());
    assert_eq!(named("wire", "use domain::base::Name;"), Vec::<String>::new());
}

#[test]
fn unsafe_needs_its_place_and_its_reason() {
    let allowed = &["crates/zone/src/catalog"][..];
    let check = |path: &str, text: &str| unsafe_code(&source(path, text), allowed);
    let reasoned = "// SAFETY: it is.\nunsafe { f() }\n";
    assert_eq!(check("crates/zone/src/catalog.rs", reasoned), Vec::<String>::new());
    assert_eq!(check("crates/zone/src/catalog/table.rs", reasoned), Vec::<String>::new());
    assert_eq!(check("crates/zone/src/catalogue.rs", reasoned).len(), 1);
    assert_eq!(
        check("crates/control/src/x.rs", reasoned),
        ["crates/control/src/x.rs:2: unsafe code may not stand here"]
    );
    let bare = check("crates/zone/src/catalog/table.rs", "fn f() {\n    unsafe { f() }\n}\n");
    assert_eq!(bare, ["crates/zone/src/catalog/table.rs:2: unsafe without a SAFETY comment"]);
    assert_eq!(check("crates/zone/src/x.rs", "unsafe impl Send for X {}").len(), 2);
    assert_eq!(check("crates/zone/src/x.rs", "#![allow(unsafe_code)] // unsafe { }"), Vec::<String>::new());
}

#[test]
fn a_file_says_what_it_is_for_before_anything_else() {
    let check = |text: &str| opens_with_its_purpose(&source("crates/wire/src/x.rs", text)).is_some();
    assert!(!check("//! Names, always absolute.\n\nuse x;\n"));
    assert!(check("use x;\n//! Names, always absolute.\n") && check("") && check("//! x\n") && check("// Names.\n"));
    assert!(opens_with_its_purpose(&source("tools/x.sh", "#!/bin/sh\n")).is_none());
}

#[test]
fn long_files_are_noticed() {
    let long = "x\n".repeat(LINES_MAX + 1);
    assert!(length(&source("crates/wire/src/x.rs", &long), &[]).is_some());
    assert!(length(&source("crates/wire/src/x.rs", &long), &["crates/wire/src/x.rs"]).is_none());
    assert!(length(&source("crates/wire/src/x/tests.rs", &long), &[]).is_none());
    assert!(length(&source("crates/wire/src/x.rs", &"x\n".repeat(LINES_MAX)), &[]).is_none());
    assert_eq!(architecture(&"x\n".repeat(ARCHITECTURE_LINES_MAX)).len(), 1);
    assert_eq!(architecture(&"x\n".repeat(ARCHITECTURE_LINES_MAX - 1)).len(), 0);
}

#[test]
fn empty_crates_are_noticed() {
    let small = [source("crates/wire/src/lib.rs", &"// nothing\n\n".repeat(CRATE_LINES_MIN))];
    assert!(not_empty("wire", &small).is_some());
    let tests_only = [source("crates/wire/src/tests.rs", &"x();\n".repeat(CRATE_LINES_MIN))];
    assert!(not_empty("wire", &tests_only).is_some());
    assert!(not_empty("wire", &[source("crates/wire/src/lib.rs", &"x();\n".repeat(CRATE_LINES_MIN))]).is_none());
}

#[test]
fn machine_paths_are_noticed() {
    let count = |text: &str| machine_paths(&source("x", text)).len();
    for directory in ["work", "root", "home"] {
        for line in ["cd /#/main", "\"/#\"", "/#", "DIR=/#/x", "see `/#/x`."] {
            assert_eq!(count(&line.replace('#', directory)), 1, "{line} {directory}");
        }
        for line in ["crates/#/x", "$HOME/#", "/#ers", "https://example.com/#", "./#/x", "/#_x"] {
            assert_eq!(count(&line.replace('#', directory)), 0, "{line} {directory}");
        }
    }
}

#[test]
fn forgotten_test_files_are_noticed() {
    let main = "//! x\nmod harness;\npub(crate) mod tidy;\n";
    assert!(is_in_the_test_binary("tests/whole.rs", main).is_some());
    for path in ["tests/harness.rs", "tests/tidy.rs", "tests/main.rs", "tests/harness/dns.rs", "crates/wire/src/x.rs"] {
        assert!(is_in_the_test_binary(path, main).is_none(), "{path}");
    }
}

#[test]
fn papers_out_of_shape_are_noticed() {
    let rows = "| a | b |\n".repeat(5);
    assert_eq!(readme(&format!("# Waymark\n\n## Status\n\n{rows}")), Vec::<String>::new());
    assert_eq!(readme(&format!("# Waymark\n{rows}")).len(), 1);
    assert_eq!(readme(&format!("## Status\n\nGood.\n\n## Other\n{rows}")).len(), 1);
    let recipes = |count: usize| (0..count).map(|number| format!("r{number}: x\n\tdo: it\n")).collect::<String>();
    assert_eq!(task_file(&format!("X := 1\n.PHONY: a b\n{}", recipes(RECIPES_MAX))), Vec::<String>::new());
    assert_eq!(task_file(&recipes(RECIPES_MAX + 1)).len(), 1);
    assert_eq!(task_file("").len(), 1);
}

#[test]
fn ignored_files_are_left_out() {
    let gitignore = "/target\n__pycache__/\n*.pyc\n";
    assert!(
        is_ignored(gitignore, "target") && is_ignored(gitignore, "a/__pycache__") && is_ignored(gitignore, "a/b.pyc")
    );
    assert!(!is_ignored(gitignore, "a/target") && !is_ignored(gitignore, "a/b.py"));
}
