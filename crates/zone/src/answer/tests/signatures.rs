//! Signatures of RRsets: who gets them, which there are, and what happens while they are lacking.

use std::cell::{Cell, OnceCell};

use super::*;

/// Signs everything with the owner's name, so that it can be seen what was signed; nothing for the types left out.
struct Signer {
    without: Vec<RecordType>,
    /// What has been made, one after the other.
    made: [OnceCell<Box<[u8]>>; 64],
    next: Cell<usize>,
}

impl Signer {
    fn new(without: &[RecordType]) -> Self {
        Self { without: without.to_vec(), made: [const { OnceCell::new() }; 64], next: Cell::new(0) }
    }
}

impl Supplies for Signer {
    fn signature(&self, of: &SignatureOf<'_>) -> Option<&[u8]> {
        if self.without.contains(&of.record_type) {
            return None;
        }
        let wildcard: &[u8] = if of.wildcard { b"\x01*" } else { b"" };
        let signer = [&of.record_type.0.to_be_bytes()[..], &[13, 2], &[0; 14], wildcard, of.name, &[7; 64]].concat();
        let place = &self.made[self.next.replace(self.next.get() + 1)];
        Some(place.get_or_init(|| signer.into_boxed_slice()))
    }
}

const DO: &[u8] = b"\0\0\x29\x04\xd0\0\0\x80\0\0\0";

fn signed(lines: &[&str]) -> Server {
    Server::zone(ZoneHeader { signed: true, ..header("example", 1, &[1]) }, lines)
}

/// The octets of the answer, or what is lacking (`owner type`).
fn ask_with(
    server: &Server,
    question: &str,
    opt: &[u8],
    supplies: &dyn Supplies,
    transport: Transport,
) -> Result<Vec<u8>, Vec<String>> {
    let request = request(question, opt);
    let (request, mut needs, mut out) = (Request::parse(&request), Needs::new(), vec![0; 65_535]);
    let mut reader = server.catalog.reader();
    let from = from_stranger(transport);
    match answer(&reader.view(), &request, &from, &server.settings, supplies, &mut needs, &mut out) {
        Outcome::Answered(answered) => Ok(out[..answered.length].to_vec()),
        Outcome::Wait(_) => Err(needs
            .signatures()
            .map(|of| {
                let name = waymark_wire::Name::from_wire(of.name).unwrap();
                format!("{}{name} {}", if of.wildcard { "*." } else { "" }, of.record_type)
            })
            .collect()),
        Outcome::Silent => panic!("silence"),
    }
}

fn needs(server: &Server, question: &str) -> Vec<String> {
    ask_with(server, question, DO, &NoSupplies, Transport::Tcp).unwrap_err()
}

/// The sections as `owner type`, for a signature `owner RRSIG(type covered)`.
fn answered(server: &Server, question: &str) -> [Vec<String>; 3] {
    let octets = ask_with(server, question, DO, &Signer::new(&[]), Transport::Tcp).unwrap();
    let reply = Reply::read(&octets);
    [reply.answer, reply.authority, reply.additional].map(|section| {
        let brief = |line: &String| {
            let words: Vec<&str> = line.split(' ').collect();
            match words[2] {
                "RRSIG" => format!("{} RRSIG({})", words[0], words[3]),
                other => format!("{} {other}", words[0]),
            }
        };
        section.iter().map(brief).collect()
    })
}

#[test]
fn rfc4035_3_1_signatures_are_for_who_wants_them() {
    let server = signed(&["www.example A 192.0.2.1"]);
    for opt in [&b""[..], OPT] {
        let octets = ask_with(&server, "www.example A", opt, &Signer::new(&[]), Transport::Tcp).unwrap();
        assert_eq!(Reply::read(&octets), positive(&["www.example 300 A 192.0.2.1"]));
    }
    let unsigned = Server::with(&["www.example A 192.0.2.1"]);
    let octets = ask_with(&unsigned, "www.example A", DO, &NoSupplies, Transport::Tcp).unwrap();
    assert_eq!(Reply::read(&octets), positive(&["www.example 300 A 192.0.2.1"]));
    assert_eq!(answered(&server, "www.example A")[0], ["www.example A", "www.example RRSIG(A)"]);
}

#[test]
fn rfc4035_3_1_1_every_rrset_of_a_response_comes_with_its_signature() {
    let server = signed(&["alias.example CNAME www.example.", "www.example A 192.0.2.1"]);
    let [answer, ..] = answered(&server, "alias.example A");
    assert_eq!(answer, ["alias.example CNAME", "alias.example RRSIG(CNAME)", "www.example A", "www.example RRSIG(A)"]);
    let [_, authority, _] = answered(&server, "www.example AAAA");
    assert_eq!(authority, ["example SOA", "example RRSIG(SOA)"]);
    let [answer, ..] = answered(&server, "example NS");
    assert_eq!(answer, ["example NS", "example NS", "example RRSIG(NS)"]);
}

#[test]
fn rfc4035_3_1_1_an_rrset_whose_signature_does_not_fit_is_truncated() {
    let texts: Vec<String> = (0..4).map(|number| format!("www.example TXT {number}{}", "x".repeat(100))).collect();
    let server = signed(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let mut opt = DO.to_vec();
    let all = ask_with(&server, "www.example TXT", DO, &Signer::new(&[]), Transport::Tcp).unwrap().len() as u16;
    for (size, truncated) in [(all, false), (all - 1, true)] {
        opt[3..5].copy_from_slice(&size.to_be_bytes());
        let octets = ask_with(&server, "www.example TXT", &opt, &Signer::new(&[]), Transport::Udp).unwrap();
        let reply = Reply::read(&octets);
        assert_eq!((reply.truncated, reply.answer.is_empty()), (truncated, truncated), "{size} of {all}");
    }
}

#[test]
fn rfc4035_2_2_the_ns_rrset_of_a_cut_and_glue_have_no_signatures() {
    let ds = "signed.example DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    let server = signed(&["signed.example NS ns.signed.example.", "ns.signed.example A 192.0.2.1", ds]);
    let [answer, authority, additional] = answered(&server, "x.signed.example A");
    assert_eq!(answer, NOTHING);
    assert_eq!(authority, ["signed.example NS", "signed.example DS", "signed.example RRSIG(DS)"]);
    assert_eq!(additional, ["ns.signed.example A"]);
    assert_eq!(needs(&server, "x.signed.example A"), ["signed.example DS"]);
}

#[test]
fn rfc6672_5_3_1_the_dname_is_signed_and_what_it_makes_is_not() {
    let server = signed(&["d.example DNAME t.example.", "a.t.example A 192.0.2.1"]);
    let [answer, ..] = answered(&server, "a.d.example A");
    let expected =
        ["d.example DNAME", "d.example RRSIG(DNAME)", "a.d.example CNAME", "a.t.example A", "a.t.example RRSIG(A)"];
    assert_eq!(answer, expected);
    assert_eq!(needs(&server, "a.d.example A"), ["d.example DNAME", "a.t.example A"]);
}

#[test]
fn rfc4035_3_1_3_3_a_synthesized_rrset_has_the_signature_of_its_wildcard() {
    let server = signed(&["*.example A 192.0.2.1"]);
    assert_eq!(needs(&server, "a.b.Example A"), ["*.example A"]);
    assert_eq!(needs(&server, "*.example A"), ["*.example A"], "asked for by its own name");
    assert_eq!(answered(&server, "a.example A")[0], ["a.example A", "a.example RRSIG(A)"]);
}

#[test]
fn all_that_is_lacking_is_said_at_once() {
    let server = signed(&["a.example CNAME b.example.", "b.example CNAME c.example.", "www.example A 192.0.2.1"]);
    assert_eq!(needs(&server, "a.example A"), ["a.example CNAME", "b.example CNAME", "example SOA"]);
    let partly = ask_with(&server, "a.example A", DO, &Signer::new(&[RecordType::SOA]), Transport::Tcp);
    assert_eq!(partly.unwrap_err(), ["example SOA"]);
}

#[test]
fn rfc4035_3_1_1_additional_data_waits_for_no_signature() {
    let server = signed(&["example MX 1 mail.example.", "mail.example A 192.0.2.1"]);
    assert_eq!(needs(&server, "example MX"), ["example MX"]);
    let [answer, _, additional] = answered(&server, "example MX");
    assert_eq!((answer.len(), additional), (2, vec!["mail.example A".to_owned()]));
}
