//! Shapes of files and records that people have.

use super::*;

/// The strings of a TXT record, put together.
fn text_of(entry: &Entry) -> String {
    let mut rest = entry.rdata.wire();
    let mut text = Vec::new();
    while let Some((&length, after)) = rest.split_first() {
        let (string, after) = after.split_at(usize::from(length));
        text.extend_from_slice(string);
        rest = after;
    }
    String::from_utf8(text).unwrap()
}

/// What is read of a file that is all good; that it is written and read again without a change.
#[track_caller]
fn entries(text: impl AsRef<[u8]>) -> Vec<Entry> {
    let entries: Vec<Entry> = read_with(text, Some("example.com")).into_iter().map(Result::unwrap).collect();
    let mut written = String::new();
    for entry in &entries {
        write_record(&mut written, &entry.owner, entry.ttl.unwrap_or(7), &entry.rdata, entry.comment.as_deref());
    }
    let again = read_with(&written, None).into_iter().map(Result::unwrap);
    let of_line = |(line, entry): (u32, &Entry)| Entry { line, ttl: entry.ttl.or(Some(7)), ..entry.clone() };
    assert!(again.eq((1..).zip(&entries).map(of_line)), "{written}");
    entries
}

#[test]
fn a_dkim_key_of_4096_bits_in_several_strings() {
    // 552 octets of key in base 64, as key generators print them for BIND: strings in parentheses, a line each.
    let key: String = (0..736).map(|at| char::from(b'A' + (at % 26) as u8)).collect();
    let lines: Vec<String> =
        key.as_bytes().chunks(200).map(|part| format!("\"{}\"", String::from_utf8_lossy(part))).collect();
    let file = format!(
        "mail._domainkey\tIN\tTXT\t( \"v=DKIM1; h=sha256; k=rsa; \"\n\t  \"p=\"\n\t  {} )  ; ----- DKIM key mail for example.com\n",
        lines.join("\n\t  ")
    );
    let read = entries(file);
    assert_eq!(text_of(&read[0]), format!("v=DKIM1; h=sha256; k=rsa; p={key}"));
    assert_eq!(read[0].rdata.wire()[0], 26, "the strings stay as they were cut");
    assert_eq!(read[0].comment.as_deref(), Some("----- DKIM key mail for example.com"));
    assert_eq!(read[0].owner.to_string(), "mail._domainkey.example.com");
    // As the API has it: one text, and the same text in strings.
    let (one, _) =
        Rdata::from_api(RecordType::TXT, &format!("v=DKIM1; k=rsa; p={key}"), None, &name("example.com")).unwrap();
    assert_eq!(one.wire()[0], 255);
    assert_eq!(Rdata::from_text(RecordType::TXT, &one.to_string(), &Name::root()), Ok(one));
}

#[test]
fn records_for_mail_services_and_authorities() {
    let read = entries(
        "@\t3600\tIN\tMX\t1 aspmx.l.mail.example.\n@ 3600 IN MX 5 alt1\n@ MX 5 alt2\n@ MX 10 alt3\n@ MX 0 .\n\
         @ TXT \"v=spf1 include:_spf.mail.example include:spf.other.example ip4:192.0.2.0/24 -all\"\n\
         _dmarc TXT v=DMARC1\\;\\ p=reject\\;\\ rua=mailto:d@example.com\n\
         _dmarc.b TXT \"v=DMARC1; p=none; rua=mailto:a@example.com,mailto:b@example.com!10m\"\n\
         _sip._tcp SRV 10 60 5060 big\n_sip._tcp SRV 10 20 5060 small1\n_sip._tcp SRV 20 0 5060 backup.\n_ldap._tcp SRV 0 0 0 .\n\
         @ CAA 0 issue \"letsencrypt.org\"\n@ CAA 0 issuewild \";\"\n@ CAA 128 iodef \"mailto:s@example.com\"\n\
         _443._tcp.www TLSA 3 1 1 ( 0011223344556677 8899aabbccddeeff\n 00112233445566778899aabbccddeeff )\n\
         host SSHFP 4 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n",
    );
    assert_eq!(read.len(), 17);
    assert_eq!(text_of(&read[6]), "v=DMARC1; p=reject; rua=mailto:d@example.com");
    assert_eq!(read[13].rdata.to_string(), "0 issuewild \";\"");
    assert_eq!(read[4].rdata.to_string(), "0 .");
    assert_eq!(read[10].rdata.to_string(), "20 0 5060 backup.");
    assert_eq!(read[15].rdata.wire().len(), 35);
}

#[test]
fn names_of_all_shapes() {
    let label = "l".repeat(63);
    // 253 characters, which is as long as a name without its last dot can be.
    let longest = format!("{label}.{label}.{label}.{}.example", "m".repeat(53));
    assert_eq!(longest.len(), 253);
    let read = entries(format!(
        "*.wild A 192.0.2.1\n* CNAME wild\n_a._b A 192.0.2.1\n{label} A 192.0.2.1\n{longest}. A 192.0.2.1\nlong CNAME {longest}.\n\
         bücher TXT \"straße\"\nmx MX 10 münchen.example.\nc CNAME BÜCHER\n1.0.0.127 PTR localhost.\n"
    ));
    let owners: Vec<String> = read.iter().map(|entry| entry.owner.to_string()).collect();
    assert!(read[0].owner.is_wildcard() && read[1].owner.is_wildcard());
    assert_eq!(owners[3], format!("{label}.example.com"));
    assert_eq!((owners[4].as_str(), read[4].owner.as_wire().len()), (longest.as_str(), 255));
    assert_eq!(owners[6], "xn--bcher-kva.example.com");
    assert_eq!(text_of(&read[6]), "straße");
    assert_eq!(read[7].rdata.to_string(), "10 xn--mnchen-3ya.example.");
    assert_eq!(read[8].rdata.to_string(), "xn--bcher-kva.example.com.");
    for (text, why) in [
        (format!("l{label} A 192.0.2.1"), "is not a name here"),
        (format!("l{longest}. A 192.0.2.1"), "is not a name here"),
        (format!("{longest} A 192.0.2.1"), "a name must have at most 255 octets"),
        (format!("a CNAME {longest}"), "a name must have at most 255 octets"),
        ("a\u{fffd} A 192.0.2.1".to_owned(), "is not a name here"),
    ] {
        assert!(problem(&text).contains(why), "{}", problem(&text));
    }
}

#[test]
fn a_delegation_with_glue_and_its_digests() {
    let read = entries(
        "$ORIGIN child.example.com.\n@ 86400 NS ns1\n NS ns2\n NS ns.other.example.\nns1 A 192.0.2.1\nns1 AAAA 2001:db8::1\nns2 A 192.0.2.2\n\
         @ DS 60485 5 1 ( 2BB183AF5F22588179A53B0A\n 98631FAD1A292118 )\n",
    );
    assert_eq!(read[1].rdata.to_string(), "ns2.child.example.com.");
    assert_eq!(read[6].rdata.to_string(), "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118");
    assert!(read.iter().all(|entry| entry.ttl == Some(86_400)), "a TTL goes on where there is no $TTL");
}

#[test]
fn a_file_as_a_provider_exports_it() {
    let read = entries(
        ";;\n;; Domain:     example.com.\n;; Exported:   2026-01-01 00:00:00\n;;\n\n;; SOA Record\n\
         example.com\t3600\tIN\tSOA\tada.ns.example.net. dns.example.net. (\n  2050000001 ; serial\n  10000\n 2400\n 604800\n 3600\n)\n\n\
         ;; NS Records\nexample.com.\t86400\tIN\tNS\tada.ns.example.net.\n\n;; CNAME Records\n\
         www.example.com.\t1\tIN\tCNAME\texample.com. ; cf_tags=cf-proxied:true\n",
    );
    // Without its dot, the name of the zone would be below the zone.
    assert_eq!(read[0].owner.to_string(), "example.com");
    assert_eq!(told("a SOA a b 1 2 3 4 5")[0].split(' ').nth(1), Some("a.example.com"), "other names stay relative");
    assert_eq!(read[2].comment.as_deref(), Some("cf_tags=cf-proxied:true"));
}

#[test]
fn twenty_thousand_lines_with_tabs_and_crlf_and_no_last_line_end() {
    let mut text = String::from("$TTL\t1h\r\n");
    for number in 0..20_000 {
        text += &format!("h{number}\t\tIN\tA\t192.0.{}.{}\t; host {number}\r\n", number / 256 % 256, number % 256);
    }
    text += "last IN A 192.0.2.1";
    let read = entries(text);
    assert_eq!(read.len(), 20_001);
    assert_eq!((read[19_999].line, read[19_999].comment.as_deref()), (20_001, Some("host 19999")));
    assert_eq!((read[20_000].line, read[20_000].ttl), (20_002, Some(3600)));
}
