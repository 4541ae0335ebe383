//! Zone files as people have them: each a text, and what DNS answers once it is imported.

/// A zone file, and what becomes of it.
pub(crate) struct Shape {
    /// The zone.
    pub(crate) apex: &'static str,
    /// What the file says.
    pub(crate) text: String,
    /// Owners below the apex (`@` is the apex itself), types, and the data that DNS has for them.
    pub(crate) answers: Vec<(String, &'static str, Vec<String>)>,
    /// Whether the API takes all of it.
    pub(crate) api: bool,
}

/// What most files begin with.
const HEAD: &str = "$TTL 3600\n@ IN SOA ns1.other.test. hostmaster.other.test. 7 7200 3600 1209600 300\n\
                    @ IN NS ns1.other.test.\n@ IN NS ns2.other.test.\n";

fn shape(apex: &'static str, body: &str, answers: &[(&str, &'static str, &[&str])]) -> Shape {
    let text = format!("$ORIGIN {apex}.\n{HEAD}{body}");
    let data = |data: &[&str]| data.iter().map(|data| (*data).to_owned()).collect();
    let answers = answers.iter().map(|(owner, kind, all)| ((*owner).to_owned(), *kind, data(all))).collect();
    Shape { apex, text, answers, api: true }
}

/// Every shape.
pub(crate) fn all() -> Vec<Shape> {
    vec![
        dkim(),
        mail(),
        services(),
        wildcards(),
        many_mx(),
        idn(),
        underscores(),
        long_labels(),
        long_names(),
        delegation(),
        origins(),
        multi_line(),
        carriage_returns(),
        generated(),
        every_type(),
        other_types(),
        strings(),
        attributes(),
        many_lines(),
    ]
}

/// A key of 4096 bits has 736 characters: three strings, in parentheses over several lines.
pub(crate) fn dkim() -> Shape {
    let key: String = "MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEA".chars().cycle().take(736).collect();
    let strings = [format!("v=DKIM1; k=rsa; p={}", &key[..230]), key[230..485].to_owned(), key[485..].to_owned()];
    let quoted: Vec<String> = strings.iter().map(|string| format!("\"{string}\"")).collect();
    let mut shape = shape("dkim.test", &format!("mail._domainkey IN TXT ( {} )\n", quoted.join("\n\t\t")), &[]);
    shape.answers.push(("mail._domainkey".to_owned(), "TXT", vec![quoted.join(" ")]));
    shape
}

/// SPF and DMARC: semicolons and blanks inside quotation marks.
pub(crate) fn mail() -> Shape {
    let body = "@ TXT \"v=spf1 ip4:192.0.2.0/24 include:_spf.example.net -all\" ; not a comment: that is behind it\n\
                _dmarc TXT \"v=DMARC1; p=reject; rua=mailto:dmarc@mail.test; pct=100\"\n\
                _spf TXT v=spf1 ?all\n";
    let answers: &[(&str, &str, &[&str])] = &[
        ("@", "TXT", &["\"v=spf1 ip4:192.0.2.0/24 include:_spf.example.net -all\""]),
        ("_dmarc", "TXT", &["\"v=DMARC1; p=reject; rua=mailto:dmarc@mail.test; pct=100\""]),
        ("_spf", "TXT", &["\"v=spf1\" \"?all\""]),
    ];
    shape("mail.test", body, answers)
}

/// Sets of SRV and CAA records.
pub(crate) fn services() -> Shape {
    let body = "_sip._tcp SRV 10 60 5060 big\n_sip._tcp SRV 10 20 5060 small\n_sip._tcp SRV 20 0 5060 backup.example.net.\n\
                _none._tcp SRV 0 0 0 .\nbig A 192.0.2.1\nsmall A 192.0.2.2\n\
                @ CAA 0 issue \"ca.example.net\"\n@ CAA 0 issuewild \";\"\n@ CAA 128 iodef \"mailto:security@services.test\"\n";
    let answers: &[(&str, &str, &[&str])] = &[
        (
            "_sip._tcp",
            "SRV",
            &["10 20 5060 small.services.test.", "10 60 5060 big.services.test.", "20 0 5060 backup.example.net."],
        ),
        ("_none._tcp", "SRV", &["0 0 0 ."]),
        (
            "@",
            "CAA",
            &["0 issue \"ca.example.net\"", "0 issuewild \";\"", "128 iodef \"mailto:security@services.test\""],
        ),
    ];
    shape("services.test", body, answers)
}

pub(crate) fn wildcards() -> Shape {
    let body =
        "* A 192.0.2.1\n*.deep MX 10 mx.example.net.\n*.alias CNAME target\ntarget A 192.0.2.2\nexact A 192.0.2.3\n";
    let answers: &[(&str, &str, &[&str])] = &[
        ("anything", "A", &["192.0.2.1"]),
        ("*", "A", &["192.0.2.1"]),
        ("a.b.deep", "MX", &["10 mx.example.net."]),
        ("x.alias", "CNAME", &["target.wildcards.test."]),
        ("exact", "A", &["192.0.2.3"]),
    ];
    shape("wildcards.test", body, answers)
}

pub(crate) fn many_mx() -> Shape {
    let mut shape = shape("mx.test", "", &[]);
    let hosts: Vec<String> = (0..30).map(|number| format!("{} mx{number}.example.net.", number * 5)).collect();
    shape.text += &hosts.iter().map(|host| format!("@ MX {host}\n")).collect::<String>();
    shape.answers.push(("@".to_owned(), "MX", hosts));
    shape
}

/// Names in Unicode and in Punycode are the same names.
pub(crate) fn idn() -> Shape {
    let body = "münchen A 192.0.2.1\nxn--bcher-kva CNAME münchen\nστοιχείο MX 10 bücher.example.\n";
    let answers: &[(&str, &str, &[&str])] = &[
        ("xn--mnchen-3ya", "A", &["192.0.2.1"]),
        ("xn--bcher-kva", "CNAME", &["xn--mnchen-3ya.xn--mgbh0fb.test."]),
        ("xn--kxallxdth0a", "MX", &["10 xn--bcher-kva.example."]),
    ];
    shape("xn--mgbh0fb.test", body, answers)
}

pub(crate) fn underscores() -> Shape {
    let body = "_acme-challenge TXT \"token\"\n_443._tcp.www TLSA 3 1 1 \
                0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\nold_host A 192.0.2.1\n\
                _ TXT \"one\"\n__ TXT \"two\"\n";
    let answers: &[(&str, &str, &[&str])] = &[
        ("_acme-challenge", "TXT", &["\"token\""]),
        ("old_host", "A", &["192.0.2.1"]),
        ("_", "TXT", &["\"one\""]),
        ("__", "TXT", &["\"two\""]),
    ];
    shape("underscores.test", body, answers)
}

/// Labels of 63 octets.
pub(crate) fn long_labels() -> Shape {
    let label = "l".repeat(63);
    let mut shape = shape("labels.test", &format!("{label} A 192.0.2.1\n_{} CNAME {label}\n", "m".repeat(62)), &[]);
    shape.answers.push((label.clone(), "A", vec!["192.0.2.1".to_owned()]));
    shape.answers.push((format!("_{}", "m".repeat(62)), "CNAME", vec![format!("{label}.labels.test.")]));
    shape
}

/// Names of 253 characters, as owner and as target.
pub(crate) fn long_names() -> Shape {
    let apex = "names.test";
    let label = "n".repeat(63);
    let rest = 253 - apex.len() - 1 - 3 * 64;
    let owner = format!("{}.{label}.{label}.{label}", "o".repeat(rest));
    assert_eq!(format!("{owner}.{apex}").len(), 253);
    let mut shape = shape(apex, &format!("{owner} A 192.0.2.1\nshort CNAME {owner}.{apex}.\n"), &[]);
    shape.answers.push((owner.clone(), "A", vec!["192.0.2.1".to_owned()]));
    shape.answers.push(("short".to_owned(), "CNAME", vec![format!("{owner}.{apex}.")]));
    shape
}

/// What is below a delegation is glue, and answered as such: the NS records are in the authority section.
pub(crate) fn delegation() -> Shape {
    let body = "child NS ns1.child\nchild NS ns2.child\nchild NS ns.example.net.\n\
                child DS 12345 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n\
                ns1.child A 192.0.2.1\nns1.child AAAA 2001:db8::1\nns2.child A 192.0.2.2\n";
    let answers: &[(&str, &str, &[&str])] =
        &[("child", "NS", &["ns.example.net.", "ns1.child.parent.test.", "ns2.child.parent.test."])];
    shape("parent.test", body, answers)
}

/// `$ORIGIN` and `$TTL` in the middle, owners that are left out, units of time.
pub(crate) fn origins() -> Shape {
    let body = "www A 192.0.2.1\n    AAAA 2001:db8::1\n\tTXT \"third\"\n$ORIGIN sub.origins.test.\n@ A 192.0.2.2\n\
                www 1h30m IN A 192.0.2.3\n$ORIGIN deeper\nwww IN 300 A 192.0.2.4\n$TTL 1d\nlast CNAME www\n\
                $ORIGIN origins.test.\nend 2w A 192.0.2.5\nclass IN A 192.0.2.6\n";
    let answers: &[(&str, &str, &[&str])] = &[
        ("www", "AAAA", &["2001:db8::1"]),
        ("www", "TXT", &["\"third\""]),
        ("sub", "A", &["192.0.2.2"]),
        ("www.sub", "A", &["192.0.2.3"]),
        ("www.deeper.sub", "A", &["192.0.2.4"]),
        ("last.deeper.sub", "CNAME", &["www.deeper.sub.origins.test."]),
        ("class", "A", &["192.0.2.6"]),
    ];
    let mut shape = shape("origins.test", body, answers);
    // Two weeks are more than a TTL may have; what becomes of that is a matter of bad lines.
    shape.text = shape.text.replace("2w", "1d");
    shape
}

/// A SOA record over many lines with comments between them, tabs, empty lines.
pub(crate) fn multi_line() -> Shape {
    let text = "; a zone file\n;\n\n$TTL\t1h ; for all\nmulti.test.\tIN\tSOA\tns.other.test. host.other.test. (\n\
                \t\t2024010101\t; serial ( not a parenthesis\n\t\t7200 ; refresh\n\t\t3600 ; retry\n\n\
                \t\t1209600 ; expire\n\t\t300 ) ; minimum\n\n\tIN\tNS\tns.other.test.\n\n\
                www.multi.test.\t300\tIN\tA\t192.0.2.1\t;\n\t\t\t\tA\t192.0.2.2 ; two\n   \n\t\n; the end\n";
    let mut shape = shape("multi.test", "", &[("www", "A", &["192.0.2.1", "192.0.2.2"])]);
    shape.text = text.to_owned();
    shape
}

/// Lines that end as on Windows, a byte-order mark, and no end of the last line.
pub(crate) fn carriage_returns() -> Shape {
    let body = "www A 192.0.2.1 ; one\ntxt TXT ( \"a\"\n \"b\" )\nlast A 192.0.2.2";
    let answers: &[(&str, &str, &[&str])] =
        &[("www", "A", &["192.0.2.1"]), ("txt", "TXT", &["\"a\" \"b\""]), ("last", "A", &["192.0.2.2"])];
    let mut shape = shape("crlf.test", body, answers);
    shape.text = format!("\u{feff}{}", shape.text.replace('\n', "\r\n"));
    shape
}

pub(crate) fn generated() -> Shape {
    let body = "$GENERATE 1-20 host-$ A 192.0.2.$\n$GENERATE 0-8/4 ${10,3,d} PTR p$.example.net.\n";
    let answers: &[(&str, &str, &[&str])] = &[
        ("host-1", "A", &["192.0.2.1"]),
        ("host-20", "A", &["192.0.2.20"]),
        ("010", "PTR", &["p0.example.net."]),
        ("018", "PTR", &["p8.example.net."]),
    ];
    shape("generated.test", body, answers)
}

/// One record of each type that the API knows.
pub(crate) fn every_type() -> Shape {
    let body = "a A 192.0.2.1\naaaa AAAA 2001:db8::1\ncaa CAA 0 issue \"ca.example.net\"\n\
                cert CERT 1 12345 13 AQIDBAUGBwg=\ncname CNAME a\n\
                key DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==\n\
                cut NS ns.example.net.\ncut DS 12345 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n\
                https HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1\nloc LOC 52 22 23.000 N 4 53 32.000 E 2.00m 0.00m 10000.00m 10.00m\n\
                mx MX 10 a\nnaptr NAPTR 100 10 \"u\" \"E2U+sip\" \"!^.*$!sip:info@example.net!\" .\n\
                openpgp OPENPGPKEY AQIDBAUGBwg=\nptr PTR a.types.test.\n\
                smimea SMIMEA 3 0 0 0123456789abcdef\n_x._tcp SRV 0 0 80 a\nsshfp SSHFP 4 2 \
                0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n\
                svcb SVCB 1 svc.example.net. port=8443\n_443._tcp TLSA 3 1 1 \
                0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\ntxt TXT \"text\"\n\
                uri URI 10 1 \"https://example.net/\"\n";
    let answers: &[(&str, &str, &[&str])] = &[
        ("a", "A", &["192.0.2.1"]),
        ("aaaa", "AAAA", &["2001:db8::1"]),
        ("mx", "MX", &["10 a.types.test."]),
        ("ptr", "PTR", &["a.types.test."]),
        ("uri", "URI", &["10 1 \"https://example.net/\""]),
        ("txt", "TXT", &["\"text\""]),
    ];
    shape("types.test", body, answers)
}

/// Types that the API does not write, and types that nobody knows.
pub(crate) fn other_types() -> Shape {
    let body = "moved DNAME example.net.\nodd TYPE65280 \\# 3 010203\nknown A \\# 4 C0000201\n";
    let answers: &[(&str, &str, &[&str])] = &[
        ("moved", "DNAME", &["example.net."]),
        ("odd", "TYPE65280", &["\\# 3 010203"]),
        ("known", "A", &["192.0.2.1"]),
    ];
    Shape { api: false, ..shape("other.test.invalid", body, answers) }
}

/// Strings with everything that can be in one.
pub(crate) fn strings() -> Shape {
    let body = "quotes TXT \"say \\\"hello\\\"\"\nbackslash TXT \"a\\\\b\"\nempty TXT \"\"\nhigh TXT \"\\195\\188\"\n\
                bare TXT word\nsemicolon TXT \"a;b\" ; c\ntwo TXT \"one\" \"two\"\nfull TXT \"FULL\"\n";
    let full = "f".repeat(255);
    let answers: &[(&str, &str, &[&str])] = &[
        ("quotes", "TXT", &["\"say \\\"hello\\\"\""]),
        ("backslash", "TXT", &["\"a\\\\b\""]),
        ("empty", "TXT", &["\"\""]),
        ("high", "TXT", &["\"\\195\\188\""]),
        ("bare", "TXT", &["\"word\""]),
        ("semicolon", "TXT", &["\"a;b\""]),
        ("two", "TXT", &["\"one\" \"two\""]),
    ];
    let mut shape = shape("strings.test", &body.replace("FULL", &full), answers);
    shape.answers.push(("full".to_owned(), "TXT", vec![format!("\"{full}\"")]));
    shape
}

/// Comments, tags and proxies, as an export has them.
pub(crate) fn attributes() -> Shape {
    let body = "a A 192.0.2.1 ; just a comment\nb A 192.0.2.2 ; cf_tags=one,two:value,three:\"with, comma\"\n\
                c 1 A 192.0.2.3 ; both cf_tags=x:y,cf-proxied:true\nd A 192.0.2.4 ; speaks of cf_tags= itself cf_tags=\n\
                e A 192.0.2.5 ; cf_tags=cf-proxied:false\n";
    shape("attributes.test", body, &[("a", "A", &["192.0.2.1"]), ("e", "A", &["192.0.2.5"])])
}

/// 20,000 lines.
pub(crate) fn many_lines() -> Shape {
    let mut shape = shape("many.test", "", &[("h0", "A", &["10.0.0.0"]), ("h19999", "A", &["10.0.78.31"])]);
    let line = |number: u32| format!("h{number} A 10.0.{}.{}\n", number / 256, number % 256);
    shape.text += &(0..20_000).map(line).collect::<String>();
    // More than the API takes at once.
    Shape { api: false, ..shape }
}
