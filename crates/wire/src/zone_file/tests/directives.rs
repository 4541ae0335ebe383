//! `$ORIGIN`, `$TTL` and `$GENERATE`.

use super::*;

#[test]
fn an_origin_is_whole_or_relative_to_the_one_before() {
    let text = "a A 192.0.2.1\n$ORIGIN sub\nb A 192.0.2.1\n$origin sub ; deeper\nc CNAME @\n$ORIGIN example.net.\nd A 192.0.2.1";
    assert_eq!(
        told(text),
        [
            "1 a.example.com - A 192.0.2.1",
            "3 b.sub.example.com - A 192.0.2.1",
            "5 c.sub.sub.example.com - CNAME sub.sub.example.com.",
            "7 d.example.net - A 192.0.2.1",
        ]
    );
    let mut reader = Reader::new(b"$ORIGIN .\n@ NS a", Some(name("example.com")), ReaderOptions::default());
    assert_eq!(tell(reader.next().unwrap()), "2 . - NS a.");
    assert_eq!(reader.origin(), Some(&Name::root()));
}

#[test]
fn behind_a_bad_origin_relative_names_are_refused() {
    let told = told("$ORIGIN a..b\nc A 192.0.2.1\nd.example.com. A 192.0.2.1\n$ORIGIN e.example.com.\nf A 192.0.2.1");
    assert!(told[0].starts_with("1: \"a..b\" is not a name here"));
    assert!(told[1].starts_with("2: \"c\" is not a name here: it is relative to an origin, and there is none"));
    assert_eq!(told[2..], ["3 d.example.com - A 192.0.2.1", "5 f.e.example.com - A 192.0.2.1"]);
}

#[test]
fn directives_need_their_argument() {
    for text in ["$ORIGIN", "$ORIGIN ; x", "$ORIGIN a b"] {
        assert_eq!(problem(text), "1: $ORIGIN needs one name, such as example.com.", "{text}");
    }
    for text in ["$TTL", "$TTL 1 2"] {
        assert_eq!(problem(text), "1: $TTL needs one time in seconds, such as 3600 or 1h30m", "{text}");
    }
    assert!(problem("$TTL x").starts_with("1: \"x\" is not a TTL: "));
    assert_eq!(told("$TTL 1D\na A 192.0.2.1"), ["2 a.example.com 86400 A 192.0.2.1"]);
}

#[test]
fn generated_records_have_their_number_in_every_form() {
    for (template, number, filled) in [
        ("$", 7, "7"),
        ("a$b$", 7, "a7b7"),
        ("${0}", 7, "7"),
        ("${1}", 7, "8"),
        ("${-7}", 7, "0"),
        ("${+1}", 7, "8"),
        ("${0,3}", 7, "007"),
        ("${0,3,d}", 7, "007"),
        ("${0,0,o}", 8, "10"),
        ("${0,2,x}", 10, "0a"),
        ("${0,2,X}", 10, "0A"),
        ("${0,0,n}", 10, "a"),
        ("${0,0,N}", 0x1ab, "B.A.1"),
        ("${0,7,n}", 0x1ab, "b.a.1.0"),
        ("${0,3,n}", 1, "1.0"),
        ("\\$", 7, "\\$"),
        ("$$", 7, "\\$"),
        ("a\\.$", 7, "a\\.7"),
    ] {
        let line = format!("{number}-{number} {template}.a. TXT {template}");
        let mut generator = generate::Generator::read(1, &line, None).unwrap();
        assert_eq!(generator.count(), 1);
        assert_eq!(generator.next_record(), Some(Ok((format!("{filled}.a."), format!("TXT {filled}")))), "{template}");
        assert_eq!((generator.count(), generator.next_record()), (0, None));
    }
}

#[test]
fn generated_records_are_read_like_others() {
    assert_eq!(
        told("$TTL 60\n$GENERATE 1-5/2 host-$ 300 IN A 192.0.2.${10} ; three\n A 192.0.2.1\nz A 192.0.2.1"),
        [
            "2 host-1.example.com 300 A 192.0.2.11 ;three",
            "2 host-3.example.com 300 A 192.0.2.13 ;three",
            "2 host-5.example.com 300 A 192.0.2.15 ;three",
            "3: the line begins with a blank, so the record belongs to the owner before it, and there is none: write a name first",
            "4 z.example.com 60 A 192.0.2.1",
        ]
    );
    assert_eq!(
        told("$GENERATE 0-1 $.2.0.192.in-addr.arpa. PTR host-${0,3,d}\n"),
        [
            "1 0.2.0.192.in-addr.arpa - PTR host-000.example.com.",
            "1 1.2.0.192.in-addr.arpa - PTR host-001.example.com.",
        ]
    );
    // Wrong for all from the first wrong one on.
    let told = told("$GENERATE 254-300 a$ A 192.0.2.$\nb A 192.0.2.1");
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[2].starts_with("1: \"192.0.2.256\" is not an IPv4 address"));
}

#[test]
fn what_cannot_be_generated_says_why() {
    for (text, why) in [
        ("$GENERATE", "$GENERATE needs START-STOP NAME [TTL] [IN] TYPE DATA"),
        ("$GENERATE 1-2 a", "$GENERATE needs "),
        ("$GENERATE 2-1 a A 192.0.2.$", "\"2-1\" is not a range: START-STOP or START-STOP/STEP "),
        ("$GENERATE 1-2/0 a A 192.0.2.$", "\"1-2/0\" is not a range"),
        ("$GENERATE 1 a A 192.0.2.$", "\"1\" is not a range"),
        ("$GENERATE 0-2147483648 a A 192.0.2.$", "\"0-2147483648\" is not a range"),
        ("$GENERATE 1-2 a${x} A 192.0.2.$", "\"${x}\" is not a number of $GENERATE: ${OFFSET,WIDTH,BASE} is needed"),
        ("$GENERATE 1-2 a${0,1,q} A 192.0.2.$", "\"${0,1,q}\" is not a number"),
        ("$GENERATE 1-2 a${0,1,d,1} A 192.0.2.$", "\"${0,1,d,1}\" is not a number"),
        ("$GENERATE 1-2 a${0 A 192.0.2.$", "\"${0\" is not a number"),
        ("$GENERATE 1-2 a${-2} A 192.0.2.$", "an offset takes a number of $GENERATE out of its range"),
        (
            "$GENERATE 1-2 a${0,5000} A 192.0.2.$",
            "a line of $GENERATE, and each record that it makes, must have at most 4096",
        ),
        ("$GENERATE 0-65536 a$ A 192.0.2.1", "a file may generate 65536 records: make the range smaller"),
    ] {
        let problem = problem(text);
        assert!(problem.starts_with(&format!("1: {why}")), "{text}: {problem}");
    }
    let long = format!("$GENERATE 0-1 a TXT {}", "${0,255} ".repeat(20));
    assert!(problem(&long).contains("must have at most 4096 octets"));
    assert!(problem(format!("$GENERATE 0-1 a TXT {}", "x ".repeat(2048))).contains("must have at most 4096 octets"));
}

#[test]
fn a_file_generates_so_many_and_all_of_a_line_or_none() {
    let options = ReaderOptions { generated_max: 5, ..ReaderOptions::default() };
    let text = "$GENERATE 1-3 a$ A 192.0.2.1\n$GENERATE 1-3 b$ A 192.0.2.1\n$GENERATE 1-2 c$ A 192.0.2.1";
    let read: Vec<_> = Reader::new(text.as_bytes(), Some(name("example.com")), options).collect();
    let told: Vec<_> =
        read.into_iter().map(|read| tell(read).split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    let made = |owner: &str| format!("{owner}.example.com");
    assert_eq!(told[..3], [1, 2, 3].map(|number| made(&format!("1 a{number}"))));
    assert_eq!(told[3..], ["2: a".to_owned(), made("3 c1"), made("3 c2")]);
}
