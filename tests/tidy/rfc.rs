//! The list of RFCs (`docs/rfc.md`): every row has a test that exists, and every test that names a section is in it.
//!
//! ```text
//!  | 2308 3 | what it asks | `waymark_zone::answer::tests::names::the_test` |  ->  crates/zone/src/answer/tests/names.rs
//! ```

use super::Source;

/// The document.
pub(crate) const LIST: &str = "docs/rfc.md";

/// What is wrong with the list.
pub(crate) fn list(text: &str, sources: &[Source]) -> Vec<String> {
    let rows = text.lines().enumerate().filter(|(_, line)| is_row(line));
    let mut complaints = Vec::new();
    let mut before = Vec::new();
    let mut rows_seen = 0;
    for (index, line) in rows {
        rows_seen += 1;
        let place = format!("{LIST}:{}", index + 1);
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [section, _, tests] = cells[..] else {
            complaints.push(format!("{place}: a row has three cells"));
            continue;
        };
        let key = sort_key(section);
        if key <= before {
            complaints.push(format!("{place}: {section} is not in its place"));
        }
        before = key;
        let tests: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        if tests.is_empty() {
            complaints.push(format!("{place}: {section} has no test"));
        }
        let missing = tests.into_iter().filter(|test| !exists(test, sources));
        complaints.extend(missing.map(|test| format!("{place}: there is no {test}")));
    }
    if rows_seen == 0 {
        complaints.push(format!("{LIST} has no rows"));
    }
    complaints.extend(unlisted(text, sources));
    complaints
}

/// Rows begin with the number of an RFC.
fn is_row(line: &str) -> bool {
    line.strip_prefix("| ").is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

/// `4592 2.2.1` as numbers; appendices come behind the sections, and an RFC as a whole before them.
fn sort_key(section: &str) -> Vec<u32> {
    let parts = section.split([' ', '.']).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().unwrap_or_else(|_| 1000 + part.bytes().map(u32::from).sum::<u32>())).collect()
}

/// Whether there is a function of this path: the file is that of the longest part of the path that has one, and the
/// other modules stand in it.
fn exists(path: &str, sources: &[Source]) -> bool {
    let parts: Vec<&str> = path.split("::").collect();
    let [krate, modules @ .., function] = &parts[..] else { return false };
    let (directory, root) = match krate.strip_prefix("waymark_") {
        Some(krate) => (format!("crates/{krate}/src"), "lib.rs"),
        None if *krate == "behaviour" => ("tests".to_owned(), "main.rs"),
        None => return false,
    };
    let found = (0..=modules.len()).rev().find_map(|length| {
        let file = match length {
            0 => format!("{directory}/{root}"),
            _ => format!("{directory}/{}.rs", modules[..length].join("/")),
        };
        sources.iter().find(|source| source.path == file).map(|source| (source, &modules[length..]))
    });
    found.is_some_and(|(source, inside)| {
        let has = |item: String| source.text.contains(&item);
        inside.iter().all(|module| has(format!("mod {module} {{"))) && has(format!("fn {function}("))
    })
}

/// Tests whose names begin with an RFC's number, and that the list does not have.
fn unlisted(text: &str, sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        for (index, line) in source.text.lines().enumerate() {
            let code = line.trim_start().trim_start_matches("async ");
            let Some(function) = code.strip_prefix("fn rfc").and_then(|rest| rest.split('(').next()) else { continue };
            let names_one = function.starts_with(|first: char| first.is_ascii_digit());
            if names_one && !text.contains(&format!("::rfc{function}`")) {
                complaints.push(format!("{}:{}: rfc{function} is not in {LIST}", source.path, index + 1));
            }
        }
    }
    complaints
}

mod tests {
    use super::*;

    fn sources() -> Vec<Source> {
        let file = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
        vec![
            file("crates/zone/src/answer/tests/names.rs", "fn absence() {}\n    fn rfc2308_3_soa(\n"),
            file("crates/wire/src/query.rs", "mod tests {\n    fn a_question() {}\n"),
            file("crates/wire/src/lib.rs", "fn at_the_root() {}"),
            file("tests/answers.rs", "async fn rfc7766_5_both() {}"),
        ]
    }

    const GOOD: &str = "# RFCs\n\n| section | asks | test |\n| --- | --- | --- |\n\
        | 1035 4.1.2 | x | `waymark_wire::query::tests::a_question`, `waymark_wire::at_the_root` |\n\
        | 2308 2 | x | `waymark_zone::answer::tests::names::absence` |\n\
        | 2308 2.1 | x | `waymark_zone::answer::tests::names::rfc2308_3_soa` |\n\
        | 7766 5 | x | `behaviour::answers::rfc7766_5_both` |\n\
        | 7766 10 | x | `waymark_wire::at_the_root` |\n\
        | 7766 A.1 | x | `waymark_wire::at_the_root` |\n";

    #[test]
    fn a_list_whose_tests_exist_is_good() {
        assert_eq!(list(GOOD, &sources()), Vec::<String>::new());
    }

    #[test]
    fn a_test_that_does_not_exist_is_noticed() {
        for (there, gone) in [
            ("names::absence`", "names::absent`"),
            ("names::absence`", "aliases::absence`"),
            ("waymark_zone::answer", "waymark_wire::answer"),
            ("query::tests::a_question", "query::others::a_question"),
            ("query::tests::a_question", "query::tests::deeper::a_question"),
            ("behaviour::answers", "elsewhere::answers"),
            ("waymark_wire::at_the_root", "at_the_root"),
        ] {
            let changed = GOOD.replacen(there, gone, 1);
            assert_ne!(changed, GOOD);
            assert!(!list(&changed, &sources()).is_empty(), "{gone}");
        }
    }

    #[test]
    fn rows_out_of_shape_or_place_are_noticed() {
        let count = |row: &str| list(&format!("{GOOD}{row}\n"), &sources()).len();
        assert_eq!(count("| 9999 1 | x | `waymark_wire::at_the_root` |"), 0);
        assert_eq!(count("| 9999 1 | x | waymark_wire::at_the_root |"), 1, "no test");
        assert_eq!(count("| 9999 1 | `waymark_wire::at_the_root` |"), 1, "two cells");
        assert_eq!(count("| 7766 9 | x | `waymark_wire::at_the_root` |"), 1, "behind section 10 and the appendix");
        assert_eq!(count("| 7766 A.1 | x | `waymark_wire::at_the_root` |"), 1, "twice");
        let rows = |text: &str| text.lines().filter(|line| is_row(line)).count();
        assert_eq!(rows(GOOD), 6);
    }

    #[test]
    fn a_named_test_that_is_not_listed_is_noticed() {
        let without: String =
            GOOD.lines().filter(|line| !line.contains("rfc7766")).map(|line| format!("{line}\n")).collect();
        assert_eq!(list(&without, &sources()), ["tests/answers.rs:1: rfc7766_5_both is not in docs/rfc.md"]);
        assert_eq!(list("", &sources()).len(), 3, "no rows, and two tests");
    }
}
