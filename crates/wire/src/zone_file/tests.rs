//! What the reader makes of files, line by line, and what it says of those that are wrong.

mod attributes;
mod directives;
mod properties;
mod real;

use super::*;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn read_with(text: impl AsRef<[u8]>, origin: Option<&str>) -> Vec<Result<Entry, Problem>> {
    Reader::new(text.as_ref(), origin.map(name), ReaderOptions::default()).collect()
}

/// What a file of example.com says, an entry or a problem each: `line owner ttl type data ;comment`.
fn told(text: impl AsRef<[u8]>) -> Vec<String> {
    read_with(text, Some("example.com")).into_iter().map(tell).collect()
}

fn tell(read: Result<Entry, Problem>) -> String {
    match read {
        Ok(Entry { line, owner, ttl, rdata, comment }) => {
            let ttl = ttl.map_or("-".to_owned(), |ttl| ttl.to_string());
            let comment = comment.map_or(String::new(), |comment| format!(" ;{comment}"));
            format!("{line} {owner} {ttl} {} {rdata}{comment}", rdata.record_type())
        }
        Err(problem) => format!("{}: {problem}", problem.line),
    }
}

/// The one problem of a text.
#[track_caller]
fn problem(text: impl AsRef<[u8]>) -> String {
    let told = told(text);
    assert_eq!(told.len(), 1, "{told:#?}");
    told.into_iter().next().unwrap()
}

#[test]
fn a_zone_as_rfc_1035_has_it() {
    // Section 5.3, with addresses for documents.
    let text = "\
@   IN  SOA     VENERA      Action\\.domains (
                                 20     ; SERIAL
                                 7200   ; REFRESH
                                 600    ; RETRY
                                 3600000; EXPIRE
                                 60)    ; MINIMUM

        NS      A.ISI.EDU.
        NS      VENERA
        MX      10      VENERA
        MX      20      VAXA

A       A       192.0.2.27

VENERA  A       192.0.2.1
        A       192.0.2.52
";
    assert_eq!(
        told(text),
        [
            "1 example.com - SOA venera.example.com. action\\.domains.example.com. 20 7200 600 3600000 60 ;MINIMUM",
            "8 example.com - NS a.isi.edu.",
            "9 example.com - NS venera.example.com.",
            "10 example.com - MX 10 venera.example.com.",
            "11 example.com - MX 20 vaxa.example.com.",
            "13 a.example.com - A 192.0.2.27",
            "15 venera.example.com - A 192.0.2.1",
            "16 venera.example.com - A 192.0.2.52",
        ]
    );
}

#[test]
fn owners_are_whole_relative_or_those_before() {
    for (text, owner) in [
        ("@ A 192.0.2.1", "example.com"),
        ("www A 192.0.2.1", "www.example.com"),
        ("WWW A 192.0.2.1", "www.example.com"),
        ("www.example.net. A 192.0.2.1", "www.example.net"),
        (". A 192.0.2.1", "."),
        ("a.b A 192.0.2.1", "a.b.example.com"),
        ("a\\.b A 192.0.2.1", "a\\.b.example.com"),
        ("a\\046b A 192.0.2.1", "a\\.b.example.com"),
        ("a\\032b A 192.0.2.1", "a\\032b.example.com"),
        ("a\\ b A 192.0.2.1", "a\\032b.example.com"),
        ("a\\. A 192.0.2.1", "a\\..example.com"),
        ("\\@ A 192.0.2.1", "\\@.example.com"),
        ("\\$ORIGIN A 192.0.2.1", "\\$origin.example.com"),
        ("a\\;b A 192.0.2.1", "a\\;b.example.com"),
        ("a\\(b A 192.0.2.1", "a\\(b.example.com"),
        ("a\\\"b A 192.0.2.1", "a\\\"b.example.com"),
        ("*.a A 192.0.2.1", "*.a.example.com"),
        ("_sip._tcp A 192.0.2.1", "_sip._tcp.example.com"),
        ("0/25.2.0.192 A 192.0.2.1", "0/25.2.0.192.example.com"),
        ("bücher A 192.0.2.1", "xn--bcher-kva.example.com"),
        ("bücher.example. A 192.0.2.1", "xn--bcher-kva.example"),
        // Types, classes and numbers are names where a name must stand.
        ("A A 192.0.2.1", "a.example.com"),
        ("IN A 192.0.2.1", "in.example.com"),
        ("MX IN A 192.0.2.1", "mx.example.com"),
        ("300 300 A 192.0.2.1", "300.example.com"),
        ("TYPE1 A 192.0.2.1", "type1.example.com"),
    ] {
        let read = read_with(text, Some("example.com"));
        let entry = read[0].as_ref().unwrap_or_else(|why| panic!("{text}: {why}"));
        assert_eq!(
            (entry.owner.to_string().as_str(), entry.rdata.to_string().as_str()),
            (owner, "192.0.2.1"),
            "{text}"
        );
    }
    assert_eq!(
        told("www A 192.0.2.1\n A 192.0.2.2\n\n\t; a comment\n  \n\tA 192.0.2.3\n"),
        ["1 www.example.com - A 192.0.2.1", "2 www.example.com - A 192.0.2.2", "6 www.example.com - A 192.0.2.3"]
    );
}

#[test]
fn ttl_and_class_come_in_either_order_or_not_at_all() {
    for (head, ttl) in [
        ("", None),
        ("IN", None),
        ("300", Some(300)),
        ("300 IN", Some(300)),
        ("IN 300", Some(300)),
        ("in 1h30m", Some(5400)),
        ("1W2d3H4m5S IN", Some(788_645)),
        ("CLASS1 0", Some(0)),
        ("4294967295", Some(u32::MAX)),
    ] {
        let read = read_with(format!("www {head} A 192.0.2.1"), Some("example.com"));
        assert_eq!(read[0].as_ref().map(|entry| entry.ttl), Ok(ttl), "{head}");
    }
    for (head, why) in [
        ("300 IN 300", "\"300\" is not a record type: "),
        ("IN IN", "\"IN\" is not a record type: "),
        ("1y", "\"1y\" is not a TTL: seconds, such as 3600, or numbers with the units s, m, h, d and w"),
        ("4294967296", "\"4294967296\" is not a TTL: "),
        ("CH", "the class CH is not served: leave it out, or write IN"),
        ("CLASS3", "the class CLASS3 is not served"),
    ] {
        let told = problem(format!("www {head} A 192.0.2.1"));
        assert!(told.starts_with(&format!("1: {why}")), "{head}: {told}");
    }
}

#[test]
fn a_ttl_is_that_of_the_directive_else_the_last_one_given() {
    let text =
        "a A 192.0.2.1\nb 60 A 192.0.2.1\nc A 192.0.2.1\n$TTL 1h\nd A 192.0.2.1\ne 70 A 192.0.2.1\nf A 192.0.2.1";
    let ttls: Vec<_> = read_with(text, Some("example.com")).into_iter().map(|entry| entry.unwrap().ttl).collect();
    assert_eq!(ttls, [None, Some(60), Some(60), Some(3600), Some(70), Some(3600)]);
}

#[test]
fn types_of_all_kinds_are_read() {
    assert_eq!(
        told(
            "a TYPE65280 \\# 2 abcd\na DNAME b\na type1 192.0.2.1\na A \\# 4 C0000201\na WKS \\# 2 0000\na HINFO a \"b c\"\na aaaa ::1"
        ),
        [
            "1 a.example.com - TYPE65280 \\# 2 ABCD",
            "2 a.example.com - DNAME b.example.com.",
            "3 a.example.com - A 192.0.2.1",
            "4 a.example.com - A 192.0.2.1",
            "5 a.example.com - TYPE11 \\# 2 0000",
            "6 a.example.com - HINFO \"a\" \"b c\"",
            "7 a.example.com - AAAA ::1",
        ]
    );
    assert_eq!(problem("a ANY x"), "1: ANY is a type of questions or messages, and no record of a zone can have it");
    assert!(problem("a TYPE65280 x").contains("TYPE65280 is read in its generic form alone: \\# LENGTH HEX is needed"));
}

#[test]
fn quotes_and_parentheses_are_read_as_they_nest() {
    for (data, read) in [
        ("\"a;b\" ; c", "\"a;b\" ;c"),
        ("\"a (b\" c", "\"a (b\" \"c\""),
        ("\"a \\\" ; b\"", "\"a \\\" ; b\""),
        ("( \"a\" \"b\" )", "\"a\" \"b\""),
        ("(\"a\"\n\"b\")", "\"a\" \"b\""),
        ("(\"a\" ; one\n ; two\n \"b\" ; three\n ) ; four", "\"a\" \"b\" ;four"),
        ("(\"a\" ; one\n)", "\"a\""),
        ("( ( a ) b )", "\"a\" \"b\""),
        ("a\\;b\\(c", "\"a;b(c\""),
        ("(\r\n\ta\r\n)\r\n", "\"a\""),
        ("\"tab\there\"", "\"tab\\009here\""),
        ("\"é\"", "\"\\195\\169\""),
    ] {
        assert_eq!(told(format!("@ TXT {data}")), [format!("1 example.com - TXT {read}")], "{data}");
    }
    assert_eq!(
        told("( @ A 192.0.2.1 )\n(\n)\n()\n@ ( A ) 192.0.2.2"),
        ["1 example.com - A 192.0.2.1", "5 example.com - A 192.0.2.2",]
    );
}

#[test]
fn comments_are_those_of_the_last_line() {
    let comments = |text: &[u8]| read_with(text, Some("example.com"))[0].as_ref().unwrap().comment.clone();
    assert_eq!(comments(b"@ A 192.0.2.1;x"), Some("x".to_owned()));
    assert_eq!(comments(b"@ A 192.0.2.1 ;;  x ; y \t"), Some(";  x ; y".to_owned()));
    assert_eq!(comments(b"@ A 192.0.2.1 ; \t"), None);
    assert_eq!(comments(b"@ A 192.0.2.1 ; \xff \0"), Some("\u{fffd} \0".to_owned()));
    assert_eq!(comments(b"@ A 192.0.2.1\n; not this one"), None);
}

#[test]
fn line_ends_are_of_all_kinds() {
    let text = "a A 192.0.2.1|b A 192.0.2.2|bad|c A 192.0.2.3";
    for end in ["\n", "\r\n", "\r"] {
        for (before, after) in [("", ""), ("\u{feff}", ""), ("", end)] {
            let lines: Vec<_> = told(format!("{before}{}{after}", text.replace('|', end)));
            let begun: Vec<_> = lines.iter().map(|line| line.split([' ', ':']).next().unwrap()).collect();
            assert_eq!(begun, ["1", "2", "3", "4"], "{end:?} {lines:?}");
        }
    }
    assert_eq!(told(""), [""; 0]);
    assert_eq!(told("\n\r\n \n;x\n"), [""; 0]);
}

#[test]
fn problems_say_what_is_wrong_and_what_would_be_right() {
    for (text, told) in [
        ("a A 300.1.1.1", "\"300.1.1.1\" is not an IPv4 address: four numbers from 0 to 255 with dots are needed"),
        (
            "a AAAA 1.1.1.1",
            "\"1.1.1.1\" is not an IPv6 address: hexadecimal numbers with colons, such as 2001:db8::1, are needed",
        ),
        ("a MX 10", "target is missing; MX needs priority, target"),
        ("a A 192.0.2.1 x", "there is text after the last field: \"x\"; A needs address"),
        ("a MX ten mail", "\"ten\" is not a number from 0 to 65535"),
        ("a CNAME a..b", "\"a..b\" is not a host name: "),
        (
            "a FOO bar",
            "\"FOO\" is not a record type: NAME [TTL] [IN] TYPE DATA is needed, and a type without a name is TYPE with its number",
        ),
        ("a", "the record has no type: NAME [TTL] [IN] TYPE DATA is needed"),
        ("a 300 IN", "the record has no type: "),
        (
            " A 192.0.2.1",
            "the line begins with a blank, so the record belongs to the owner before it, and there is none: write a name first",
        ),
        ("a..b A 192.0.2.1", "\"a..b\" is not a name here: "),
        ("a TXT \"open", "a quotation mark has no other one on this line: "),
        ("a TXT (\"open\nb\n)", "a quotation mark has no other one on this line: "),
        ("a TXT ( b", "a parenthesis that is opened on this line is never closed: "),
        ("a TXT b )", "a parenthesis is closed that was not opened: "),
        ("a TXT \0", "an octet with the value 0: "),
        ("a TXT \\300", "\"300\" is not a number from 0 to 255"),
        ("$INCLUDE x", "$INCLUDE directive not allowed"),
        ("$include x", "$INCLUDE directive not allowed"),
        (
            "$DATE x",
            "\"$DATE\" is not a directive: $ORIGIN, $TTL and $GENERATE are; a name that begins with $ is written with \\$",
        ),
    ] {
        let problem = problem(text);
        assert!(problem.starts_with(&format!("1: {told}")), "{text:?}: {problem}");
    }
    assert!(problem(b"a TXT \xff").starts_with("1: octets that are not UTF-8: save the file as UTF-8"));
    let long = problem(format!("a A {}", "9".repeat(10_000)));
    assert!(long.len() < 300, "an error does not repeat all of what is wrong: {long}");
}

#[test]
fn what_depends_on_a_bad_owner_is_refused_too() {
    let told = told("a A 192.0.2.1\nb..c A 192.0.2.2\n A 192.0.2.3\nd A bad\n A 192.0.2.4");
    assert_eq!(told[0], "1 a.example.com - A 192.0.2.1");
    assert!(told[1].starts_with("2: \"b..c\" is not a name here"));
    assert_eq!(
        told[2],
        "3: the line begins with a blank, so the record belongs to the owner before it, which is not a name"
    );
    assert!(told[3].starts_with("4: \"bad\" is not an IPv4 address"));
    assert_eq!(told[4], "5 d.example.com - A 192.0.2.4");
}

#[test]
fn a_line_that_is_bad_leaves_the_others() {
    let told =
        told("a TXT ( \"x\nb A 192.0.2.1\nc A 192.0.2.2\nd TXT \"y\ne A 192.0.2.3\nf A 192.0.2.4 )\ng A 192.0.2.5");
    let begun: Vec<_> = told.iter().map(|line| line.split(" - ").next().unwrap()).collect();
    // The parenthesis of line 1 ends on line 6: one problem.
    assert_eq!(
        begun,
        [
            "1: a quotation mark has no other one on this line: a string ends on the line on which it begins",
            "7 g.example.com"
        ]
    );
    let told = self::told("a TXT ( x\nb A 192.0.2.1\nc MX ( 10\nd A 192.0.2.2\n");
    let begun: Vec<_> = told.iter().map(|line| line.split(" that").next().unwrap()).collect();
    assert_eq!(
        begun,
        ["1: a parenthesis", "2 b.example.com - A 192.0.2.1", "3: a parenthesis", "4 d.example.com - A 192.0.2.2"]
    );
}

#[test]
fn an_entry_has_a_length() {
    let options = ReaderOptions { entry_octets_max: 100, ..ReaderOptions::default() };
    let read = |text: String| {
        let read = Reader::new(text.as_bytes(), Some(name("example.com")), options);
        read.map(|entry| entry.map(|entry| entry.line).map_err(|problem| (problem.line, problem.what)))
            .collect::<Vec<_>>()
    };
    let too_long = ZoneFileError::TooLong { limit: 100 };
    assert_eq!(read(format!("a TXT {}\nb A 192.0.2.1", "x".repeat(94))), [Ok(1), Ok(2)]);
    assert_eq!(read(format!("a TXT {}\nb A 192.0.2.1", "x".repeat(95))), [Err((1, too_long.clone())), Ok(2)]);
    assert_eq!(read(format!("a TXT ({})\nb A 192.0.2.1", "x".repeat(95))), [Err((1, too_long)), Ok(2)]);
    let open = ZoneFileError::OpenParenthesis;
    let lines = "c A 192.0.2.1\n".repeat(20);
    let told = read(format!("a TXT (\n{lines})\nb A 192.0.2.1"));
    assert_eq!(told[0], Err((1, open)));
    assert_eq!(told[1..21], (2..=21).map(Ok).collect::<Vec<_>>());
    assert_eq!(told[21..], [Err((22, ZoneFileError::ClosingParenthesis)), Ok(23)]);
    // 64 KiB are no problem by default.
    let long = format!("a TXT {}", "\"0123456789\" ".repeat(5400));
    assert!(long.len() > 65_536 && read_with(long, Some("example.com"))[0].is_ok());
}

#[test]
fn parentheses_that_nothing_closes_take_no_time_to_speak_of() {
    // Read again from every line to the end, this would be 10^11 octets.
    let text = "a TXT (\n".repeat(50_000);
    let read = read_with(&text, Some("example.com"));
    assert!(read.iter().all(|entry| matches!(entry, Err(Problem { what: ZoneFileError::OpenParenthesis, .. }))));
    assert!((100..50_000).contains(&read.len()), "{}", read.len());
}

#[test]
fn without_an_origin_names_must_be_whole_or_an_soa_says_it() {
    let told = |text: &str| read_with(text, None).into_iter().map(tell).collect::<Vec<_>>();
    assert_eq!(
        told("example.com. SOA ns dns 1 2 3 4 5\nwww A 192.0.2.1\n@ NS ns"),
        [
            "1 example.com - SOA ns.example.com. dns.example.com. 1 2 3 4 5",
            "2 www.example.com - A 192.0.2.1",
            "3 example.com - NS ns.example.com.",
        ]
    );
    assert_eq!(told("www.example.com. A 192.0.2.1"), ["1 www.example.com - A 192.0.2.1"]);
    for text in
        ["www A 192.0.2.1", "@ A 192.0.2.1", "www.example.com. CNAME a", "www.example.com. CNAME @", "$ORIGIN a"]
    {
        assert!(told(text)[0].contains("it is relative to an origin, and there is none: "), "{:?}", told(text));
    }
}
