//! Comments and the attributes in them, on the examples of the page and on everything else.

use proptest::prelude::*;

use super::*;

fn attributes(comment: Option<&str>, tags: &[&str], proxied: Option<bool>, flatten_cname: bool) -> Attributes {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    Attributes { comment: comment.map(str::to_owned), tags, proxied, flatten_cname }
}

#[test]
fn the_examples_of_the_page_are_read_and_written_so() {
    let table: &[(&str, Attributes)] = &[
        ("cf_tags=awesome", attributes(None, &["awesome:"], None, false)),
        (
            r#"cf_tags=tag1,tag2:value2,tag3:"value,with,commas",tag4:"value with \"escaped\" quotation marks""#,
            attributes(
                None,
                &["tag1:", "tag2:value2", "tag3:value,with,commas", "tag4:value with \"escaped\" quotation marks"],
                None,
                false,
            ),
        ),
        ("just a comment without tags", attributes(Some("just a comment without tags"), &[], None, false)),
        (
            "this comment contains cf_tags= as text cf_tags=",
            attributes(Some("this comment contains cf_tags= as text"), &[], None, false),
        ),
        (
            "simple example cf_tags=important,ticket:THIS-12345",
            attributes(Some("simple example"), &["important:", "ticket:THIS-12345"], None, false),
        ),
        (
            r#"this is the comment cf_tags=tag1:value1,tag-without-value,with-quotes:"because of the comma, quotes are needed""#,
            attributes(
                Some("this is the comment"),
                &["tag1:value1", "tag-without-value:", "with-quotes:because of the comma, quotes are needed"],
                None,
                false,
            ),
        ),
        ("", Attributes::default()),
        ("cf_tags=test:1,cf-flatten-cname", attributes(None, &["test:1"], None, true)),
        ("cf_tags=cf-proxied:false", attributes(None, &[], Some(false), false)),
        ("cf_tags=tag-without-value,cf-proxied:true", attributes(None, &["tag-without-value:"], Some(true), false)),
        ("cf_tags=cf-flatten-cname,cf-proxied:true", attributes(None, &[], Some(true), true)),
    ];
    for (text, attributes) in table {
        assert_eq!(Attributes::from_comment(text).as_ref(), Ok(attributes), "{text}");
        assert_eq!(attributes.to_comment().unwrap_or_default(), *text);
    }
}

#[test]
fn other_spellings_mean_the_same() {
    for (text, meant) in [
        (r#"cf_tags=a:"""#, "cf_tags=a"),
        ("cf_tags=a:", "cf_tags=a"),
        ("  cf_tags=  a : b ,  c ", "cf_tags=a:b,c"),
        ("cf_tags=a:with blanks,b", "cf_tags=a:with blanks,b"),
        (r#"cf_tags=a:"plain""#, "cf_tags=a:plain"),
        (r#"cf_tags=a:"\u00e9\ud83d\ude00""#, "cf_tags=a:é😀"),
        ("comment cf_tags=", "comment"),
        ("cf_tags=", ""),
        ("cf_tags=CF-Proxied:true,CF-FLATTEN-CNAME:true", "cf_tags=cf-flatten-cname,cf-proxied:true"),
        ("cf_tags=cf-flatten-cname:false", ""),
        ("cf_tags=(not a list cf_tags=a", "cf_tags=(not a list cf_tags=a"),
        ("xcf_tags=a", "xcf_tags=a cf_tags="),
        ("cf_tags=first cf_tags=b", "cf_tags=first cf_tags=b"),
        // Inside a value it is no beginning of a list.
        (r#"cf_tags=a:"b cf_tags=c",d"#, r#"cf_tags=a:"b cf_tags=c",d"#),
    ] {
        assert_eq!(Attributes::from_comment(text).unwrap().to_comment().unwrap_or_default(), meant, "{text}");
    }
}

#[test]
fn tags_that_cannot_be_read_are_an_error() {
    for (text, why) in [
        ("cf_tags=a b", "\"a b\" behind cf_tags= is not the name of a tag: letters, digits, - and _ are needed"),
        ("cf_tags=,", "\"\" behind cf_tags= is not the name of a tag"),
        ("cf_tags=a,", "\"\" behind cf_tags= is not the name of a tag"),
        ("see cf_tags=(broken)", "\"(broken)\" behind cf_tags= is not the name of a tag"),
        ("cf_tags=a:b=c", "the value of the tag a has one of \" = \\ in it: write it in quotation marks"),
        ("cf_tags=a:b\"c", "the value of the tag a has one of"),
        ("cf_tags=a:\"b", "the value of the tag a is not one JSON string: "),
        ("cf_tags=a:\"b\"c", "the value of the tag a is not one JSON string: "),
        ("cf_tags=cf-proxied", "the tag cf-proxied takes true or false"),
        ("cf_tags=cf-proxied:yes", "the tag cf-proxied takes true or false"),
        ("cf_tags=cf-flatten-cname:1", "the tag cf-flatten-cname takes true or false"),
    ] {
        let told = Attributes::from_comment(text).unwrap_err().to_string();
        assert!(told.starts_with(why), "{text}: {told}");
    }
}

/// Text in which what means something is likely.
fn any_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("cf_tags=".to_owned()),
        Just(" cf_tags=a".to_owned()),
        Just("\\".to_owned()),
        "[\"=,:;() a-b]{0,3}",
        "[^\n\r]{0,4}",
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

fn any_attributes() -> impl Strategy<Value = Attributes> {
    let comment = any_text().prop_map(|text| Some(text.trim().to_owned()).filter(|text| !text.is_empty()));
    let tag = ("[a-zA-Z0-9_-]{1,32}", any_text())
        .prop_filter("no setting", |(name, _)| {
            !["cf-proxied", "cf-flatten-cname"].iter().any(|setting| setting.eq_ignore_ascii_case(name))
        })
        .prop_map(|(name, value)| format!("{name}:{value}"));
    (comment, prop::collection::vec(tag, 0..4), any::<Option<bool>>(), any::<bool>())
        .prop_map(|(comment, tags, proxied, flatten_cname)| Attributes { comment, tags, proxied, flatten_cname })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn what_is_written_is_read_again(attributes in any_attributes()) {
        let comment = attributes.to_comment();
        let read = Attributes::from_comment(comment.as_deref().unwrap_or_default());
        prop_assert_eq!(read, Ok(attributes), "{:?}", comment);
    }

    #[test]
    fn attributes_travel_in_a_file(attributes in any_attributes()) {
        let comment = attributes.to_comment();
        let mut line = String::new();
        let rdata = Rdata::from_text(RecordType::TXT, "x", &Name::root()).unwrap();
        write_record(&mut line, &Name::root(), 1, &rdata, comment.as_deref());
        let read = read_with(&line, None).remove(0).unwrap().comment.unwrap_or_default();
        prop_assert_eq!(Attributes::from_comment(&read), Ok(attributes), "{:?}", line);
    }

    #[test]
    fn any_comment_is_read_or_refused(text in any_text()) {
        if let Ok(attributes) = Attributes::from_comment(&text) {
            let again = Attributes::from_comment(&attributes.to_comment().unwrap_or_default());
            prop_assert_eq!(again, Ok(attributes));
        }
    }
}
