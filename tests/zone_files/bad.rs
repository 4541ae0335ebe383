//! Files with mistakes: every bad line is told with its file and number, and the rest is imported or not, by choice.

use serde_json::json;
use waymark::config::Limit;

use super::{Site, summary, text};

/// Lines that cannot be imported, and a part of what is said of each.
const BAD: [(&str, &str); 21] = [
    ("www A 192.0.2.300", "IPv4 address"),
    ("www AAAA 2001:db8::g", "IPv6 address"),
    ("www A", "address is missing; A needs address"),
    ("www A 192.0.2.1 192.0.2.2", "text after the last field"),
    ("www MX mail", "not a number from 0 to 65535"),
    ("www MX 70000 mail", "not a number from 0 to 65535"),
    ("www SRV 1 2 mail", "not a number from 0 to 65535"),
    ("www NOTATYPE 1", "is not a record type"),
    ("www CH A 192.0.2.1", "the class CH is not served"),
    ("www 300", "no type"),
    ("www A 192.0.2.1 )", "parenthesis"),
    ("www TXT \"open", "quotation mark"),
    ("a..b A 192.0.2.1", "is not a name here"),
    ("www.other.test. A 192.0.2.1", "not inside bad.test"),
    ("$INCLUDE other.zone", "$INCLUDE directive not allowed"),
    ("$NOTHING x", "is not a directive"),
    ("$TTL", "$TTL needs"),
    ("$GENERATE 9-1 h$ A 192.0.2.$", "is not a range"),
    ("good CNAME other.example.net.", "already exists"),
    ("@ CAA 0 issue", "value is missing; CAA needs flags, tag, value"),
    ("www TYPE0 \\# 0", "TYPE0"),
];

const HEAD: &str = "$TTL 300\n@ SOA ns.other.test. host.other.test. 1 2 3 4 5\ngood A 192.0.2.1\n";
const HEAD_LINES: usize = 3;

fn bad_file() -> String {
    let lines: Vec<&str> = BAD.iter().map(|(line, _)| *line).collect();
    format!("{HEAD}{}\nlast A 192.0.2.2\n", lines.join("\n"))
}

#[test]
fn every_bad_line_is_told_and_the_rest_is_imported() {
    let site = Site::start();
    site.write("bad.test", bad_file());
    let output = site.cli(&["import", "bad.test", "--json"]);
    assert_eq!(output.status.code(), Some(1), "something was refused");
    let told = text(&output.stderr);
    for (number, (line, part)) in BAD.iter().enumerate() {
        let place = format!("bad.test:{}: ", HEAD_LINES + 1 + number);
        let words = told.lines().find_map(|told| told.strip_prefix(&place));
        let words = words.unwrap_or_else(|| panic!("nothing of {line:?} at {place}\n{told}"));
        assert!(words.contains(part), "{line}: {words}");
        assert!(words.len() > 15, "what would be right is missing: {words}");
    }
    let import = summary(&text(&output.stdout));
    assert_eq!((&import["lines_refused"], &import["records_added"]), (&json!(BAD.len()), &json!(2)), "{told}");
    assert!(told.ends_with("lines were refused\n"), "{told}");
    let exported = site.export("bad.test");
    assert!(exported.contains("good.bad.test.\t300\tIN\tA\t192.0.2.1") && exported.contains("last.bad.test."));
}

#[test]
fn an_import_that_stops_leaves_nothing_of_the_file_and_all_before_it() {
    let site = Site::start();
    site.write("files/a.test", format!("{HEAD}www A 192.0.2.1\n"));
    site.write("files/b.test", format!("{HEAD}www A 192.0.2.1\nbad A 192.0.2.300\n"));
    site.write("files/c.test", format!("{HEAD}www A 192.0.2.1\n"));
    let output = site.cli(&["import", "files", "--on-problem", "stop"]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(told.contains("files/b.test:5: ") && told.contains("stopped at the first line that was refused"), "{told}");
    let listed = site.done(&["list", "*.test"]);
    assert!(listed.contains("a.test") && !listed.contains("  b.test  "), "{listed}");
    site.write("files/b.test", format!("{HEAD}www A 192.0.2.1\n"));
    let import = summary(&site.done(&["import", "files", "--json"]));
    assert_eq!((&import["files"], &import["ended_early"]), (&json!(3), &json!(null)), "{import}");
}

#[test]
fn what_is_changed_or_passed_over_is_told_and_is_no_failure() {
    let site = Site::start();
    let file = format!(
        "{HEAD}@ NS ns.other.test.\nlow 5 A 192.0.2.1\nhigh 90d A 192.0.2.2\n\
                        good RRSIG A 13 2 300 20300101000000 20200101000000 1 soft.test. AAAA\n"
    );
    site.write("soft.test", file);
    let output = site.cli(&["import", "soft.test", "--json"]);
    let (import, told) = (summary(&text(&output.stdout)), text(&output.stderr));
    assert!(output.status.success(), "{told}");
    assert_eq!((&import["lines_adjusted"], &import["records_added"]), (&json!(2), &json!(3)), "{told}");
    for place in ["soft.test:2: ", "soft.test:5: ", "soft.test:6: "] {
        assert!(told.contains(place), "{place} {told}");
    }
    let quiet = site.cli(&["import", "soft.test", "--quiet"]);
    assert!(quiet.stderr.is_empty(), "{}", text(&quiet.stderr));
}

#[test]
fn a_file_that_is_not_text_or_cannot_be_read_costs_no_other() {
    let site = Site::start();
    site.write("files/a.test", b"\x7fELF\x01\x01\x01\x00\x00\x00\xff\xfe\n\x00\x00");
    site.write("files/b.test", "www 300 A 192.0.2.1\n");
    site.write("files/name-without-a-zone", "www 300 A 192.0.2.1\n");
    std::os::unix::fs::symlink("/proc/self/mem", site.directory.join("files/unreadable.test")).expect("a link");
    let output = site.cli(&["import", "files", "--json"]);
    let (import, told) = (summary(&text(&output.stdout)), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(import["records_added"], json!(1), "{told}");
    for file in ["files/a.test: not a text file", "files/name-without-a-zone", "files/unreadable.test"] {
        assert!(told.contains(file), "{file} {told}");
    }
}

#[test]
fn a_file_that_is_larger_than_the_limit_is_refused_alone() {
    let site = Site::start_with(|config| config.limits.import_file_octets = Limit(1000));
    site.write("big.test", format!("www 300 A 192.0.2.1\n;{}\n", "x".repeat(200_000)));
    site.write("small.test", "www 300 A 192.0.2.1\n");
    let output = site.cli(&["import", "big.test", "small.test", "--json"]);
    let (import, told) = (summary(&text(&output.stdout)), text(&output.stderr));
    assert!(told.contains("big.test: the file has more than 1000 octets"), "{told}");
    assert_eq!((output.status.code(), &import["zones_made"]), (Some(1), &json!(1)), "{told}");
}

#[test]
fn the_command_line_of_an_import_is_checked_first() {
    let site = Site::start();
    site.write("a.test", "www 300 A 192.0.2.1\n");
    for (arguments, part) in [
        (&["import", "missing.zone"][..], "missing.zone"),
        (&["import", "a.test", "a.test", "--origin", "b.test"], "--origin is for one file"),
        (&["import", "a.test", "--origin", "b..test"], "not a domain name"),
        (&["import", "a.test", "--account", "x"], "there is no account \"x\""),
        (&["import", "a.test", "--account", "00112233445566778899aabbccddeeff"], "account"),
    ] {
        let output = site.cli(arguments);
        let told = text(&output.stderr);
        assert!(output.status.code() == Some(1) && told.contains(part), "{arguments:?}: {told}");
    }
    let account = site.node.account("second");
    let told = text(&site.cli(&["import", "a.test"]).stderr);
    assert!(told.contains("--account"), "there are several now: {told}");
    let import = site.done(&["import", "a.test", "--account", &account.id, "--origin", "b.test", "--json"]);
    assert_eq!(summary(&import)["zones_made"], json!(1));
    assert!(site.done(&["list", "--account", &account.id]).contains("b.test"));
}
