//! What RFCs ask of whole messages, over real sockets and both transports. What answers hold is tested in `zone`.

use waymark_zone::published::RRset;

use super::*;
use crate::cookies::Secret;
use crate::test_zone::rrset;

const ASKED: &str = "127.0.0.11";
const ADDRESS: [u8; 4] = [192, 0, 2, 1];

/// A question for `www.example.test` with an OPT record and these options.
fn with_options(id: u16, options: &[u8]) -> Vec<u8> {
    let mut request = www(id);
    request[11] = 1;
    request.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, options.len() as u8]);
    request.extend(options);
    request
}

/// The options of the OPT record at the end of a response to `request`; it has no other record behind its answers.
fn options_of(response: &[u8]) -> &[u8] {
    let at = response.windows(5).rposition(|octets| octets == [0, 0, 41, 4, 208]).expect("an OPT record");
    let length = usize::from(u16::from_be_bytes([response[at + 9], response[at + 10]]));
    assert_eq!(response.len(), at + 11 + length);
    &response[at + 11..]
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7873_5_2_and_5_4_a_client_learns_a_cookie_and_keeps_it() {
    let options = Options { cookie_secrets: vec![Secret::new([9; 16])], ..options(&["0.0.0.0"], 1, Limits::default()) };
    let running = start_with(&options, &[(ASKED, ADDRESS)]);
    let client = running.udp(ASKED);
    let learnt = ask_udp(&client, &with_options(1, b"\0\x0a\0\x08abcdefgh"));
    let cookie = options_of(&learnt).to_vec();
    assert_eq!((&cookie[..12], cookie.len()), (&b"\0\x0a\0\x18abcdefgh"[..], 4 + 24));
    // RFC 7873 section 5.2.5: a good one comes back as it was.
    assert_eq!(options_of(&ask_udp(&client, &with_options(2, &cookie))), cookie);
    // RFC 7873 section 5.2.4: a bad one is answered, with a good one.
    let mut bad = cookie.clone();
    *bad.last_mut().unwrap() ^= 1;
    let answer = ask_udp(&client, &with_options(3, &bad));
    assert_eq!((rcode(&answer), &options_of(&answer)[..12]), (0, &cookie[..12]));
    // RFC 7873 section 5.4: without a question.
    let alone = |id: u8, cookie: &[u8]| {
        let opt = [&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, cookie.len() as u8], cookie].concat();
        [&[0, id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], &opt[..]].concat()
    };
    let good = ask_udp(&client, &alone(4, &cookie));
    assert_eq!((rcode(&good), options_of(&good)), (0, &cookie[..]));
    let refused = ask_udp(&client, &alone(5, &bad));
    // BADCOOKIE is 23: 1 in the OPT record, 7 in the header.
    assert_eq!((rcode(&refused), refused[12 + 5]), (7, 1));
    assert_eq!(running.server.statistics().udp.cookies.good, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7828_3_3_1_keepalive_over_udp_is_ignored() {
    let running = start(&["0.0.0.0"], 1, Limits::default(), &[(ASKED, ADDRESS)]);
    let asking = with_options(1, b"\0\x0b\0\0");
    assert_eq!(options_of(&ask_udp(&running.udp(ASKED), &asking)), b"");
    assert_eq!(options_of(&ask_tcp(&mut running.tcp(ASKED), &asking))[..4], *b"\0\x0b\0\x02");
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc6891_7_a_malformed_option_is_formerr_and_the_response_knows_edns() {
    let running = start(&["0.0.0.0"], 1, Limits::default(), &[(ASKED, ADDRESS)]);
    let malformed = with_options(1, b"\0\x0a\0\x09abcdefgh");
    for response in [ask_udp(&running.udp(ASKED), &malformed), ask_tcp(&mut running.tcp(ASKED), &malformed)] {
        assert_eq!((rcode(&response), options_of(&response)), (1, &b""[..]));
    }
}

/// A TXT RRset whose records take `octets` in an answer, their owners being pointers.
fn texts(owner: &str, octets: usize) -> RRset {
    let mut left = octets;
    let mut records = Vec::new();
    while left > 0 {
        let mut rest = if left > 2000 { 1000 } else { left - 12 };
        left -= 12 + rest;
        let mut data = Vec::new();
        while rest > 0 {
            let string = (rest - 1).min(200);
            data.push(string as u8);
            data.resize(data.len() + string, b'a' + records.len() as u8 % 26);
            rest -= 1 + string;
        }
        data[1] = records.len() as u8;
        records.push(data);
    }
    let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
    rrset(owner, RecordType::TXT, 300, &records)
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc1035_4_2_2_a_message_of_65535_octets_comes_whole_and_a_longer_one_is_a_server_failure() {
    let mut running = start(&["0.0.0.0"], 1, Limits::default(), &[(ASKED, ADDRESS)]);
    let before = query(0, "most.example.test", RecordType::TXT).len();
    let added = vec![texts("most.example.test", 65_535 - before), texts("more.example.test", 65_536 - before)];
    let entry = Entry {
        zone: ZoneNumber(1),
        version: Version(2),
        serial: Serial::new(2),
        change: Change::Delta { header: None, removed: vec![], added },
    };
    let (incarnation, position) = (Incarnation([1; 16]), Position(2));
    running.writer.apply(&[Commit { incarnation, position, entries: vec![entry], scopes: vec![] }]).unwrap();
    let mut client = running.tcp(ASKED);
    let most = ask_tcp(&mut client, &query(1, "most.example.test", RecordType::TXT));
    assert_eq!((most.len(), rcode(&most), most[2] & 2), (65_535, 0, 0));
    let more = ask_tcp(&mut client, &query(2, "more.example.test", RecordType::TXT));
    assert_eq!((more.len(), rcode(&more), more[2] & 2), (before, 2, 0));
    let cut = ask_udp(&running.udp(ASKED), &query(3, "more.example.test", RecordType::TXT));
    assert_eq!((rcode(&cut), cut[2] & 2), (0, 2));
}
